//! A host's store in memory: for tests and simulations, and the shortest example of what a host keeps.

use super::{ChainSource, GoBack, Restored, StoredBundle, ToStore};
use crate::chain::{Chain, Fork};
use crate::ids::{ExchangeId, MemberId};
use crate::time::Epoch;
use crate::wire::bundle::SelfReport;
use crate::wire::roster::Roster;
use std::collections::{BTreeMap, BTreeSet};

/// All that the engine's outputs said to store.
#[derive(Clone, Default)]
pub struct MemoryStore {
    /// Record envelopes.
    pub records: BTreeMap<Epoch, Vec<u8>>,
    /// The rosters they name.
    pub rosters: BTreeMap<Epoch, Roster>,
    /// Bundle envelopes, own ones too.
    pub bundles: BTreeMap<(Epoch, MemberId), Vec<u8>>,
    /// Which of them came late.
    pub late: BTreeSet<(Epoch, MemberId)>,
    /// Which of them are own ones.
    pub own: BTreeSet<(Epoch, MemberId)>,
    /// Encoded equivocation proofs.
    pub faults: BTreeSet<(Epoch, Vec<u8>)>,
    /// Forks that were proved.
    pub forks: BTreeMap<Epoch, Fork>,
    /// Encoded exchanges.
    pub exchanges: BTreeMap<ExchangeId, Vec<u8>>,
    /// Encoded applications.
    pub applications: BTreeMap<MemberId, Vec<u8>>,
    /// The owner's external counts.
    pub reports: BTreeMap<(Epoch, MemberId), SelfReport>,
}

impl MemoryStore {
    /// Stores it. `chain`: of the engine that said so.
    pub fn store(&mut self, chain: &Chain, what: ToStore) {
        match what {
            ToStore::Record { epoch, bytes } => _ = self.records.insert(epoch, bytes),
            ToStore::Roster { epoch } => self.rosters.extend(chain.roster(epoch).map(|roster| (epoch, Roster::clone(roster)))),
            ToStore::Bundle { epoch, member, bytes, late } => {
                self.bundles.insert((epoch, member), bytes);
                self.late.extend(late.then_some((epoch, member)));
            }
            ToStore::Fault { epoch, bytes } => _ = self.faults.insert((epoch, bytes)),
            ToStore::Exchange { exchange, bytes, .. } => _ = self.exchanges.insert(exchange, bytes),
            ToStore::Application { member, bytes } => _ = self.applications.insert(member, bytes),
            ToStore::Report { epoch, member, report } => _ = self.reports.insert((epoch, member), report),
        }
    }

    /// Stores a bundle of this node's own; whether it is the first one of its member and epoch.
    pub fn store_own(&mut self, epoch: Epoch, member: MemberId, bytes: Vec<u8>) -> bool {
        self.bundles.entry((epoch, member)).or_insert(bytes);
        self.own.insert((epoch, member))
    }

    /// What [`Output::GoBack`](super::Output::GoBack) asks for; [`Engine::refold`](super::Engine::refold) comes next.
    pub fn go_back(&mut self, epoch: Epoch, cause: GoBack) {
        self.records.split_off(&epoch);
        self.rosters.split_off(&epoch);
        match cause {
            GoBack::Forked(fork) => _ = self.forks.insert(epoch, fork),
            GoBack::Overruled(record) => _ = self.records.insert(epoch, record),
        }
    }
}

impl ChainSource for MemoryStore {
    fn records(&mut self) -> Vec<Vec<u8>> {
        self.records.values().cloned().collect()
    }
    fn roster(&mut self, epoch: Epoch) -> Option<Roster> {
        self.rosters.get(&epoch).cloned()
    }
    fn bundles(&mut self, epoch: Epoch) -> Vec<StoredBundle> {
        let all = (epoch, MemberId([0; 32]))..=(epoch, MemberId([255; 32]));
        let stored = |(key, envelope): (_, &Vec<u8>)| StoredBundle { envelope: envelope.clone(), late: self.late.contains(key) };
        self.bundles.range(all).map(stored).collect()
    }
    fn faults(&mut self) -> Vec<Vec<u8>> {
        self.faults.iter().map(|(_, fault)| fault.clone()).collect()
    }
    fn forks(&mut self) -> Vec<Fork> {
        self.forks.values().cloned().collect()
    }
}

impl Restored for MemoryStore {
    fn own_bundles(&mut self) -> Vec<(Epoch, MemberId)> {
        self.own.iter().copied().collect()
    }
    fn exchanges(&mut self) -> Vec<Vec<u8>> {
        self.exchanges.values().cloned().collect()
    }
    fn applications(&mut self) -> Vec<(MemberId, Vec<u8>)> {
        self.applications.iter().map(|(member, bytes)| (*member, bytes.clone())).collect()
    }
    fn reports(&mut self) -> Vec<(Epoch, MemberId, SelfReport)> {
        self.reports.iter().map(|((epoch, member), report)| (*epoch, *member, *report)).collect()
    }
}
