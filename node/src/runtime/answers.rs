//! What other nodes ask of the chain, answered from what is in memory or, away from the driver, from the store.

use super::persist::Persist;
use super::stored::{CHUNK, Stored, roster_rows};
use crate::store::{FamilyName, Store, StoreError, epoch_key, epoch_member_key};
use std::ops::ControlFlow;
use std::sync::Arc;
use warmnet_protocol::chain::{Chain, Counted};
use warmnet_protocol::ids::{Digest, MemberId};
use warmnet_protocol::limits;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::epoch_record::bit;
use warmnet_protocol::wire::roster::Roster;
use warmnet_protocol::wire::sync::{Request, Response};

/// The answer to a question, or what is to be read for it.
pub(super) enum Answer {
    /// Known without the disk.
    Known(Response),
    /// To be read from the store, by [`Reading::read`] on a thread that may block.
    Stored(Reading),
}

/// What is to be read.
pub(super) struct Reading {
    store: Store,
    what: What,
}

enum What {
    /// Records from an epoch on, and those that contradict each other behind them.
    Records { from: Epoch, undecided: Vec<Vec<u8>> },
    /// A page of a roster of so many rows.
    Roster { epoch: Epoch, from: u32, total: u32 },
    /// Bundles of an epoch that `have` has not, by the roster of a record; that of a long closed one lies in the store alone.
    Bundles { epoch: Epoch, record: Epoch, roster: Option<Arc<Roster>>, have: Vec<u8> },
    /// Payload digests of what a record counts, from the n-th on.
    Leaves { counted: Counted, from: u32 },
}

impl Persist {
    /// Answers a peer's question, or says what is to be read for it.
    pub(super) fn answer(&self, chain: &Chain, request: &Request) -> Answer {
        let read = |what| Answer::Stored(Reading { store: self.store().clone(), what });
        match request {
            Request::Records { from } => {
                let undecided = chain.undecided().filter(|fork| fork.epoch >= *from).map(|fork| fork.records.to_vec());
                read(What::Records { from: *from, undecided: undecided.unwrap_or_default() })
            }
            Request::Roster { epoch, digest, from } => match (roster_len(chain, *epoch, digest), chain.roster(*epoch)) {
                (None, _) => Answer::Known(Response::Roster { rows: vec![], total: 0 }),
                (Some(total), Some(roster)) => {
                    let rows = roster.rows().iter().skip(*from as usize).take(limits::ROSTER_PAGE).cloned().collect();
                    Answer::Known(Response::Roster { rows, total })
                }
                (Some(total), None) => read(What::Roster { epoch: *epoch, from: *from, total }),
            },
            Request::Bundles { epoch, have } => {
                let nothing = Answer::Known(Response::Bundles(vec![]));
                let Some(record) = chain.played_by(*epoch).map(|held| held.record.epoch) else { return nothing };
                let roster = chain.roster(record).cloned();
                if *epoch < chain.first_open() {
                    return read(What::Bundles { epoch: *epoch, record, roster, have: have.clone() });
                }
                let Some(roster) = roster else { return nothing };
                let lacks = |member: &MemberId| lacks(&roster, have, member);
                let held = chain.bundles(*epoch).into_iter().flatten().filter(|(member, _)| lacks(member));
                Answer::Known(Response::Bundles(held.take(limits::BUNDLE_PAGE).map(|(_, held)| held.envelope.clone()).collect()))
            }
            Request::Leaves { record, from } => match chain.counted(*record) {
                None => Answer::Known(Response::Leaves { digests: vec![], total: 0 }),
                Some(counted) => read(What::Leaves { counted, from: *from }),
            },
            Request::Faults { digests } => {
                let known = digests.iter().take(limits::RECORD_PROOFS).filter_map(|digest| chain.fault(digest));
                Answer::Known(Response::Faults(known.map(|fault| fault.bytes.clone()).collect()))
            }
            _ => Answer::Known(refused("not a question for the store")),
        }
    }
}

/// How many rows the roster has that a record names by this digest.
fn roster_len(chain: &Chain, epoch: Epoch, digest: &Digest) -> Option<u32> {
    chain.record(epoch).filter(|held| held.record.roster == *digest).map(|held| held.record.roster_len)
}

