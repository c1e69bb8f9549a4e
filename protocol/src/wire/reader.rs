//! The byte format read by hand, for what arrives most: bundles and their envelopes. [`super::codec`] reads and writes the same
//! format for every type; here nothing is asked twice, since an integer that is not spelt the shortest way is refused at once.

use super::codec::CodecError;

/// First bytes that announce an integer of 2, 4 and 8 bytes, little endian; smaller ones are the integer.
const TWO: u8 = 251;
const FOUR: u8 = 252;
const EIGHT: u8 = 253;

/// What is left of one message.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A message of at most `limit` bytes.
    pub(crate) fn new(bytes: &'a [u8], limit: usize) -> Result<Self, CodecError> {
        if bytes.len() > limit {
            return Err(CodecError::TooLarge { got: bytes.len(), limit });
        }
        Ok(Self(bytes))
    }

    /// Bytes of a length that the layout says.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (found, left) = self.0.split_first_chunk().ok_or(CodecError::Malformed)?;
        self.0 = left;
        Ok(*found)
    }

    /// Bytes behind their length.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let len = self.length()?;
        let (found, left) = self.0.split_at_checked(len).ok_or(CodecError::Malformed)?;
        self.0 = left;
        Ok(found)
    }

    /// A number of elements or bytes.
    pub(crate) fn length(&mut self) -> Result<usize, CodecError> {
        usize::try_from(self.integer()?).map_err(|_| CodecError::Malformed)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, CodecError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, CodecError> {
        u16::try_from(self.integer()?).map_err(|_| CodecError::Malformed)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CodecError> {
        u32::try_from(self.integer()?).map_err(|_| CodecError::Malformed)
    }

    fn integer(&mut self) -> Result<u64, CodecError> {
        let (value, least) = match self.u8()? {
            TWO => (u64::from(u16::from_le_bytes(self.array()?)), u64::from(TWO)),
            FOUR => (u64::from(u32::from_le_bytes(self.array()?)), 1 << 16),
            EIGHT => (u64::from_le_bytes(self.array()?), 1 << 32),
            254.. => return Err(CodecError::Malformed),
            small => (u64::from(small), 0),
        };
        if value < least { Err(CodecError::NotCanonical) } else { Ok(value) }
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), CodecError> {
        if self.0.is_empty() { Ok(()) } else { Err(CodecError::Trailing(self.0.len())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::codec;

    fn reads(bytes: &[u8]) -> Result<u64, CodecError> {
        let mut reader = Reader::new(bytes, 16)?;
        let value = reader.integer()?;
        reader.end().map(|()| value)
    }

    #[test]
    fn integers_are_those_of_the_codec() {
        for edge in [0, 250, 251, 252, 253, 254, 255, 256, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, u64::MAX] {
            assert_eq!(reads(&codec::encode(&edge)), Ok(edge));
        }
        // Every first byte, before something and before too little.
        for first in 0..=u8::MAX {
            for rest in [[0; 8], [1; 8], [255; 8]] {
                for len in 0..=rest.len() {
                    let bytes = [&[first], &rest[..len]].concat();
                    assert_eq!(reads(&bytes).ok(), codec::decode::<u64>(&bytes, 16).ok(), "{bytes:?}");
                }
            }
        }
        assert_eq!(reads(&[TWO, 7, 0]), Err(CodecError::NotCanonical));
        assert_eq!(reads(&[7, 7]), Err(CodecError::Trailing(1)));
        assert_eq!(Reader::new(&[0; 17], 16).err(), Some(CodecError::TooLarge { got: 17, limit: 16 }));
        assert_eq!(Reader::new(&[9, 1], 16).and_then(|mut r| r.bytes().map(<[u8]>::len)), Err(CodecError::Malformed));
    }
}
