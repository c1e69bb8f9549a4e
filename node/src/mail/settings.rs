//! What the config says about a mailbox's servers.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::oauth::{Bearer, OAuthError};

/// How the connection is protected. There is no unprotected way and no downgrade (RFC 8314).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte (ports 465 and 993).
    Tls,
    /// Plain greeting, then a required upgrade (ports 587 and 143).
    StartTls,
}

/// One server of a mailbox: the `[smtp]` or `[imap]` table.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// The name the certificate must carry, and what is resolved unless `address` is given.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS from the start or by STARTTLS.
    pub security: Security,
    /// Dialled instead of resolving `host`; `host` is still verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// PEM file with further trusted roots, beside the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// User name and password, or what stands for one, of a mailbox; neither shows in `Debug`.
#[derive(Clone)]
pub struct Login {
    /// As the provider wants it, mostly the whole address.
    pub user: String,
    /// From the secrets file, never from the config.
    pub password: Credential,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("password", &self.password).finish_non_exhaustive()
    }
}

/// What a mailbox signs in with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A password or app password.
    Password(SecretString),
    /// Access tokens of a grant.
    OAuth(Bearer),
}

impl From<SecretString> for Credential {
    fn from(password: SecretString) -> Self {
        Self::Password(password)
    }
}

impl From<String> for Credential {
    fn from(password: String) -> Self {
        Self::Password(password.into())
    }
}

/// What one sign-in uses.
#[derive(Clone, Debug)]
pub(crate) enum SignInSecret {
    Password(SecretString),
    Token(SecretString),
}

impl Login {
    /// The password, or a token that is good for a while.
    pub(crate) async fn secret(&self) -> Result<SignInSecret, OAuthError> {
        match &self.password {
            Credential::Password(password) => Ok(SignInSecret::Password(password.clone())),
            Credential::OAuth(bearer) => bearer.access().await.map(SignInSecret::Token),
        }
    }

    /// What to try once more with after a server refused `used`. A password is never tried twice: accounts get locked.
    pub(crate) async fn after_refusal(&self, used: &SignInSecret) -> Result<Option<SignInSecret>, OAuthError> {
        match (&self.password, used) {
            (Credential::OAuth(bearer), SignInSecret::Token(token)) => Ok(bearer.after_refusal(token).await?.map(SignInSecret::Token)),
            _ => Ok(None),
        }
    }
}

/// Network time-outs in wall seconds, `[mail.timeouts]`. The SMTP ones are RFC 5321 section 4.5.3.2:
/// a shorter wait after the final dot makes repeated sends, as servers may take minutes to answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailTimeouts {
    /// Resolving and TCP; then the TLS handshake as long again.
    pub connect_seconds: u64,
    /// SMTP greeting.
    pub greeting_seconds: u64,
    /// EHLO, STARTTLS, AUTH, MAIL and RCPT each, where the next five name nothing else.
    pub command_seconds: u64,
    /// EHLO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hello_seconds: Option<u64>,
    /// STARTTLS, up to the handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starttls_seconds: Option<u64>,
    /// AUTH with its challenges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in_seconds: Option<u64>,
    /// MAIL FROM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_seconds: Option<u64>,
    /// RCPT TO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_seconds: Option<u64>,
    /// From DATA to 354.
    pub data_seconds: u64,
    /// Writing the message.
    pub block_seconds: u64,
    /// From the final dot to its answer.
    pub final_dot_seconds: u64,
    /// Every IMAP command as a whole.
    pub imap_seconds: u64,
}

impl Default for MailTimeouts {
    fn default() -> Self {
        Self {
            connect_seconds: 30,
            greeting_seconds: 300,
            command_seconds: 300,
            hello_seconds: None,
            starttls_seconds: None,
            sign_in_seconds: None,
            mail_seconds: None,
            recipient_seconds: None,
            data_seconds: 120,
            block_seconds: 180,
            final_dot_seconds: 600,
            imap_seconds: 60,
        }
    }
}

impl MailTimeouts {
    pub(crate) fn connect(&self) -> Duration {
        Duration::from_secs(self.connect_seconds)
    }
    pub(crate) fn greeting(&self) -> Duration {
        Duration::from_secs(self.greeting_seconds)
    }
    fn command(&self, own: Option<u64>) -> Duration {
        Duration::from_secs(own.unwrap_or(self.command_seconds))
    }
    pub(crate) fn hello(&self) -> Duration {
        self.command(self.hello_seconds)
    }
    pub(crate) fn starttls(&self) -> Duration {
        self.command(self.starttls_seconds)
    }
    pub(crate) fn sign_in(&self) -> Duration {
        self.command(self.sign_in_seconds)
    }
    pub(crate) fn mail_from(&self) -> Duration {
        self.command(self.mail_seconds)
    }
    pub(crate) fn recipient(&self) -> Duration {
        self.command(self.recipient_seconds)
    }
    pub(crate) fn data(&self) -> Duration {
        Duration::from_secs(self.data_seconds)
    }
    pub(crate) fn block(&self) -> Duration {
        Duration::from_secs(self.block_seconds)
    }
    pub(crate) fn final_dot(&self) -> Duration {
        Duration::from_secs(self.final_dot_seconds)
    }
    pub(crate) fn imap(&self) -> Duration {
        Duration::from_secs(self.imap_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_table_is_read() {
        let text = "host = \"mx.a.test\"\nport = 465\nsecurity = \"starttls\"\naddress = \"127.0.0.1\"\n";
        let read: ServerSettings = toml::from_str(text).expect("valid table");
        assert_eq!(read.security, Security::StartTls);
        assert_eq!(read.address, Some(IpAddr::from([127, 0, 0, 1])));
        assert_eq!(read.ca_file, None);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let server = "host = \"h\"\nport = 1\nsecurity = \"tls\"\nverify = false\n";
        assert!(toml::from_str::<ServerSettings>(server).is_err());
        assert!(toml::from_str::<MailTimeouts>("connect = 3\n").is_err());
    }

    #[test]
    fn missing_time_outs_take_their_default() {
        let read: MailTimeouts = toml::from_str("imap_seconds = 5\n").expect("valid table");
        assert_eq!(read.imap_seconds, 5);
        assert_eq!(read.final_dot_seconds, 600);
    }

    #[test]
    fn neither_user_nor_password_is_shown() {
        let login = Login { user: "me@a.test".into(), password: "hunter2".to_owned().into() };
        let shown = format!("{login:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("a.test"), "{shown}");
    }
}
