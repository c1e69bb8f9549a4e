//! The order in which things arrive changes nothing: messages shuffled, delayed by days, doubled, left out where no record counts
//! them, either bundle of the equivocator first, and nodes that begin with a later record.

use super::chain_rules::{chain_before, days};
use super::play::{Day, RECORDS, genesis};
use proptest::prelude::*;
use std::sync::OnceLock;
use warmnet_protocol::chain::{BundleRefusal, Chain, RecordRefusal, RosterRefusal};
use warmnet_protocol::identity::Verified;
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::epoch_record::bit;

/// Days by which a message is late at most; a record closes its epoch after five.
const LATE: u16 = 12;
/// One in so many messages comes twice.
const TWICE: u16 = 8;
/// First records from which a node's window is complete before the recording ends.
const BASES: u32 = 7;

/// Something that a node receives.
#[derive(Clone, Copy)]
enum Message {
    Record(u32),
    Roster(u32),
    Bundle(&'static Verified<Bundle>),
}

/// Every message with the day that brings it.
fn messages() -> &'static [(u32, Message)] {
    static ALL: OnceLock<Vec<(u32, Message)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let day = |(epoch, day): (u32, &'static Day)| {
            let bundles = day.bundles.iter().chain(day.fault.iter().map(|(_, other)| other)).map(Message::Bundle);
            let all = [Message::Record(epoch), Message::Roster(epoch)].into_iter().chain(bundles);
            all.map(|m| (epoch, m)).collect::<Vec<_>>()
        };
        (0u32..).zip(days()).flat_map(day).collect()
    })
}

/// Whether some record counts a bundle.
fn counted(bundle: &Bundle) -> bool {
    let mut roots = days().iter().filter_map(|d| d.record.message.ledger.as_ref());
    let Some(root) = roots.find(|l| l.epoch == bundle.epoch) else { return false };
    let position = positions()[bundle.epoch.0 as usize].iter().position(|m| *m == bundle.member);
    position.is_some_and(|position| bit(&root.present, position))
}

/// Members by position in the roster that each epoch was played with.
fn positions() -> &'static [Vec<MemberId>] {
    static PLAYS: OnceLock<Vec<Vec<MemberId>>> = OnceLock::new();
    PLAYS.get_or_init(|| {
        let play = |epoch: u32| {
            let chain = chain_before(epoch as usize + 1);
            let play = chain.play(Epoch(epoch)).expect("a play");
            play.roster.rows().iter().map(|row| row.member).collect()
        };
        (0..RECORDS).map(play).collect()
    })
}

/// Hands a node a message; false when it has to wait for another one.
fn hand(chain: &mut Chain, message: Message, base: u32) -> bool {
    match message {
        Message::Record(epoch) if epoch < base => true,
        Message::Roster(epoch) if epoch < base => true,
        Message::Record(epoch) => {
            let record = days()[epoch as usize].record.clone();
            let answer = if epoch == base { chain.accept_base(record) } else { chain.accept_record(record) };
            match answer {
                Ok(()) | Err(RecordRefusal::Known) => true,
                Err(RecordRefusal::Gap) => false,
                Err(other) => panic!("record {epoch}: {other}"),
            }
        }
        Message::Roster(epoch) => match chain.accept_roster(Epoch(epoch), days()[epoch as usize].roster.clone()) {
            Ok(()) => true,
            Err(RosterRefusal::Unknown) => false,
            Err(other) => panic!("roster {epoch}: {other}"),
        },
        Message::Bundle(bundle) => match chain.accept_bundle(bundle.clone()) {
            Ok(()) | Err(BundleRefusal::Known | BundleRefusal::Closed | BundleRefusal::Equivocation) => true,
            // Of an epoch before the first record a node never knows anything.
            Err(BundleRefusal::NoRoster | BundleRefusal::Stranger) => bundle.message.epoch < Epoch(base),
            Err(other) => panic!("bundle: {other}"),
        },
    }
}

/// A node that receives everything as `fate` says, one number a message: how late, where in its day, twice, or never.
fn node(fate: &[u16], base: u32) -> Chain {
    let mut order: Vec<(u32, u16, Message)> = Vec::new();
    for ((day, message), fate) in messages().iter().zip(fate) {
        if matches!(message, Message::Bundle(b) if !counted(&b.message)) && (fate / LATE).is_multiple_of(2) {
            continue;
        }
        order.push((day + u32::from(fate % LATE), *fate, *message));
        if fate / LATE % TWICE == 1 {
            order.push((day + u32::from(LATE), *fate, *message));
        }
    }
    order.sort_by_key(|(day, within, _)| (*day, *within));
    let mut chain = Chain::new(genesis());
    let mut waiting: Vec<Message> = Vec::new();
    for (_, _, message) in order {
        waiting.push(message);
        // What came may be what others wait for.
        loop {
            let before = waiting.len();
            waiting.retain(|m| !hand(&mut chain, *m, base));
            if chain.derive().is_empty() && waiting.len() == before {
                break;
            }
        }
    }
    assert!(waiting.is_empty(), "{} messages wait for ever", waiting.len());
    chain
}

/// Both derived the same from their last records: digests, rows, and how the last epochs were reconciled.
fn same(one: &Chain, other: &Chain, records: usize) -> Result<(), TestCaseError> {
    let last = |chain: &Chain| chain.history().iter().rev().take(records).copied().collect::<Vec<_>>();
    prop_assert_eq!(last(one), last(other));
    prop_assert_eq!(last(one)[0].record, Epoch(RECORDS - 1));
    prop_assert!(last(one).iter().all(|d| d.matches_record));
    let rows = |chain: &Chain| chain.derived().map(|d| d.rows.clone());
    prop_assert!(rows(one) == rows(other));
    prop_assert_eq!(one.window().ledger_digest(), other.window().ledger_digest());
    prop_assert_eq!(one.quarantined(), other.quarantined());
    prop_assert_eq!(other.missing_roster(), None, "nothing is asked for again");
    Ok(())
}

fn fates() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), messages().len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_order_of_arrival_derives_the_same(one in fates(), other in fates()) {
        let reference = chain_before(RECORDS as usize);
        let all = RECORDS as usize;
        same(&reference, &node(&one, 0), all)?;
        same(&reference, &node(&other, 0), all)?;
    }

    #[test]
    fn a_late_joiner_derives_the_same_once_its_window_is_whole(fate in fates(), base in 1..BASES) {
        let params = genesis().params;
        let whole = RECORDS - (base + params.window_epochs + params.close_lag);
        same(&chain_before(RECORDS as usize), &node(&fate, base), whole as usize)?;
    }
}
