//! Why there is no access token, in words that hold no secret.

use crate::mail::ConnectError;

/// What went wrong. Its text says what to do where the owner can do something.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OAuthError {
    /// The provider's sign-in service could not be reached.
    #[error("the provider's sign-in service: {0}")]
    Connect(#[from] ConnectError),
    /// It has no time now (429, 5xx, `temporarily_unavailable`).
    #[error("the provider's sign-in service is busy; this is tried again by itself")]
    Busy,
    /// `invalid_grant`: the permission is gone.
    #[error(
        "the provider no longer accepts the permission that was given to this node (withdrawn, expired, or the password was changed): run `mailbox add` with --oauth again"
    )]
    Revoked,
    /// `invalid_client` or `unauthorized_client`.
    #[error(
        "the provider refuses the client id or secret ({code}): check them in the provider's console, then run `mailbox add` with --oauth again"
    )]
    Client {
        /// RFC 6749 error code.
        code: String,
    },
    /// The owner said no.
    #[error("the permission was refused in the browser")]
    Denied,
    /// The owner did not answer in time.
    #[error("nobody gave the permission in time")]
    NobodyAnswered,
    /// Any other error code.
    #[error("the provider's sign-in service refused the request ({code})")]
    Refused {
        /// RFC 6749 error code.
        code: String,
    },
    /// No refresh token came: the node could not sign in again tomorrow.
    #[error("the provider gave no refresh token: allow offline access for this client id")]
    NoRefreshToken,
    /// An answer that makes no sense.
    #[error("the provider's sign-in service answered with {0}")]
    Protocol(&'static str),
    /// The provider has no device flow.
    #[error("this provider has no device flow for mail")]
    NoDeviceFlow,
    /// The grant could not be read or saved.
    #[error("the permission can't be read from or saved to the secrets file: {0}")]
    Store(String),
}

impl OAuthError {
    /// The meaning of an RFC 6749 section 5.2 code. Only its own alphabet is kept, as the text comes from outside.
    pub(super) fn of_code(code: &str) -> Self {
        let code: String = code.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(40).collect();
        match code.as_str() {
            "invalid_grant" => Self::Revoked,
            "invalid_client" | "unauthorized_client" => Self::Client { code },
            "access_denied" => Self::Denied,
            "expired_token" => Self::NobodyAnswered,
            "temporarily_unavailable" | "server_error" => Self::Busy,
            _ => Self::Refused { code },
        }
    }

    /// Whether only the owner can help.
    #[must_use]
    pub fn needs_owner(&self) -> bool {
        !matches!(self, Self::Connect(_) | Self::Busy | Self::Protocol(_) | Self::Store(_))
    }
}
