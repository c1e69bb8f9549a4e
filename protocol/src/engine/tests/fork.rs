//! Records that contradict each other, and how the root decides.

use super::*;
use crate::chain::RecordRefusal;
use crate::engine::restore::fold_all;
use crate::identity::Verified;
use crate::wire::epoch_record::EpochRecord;
use crate::wire::sync::Response;

const FORKED: Epoch = Epoch(10);

impl World {
    /// Another record of an epoch, signed by whoever holds the issuing key.
    fn forged(&self, epoch: Epoch) -> Vec<u8> {
        let held = self.peers[1].engine.chain().record(epoch).expect("held").record.clone();
        let record = EpochRecord { degraded: !held.degraded, ..held };
        signed::sign(&self.issuing, &self.peers[1].engine.chain().network(), record).bytes
    }

    fn tell(&mut self, to: usize, record: &[u8]) {
        self.deliver(to, Input::Gossip { token: 0, topic: Topic::Records, bytes: record.to_vec() });
        self.drain();
    }

    /// The root certifies a new issuing key, later than the one before.
    fn renew(&mut self) {
        self.serial += 1;
        self.issuing = key(201 + u8::try_from(self.serial).unwrap());
        let certificate = IssuingKey { key: self.issuing.node_id(), from: Epoch(0), until: Epoch(400), serial: self.serial };
        self.authority = signed::sign(&key(200), &self.peers[0].engine.chain().network(), certificate).bytes;
    }

    fn undecided(&self) -> Vec<usize> {
        (0..self.peers.len()).filter(|i| self.peers[*i].engine.chain().undecided().is_some_and(|f| f.epoch == FORKED)).collect()
    }
}

#[test]
fn two_records_of_an_epoch_are_void_until_the_root_decides() {
    let mut w = World::new(8, 2);
    w.run_until(CLOCK.at(Epoch(9), Span::hours(12)));
    w.peers[6].alive = false;
    w.run_until(CLOCK.at(FORKED, Span::hours(20)));
    let second = w.forged(FORKED);
    // One node is away when the second record goes round, one came never to see the first.
    w.peers[5].alive = false;
    for to in (0..9).filter(|to| ![5, 6].contains(to)) {
        w.tell(to, &second);
    }
    assert_eq!(w.undecided(), [0, 1, 2, 3, 4, 7, 8]);
    let chain = w.peers[1].engine.chain();
    assert_eq!((chain.next_epoch(), chain.ready_to_draft()), (FORKED, true), "what was derived from it is undone");
    assert!(chain.play(FORKED).is_some_and(|p| p.degraded));
    let mut again = Chain::new(chain.genesis().clone());
    assert_eq!(fold_all(&mut again, &mut w.peers[1].store.clone()), Ok(()));
    assert_eq!(again.undecided(), chain.undecided(), "a restart does not forget it");

    w.peers[6].alive = true;
    let before = w.mails.len();
    w.run_until(CLOCK.at(Epoch(12), Span::hours(1)));
    assert_eq!(w.undecided(), [0, 1, 2, 3, 4, 6, 7, 8], "who asks for records is told both");
    assert!(w.mails.len() > before + 20, "exchanges go on degraded");
    w.tell(1, &second);
    assert_eq!(w.peers[1].engine.chain().next_epoch(), FORKED, "neither comes back");

    w.renew();
    w.run_until(CLOCK.at(Epoch(13), Span::hours(1)));
    w.peers[5].alive = true;
    assert_eq!(w.peers[5].engine.chain().record(FORKED).map(|r| r.serial), Some(0), "it was away all the time");
    w.run_to_epoch(22);
    w.assert_agreement(0);
    assert!(w.undecided().is_empty());
    for p in &w.peers {
        let records: Vec<_> = (10..13).filter_map(|e| p.engine.chain().record(Epoch(e))).map(|r| (r.serial, r.record.degraded)).collect();
        assert_eq!(records, [(1, true); 3]);
    }
    let summaries = w.peers[5].engine.chain().summaries();
    let during = summaries.iter().filter(|s| (11..=12).contains(&s.epoch.0)).map(|s| s.delivered_inbox).sum::<u32>();
    assert!(during > 10, "degraded exchanges count: {during}");
    assert_eq!(w.rejected, 0, "nobody is blamed for telling a true record");

    w.tell(2, &second);
    assert_eq!(w.peers[2].engine.chain().undecided(), None, "what is decided stays decided");
}

