//! The engine's state in the store, and the store's answers to other nodes.

use super::stored::{APPLICATION, BOOK, CHUNK, FAULT, FORK, LATE, Stored};
use crate::store::{
    Batch, Durability, FamilyName, HighWater, HighWaterError, Journal, Store, StoreError, epoch_key, epoch_member_key, exchange_key,
};
use warmnet_protocol::chain::Chain;
use warmnet_protocol::engine::{Engine, GoBack, ToStore};
use warmnet_protocol::identity::hash;
use warmnet_protocol::ids::{Digest, MemberId};
use warmnet_protocol::limits;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::epoch_record::bit;
use warmnet_protocol::wire::sync::{Request, Response};

/// Epochs of exchanges and reports that are kept: the counts shown to the owner.
const KEEP_OWN: u32 = 60;

/// The store as the driver uses it.
#[derive(Clone)]
pub(super) struct Persist {
    store: Store,
    journal: Journal,
    high_water: HighWater,
}

impl Persist {
    pub(super) fn new(store: Store, journal: Journal) -> Self {
        let high_water = HighWater::new(&store);
        Self { store, journal, high_water }
    }

    /// What is stored, to read.
    pub(super) fn stored(&self) -> Stored {
        Stored::new(self.store.clone())
    }

    fn put(&self, family: FamilyName, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.store.family(family).put(key, value, Durability::Buffered)
    }

    pub(super) fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// Puts what is to be stored into a batch.
    pub(super) fn collect(&self, engine: &Engine, what: ToStore, batch: &mut Batch) {
        match what {
            ToStore::Record { epoch, bytes } => batch.put(FamilyName::Records, epoch_key(epoch.0), bytes),
            ToStore::Roster { epoch } => roster(engine.chain(), epoch, batch),
            ToStore::Bundle { epoch, member, bytes, late } => {
                let key = epoch_member_key(epoch.0, &member.0);
                if late {
                    batch.put(FamilyName::Meta, [LATE, &key].concat(), []);
                }
                batch.put(FamilyName::Bundles, key, bytes)
            }
            ToStore::Fault { epoch, bytes } => {
                batch.put(FamilyName::Meta, [FAULT, &epoch_key(epoch.0), &hash::digest(&bytes).0].concat(), bytes)
            }
            ToStore::Exchange { member, epoch, exchange, bytes } => {
                batch.put(FamilyName::Exchanges, exchange_key(&member.0, epoch.0, &exchange.0), bytes)
            }
            ToStore::Application { member, bytes } => batch.put(FamilyName::Meta, [APPLICATION, &member.0].concat(), bytes),
            ToStore::Report { epoch, member, report } => {
                batch.put(FamilyName::Reports, epoch_member_key(epoch.0, &member.0), codec::encode(&report))
            }
        };
    }

    /// Writes a batch: what gossip or IMAP can bring again.
    pub(super) fn write(&self, batch: Batch) -> Result<(), String> {
        self.store.write(batch, Durability::Buffered).map_err(|e| e.to_string())
    }

    /// Forgets the records and rosters from an epoch on and stores what takes their place, all or nothing.
    pub(super) fn go_back(&self, epoch: Epoch, cause: GoBack) -> Result<(), String> {
        let mut batch = Batch::new();
        for family in [FamilyName::Records, FamilyName::Rosters] {
            batch.delete_range(family, epoch_key(epoch.0), epoch_key(u32::MAX));
        }
        match cause {
            GoBack::Forked(fork) => batch.put(FamilyName::Meta, [FORK, &epoch_key(epoch.0)].concat(), codec::encode(&fork)),
            GoBack::Overruled(record) => batch.put(FamilyName::Records, epoch_key(epoch.0), record),
        };
        self.store.write(batch, Durability::Synced).map_err(|e| e.to_string())
    }

    /// Stores a mailbox's book of reports.
    pub(super) fn put_book(&self, member: MemberId, bytes: &[u8]) -> Result<(), String> {
        self.put(FamilyName::Meta, &[BOOK, &member.0].concat(), bytes).map_err(|e| e.to_string())
    }

    /// Stores this node's own bundle durably: only after `true` may it be published. `false`: the high-water mark says
    /// that this member's word for that epoch, or a later one, is out already.
    pub(super) async fn own_bundle(&self, epoch: Epoch, member: MemberId, bytes: &[u8]) -> Result<bool, String> {
        match self.high_water.store_async(member.0, epoch.0, bytes.to_vec()).await {
            Ok(_) => {}
            Err(error @ (HighWaterError::Conflict { .. } | HighWaterError::Behind { .. })) => {
                tracing::error!(member = %member.short(), epoch = epoch.0, %error, "own bundle not published");
                return Ok(false);
            }
            Err(error) => return Err(error.to_string()),
        }
        self.put(FamilyName::Bundles, &epoch_member_key(epoch.0, &member.0), bytes).map_err(|e| e.to_string())?;
        Ok(true)
    }

