//! Whether a mail is authentic: the owner's provider says so, or, where no provider is believed, its DKIM signatures and the
//! From domain's DMARC record do.

use super::auth_results::{self, AuthResults, Verdict};
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::{AuthenticatedMessage, DkimResult, DmarcResult, MessageAuthenticator, SpfOutput};
use std::time::Duration;

/// Signatures of one mail that are looked at: each asks the DNS.
const MAX_SIGNATURES: usize = 5;
/// Wall time for one mail; what isn't known by then stays unknown.
const LIMIT: Duration = Duration::from_secs(15);

/// Whose word counts.
#[derive(Clone)]
pub enum Judge {
    /// The provider's Authentication-Results under this authserv-id, and nobody else's.
    Provider(String),
    /// Our own look at DKIM and DMARC. SPF stays unknown: only the receiving server saw the sender's address.
    Own(Box<MessageAuthenticator>),
    /// Nobody: the DNS can't be asked.
    Nobody,
}

/// What is known of a mail's sender.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Authentic {
    /// The verdicts.
    pub results: AuthResults,
    /// Domains that vouch for it, lower case: of passing DKIM signatures, and of From when DMARC passed.
    pub domains: Vec<String>,
}

impl Judge {
    /// Judges a raw mail.
    pub async fn judge(&self, raw: &[u8]) -> Authentic {
        match self {
            Self::Provider(id) => Authentic { results: AuthResults::read(raw, id), domains: auth_results::passing(raw, id) },
            Self::Own(authenticator) => tokio::time::timeout(LIMIT, own(authenticator, raw)).await.unwrap_or_default(),
            Self::Nobody => Authentic::default(),
        }
    }
}

async fn own(authenticator: &MessageAuthenticator, raw: &[u8]) -> Authentic {
    let Some(mut message) = AuthenticatedMessage::parse(raw) else { return Authentic::default() };
    message.dkim_headers.truncate(MAX_SIGNATURES);
    let signatures = authenticator.verify_dkim(&message).await;
    let passed = |r: &&mail_auth::DkimOutput<'_>| r.result() == &DkimResult::Pass;
    let mut domains: Vec<String> =
        signatures.iter().filter(passed).filter_map(|r| Some(r.signature()?.d.trim_end_matches('.').to_ascii_lowercase())).collect();
    let dkim = match (domains.is_empty(), signatures.iter().any(|r| matches!(r.result(), DkimResult::TempError(_)))) {
        (false, _) => Verdict::Pass,
        (true, true) => Verdict::Unknown,
        (true, false) if signatures.is_empty() => Verdict::Unknown,
        (true, false) => Verdict::Fail,
    };
    let spf = SpfOutput::new(String::new());
    let found = authenticator.verify_dmarc(DmarcParameters::new(&message, &signatures, "", &spf)).await;
    // Without SPF a mail may still be aligned by it, so what doesn't pass is not known to fail.
    let dmarc = if found.dkim_result() == &DmarcResult::Pass { Verdict::Pass } else { Verdict::Unknown };
    if dmarc == Verdict::Pass {
        domains.push(found.domain().trim_end_matches('.').to_ascii_lowercase());
    }
    Authentic { results: AuthResults { spf: Verdict::Unknown, dkim, dmarc }, domains }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::Dns;
    use crate::discovery::testbed::Zone;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use mail_auth::common::crypto::Ed25519Key;
    use mail_auth::common::headers::HeaderWriter as _;
    use mail_auth::dkim::DkimSigner;

    const MAIL: &str = "From: a@one.test\r\nTo: b@two.test\r\nSubject: s\r\nMessage-ID: <1@one.test>\r\n\r\nAt ten?\r\n";

    /// A signature of `domain` over the mail.
    fn signed(zone: &Zone, domain: &str) -> String {
        let pkcs8 = Ed25519Key::generate_pkcs8().expect("a key");
        let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(&pkcs8).expect("its own form");
        zone.txt(&format!("k._domainkey.{domain}"), &format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(key.public_key())));
        let signer = DkimSigner::from_key(key).domain(domain).selector("k").headers(["From", "To", "Subject", "Message-ID"]);
        signer.sign(MAIL.as_bytes()).expect("signed").to_header()
    }

    #[tokio::test]
    async fn a_signature_of_the_from_domain_passes_and_one_byte_breaks_it() {
        let zone = Zone::default();
        let header = signed(&zone, "one.test");
        zone.txt("_dmarc.one.test", "v=DMARC1; p=reject");
        let judge = Judge::Own(Box::new(Dns::new(Some(zone.serve().await)).expect("a resolver").authenticator()));
        let good = judge.judge(format!("{header}{MAIL}").as_bytes()).await;
        assert_eq!(good.results, AuthResults { spf: Verdict::Unknown, dkim: Verdict::Pass, dmarc: Verdict::Pass });
        assert!(good.domains.iter().all(|d| d == "one.test") && !good.domains.is_empty());
        let bad = judge.judge(format!("{header}{}", MAIL.replace("ten", "six")).as_bytes()).await;
        assert_eq!(bad.results, AuthResults { spf: Verdict::Unknown, dkim: Verdict::Fail, dmarc: Verdict::Unknown });
        assert_eq!(bad.domains, Vec::<String>::new());
        let none = judge.judge(MAIL.as_bytes()).await;
        assert_eq!(none, Authentic::default(), "unsigned: nothing is known");
        // What a sender writes about itself counts for nothing here.
        let claims = format!("Authentication-Results: mx.two.test; dkim=pass header.d=one.test; dmarc=pass\r\n{MAIL}");
        assert_eq!(judge.judge(claims.as_bytes()).await, Authentic::default());
    }

    #[tokio::test]
    async fn another_domain_may_sign_but_is_not_the_from_domain() {
        let zone = Zone::default();
        let header = signed(&zone, "evil.test");
        zone.txt("_dmarc.one.test", "v=DMARC1; p=reject");
        let judge = Judge::Own(Box::new(Dns::new(Some(zone.serve().await)).expect("a resolver").authenticator()));
        let got = judge.judge(format!("{header}{MAIL}").as_bytes()).await;
        assert_eq!((got.results.dkim, got.results.dmarc), (Verdict::Pass, Verdict::Unknown));
        assert_eq!(got.domains, ["evil.test"]);
        // A DNS that gives no answer says nothing.
        let lost = judge.judge(format!("{}{MAIL}", header.replace("evil.test", "broken.test")).as_bytes()).await;
        assert_eq!(lost, Authentic::default());
    }

    #[tokio::test]
    async fn a_flood_of_signatures_is_cut() {
        let zone = Zone::default();
        let header = signed(&zone, "one.test");
        let judge = Judge::Own(Box::new(Dns::new(Some(zone.serve().await)).expect("a resolver").authenticator()));
        let flood = header.replace("one.test", "none.test").repeat(300);
        let got = judge.judge(format!("{flood}{header}{MAIL}").as_bytes()).await;
        assert_eq!(got.results.dkim, Verdict::Fail, "the good one came too late");
    }
}