#[test]
fn whatever_the_order_the_record_that_the_root_decided_for_stands() {
    let mut w = World::new(4, 1);
    w.run_until(CLOCK.at(FORKED, Span::hours(1)));
    let (first, second) = (w.peers[1].store.records[&FORKED].clone(), w.forged(FORKED));
    let mut before = w.peers[1].store.clone();
    before.records.split_off(&FORKED);
    (1..w.peers.len()).chain([0]).for_each(|to| w.tell(to, &second));
    w.renew();
    w.run_until(CLOCK.at(FORKED, Span::hours(2)));
    let decided = w.peers[1].store.records[&FORKED].clone();

    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let genesis = w.peers[1].engine.chain().genesis().clone();
        let mut peer = Peer { store: before.clone(), ..Peer::new(Engine::new(genesis, key(9))) };
        fold_all(&mut peer.engine.chain, &mut peer.store).expect("its own");
        w.peers.push(peer);
        let last = w.peers.len() - 1;
        for record in order.map(|n| [&first, &second, &decided][n]) {
            w.tell(last, record);
        }
        let Peer { engine, store, .. } = w.peers.pop().expect("the newcomer");
        assert_eq!(store.records.get(&FORKED), Some(&decided), "{order:?}");
        assert_eq!(engine.chain().record(FORKED).map(|r| r.serial), Some(1), "{order:?}");
    }
}

#[test]
fn an_old_key_undoes_nothing_that_is_settled_or_decided() {
    let mut w = World::new(4, 1);
    w.run_until(CLOCK.at(Epoch(18), Span::hours(1)));
    let network = w.peers[1].engine.chain().network();
    let answer = |w: &World, bytes: &[u8]| {
        let record: Verified<EpochRecord> = signed::open(bytes, &network).expect("signed");
        let mut chain = Chain::new(w.peers[1].engine.chain().genesis().clone());
        fold_all(&mut chain, &mut w.peers[1].store.clone()).expect("its own");
        chain.accept_record(record)
    };
    let (old, new) = (w.forged(Epoch(10)), w.forged(Epoch(12)));
    assert_eq!(answer(&w, &old), Err(RecordRefusal::Settled), "farther back than a network plays without a record");
    assert_eq!(answer(&w, &new), Err(RecordRefusal::Fork));

    let thief = (key(201), w.authority.clone());
    w.renew();
    w.run_to_epoch(20);
    let held = w.peers[1].engine.chain().record(Epoch(19)).expect("held").record.clone();
    let stolen = EpochRecord { authority: thief.1.clone(), degraded: true, ..held.clone() };
    let stolen = signed::sign(&thief.0, &network, stolen);
    assert_eq!(answer(&w, &stolen.bytes), Err(RecordRefusal::Overruled), "the root certified another key since");
    let next = EpochRecord {
        authority: thief.1,
        epoch: Epoch(21),
        previous: w.peers[1].engine.chain().last_record().expect("held").digest,
        ..held
    };
    let next = EpochRecord { beacon: w.links[22], ..next };
    assert_eq!(answer(&w, &signed::sign(&thief.0, &network, next).bytes), Err(RecordRefusal::Serial));
}

#[test]
fn a_second_record_learnt_by_asking_is_told_to_others() {
    let mut w = World::new(3, 1);
    w.run_until(CLOCK.at(Epoch(3), Span::hours(12)));
    let second = w.forged(Epoch(3));
    let response = Response::Records(vec![second.clone()]);
    w.deliver(1, Input::Answer { want: Want::Records(Epoch(3)), response });
    let outputs: Vec<Output> = std::iter::from_fn(|| w.peers[1].engine.poll()).collect();
    let told = |o: &Output| matches!(o, Output::Publish { topic: Topic::Records, bytes } if *bytes == second);
    assert!(outputs.iter().any(told), "gossip did not bring it: others may lack it too");
}
