use super::*;
use crate::runtime::answers::Answer;
use warmnet_protocol::chain::DraftInputs;
use warmnet_protocol::engine::{ChainSource as _, Input, Output, Restored as _};
use warmnet_protocol::gossip::Topic;
use warmnet_protocol::identity::{NodeKey, hash, signed};
use warmnet_protocol::ids::{Beacon, DomainTag};
use warmnet_protocol::params::Params;
use warmnet_protocol::policy;
use warmnet_protocol::time::{Clock, Timestamp};
use warmnet_protocol::wire::epoch_record::{EpochRecord, IssuingKey};
use warmnet_protocol::wire::genesis::{GENESIS_VERSION, Genesis};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, acts};
use warmnet_protocol::wire::sync::{Request, Response};

fn key(n: u8) -> NodeKey {
    NodeKey::from_seed(&[n; 32])
}

fn answer(persist: &Persist, engine: &Engine, request: &Request) -> Response {
    match persist.answer(engine.chain(), request) {
        Answer::Known(response) => response,
        Answer::Stored(reading) => reading.read(),
    }
}

/// Carries out what an engine wants stored.
fn settle(engine: &mut Engine, persist: &Persist, now: Timestamp) {
    let mut batch = Batch::new();
    while let Some(output) = engine.poll() {
        match output {
            Output::GoBack { epoch, cause } => {
                persist.go_back(epoch, cause).expect("stored");
                engine.refold(now, epoch, &mut persist.stored()).expect("its own records");
            }
            Output::Store(what) => persist.collect(engine, what, &mut batch),
            _ => {}
        }
        persist.write(std::mem::take(&mut batch)).expect("stored");
    }
}

#[test]
fn a_fork_is_undone_in_the_store_and_told_to_who_asks() {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(dir.path()).expect("open");
    let persist = Persist::new(store.clone(), Journal::open(&store).expect("journal"));
    let mut links = vec![Beacon([4; 32])];
    (0..4).for_each(|n| links.push(Beacon(hash::digest(&links[n].0).0)));
    links.reverse();
    let genesis = Genesis {
        version: GENESIS_VERSION,
        name: "fork".into(),
        root: key(1).node_id(),
        coordinator: key(2).node_id(),
        first_beacon: links[0],
        clock: Clock { epoch_zero_ms: 0, epoch_ms: 86_400_000 },
        params: Params::standard(),
    };
    let network = genesis.network_id();
    let certificate = IssuingKey { key: key(3).node_id(), from: Epoch(0), until: Epoch(9), serial: 0 };
    let authority = signed::sign(&key(1), &network, certificate).bytes;
    let tag = DomainTag([1; 16]);
    let golden = |p: &Params| {
        let node = key(2).node_id();
        policy::first_row(p, MemberId([5; 32]), node, tag, 0, 1, ALL_WEEKDAYS, acts::ALL, RampPreset::Fresh, Role::Golden, Epoch(0))
    };
    let now = Timestamp(0);
    let mut engine = Engine::new(genesis.clone(), key(2));
    for epoch in 0..2 {
        let inputs = DraftInputs {
            beacon: links[epoch + 1],
            notices: vec![],
            departures: vec![],
            upcoming: None,
            admitted: if epoch == 0 { vec![golden(&genesis.params)] } else { vec![] },
            degraded: false,
            authority: authority.clone(),
        };
        let draft = engine.chain().draft(inputs).expect("everything before is derived");
        let record = Box::new(signed::sign(&key(3), &network, draft.record));
        engine.handle(now, Input::OwnRecord { record, roster: draft.roster });
        settle(&mut engine, &persist, now);
    }
    let (epoch, held) = (Epoch(1), engine.chain().record(Epoch(1)).expect("published").clone());
    let page = |engine: &Engine, digest| match answer(&persist, engine, &Request::Roster { epoch, digest, from: 0 }) {
        Response::Roster { rows, total } => (rows.len(), total),
        other => panic!("{other:?}"),
    };
    assert_eq!(page(&engine, held.record.roster), (1, 1));
    assert_eq!(page(&engine, held.digest), (0, 0), "another roster than this node's");

    let second = signed::sign(&key(3), &network, EpochRecord { degraded: true, ..held.record.clone() }).bytes;
    engine.handle(now, Input::Gossip { token: 1, topic: Topic::Records, bytes: second.clone() });
    settle(&mut engine, &persist, now);
    let pair = vec![held.envelope, second];
    for again in [false, true] {
        if again {
            engine = Engine::new(genesis.clone(), key(2));
            engine.restore(now, &mut persist.stored()).expect("its own store");
        }
        assert_eq!(engine.chain().next_epoch(), epoch, "after a restart: {again}");
        assert_eq!(engine.chain().undecided().map(|f| f.records.to_vec()), Some(pair.clone()));
        assert_eq!(answer(&persist, &engine, &Request::Records { from: epoch }), Response::Records(pair.clone()));
        assert_eq!(page(&engine, held.record.roster), (0, 0), "void");
    }
}

