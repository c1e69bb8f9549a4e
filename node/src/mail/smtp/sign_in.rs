//! AUTH: PLAIN and LOGIN with a password, XOAUTH2 and OAUTHBEARER with an access token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism as PasswordMechanism},
    client::AsyncSmtpConnection,
    commands::Ehlo,
    extension::ClientId,
};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::{
    outcome::{ReplyCode, Stage},
    session::{SessionError, typed},
};
use crate::mail::settings::SignInSecret;
use crate::oauth::{OAuthError, sasl::Mechanism};

/// Why no token could be had, in the terms of a session: a permission that is gone is a refused sign-in.
pub(super) fn no_token(error: &OAuthError) -> SessionError {
    let stage = Stage::SignIn;
    match error {
        OAuthError::Connect(kind) => SessionError::network(stage, kind.clone()),
        e if e.needs_owner() => SessionError::Reply { stage, code: ReplyCode::parse(535, "5.7.8") },
        // RFC 4954 section 6: temporary authentication failure.
        _ => SessionError::Reply { stage, code: ReplyCode::parse(454, "4.7.0") },
    }
}

/// Signs in. The caller sets the time-out.
pub(super) async fn sign_in(
    connection: &mut AsyncSmtpConnection,
    hello: &ClientId,
    user: &str,
    secret: &SignInSecret,
) -> Result<(), SessionError> {
    match secret {
        SignInSecret::Password(password) => {
            let credentials = Credentials::new(user.to_owned(), password.expose_secret().to_owned());
            let auth = connection.auth(&[PasswordMechanism::Plain, PasswordMechanism::Login], &credentials).await;
            auth.map(drop).map_err(|e| typed(Stage::SignIn, &e))
        }
        SignInSecret::Token(token) => by_token(connection, hello, user, token).await,
    }
}

async fn by_token(connection: &mut AsyncSmtpConnection, hello: &ClientId, user: &str, token: &SecretString) -> Result<(), SessionError> {
    let failed = |e: lettre::transport::smtp::Error| typed(Stage::SignIn, &e);
    // Asked again, as the library keeps only the mechanisms that it knows itself.
    let greeting = connection.command(Ehlo::new(hello.clone())).await.map_err(failed)?;
    let offered: Vec<String> = greeting
        .message()
        .filter(|line| line.get(..5).is_some_and(|w| w.eq_ignore_ascii_case("AUTH ")))
        .flat_map(|line| line[5..].split_ascii_whitespace().map(str::to_ascii_uppercase))
        .collect();
    let Some(mechanism) = Mechanism::choose(offered.iter().map(String::as_str)) else {
        // RFC 5321: parameter not implemented, as the server would say itself.
        return Err(SessionError::Reply { stage: Stage::SignIn, code: ReplyCode::parse(504, "5.5.4") });
    };
    let first = Zeroizing::new(STANDARD.encode(mechanism.first(user, token).as_bytes()));
    let line = Zeroizing::new(format!("AUTH {} {}\r\n", mechanism.name(), *first));
    let answer = connection.command(line.as_str()).await.map_err(failed)?;
    if !answer.has_code(334) {
        return Ok(());
    }
    // The error in the challenge is for programs; what counts is the code that follows.
    let end = format!("{}\r\n", STANDARD.encode(mechanism.after_error()));
    connection.command(end).await.map_err(failed)?;
    // A server that welcomes after an error is none to be trusted.
    Err(SessionError::network(Stage::SignIn, crate::mail::ConnectError::Protocol))
}