fn lacks(roster: &Roster, have: &[u8], member: &MemberId) -> bool {
    roster.position(member).is_some_and(|position| !bit(have, position as usize))
}

pub(super) fn refused(reason: &str) -> Response {
    Response::Refused { reason: reason.into() }
}

impl Reading {
    /// Reads a page at most.
    pub(super) fn read(self) -> Response {
        let Self { store, what } = self;
        let found = match what {
            What::Records { from, undecided } => records(&store, from, undecided),
            What::Roster { epoch, from, total } => roster_page(&store, epoch, from, total),
            What::Bundles { epoch, record, roster, have } => {
                let roster = roster.map_or_else(|| Stored::new(store.clone()).load_roster(record), |held| Ok(Some(Roster::clone(&held))));
                roster.and_then(|roster| bundles(&store, epoch, &roster.unwrap_or_default(), &have))
            }
            What::Leaves { counted, from } => leaves(&store, &counted, from),
        };
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "a question of another node can't be answered");
            refused("the store could not be read")
        })
    }
}

fn records(store: &Store, from: Epoch, undecided: Vec<Vec<u8>>) -> Result<Response, StoreError> {
    let found = store.family(FamilyName::Records).range(&epoch_key(from.0), None, limits::RECORD_PAGE)?;
    Ok(Response::Records(found.into_iter().map(|(_, bytes)| bytes).chain(undecided).take(limits::RECORD_PAGE).collect()))
}

/// A page begins anywhere, a chunk holds as many rows as a page: two chunks hold all of it.
fn roster_page(store: &Store, epoch: Epoch, from: u32, total: u32) -> Result<Response, StoreError> {
    let (first, skip) = (from as usize / CHUNK, from as usize % CHUNK);
    let key = |chunk: usize| [epoch_key(epoch.0), u32::try_from(chunk).unwrap_or(u32::MAX).to_be_bytes()].concat();
    let chunks = store.family(FamilyName::Rosters).range(&key(first), Some(&key(first + 2)), 2)?;
    let rows = chunks.iter().flat_map(|(_, chunk)| roster_rows(chunk)).skip(skip).take(limits::ROSTER_PAGE).collect();
    Ok(Response::Roster { rows, total })
}