/// A store and what writes to it.
fn opened(dir: &tempfile::TempDir) -> (Store, Persist) {
    let store = Store::open(dir.path()).expect("open");
    let journal = Journal::open(&store).expect("journal");
    (store.clone(), Persist::new(store, journal))
}

#[test]
fn nothing_is_cut_off_however_much_there_is() {
    let dir = tempfile::tempdir().expect("dir");
    let (_, persist) = opened(&dir);
    let rows: u32 = 100_000 + 50;
    let mut batch = Batch::new();
    for n in 0..rows {
        let mut member = [0; 32];
        member[..4].copy_from_slice(&n.to_be_bytes());
        batch.put(FamilyName::Bundles, epoch_member_key(7, &member), *b"b");
        batch.put(FamilyName::OwnBundles, epoch_member_key(7, &member), *b"o");
        batch.put(FamilyName::Exchanges, exchange_key(&member, 7, &[0; 16]), *b"x");
    }
    persist.write(batch).expect("written");
    let (mut bundles, mut own, mut exchanges) = (0, 0, 0);
    let mut stored = persist.stored();
    stored.bundles(Epoch(7), &mut |_, _| bundles += 1).expect("readable");
    stored.own_bundles(&mut |_, _, _| own += 1).expect("readable");
    stored.exchanges(&mut |_| exchanges += 1).expect("readable");
    assert_eq!([bundles, own, exchanges], [rows; 3]);
}

#[tokio::test]
async fn an_own_bundle_is_given_to_who_asks_as_soon_as_it_is_marked() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, persist) = opened(&dir);
    let (epoch, member) = (Epoch(3), MemberId([1; 32]));
    // The mark alone, as a crash between two writes would leave it, can't be: one write does it all.
    HighWater::new(&store).store(&member.0, epoch.0, b"word").expect("stored");
    assert_eq!(persist.stored().bundle(epoch, member), Some(b"word".to_vec()));
    assert_eq!(persist.own_bundle(epoch, member, b"word").await, Ok(true), "may be said again");
    assert_eq!(persist.own_bundle(epoch, member, b"another").await, Ok(false));
    assert_eq!(persist.stored().bundle(epoch, member), Some(b"word".to_vec()));
}

#[tokio::test]
async fn what_is_old_goes_whatever_was_derived_and_whoever_is_hosted() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, persist) = opened(&dir);
    let members = [[1; 32], [2; 32], [u8::MAX; 32]];
    let mut batch = Batch::new();
    for epoch in 0..100 {
        batch.put(FamilyName::Records, epoch_key(epoch), *b"r");
        batch.put(FamilyName::Rosters, [epoch_key(epoch), [0; 4]].concat(), *b"r");
        batch.put(FamilyName::Meta, [FORK, &epoch_key(epoch)].concat(), *b"f");
        for member in members {
            for family in [FamilyName::Bundles, FamilyName::OwnBundles, FamilyName::Reports] {
                batch.put(family, epoch_member_key(epoch, &member), *b"b");
            }
            batch.put(FamilyName::Exchanges, exchange_key(&member, epoch, &[u8::MAX; 16]), *b"x");
        }
    }
    persist.write(batch).expect("written");
    persist.prune(Epoch(100)).expect("pruned");
    let left = |family| store.family(family).range(&[], None, 9_999).expect("readable").len();
    let kept = limits::KEEP_EPOCHS as usize;
    assert_eq!([left(FamilyName::Records), left(FamilyName::Rosters), left(FamilyName::Bundles)], [kept, kept, 3 * kept]);
    let own = 3 * KEEP_OWN as usize;
    assert_eq!([left(FamilyName::OwnBundles), left(FamilyName::Reports), left(FamilyName::Exchanges)], [own; 3]);
    assert_eq!(left(FamilyName::Meta), kept + 1, "the forks kept, and the schema");

    let (old, new) = (crate::store::Task { exchange: [1; 16], turn: 0 }, crate::store::Task { exchange: [2; 16], turn: 0 });
    for (task, at) in [(old, 10), (new, 20)] {
        persist.journal().intent(task, at).await.expect("marked");
        persist.journal().done(task, at, vec![]).await.expect("marked");
    }
    persist.prune_journal(Timestamp(20)).expect("pruned");
    assert_eq!(persist.journal().state(old), Ok(None));
    assert!(persist.journal().state(new).expect("readable").is_some());
}
