//! The thread that decides about marks and writes them, many with one sync.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::super::batch::{Batch, Durability};
use super::super::error::StoreError;
use super::super::open::Store;
use super::super::options::FamilyName;
use super::Task;
use super::state::{JournalError, State, Step};

/// Marks in one write. Far more than can wait at one node; bounds the memory of a batch.
const MARKS_PER_COMMIT: usize = 256;

pub(super) struct Request {
    /// The mark to decide about; without one only `beside` is written.
    pub(super) mark: Option<(Task, Step)>,
    /// Written with the mark, or not at all where that is refused.
    pub(super) beside: Batch,
    pub(super) answer: oneshot::Sender<Result<(), JournalError>>,
}

pub(super) fn start(store: Store, mut inbox: mpsc::Receiver<Request>, syncs: Arc<AtomicU64>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
        let mut requests = Vec::with_capacity(MARKS_PER_COMMIT);
        // What came while the last sync ran is taken together; ends when the senders are gone.
        while inbox.blocking_recv_many(&mut requests, MARKS_PER_COMMIT) > 0 {
            commit(&store, requests.drain(..), &syncs);
        }
    })
}

/// Decides in the order of arrival, each mark upon those before it in the same batch. A sync is counted before anybody hears of it.
fn commit(store: &Store, requests: impl Iterator<Item = Request>, syncs: &AtomicU64) {
    let mut batch = Batch::new();
    let mut durability = Durability::Buffered;
    let mut ahead: HashMap<Task, State> = HashMap::new();
    let mut answers = Vec::new();
    for Request { mark, beside, answer } in requests {
        let Some((task, step)) = mark else {
            batch.append(beside);
            answers.push((answer, Ok(())));
            continue;
        };
        let must_sync = step.must_sync();
        let decided = current(store, &ahead, task).and_then(|state| step.apply(state.as_ref()));
        match decided {
            Ok(state) => {
                if must_sync {
                    durability = Durability::Synced;
                }
                batch.put(FamilyName::Journal, task.key(), state.encode()).append(beside);
                ahead.insert(task, state);
                answers.push((answer, Ok(())));
            }
            Err(error) => answers.push((answer, Err(error))),
        }
    }
    let written = store.write(batch, durability);
    if durability == Durability::Synced {
        syncs.fetch_add(1, Ordering::Relaxed);
    }
    for (answer, decided) in answers {
        // A refusal may rest on a mark of this batch, so it too needs the batch to be written. An
        // asker that has gone away doesn't send.
        let result = written.clone().map_err(JournalError::Store).and(decided);
        answer.send(result).unwrap_or_default();
    }
}

fn current(store: &Store, ahead: &HashMap<Task, State>, task: Task) -> Result<Option<State>, JournalError> {
    if let Some(state) = ahead.get(&task) {
        return Ok(Some(state.clone()));
    }
    let Some(bytes) = store.family(FamilyName::Journal).get(&task.key())? else {
        return Ok(None);
    };
    let state = State::decode(&bytes);
    Ok(Some(state.ok_or_else(|| StoreError::corrupt(store.path(), "a journal mark is unreadable"))?))
}
