//! From the poller's rounds to signed notices.

use super::Coordinator;
use crate::quarantine::hysteresis::{Change, Minute};
use crate::quarantine::notices::{Evidence, notice_of};
use crate::quarantine::poller::BATCHES;
use warmnet_node::runtime::authority::AuthorityOutput;
use warmnet_protocol::chain::Chain;
use warmnet_protocol::identity::signed;
use warmnet_protocol::time::Timestamp;
use warmnet_protocol::wire::notice::NoticeKind;

/// Protocol minutes in an epoch.
const MINUTES_PER_EPOCH: u128 = 1_440;
/// Newest records that are searched for a notice; one that is missed by this only gets listed twice.
const LOOK_BACK: u32 = 8;

impl Coordinator {
    pub(super) fn minute(&self, now: Timestamp) -> Minute {
        let since = u128::try_from(now.0 - self.genesis.clock.epoch_zero_ms).unwrap_or(0);
        Minute::try_from(since * MINUTES_PER_EPOCH / u128::from(self.genesis.clock.epoch_ms.max(1))).unwrap_or(Minute::MAX)
    }

    /// Reads what the poller found and hands out notices; after a start also those that no record lists yet.
    pub(super) fn notices(&mut self, now: Timestamp, chain: &Chain) -> Vec<AuthorityOutput> {
        let next = chain.next_epoch();
        let recent = (1..=LOOK_BACK).filter_map(|back| chain.record(next.minus(back)?)).flat_map(|r| r.record.notices.iter());
        if self.docket.settle(&recent.collect()) {
            self.save_docket();
        }
        for _ in 0..BATCHES {
            let Some(batch) = self.batches.as_mut().and_then(|b| b.try_recv().ok()) else { break };
            self.lists = batch.lists.iter().map(|l| (l.list.clone(), l.healthy)).collect();
            let before = self.docket.hysteresis.clone();
            let changes = self.docket.hysteresis.poll(self.minute(now), &self.quarantine_rules, &batch);
            if self.docket.hysteresis != before && changes.is_empty() {
                self.save_docket();
            }
            for change in changes {
                self.follow(now, &change, None);
            }
        }
        let network = self.genesis.network_id();
        let outbox = std::mem::take(&mut self.outbox);
        outbox.into_iter().map(|n| AuthorityOutput::Notice(signed::sign(&self.keys.issuing, &network, n))).collect()
    }

    /// Writes a change down, keeps its evidence and lays its notice out.
    pub(super) fn follow(&mut self, now: Timestamp, change: &Change, reason: Option<&str>) {
        let epoch = self.epoch(now);
        let (tag, lists) = match change {
            Change::Listed { tag, lists, .. } => (*tag, lists.clone()),
            Change::Released { tag, .. } => (*tag, vec![]),
            Change::Suspended { list, domains } => {
                tracing::error!(list = %list, domains, "blocklist names too many domains at once: suspended");
                self.save_docket();
                self.note(now, "blocklist-suspended", list);
                return;
            }
            Change::Resumed { list } => {
                tracing::warn!(list = %list, "blocklist counted again");
                self.save_docket();
                self.note(now, "blocklist-resumed", list);
                return;
            }
        };
        let domain = self.admission.admitted().values().find(|a| a.tag == tag).map(|a| a.domain.clone());
        let evidence = Evidence { domain, lists, controls: true, reason: reason.map(str::to_owned), epoch: epoch.0, at_ms: now.0 };
        if let Err(error) = self.files.keep(&evidence) {
            tracing::error!(%error, "evidence could not be kept");
        }
        let Some(notice) = notice_of(change, evidence.digest(), epoch) else { return };
        let act = match (notice.kind, reason.is_some()) {
            (NoticeKind::Listed, false) => "quarantine",
            (NoticeKind::Released, false) => "release",
            // The operator's own entry stands in the log before the change.
            (_, true) => "notice",
        };
        self.note(now, act, &tag.to_hex());
        self.docket.pending.insert(tag, notice.clone());
        self.save_docket();
        tracing::info!(tag = %tag.short(), kind = ?notice.kind, "notice published");
        self.outbox.push(notice);
    }

    pub(super) fn save_docket(&self) {
        if let Err(error) = self.files.save(&self.docket) {
            tracing::error!(%error, "the quarantine file could not be saved");
        }
    }
}
