//! What is said to a mail server: XOAUTH2 (Google's, spoken by all big providers) and OAUTHBEARER (RFC 7628).

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// The two mechanisms; XOAUTH2 goes first where both are offered, as providers test it most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mechanism {
    XOAuth2,
    OAuthBearer,
}

impl Mechanism {
    /// The one to use of those a server offers (upper case).
    pub(crate) fn choose<'a>(offered: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut bearer = None;
        for name in offered {
            match name {
                "XOAUTH2" => return Some(Self::XOAuth2),
                "OAUTHBEARER" => bearer = Some(Self::OAuthBearer),
                _ => {}
            }
        }
        bearer
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::XOAuth2 => "XOAUTH2",
            Self::OAuthBearer => "OAUTHBEARER",
        }
    }

    /// The first message, before base64. Host and port may be left out (RFC 7628 section 3.1).
    pub(crate) fn first(self, user: &str, token: &SecretString) -> Zeroizing<String> {
        let token = token.expose_secret();
        Zeroizing::new(match self {
            Self::XOAuth2 => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
            // RFC 5801: comma and equals sign of a name are written in hex.
            Self::OAuthBearer => {
                format!("n,a={},\x01auth=Bearer {token}\x01\x01", user.replace('=', "=3D").replace(',', "=2C"))
            }
        })
    }

    /// The answer to a challenge, which always tells an error: it makes the server end the sign-in with its own words.
    pub(crate) fn after_error(self) -> &'static str {
        match self {
            Self::XOAuth2 => "",
            // RFC 7628 section 3.2.3.
            Self::OAuthBearer => "\x01",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_documents() {
        let token = SecretString::from("vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==");
        assert_eq!(
            Mechanism::OAuthBearer.first("user@example.com", &token).as_str(),
            "n,a=user@example.com,\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01"
        );
        assert_eq!(Mechanism::OAuthBearer.first("a,b=c", &"t".into()).as_str(), "n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01");
        assert_eq!(Mechanism::XOAuth2.first("u@a.test", &"t".into()).as_str(), "user=u@a.test\x01auth=Bearer t\x01\x01");
    }

    #[test]
    fn the_server_decides_what_is_spoken() {
        assert_eq!(Mechanism::choose(["PLAIN", "OAUTHBEARER", "XOAUTH2"]), Some(Mechanism::XOAuth2));
        assert_eq!(Mechanism::choose(["OAUTHBEARER"]), Some(Mechanism::OAuthBearer));
        assert_eq!(Mechanism::choose(["PLAIN", "LOGIN"]), None);
    }
}
