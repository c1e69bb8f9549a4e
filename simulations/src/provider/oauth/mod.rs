//! An authorization server (RFC 6749, 7636, 8628) for all providers of the emulator, and the tokens their mail servers take.
//!
//! ```text
//!  browser ──GET /authorize──> page ──POST with address and password──> 302 to the client's loopback with code and state
//!  client  ──POST /device──> codes;  browser ──POST /activate──> granted
//!  client  ──POST /token──> access token (for some seconds) + refresh token, a new one each time: the old one is void
//! ```

mod sasl;
mod server;

pub use sasl::Bearer;
pub use server::serve;

use super::world::lock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Codes and tokens of each kind that are held; beyond it nothing new is given.
const MAX_HELD: usize = 10_000;
/// Life of a code (RFC 6749 section 4.1.2 recommends at most ten minutes).
const CODE_LIFE: Duration = Duration::from_secs(60);

/// `oauth` of the configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthEntry {
    /// The one client that is known.
    pub client_id: String,
    /// Its secret; absent: a public client.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Life of an access token.
    pub expires_seconds: u64,
    /// SASL mechanisms the mail servers offer.
    #[serde(default = "both")]
    pub mechanisms: Vec<String>,
}

fn both() -> Vec<String> {
    vec!["XOAUTH2".to_owned(), "OAUTHBEARER".to_owned()]
}

/// Clients, codes and tokens.
pub struct Authority {
    config: OAuthEntry,
    seed: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    made: u64,
    codes: BTreeMap<String, Code>,
    devices: BTreeMap<String, Device>,
    access: BTreeMap<String, Access>,
    /// Owner by refresh token.
    refresh: BTreeMap<String, String>,
    refreshed: u64,
}

struct Code {
    mailbox: String,
    redirect: String,
    challenge: String,
    until: Instant,
}

struct Device {
    user_code: String,
    mailbox: Option<String>,
    until: Instant,
}

struct Access {
    mailbox: String,
    until: Instant,
}

/// RFC 6749 section 5.2 error codes.
type Refused = &'static str;

/// A successful answer.
#[derive(Serialize)]
struct Granted {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: String,
}

impl Authority {
    /// A new one that has granted nothing.
    #[must_use]
    pub fn new(config: OAuthEntry, seed: u64) -> Self {
        Self { config, seed, state: Mutex::default() }
    }

    /// What the mail servers offer.
    #[must_use]
    pub fn mechanisms(&self) -> &[String] {
        &self.config.mechanisms
    }

    /// Whose access token this is, while it is good.
    #[must_use]
    pub fn owner(&self, token: &str) -> Option<String> {
        lock(&self.state).access.get(token).filter(|a| Instant::now() < a.until).map(|a| a.mailbox.clone())
    }

    /// Takes back a mailbox's access tokens, and with `all` its refresh tokens too.
    pub fn revoke(&self, mailbox: &str, all: bool) {
        let mut state = lock(&self.state);
        state.access.retain(|_, a| a.mailbox != mailbox);
        if all {
            state.refresh.retain(|_, owner| owner != mailbox);
        }
    }

    /// How many times tokens were refreshed.
    #[must_use]
    pub fn refreshed(&self) -> u64 {
        lock(&self.state).refreshed
    }

    fn fresh(&self, state: &mut State, kind: &str) -> String {
        state.made += 1;
        let text = format!("{} {} {kind} {:?}", self.seed, state.made, std::time::SystemTime::now());
        format!("{kind}-{}", blake3::hash(text.as_bytes()).to_hex())
    }

    fn check_client(&self, id: Option<&str>, secret: Option<&str>) -> Result<(), Refused> {
        let fits = id == Some(self.config.client_id.as_str()) && secret == self.config.client_secret.as_deref();
        if fits { Ok(()) } else { Err("invalid_client") }
    }

    fn code(&self, mailbox: String, redirect: String, challenge: String) -> Result<String, Refused> {
        let mut state = lock(&self.state);
        let now = Instant::now();
        state.codes.retain(|_, c| now < c.until);
        if state.codes.len() >= MAX_HELD {
            return Err("temporarily_unavailable");
        }
        let code = self.fresh(&mut state, "code");
        state.codes.insert(code.clone(), Code { mailbox, redirect, challenge, until: now + CODE_LIFE });
        Ok(code)
    }

    /// RFC 6749 section 4.1.3 with RFC 7636 section 4.6. A code is good once.
    fn redeem(&self, code: &str, redirect: &str, challenge: &str) -> Result<Granted, Refused> {
        let mut state = lock(&self.state);
        let code = state.codes.remove(code).filter(|c| Instant::now() < c.until).ok_or("invalid_grant")?;
        if code.redirect != redirect || code.challenge != challenge {
            return Err("invalid_grant");
        }
        self.grant(&mut state, code.mailbox)
    }

    fn device(&self) -> Result<(String, String), Refused> {
        let mut state = lock(&self.state);
        let now = Instant::now();
        state.devices.retain(|_, d| now < d.until);
        if state.devices.len() >= MAX_HELD {
            return Err("temporarily_unavailable");
        }
        let device = self.fresh(&mut state, "device");
        let user_code = device[device.len() - 8..].to_ascii_uppercase();
        state.devices.insert(device.clone(), Device { user_code: user_code.clone(), mailbox: None, until: now + CODE_LIFE });
        Ok((device, user_code))
    }

    fn activate(&self, user_code: &str, mailbox: String) -> bool {
        let mut state = lock(&self.state);
        let device = state.devices.values_mut().find(|d| d.user_code == user_code && Instant::now() < d.until);
        device.is_some_and(|d| d.mailbox.replace(mailbox).is_none())
    }

    /// RFC 8628 section 3.5.
    fn poll(&self, device: &str) -> Result<Granted, Refused> {
        let mut state = lock(&self.state);
        let held = state.devices.get(device).ok_or("invalid_grant")?;
        if Instant::now() >= held.until {
            return Err("expired_token");
        }
        let mailbox = held.mailbox.clone().ok_or("authorization_pending")?;
        state.devices.remove(device);
        self.grant(&mut state, mailbox)
    }

    fn refresh(&self, token: &str) -> Result<Granted, Refused> {
        let mut state = lock(&self.state);
        let mailbox = state.refresh.remove(token).ok_or("invalid_grant")?;
        state.refreshed += 1;
        self.grant(&mut state, mailbox)
    }

    fn grant(&self, state: &mut State, mailbox: String) -> Result<Granted, Refused> {
        let now = Instant::now();
        state.access.retain(|_, a| now < a.until);
        if state.access.len() >= MAX_HELD || state.refresh.len() >= MAX_HELD {
            return Err("temporarily_unavailable");
        }
        let access_token = self.fresh(state, "access");
        let refresh_token = self.fresh(state, "refresh");
        let expires_in = self.config.expires_seconds;
        state.access.insert(access_token.clone(), Access { mailbox: mailbox.clone(), until: now + Duration::from_secs(expires_in) });
        state.refresh.insert(refresh_token.clone(), mailbox);
        Ok(Granted { access_token, token_type: "Bearer", expires_in, refresh_token })
    }
}
