//! What the receiving provider found out about the sender: Authentication-Results (RFC 8601).
//!
//! Only the topmost field with the provider's own id counts, and only above the first Received field that
//! another organisation wrote: everything below is the sender's text.

use super::fields;

/// One method's verdict.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Verdict {
    /// `pass`.
    Pass,
    /// `fail` and everything that is neither pass nor missing (softfail, permerror ..).
    Fail,
    /// Not said, `none` or a passing error of the server.
    #[default]
    Unknown,
}

/// The verdicts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AuthResults {
    /// Of the envelope's sender.
    pub spf: Verdict,
    /// Pass when any signature passes.
    pub dkim: Verdict,
    /// Of the From domain.
    pub dmarc: Verdict,
}

impl AuthResults {
    /// Reads a raw mail. `authserv_id` is the provider's id from the config; all unknown where the provider says nothing.
    pub fn read(raw: &[u8], authserv_id: &str) -> Self {
        for (name, value) in fields::fields(raw) {
            if name.eq_ignore_ascii_case("Received") {
                if is_foreign(&value, authserv_id) {
                    return Self::default();
                }
            } else if name.eq_ignore_ascii_case("Authentication-Results")
                && let Some(results) = parse(&value, authserv_id)
            {
                return results;
            }
        }
        Self::default()
    }

    /// Whether SPF, DKIM and DMARC all pass.
    pub fn all_pass(&self) -> bool {
        [self.spf, self.dkim, self.dmarc].iter().all(|v| *v == Verdict::Pass)
    }
}

/// The verdicts of one field, if it carries that id.
fn parse(value: &str, authserv_id: &str) -> Option<AuthResults> {
    let value = without_comments(value);
    let mut parts = value.split(';');
    // The id may be followed by a version.
    let id = parts.next()?.split_whitespace().next()?;
    if !id.eq_ignore_ascii_case(authserv_id) {
        return None;
    }
    let mut results = AuthResults::default();
    for part in parts {
        let Some((method, rest)) = part.split_once('=') else { continue };
        // `dkim/1` is the method with its version.
        let method = method.trim().split('/').next().unwrap_or_default().to_ascii_lowercase();
        let said = rest.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let verdict = match said.as_str() {
            "pass" => Verdict::Pass,
            "none" | "temperror" | "" => Verdict::Unknown,
            _ => Verdict::Fail,
        };
        match method.as_str() {
            "spf" => results.spf = verdict,
            "dmarc" => results.dmarc = verdict,
            "dkim" if results.dkim != Verdict::Pass => {
                results.dkim = if verdict == Verdict::Unknown { results.dkim } else { verdict };
            }
            _ => {}
        }
    }
    Some(results)
}

/// Whether another organisation than that of `authserv_id` wrote this Received field. Inner hops that name an
/// address or a bare host name are taken for the provider's own.
fn is_foreign(received: &str, authserv_id: &str) -> bool {
    let text = without_comments(received);
    let mut words = text.split_whitespace();
    let Some(by) = words.find(|w| w.eq_ignore_ascii_case("by")).and_then(|_| words.next()) else {
        return false;
    };
    let by = by.trim_end_matches([';', '.']).to_ascii_lowercase();
    if !by.contains('.') || by.contains(':') || by.starts_with('[') || by.parse::<std::net::IpAddr>().is_ok() {
        return false;
    }
    organisation(&by) != organisation(&authserv_id.to_ascii_lowercase())
}

fn organisation(host: &str) -> String {
    psl::domain_str(host).unwrap_or(host).to_owned()
}

/// The text without its comments (RFC 5322 section 3.2.2), quoted strings kept.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for c in text.chars() {
        let visible = depth == 0;
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if visible => quoted = !quoted,
            '(' if !quoted => {
                depth = depth.saturating_add(1);
                continue;
            }
            ')' if !quoted && depth > 0 => {
                depth -= 1;
                // A comment separates words like a blank.
                if depth == 0 {
                    out.push(' ');
                }
                continue;
            }
            _ => {}
        }
        if visible {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "mx.alpha.test";

    fn read(header: &str) -> AuthResults {
        AuthResults::read(format!("{header}\r\n\r\nbody\r\n").as_bytes(), ID)
    }

    const PASS: &str = "Authentication-Results: mx.alpha.test;\r\n dkim=pass (good (key)) header.d=m01.test;\r\n \
        spf=pass smtp.mailfrom=a@m01.test; dmarc=pass (p=none) header.from=m01.test";

    #[test]
    fn the_providers_own_field_is_read() {
        assert!(read(PASS).all_pass());
        let with_hop = format!("Received: from x by mx.alpha.test with ESMTPS;\r\n date\r\n{PASS}");
        assert!(read(&with_hop).all_pass());
    }

    #[test]
    fn a_field_below_a_foreign_hop_is_the_senders_text() {
        let forged = format!("Received: by mx.alpha.test; d\r\nReceived: from y by mail.evil.test; d\r\n{PASS}");
        assert_eq!(read(&forged), AuthResults::default());
    }

    #[test]
    fn the_topmost_field_wins_and_others_ids_are_ignored() {
        let two = format!("Authentication-Results: mx.alpha.test; spf=fail; dkim=none; dmarc=fail\r\n{PASS}");
        let got = read(&two);
        assert_eq!((got.spf, got.dkim, got.dmarc), (Verdict::Fail, Verdict::Unknown, Verdict::Fail));
        let other = "Authentication-Results: mx.evil.test; spf=pass; dkim=pass; dmarc=pass";
        assert_eq!(read(other), AuthResults::default());
        assert!(read(&format!("{other}\r\n{PASS}")).all_pass());
    }

    #[test]
    fn one_good_signature_is_enough() {
        let got = read("Authentication-Results: mx.alpha.test 1; dkim=fail; dkim=pass; dkim=neutral");
        assert_eq!(got.dkim, Verdict::Pass);
    }

    #[test]
    fn comments_and_strings_hide_nothing() {
        let got = read("Authentication-Results: mx.alpha.test; spf=fail (x; spf=pass \\) ; dkim=pass); dmarc=\"pass\"");
        assert_eq!((got.spf, got.dkim), (Verdict::Fail, Verdict::Unknown));
    }

    #[test]
    fn inner_hops_are_the_providers_own() {
        for by in ["2002:a05:6e02::1", "localhost", "[10.0.0.1]", "10.1.2.3", "relay7.alpha.test"] {
            let hop = format!("Received: by {by} with SMTP id 7; d\r\n{PASS}");
            assert!(read(&hop).all_pass(), "{by}");
        }
    }
}
