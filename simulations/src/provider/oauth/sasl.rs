//! XOAUTH2 and OAUTHBEARER (RFC 7628) as a server.

use super::Authority;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One sign-in by token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// `user=..^Aauth=Bearer ..^A^A`
    XOAuth2,
    /// `n,a=..,^Aauth=Bearer ..^A^A`
    OAuthBearer,
}

impl Bearer {
    /// The mechanism of a name, if it is offered.
    #[must_use]
    pub fn of(name: &str, authority: Option<&Authority>) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        authority?.mechanisms().contains(&name).then_some(())?;
        match name.as_str() {
            "XOAUTH2" => Some(Self::XOAuth2),
            "OAUTHBEARER" => Some(Self::OAuthBearer),
            _ => None,
        }
    }

    /// Whose mailbox may be opened by this message; `None`: nobody's.
    #[must_use]
    pub fn owner(self, message: &[u8], authority: Option<&Authority>) -> Option<String> {
        let text = std::str::from_utf8(message).ok()?;
        let mut fields = text.strip_suffix("\x01\x01")?.split('\x01');
        let head = fields.next()?;
        let user = match self {
            Self::XOAuth2 => head.strip_prefix("user=")?.to_owned(),
            Self::OAuthBearer => head.strip_prefix("n,a=")?.strip_suffix(',')?.replace("=2C", ",").replace("=3D", "="),
        };
        let token = fields.find_map(|f| f.strip_prefix("auth=Bearer "))?;
        authority?.owner(token).filter(|owner| owner.eq_ignore_ascii_case(&user))
    }

    /// The challenge that tells an error, in base64.
    #[must_use]
    pub fn error(self) -> String {
        STANDARD.encode(match self {
            Self::XOAuth2 => r#"{"status":"401","schemes":"bearer","scope":"mail"}"#,
            Self::OAuthBearer => r#"{"status":"invalid_token","scope":"mail"}"#,
        })
    }

    /// Whether the client answered that challenge as it must.
    #[must_use]
    pub fn ended(self, answer: &[u8]) -> bool {
        let wanted: &[u8] = match self {
            Self::XOAuth2 => b"",
            Self::OAuthBearer => b"\x01",
        };
        STANDARD.decode(answer.trim_ascii()).is_ok_and(|bytes| bytes == wanted)
    }
}
