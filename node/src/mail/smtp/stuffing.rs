//! A message as it travels behind DATA (RFC 5321 section 4.5.2). Pure.

/// Doubles the dot at the beginning of a line and puts the end, a line with nothing but a dot, behind the text.
pub(super) fn stuffed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.split_inclusive("\r\n") {
        if line.starts_with('.') {
            out.push('.');
        }
        out.push_str(line);
    }
    if !out.ends_with("\r\n") {
        out.push_str("\r\n");
    }
    out.push_str(".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dots_that_begin_lines_are_doubled() {
        assert_eq!(stuffed("a\r\n.b\r\n..\r\nc.\r\n"), "a\r\n..b\r\n...\r\nc.\r\n.\r\n");
        assert_eq!(stuffed(".\r\n"), "..\r\n.\r\n");
    }

    #[test]
    fn a_text_without_a_last_line_end_gets_one() {
        assert_eq!(stuffed("a"), "a\r\n.\r\n");
        assert_eq!(stuffed(""), "\r\n.\r\n");
        assert_eq!(stuffed("a\r"), "a\r\r\n.\r\n");
    }

    proptest! {
        /// What a server does (RFC 5321 section 4.5.2) finds the text and its end again, and the end nowhere before.
        #[test]
        fn a_server_reads_the_text_back(text in "([.a\r\n]|\r\n){0,12}\r\n") {
            let sent = stuffed(&text);
            let mut read = String::new();
            let mut lines = sent.split_inclusive("\r\n");
            for line in lines.by_ref().take_while(|line| *line != ".\r\n") {
                read.push_str(line.strip_prefix('.').unwrap_or(line));
            }
            prop_assert_eq!(read, text);
            prop_assert_eq!(lines.next(), None);
        }
    }
}
