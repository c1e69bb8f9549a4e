//! The at-most-once journal (PROTOCOL.md, section 5).
//!
//! State Transition, per task (an exchange's turn):
//!
//! ```text
//! (none) --intent--> Intent --dot--> Dot --done--> Done
//!                    Intent --done--> Done          refused before the text was sent
//!                    Intent --intent--> Intent      tried again after a temporary failure
//!                    Done --done--> Done            reconciliation learnt more
//! ```
//!
//! `Intent` is on the disk before MAIL FROM, `Dot` before the first byte of the text. Past `Dot` a
//! task is never given out again, whatever the crash: it can only be reconciled. Everything else
//! is refused with [`JournalError`].
//!
//! One thread writes; marks that wait while it syncs share the next sync (RocksDB without group
//! commit: 365 marks a second, with: 600 times as many).

mod committer;
mod state;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::batch::{Batch, Durability};
use super::error::StoreError;
use super::family::Family;
use super::keys::ExchangeId;
use super::open::Store;
use super::options::FamilyName;
use committer::Request;
use state::Step;
pub use state::{JournalError, MAX_OUTCOME_BYTES, State};

/// Marks waiting for the thread; more wait at the door. A node has a few mailboxes with a few
/// connections each.
const MARK_QUEUE: usize = 1024;

/// One mail: a turn of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Task {
    /// The exchange.
    pub exchange: ExchangeId,
    /// Which mail of its thread, from 0.
    pub turn: u8,
}

impl Task {
    fn key(&self) -> [u8; 17] {
        let mut key = [0; 17];
        key[..16].copy_from_slice(&self.exchange);
        key[16] = self.turn;
        key
    }

    fn from_key(key: &[u8]) -> Option<Self> {
        let (turn, exchange) = key.split_last()?;
        Some(Self { exchange: exchange.try_into().ok()?, turn: *turn })
    }
}

/// Tasks a start-up finds unfinished, each with the time of its mark in Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenMarks {
    /// Marked `Intent`: no text left this node, so they may be sent (after another `intent`).
    pub may_send: Vec<(Task, u64)>,
    /// Marked `Dot`: perhaps sent; never again, only to be reconciled.
    pub never_again: Vec<(Task, u64)>,
}

