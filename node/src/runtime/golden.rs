//! Whole stores as programs of each schema left them, opened by this one: `node/src/store/golden/store-N` with what it was run with,
//! `genesis-N.bin`. `WARMNET_WRITE_VECTORS=1` writes the newest schema's again.

use super::gate::{Held, SendGate};
use super::persist::Persist;
use super::start::Cursors;
use super::stored::Stored;
use crate::config::SendLimits;
use crate::mail::reports::Book;
use crate::mail::smtp::SendCaps;
use crate::mail::{Cursor, CursorStore as _};
use crate::store::{self, Batch, Durability, FamilyName, Journal, OpenMarks, SCHEMA, State, Store, StoreError, Task};
use std::path::{Path, PathBuf};
use warmnet_protocol::chain::DraftInputs;
use warmnet_protocol::engine::{Application, Engine, Input, Output, Restored as _, ToStore};
use warmnet_protocol::exchange::state::{Introduction, Outgoing};
use warmnet_protocol::exchange::{Exchange, Side};
use warmnet_protocol::identity::{NodeKey, hash, signed};
use warmnet_protocol::ids::{Beacon, DomainTag, ExchangeId, MemberId};
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::params::Params;
use warmnet_protocol::policy;
use warmnet_protocol::time::{Clock, Epoch, Timestamp};
use warmnet_protocol::wire::bundle::{Bundle, Entry, SelfReport, SenderOutcome, Word};
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::epoch_record::IssuingKey;
use warmnet_protocol::wire::genesis::{GENESIS_VERSION, Genesis};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, acts};

const ME: MemberId = MemberId([6; 32]);
const OTHER: MemberId = MemberId([5; 32]);
const EXCHANGE: ExchangeId = ExchangeId([3; 16]);
const EPOCH: Epoch = Epoch(0);
const REPORT: SelfReport = SelfReport { sent: 20, hard: 1, soft: 2, complaints: 0, replies: 3 };
const CURSOR: Cursor = Cursor { uid_validity: 7, uid_next: 42 };

fn key(n: u8) -> NodeKey {
    NodeKey::from_seed(&[n; 32])
}

fn task(turn: u8) -> Task {
    Task { exchange: EXCHANGE.0, turn }
}

fn gate(store: &Store, per_hour: u32) -> super::gate::MailboxGate {
    let limits = SendLimits { mailbox: SendCaps { per_hour, per_day: 200 }, ..SendLimits::default() };
    SendGate::new(store, limits, 86_400_000).mailbox("a@example.com", "smtp.example.com")
}

fn cursors(store: &Store) -> Cursors {
    Cursors { family: store::Cursors::new(store), member: ME }
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/golden").join(name)
}

