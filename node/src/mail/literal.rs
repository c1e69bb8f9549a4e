//! Watches for IMAP literals that are announced larger than what may be read: the IMAP library makes room for
//! a literal when it is announced, not when it comes.

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

/// Follows the text of one connection, however it is cut into reads.
#[derive(Debug, Default)]
pub(super) struct LiteralGuard {
    at: At,
}

impl LiteralGuard {
    /// Reads on. Returns false when a literal of more than `most` bytes is announced.
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
            self.at = match (&self.at, *b) {
                (_, b'{') => At::Number(0),
                (At::Number(n), b'0'..=b'9') => At::Number(n.saturating_mul(10).saturating_add(u64::from(b - b'0'))),
                (At::Number(n), b'}') => At::Closed(*n),
                (At::Closed(n), b'\r') => At::Return(*n),
                (At::Return(n), b'\n') if *n > most => return false,
                (At::Return(0), b'\n') => At::Text,
                (At::Return(n), b'\n') => At::Inside(*n),
                _ => At::Text,
            };
            rest = after;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &[u8], most: u64) -> bool {
        let at_once = LiteralGuard::default().allows(text, most);
        let mut guard = LiteralGuard::default();
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
}
