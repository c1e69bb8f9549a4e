//! Gmail's own FETCH items and the LIST options that the codec does not know: they are cut out of the line before it is
//! decoded, and answered by a small encoder of our own.

use super::super::store::{Mail, Mailbox, Role};
use super::quote::string;

/// What was asked for beside what the codec knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// X-GM-MSGID.
    pub id: bool,
    /// X-GM-THRID.
    pub thread: bool,
    /// X-GM-LABELS.
    pub labels: bool,
    /// LIST (SPECIAL-USE): only folders with a special use.
    pub special_only: bool,
}

/// Cuts the extensions out of a command line (no literals in it).
pub(super) fn take(line: &str) -> (String, Asked) {
    let mut asked = Asked::default();
    let upper = line.to_ascii_uppercase();
    let verb = upper.split(' ').nth(1).unwrap_or_default();
    if verb == "LIST" {
        let mut text = line.trim_end().to_owned();
        if let Some(at) = text.to_ascii_uppercase().rfind(" RETURN (") {
            text.truncate(at);
        }
        if let Some(at) = text.to_ascii_uppercase().find(" (SPECIAL-USE) ") {
            text.replace_range(at..at + " (SPECIAL-USE)".len(), "");
            asked.special_only = true;
        }
        return (format!("{text}\r\n"), asked);
    }
    if !upper.contains("FETCH ") || !upper.contains("X-GM-") {
        return (line.to_owned(), asked);
    }
    let mut text = line.trim_end().to_owned();
    for (item, flag) in [("X-GM-MSGID", &mut asked.id), ("X-GM-THRID", &mut asked.thread), ("X-GM-LABELS", &mut asked.labels)] {
        while let Some(at) = text.to_ascii_uppercase().find(item) {
            *flag = true;
            // An item stands between spaces or parentheses; UID takes its place, which costs nothing.
            text.replace_range(at..at + item.len(), "UID");
        }
    }
    (format!("{text}\r\n"), asked)
}

impl Asked {
    /// Writes the items, each with a space before it.
    pub(super) fn write(self, mailbox: &Mailbox, folder: &str, mail: &Mail, out: &mut Vec<u8>) {
        if self.id {
            out.extend_from_slice(format!(" X-GM-MSGID {}", mail.gm_id).as_bytes());
        }
        if self.thread {
            // Every mail is a thread of its own: clients here don't thread.
            out.extend_from_slice(format!(" X-GM-THRID {}", mail.gm_id).as_bytes());
        }
        if self.labels {
            out.extend_from_slice(b" X-GM-LABELS (");
            let mut first = true;
            let folders = mailbox.folders();
            let others = folders
                .iter()
                .filter(|(n, f)| n.as_str() != folder && f.role != Role::All && f.mails.iter().any(|m| m.gm_id == mail.gm_id));
            for (name, f) in others {
                if !std::mem::take(&mut first) {
                    out.push(b' ');
                }
                let label = match f.role {
                    Role::Inbox => r"\Inbox",
                    Role::Sent => r"\Sent",
                    Role::Junk => r"\Spam",
                    Role::Trash => r"\Trash",
                    Role::Drafts => r"\Draft",
                    _ => name.as_str(),
                };
                string(out, label.as_bytes());
            }
            out.push(b')');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_cut_out() {
        let (line, asked) = take("a UID FETCH 1:* (UID X-GM-MSGID x-gm-labels FLAGS)\r\n");
        assert_eq!(line, "a UID FETCH 1:* (UID UID UID FLAGS)\r\n");
        assert!(asked.id && asked.labels && !asked.thread);
        let (line, asked) = take("b LIST (SPECIAL-USE) \"\" \"*\" RETURN (SPECIAL-USE)\r\n");
        assert_eq!((line.as_str(), asked.special_only), ("b LIST \"\" \"*\"\r\n", true));
        assert_eq!(take("c NOOP\r\n").0, "c NOOP\r\n");
    }
}
