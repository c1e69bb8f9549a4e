//! What a mailbox's watcher needs, and the caller's end of it; the task itself is in `run.rs`.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    CursorStore,
    messages::{MailCommand, MailEvent},
    run::Run,
};
use crate::mail::{
    settings::{Login, MailTimeouts, ServerSettings},
    stream::Transport,
    tls::TlsClient,
};

/// Commands that wait in the channel.
const COMMAND_QUEUE: usize = 1024;
/// Events that wait in the channel; when it is full the watcher waits, and so do its cursors.
const EVENT_QUEUE: usize = 256;

/// What a watcher does beside watching, now and then.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Upkeep {
    /// How long filed warming mail is kept; `None`: for ever.
    pub keep_filed: Option<Duration>,
}

/// Everything a watcher needs.
#[derive(Debug)]
pub struct Watcher {
    /// `[imap]`.
    pub server: ServerSettings,
    /// User and password.
    pub login: Login,
    /// Roots to trust.
    pub tls: TlsClient,
    /// Network time-outs.
    pub timeouts: MailTimeouts,
    /// How often to look without a hint (`mail.poll_seconds`).
    pub poll: Duration,
    /// Look into our own folder and the sent mail too (after a restore, say).
    pub look_everywhere: bool,
    /// Hand over mails in the inbox that may be reports (bounces, complaints, DMARC). They are only read.
    pub reports: bool,
    /// Where cursors are kept.
    pub cursors: Arc<dyn CursorStore>,
}

/// The caller's end of a running watcher. Dropping it stops the watcher.
#[derive(Debug)]
pub struct WatcherHandle {
    /// Takes commands; full when the mailbox can't keep up or can't be reached. Keep reading events while you wait.
    pub commands: Sender<MailCommand>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl WatcherHandle {
    /// Ends the task, with a goodbye to the server if it is connected.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // A panic in the task was reported by the runtime already.
            let _ = task.await;
        }
    }
}

impl Drop for WatcherHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Watcher {
    /// Starts the task on the current runtime, without removing anything ever.
    pub fn start(self) -> (WatcherHandle, Receiver<MailEvent>) {
        self.run(Upkeep::default(), None)
    }

    /// Starts the task with other upkeep.
    pub fn start_with(self, upkeep: Upkeep) -> (WatcherHandle, Receiver<MailEvent>) {
        self.run(upkeep, None)
    }

    /// Starts the task with connections from elsewhere than the network; `server` and `tls` are not used.
    pub fn start_on(self, transport: Arc<dyn Transport>) -> (WatcherHandle, Receiver<MailEvent>) {
        self.run(Upkeep::default(), Some(transport))
    }

    fn run(self, upkeep: Upkeep, transport: Option<Arc<dyn Transport>>) -> (WatcherHandle, Receiver<MailEvent>) {
        let (commands, inbox) = mpsc::channel(COMMAND_QUEUE);
        let (events, outbox) = mpsc::channel(EVENT_QUEUE);
        let stop = CancellationToken::new();
        let run = Run::new(self, upkeep, transport, inbox, events);
        let token = stop.clone();
        let task = tokio::spawn(async move {
            // Stopping in the middle of a command is safe: cursors and acts are repeatable.
            token.run_until_cancelled_owned(run.forever()).await;
        });
        (WatcherHandle { commands, stop, task: Some(task) }, outbox)
    }
}
