use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;

fn task(number: u8) -> Task {
    Task { exchange: [number / 2; 16], turn: number % 2 }
}

fn open(dir: &std::path::Path) -> (Store, Journal) {
    let store = Store::open(dir).expect("open");
    let journal = Journal::open(&store).expect("journal");
    (store, journal)
}

#[tokio::test]
async fn marks_survive_a_restart_and_open_marks_sorts_them() {
    let dir = tempfile::tempdir().expect("dir");
    {
        let (_store, journal) = open(dir.path());
        for number in 0..4 {
            journal.intent(task(number), 10).await.expect("intent");
        }
        for number in 1..4 {
            journal.dot(task(number), 11).await.expect("dot");
        }
        let outcome = b"delivered".to_vec();
        journal.done(task(3), 12, outcome).await.expect("done");
    }
    let (_store, journal) = open(dir.path());
    let marks = journal.open_marks().expect("marks");
    assert_eq!(marks.may_send, [(task(0), 10)]);
    assert_eq!(marks.never_again, [(task(1), 11), (task(2), 11)]);
    let refused = journal.dot(task(1), 20).await;
    let state = State::Dot { at: 11 };
    assert_eq!(refused, Err(JournalError::Taken { state }));
    journal.intent(task(0), 20).await.expect("may be sent");
    journal.dot(task(0), 21).await.expect("dot");

    assert_eq!(journal.prune_done(12).expect("prune"), 0);
    assert_eq!(journal.prune_done(13).expect("prune"), 1);
    assert_eq!(journal.state(task(3)).expect("state"), None);
    let left = journal.open_marks().expect("marks").never_again;
    assert_eq!(left.len(), 3, "only finished tasks are forgotten");
    let large = vec![0; MAX_OUTCOME_BYTES + 1];
    let refused = journal.done(task(0), 1, large).await;
    assert!(matches!(refused, Err(JournalError::Store(StoreError::TooLarge { .. }))));
}

#[tokio::test]
async fn unreadable_marks_stop_everything() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, journal) = open(dir.path());
    store.family(FamilyName::Journal).put(&task(0).key(), b"?", Durability::Buffered).expect("put");
    assert!(matches!(journal.open_marks(), Err(StoreError::Corrupt { .. })));
    let refused = journal.intent(task(0), 1).await;
    assert!(matches!(refused, Err(JournalError::Store(StoreError::Corrupt { .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_concurrent_dots_one_wins() {
    let dir = tempfile::tempdir().expect("dir");
    let (_store, journal) = open(dir.path());
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..64u64 {
        let journal = journal.clone();
        workers.spawn(async move {
            let mut won = Vec::new();
            for number in 0..8 {
                // Refused once another worker has set the dot.
                journal.intent(task(number), worker).await.ok();
                if journal.dot(task(number), worker).await.is_ok() {
                    won.push(number);
                }
            }
            won
        });
    }
    let mut won = workers.join_all().await.concat();
    won.sort_unstable();
    assert_eq!(won, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Intent(u8),
    Dot(u8),
    Done(u8),
    /// Drop everything, open again, and take up what may be sent, as a node's start does.
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..3u8).prop_map(Act::Intent),
        4 => (0..3u8).prop_map(Act::Dot),
        2 => (0..3u8).prop_map(Act::Done),
        1 => Just(Act::Restart),
    ]
}

/// Marks are sent in groups at one time, so that the committer mixes them within a batch; a restart
/// between groups drops the callers that still wait.
async fn play(groups: &[Vec<Act>], seen: &Mutex<BTreeSet<&'static str>>) -> BTreeMap<u8, u32> {
    let dir = tempfile::tempdir().expect("dir");
    let mut parts = open(dir.path());
    let mut dots: BTreeMap<u8, u32> = BTreeMap::new();
    for group in groups {
        let journal = &parts.1;
        let marks = group.iter().map(|act| async move {
            match *act {
                Act::Intent(number) => (journal.intent(task(number), 1).await, None),
                Act::Dot(number) => (journal.dot(task(number), 2).await, Some(number)),
                Act::Done(number) => (journal.done(task(number), 3, vec![number]).await, None),
                Act::Restart => (Ok(()), None),
            }
        });
        for (result, dot) in futures::future::join_all(marks).await {
            if let (Ok(()), Some(number)) = (result, dot) {
                *dots.entry(number).or_default() += 1;
            }
        }
        note_states(journal, seen);
        if group.iter().any(|act| matches!(act, Act::Restart)) {
            // Callers cut off in the middle: their marks may or may not be written.
            let abandoned = journal.clone();
            let cut = async move { futures::future::join_all((0..3).map(|n| abandoned.intent(task(n), 5))).await };
            tokio::time::timeout(std::time::Duration::ZERO, cut).await.ok();
            drop(parts);
            parts = open(dir.path());
            let open_marks = parts.1.open_marks().expect("marks");
            for (task, _) in open_marks.never_again {
                let refused = parts.1.dot(task, 6).await;
                assert!(matches!(refused, Err(JournalError::Taken { .. })));
                let refused = parts.1.intent(task, 6).await;
                assert!(matches!(refused, Err(JournalError::Taken { .. })));
            }
        }
    }
    dots
}

fn note_states(journal: &Journal, seen: &Mutex<BTreeSet<&'static str>>) {
    let mut seen = seen.lock().expect("lock");
    for number in 0..3 {
        let name = match journal.state(task(number)).expect("state") {
            None => "none",
            Some(State::Intent { .. }) => "intent",
            Some(State::Dot { .. }) => "dot",
            Some(State::Done { .. }) => "done",
        };
        seen.insert(name);
    }
}

#[test]
fn no_interleaving_gives_a_second_dot() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let seen = Mutex::new(BTreeSet::new());
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
    let groups = prop::collection::vec(prop::collection::vec(act(), 1..6), 1..8);
    proptest!(config, |(groups in groups)| {
        let dots = runtime.block_on(play(&groups, &seen));
        prop_assert!(dots.values().all(|count| *count == 1), "{dots:?}");
    });
    let seen = seen.into_inner().expect("lock");
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["done", "dot", "intent", "none"]);
}

#[tokio::test]
async fn what_goes_beside_an_intent_is_written_with_it_or_not_at_all() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, journal) = open(dir.path());
    let count = |n: u8| {
        let mut batch = Batch::new();
        batch.put(FamilyName::Meta, b"count", [n]);
        batch
    };
    let counted = || store.family(FamilyName::Meta).get(b"count").expect("read");
    let before = journal.syncs();
    journal.place().await.expect("room").intent(task(0), 1, count(1)).await.expect("intent");
    assert_eq!((counted(), journal.syncs() - before), (Some(vec![1]), 1), "one sync for both");
    journal.dot(task(0), 2).await.expect("dot");
    let refused = journal.place().await.expect("room").intent(task(0), 3, count(2)).await;
    assert!(matches!(refused, Err(JournalError::Taken { .. })), "{refused:?}");
    assert_eq!(counted(), Some(vec![1]));
    journal.place().await.expect("room").write(count(3)).await.expect("written");
    assert_eq!(counted(), Some(vec![3]));
}
