//! The task that keeps one mailbox's connection.
//!
//! ```text
//!          +--> connect --ok--> Connected --> [ steps -> acts -> wait ]* --error--> Disconnected --+
//!          |        |                                                                              |
//!          |        +--refused--> SignInRefused --> pause (a Sync, or hours) --+                   |
//!          +-------------------------------------------------------------------+--- backoff <------+
//! ```

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc::{Receiver, Sender},
    time::{Instant, sleep},
};

use super::{
    FolderRole, Folders, Place, Upkeep, Watcher,
    acts::{self, ActError, ActReport, MailAct, Results, Wanted},
    backoff::Backoff,
    folders, idle,
    known::Known,
    messages::{MailCommand, MailEvent},
    quota, retention,
    session::{ImapError, ImapSession},
    step::{self, Desk, StepError},
};
use crate::mail::{connect::ConnectError, stream::Transport};

/// Acts taken out of the channel and not yet done; the next ones wait in the channel.
const MAX_PENDING: usize = 1024;
/// Acts done in one batch: moving many by one command spares a server its work for each.
const ACT_BATCH: usize = 1024;
/// Connections one act may lose before it is given up.
const MAX_ATTEMPTS: u32 = 3;
/// Pause after a refused sign-in: 4 tries a day lock no account.
const SIGN_IN_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// Between two rounds of upkeep; a failed one is not repeated sooner, so that it can't keep a mailbox from being read.
const UPKEEP_EVERY: Duration = Duration::from_secs(3600);
/// Below this interval IDLE is not worth its two commands.
const IDLE_FROM: Duration = Duration::from_secs(1);
/// A shorter poll interval would be a busy loop.
const MIN_POLL: Duration = Duration::from_millis(50);

struct Pending {
    command: MailCommand,
    attempts: u32,
}

pub(super) struct Run {
    setup: Watcher,
    /// Instead of the network.
    transport: Option<Arc<dyn Transport>>,
    commands: Receiver<MailCommand>,
    events: Sender<MailEvent>,
    known: Known,
    pending: VecDeque<Pending>,
    can_idle: bool,
    upkeep: Upkeep,
    /// When upkeep is due again.
    upkeep_at: Option<Instant>,
    quota_high: bool,
}

/// Waits for a command and puts it where it outlives the connection: leaving IDLE for it may fail. `false`: nobody will
/// ask for anything any more.
async fn next_command(commands: &mut Receiver<MailCommand>, pending: &mut VecDeque<Pending>) -> bool {
    let Some(command) = commands.recv().await else { return false };
    pending.push_back(Pending { command, attempts: 0 });
    true
}

/// Why serving a connection ended.
enum End {
    /// Nobody wants the watcher any more.
    Stop,
    /// Connect again.
    Again(ImapError),
}

impl From<StepError> for End {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Imap(e) => Self::Again(e),
            // Handled where it happens; an unknown state is best left by connecting anew.
            StepError::Cursor(_) => Self::Again(ConnectError::Protocol.into()),
            StepError::HostGone => Self::Stop,
        }
    }
}

impl From<ImapError> for End {
    fn from(error: ImapError) -> Self {
        Self::Again(error)
    }
}

impl Run {
    pub(super) fn new(
        setup: Watcher,
        upkeep: Upkeep,
        transport: Option<Arc<dyn Transport>>,
        commands: Receiver<MailCommand>,
        events: Sender<MailEvent>,
    ) -> Self {
        Self {
            setup,
            transport,
            commands,
            events,
            known: Known::default(),
            pending: VecDeque::new(),
            can_idle: true,
            upkeep,
            upkeep_at: None,
            quota_high: false,
        }
    }

