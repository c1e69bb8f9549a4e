//! Feedback reports (ARF, RFC 5965): somebody pressed "spam".

use super::original::{Original, bare};
use crate::mail::fields;
use mail_auth::report::{Feedback, FeedbackType};
use mail_parser::{Message, MimeHeaders as _};

/// A complaint.
#[derive(Clone, Eq, PartialEq)]
pub struct Complaint {
    /// Who complained, where it is told (many providers leave it out).
    pub recipient: Option<String>,
    /// The mail it is about.
    pub original: Original,
}

// Holds an address.
impl std::fmt::Debug for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Complaint({:?})", self.original)
    }
}

/// Reads a message with a feedback-report part of type `abuse` or `fraud`; others (`not-spam`, `auth-failure`) are no complaints.
pub(super) fn read(message: &Message<'_>) -> Option<Complaint> {
    let part = message.parts.iter().find(|p| {
        let kind = p.content_type();
        kind.is_some_and(|t| {
            t.ctype().eq_ignore_ascii_case("message") && t.subtype().is_some_and(|s| s.eq_ignore_ascii_case("feedback-report"))
        })
    })?;
    // The reader of the library ends at an empty line; some reports begin with one.
    let said = part.contents().trim_ascii_start();
    let feedback = Feedback::parse_arf(said)?;
    if !matches!(feedback.feedback_type, FeedbackType::Abuse | FeedbackType::Fraud) {
        return None;
    }
    let mut original = Original::of(message).unwrap_or_default();
    if original.message_id.is_none() {
        let all = fields::fields(said);
        original.message_id =
            fields::only(&all, "Original-Message-ID").or_else(|| fields::only(&all, "Message-ID")).and_then(|id| bare(&id));
    }
    let told = feedback.original_rcpt_to.as_deref().map(|a| a.trim().trim_matches(['<', '>']).to_ascii_lowercase());
    let recipient = told.filter(|a| a.contains('@')).or_else(|| original.to.clone().map(|t| t.to_ascii_lowercase()));
    Some(Complaint { recipient, original })
}
