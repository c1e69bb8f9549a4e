//! Header fields of a raw mail, in order, unfolded. Enough for markers and trace fields; addresses and
//! encodings are the mail parser's work.

/// The fields of the header block at the start of `raw`: (name, unfolded value), topmost first. Lines that
/// are no field are left out; the first empty line ends the block.
pub fn fields(raw: &[u8]) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for line in raw.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let text = String::from_utf8_lossy(line);
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some((_, value)) = out.last_mut() {
                value.push(' ');
                value.push_str(text.trim());
            }
        } else if let Some((name, value)) = text.split_once(':') {
            out.push((name.trim_end().to_owned(), value.trim().to_owned()));
        }
    }
    out
}

/// The value of the only field of that name; `None` when there is none or more than one.
pub fn only(fields: &[(String, String)], name: &str) -> Option<String> {
    let mut hits = fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
    let first = hits.next()?;
    hits.next().is_none().then(|| first.1.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_fields_come_unfolded_and_in_order() {
        let raw = b"A: 1;\r\n  two\r\n\tthree\r\nb: x\r\n\r\nA: body\r\n";
        let got = fields(raw);
        assert_eq!(got, vec![("A".into(), "1; two three".into()), ("b".into(), "x".into())]);
        assert_eq!(only(&got, "B").as_deref(), Some("x"));
    }

    #[test]
    fn a_doubled_field_counts_as_none() {
        let got = fields(b"X: 1\nx: 2\n\n");
        assert_eq!(only(&got, "x"), None);
    }

    #[test]
    fn odd_bytes_do_no_harm() {
        assert!(fields(b"\xff\xfe\r\n continued\r\n").is_empty());
        assert!(fields(b"").is_empty());
    }
}
