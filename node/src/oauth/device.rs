//! Asking the owner on another device (RFC 8628): for machines without a browser.

use super::{Client, Grant, OAuthError, Provider, token};
use crate::secrets::Hidden;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use url::Url;

/// RFC 8628 section 3.2: the interval when none is named; section 3.5: what "slow_down" adds.
const STEP: Duration = Duration::from_secs(5);
/// Longest interval and longest wait that are believed.
const MAX_INTERVAL: Duration = Duration::from_secs(60);
const MAX_WAIT: Duration = Duration::from_secs(30 * 60);
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the owner is told, and what this side asks with.
#[derive(Debug)]
pub struct DeviceCode {
    /// Where to go.
    pub address: String,
    /// What to type there.
    pub user_code: String,
    code: SecretString,
    interval: Duration,
    until: Instant,
}

#[derive(Deserialize)]
struct Answer {
    device_code: Hidden,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

/// Asks for a code.
///
/// # Errors
/// [`OAuthError`].
pub async fn ask_device(provider: &Provider, client: &Client) -> Result<DeviceCode, OAuthError> {
    let address = provider.device.as_ref().ok_or(OAuthError::NoDeviceFlow)?;
    let scope = provider.scope();
    let answer: Answer = token::ask(address, provider, &[("client_id", &client.id), ("scope", &scope)]).await?;
    // Both are shown at a terminal.
    let plain = |t: &str, max| (1..=max).contains(&t.len()) && t.bytes().all(|b| (b' '..=b'~').contains(&b));
    let web = Url::parse(&answer.verification_uri).is_ok_and(|u| matches!(u.scheme(), "http" | "https"));
    if !web || !plain(&answer.verification_uri, 500) || !plain(&answer.user_code, 40) {
        return Err(OAuthError::Protocol("a code that can't be shown"));
    }
    Ok(DeviceCode {
        address: answer.verification_uri,
        user_code: answer.user_code,
        code: SecretString::from(&*answer.device_code),
        interval: answer.interval.map_or(STEP, Duration::from_secs).min(MAX_INTERVAL),
        until: Instant::now() + Duration::from_secs(answer.expires_in).min(MAX_WAIT),
    })
}

/// Waits until the owner answered.
///
/// # Errors
/// [`OAuthError::NobodyAnswered`], [`OAuthError::Denied`] and the others.
pub async fn wait_device(provider: &Provider, client: &Client, device: DeviceCode) -> Result<Grant, OAuthError> {
    let mut interval = device.interval;
    loop {
        if Instant::now() + interval > device.until {
            return Err(OAuthError::NobodyAnswered);
        }
        sleep(interval).await;
        let fields = vec![("grant_type", DEVICE_GRANT), ("device_code", device.code.expose_secret())];
        match token::tokens(provider, client, fields).await {
            Ok(tokens) => return token::grant(provider, client, tokens),
            Err(OAuthError::Refused { code }) if code == "authorization_pending" => {}
            Err(OAuthError::Refused { code }) if code == "slow_down" => interval = (interval + STEP).min(MAX_INTERVAL),
            // RFC 8628 section 3.5: back off when the connection fails.
            Err(OAuthError::Connect(_) | OAuthError::Busy) => interval = (interval * 2).clamp(STEP, MAX_INTERVAL),
            Err(e) => return Err(e),
        }
    }
}