/// Both the roster and the store are ordered by member: what comes before the first bundle that the asker lacks is not looked at.
fn bundles(store: &Store, epoch: Epoch, roster: &Roster, have: &[u8]) -> Result<Response, StoreError> {
    let mut found = Vec::new();
    let first = roster.rows().iter().enumerate().find(|(position, _)| !bit(have, *position));
    let Some((_, first)) = first else { return Ok(Response::Bundles(found)) };
    let end = epoch.0.checked_add(1).map(epoch_key);
    let from = epoch_member_key(epoch.0, &first.member.0);
    store.family(FamilyName::Bundles).each(&from, end.as_ref().map(|key| &key[..]), |key, envelope| {
        let member = key.last_chunk().map(|member| MemberId(*member));
        if member.is_some_and(|member| lacks(roster, have, &member)) {
            found.push(envelope.to_vec());
        }
        if found.len() < limits::BUNDLE_PAGE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(Response::Bundles(found))
}

/// None where other bundles are stored than the record counts: they would mislead the asker.
fn leaves(store: &Store, counted: &Counted, from: u32) -> Result<Response, StoreError> {
    let (bundles, mut failed) = (store.family(FamilyName::Bundles), None);
    let read = |member: &MemberId| {
        bundles.get(&epoch_member_key(counted.epoch.0, &member.0)).unwrap_or_else(|error| {
            failed = Some(error);
            None
        })
    };
    let all = counted.leaves(read).unwrap_or_default();
    if let Some(error) = failed {
        return Err(error);
    }
    let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
    Ok(Response::Leaves { digests: all.into_iter().skip(from as usize).take(limits::LEAF_PAGE).collect(), total })
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;
    use crate::store::{Batch, Durability, Journal};
    use warmnet_protocol::engine::Engine;
    use warmnet_protocol::identity::NodeKey;
    use warmnet_protocol::ids::{DomainTag, NodeId};
    use warmnet_protocol::params::Params;
    use warmnet_protocol::policy;
    use warmnet_protocol::time::Timestamp;
    use warmnet_protocol::wire::codec;
    use warmnet_protocol::wire::epoch_record::bitmap;
    use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, RosterRow, acts};

    fn row(n: usize) -> RosterRow {
        let mut member = MemberId([0; 32]);
        member.0[..4].copy_from_slice(&u32::try_from(n).expect("small").to_be_bytes());
        let (params, node, tag) = (Params::standard(), NodeId([1; 32]), DomainTag([1; 16]));
        policy::first_row(&params, member, node, tag, 0, 1, ALL_WEEKDAYS, acts::ALL, RampPreset::Fresh, Role::Member, Epoch(0))
    }

    #[test]
    fn a_page_of_bundles_begins_where_the_asker_lacks_one() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path()).expect("open");
        let members = 3 * limits::BUNDLE_PAGE;
        let roster = Roster::new((0..members).map(row).collect());
        let mut batch = Batch::new();
        for (n, row) in roster.rows().iter().enumerate() {
            // One never signed; neighbouring epochs are nobody's business.
            if n != 5 {
                batch.put(FamilyName::Bundles, epoch_member_key(7, &row.member.0), vec![u8::try_from(n).expect("small")]);
            }
            batch.put(FamilyName::Bundles, epoch_member_key(6, &row.member.0), *b"before");
            batch.put(FamilyName::Bundles, epoch_member_key(8, &row.member.0), *b"after");
        }
        store.write(batch, Durability::Buffered).expect("write");
        let page = |have: &[u8]| match bundles(&store, Epoch(7), &roster, have).expect("readable") {
            Response::Bundles(found) => found.into_iter().map(|b| usize::from(b[0])).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        // What an asker learns page by page is all there is, each once.
        let mut learnt: Vec<usize> = vec![100];
        for pages in 0.. {
            let found = page(&bitmap(members, learnt.iter().copied()));
            assert!(found.len() <= limits::BUNDLE_PAGE);
            if found.is_empty() {
                assert_eq!(pages, 3);
                break;
            }
            learnt.extend(found);
        }
        learnt.sort_unstable();
        assert!(learnt.into_iter().eq((0..members).filter(|n| *n != 5)));
        assert!(page(&bitmap(members, 0..members)).is_empty());
    }

    #[test]
    fn a_roster_page_is_read_without_the_rest_of_the_roster() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path()).expect("open");
        let rows: Vec<RosterRow> = (0..2 * CHUNK + 10).map(row).collect();
        let mut batch = Batch::new();
        for (n, chunk) in rows.chunks(CHUNK).enumerate() {
            let index = u32::try_from(n).expect("small").to_be_bytes();
            batch.put(FamilyName::Rosters, [epoch_key(7), index].concat(), codec::encode(&chunk.to_vec()));
        }
        // A chunk of the next epoch is no page of this one.
        batch.put(FamilyName::Rosters, [epoch_key(8), [0; 4]].concat(), codec::encode(&vec![row(0)]));
        store.write(batch, Durability::Buffered).expect("write");
        let total = u32::try_from(rows.len()).expect("small");
        for from in [0, 1, CHUNK - 1, CHUNK, CHUNK + 11, 2 * CHUNK + 9, 2 * CHUNK + 10, 9 * CHUNK] {
            let page = roster_page(&store, Epoch(7), u32::try_from(from).expect("small"), total).expect("readable");
            let wanted = rows.iter().skip(from).take(limits::ROSTER_PAGE).cloned().collect();
            assert!(page == Response::Roster { rows: wanted, total }, "from {from}");
        }
    }

    #[tokio::test]
    async fn bundles_of_an_open_epoch_are_known_without_the_disk() {
        let dir = tempfile::tempdir().expect("dir");
        let genesis = golden::fill(dir.path()).await;
        let store = Store::open(dir.path()).expect("open");
        let persist = Persist::new(store.clone(), Journal::open(&store).expect("journal"));
        let mut engine = Engine::new(genesis, NodeKey::from_seed(&[9; 32]));
        engine.restore(Timestamp(0), &mut persist.stored()).expect("its own store");
        for (have, lacking) in [(0, 2), (1, 1), (3, 0)] {
            let request = Request::Bundles { epoch: Epoch(0), have: vec![have] };
            let Answer::Known(Response::Bundles(found)) = persist.answer(engine.chain(), &request) else { panic!("read") };
            assert_eq!(found.len(), lacking);
        }
    }
}
