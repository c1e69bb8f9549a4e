//! The chain: records, rosters and bundles folded into one state that every node derives alike.
//!
//! ```text
//! record e ──accept──> waiting ──roster e, bundles of e-5 held──> derived: window, trust, scores, rows(e)
//!                                                                    └─> compared with the record's digests
//! ```
//! Accepting is cheap and immediate (the epoch can be played); deriving waits until everything the record counts is
//! here. Both the coordinator's draft and every node's check run the same [`derive`].

mod accept;
mod audit;
mod counted;
mod derive;
mod draft;
mod faults;
mod fork;
mod known;
mod play;

pub use accept::{BundleRefusal, RecordRefusal, RosterRefusal};
pub use audit::{Audit, RowDifference, Stalled};
pub use counted::{Counted, LeavesRefusal};
pub use derive::{Derived, DerivedDigests};
pub use draft::{Draft, DraftInputs};
pub use faults::{FaultRefusal, HeldFault};
pub use fork::{FORK_BYTES, Fork};
pub use play::Play;

use crate::ids::{Beacon, Digest, DomainTag, MemberId, NetworkId, NodeId};
use crate::ledger::Window;
use crate::limits;
use crate::params::Params;
use crate::time::{Clock, Epoch};
use crate::wire::epoch_record::{EpochRecord, Upcoming};
use crate::wire::genesis::Genesis;
use crate::wire::notice::Notice;
use crate::wire::roster::Roster;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A record that was accepted.
#[derive(Clone, Debug)]
pub struct HeldRecord {
    /// The record.
    pub record: EpochRecord,
    /// Digest of its payload: the next record names it.
    pub digest: Digest,
    /// Serial of its certificate.
    pub serial: u32,
    /// The whole envelope: evidence if its signer contradicts it.
    pub envelope: Vec<u8>,
}

/// A bundle that was accepted for an epoch not yet closed.
#[derive(Clone, Debug)]
pub struct HeldBundle {
    /// The whole envelope: decoded again when its epoch closes, evidence if its signer contradicts it.
    pub envelope: Vec<u8>,
    /// Digest of its payload.
    pub digest: Digest,
    /// It came when gossip no longer carries it: the coordinator may rightly not have had it.
    pub late: bool,
}

/// One network's chain as a node holds it.
pub struct Chain {
    genesis: Genesis,
    network: NetworkId,
    records: BTreeMap<Epoch, HeldRecord>,
    rosters: BTreeMap<Epoch, Arc<Roster>>,
    bundles: BTreeMap<Epoch, BTreeMap<MemberId, HeldBundle>>,
    window: Window,
    derived: Option<Derived>,
    history: VecDeque<DerivedDigests>,
    summaries: VecDeque<crate::ledger::EpochSummary>,
    omissions: VecDeque<(Epoch, Vec<MemberId>)>,
    quarantined: BTreeSet<DomainTag>,
    /// Members whose word is void, until which epoch, by the records that listed the proofs.
    void: BTreeMap<MemberId, Epoch>,
    /// First record of a chain that did not begin at genesis.
    base: Option<Epoch>,
    /// Members caught in equivocation here, not yet listed by a record.
    caught: BTreeMap<MemberId, Digest>,
    /// Equivocation proofs by their digests.
    faults: BTreeMap<Digest, HeldFault>,
    /// The record that waits because the bundles held are not those it counts.
    disputed: Option<Epoch>,
    /// Bundles that a record counts where none or another one is held, by their payload digests.
    wanted: BTreeMap<(Epoch, MemberId), Digest>,
    /// Records that are derived although the bundles held are not those they count.
    conceded: BTreeSet<Epoch>,
    forks: BTreeMap<Epoch, Fork>,
    known: known::KnownKeys,
}

