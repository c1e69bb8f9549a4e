//! What a provider sees of a mail: envelope, text and headers other than Warmnet's, authentication.

/// Fields that begin like this are cut out before the filter looks: it must not know who warms.
const HIDDEN_FIELD: &str = "warmnet-";
/// The visible footer line is cut out for the same reason.
const HIDDEN_LINE: &str = "Warmnet exchange ";

/// What the authentication of a mail came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// DMARC passed.
    Pass,
    /// Something failed.
    Fail,
    /// Nothing to go by.
    None,
}

/// A mail as the filter sees it.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Domain of the envelope sender.
    pub domain: String,
    /// Age of that domain in days.
    pub age_days: f64,
    /// SPF, DKIM and DMARC together.
    pub authentication: Authentication,
    /// A digest over envelope and visible text: the filter's coin for this mail.
    pub digest: [u8; 32],
    /// Words that filters dislike, counted.
    pub bad_words: u32,
}

/// The visible part of a raw mail: no Warmnet field, no footer line.
fn visible(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let mut out = String::with_capacity(text.len());
    let (mut in_header, mut hidden) = (true, false);
    for line in text.split_inclusive('\n') {
        if in_header {
            if line.trim().is_empty() {
                in_header = false;
            }
            // A folded line belongs to the field before it.
            if !line.starts_with([' ', '\t']) {
                hidden = line.to_ascii_lowercase().starts_with(HIDDEN_FIELD);
            }
            // Fields that name the mail would make the coin differ where nothing visible does.
            let naming = ["message-id:", "date:", "dkim-signature:", "received:", "authentication-results:", "in-reply-to:", "references:"];
            let skip = hidden || naming.iter().any(|n| line.to_ascii_lowercase().starts_with(n));
            if skip || line.starts_with([' ', '\t']) {
                continue;
            }
        } else if line.starts_with(HIDDEN_LINE) {
            continue;
        }
        out.push_str(line);
    }
    out.trim_end().to_owned()
}

impl Sight {
    /// Looks at a mail.
    #[must_use]
    pub fn of(raw: &[u8], from: &str, to: &str, age_days: f64, authentication: Authentication) -> Self {
        let text = visible(raw);
        let mut h = blake3::Hasher::new();
        h.update(from.as_bytes()).update(&[0]).update(to.as_bytes()).update(&[0]).update(text.as_bytes());
        let lower = text.to_ascii_lowercase();
        let words = ["winner", "act now", "100% free", "risk-free", "casino", "cheap pills", "!!!", "unclaimed"];
        let bad_words = words.iter().filter(|w| lower.contains(*w)).count() as u32;
        let domain = from.rsplit_once('@').map_or("", |(_, d)| d).to_ascii_lowercase();
        Self { domain, age_days, authentication, digest: *h.finalize().as_bytes(), bad_words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_invisible() {
        let plain = b"From: a@b.test\r\nSubject: x\r\n\r\nHello there\r\n".to_vec();
        let labelled =
            b"From: a@b.test\r\nWarmnet-Exchange: v1; n=aa;\r\n\ts=bb\r\nSubject: x\r\n\r\nHello there\r\n\r\nWarmnet exchange 00: automated mail\r\n";
        let see = |raw: &[u8]| Sight::of(raw, "a@b.test", "c@d.test", 3.0, Authentication::Pass);
        assert_eq!(see(&plain).digest, see(labelled).digest);
        let other = b"From: a@b.test\r\nSubject: x\r\n\r\nHello you\r\n";
        assert_ne!(see(&plain).digest, see(other).digest);
    }
}
