//! OAuth 2.0 for mail (RFC 6749) with the owner's own client id: how a grant is given, kept fresh and shown to a mail server.
//!
//! ```text
//!  mailbox add --oauth ── browser + PKCE + loopback | device code ──> Grant (refresh token) ──> secrets file
//!  SMTP / IMAP sign-in ── Bearer: access token, renewed before it ends and once when refused ──> XOAUTH2 | OAUTHBEARER
//! ```
//!
//! | file | what |
//! |---|---|
//! | `provider` | a provider's addresses and scopes: data |
//! | `grant` | what the secrets file keeps of a mailbox |
//! | `token` | the token and device endpoints: requests, strict reading of answers |
//! | `loopback`, `device` | the two ways to ask the owner: RFC 8252 with RFC 7636, RFC 8628 |
//! | `bearer` | access tokens: one renewal at a time, the rotated refresh token saved first |
//! | `sasl` | what is said to the mail server |
//! | `http` | one request at a time over verified TLS |

mod bearer;
mod device;
mod error;
mod grant;
mod http;
mod loopback;
mod provider;
pub(crate) mod sasl;
mod token;

pub use bearer::Bearer;
pub use device::{DeviceCode, ask_device, wait_device};
pub use error::OAuthError;
pub use grant::{Client, Grant, GrantStore, HeldGrant};
pub use loopback::Loopback;
pub use provider::{Provider, ProviderError};
