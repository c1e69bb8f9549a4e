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
        trusted(raw, authserv_id).map(|value| parse(&value)).unwrap_or_default()
    }

    /// Whether SPF, DKIM and DMARC all pass.
    pub fn all_pass(&self) -> bool {
        [self.spf, self.dkim, self.dmarc].iter().all(|v| *v == Verdict::Pass)
    }
}

/// Domains that the provider found to vouch for a mail, lower case: of passing DKIM signatures, and of From when DMARC passed.
pub fn passing(raw: &[u8], authserv_id: &str) -> Vec<String> {
    let Some(value) = trusted(raw, authserv_id) else { return vec![] };
    let mut domains = vec![];
    for part in value.split(';').skip(1) {
        let mut words = part.split_whitespace();
        let wanted: &[&str] = match words.next().map(str::to_ascii_lowercase).as_deref() {
            Some("dkim=pass") => &["header.d", "header.i"],
            Some("dmarc=pass") => &["header.from"],
            _ => continue,
        };
        let mut properties = words.filter_map(|w| w.split_once('='));
        if let Some((_, domain)) = properties.find(|(name, _)| wanted.iter().any(|n| n.eq_ignore_ascii_case(name))) {
            domains.push(domain.rsplit('@').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase());
        }
    }
    domains.retain(|d| !d.is_empty());
    domains
}

/// The value of the topmost field with that id above the first foreign hop, without comments and with quoted text made
/// harmless.
fn trusted(raw: &[u8], authserv_id: &str) -> Option<String> {
    for (name, value) in fields::fields(raw) {
        if name.eq_ignore_ascii_case("Received") {
            if is_foreign(&value, authserv_id) {
                return None;
            }
        } else if name.eq_ignore_ascii_case("Authentication-Results") {
            let value = plain(&value);
            // The id may be followed by a version.
            let id = value.split(';').next().and_then(|id| id.split_whitespace().next());
            if id.is_some_and(|id| id.eq_ignore_ascii_case(authserv_id)) {
                return Some(value);
            }
        }
    }
    None
}

/// The verdicts of a trusted field.
fn parse(value: &str) -> AuthResults {
    let parts = value.split(';').skip(1);
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
    results
}

/// Whether another organisation than that of `authserv_id` wrote this Received field. Inner hops that name an
/// address or a bare host name are taken for the provider's own.
fn is_foreign(received: &str, authserv_id: &str) -> bool {
    let text = plain(received);
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

/// The text without its comments (RFC 5322 section 3.2.2). Quoted strings lose their quotes, and all in them that could look like
/// the field's own grammar: a sender chooses its envelope address, such as `"x; dmarc=pass"@evil.test`.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for c in text.chars() {
        let comment = depth > 0;
        match c {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            '"' if !comment => {
                quoted = !quoted;
                continue;
            }
            '(' if !quoted => {
                depth = depth.saturating_add(1);
                continue;
            }
            ')' if !quoted && comment => {
                depth -= 1;
                // A comment separates words like a blank.
                if depth == 0 {
                    out.push(' ');
                }
                continue;
            }
            _ => {}
        }
        if comment {
            continue;
        }
        let harmless = c.is_ascii_alphanumeric() || "-._+@".contains(c);
        out.push(if quoted && !harmless { '_' } else { c });
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
        assert_eq!((got.spf, got.dkim, got.dmarc), (Verdict::Fail, Verdict::Unknown, Verdict::Pass));
    }

    #[test]
    fn an_envelope_address_can_not_speak_for_the_provider() {
        let field =
            |address: &str| format!("Authentication-Results: mx.alpha.test; spf=fail smtp.mailfrom={address}; dkim=none; dmarc=fail");
        for address in
            ["\"x; dmarc=pass\"@evil.test", "\"x\\\"; dkim=pass header.d=bank.test; dmarc=pass\"@evil.test", "\"x ( \"@evil.test"]
        {
            let raw = format!("{}\r\n\r\n", field(address));
            let got = AuthResults::read(raw.as_bytes(), ID);
            assert_eq!((got.spf, got.dkim, got.dmarc), (Verdict::Fail, Verdict::Unknown, Verdict::Fail), "{address}");
            assert!(passing(raw.as_bytes(), ID).is_empty(), "{address}");
        }
    }

    #[test]
    fn passing_domains_are_those_that_passed() {
        let raw = b"Authentication-Results: mx.alpha.test; dkim=fail header.d=a.test; dkim=pass (x) header.i=@B.test header.s=k;\r\n \
            dkim=pass header.d=c.test; spf=pass smtp.mailfrom=d.test; dmarc=pass header.from=e.test\r\n\r\n";
        assert_eq!(passing(raw, ID), ["b.test", "c.test", "e.test"]);
        assert!(passing(raw, "mx.beta.test").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..400), text in "[ -~]{0,200}") {
            let _any = AuthResults::read(&raw, ID);
            let field = format!("Authentication-Results: mx.alpha.test; {text}\r\n\r\n");
            let _any = passing(field.as_bytes(), ID);
        }
    }

    #[test]
    fn inner_hops_are_the_providers_own() {
        for by in ["2002:a05:6e02::1", "localhost", "[10.0.0.1]", "10.1.2.3", "relay7.alpha.test"] {
            let hop = format!("Received: by {by} with SMTP id 7; d\r\n{PASS}");
            assert!(read(&hop).all_pass(), "{by}");
        }
    }
}
