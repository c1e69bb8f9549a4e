//! The submission side of one mailbox: rate, concurrency, reuse of connections.

use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use super::{
    outcome::{NotStarted, PauseReason, SmtpOutcome},
    session::{Marks, OutgoingMail, SessionError, SmtpSession},
};
use crate::mail::{
    settings::{Login, MailTimeouts, ServerSettings},
    tls::TlsClient,
};

/// Submissions of one mailbox that wait or run at a time; the rest is refused at once. A day's quota is
/// far below it.
const MAX_WAITING: usize = 256;
/// An idle connection is closed after this time: servers close theirs after 1 to 5 minutes, and being first
/// spares a failed send.
const IDLE_CLOSE: Duration = Duration::from_secs(45);
/// Connections used within this time are taken to be alive without asking.
const FRESH: Duration = Duration::from_secs(2);

/// Local limits of one mailbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SubmitLimits {
    /// Mails a wall minute (`mail.smtp_per_minute`); a quarter of them may come in one burst.
    pub per_minute: NonZeroU32,
    /// Connections at a time (`mail.smtp_concurrency`).
    pub concurrency: NonZeroU32,
}

/// Submits the mails of one mailbox. Cheap to clone; all clones share limits and connections.
///
/// Dropping a running [`Submitter::submit`] drops its connection: before the dot mark nothing was sent, behind
/// it the mail is unknown, as the journal says.
#[derive(Clone)]
pub struct Submitter {
    shared: Arc<Shared>,
}

struct Shared {
    server: ServerSettings,
    login: Login,
    tls: TlsClient,
    timeouts: MailTimeouts,
    waiting: Semaphore,
    slots: Semaphore,
    rate: DefaultDirectRateLimiter,
    idle: Mutex<Vec<SmtpSession>>,
    reaping: AtomicBool,
}

impl fmt::Debug for Submitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Submitter")
    }
}

impl Submitter {
    /// A handle without any connection yet.
    pub fn new(server: ServerSettings, login: Login, tls: TlsClient, timeouts: MailTimeouts, limits: SubmitLimits) -> Self {
        let burst = NonZeroU32::new(limits.per_minute.get() / 4).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(limits.per_minute).allow_burst(burst);
        let shared = Shared {
            server,
            login,
            tls,
            timeouts,
            waiting: Semaphore::new(MAX_WAITING),
            slots: Semaphore::new(limits.concurrency.get() as usize),
            rate: RateLimiter::direct(quota),
            idle: Mutex::new(Vec::new()),
            reaping: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Submits one mail, waiting for its turn, and tells how it ended. See [`SmtpOutcome`] for what may be
    /// tried again.
    pub async fn submit<M: Marks>(&self, mail: &OutgoingMail, marks: &M) -> SmtpOutcome {
        let shared = &self.shared;
        let Ok(_place) = shared.waiting.try_acquire() else {
            return SmtpOutcome::NotStarted { why: NotStarted::QueueFull };
        };
        let Ok(_slot) = shared.slots.acquire().await else {
            return SmtpOutcome::NotStarted { why: NotStarted::Closed };
        };
        shared.rate.until_ready().await;
        if shared.slots.is_closed() {
            return SmtpOutcome::NotStarted { why: NotStarted::Closed };
        }
        let session = match self.session().await {
            Ok(session) => session,
            Err(e) => return self.noted(e.outcome()),
        };
        let (outcome, session) = session.deliver(mail, marks).await;
        if let Some(session) = session {
            self.keep(session);
        }
        self.noted(outcome)
    }

    /// Begins no more mail and closes idle connections: the node stops, or the mailbox leaves.
    pub async fn close(&self) {
        self.shared.slots.close();
        self.disconnect().await;
    }

    /// Closes idle connections; the next mail opens one.
    pub async fn disconnect(&self) {
        let idle = std::mem::take(&mut *self.shared.idle());
        for session in idle {
            session.close().await;
        }
    }

    /// A connection that answers, or a new one.
    async fn session(&self) -> Result<SmtpSession, SessionError> {
        loop {
            let Some(mut session) = self.shared.idle().pop() else {
                let shared = &self.shared;
                return SmtpSession::open(&shared.server, &shared.login, &shared.tls, &shared.timeouts).await;
            };
            if session.idle() < FRESH || (session.idle() < IDLE_CLOSE && session.alive().await) {
                return Ok(session);
            }
        }
    }

    fn keep(&self, session: SmtpSession) {
        self.shared.idle().push(session);
        if !self.shared.reaping.swap(true, Ordering::AcqRel) {
            tokio::spawn(reap(Arc::downgrade(&self.shared)));
        }
    }

    /// Halves the connections at a time when the server finds them too many. They stay halved until the
    /// node restarts: providers name such limits per account, they don't change by the hour.
    fn noted(&self, outcome: SmtpOutcome) -> SmtpOutcome {
        if let SmtpOutcome::PauseMailbox { reason: PauseReason::TooManyConnections, .. } = outcome {
            // The one in use is not among the available ones, so at least that one stays.
            let free = self.shared.slots.available_permits();
            self.shared.slots.forget_permits(free.div_ceil(2));
        }
        outcome
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<SmtpSession>> {
        // A panic elsewhere leaves the list whole: each change is one push, pop or take.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that were idle too long; ends when none is left or the submitter is gone.
async fn reap(shared: std::sync::Weak<Shared>) {
    loop {
        tokio::time::sleep(IDLE_CLOSE).await;
        let Some(shared) = shared.upgrade() else { return };
        let mut old = Vec::new();
        {
            let mut idle = shared.idle();
            let (keep, close) = std::mem::take(&mut *idle).into_iter().partition(|session| session.idle() < IDLE_CLOSE);
            *idle = keep;
            old.extend::<Vec<SmtpSession>>(close);
            if idle.is_empty() {
                shared.reaping.store(false, Ordering::Release);
            }
        }
        for session in old {
            session.close().await;
        }
        if !shared.reaping.load(Ordering::Acquire) {
            return;
        }
    }
}
