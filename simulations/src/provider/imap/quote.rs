//! IMAP's ways to write a string.

/// An nstring: NIL, quoted where it can be, else a literal.
pub(super) fn nstring(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.extend_from_slice(b"NIL"),
        Some(t) => string(out, t.as_bytes()),
    }
}

/// A string: quoted where it can be, else a literal.
pub(super) fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    let plain = bytes.len() < 1_000 && bytes.iter().all(|b| (0x20..0x7f).contains(b));
    if !plain {
        return literal(out, bytes);
    }
    out.push(b'"');
    for b in bytes {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*b);
    }
    out.push(b'"');
}

/// A literal.
pub(super) fn literal(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(format!("{{{}}}\r\n", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
}

/// A UID set such as `3:5,9`, in the given order.
pub(super) fn uid_set(uids: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for u in uids {
        match runs.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(*u) => *end = *u,
            _ => runs.push((*u, *u)),
        }
    }
    let text = |(a, b): &(u32, u32)| if a == b { a.to_string() } else { format!("{a}:{b}") };
    runs.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_sets() {
        let mut out = Vec::new();
        string(&mut out, br#"a"b\c"#);
        nstring(&mut out, None);
        string(&mut out, "\u{e4}".as_bytes());
        assert_eq!(String::from_utf8_lossy(&out), "\"a\\\"b\\\\c\"NIL{2}\r\n\u{e4}");
        assert_eq!(uid_set(&[3, 4, 5, 9, 8]), "3:5,9,8");
    }
}
