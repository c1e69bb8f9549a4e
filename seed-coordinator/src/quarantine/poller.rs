//! The background task that polls the lists.

use super::dnsbl::Dnsbl;
use super::{Batch, BlocklistConfig, Subject};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Batches that wait to be read; the coordinator reads at every tick, so more means that it stands still.
pub const BATCHES: usize = 4;
/// Shortest wall pause between two polls, whatever the epoch's length: a rehearsal's resolver is a test server.
pub const MIN_PAUSE: Duration = Duration::from_millis(200);

/// The poller's parts.
pub struct Poller {
    /// Asks.
    pub dnsbl: Dnsbl,
    /// Whom.
    pub lists: Vec<BlocklistConfig>,
    /// How often, wall time.
    pub every: Duration,
    /// About what; the coordinator replaces it as members come.
    pub subjects: watch::Receiver<Arc<Vec<Subject>>>,
    /// Where results go.
    pub batches: mpsc::Sender<Batch>,
}

impl Poller {
    /// Polls until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.every.max(MIN_PAUSE));
        // A slow round delays the next one instead of bunching them.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let subjects = self.subjects.borrow().clone();
            let batch = tokio::select! {
                () = stop.cancelled() => return,
                batch = self.round(&subjects) => batch,
            };
            for list in batch.lists.iter().filter(|l| !l.healthy) {
                tracing::warn!(list = %list.list, "blocklist failed its controls: its verdicts are frozen");
            }
            match self.batches.try_send(batch) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => tracing::warn!("blocklist results are not being read; a round is dropped"),
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
    }

    async fn round(&self, subjects: &[Subject]) -> Batch {
        let mut batch = Batch { lists: Vec::with_capacity(self.lists.len()), subjects: subjects.len() };
        for list in &self.lists {
            batch.lists.push(self.dnsbl.round(list, subjects).await);
        }
        batch
    }
}
