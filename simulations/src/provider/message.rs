//! Looking into raw mail: header fields, dates, labels.

use super::world::now_ms;

/// The first value of a header field, unfolded.
#[must_use]
pub fn header(raw: &[u8], name: &str) -> Option<String> {
    headers(raw).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
}

/// All header fields: name and unfolded value.
pub fn headers(raw: &[u8]) -> impl Iterator<Item = (String, String)> {
    let text = String::from_utf8_lossy(&raw[..header_end(raw)]).into_owned();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    fields.into_iter()
}

/// Where the header ends: before the empty line, or with the mail.
fn header_end(raw: &[u8]) -> usize {
    raw.windows(4).position(|w| w == b"\r\n\r\n").map_or(raw.len(), |i| i + 2)
}

/// Whether a mail carries a Warmnet field: for the accounting, never for the filter.
#[must_use]
pub fn is_warm(raw: &[u8]) -> bool {
    headers(raw).any(|(n, _)| n.to_ascii_lowercase().starts_with("warmnet-"))
}

/// Domain of an address, lower case.
#[must_use]
pub fn domain_of(address: &str) -> String {
    address.trim_end_matches('>').rsplit_once('@').map_or("", |(_, d)| d).to_ascii_lowercase()
}

/// Now, as in a Date field.
#[must_use]
pub fn date() -> String {
    mail_parser::DateTime::from_timestamp(now_ms() / 1_000).to_rfc822()
}

/// The mail with other words for its text, its header as it was.
#[must_use]
pub fn with_words(raw: &[u8], words: &str) -> Vec<u8> {
    let mut out = without(&raw[..header_end(raw)], |name, _| name.eq_ignore_ascii_case("Content-Transfer-Encoding"));
    out.extend_from_slice(b"Content-Transfer-Encoding: 8bit\r\n\r\n");
    words.lines().for_each(|line| out.extend_from_slice(format!("{line}\r\n").as_bytes()));
    out
}

/// Removes the header fields that `unwanted` names, with their folded lines.
#[must_use]
pub fn without(raw: &[u8], unwanted: impl Fn(&str, &str) -> bool) -> Vec<u8> {
    let (mut out, mut in_header) = (Vec::with_capacity(raw.len()), true);
    let mut field: Vec<u8> = Vec::new();
    let finish = |field: &mut Vec<u8>, out: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(field).replace(['\r', '\n'], "");
        let drop = text.split_once(':').is_some_and(|(n, v)| unwanted(n.trim(), v.trim()));
        if !drop {
            out.extend_from_slice(field);
        }
        field.clear();
    };
    for line in raw.split_inclusive(|b| *b == b'\n') {
        if in_header {
            if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                finish(&mut field, &mut out);
            }
            if line == b"\r\n" || line == b"\n" {
                in_header = false;
            } else {
                field.extend_from_slice(line);
                continue;
            }
        }
        out.extend_from_slice(line);
    }
    finish(&mut field, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &[u8] = b"Received: x\r\nAuthentication-Results: mx.a.test;\r\n spf=pass\r\nSubject: a\r\n b\r\n\r\nSubject: body\r\n";

    #[test]
    fn fields_are_found_and_dropped() {
        assert_eq!(header(RAW, "subject").as_deref(), Some("a b"));
        let left = without(RAW, |n, v| n.eq_ignore_ascii_case("authentication-results") && v.starts_with("mx.a.test"));
        assert_eq!(left, b"Received: x\r\nSubject: a\r\n b\r\n\r\nSubject: body\r\n");
        let changed = with_words(b"Subject: a\r\n b\r\ncontent-transfer-encoding:\r\n base64\r\nX: y\r\n\r\nSGk=\r\n", "Buy\nnow");
        assert_eq!(changed, b"Subject: a\r\n b\r\nX: y\r\nContent-Transfer-Encoding: 8bit\r\n\r\nBuy\r\nnow\r\n");
        assert!(is_warm(b"From: x\r\nWarmnet-Exchange: v1\r\n\r\n") && !is_warm(b"From: x\r\n\r\nWarmnet-Exchange: v1\r\n"));
    }
}