    /// Drops what no rule and no page needs any more.
    pub(super) fn prune(&self, engine: &Engine) -> Result<(), String> {
        let next = engine.chain().next_epoch();
        let mut batch = Batch::new();
        if let Some(floor) = next.minus(limits::KEEP_EPOCHS) {
            for family in [FamilyName::Records, FamilyName::Rosters, FamilyName::Bundles] {
                batch.prune(family, &[], floor.0);
            }
            for kind in [FORK, FAULT, LATE] {
                batch.prune(FamilyName::Meta, kind, floor.0);
            }
        }
        if let Some(floor) = next.minus(KEEP_OWN) {
            for family in [FamilyName::OwnBundles, FamilyName::Reports] {
                batch.prune(family, &[], floor.0);
            }
            for member in engine.hosted().keys() {
                batch.prune(FamilyName::Exchanges, &member.0, floor.0);
            }
        }
        self.write(batch)
    }

    /// Answers a peer's question from the store.
    pub(super) fn answer(&self, engine: &Engine, request: &Request) -> Response {
        let answer = match request {
            Request::Records { from } => self.records_from(engine.chain(), *from),
            Request::Roster { epoch, digest, from } => Ok(self.roster_page(engine.chain(), *epoch, digest, *from)),
            Request::Bundles { epoch, have } => self.bundles_beyond(engine.chain(), *epoch, have),
            Request::Leaves { record, from } => Ok(self.leaves(engine.chain(), *record, *from)),
            Request::Faults { digests } => {
                let known = digests.iter().take(limits::RECORD_PROOFS).filter_map(|digest| engine.chain().fault(digest));
                Ok(Response::Faults(known.map(|fault| fault.bytes.clone()).collect()))
            }
            _ => Ok(Response::Refused { reason: "not a question for the store".into() }),
        };
        answer.unwrap_or_else(|_| Response::Refused { reason: "the store could not be read".into() })
    }

    /// The records from an epoch on; behind the last one those that contradict each other, until one of them or another stands.
    fn records_from(&self, chain: &Chain, from: Epoch) -> Result<Response, StoreError> {
        let found = self.store.family(FamilyName::Records).range(&epoch_key(from.0), None, limits::RECORD_PAGE)?;
        let undecided = chain.undecided().filter(|fork| fork.epoch >= from).into_iter().flat_map(|fork| fork.records.clone());
        Ok(Response::Records(found.into_iter().map(|(_, bytes)| bytes).chain(undecided).take(limits::RECORD_PAGE).collect()))
    }

    fn roster_page(&self, chain: &Chain, epoch: Epoch, digest: &Digest, from: u32) -> Response {
        let stored = || self.stored().load_roster(epoch).ok().flatten().map(std::sync::Arc::new);
        let meant = chain.record(epoch).is_some_and(|held| held.record.roster == *digest);
        let Some(roster) = meant.then(|| chain.roster(epoch).cloned().or_else(stored)).flatten() else {
            return Response::Roster { rows: vec![], total: 0 };
        };
        let rows = roster.rows().iter().skip(from as usize).take(limits::ROSTER_PAGE).cloned().collect();
        Response::Roster { rows, total: u32::try_from(roster.len()).unwrap_or(u32::MAX) }
    }

    /// The digests that a record counts, where the bundles held here are those.
    fn leaves(&self, chain: &Chain, record: Epoch, from: u32) -> Response {
        let stored = self.stored();
        let leaves = chain.leaves(record, |epoch, member| stored.bundle(epoch, *member)).unwrap_or_default();
        let total = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        Response::Leaves { digests: leaves.into_iter().skip(from as usize).take(limits::LEAF_PAGE).collect(), total }
    }

    fn bundles_beyond(&self, chain: &Chain, epoch: Epoch, have: &[u8]) -> Result<Response, StoreError> {
        let Some(play) = chain.play(epoch) else { return Ok(Response::Bundles(vec![])) };
        let held = self.store.family(FamilyName::Bundles);
        let mut found = Vec::new();
        for (i, row) in play.roster.rows().iter().enumerate() {
            if bit(have, i) {
                continue;
            }
            if let Some(bytes) = held.get(&epoch_member_key(epoch.0, &row.member.0))? {
                found.push(bytes);
            }
            if found.len() >= limits::BUNDLE_PAGE {
                break;
            }
        }
        Ok(Response::Bundles(found))
    }
}

/// The roster of an epoch in rows of [`CHUNK`].
fn roster<'a>(chain: &Chain, epoch: Epoch, batch: &'a mut Batch) -> &'a mut Batch {
    let rows = chain.roster(epoch).map(|roster| roster.rows()).unwrap_or_default();
    for (i, rows) in rows.chunks(CHUNK).enumerate() {
        let index = u32::try_from(i).unwrap_or(u32::MAX).to_be_bytes();
        batch.put(FamilyName::Rosters, [epoch_key(epoch.0), index].concat(), codec::encode(&rows.to_vec()));
    }
    batch
}

#[cfg(test)]
mod tests;
