//! Modified UTF-7 (RFC 3501 section 5.1.3): how folder names beyond ASCII are written. Names are compared
//! decoded and always sent back as the server wrote them.

use base64::{
    Engine as _,
    alphabet::IMAP_MUTF7,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        // Some servers leave stray bits behind; the name is still readable.
        .with_decode_allow_trailing_bits(true),
);

/// The readable form of a raw folder name; the raw name itself where it is not valid.
pub(super) fn decode(raw: &str) -> String {
    try_decode(raw).unwrap_or_else(|| raw.to_owned())
}

fn try_decode(raw: &str) -> Option<String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, coded)) = rest.split_once('&') {
        out.push_str(plain);
        let (code, after) = coded.split_once('-')?;
        if code.is_empty() {
            out.push('&');
        } else {
            let bytes = ENGINE.decode(code).ok()?;
            if bytes.len() % 2 != 0 {
                return None;
            }
            let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            out.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_example_is_read() {
        assert_eq!(decode("~peter/mail/&U,BTFw-/&ZeVnLIqe-"), "~peter/mail/\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}");
        assert_eq!(decode("Entw&APw-rfe & Co".replace(" & ", "&-").as_str()), "Entw\u{fc}rfe&Co");
    }

    #[test]
    fn what_is_not_valid_stays_as_it_is() {
        for raw in ["a&", "a&!!!-", "&2AA-", "&AAAA", "&A-"] {
            assert_eq!(decode(raw), raw);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read_without_a_panic(raw in ".{0,60}") {
            decode(&raw);
        }
    }
}
