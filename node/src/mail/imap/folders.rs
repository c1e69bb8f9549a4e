//! Which folder plays which role: attributes before names, and no guess when neither tells.

use serde::{Deserialize, Serialize};

use super::{
    answer::Untagged,
    session::{ImapError, ImapSession, quoted},
    utf7,
};
use crate::mail::stream::SHORT_BUDGET;

/// A LIST answer: several thousand folders.
const LIST_BUDGET: usize = 1024 * 1024;
/// The one folder that is ours.
const OWN_FOLDER: &str = "Warmnet";

/// Names of the junk folder where the server gives no attribute, decoded, last part, lower case. As few as
/// possible: English defaults of the large servers and the localised ones seen most.
const JUNK_NAMES: &[&str] = &[
    "junk",
    "spam",
    "junk email",
    "junk e-mail",
    "junk mail",
    "bulk",
    "bulk mail",
    "junk-e-mail",
    "spamverdacht",
    "courrier ind\u{e9}sirable",
    "ind\u{e9}sirables",
    "correo no deseado",
    "posta indesiderata",
];
/// The same for sent mail.
const SENT_NAMES: &[&str] = &["sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete elemente"];

/// What a folder is to us.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderRole {
    /// Where wanted mail arrives.
    Inbox,
    /// A tab of the inbox (promotions and the like). IMAP does not tell tabs, so the engine never reports it
    /// by itself; the role exists for providers that have another way.
    Tab,
    /// Where the provider puts what it takes for spam.
    Junk,
    /// Our own folder for handled mail.
    Warmnet,
    /// The owner's sent mail, or all mail where sent mail is a view of it.
    Sent,
}

/// One line of LIST.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Listed {
    /// As the server writes it (modified UTF-7).
    pub(super) name: String,
    pub(super) delimiter: Option<String>,
    pub(super) selectable: bool,
    /// Lower case, without backslash: `junk`, `sent`, `all`, `spam`.
    pub(super) uses: Vec<String>,
}

/// The raw names of the folders we use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Folders {
    /// Always there (RFC 3501 section 5.1).
    pub inbox: String,
    /// `None`: the server has none that we can tell; placement in spam can't be seen there.
    pub junk: Option<String>,
    /// Sent mail; `None` when unknown.
    pub sent: Option<String>,
    /// All mail (Gmail); `None` elsewhere.
    pub all: Option<String>,
    /// The bin; `None` when unknown.
    pub trash: Option<String>,
    /// Our own folder: its name, existing or not.
    pub warmnet: String,
    /// Whether it exists.
    pub warmnet_exists: bool,
}

impl Folders {
    /// The raw name for a role; all mail stands in for sent mail.
    pub(super) fn name(&self, role: FolderRole) -> Option<&str> {
        match role {
            FolderRole::Inbox | FolderRole::Tab => Some(&self.inbox),
            FolderRole::Junk => self.junk.as_deref(),
            FolderRole::Warmnet => self.warmnet_exists.then_some(self.warmnet.as_str()),
            FolderRole::Sent => self.sent.as_deref().or(self.all.as_deref()),
        }
    }
}

/// Lists the folders and assigns the roles.
pub(crate) async fn find(session: &mut ImapSession) -> Result<Folders, ImapError> {
    Ok(choose(&list(session).await?))
}

/// All folders, with their uses where the server knows them.
pub(super) async fn list(session: &mut ImapSession) -> Result<Vec<Listed>, ImapError> {
    let plain = "LIST \"\" \"*\"";
    let answer = if session.able.list_special_use {
        match session.run("LIST \"\" \"*\" RETURN (SPECIAL-USE)", LIST_BUDGET).await {
            Err(e) if !e.is_fatal() || matches!(e, ImapError::Bad { .. }) => session.run(plain, LIST_BUDGET).await?,
            other => other?,
        }
    } else {
        session.run(plain, LIST_BUDGET).await?
    };
    let listed = answer.untagged.into_iter().filter_map(|data| match data {
        Untagged::List(listed) => Some(listed),
        _ => None,
    });
    Ok(listed.collect())
}

/// The roles, from a list.
pub(super) fn choose(listed: &[Listed]) -> Folders {
    let by_use = |wanted: &[&str]| {
        listed.iter().find(|l| l.selectable && l.uses.iter().any(|u| wanted.contains(&u.as_str()))).map(|l| l.name.clone())
    };
    let by_name = |names: &[&str]| {
        names.iter().find_map(|name| {
            let hit = |l: &&Listed| l.selectable && last_part(l).to_lowercase() == *name;
            listed.iter().find(hit).map(|l| l.name.clone())
        })
    };
    let prefix = namespace_prefix(listed);
    let warmnet = format!("{prefix}{OWN_FOLDER}");
    Folders {
        inbox: listed.iter().find(|l| l.name.eq_ignore_ascii_case("INBOX")).map_or_else(|| "INBOX".to_owned(), |l| l.name.clone()),
        junk: by_use(&["junk", "spam"]).or_else(|| by_name(JUNK_NAMES)),
        sent: by_use(&["sent"]).or_else(|| by_name(SENT_NAMES)),
        all: by_use(&["all"]),
        trash: by_use(&["trash"]),
        warmnet_exists: listed.iter().any(|l| l.name == warmnet),
        warmnet,
    }
}

