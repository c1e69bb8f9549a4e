//! What a report returns of the mail it is about: the whole mail, its header, or less.

use crate::mail::fields;
use mail_parser::{HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};
use warmnet_protocol::wire::label::LABEL_HEADER;

/// A longer one is no Message-ID (RFC 5322 lines have at most 998 characters).
const MAX_ID: usize = 998;

/// The returned header fields that matter. All of it is the reporter's word.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Original {
    /// Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// The only address of From.
    pub from: Option<String>,
    /// The only address of To.
    pub to: Option<String>,
    /// Value of the label header, if it is there once.
    pub label: Option<String>,
}

// Holds addresses of the owner's mail.
impl std::fmt::Debug for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Original(labelled: {})", self.label.is_some())
    }
}

impl Original {
    /// The first returned mail or header among a report's parts; none when its header is cut off, for the label could
    /// stand in what is missing.
    pub(super) fn of(message: &Message<'_>) -> Option<Self> {
        message.parts.iter().find_map(|part| match &part.body {
            PartType::Message(inner) => Some(returned(message, part, inner)).filter(|b| has_end(b)).map(Self::read),
            _ if is_header_part(part) => {
                let closed = has_end(part.contents()) || (part.offset_end as usize) < message.raw_message.len();
                closed.then(|| Self::read(part.contents()))
            }
            _ => None,
        })
    }

    /// Reads a header block; white space before it is skipped.
    pub(super) fn read(block: &[u8]) -> Self {
        let block = block.trim_ascii_start();
        let all = fields::fields(block);
        let parsed = MessageParser::default().parse_headers(block);
        let address = |name: HeaderName<'static>| parsed.as_ref().and_then(|m| only_address(m, name));
        Self {
            message_id: fields::only(&all, "Message-ID").and_then(|id| bare(&id)),
            from: address(HeaderName::From),
            to: address(HeaderName::To),
            label: fields::only(&all, LABEL_HEADER),
        }
    }
}

/// The bytes of a returned mail, from its first header field on.
fn returned<'a>(outer: &'a Message<'_>, part: &MessagePart<'_>, inner: &'a Message<'_>) -> &'a [u8] {
    let whole = outer.raw_message.get(part.offset_body as usize..).unwrap_or_default();
    // Decoded from base64 or quoted-printable it has bytes of its own.
    if part.encoding == mail_parser::Encoding::None { whole } else { inner.raw_message.as_ref() }
}

/// Whether an empty line ends the header.
fn has_end(block: &[u8]) -> bool {
    let block = block.trim_ascii_start();
    block.windows(2).any(|w| w == b"\n\n") || block.windows(3).any(|w| w == b"\n\r\n")
}

/// `text/rfc822-headers` (RFC 3462) and the spellings of it that servers use.
fn is_header_part(part: &MessagePart<'_>) -> bool {
    part.content_type()
        .and_then(|t| t.subtype())
        .is_some_and(|s| ["rfc822-headers", "global-headers", "rfc822-header", "rfc822"].iter().any(|known| s.eq_ignore_ascii_case(known)))
}

/// A Message-ID without its angle brackets.
pub(super) fn bare(id: &str) -> Option<String> {
    let id = id.trim().strip_prefix('<').and_then(|i| i.strip_suffix('>')).unwrap_or(id.trim());
    (!id.is_empty() && id.len() <= MAX_ID).then(|| id.to_owned())
}

fn only_address(message: &Message<'_>, name: HeaderName<'static>) -> Option<String> {
    let mut values = message.header_values(name);
    let (HeaderValue::Address(addresses), None) = (values.next()?, values.next()) else { return None };
    let mut all = addresses.iter().filter_map(|a| a.address());
    let first = all.next()?;
    all.next().is_none().then(|| first.to_owned())
}
