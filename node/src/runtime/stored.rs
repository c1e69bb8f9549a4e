//! What a store holds of the engine's state, read back.

use crate::store::{FamilyName, Store, StoreError, epoch_key, epoch_member_key};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use warmnet_protocol::chain::{FORK_BYTES, Fork};
use warmnet_protocol::engine::{ChainSource, Restored, SourceError};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::limits;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::SelfReport;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::roster::{Roster, RosterRow};

/// Rows of one stored chunk of a roster: about 400 KiB.
pub(super) const CHUNK: usize = limits::ROSTER_PAGE;
/// Where a hosted member's application lies among the host's single values.
pub(super) const APPLICATION: &[u8] = b"application/";
/// Where a mailbox's book of reports lies among them.
pub(super) const BOOK: &[u8] = b"report-book/";

/// Where a fork's proof lies among them, by its epoch.
pub(super) const FORK: &[u8] = b"fork/";
/// Where an equivocation proof lies, by its epoch and digest.
pub(super) const FAULT: &[u8] = b"fault/";
/// Where a record is marked whose counted bundles nobody could show, by its epoch.
pub(super) const CONCEDED: &[u8] = b"conceded/";
/// Where a bundle that came late is marked, by its epoch and member.
pub(super) const LATE: &[u8] = b"late/";

/// The reading half of [`Persist`](super::persist::Persist); `export` reads by it beside a running node.
#[derive(Clone)]
pub(super) struct Stored {
    store: Store,
}

fn split_epoch(key: &[u8]) -> Option<(Epoch, &[u8])> {
    let (head, rest) = key.split_first_chunk::<4>()?;
    Some((Epoch(u32::from_be_bytes(*head)), rest))
}

fn member_of(key: &[u8]) -> Option<MemberId> {
    key.first_chunk::<32>().map(|b| MemberId(*b))
}

fn failed(error: StoreError) -> SourceError {
    SourceError(error.to_string())
}

impl Stored {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Shows every row whose key begins with `prefix`, the rest of the key first.
    fn each(&self, family: FamilyName, prefix: &[u8], mut show: impl FnMut(&[u8], &[u8])) -> Result<(), SourceError> {
        let every = |key: &[u8], value: &[u8]| {
            show(&key[prefix.len()..], value);
            ControlFlow::<()>::Continue(())
        };
        self.store.family(family).each_of(prefix, every).map(|_| ()).map_err(failed)
    }

    /// What is made of every such row that can be read.
    fn all<T>(&self, family: FamilyName, prefix: &[u8], read: impl Fn(&[u8], &[u8]) -> Option<T>) -> Result<Vec<T>, SourceError> {
        let mut found = Vec::new();
        self.each(family, prefix, |rest, value| found.extend(read(rest, value)))?;
        Ok(found)
    }

    /// A mailbox's book of reports.
    pub(super) fn book(&self, member: MemberId) -> Option<Vec<u8>> {
        // An unreadable book is begun anew: what lay there before then counts no more.
        self.store.family(FamilyName::Meta).get(&[BOOK, &member.0].concat()).ok().flatten()
    }

    pub(super) fn load_roster(&self, epoch: Epoch) -> Result<Option<Roster>, StoreError> {
        let chunks = self.store.family(FamilyName::Rosters).prefix(&epoch_key(epoch.0), limits::ROSTER_ROWS / CHUNK + 1)?;
        let rows: Vec<RosterRow> = chunks.iter().flat_map(|(_, chunk)| roster_rows(chunk)).collect();
        Ok((!rows.is_empty()).then(|| Roster::new(rows)))
    }

    /// A bundle of any member.
    pub(super) fn bundle(&self, epoch: Epoch, member: MemberId) -> Option<Vec<u8>> {
        self.store.family(FamilyName::Bundles).get(&epoch_member_key(epoch.0, &member.0)).ok().flatten()
    }
}

/// The rows of a stored chunk. One that can't be read makes the digest differ, and the roster is fetched again.
pub(super) fn roster_rows(chunk: &[u8]) -> Vec<RosterRow> {
    codec::decode(chunk, limits::DECODE_BYTES).unwrap_or_default()
}

impl ChainSource for Stored {
    fn records(&mut self) -> Result<Vec<Vec<u8>>, SourceError> {
        self.all(FamilyName::Records, &[], |_, bytes| Some(bytes.to_vec()))
    }
    fn roster(&mut self, epoch: Epoch) -> Result<Option<Roster>, SourceError> {
        self.load_roster(epoch).map_err(failed)
    }
    fn bundles(&mut self, epoch: Epoch, each: &mut dyn FnMut(&[u8], bool)) -> Result<(), SourceError> {
        let late = self.all(FamilyName::Meta, &[LATE, &epoch_key(epoch.0)].concat(), |member, _| member_of(member))?;
        let late: BTreeSet<MemberId> = late.into_iter().collect();
        let came_late = |member: &[u8]| member_of(member).is_some_and(|member| late.contains(&member));
        self.each(FamilyName::Bundles, &epoch_key(epoch.0), |member, bytes| each(bytes, came_late(member)))
    }
    fn conceded(&mut self) -> Result<Vec<Epoch>, SourceError> {
        self.all(FamilyName::Meta, CONCEDED, |key, _| split_epoch(key).map(|(record, _)| record))
    }
    fn faults(&mut self) -> Result<Vec<Vec<u8>>, SourceError> {
        self.all(FamilyName::Meta, FAULT, |_, bytes| Some(bytes.to_vec()))
    }
    fn forks(&mut self) -> Result<Vec<Fork>, SourceError> {
        self.all(FamilyName::Meta, FORK, |_, bytes| codec::decode(bytes, FORK_BYTES).ok())
    }
}

impl Restored for Stored {
    fn own_bundles(&mut self, each: &mut dyn FnMut(Epoch, MemberId, &[u8])) -> Result<(), SourceError> {
        self.each(FamilyName::OwnBundles, &[], |key, envelope| {
            if let Some((epoch, rest)) = split_epoch(key)
                && let Some(member) = member_of(rest)
            {
                each(epoch, member, envelope);
            }
        })
    }
    fn exchanges(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), SourceError> {
        self.each(FamilyName::Exchanges, &[], |_, bytes| each(bytes))
    }
    fn applications(&mut self) -> Result<Vec<(MemberId, Vec<u8>)>, SourceError> {
        self.all(FamilyName::Meta, APPLICATION, |rest, bytes| Some((member_of(rest)?, bytes.to_vec())))
    }
    fn reports(&mut self) -> Result<Vec<(Epoch, MemberId, SelfReport)>, SourceError> {
        self.all(FamilyName::Reports, &[], |key, bytes| {
            let (epoch, rest) = split_epoch(key)?;
            Some((epoch, member_of(rest)?, codec::decode(bytes, 64).ok()?))
        })
    }
}
