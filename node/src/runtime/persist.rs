//! The engine's state in the store.

use super::stored::{APPLICATION, BOOK, CHUNK, CONCEDED, FAULT, FORK, LATE, Stored};
use crate::store::{
    Batch, Durability, FamilyName, HighWater, HighWaterError, Journal, Store, StoreError, epoch_key, epoch_member_key, exchange_key,
};
use warmnet_protocol::chain::Chain;
use warmnet_protocol::engine::{Engine, GoBack, ToStore};
use warmnet_protocol::identity::hash;
use warmnet_protocol::ids::{MemberId, NetworkId};
use warmnet_protocol::limits;
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::codec;

/// Where the network's id lies among the host's single values.
const NETWORK: &[u8] = b"network";

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

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Ties a store to its network at the first start; gives the network it is tied to when that is another one.
    pub(super) fn tie(&self, network: NetworkId) -> Result<Option<NetworkId>, StoreError> {
        match self.store.family(FamilyName::Meta).get(NETWORK)? {
            None => {
                self.store.family(FamilyName::Meta).put(NETWORK, &network.0, Durability::Synced)?;
                Ok(None)
            }
            Some(tied) if tied == network.0 => Ok(None),
            Some(tied) => Ok(Some(NetworkId(tied.try_into().map_err(|_| self.store.corrupt("the network's id is not 32 bytes"))?))),
        }
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
            ToStore::Conceded { record } => batch.put(FamilyName::Meta, [CONCEDED, &epoch_key(record.0)].concat(), []),
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
        batch.delete_range(FamilyName::Meta, [CONCEDED, &epoch_key(epoch.0)].concat(), [CONCEDED, &epoch_key(u32::MAX)].concat());
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
            Ok(_) => Ok(true),
            Err(error @ (HighWaterError::Conflict { .. } | HighWaterError::Behind { .. })) => {
                tracing::error!(member = %member.short(), epoch = epoch.0, %error, "own bundle not published");
                Ok(false)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Drops what no rule and no page needs any more when `next` is the next epoch to get a record, whatever has been derived.
    pub(super) fn prune(&self, next: Epoch) -> Result<(), String> {
        let mut batch = Batch::new();
        if let Some(floor) = next.minus(limits::KEEP_EPOCHS) {
            for family in [FamilyName::Records, FamilyName::Rosters, FamilyName::Bundles] {
                batch.prune(family, &[], floor.0);
            }
            for kind in [FORK, FAULT, LATE, CONCEDED] {
                batch.prune(FamilyName::Meta, kind, floor.0);
            }
        }
        if let Some(floor) = next.minus(KEEP_OWN) {
            for family in [FamilyName::OwnBundles, FamilyName::Reports] {
                batch.prune(family, &[], floor.0);
            }
            self.old_exchanges(floor, &mut batch).map_err(|e| e.to_string())?;
        }
        self.write(batch)
    }

    /// Adds the exchanges before `floor`, of members that are hosted no more too.
    fn old_exchanges(&self, floor: Epoch, batch: &mut Batch) -> Result<(), StoreError> {
        let exchanges = self.store.family(FamilyName::Exchanges);
        let mut from = Vec::new();
        // Ends: each turn begins behind a member's last row.
        while let Some((key, _)) = exchanges.range(&from, None, 1)?.pop() {
            let Some(member) = key.first_chunk::<32>() else { break };
            if key.get(32..36).is_some_and(|epoch| epoch < &epoch_key(floor.0)[..]) {
                batch.prune(FamilyName::Exchanges, member, floor.0);
            }
            from = exchange_key(member, u32::MAX, &[u8::MAX; 16]).to_vec();
            from.push(0);
        }
        Ok(())
    }

    /// Forgets in the journal what was finished before `before`; blocks.
    pub(super) fn prune_journal(&self, before: Timestamp) -> Result<(), StoreError> {
        self.journal.prune_done(u64::try_from(before.0).unwrap_or(0)).map(|_| ())
    }

    /// Before which time no exchange began that is still kept, when `next` is the next epoch to get a record.
    pub(super) fn kept_from(chain: &Chain, next: Epoch) -> Option<Timestamp> {
        next.minus(KEEP_OWN).map(|floor| chain.clock().start(floor))
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
