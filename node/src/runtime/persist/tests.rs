use super::*;
use warmnet_protocol::chain::DraftInputs;
use warmnet_protocol::engine::Input;
use warmnet_protocol::engine::Output;
use warmnet_protocol::gossip::Topic;
use warmnet_protocol::identity::{NodeKey, hash, signed};
use warmnet_protocol::ids::{Beacon, DomainTag};
use warmnet_protocol::params::Params;
use warmnet_protocol::policy;
use warmnet_protocol::time::{Clock, Timestamp};
use warmnet_protocol::wire::epoch_record::{EpochRecord, IssuingKey};
use warmnet_protocol::wire::genesis::{GENESIS_VERSION, Genesis};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, acts};

fn key(n: u8) -> NodeKey {
    NodeKey::from_seed(&[n; 32])
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
    let page = |engine: &Engine, digest| match persist.answer(engine, &Request::Roster { epoch, digest, from: 0 }) {
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
        assert_eq!(persist.answer(&engine, &Request::Records { from: epoch }), Response::Records(pair.clone()));
        assert_eq!(page(&engine, held.record.roster), (0, 0), "void");
    }
}