/// The journal of a store. Clones share one thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    family: Family,
    syncs: Arc<AtomicU64>,
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Starts the journal's thread. Open one journal per store: a second one's thread would not see
    /// what the first is about to write.
    ///
    /// # Errors
    /// [`StoreError::Io`] if no thread can be started.
    pub fn open(store: &Store) -> Result<Self, StoreError> {
        let (requests, inbox) = mpsc::channel(MARK_QUEUE);
        let syncs = Arc::new(AtomicU64::new(0));
        let thread = committer::start(store.clone(), inbox, syncs.clone())
            .map_err(|error| StoreError::Io { path: store.path().to_owned(), detail: error.to_string() })?;
        Ok(Self {
            inner: Arc::new(Inner {
                store: store.clone(),
                family: store.family(FamilyName::Journal),
                syncs,
                requests: Some(requests),
                thread: Some(thread),
            }),
        })
    }

    /// Marks that a mail is about to be offered to a server. On the disk when it returns. `at` is
    /// the time in Unix milliseconds.
    ///
    /// # Errors
    /// [`JournalError::Taken`] if the task was sent or finished before; then don't connect.
    pub async fn intent(&self, task: Task, at: u64) -> Result<(), JournalError> {
        self.mark(task, Step::Intent { at }).await
    }

    /// Waits for room in the queue, for what must not wait any more once it is decided.
    ///
    /// # Errors
    /// [`JournalError::Store`] when the journal's thread is gone.
    pub async fn place(&self) -> Result<Place<'_>, JournalError> {
        let closing = || JournalError::Store(StoreError::Closing);
        let requests = self.inner.requests.as_ref().ok_or_else(closing)?;
        Ok(Place(requests.reserve().await.map_err(|_| closing())?))
    }

    /// Marks that the text is about to be sent. On the disk when it returns; send only after `Ok`,
    /// which is given once per task and for ever.
    ///
    /// # Errors
    /// [`JournalError::Taken`] or [`JournalError::NoIntent`]; then don't send. With
    /// [`JournalError::Store`] the mark may or may not be on the disk; don't send either.
    pub async fn dot(&self, task: Task, at: u64) -> Result<(), JournalError> {
        self.mark(task, Step::Dot { at }).await
    }

    /// Marks that a task is finished, with what became of it (the caller's bytes, at most
    /// [`MAX_OUTCOME_BYTES`]). Not synced: a lost mark leaves the task to be reconciled again.
    ///
    /// # Errors
    /// [`JournalError::NoIntent`] for a task that was never marked.
    pub async fn done(&self, task: Task, at: u64, outcome: Vec<u8>) -> Result<(), JournalError> {
        self.mark(task, Step::Done { at, outcome }).await
    }

    /// Syncs of the log since the journal was opened: two for a mail that is alone, fewer a mail under load.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.inner.syncs.load(Ordering::Relaxed)
    }

    /// The state of a task; `None` if it was never marked. Blocks for a disk read.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read.
    pub fn state(&self, task: Task) -> Result<Option<State>, StoreError> {
        let bytes = self.inner.family.get(&task.key())?;
        bytes.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Every unfinished task, in key order. For the start-up, before the first mark. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] if a mark can't be read.
    pub fn open_marks(&self) -> Result<OpenMarks, StoreError> {
        let mut marks = OpenMarks::default();
        self.each(|task, state| match state {
            State::Intent { at } => marks.may_send.push((task, at)),
            State::Dot { at } => marks.never_again.push((task, at)),
            State::Done { .. } => {}
        })?;
        Ok(marks)
    }

    /// Forgets tasks finished before `before` (Unix milliseconds); returns how many. Choose a time
    /// so far back that no plan can name those exchanges any more. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] if a mark can't be read or the disk refuses.
    pub fn prune_done(&self, before: u64) -> Result<usize, StoreError> {
        let mut batch = Batch::new();
        self.each(|task, state| {
            if matches!(state, State::Done { at, .. } if at < before) {
                batch.delete(FamilyName::Journal, task.key());
            }
        })?;
        let count = batch.len();
        self.inner.store.write(batch, Durability::Buffered)?;
        Ok(count)
    }

    async fn mark(&self, task: Task, step: Step) -> Result<(), JournalError> {
        step.check_size()?;
        self.place().await?.send(Some((task, step)), Batch::new()).await
    }

    fn decode(&self, bytes: &[u8]) -> Result<State, StoreError> {
        State::decode(bytes).ok_or_else(|| self.inner.store.corrupt("a journal mark is unreadable"))
    }

    /// Walks all marks.
    fn each(&self, mut visit: impl FnMut(Task, State)) -> Result<(), StoreError> {
        let unreadable = self.inner.family.each(&[], None, |key, value| {
            let Some(task) = Task::from_key(key) else {
                return ControlFlow::Break(self.inner.store.corrupt("a journal key is unreadable"));
            };
            match self.decode(value) {
                Ok(state) => visit(task, state),
                Err(error) => return ControlFlow::Break(error),
            }
            ControlFlow::Continue(())
        })?;
        unreadable.map_or(Ok(()), Err)
    }
}

/// Room for one request. What is asked for at places is written in the order of asking.
#[derive(Debug)]
pub struct Place<'a>(mpsc::Permit<'a, Request>);

impl Place<'_> {
    /// [`Journal::intent`], with changes that are written together with the mark. It is asked for now and on the disk when
    /// the future ends.
    pub fn intent(self, task: Task, at: u64, beside: Batch) -> impl Future<Output = Result<(), JournalError>> + Send + use<> {
        self.send(Some((task, Step::Intent { at })), beside)
    }

    /// Writes changes without a mark, not synced; asked for now.
    pub fn write(self, changes: Batch) -> impl Future<Output = Result<(), JournalError>> + Send + use<> {
        self.send(None, changes)
    }

    fn send(self, mark: Option<(Task, Step)>, beside: Batch) -> impl Future<Output = Result<(), JournalError>> + Send + use<> {
        let (answer, response) = oneshot::channel();
        self.0.send(Request { mark, beside, answer });
        async { response.await.map_err(|_| JournalError::Store(StoreError::Closing))? }
    }
}

impl Drop for Inner {
    /// Waits for the thread, at most one sync, so that the store's lock is free afterwards.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's thread panicked");
        }
    }
}
