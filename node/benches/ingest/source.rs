//! The network: records, rosters and bundles as a store holds them.

use crate::MEMBERS;
use crate::network::network;
use std::collections::BTreeMap;
use std::path::Path;
use warmnet_node::store::{Durability, FamilyName, Store, epoch_key, epoch_member_key};
use warmnet_protocol::chain::{Chain, Fork};
use warmnet_protocol::engine::{ChainSource, Engine, SourceError};
use warmnet_protocol::identity::{NodeKey, signed};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::limits;
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::epoch_record::EpochRecord;
use warmnet_protocol::wire::genesis::Genesis;
use warmnet_protocol::wire::roster::{Roster, RosterRow};

/// The day before: its bundles are stored when the measured ones come, its signers are known.
pub(crate) const YESTERDAY: Epoch = Epoch(1);
/// The epoch whose bundles are measured.
pub(crate) const TODAY: Epoch = Epoch(2);

/// Plays the first epochs; every member signs its bundle of both days with its own key.
pub(crate) fn make(dir: &Path) {
    let mut net = network(MEMBERS, 0);
    let numbers: BTreeMap<MemberId, u32> = (0..).zip(&net.rows).map(|(n, r): (u32, &RosterRow)| (r.member, n)).collect();
    let store = Store::open(dir.join("made")).expect("a fresh store");
    let put = |family, key: &[u8], value: &[u8]| store.family(family).put(key, value, Durability::Buffered).expect("room on the disk");
    put(FamilyName::Meta, b"genesis", &net.chain.genesis().encode());
    for _ in 0..=TODAY.0 {
        let (epoch, record) = net.publish();
        put(FamilyName::Records, &epoch_key(epoch.0), &record);
        let roster = net.chain.roster(epoch).expect("just published");
        for (i, rows) in (0u32..).zip(roster.rows().chunks(limits::ROSTER_PAGE)) {
            put(FamilyName::Rosters, &[epoch_key(epoch.0), i.to_be_bytes()].concat(), &codec::encode(&rows.to_vec()));
        }
    }
    for epoch in [YESTERDAY, TODAY] {
        for bundle in net.bundles(epoch, true, &numbers) {
            put(FamilyName::Bundles, &epoch_member_key(epoch.0, &bundle.message.member.0), &bundle.bytes);
        }
    }
}

/// The network made, to read.
pub(crate) struct Source(Store);

impl Source {
    pub(crate) fn open(dir: &Path) -> Self {
        Self(Store::open(dir.join("made")).expect("as it was made"))
    }

    pub(crate) fn genesis(&self) -> Genesis {
        let bytes = self.0.family(FamilyName::Meta).get(b"genesis").expect("readable").expect("a genesis");
        Genesis::decode(&bytes).expect("as it was made")
    }

    /// A node that holds records and rosters and no bundle yet.
    pub(crate) fn engine(&self) -> Engine {
        let mut engine = Engine::new(self.genesis(), NodeKey::from_seed(&[7; 32]));
        engine.refold(self.now(), Epoch(0), &mut RecordsOnly(&self.0)).expect("a chain");
        while engine.poll().is_some() {}
        engine
    }

    /// The start of tomorrow: when today's bundles are on their way.
    pub(crate) fn now(&self) -> Timestamp {
        self.genesis().clock.start(TODAY.plus(1))
    }

    /// A chain that holds the same.
    pub(crate) fn chain(&self) -> Chain {
        let mut chain = Chain::new(self.genesis());
        let mut from = RecordsOnly(&self.0);
        for bytes in from.records().expect("readable") {
            let record = signed::decode::<EpochRecord>(&bytes).expect("a record").trust_own_store();
            let epoch = record.message.epoch;
            chain.accept_record(record).expect("the chain continues");
            chain.accept_roster(epoch, from.roster(epoch).expect("readable").expect("stored")).expect("the record names it");
            chain.derive();
        }
        chain
    }

    /// An epoch's bundles by member id, `round` at a time.
    pub(crate) fn rounds(&self, epoch: Epoch, round: usize) -> impl Iterator<Item = Vec<Vec<u8>>> {
        let family = self.0.family(FamilyName::Bundles);
        let (mut from, end) = (epoch_key(epoch.0).to_vec(), epoch_key(epoch.plus(1).0));
        std::iter::from_fn(move || {
            let rows = family.range(&from, Some(&end), round).expect("readable");
            from = [&rows.last()?.0[..], &[0]].concat();
            Some(rows.into_iter().map(|(_, bytes)| bytes).collect())
        })
    }
}

struct RecordsOnly<'a>(&'a Store);

impl ChainSource for RecordsOnly<'_> {
    fn records(&mut self) -> Result<Vec<Vec<u8>>, SourceError> {
        let rows = self.0.family(FamilyName::Records).range(&[], None, limits::RECORD_PAGE).expect("readable");
        Ok(rows.into_iter().map(|(_, bytes)| bytes).collect())
    }
    fn roster(&mut self, epoch: Epoch) -> Result<Option<Roster>, SourceError> {
        let pages = self.0.family(FamilyName::Rosters).prefix(&epoch_key(epoch.0), limits::ROSTER_ROWS).expect("readable");
        let rows = |(_, page): (_, Vec<u8>)| codec::decode::<Vec<RosterRow>>(&page, limits::DECODE_BYTES).expect("rows");
        Ok(Some(Roster::new(pages.into_iter().flat_map(rows).collect())))
    }
    fn conceded(&mut self) -> Result<Vec<Epoch>, SourceError> {
        Ok(vec![])
    }
    fn faults(&mut self) -> Result<Vec<Vec<u8>>, SourceError> {
        Ok(vec![])
    }
    fn bundles(&mut self, _: Epoch, _: &mut dyn FnMut(&[u8], bool)) -> Result<(), SourceError> {
        Ok(())
    }
    fn forks(&mut self) -> Result<Vec<Fork>, SourceError> {
        Ok(vec![])
    }
}