/// The last part of a name, decoded.
fn last_part(listed: &Listed) -> String {
    let name = utf7::decode(&listed.name);
    match listed.delimiter.as_deref() {
        Some(delimiter) if !delimiter.is_empty() => name.rsplit(delimiter).next().unwrap_or_default().to_owned(),
        _ => name,
    }
}

/// What stands between a folder's name and its parent's; empty where folders don't nest.
fn delimiter(listed: &[Listed]) -> String {
    listed.iter().find_map(|l| l.delimiter.clone()).unwrap_or_default()
}

/// `INBOX.` or the like where every folder lives under the inbox, else nothing. Read off the list, since the
/// IMAP library can't read NAMESPACE.
fn namespace_prefix(listed: &[Listed]) -> String {
    let delimiter = delimiter(listed);
    let prefix = format!("INBOX{delimiter}");
    let mut others = listed.iter().filter(|l| !l.name.eq_ignore_ascii_case("INBOX")).peekable();
    let under_inbox = !delimiter.is_empty()
        && others.peek().is_some()
        && others.all(|l| l.name.get(..prefix.len()).is_some_and(|p| p.eq_ignore_ascii_case(&prefix)));
    if under_inbox { prefix } else { String::new() }
}

/// Creates our own folder where it is missing; under the inbox where the server takes no other (a list that shows
/// nothing but the inbox tells nothing).
pub(super) async fn ensure_own(session: &mut ImapSession, folders: &mut Folders) -> Result<(), ImapError> {
    if folders.warmnet_exists {
        return Ok(());
    }
    if create_own(session, &folders.warmnet).await? {
        folders.warmnet_exists = true;
        return Ok(());
    }
    // Somebody else may have created it meanwhile.
    let listed = list(session).await?;
    *folders = choose(&listed);
    let under_inbox = format!("INBOX{}{OWN_FOLDER}", delimiter(&listed));
    if !folders.warmnet_exists && folders.warmnet != under_inbox && create_own(session, &under_inbox).await? {
        (folders.warmnet, folders.warmnet_exists) = (under_inbox, true);
    }
    Ok(())
}

/// Creates a folder. Returns false when the server says no.
pub(super) async fn create_own(session: &mut ImapSession, name: &str) -> Result<bool, ImapError> {
    match session.run(&format!("CREATE {}", quoted(name)?), SHORT_BUDGET).await {
        Ok(_) => Ok(true),
        Err(ImapError::No { .. }) => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, delimiter: &str, uses: &[&str]) -> Listed {
        Listed {
            name: name.into(),
            delimiter: Some(delimiter.into()),
            selectable: true,
            uses: uses.iter().map(|u| (*u).to_owned()).collect(),
        }
    }

    #[test]
    fn the_attribute_wins_over_the_name() {
        let list = [
            folder("INBOX", "/", &[]),
            folder("Spam", "/", &[]),
            folder("[Gmail]/Pourriel", "/", &["junk"]),
            folder("[Gmail]/Tous", "/", &["all"]),
        ];
        let got = choose(&list);
        assert_eq!(got.junk.as_deref(), Some("[Gmail]/Pourriel"));
        assert_eq!(got.name(FolderRole::Sent), Some("[Gmail]/Tous"));
        assert_eq!(got.warmnet, "Warmnet");
    }

    #[test]
    fn names_help_where_attributes_are_missing() {
        let list = [folder("INBOX", ".", &[]), folder("INBOX.Junk", ".", &[]), folder("INBOX.Sent", ".", &[])];
        let got = choose(&list);
        assert_eq!(got.junk.as_deref(), Some("INBOX.Junk"));
        assert_eq!(got.sent.as_deref(), Some("INBOX.Sent"));
        assert_eq!(got.warmnet, "INBOX.Warmnet");
        assert!(!got.warmnet_exists);
    }

    #[test]
    fn an_encoded_name_is_compared_decoded_and_kept_raw() {
        let raw = "Courrier ind&AOk-sirable";
        let got = choose(&[folder("INBOX", "/", &[]), folder(raw, "/", &[])]);
        assert_eq!(got.junk.as_deref(), Some(raw));
    }

    #[test]
    fn nothing_is_guessed() {
        let got = choose(&[folder("INBOX", "/", &[]), folder("Rubbish", "/", &[])]);
        assert_eq!(got.junk, None);
        assert_eq!(choose(&[]).inbox, "INBOX");
    }

    #[test]
    fn a_folder_that_cant_be_selected_is_no_role() {
        let mut only = folder("Spam", "/", &["junk"]);
        only.selectable = false;
        assert_eq!(choose(&[only]).junk, None);
    }
}
