//! Mozilla's `config-v1.1.xml`: reading one is pure, and what can't be used safely isn't in the result.

use crate::mail::{Security, ServerSettings};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Largest file that is read.
pub const MAX_BYTES: usize = 64 * 1024;
/// Servers of one file; more is no mail provider.
const MAX_SERVERS: usize = 32;

/// Usable servers of a file, in its order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Offers {
    /// IMAP with TLS or STARTTLS.
    pub imap: Vec<Offer>,
    /// Submission with TLS or STARTTLS.
    pub smtp: Vec<Offer>,
}

/// One server as a file offers it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// Where.
    pub server: ServerSettings,
    /// User name.
    pub user: String,
    /// Whether a password is among the ways to sign in.
    pub password: bool,
}

/// Reads a file for an address.
///
/// # Errors
/// Plain words: not XML, a document type (which could name files and grow without bound), or no emailProvider.
pub fn read(xml: &str, address: &str) -> Result<Offers, String> {
    let mut reader = Reader::from_str(xml);
    let mut path: Vec<String> = Vec::new();
    let mut offers = Offers::default();
    let mut draft: Option<Draft> = None;
    let mut text = String::new();
    let mut seen = false;
    loop {
        match reader.read_event().map_err(|e| format!("it is not XML: {e}"))? {
            Event::DocType(_) => return Err("it holds a document type, which is not read".to_owned()),
            Event::Start(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                seen |= name == "emailProvider";
                if matches!(name.as_str(), "incomingServer" | "outgoingServer") && path.last().is_some_and(|p| p == "emailProvider") {
                    let kind = tag.try_get_attribute("type").ok().flatten().map(|a| a.value.into_owned()).unwrap_or_default();
                    draft = Some(Draft { kind, ..Draft::default() });
                }
                path.push(name);
                text.clear();
            }
            Event::Text(part) => text.push_str(&part),
            // An entity has no business in a host name or a port: the field is spoilt by it.
            Event::GeneralRef(_) => text.push('\u{fffd}'),
            Event::End(_) => {
                let name = path.pop().unwrap_or_default();
                let parent = path.last().map(String::as_str).unwrap_or_default();
                if matches!(parent, "incomingServer" | "outgoingServer")
                    && let Some(draft) = &mut draft
                {
                    draft.set(&name, text.trim());
                }
                if matches!(name.as_str(), "incomingServer" | "outgoingServer")
                    && let Some(done) = draft.take()
                {
                    let list = match done.kind.as_str() {
                        "imap" => Some(&mut offers.imap),
                        "smtp" => Some(&mut offers.smtp),
                        _ => None,
                    };
                    if let (Some(list), Some(offer)) = (list, done.offer(address))
                        && list.len() < MAX_SERVERS
                    {
                        list.push(offer);
                    }
                }
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if seen { Ok(offers) } else { Err("it names no mail provider".to_owned()) }
}

#[derive(Default)]
struct Draft {
    kind: String,
    host: String,
    port: String,
    socket: String,
    user: String,
    sign_in: Vec<String>,
}

impl Draft {
    fn set(&mut self, name: &str, value: &str) {
        match name {
            "hostname" => self.host = value.to_owned(),
            "port" => self.port = value.to_owned(),
            "socketType" => self.socket = value.to_owned(),
            "username" => self.user = value.to_owned(),
            "authentication" => self.sign_in.push(value.to_owned()),
            _ => {}
        }
    }

    /// The offer, if it is whole and protected; `plain` is refused like anything unknown.
    fn offer(self, address: &str) -> Option<Offer> {
        let security = match self.socket.as_str() {
            "SSL" => Security::Tls,
            "STARTTLS" => Security::StartTls,
            _ => return None,
        };
        let host = fill(&self.host, address).to_ascii_lowercase();
        let user = if self.user.is_empty() { address.to_owned() } else { fill(&self.user, address) };
        let printable = user.chars().all(|c| !c.is_control() && c != '\u{fffd}');
        if !is_host(&host) || !printable || user.is_empty() || user.len() > 320 {
            return None;
        }
        let server = ServerSettings { host, port: self.port.parse().ok().filter(|p| *p != 0)?, security, address: None, ca_file: None };
        let password = self.sign_in.is_empty() || self.sign_in.iter().any(|s| s == "password-cleartext" || s == "plain");
        Some(Offer { server, user, password })
    }
}

fn fill(text: &str, address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    text.replace("%EMAILADDRESS%", address).replace("%EMAILLOCALPART%", local).replace("%EMAILDOMAIN%", domain)
}

/// Whether a text is a DNS host name with at least two labels: addresses and bare names are refused.
pub(super) fn is_host(name: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !l.starts_with('-') && !l.ends_with('-')
    };
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(label)
        && !name.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = r#"<?xml version="1.0"?>
<!-- a comment -->
<clientConfig version="1.1">
  <emailProvider id="a.test">
    <domain>a.test</domain>
    <displayName>A &amp; B</displayName>
    <incomingServer type="pop3"><hostname>pop.a.test</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
    <incomingServer type="imap">
      <hostname>IMAP.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
      <authentication>OAuth2</authentication><authentication>password-cleartext</authentication>
      <username>%EMAILLOCALPART%</username>
    </incomingServer>
    <incomingServer type="imap"><hostname>imap.a.test</hostname><port>143</port><socketType>plain</socketType></incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.a.test</hostname><port>587</port><socketType>STARTTLS</socketType>
      <authentication>OAuth2</authentication><username>%EMAILADDRESS%</username>
    </outgoingServer>
  </emailProvider>
</clientConfig>"#;

    #[test]
    fn protected_servers_are_read_and_plain_ones_are_not() {
        let got = read(FILE, "me@a.test").expect("readable");
        assert_eq!((got.imap.len(), got.smtp.len()), (1, 1));
        let (imap, smtp) = (&got.imap[0], &got.smtp[0]);
        assert_eq!((imap.server.host.as_str(), imap.server.port, imap.server.security), ("imap.a.test", 993, Security::Tls));
        assert_eq!((imap.user.as_str(), imap.password), ("me", true));
        assert_eq!((smtp.server.port, smtp.server.security), (587, Security::StartTls));
        assert_eq!((smtp.user.as_str(), smtp.password), ("me@a.test", false));
    }

    #[test]
    fn what_could_lead_astray_is_refused() {
        let spoil = |from: &str, to: &str| read(&FILE.replace(from, to), "me@a.test");
        assert!(spoil("<clientConfig", "<!DOCTYPE x [<!ENTITY a \"b\">]><clientConfig").is_err());
        assert!(spoil("emailProvider", "other").is_err());
        assert!(read("<html><body>Not here</body></html>", "me@a.test").is_err());
        for host in ["127.0.0.1", "localhost", "a..test", "imap.a.test:99", "&amp;imap.a.test", "", "-x.a.test", "a b.test"] {
            let got = spoil("IMAP.%EMAILDOMAIN%", host).expect("readable");
            assert!(got.imap.is_empty(), "{host}");
        }
        for port in ["0", "70000", "-1", "x", ""] {
            assert!(spoil("<port>993</port>", &format!("<port>{port}</port>")).expect("readable").imap.is_empty(), "{port}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(noise in ".{0,200}", at in 0_usize..1200) {
            let mut cut = at.min(FILE.len());
            while !FILE.is_char_boundary(cut) { cut -= 1; }
            let text = format!("{}{noise}{}", &FILE[..cut], &FILE[cut..]);
            if let Ok(got) = read(&text, "me@a.test") {
                prop_assert!(got.imap.iter().chain(&got.smtp).all(|o| is_host(&o.server.host) && o.server.port != 0));
            }
        }
    }
}
