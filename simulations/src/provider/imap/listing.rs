//! LIST, LSUB and STATUS.

use super::super::config::Flavor;
use super::super::store::{Mailbox, Role};
use super::view::folder_name;
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox as Name};
use imap_codec::imap_types::status::StatusDataItemName;

/// A folder's name in a command.
pub(super) fn named(name: &Name<'_>) -> String {
    match name {
        Name::Inbox => "INBOX".to_owned(),
        Name::Other(other) => String::from_utf8_lossy(other.inner().as_ref()).into_owned(),
    }
}

fn special(role: Role) -> Option<&'static str> {
    Some(match role {
        Role::Junk => r"\Junk",
        Role::Sent => r"\Sent",
        Role::Trash => r"\Trash",
        Role::Drafts => r"\Drafts",
        Role::All => r"\All",
        Role::Inbox | Role::Other => return None,
    })
}

/// Writes the folders that fit; `verb` is LIST or LSUB.
pub(super) fn list(mailbox: &Mailbox, verb: &str, reference: &Name<'_>, pattern: &ListMailbox<'_>, special_only: bool, out: &mut Vec<u8>) {
    let pattern = match pattern {
        ListMailbox::Token(t) => String::from_utf8_lossy(t.as_ref()).into_owned(),
        ListMailbox::String(s) => String::from_utf8_lossy(s.as_ref()).into_owned(),
    };
    let delimiter = mailbox.imap.namespace.delimiter();
    let fits = |pattern: &str, name: &str| fits(pattern.as_bytes(), name.as_bytes(), delimiter);
    if pattern.is_empty() {
        let prefix = mailbox.imap.namespace.prefix();
        out.extend_from_slice(format!("* {verb} (\\Noselect) \"{delimiter}\" \"{prefix}\"\r\n").as_bytes());
        return;
    }
    let pattern = format!("{}{pattern}", named(reference));
    if mailbox.flavor == Flavor::Gmail && !special_only && fits(&pattern, "[Gmail]") {
        out.extend_from_slice(format!("* {verb} (\\HasChildren \\Noselect) \"/\" \"[Gmail]\"\r\n").as_bytes());
    }
    for (name, f) in mailbox.folders().iter() {
        let attribute = special(f.role);
        let matches = fits(&pattern, name) || (f.role == Role::Inbox && pattern.eq_ignore_ascii_case("inbox"));
        if !matches || (special_only && attribute.is_none()) {
            continue;
        }
        let attributes = attribute.map_or_else(|| r"\HasNoChildren".to_owned(), |a| format!(r"\HasNoChildren {a}"));
        out.extend_from_slice(format!("* {verb} ({attributes}) \"{delimiter}\" {}\r\n", folder_name(name)).as_bytes());
    }
}

/// Whether a name fits a pattern: `*` is anything, `%` anything without the delimiter.
fn fits(pattern: &[u8], name: &[u8], delimiter: char) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|i| fits(rest, &name[i..], delimiter)),
        Some((b'%', rest)) => {
            let end = name.iter().position(|b| char::from(*b) == delimiter).unwrap_or(name.len());
            (0..=end).any(|i| fits(rest, &name[i..], delimiter))
        }
        Some((c, rest)) => name.first() == Some(c) && fits(rest, &name[1..], delimiter),
    }
}

/// Writes a STATUS answer; `false`: no such folder.
pub(super) fn status(mailbox: &Mailbox, name: &str, items: &[StatusDataItemName], out: &mut Vec<u8>) -> bool {
    let folders = mailbox.folders();
    let Some(f) = folders.get(name) else { return false };
    let count = |flag: &str, wanted: bool| f.mails.iter().filter(|m| m.flags.contains(flag) == wanted).count();
    let item = |i: &StatusDataItemName| match i {
        StatusDataItemName::Messages => format!("MESSAGES {}", f.mails.len()),
        StatusDataItemName::UidNext => format!("UIDNEXT {}", f.uid_next),
        StatusDataItemName::UidValidity => format!("UIDVALIDITY {}", f.uid_validity),
        StatusDataItemName::Unseen => format!("UNSEEN {}", count(r"\Seen", false)),
        StatusDataItemName::Deleted => format!("DELETED {}", count(r"\Deleted", true)),
        _ => "RECENT 0".to_owned(),
    };
    let items: Vec<String> = items.iter().map(item).collect();
    out.extend_from_slice(format!("* STATUS {} ({})\r\n", folder_name(name), items.join(" ")).as_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, wanted) in [
            ("*", "[Gmail]/Spam", true),
            ("%", "[Gmail]/Spam", false),
            ("%", "INBOX", true),
            ("[Gmail]/%", "[Gmail]/Spam", true),
            ("J*k", "Junk", true),
            ("Jun", "Junk", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes(), '/'), wanted, "{pattern} {name}");
        }
        assert!(fits(b"INBOX.%", b"INBOX.Junk", '.') && !fits(b"%", b"INBOX.Junk", '.'));
    }
}
