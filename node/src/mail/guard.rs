//! Watches the shape of an IMAP server's responses before the IMAP library reads them: the library makes room for a
//! literal when it is announced, not when it comes, and reads nested brackets by recursion, until the stack is full.
//!
//! Where a response is free text (`* OK ..`, `a1 NO ..`, `+ ..`), `{9}` at its end announces nothing. Everything here errs
//! on the strict side, so that a server can't make this guard and the library disagree on where a literal ends.

/// Opening brackets in one response, literals left out. What we ask for has a handful; the library's recursion takes a
/// few hundred bytes of stack for each.
const MAX_BRACKETS: u32 = 128;

/// Where in the server's text we are.
#[derive(Debug, Default)]
enum At {
    #[default]
    Text,
    /// Behind `{` and some digits.
    Number(u64),
    /// Behind `{n}`.
    Closed(u64),
    /// Behind `{n}` and CR.
    Return(u64),
    /// Inside a literal, this many bytes before its end.
    Inside(u64),
}

/// What a response is, as far as its first bytes tell.
#[derive(Debug, Default)]
enum Kind {
    /// Nothing is there yet.
    #[default]
    Begun,
    /// `*` and the beginning of one of [`STATUS`].
    Untagged(Vec<u8>),
    /// Data: what looks like a literal is one.
    Data,
    /// Free text with a code in front, maybe.
    Words { code: bool },
}

/// How untagged free text begins.
const STATUS: [&[u8]; 5] = [b"ok", b"no", b"bad", b"bye", b"preauth"];

impl Kind {
    fn read(&mut self, byte: u8) {
        *self = match std::mem::take(self) {
            Self::Begun if byte == b'*' => Self::Untagged(Vec::new()),
            // A tag, or a go-ahead.
            Self::Begun => Self::Words { code: false },
            Self::Untagged(word) if word.is_empty() && byte == b' ' => Self::Untagged(word),
            Self::Untagged(mut word) => {
                word.push(byte.to_ascii_lowercase());
                if STATUS.iter().any(|status| **status == *word) {
                    Self::Words { code: false }
                } else if STATUS.iter().any(|status| status.starts_with(&word)) {
                    Self::Untagged(word)
                } else {
                    Self::Data
                }
            }
            Self::Words { code } => Self::Words { code: code || byte == b'[' },
            Self::Data => Self::Data,
        };
    }
}

/// Follows the text of one connection, however it is cut into reads.
#[derive(Debug, Default)]
pub(super) struct ResponseGuard {
    at: At,
    kind: Kind,
    brackets: u32,
}

