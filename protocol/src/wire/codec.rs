//! The place that knows the byte format (with `reader.rs`, which reads some of it by hand): bincode 2, standard (variable-length) integers.
//!
//! The format accepts non-minimal integers, so decoding is strict: size limit before anything is allocated,
//! no trailing bytes, and re-encoding must give the input back. Replacing the library means replacing this file.

use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use serde::{Deserialize, Serialize};

/// Why bytes were refused.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum CodecError {
    /// Larger than this kind of message may be.
    #[error("{got} bytes where at most {limit} are allowed (R-WIRE-1)")]
    TooLarge {
        /// Size received.
        got: usize,
        /// Size allowed.
        limit: usize,
    },
    /// Not the layout of this kind of message.
    #[error("the bytes are not a message of this kind (R-WIRE-1)")]
    Malformed,
    /// Bytes behind the message.
    #[error("{0} bytes behind the end of the message (R-WIRE-1)")]
    Trailing(usize),
    /// A second spelling of the same message.
    #[error("the encoding is not the canonical one (R-WIRE-1)")]
    NotCanonical,
    /// A field holds a value that the rules exclude; the text names the rule.
    #[error("{0}")]
    Invalid(String),
}

/// Encodes `value`; the types of this crate always can be.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard()).expect("plain data always encodes into memory")
}

/// Takes an encoding and holds it against the bytes that were received, so that nothing is written anywhere.
struct Compare<'a>(&'a [u8]);

impl Writer for Compare<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0 = self.0.strip_prefix(bytes).ok_or(EncodeError::UnexpectedEnd)?;
        Ok(())
    }
}

/// Decodes exactly one `T` from `bytes`; it may borrow from them.
///
/// # Errors
/// [`CodecError`].
pub fn decode<'a, T: Serialize + Deserialize<'a>>(bytes: &'a [u8], limit: usize) -> Result<T, CodecError> {
    if bytes.len() > limit {
        return Err(CodecError::TooLarge { got: bytes.len(), limit });
    }
    let config = bincode::config::standard().with_limit::<{ crate::limits::DECODE_BYTES }>();
    let (value, used) = bincode::serde::borrow_decode_from_slice::<T, _>(bytes, config).map_err(refusal)?;
    if used != bytes.len() {
        return Err(CodecError::Trailing(bytes.len() - used));
    }
    let mut left = Compare(bytes);
    match bincode::serde::encode_into_writer(&value, &mut left, bincode::config::standard()) {
        Ok(()) if left.0.is_empty() => Ok(value),
        _ => Err(CodecError::NotCanonical),
    }
}

/// A value that its type doesn't have keeps its words; everything else is a matter of layout.
fn refusal(e: DecodeError) -> CodecError {
    match e {
        DecodeError::OtherString(what) => CodecError::Invalid(format!("{what} (R-WIRE-1)")),
        _ => CodecError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_decoding_refuses_second_spellings() {
        let good = encode(&(7u32, "x".to_owned()));
        assert_eq!(decode::<(u32, String)>(&good, 64), Ok((7, "x".into())));
        let mut trailing = good.clone();
        trailing.push(0);
        assert_eq!(decode::<(u32, String)>(&trailing, 64), Err(CodecError::Trailing(1)));
        // 251 announces a two-byte integer: 7 spelt the long way.
        assert_eq!(decode::<u32>(&[251, 7, 0], 64), Err(CodecError::NotCanonical));
        assert_eq!(decode::<u32>(&[1, 2, 3], 2), Err(CodecError::TooLarge { got: 3, limit: 2 }));
        assert_eq!(decode::<Vec<u8>>(&[253, 255, 255, 255, 255, 255, 255, 255, 127], 64), Err(CodecError::Malformed));
    }
}
