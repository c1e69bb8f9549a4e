//! The live check behind `mailbox test`: both servers, with errors that say what to do.

use super::{
    connect::ConnectError,
    imap::{Folders, ImapError, ImapSession, find_folders},
    settings::{Login, MailTimeouts, ServerSettings},
    smtp::{ReplyCode, SessionError, SmtpOutcome, SmtpSession},
    tls::TlsClient,
};
use crate::oauth::OAuthError;

/// Why a server failed the check.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignInError {
    /// User or password refused: exit code 5.
    #[error("the server refused the user name or password{}", .code.map(|c| format!(" ({c})")).unwrap_or_default())]
    Refused {
        /// The SMTP reply; IMAP has none.
        code: Option<ReplyCode>,
    },
    /// No access token could be had.
    #[error(transparent)]
    Grant(OAuthError),
    /// The server can't sign anybody in now, or wants a pause.
    #[error("the server is busy or can't check the sign-in now; try again in some minutes")]
    Busy,
    /// Not reached, or no TLS: exit code 6.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Signed in, but a command failed.
    #[error("signed in, but the server refused a command")]
    Command,
}

impl SignInError {
    /// The documented exit code: 5 sign-in, 6 network or TLS, 3 a check failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } => 5,
            Self::Grant(e) if e.needs_owner() => 5,
            Self::Connect(_) => 6,
            Self::Busy | Self::Command | Self::Grant(_) => 3,
        }
    }
}

impl From<OAuthError> for SignInError {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::Connect(e) => Self::Connect(e),
            e => Self::Grant(e),
        }
    }
}

impl From<ImapError> for SignInError {
    fn from(error: ImapError) -> Self {
        match error {
            ImapError::Connect(e) => Self::Connect(e),
            ImapError::SignInRefused => Self::Refused { code: None },
            ImapError::SignInUnavailable => Self::Busy,
            ImapError::No { .. } | ImapError::Bad { .. } => Self::Command,
        }
    }
}

impl From<SessionError> for SignInError {
    fn from(error: SessionError) -> Self {
        match error.outcome() {
            SmtpOutcome::SignInRefused { code } => Self::Refused { code: Some(code) },
            SmtpOutcome::NetworkError { kind, .. } => Self::Connect(kind),
            _ => Self::Busy,
        }
    }
}

/// What the check found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignInCheck {
    /// Sign-in for sending.
    pub smtp: Result<(), SignInError>,
    /// Sign-in for reading, with the roles of the folders; a missing junk folder is no error but worth a word.
    pub imap: Result<Folders, SignInError>,
}

impl SignInCheck {
    /// The worst exit code; 0 when both are fine.
    pub fn exit_code(&self) -> u8 {
        let smtp = self.smtp.as_ref().err().map_or(0, SignInError::exit_code);
        let imap = self.imap.as_ref().err().map_or(0, SignInError::exit_code);
        // A refused sign-in is what the owner can act on, so it goes first.
        if smtp == 5 || imap == 5 { 5 } else { smtp.max(imap) }
    }
}

/// Signs in at both servers and looks for the folders. Sends no mail, reads none.
pub async fn check_mailbox(smtp: &ServerSettings, imap: &ServerSettings, login: &Login, timeouts: &MailTimeouts) -> SignInCheck {
    SignInCheck { smtp: check_smtp(smtp, login, timeouts).await, imap: check_imap(imap, login, timeouts).await }
}

async fn check_smtp(server: &ServerSettings, login: &Login, timeouts: &MailTimeouts) -> Result<(), SignInError> {
    let tls = TlsClient::new(server.ca_file.as_deref())?;
    // Here, where its words can be shown; the session takes the same token.
    login.secret().await?;
    SmtpSession::open(server, login, &tls, timeouts).await?.close().await;
    Ok(())
}

async fn check_imap(server: &ServerSettings, login: &Login, timeouts: &MailTimeouts) -> Result<Folders, SignInError> {
    let tls = TlsClient::new(server.ca_file.as_deref())?;
    login.secret().await?;
    let mut session = ImapSession::open(server, login, &tls, timeouts).await?;
    let folders = find_folders(&mut session).await?;
    session.close().await;
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_follow_the_table() {
        let check = |smtp, imap| SignInCheck { smtp, imap }.exit_code();
        let closed = || SignInError::Connect(ConnectError::PortClosed);
        assert_eq!(check(Err(closed()), Err(SignInError::Refused { code: None })), 5);
        assert_eq!(check(Err(closed()), Err(SignInError::Busy)), 6);
        assert_eq!(check(Ok(()), Err(SignInError::Command)), 3);
    }
}