impl ResponseGuard {
    /// Reads on. Returns false when a literal of more than `most` bytes is announced, or too many brackets are opened.
    pub(super) fn allows(&mut self, bytes: &[u8], most: u64) -> bool {
        let mut rest = bytes;
        while let Some((b, after)) = rest.split_first() {
            if let At::Inside(left) = self.at {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                rest = rest.get(now..).unwrap_or_default();
                let left = left - now as u64;
                self.at = if left == 0 { At::Text } else { At::Inside(left) };
                continue;
            }
            self.kind.read(*b);
            if *b == b'(' {
                self.brackets += 1;
                if self.brackets > MAX_BRACKETS {
                    return false;
                }
            }
            let announced = match self.at {
                At::Return(n) if *b == b'\n' => Some(n),
                _ => None,
            };
            self.at = match (&self.at, *b) {
                (_, b'{') => At::Number(0),
                (At::Number(n), b'0'..=b'9') => At::Number(n.saturating_mul(10).saturating_add(u64::from(b - b'0'))),
                (At::Number(n), b'}') => At::Closed(*n),
                (At::Closed(n), b'\r') => At::Return(*n),
                _ => At::Text,
            };
            match (announced, &self.kind) {
                (Some(n), _) if n > most => return false,
                // The one code that may hold a literal comes from no server we ask; with it, nobody knows what follows.
                (Some(_), Kind::Words { code: true }) => return false,
                // Of an empty one nothing comes, and the response goes on.
                (Some(0), Kind::Data) => {}
                (Some(n), Kind::Data) => self.at = At::Inside(n),
                _ if *b == b'\n' => {
                    self.kind = Kind::Begun;
                    self.brackets = 0;
                }
                _ => {}
            }
            rest = after;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use async_imap::imap_proto::Response;
    use proptest::prelude::*;

    use super::*;

    fn whole(text: &[u8], most: u64) -> bool {
        let at_once = ResponseGuard::default().allows(text, most);
        let mut guard = ResponseGuard::default();
        let byte_by_byte = text.chunks(1).all(|b| guard.allows(b, most));
        assert_eq!(at_once, byte_by_byte);
        at_once
    }

    #[test]
    fn a_large_literal_is_refused_when_it_is_announced() {
        assert!(whole(b"* 1 FETCH (BODY[] {5}\r\nhello)\r\n", 5));
        assert!(!whole(b"* 1 FETCH (BODY[] {6}\r\n", 5));
        assert!(!whole(b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n", 1 << 40));
    }

    #[test]
    fn what_a_mail_says_announces_nothing() {
        assert!(whole(b"* 1 FETCH (BODY[] {12}\r\n{99999999}\r\n FLAGS ())\r\n", 20));
        assert!(whole(b"* OK {99} is no literal\r\n", 5));
        assert!(!whole(b"* 1 FETCH (BODY[] {2}\r\nhi BODY[TEXT] {9}\r\n", 5), "a second one counts too");
    }

    #[test]
    fn free_text_hides_no_literal_and_no_brackets() {
        let deep = "(".repeat(MAX_BRACKETS as usize + 1);
        for text in ["* OK {9}", "* oK {9}", "* BYE{9}", "* PREAUTH {9}", "a1 NO {9}", "+ {9}"] {
            assert!(whole(format!("{text}\r\n* 1 FETCH (BODY[] {{5}}\r\nhello)\r\n").as_bytes(), 9), "{text}");
            assert!(!whole(format!("{text}\r\n* 1 FETCH (BODY[] {{20}}\r\n").as_bytes(), 9), "{text}");
            assert!(!whole(format!("{text}\r\n* 1 FETCH {deep}").as_bytes(), 9), "{text}");
        }
        assert!(!whole(b"* NO [BADCHARSET ({9}\r\n", 9));
    }

    #[test]
    fn an_empty_literal_ends_no_response() {
        assert!(whole(b"* 1 FETCH (BODY[] {0}\r\n BODY[TEXT] {11}\r\n{999999999} UID 3)\r\n", 20));
    }

    #[test]
    fn brackets_are_counted_by_response() {
        let some = "(".repeat(MAX_BRACKETS as usize);
        assert!(whole(format!("* 1 FETCH {some}\r\n* 2 FETCH {some}\r\n").as_bytes(), 5));
        assert!(!whole(format!("* 1 FETCH {some} BODY[] {{2}}\r\n(( (\r\n").as_bytes(), 5));
        assert!(whole(format!("* 1 FETCH (BODY[] {{{}}}\r\n{some}{some})\r\n", 2 * some.len()).as_bytes(), 1_000));
    }

    /// What a hostile server may say: lines that the library takes, and pieces that it may not.
    fn said() -> impl Strategy<Value = &'static str> {
        const LINES: &[&str] = &[
            "* OK {40}\r\n",
            "* no x {9}\r\n",
            "* BYE{40}\r\n",
            "a1 OK done {9}\r\n",
            "+ {40}\r\n",
            "* OK [ALERT] {5}\r\n",
            "* 3 EXISTS\r\n",
            "* 1 FETCH (UID 3 BODY[] {5}\r\nhello)\r\n",
            "* 1 FETCH (BODY[] {0}\r\n BODY[TEXT] {40}\r\n",
            "* 1 FETCH (BODY[] {400}\r\n",
            "* LIST () \"/\" {5}\r\nhello\r\n",
            "* LIST () \"/\" {400}\r\n",
            "* OK [BADCHARSET ({9}\r\n",
            "* NO [BADCHARSET ({400}\r\n",
        ];
        const PIECES: &[&str] = &["{5}\r\n", "{40}\r\n", "{400}\r\n", "{", "(", ")", "\"", "\\", "hello", " ", "\r\n", "\n", "*", "x)]"];
        prop_oneof![4 => proptest::sample::select(LINES), 1 => proptest::sample::select(PIECES)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        /// Whatever a server sends: where the library would wait for a literal above the cap, the guard has refused it.
        #[test]
        fn the_library_never_waits_for_more_than_the_cap(pieces in proptest::collection::vec(said(), 1..12)) {
            let text = pieces.concat();
            let mut rest = text.as_bytes();
            loop {
                match Response::parse(rest) {
                    Ok((after, _)) => rest = after,
                    Err(e) => {
                        let waits = format!("{e:?}");
                        if waits == "Incomplete(Size(400))" {
                            prop_assert!(!whole(text.as_bytes(), 100), "{text:?}");
                        }
                        break;
                    }
                }
            }
        }
    }
}