    pub(super) async fn forever(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let begun = Instant::now();
            let setup = &self.setup;
            let opened = match &self.transport {
                None => ImapSession::open(&setup.server, &setup.login, &setup.tls, &setup.timeouts).await,
                Some(transport) => ImapSession::open_on(transport.as_ref(), &setup.login, &setup.timeouts).await,
            };
            let end = match opened {
                Ok(session) => self.serve(session).await,
                Err(e) => End::Again(e),
            };
            let End::Again(error) = end else { return };
            let refused = error == ImapError::SignInRefused;
            let event = if refused { MailEvent::SignInRefused } else { MailEvent::Disconnected { error } };
            if self.events.send(event).await.is_err() {
                return;
            }
            let go_on = if refused {
                self.pause().await
            } else {
                sleep(backoff.next(begun, Instant::now())).await;
                !self.events.is_closed()
            };
            if !go_on {
                return;
            }
        }
    }

    /// Answers everything with "unreachable" until a Sync asks for another try. Returns whether to go on.
    async fn pause(&mut self) -> bool {
        let refused = ActError::Unreachable(ImapError::SignInRefused.to_string());
        for pending in std::mem::take(&mut self.pending) {
            let ticket = pending.command.ticket;
            if !self.answer(ticket, Err(refused.clone())).await {
                return false;
            }
        }
        let end = Instant::now() + SIGN_IN_PAUSE;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(end) => return true,
                command = self.commands.recv() => match command {
                    None => return false,
                    Some(command) if command.act == MailAct::Sync => {
                        self.pending.push_back(Pending { command, attempts: 0 });
                        return true;
                    }
                    Some(command) => {
                        if !self.answer(command.ticket, Err(refused.clone())).await {
                            return false;
                        }
                    }
                },
            }
        }
    }

    /// Rounds on one connection until it fails.
    async fn serve(&mut self, mut session: ImapSession) -> End {
        match self.rounds(&mut session).await {
            End::Stop => {
                session.close().await;
                End::Stop
            }
            End::Again(error) => End::Again(error),
        }
    }

    async fn rounds(&mut self, session: &mut ImapSession) -> End {
        let mut folders = match folders::find(session).await {
            Ok(folders) => folders,
            Err(e) => return End::Again(e),
        };
        let connected = MailEvent::Connected { folders: folders.clone() };
        if self.events.send(connected).await.is_err() {
            return End::Stop;
        }
        loop {
            // Taken before the steps: a Sync covers what had arrived when it was asked for.
            while self.pending.len() < MAX_PENDING
                && let Ok(command) = self.commands.try_recv()
            {
                self.pending.push_back(Pending { command, attempts: 0 });
            }
            let more = match self.steps(session, &folders).await {
                Ok(more) => more,
                Err(end) => return end,
            };
            if let Err(end) = self.acts(session, &mut folders, more).await {
                return end;
            }
            if !more && let Err(end) = self.look_after(session, &folders).await {
                return end;
            }
            if !more
                && self.pending.is_empty()
                && let Err(end) = self.wait(session, &folders).await
            {
                return end;
            }
        }
    }

    /// One look at each watched folder. Returns whether more waits.
    async fn steps(&mut self, session: &mut ImapSession, folders: &Folders) -> Result<bool, End> {
        let mut roles = vec![FolderRole::Junk];
        if self.setup.look_everywhere {
            roles.extend([FolderRole::Warmnet, FolderRole::Sent]);
        }
        // The inbox last, so that it is the selected folder while we wait.
        roles.push(FolderRole::Inbox);
        let mut more = false;
        for role in roles {
            let Some(folder) = folders.name(role) else { continue };
            let cursors = self.setup.cursors.as_ref();
            if role != FolderRole::Inbox && !step::has_news(session, folder, cursors).await? {
                continue;
            }
            let mut desk = Desk { cursors, known: &mut self.known, events: &self.events, reports: self.setup.reports };
            match step::step(session, role, folder, &mut desk).await {
                Ok(waits) => more |= waits,
                // The mails were handed over, only the memory of it is missing.
                Err(StepError::Cursor(_)) => {
                    if self.events.send(MailEvent::StoreFailed).await.is_err() {
                        return Err(End::Stop);
                    }
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(more)
    }

    /// Quota and retention, once an hour.
    async fn look_after(&mut self, session: &mut ImapSession, folders: &Folders) -> Result<(), End> {
        if self.upkeep_at.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        self.upkeep_at = Some(Instant::now() + UPKEEP_EVERY);
        if let Some(percent) = quota::used_percent(session).await? {
            let high = percent >= quota::HIGH;
            if high != self.quota_high && self.events.send(MailEvent::Quota { percent, high }).await.is_err() {
                return Err(End::Stop);
            }
            self.quota_high = high;
        }
        if let Some(keep) = self.upkeep.keep_filed {
            match retention::run(session, folders, keep, jiff::Timestamp::now()).await {
                Ok(0) => {}
                Ok(mails) => {
                    if self.events.send(MailEvent::Expired { mails }).await.is_err() {
                        return Err(End::Stop);
                    }
                }
                Err(e) if e.is_fatal() => return Err(e.into()),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Does the first batch of what is pending. A Sync waits while a step has left something.
    async fn acts(&mut self, session: &mut ImapSession, folders: &mut Folders, more: bool) -> Result<(), End> {
        let n = self.pending.len().min(ACT_BATCH);
        let mut batch: Vec<Pending> = self.pending.drain(..n).collect();
        if more {
            let (wait, now) = batch.into_iter().partition(|p| p.command.act == MailAct::Sync);
            batch = now;
            self.pending.extend::<Vec<Pending>>(wait);
        }
        // A mail is moved once a batch: the next move starts from where this one leaves it.
        let mut moving = BTreeSet::new();
        let (now, later) = batch.into_iter().partition(|p| !p.command.act.moves() || moving.insert(p.command.message_id.clone()));
        batch = now;
        self.pending.extend::<Vec<Pending>>(later);
        if batch.is_empty() {
            return Ok(());
        }
        let wanted: Vec<Wanted> = batch
            .iter()
            .map(|p| Wanted {
                act: p.command.act,
                message_id: p.command.message_id.clone(),
                found_at: p.command.found_at.map(Place::in_folder),
            })
            .collect();
        let mut results = Results::new();
        let done = acts::perform(session, folders, &mut self.known, &wanted, &mut results).await;
        for (i, mut pending) in batch.into_iter().enumerate() {
            let ticket = pending.command.ticket;
            let result = match (results.remove(&i), &done) {
                (Some(result), _) => result,
                (None, Err(e)) if pending.attempts + 1 >= MAX_ATTEMPTS => Err(ActError::Unreachable(e.to_string())),
                (None, _) => {
                    pending.attempts += 1;
                    self.pending.push_back(pending);
                    continue;
                }
            };
            if !self.answer(ticket, result).await {
                return Err(End::Stop);
            }
        }
        done.map_err(End::from)
    }

    /// Until the poll interval is over, the server hints at news, or a command comes.
    async fn wait(&mut self, session: &mut ImapSession, folders: &Folders) -> Result<(), End> {
        let poll = self.setup.poll.max(MIN_POLL);
        let alive = if session.able.idle && self.can_idle && poll >= IDLE_FROM {
            let first = step::has_arrived(session, &folders.inbox, self.setup.cursors.as_ref()).await?;
            if first {
                return Ok(());
            }
            let next = next_command(&mut self.commands, &mut self.pending);
            match idle::wait(session, poll, next).await? {
                idle::Waited::Look => return Ok(()),
                idle::Waited::Interrupted(alive) => alive,
                idle::Waited::Unable => {
                    self.can_idle = false;
                    return Ok(());
                }
            }
        } else {
            tokio::select! {
                () = sleep(poll) => return Ok(()),
                alive = next_command(&mut self.commands, &mut self.pending) => alive,
            }
        };
        if alive { Ok(()) } else { Err(End::Stop) }
    }

    /// Returns whether anybody still listens.
    async fn answer(&self, ticket: u64, result: Result<ActReport, ActError>) -> bool {
        self.events.send(MailEvent::ActDone { ticket, result }).await.is_ok()
    }
}
