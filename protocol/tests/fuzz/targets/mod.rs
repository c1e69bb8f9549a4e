//! The targets: functions of bytes that panic when something is wrong.

pub(crate) mod engine;
pub(crate) mod stored;
pub(crate) mod text;
pub(crate) mod wire;

use warmnet_protocol::identity::SignedError;
use warmnet_protocol::wire::codec::CodecError;

/// Something that reads bytes.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Good and bad ones to begin with.
    pub(crate) seeds: Vec<Vec<u8>>,
    /// Tokens of its language, where it is text.
    pub(crate) words: &'static [&'static str],
    /// Bytes it reads at most.
    pub(crate) limit: usize,
    /// Reads, and says why it refuses.
    pub(crate) run: fn(&[u8]) -> Result<(), String>,
    /// Every reason it can have.
    pub(crate) refusals: Vec<&'static str>,
}

/// Reasons that every decoder has.
pub(crate) const CODEC: [&str; 4] = ["too large", "malformed", "trailing", "not canonical"];
/// An enum's number that means nothing: the codec names number and range.
pub(crate) const VALUE: &str = "invalid value";

/// The reason without its figures.
pub(crate) fn codec_reason(e: CodecError) -> String {
    assert!(!e.to_string().is_empty());
    match e {
        CodecError::TooLarge { .. } => "too large".into(),
        CodecError::Malformed => "malformed".into(),
        CodecError::Trailing(_) => "trailing".into(),
        CodecError::NotCanonical => "not canonical".into(),
        CodecError::Invalid(rule) if rule.starts_with(VALUE) => VALUE.into(),
        CodecError::Invalid(rule) => rule,
    }
}

/// The same of an envelope.
pub(crate) fn signed_reason(e: SignedError) -> String {
    match e {
        SignedError::Codec(e) => codec_reason(e),
        SignedError::UnknownVersion(_) => "unknown version".into(),
        SignedError::BadSignature(_) => "bad signature".into(),
    }
}
