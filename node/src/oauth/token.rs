//! The token endpoint (RFC 6749 sections 4.1.3, 5 and 6).

use super::{Client, Grant, OAuthError, Provider, http};
use crate::secrets::Hidden;
use hyper::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Life of a token whose answer names none (RFC 6749 recommends to name it; providers use an hour).
const USUAL_LIFE: u64 = 3_600;
/// Longest life that is believed.
const MAX_LIFE: u64 = 24 * 3_600;
/// Longest token that is put into a sign-in line (RFC 4954 section 4 allows lines of 12,288 bytes, base64 takes a third).
const MAX_TOKEN: usize = 8 * 1_024;

/// What came back.
pub(super) struct Tokens {
    pub(super) access: SecretString,
    pub(super) refresh: Option<SecretString>,
    pub(super) life: Duration,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Hidden,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<Hidden>,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
}

/// Posts a form and reads its JSON, or the error it tells.
pub(super) async fn ask<T: DeserializeOwned>(address: &str, provider: &Provider, fields: &[(&str, &str)]) -> Result<T, OAuthError> {
    let reply = http::post(address, provider.ca_file.as_deref(), fields).await?;
    if reply.status == StatusCode::OK {
        return serde_json::from_slice(&reply.body).map_err(|_| OAuthError::Protocol("what is no token"));
    }
    if let Ok(failure) = serde_json::from_slice::<Failure>(&reply.body) {
        return Err(OAuthError::of_code(&failure.error));
    }
    let busy = reply.status.is_server_error() || reply.status == StatusCode::TOO_MANY_REQUESTS;
    Err(if busy { OAuthError::Busy } else { OAuthError::Protocol("an error without a code") })
}

/// The common part of token requests; the secret goes into the body, as both big providers want it.
pub(super) async fn tokens(provider: &Provider, client: &Client, mut fields: Vec<(&str, &str)>) -> Result<Tokens, OAuthError> {
    fields.push(("client_id", &client.id));
    if let Some(secret) = &client.secret {
        fields.push(("client_secret", secret.expose_secret()));
    }
    let answer: Answer = ask(&provider.token, provider, &fields).await?;
    if !answer.token_type.eq_ignore_ascii_case("bearer") {
        return Err(OAuthError::Protocol("a token of another type than Bearer"));
    }
    // RFC 6750 section 2.1: anything else could break out of the sign-in line.
    let good = |t: &str| !t.is_empty() && t.len() <= MAX_TOKEN && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b));
    if !good(&answer.access_token) {
        return Err(OAuthError::Protocol("a token that can't be used"));
    }
    Ok(Tokens {
        access: SecretString::from(&*answer.access_token),
        refresh: answer.refresh_token.filter(|t| !t.is_empty()).map(|t| SecretString::from(&*t)),
        life: Duration::from_secs(answer.expires_in.unwrap_or(USUAL_LIFE).min(MAX_LIFE)),
    })
}

/// Makes a grant of a first answer.
pub(super) fn grant(provider: &Provider, client: &Client, tokens: Tokens) -> Result<Grant, OAuthError> {
    let refresh_token = tokens.refresh.ok_or(OAuthError::NoRefreshToken)?;
    Ok(Grant { provider: provider.clone(), client: client.clone(), refresh_token })
}

/// Trades the refresh token for an access token.
pub(super) async fn refresh(grant: &Grant) -> Result<Tokens, OAuthError> {
    let fields = vec![("grant_type", "refresh_token"), ("refresh_token", grant.refresh_token.expose_secret())];
    tokens(&grant.provider, &grant.client, fields).await
}
