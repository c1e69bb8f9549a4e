//! Bounces in plain words (qmail, old Exim): read only where they return our label, which is then checked like any other.

use super::delivery::{DeliveryReport, Fate, Recipient, code_in, failed};
use super::original::Original;
use crate::mail::fields;
use mail_parser::{Message, PartType};
use warmnet_protocol::wire::label::LABEL_HEADER;

/// Reads a message of text parts that ends with a returned header block.
pub(super) fn read(raw: &[u8], message: &Message<'_>) -> Option<DeliveryReport> {
    let top = fields::fields(raw);
    // Our own labelled mail is no report about itself.
    if top.iter().any(|(name, _)| name.eq_ignore_ascii_case(LABEL_HEADER)) {
        return None;
    }
    let text = message.parts.iter().find_map(|p| match &p.body {
        PartType::Text(text) => Some(text.as_ref()),
        _ => None,
    })?;
    let (said, returned) = split(text).or(Some((text, None)))?;
    let original = returned.map(|r| Original::read(r.as_bytes())).or_else(|| Original::of(message))?;
    original.label.as_ref()?;
    let status = code_in(said);
    let fate = if status.is_some() { failed(status) } else { Fate::Soft };
    let named = fields::only(&top, "X-Failed-Recipients").or_else(|| original.to.clone()).unwrap_or_default();
    let address = named.split(',').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some(DeliveryReport { recipients: vec![Recipient { address, fate, status }], original })
}

/// The words, and the paragraph that holds the label, which is the returned header.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    let mut at = 0;
    let mut paragraph = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            paragraph = at + line.len();
        } else if line.get(..LABEL_HEADER.len()).is_some_and(|n| n.eq_ignore_ascii_case(LABEL_HEADER)) {
            return Some((text.get(..paragraph)?, text.get(paragraph..)));
        }
        at += line.len();
    }
    None
}
