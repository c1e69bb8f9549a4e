//! Access tokens of one mailbox.
//!
//! ```text
//!  none ──access──> renewing ──> fresh ──(a fifth of its life left, at most 5 min)──> renewing
//!                      │            └──refused by a mail server, once a minute at most──> renewing
//!                      └─ refused by the provider ──> at rest: the same answer for 10 minutes, unless the kept grant changes
//! ```
//! One renewal runs at a time, in a task of its own: a caller that gives up must not lose a refresh token that the provider
//! has just replaced.

use super::{Grant, GrantStore, OAuthError, token};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

/// Longest time before its end at which a token is renewed.
const MARGIN: Duration = Duration::from_secs(300);
/// Renewals because a server refused a fresh token: more often than this they can't help.
const FORCED: Duration = Duration::from_secs(60);
/// How long the provider's refusal is taken as still valid.
const REST: Duration = Duration::from_secs(600);

/// Gives access tokens. Cheap to clone; all clones share one token.
#[derive(Clone)]
pub struct Bearer {
    store: Arc<dyn GrantStore>,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer")
    }
}

#[derive(Default)]
struct State {
    access: Option<Access>,
    forced: Option<Instant>,
    refused: Option<Refusal>,
    /// A renewed grant that could not be saved yet; the kept one may be void.
    unsaved: Option<Grant>,
}

struct Access {
    token: SecretString,
    renew: Instant,
}

struct Refusal {
    error: OAuthError,
    /// The refused one.
    grant: Grant,
    until: Instant,
}

impl Bearer {
    /// Nothing is asked before the first token is needed.
    #[must_use]
    pub fn new(store: Arc<dyn GrantStore>) -> Self {
        Self { store, state: Arc::default() }
    }

    /// A token that is good for a while.
    ///
    /// # Errors
    /// [`OAuthError`].
    pub async fn access(&self) -> Result<SecretString, OAuthError> {
        let state = self.state.clone().lock_owned().await;
        match &state.access {
            Some(access) if Instant::now() < access.renew => Ok(access.token.clone()),
            _ => self.renew(state).await,
        }
    }

    /// Another token after a mail server refused `used`; `None`: one more try can't help.
    ///
    /// # Errors
    /// [`OAuthError`].
    pub async fn after_refusal(&self, used: &SecretString) -> Result<Option<SecretString>, OAuthError> {
        let mut state = self.state.clone().lock_owned().await;
        if let Some(access) = &state.access
            && access.token.expose_secret() != used.expose_secret()
        {
            return Ok(Some(access.token.clone()));
        }
        if state.forced.is_some_and(|last| last.elapsed() < FORCED) {
            return Ok(None);
        }
        state.forced = Some(Instant::now());
        state.access = None;
        self.renew(state).await.map(Some)
    }

    async fn renew(&self, state: OwnedMutexGuard<State>) -> Result<SecretString, OAuthError> {
        let task = tokio::spawn(renew(state, self.store.clone()));
        // The task is never cancelled; a panic in it was reported by the runtime already.
        task.await.unwrap_or(Err(OAuthError::Protocol("what ended the renewal")))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, OAuthError> + Send + 'static) -> Result<T, OAuthError> {
    let stopped = |_| OAuthError::Store("the program is stopping".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}

async fn renew(mut state: OwnedMutexGuard<State>, store: Arc<dyn GrantStore>) -> Result<SecretString, OAuthError> {
    let load = || {
        let store = store.clone();
        blocking(move || store.load())
    };
    // Read anew each time: the owner may have given another permission, or `mailbox test` may have renewed this one.
    let mut grant = match state.unsaved.clone() {
        Some(unsaved) => unsaved,
        None => load().await?,
    };
    if let Some(refusal) = &state.refused
        && Instant::now() < refusal.until
        && refusal.grant.same_token(&grant)
    {
        return Err(refusal.error.clone());
    }
    let mut answer = token::refresh(&grant).await;
    if matches!(answer, Err(OAuthError::Revoked)) {
        let kept = load().await?;
        if !kept.same_token(&grant) {
            answer = token::refresh(&kept).await;
            grant = kept;
            state.unsaved = None;
        }
    }
    let tokens = match answer {
        Ok(tokens) => tokens,
        Err(error) => {
            if error.needs_owner() {
                state.access = None;
                state.refused = Some(Refusal { error: error.clone(), grant, until: Instant::now() + REST });
            }
            return Err(error);
        }
    };
    state.refused = None;
    if let Some(refresh) = tokens.refresh
        && refresh.expose_secret() != grant.refresh_token.expose_secret()
    {
        grant.refresh_token = refresh;
        state.unsaved = Some(grant);
    }
    if let Some(grant) = state.unsaved.clone() {
        let store = store.clone();
        // The access token is good even so; the grant stays here and is saved with the next renewal.
        match blocking(move || store.save(&grant)).await {
            Ok(()) => state.unsaved = None,
            Err(error) => tracing::error!(%error, "a renewed permission could not be saved; don't stop the node before it was"),
        }
    }
    let margin = (tokens.life / 5).min(MARGIN);
    state.access = Some(Access { token: tokens.access.clone(), renew: Instant::now() + (tokens.life - margin) });
    Ok(tokens.access)
}
