//! Server responses as plain owned values: what we use of them, the rest dropped at once.

use async_imap::imap_proto::{
    AttributeValue, Capability, MailboxDatum, MessageSection, NameAttribute, Outcome, Response, ResponseCode, SectionPath, Status,
    StatusAttribute, rfc4315::UidSetMember,
};

use super::{folders::Listed, quota};

/// COPYUID pairs kept of one answer; a batch of acts is smaller.
const MAX_COPIED: usize = 4096;

/// One response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Line {
    /// The go-ahead `+`.
    Continue,
    /// The tagged end of a command.
    Done { tag: String, status: End, copied: Option<Copied> },
    /// Everything else.
    Untagged(Untagged),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Ok,
    No,
    Bad,
}

/// Untagged data.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Untagged {
    Bye,
    /// Upper case.
    Capabilities(Vec<String>),
    UidValidity(u32),
    UidNext(u32),
    Exists(u32),
    Recent,
    List(Listed),
    Search(Vec<u32>),
    Status {
        uid_validity: Option<u32>,
        uid_next: Option<u32>,
    },
    Fetch(Fetched),
    Copied(Copied),
    /// The fullest resource of one quota root; `None` where none has a limit.
    Quota {
        percent: Option<u8>,
    },
    Other,
}

/// One mail's FETCH data.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Fetched {
    pub(super) uid: Option<u32>,
    pub(super) size: u32,
    pub(super) internal: Option<String>,
    /// Whether \Deleted is among the FLAGS.
    pub(super) deleted: bool,
    /// X-GM-MSGID.
    pub(super) gmail_id: Option<u64>,
    /// X-GM-LABELS.
    pub(super) gmail_labels: Vec<String>,
    /// Of BODY[HEADER.FIELDS ..].
    pub(super) header: Option<Vec<u8>>,
    /// Of BODY[].
    pub(super) body: Option<Vec<u8>>,
}

/// COPYUID (RFC 4315): where mails went.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Copied {
    /// Of the target folder.
    pub(super) uid_validity: u32,
    /// (source UID, target UID).
    pub(super) pairs: Vec<(u32, u32)>,
}

impl Line {
    pub(super) fn read(response: &Response<'_>) -> Self {
        match response {
            Response::Continue(_) => Self::Continue,
            Response::Done { tag, status, outcome } => Self::Done {
                tag: tag.0.clone(),
                status: match status {
                    Status::Ok => End::Ok,
                    Status::No => End::No,
                    _ => End::Bad,
                },
                copied: copied(outcome),
            },
            other => Self::Untagged(untagged(other)),
        }
    }
}

fn untagged(response: &Response<'_>) -> Untagged {
    match response {
        Response::Data { status: Status::Bye, .. } => Untagged::Bye,
        Response::Data { outcome, .. } => match &outcome.code {
            Some(ResponseCode::UidValidity(n)) => Untagged::UidValidity(*n),
            Some(ResponseCode::UidNext(n)) => Untagged::UidNext(*n),
            _ => copied(outcome).map_or(Untagged::Other, Untagged::Copied),
        },
        Response::Capabilities(list) => Untagged::Capabilities(
            list.iter()
                .filter_map(|c| match c {
                    Capability::Atom(name) => Some(name.to_ascii_uppercase()),
                    _ => None,
                })
                .collect(),
        ),
        Response::Fetch(_, attributes) => Untagged::Fetch(fetched(attributes)),
        Response::Quota(quota) => {
            Untagged::Quota { percent: quota.resources.iter().filter_map(|r| quota::percent(r.usage, r.limit)).max() }
        }
        Response::MailboxData(data) => match data {
            MailboxDatum::Exists(n) => Untagged::Exists(*n),
            MailboxDatum::Recent(_) => Untagged::Recent,
            MailboxDatum::Search(uids) => Untagged::Search(uids.clone()),
            MailboxDatum::Status { status, .. } => {
                let mut found = (None, None);
                for attribute in status {
                    match attribute {
                        StatusAttribute::UidValidity(n) => found.0 = Some(*n),
                        StatusAttribute::UidNext(n) => found.1 = Some(*n),
                        _ => {}
                    }
                }
                Untagged::Status { uid_validity: found.0, uid_next: found.1 }
            }
            MailboxDatum::List(list) => Untagged::List(Listed {
                name: list.name.to_string(),
                delimiter: list.delimiter.as_ref().map(ToString::to_string),
                selectable: !list.name_attributes.contains(&NameAttribute::NoSelect),
                uses: list.name_attributes.iter().filter_map(special_use).collect(),
            }),
            _ => Untagged::Other,
        },
        _ => Untagged::Other,
    }
}

fn special_use(attribute: &NameAttribute<'_>) -> Option<String> {
    match attribute {
        NameAttribute::Junk => Some("junk".to_owned()),
        NameAttribute::Sent => Some("sent".to_owned()),
        NameAttribute::All => Some("all".to_owned()),
        NameAttribute::Trash => Some("trash".to_owned()),
        NameAttribute::Extension(text) => Some(text.trim_start_matches('\\').to_ascii_lowercase()),
        _ => None,
    }
}

