//! What a store holds of the engine's state, read back.

use crate::store::{FamilyName, Row, SCAN_LIMIT, Store, StoreError, epoch_key, epoch_member_key};
use std::collections::BTreeSet;
use warmnet_protocol::chain::{FORK_BYTES, Fork};
use warmnet_protocol::engine::{ChainSource, Restored, StoredBundle};
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

impl Stored {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    fn all(&self, family: FamilyName) -> Vec<Row> {
        self.store.family(family).range(&[], None, SCAN_LIMIT).unwrap_or_default()
    }

    /// A mailbox's book of reports.
    pub(super) fn book(&self, member: MemberId) -> Option<Vec<u8>> {
        // An unreadable book is begun anew: what lay there before then counts no more.
        self.store.family(FamilyName::Meta).get(&[BOOK, &member.0].concat()).ok().flatten()
    }

    pub(super) fn load_roster(&self, epoch: Epoch) -> Result<Option<Roster>, StoreError> {
        let chunks = self.store.family(FamilyName::Rosters).prefix(&epoch_key(epoch.0), limits::ROSTER_ROWS / CHUNK + 1)?;
        let mut rows: Vec<RosterRow> = Vec::new();
        for (_, chunk) in chunks {
            // A chunk that can't be read makes the digest differ, and the roster is fetched again.
            rows.extend(codec::decode::<Vec<RosterRow>>(&chunk, limits::DECODE_BYTES).unwrap_or_default());
        }
        Ok((!rows.is_empty()).then(|| Roster::new(rows)))
    }

    /// A bundle of any member.
    pub(super) fn bundle(&self, epoch: Epoch, member: MemberId) -> Option<Vec<u8>> {
        self.store.family(FamilyName::Bundles).get(&epoch_member_key(epoch.0, &member.0)).ok().flatten()
    }

    /// Every bundle this node signed and kept: epoch, member, envelope.
    pub(super) fn signed_bundles(&self) -> Vec<(Epoch, MemberId, Vec<u8>)> {
        let bundle = |(key, envelope): Row| {
            let (epoch, rest) = split_epoch(&key)?;
            Some((epoch, member_of(rest)?, envelope))
        };
        self.all(FamilyName::OwnBundles).into_iter().filter_map(bundle).collect()
    }
}

impl ChainSource for Stored {
    fn records(&mut self) -> Vec<Vec<u8>> {
        self.all(FamilyName::Records).into_iter().map(|(_, bytes)| bytes).collect()
    }
    fn roster(&mut self, epoch: Epoch) -> Option<Roster> {
        self.load_roster(epoch).ok().flatten()
    }
    fn bundles(&mut self, epoch: Epoch) -> Vec<StoredBundle> {
        let found = self.store.family(FamilyName::Bundles).prefix(&epoch_key(epoch.0), SCAN_LIMIT).unwrap_or_default();
        let marks = self.store.family(FamilyName::Meta).prefix(&[LATE, &epoch_key(epoch.0)].concat(), SCAN_LIMIT).unwrap_or_default();
        let late: BTreeSet<Vec<u8>> = marks.into_iter().filter_map(|(key, _)| key.strip_prefix(LATE).map(<[u8]>::to_vec)).collect();
        found.into_iter().map(|(key, envelope)| StoredBundle { late: late.contains(&key), envelope }).collect()
    }
    fn faults(&mut self) -> Vec<Vec<u8>> {
        let found = self.store.family(FamilyName::Meta).prefix(FAULT, SCAN_LIMIT).unwrap_or_default();
        found.into_iter().map(|(_, bytes)| bytes).collect()
    }
    fn forks(&mut self) -> Vec<Fork> {
        let found = self.store.family(FamilyName::Meta).prefix(FORK, SCAN_LIMIT).unwrap_or_default();
        found.into_iter().filter_map(|(_, bytes)| codec::decode(&bytes, FORK_BYTES).ok()).collect()
    }
}

impl Restored for Stored {
    fn own_bundles(&mut self) -> Vec<(Epoch, MemberId)> {
        self.signed_bundles().into_iter().map(|(epoch, member, _)| (epoch, member)).collect()
    }
    fn exchanges(&mut self) -> Vec<Vec<u8>> {
        self.all(FamilyName::Exchanges).into_iter().map(|(_, bytes)| bytes).collect()
    }
    fn applications(&mut self) -> Vec<(MemberId, Vec<u8>)> {
        let found = self.store.family(FamilyName::Meta).prefix(APPLICATION, limits::HOSTED_MEMBERS).unwrap_or_default();
        found.into_iter().filter_map(|(k, bytes)| Some((member_of(k.strip_prefix(APPLICATION)?)?, bytes))).collect()
    }
    fn reports(&mut self) -> Vec<(Epoch, MemberId, SelfReport)> {
        let report = |(k, bytes): Row| {
            let (epoch, rest) = split_epoch(&k)?;
            Some((epoch, member_of(rest)?, codec::decode(&bytes, 64).ok()?))
        };
        self.all(FamilyName::Reports).into_iter().filter_map(report).collect()
    }
}
