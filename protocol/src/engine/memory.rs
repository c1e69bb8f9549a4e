//! A host's store in memory: for tests and simulations, and the shortest example of what a host keeps.

use super::{ChainSource, GoBack, Restored, SourceError, ToStore};
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
    /// Records whose counted bundles nobody could show.
    pub conceded: BTreeSet<Epoch>,
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
            ToStore::Conceded { record } => _ = self.conceded.insert(record),
            ToStore::Fault { epoch, bytes } => _ = self.faults.insert((epoch, bytes)),
            ToStore::Exchange { exchange, bytes, .. } => _ = self.exchanges.insert(exchange, bytes),
            ToStore::Application { member, bytes } => _ = self.applications.insert(member, bytes),
            ToStore::Report { epoch, member, report } => _ = self.reports.insert((epoch, member), report),
        }
    }

    /// Stores a bundle of this node's own; whether it is the only one of its member and epoch.
    pub fn store_own(&mut self, epoch: Epoch, member: MemberId, bytes: Vec<u8>) -> bool {
        self.own.insert((epoch, member));
        *self.bundles.entry((epoch, member)).or_insert_with(|| bytes.clone()) == bytes
    }

    /// What [`Output::GoBack`](super::Output::GoBack) asks for; [`Engine::refold`](super::Engine::refold) comes next.
    pub fn go_back(&mut self, epoch: Epoch, cause: GoBack) {
        self.records.split_off(&epoch);
        self.rosters.split_off(&epoch);
        self.conceded.split_off(&epoch);
        match cause {
            GoBack::Forked(fork) => _ = self.forks.insert(epoch, fork),
            GoBack::Overruled(record) => _ = self.records.insert(epoch, record),
        }
    }
}

impl ChainSource for MemoryStore {
    fn records(&mut self) -> Result<Vec<Vec<u8>>, SourceError> {
        Ok(self.records.values().cloned().collect())
    }
    fn roster(&mut self, epoch: Epoch) -> Result<Option<Roster>, SourceError> {
        Ok(self.rosters.get(&epoch).cloned())
    }
    fn bundles(&mut self, epoch: Epoch, each: &mut dyn FnMut(&[u8], bool)) -> Result<(), SourceError> {
        let all = (epoch, MemberId([0; 32]))..=(epoch, MemberId([255; 32]));
        self.bundles.range(all).for_each(|(key, bundle)| each(bundle, self.late.contains(key)));
        Ok(())
    }
    fn conceded(&mut self) -> Result<Vec<Epoch>, SourceError> {
        Ok(self.conceded.iter().copied().collect())
    }
    fn faults(&mut self) -> Result<Vec<Vec<u8>>, SourceError> {
        Ok(self.faults.iter().map(|(_, fault)| fault.clone()).collect())
    }
    fn forks(&mut self) -> Result<Vec<Fork>, SourceError> {
        Ok(self.forks.values().cloned().collect())
    }
}

impl Restored for MemoryStore {
    fn own_bundles(&mut self, each: &mut dyn FnMut(Epoch, MemberId, &[u8])) -> Result<(), SourceError> {
        let own = self.own.iter().filter_map(|key| Some((key, self.bundles.get(key)?)));
        own.for_each(|((epoch, member), bundle)| each(*epoch, *member, bundle));
        Ok(())
    }
    fn exchanges(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), SourceError> {
        self.exchanges.values().for_each(|exchange| each(exchange));
        Ok(())
    }
    fn applications(&mut self) -> Result<Vec<(MemberId, Vec<u8>)>, SourceError> {
        Ok(self.applications.iter().map(|(member, bytes)| (*member, bytes.clone())).collect())
    }
    fn reports(&mut self) -> Result<Vec<(Epoch, MemberId, SelfReport)>, SourceError> {
        Ok(self.reports.iter().map(|((epoch, member), report)| (*epoch, *member, *report)).collect())
    }
}