fn fetched(attributes: &[AttributeValue<'_>]) -> Fetched {
    let mut out = Fetched::default();
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(n) => out.uid = Some(*n),
            AttributeValue::Rfc822Size(n) => out.size = *n,
            AttributeValue::InternalDate(text) => out.internal = Some(text.to_string()),
            AttributeValue::Flags(flags) => out.deleted = flags.iter().any(|f| f.eq_ignore_ascii_case("\\Deleted")),
            AttributeValue::GmailMsgId(id) => out.gmail_id = Some(*id),
            AttributeValue::GmailLabels(labels) => out.gmail_labels = labels.iter().map(ToString::to_string).collect(),
            AttributeValue::BodySection { section, data: Some(data), .. } => match section {
                Some(SectionPath::Full(MessageSection::Header)) => {
                    out.header = Some(data.to_vec());
                }
                None => out.body = Some(data.to_vec()),
                _ => {}
            },
            _ => {}
        }
    }
    out
}

fn copied(outcome: &Outcome<'_>) -> Option<Copied> {
    let Some(ResponseCode::CopyUid(uid_validity, from, to)) = &outcome.code else { return None };
    let pairs = flat(from).zip(flat(to)).take(MAX_COPIED).collect();
    Some(Copied { uid_validity: *uid_validity, pairs })
}

fn flat(set: &[UidSetMember]) -> impl Iterator<Item = u32> {
    set.iter().flat_map(|member| match member {
        UidSetMember::Uid(n) => *n..=*n,
        UidSetMember::UidRange(range) => range.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        let text = format!("{text}\r\n");
        let (rest, response) = Response::parse(text.as_bytes()).expect("a response");
        assert!(rest.is_empty());
        Line::read(&response)
    }

    #[test]
    fn copyuid_pairs_follow_the_order_given() {
        let want = Copied { uid_validity: 7, pairs: vec![(3, 20), (8, 21), (9, 22)] };
        let got = line("* OK [COPYUID 7 3,8:9 20:22] moved");
        assert_eq!(got, Line::Untagged(Untagged::Copied(want.clone())));
        let got = line("a1 OK [COPYUID 7 3,8:9 20:22] copied");
        assert_eq!(got, Line::Done { tag: "a1".into(), status: End::Ok, copied: Some(want) });
    }

    #[test]
    fn an_endless_range_is_cut() {
        let Line::Untagged(Untagged::Copied(got)) = line("* OK [COPYUID 7 1:4294967295 1:4294967295] x") else {
            panic!("no COPYUID read");
        };
        assert_eq!(got.pairs.len(), MAX_COPIED);
    }

    #[test]
    fn folders_keep_their_uses() {
        let Line::Untagged(Untagged::List(got)) = line("* LIST (\\HasNoChildren \\Junk) \"/\" \"[Gmail]/Spam\"") else {
            panic!("no LIST read");
        };
        assert!(got.uses.contains(&"junk".to_owned()) && got.selectable);
        assert_eq!((got.name.as_str(), got.delimiter.as_deref()), ("[Gmail]/Spam", Some("/")));
    }

    #[test]
    fn gmails_own_items_and_quotas_are_read() {
        let got = line(
            "* 1 FETCH (UID 3 X-GM-MSGID 1278455344230334865 X-GM-LABELS (\\Inbox \\Important \"Muy &AOk-\") FLAGS (\\Seen \\Deleted))",
        );
        let want = Fetched {
            uid: Some(3),
            deleted: true,
            gmail_id: Some(1_278_455_344_230_334_865),
            gmail_labels: vec!["\\Inbox".into(), "\\Important".into(), "Muy &AOk-".into()],
            ..Fetched::default()
        };
        assert_eq!(got, Line::Untagged(Untagged::Fetch(want)));
        let got = line("* QUOTA \"\" (STORAGE 95 100 MESSAGE 10 1000)");
        assert_eq!(got, Line::Untagged(Untagged::Quota { percent: Some(95) }));
        assert_eq!(line("* QUOTA \"\" ()"), Line::Untagged(Untagged::Quota { percent: None }));
    }

    #[test]
    fn status_and_partial_bodies_are_read() {
        let got = line("* STATUS Junk (UIDNEXT 4 UIDVALIDITY 9)");
        let want = Untagged::Status { uid_validity: Some(9), uid_next: Some(4) };
        assert_eq!(got, Line::Untagged(want));
        let got = line("* 1 FETCH (UID 3 BODY[]<0> {2}\r\nhi)");
        let want = Fetched { uid: Some(3), body: Some(b"hi".to_vec()), ..Fetched::default() };
        assert_eq!(got, Line::Untagged(Untagged::Fetch(want)));
    }
}