fn copy(from: &Path, to: &Path, mut wanted: impl FnMut(&str) -> bool) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        if wanted(&entry.file_name().to_string_lossy()) {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

fn exchange() -> Exchange {
    Exchange {
        id: EXCHANGE,
        epoch: EPOCH,
        slot: Slot { ring: RingKind::Open, round: 1 },
        spare: false,
        me: ME,
        partner: OTHER,
        partner_node: key(2).node_id(),
        side: Side::Sender,
        acts: acts::ALL,
        language: 0,
        meeting: 0,
        replies: 1,
        introduction: Introduction::Done,
        partner_address: Some("golden@example.org".into()),
        outcome: Some(SenderOutcome::Sent),
        sent_label: None,
        seen: None,
        outgoing: vec![(0, Outgoing::Sent)],
        thread: vec!["a@example.com".into()],
        found: None,
        pending: vec![],
        stopped: false,
        complaint: false,
    }
}

/// Fills every family the way the running program does; gives the genesis.
pub(super) async fn fill(path: &Path) -> Genesis {
    let store = Store::open(path).expect("opened");
    let journal = Journal::open(&store).expect("journal");
    let persist = Persist::new(store.clone(), journal.clone());
    let mut links = vec![Beacon([4; 32])];
    (0..4).for_each(|n| links.push(Beacon(hash::digest(&links[n].0).0)));
    links.reverse();
    let genesis = Genesis {
        version: GENESIS_VERSION,
        name: "golden".into(),
        root: key(1).node_id(),
        coordinator: key(2).node_id(),
        first_beacon: links[0],
        clock: Clock { epoch_zero_ms: 0, epoch_ms: 86_400_000 },
        params: Params::standard(),
    };
    let network = genesis.network_id();
    assert_eq!(persist.tie(network).expect("readable"), None);
    let certificate = IssuingKey { key: key(3).node_id(), from: Epoch(0), until: Epoch(9), serial: 0 };
    let authority = signed::sign(&key(1), &network, certificate).bytes;
    let row = |member, node: u8, role| {
        let (node, tag) = (key(node).node_id(), DomainTag([1; 16]));
        policy::first_row(&genesis.params, member, node, tag, 0, 1, ALL_WEEKDAYS, acts::ALL, RampPreset::Fresh, role, Epoch(0))
    };
    let mut engine = Engine::new(genesis.clone(), key(9));
    let mut batch = Batch::new();
    for epoch in 0..2 {
        let inputs = DraftInputs {
            beacon: links[epoch + 1],
            notices: vec![],
            departures: vec![],
            upcoming: None,
            admitted: if epoch == 0 { vec![row(OTHER, 2, Role::Golden), row(ME, 9, Role::Member)] } else { vec![] },
            degraded: false,
            authority: authority.clone(),
        };
        let draft = engine.chain().draft(inputs).expect("everything before is derived");
        let record = Box::new(signed::sign(&key(3), &network, draft.record));
        engine.handle(Timestamp(0), Input::OwnRecord { record, roster: draft.roster });
        while let Some(output) = engine.poll() {
            if let Output::Store(what) = output {
                persist.collect(&engine, what, &mut batch);
            }
        }
    }
    let bundle = |member, outcome, by: u8| {
        let entry = Entry { slot: exchange().slot, word: Word::Sender(outcome), evidence: [1, 2, 3, 4] };
        signed::sign(&key(by), &network, Bundle { member, epoch: EPOCH, entries: vec![entry], report: SelfReport::default() }).bytes
    };
    let (member, epoch) = (ME, EPOCH);
    for what in [
        ToStore::Exchange { member, epoch, exchange: EXCHANGE, bytes: codec::encode(&exchange()) },
        ToStore::Application { member, bytes: codec::encode(&Application::Admitted { from: EPOCH }) },
        ToStore::Report { epoch, member, report: REPORT },
        ToStore::Bundle { epoch, member: OTHER, bytes: bundle(OTHER, SenderOutcome::NoShow, 2), late: false },
    ] {
        persist.collect(&engine, what, &mut batch);
    }
    batch.put(FamilyName::Notices, *b"k", *b"v").put(FamilyName::Addresses, *b"k", *b"v");
    persist.write(batch).expect("written");
    assert!(persist.own_bundle(EPOCH, ME, &bundle(ME, SenderOutcome::Sent, 9)).await.expect("written"));
    persist.put_book(ME, &Book::new(1_000).encode()).expect("written");
    cursors(&store).save("INBOX", CURSOR).expect("written");
    for turn in 0..3 {
        journal.intent(task(turn), 1_000).await.expect("marked");
        if turn > 0 {
            journal.dot(task(turn), 2_000).await.expect("marked");
        }
        if turn > 1 {
            journal.done(task(turn), 3_000, b"sent".to_vec()).await.expect("marked");
        }
    }
    gate(&store, 1).take(4_000, |batch| store.write(batch, Durability::Synced).expect("written")).expect("room");
    genesis
}

/// What a store of any schema must still hold, each thing by its own reader.
async fn holds_what_must_not_be_forgotten(path: &Path) {
    let store = Store::open(path).expect("opened");
    let journal = Journal::open(&store).expect("journal");
    let open = OpenMarks { may_send: vec![(task(0), 1_000)], never_again: vec![(task(1), 2_000)] };
    assert_eq!(journal.open_marks(), Ok(open));
    assert_eq!(journal.state(task(2)), Ok(Some(State::Done { at: 3_000, outcome: b"sent".to_vec() })));

    let mut stored = Stored::new(store.clone());
    let mut own = Vec::new();
    stored.own_bundles(&mut |epoch, member, bytes| own.push((epoch, member, bytes.to_vec()))).expect("readable");
    let [(EPOCH, ME, bytes)] = &own[..] else { panic!("{own:?}") };
    let said = signed::decode::<Bundle>(bytes).expect("a bundle").message;
    assert_eq!((said.member, said.entries[0].word), (ME, Word::Sender(SenderOutcome::Sent)));
    let persist = Persist::new(store.clone(), journal);
    assert_eq!(persist.own_bundle(EPOCH, ME, b"another").await, Ok(false), "one word an epoch");
    assert_eq!(persist.own_bundle(EPOCH, ME, bytes).await, Ok(true), "the same again");

    let applications = stored.applications().expect("readable");
    let [(ME, application)] = &applications[..] else { panic!("{applications:?}") };
    assert_eq!(codec::decode(application, 4_096), Ok(Application::Admitted { from: EPOCH }));
    assert_eq!(stored.reports(), Ok(vec![(EPOCH, ME, REPORT)]));
    let book = stored.book(ME).and_then(|bytes| Book::decode(&bytes)).expect("a book");
    assert_eq!(book, Book::new(1_000));
    assert_eq!(cursors(&store).load("INBOX"), Some(CURSOR));
    assert!(matches!(gate(&store, 1).check(4_001), Err(Held::Until(_))), "what was sent is counted");
    assert!(gate(&store, 2).check(4_001).is_ok(), "and nothing else");
    for family in [FamilyName::Notices, FamilyName::Addresses] {
        assert_eq!(store.family(family).get(b"k"), Ok(Some(b"v".to_vec())), "{family:?}");
    }
}

/// A store of this schema, taken up by an engine.
fn is_taken_up(path: &Path, genesis: Genesis) {
    let mut stored = Stored::new(Store::open(path).expect("opened"));
    let mut exchanges = Vec::new();
    stored.exchanges(&mut |bytes| exchanges.push(bytes.to_vec())).expect("readable");
    assert_eq!(exchanges, [codec::encode(&exchange())]);
    let mut engine = Engine::new(genesis, key(9));
    engine.restore(Timestamp(0), &mut stored).expect("taken up");
    assert_eq!(engine.chain().next_epoch(), Epoch(2));
    assert_eq!(engine.chain().latest_roster().len(), 2);
    assert_eq!(engine.chain().bundles(EPOCH).map(|b| b.len()), Some(2));
}

#[tokio::test]
async fn a_store_of_every_schema_opens_and_keeps_what_must_not_be_forgotten() {
    for schema in 1..=SCHEMA {
        let dir = tempfile::tempdir().expect("dir");
        copy(&golden(&format!("store-{schema}")), dir.path(), |_| true);
        match Store::open_to_read(dir.path()) {
            Ok(_) => assert_eq!(schema, SCHEMA),
            Err(StoreError::TooOld { found, known: SCHEMA, .. }) => assert_eq!(found, schema),
            Err(error) => panic!("{error}"),
        }
        for _ in 0..2 {
            holds_what_must_not_be_forgotten(dir.path()).await;
        }
        let genesis = Genesis::decode(&std::fs::read(golden(&format!("genesis-{schema}.bin"))).expect("read"));
        if schema == SCHEMA {
            is_taken_up(dir.path(), genesis.expect("of this program"));
            continue;
        }
        let store = Store::open(dir.path()).expect("opened");
        // What can't be read any more is fetched and dealt anew.
        for family in [FamilyName::Records, FamilyName::Rosters, FamilyName::Bundles, FamilyName::Exchanges] {
            assert_eq!(store.family(family).range(&[], None, 9), Ok(vec![]), "{family:?}");
        }
        let why = genesis.expect_err("of an earlier program").to_string();
        assert!(why.starts_with("the network \"golden\" was founded by an earlier program"), "{why}");
    }
}

#[tokio::test]
async fn a_store_of_this_program_is_as_the_golden_one() {
    let dir = tempfile::tempdir().expect("dir");
    let genesis = fill(dir.path()).await;
    holds_what_must_not_be_forgotten(dir.path()).await;
    is_taken_up(dir.path(), genesis.clone());
    let store = Store::open(dir.path()).expect("opened");
    for family in FamilyName::ALL {
        assert_eq!(store.family(family).range(&[], None, 1).expect("readable").len(), 1, "{family:?} is filled");
    }
    drop(store);
    let bytes = genesis.encode();
    if std::env::var_os("WARMNET_WRITE_VECTORS").is_some() {
        let again = tempfile::tempdir().expect("dir");
        fill(again.path()).await;
        // Rows lie in the log; the rest RocksDB makes anew.
        let needed = |name: &str| name == "CURRENT" || name.starts_with("MANIFEST") || name.ends_with(".log");
        let target = golden(&format!("store-{SCHEMA}"));
        std::fs::remove_dir_all(&target).unwrap_or_default();
        copy(again.path(), &target, needed);
        std::fs::write(golden(&format!("genesis-{SCHEMA}.bin")), &bytes).expect("written");
    }
    assert_eq!(std::fs::read(golden(&format!("genesis-{SCHEMA}.bin"))).ok(), Some(bytes), "a genesis of this schema");
}

#[tokio::test]
async fn a_store_is_tied_to_its_network() {
    let dir = tempfile::tempdir().expect("dir");
    let genesis = fill(dir.path()).await;
    let store = Store::open(dir.path()).expect("opened");
    let persist = Persist::new(store.clone(), Journal::open(&store).expect("journal"));
    let other = Genesis { name: "another".into(), ..genesis.clone() };
    assert_eq!(persist.tie(genesis.network_id()), Ok(None));
    assert_eq!(persist.tie(other.network_id()), Ok(Some(genesis.network_id())));
}