impl Chain {
    /// An empty chain.
    #[must_use]
    pub fn new(genesis: Genesis) -> Self {
        let network = genesis.network_id();
        let window = Window::new(&genesis.params);
        Self {
            genesis,
            network,
            records: BTreeMap::new(),
            rosters: BTreeMap::new(),
            bundles: BTreeMap::new(),
            window,
            derived: None,
            history: VecDeque::new(),
            summaries: VecDeque::new(),
            omissions: VecDeque::new(),
            quarantined: BTreeSet::new(),
            void: BTreeMap::new(),
            base: None,
            caught: BTreeMap::new(),
            faults: BTreeMap::new(),
            disputed: None,
            wanted: BTreeMap::new(),
            conceded: BTreeSet::new(),
            forks: BTreeMap::new(),
            known: known::KnownKeys::default(),
        }
    }
    /// The network's founding document.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }
    /// Its id.
    #[must_use]
    pub fn network(&self) -> NetworkId {
        self.network
    }
    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.genesis.clock
    }
    /// The parameters that an epoch is played by, and that its record is derived by, as far as the records held tell.
    #[must_use]
    pub fn params_at(&self, epoch: Epoch) -> &Params {
        match self.records.range(..=epoch).next_back() {
            Some((_, held)) => {
                let upcoming = held.record.upcoming.as_ref().filter(|u| u.from <= epoch);
                upcoming.map_or(&held.record.params, |u| &u.params)
            }
            None => self.records.first_key_value().map_or(&self.genesis.params, |(_, held)| &held.record.params),
        }
    }
    /// The parameters that the newest derived values go by.
    #[must_use]
    pub fn params_derived(&self) -> &Params {
        self.params_at(self.derived.as_ref().map_or(Epoch(0), |d| d.epoch))
    }
    /// The change of parameters that the record of `epoch` must still name.
    #[must_use]
    pub fn under_way(&self, epoch: Epoch) -> Option<&Upcoming> {
        let before = self.records.get(&epoch.minus(1)?)?;
        before.record.upcoming.as_ref().filter(|u| u.from > epoch)
    }
    /// A record closes the epoch this many before it; it never changes.
    #[must_use]
    pub fn close_lag(&self) -> u32 {
        self.genesis.params.close_lag
    }
    /// The epoch that the next record must open.
    #[must_use]
    pub fn next_epoch(&self) -> Epoch {
        self.records.last_key_value().map_or(Epoch(0), |(e, _)| e.plus(1))
    }
    /// An accepted record.
    #[must_use]
    pub fn record(&self, epoch: Epoch) -> Option<&HeldRecord> {
        self.records.get(&epoch)
    }
    /// The newest accepted record.
    #[must_use]
    pub fn last_record(&self) -> Option<&HeldRecord> {
        self.records.last_key_value().map(|(_, r)| r)
    }
    /// The roster published with record `epoch`.
    #[must_use]
    pub fn roster(&self, epoch: Epoch) -> Option<&Arc<Roster>> {
        self.rosters.get(&epoch)
    }
    /// The newest roster held; empty before the first.
    #[must_use]
    pub fn latest_roster(&self) -> Arc<Roster> {
        self.rosters.last_key_value().map(|(_, r)| r.clone()).unwrap_or_default()
    }
    /// The first record that waits for its roster. Rosters of derived records were here, and may be pruned.
    #[must_use]
    pub fn missing_roster(&self) -> Option<(Epoch, Digest)> {
        self.records.range(self.next_to_derive()..).find(|(e, _)| !self.rosters.contains_key(e)).map(|(e, r)| (*e, r.record.roster))
    }
    /// The state derived from the newest record that could be derived.
    #[must_use]
    pub fn derived(&self) -> Option<&Derived> {
        self.derived.as_ref()
    }
    /// Digests of the last derived records, oldest first, at most 64.
    #[must_use]
    pub fn history(&self) -> &VecDeque<DerivedDigests> {
        &self.history
    }
    /// Network-wide reconciliation of the last closed epochs, oldest first, at most 64.
    #[must_use]
    pub fn summaries(&self) -> &VecDeque<crate::ledger::EpochSummary> {
        &self.summaries
    }
    /// Members whose bundle was here in time and is not counted, by the records of the last 64 that leave any out.
    #[must_use]
    pub fn omissions(&self) -> &VecDeque<(Epoch, Vec<MemberId>)> {
        &self.omissions
    }
    /// The window of closed epochs.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }
    /// Notices that the held records list.
    pub fn listed_notices(&self) -> impl Iterator<Item = &Notice> {
        self.records.values().flat_map(|held| &held.record.notices)
    }
    /// Tags in quarantine by the records derived so far.
    #[must_use]
    pub fn quarantined(&self) -> &BTreeSet<DomainTag> {
        &self.quarantined
    }
    /// Bundles held for an open epoch.
    #[must_use]
    pub fn bundles(&self, epoch: Epoch) -> Option<&BTreeMap<MemberId, HeldBundle>> {
        self.bundles.get(&epoch)
    }
    /// Whether everything up to the newest record is derived.
    #[must_use]
    pub fn ready_to_draft(&self) -> bool {
        self.derived.as_ref().map(|d| d.epoch) == self.records.last_key_value().map(|(e, _)| *e)
    }
    /// The node that speaks for a member in the epoch's play.
    #[must_use]
    pub fn node_of(&self, epoch: Epoch, member: &MemberId) -> Option<NodeId> {
        self.play(epoch).and_then(|p| p.roster.row(member).map(|r| r.node))
    }
    /// What the record of `epoch` links to: the digest it must name as its predecessor's, and the beacon that its own must hash
    /// to. `None` without the record before it.
    #[must_use]
    pub fn link_before(&self, epoch: Epoch) -> Option<(Digest, Beacon)> {
        match epoch.minus(1) {
            None => Some((Digest(self.network.0), self.genesis.first_beacon)),
            Some(before) => self.records.get(&before).map(|held| (held.digest, held.record.beacon)),
        }
    }
    /// The record that is derived next.
    fn next_to_derive(&self) -> Epoch {
        self.derived.as_ref().map_or(self.base.unwrap_or(Epoch(0)), |d| d.epoch.plus(1))
    }
    /// First epoch still open: bundles of earlier ones are closed.
    #[must_use]
    pub fn first_open(&self) -> Epoch {
        self.derived.as_ref().and_then(|d| d.closes).map_or(Epoch(0), |e| e.plus(1))
    }

    /// The key that signs for the coordinator now, by the newest record.
    #[must_use]
    pub fn issuing_key(&self) -> Option<NodeId> {
        let authority = &self.last_record()?.record.authority;
        let certificate = crate::identity::signed::open::<crate::wire::epoch_record::IssuingKey>(authority, &self.network).ok()?;
        Some(certificate.message.key)
    }
    /// Drops what no rule needs any more: a function of the newest record's epoch only.
    fn prune(&mut self) {
        let newest = self.next_epoch();
        if let Some(floor) = newest.minus(limits::KEEP_EPOCHS) {
            self.records = self.records.split_off(&floor);
            self.forks = self.forks.split_off(&floor);
            self.conceded = self.conceded.split_off(&floor);
            self.prune_faults(floor);
        }
        // A roster is needed until its epoch is closed; a degraded run may lean on one a week older.
        if let Some(floor) = self.first_open().minus(limits::DEGRADED_EPOCHS + 2) {
            self.rosters = self.rosters.split_off(&floor);
        }
        self.bundles = self.bundles.split_off(&self.first_open());
        self.wanted = self.wanted.split_off(&(self.first_open(), MemberId([0; 32])));
    }
}
