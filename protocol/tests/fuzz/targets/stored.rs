//! What a store gives back: exchanges and applications, damaged on the disk or by a hand.

use super::{CODEC, Target, VALUE, codec_reason, engine};
use crate::mutate::Mutator;
use crate::node;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use warmnet_protocol::chain::{FORK_BYTES, Fork};
use warmnet_protocol::engine::{Application, Input, MemoryStore};
use warmnet_protocol::exchange::Exchange;
use warmnet_protocol::limits::{DECODE_BYTES, REQUEST_BYTES};
use warmnet_protocol::time::{Epoch, Span};
use warmnet_protocol::wire::bundle::SelfReport;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::roster::RosterRow;

/// Bytes of a stored application.
const APPLICATION: usize = 4_096;
/// Bytes of a stored report: five numbers.
const REPORT: usize = 64;
/// Hours between the looks of a node that came back, and how many it takes.
const LOOKS: (u64, u32) = (7, 8);

/// A node comes back to one exchange and lives on with it.
fn exchange(bytes: &[u8]) -> Result<(), String> {
    let x: Exchange = codec::decode(bytes, REQUEST_BYTES).map_err(codec_reason)?;
    assert!(codec::encode(&x) == bytes);
    let clock = crate::world::world().clock();
    let mut now = clock.start(x.epoch);
    let mut engine = node::engine(now);
    assert_eq!(
        engine.restore(now, &mut MemoryStore { exchanges: BTreeMap::from([(x.id, codec::encode(&x))]), ..MemoryStore::default() }),
        Ok(())
    );
    for _ in 0..LOOKS.1 {
        now = clock.after(now, Span::hours(LOOKS.0));
        engine.handle(now, Input::Wake);
        while engine.poll().is_some() {}
    }
    Ok(())
}

/// Something that is stored as the codec writes it.
fn plain<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<(), String> {
    let value: T = codec::decode(bytes, limit).map_err(codec_reason)?;
    assert!(codec::encode(&value) == bytes);
    Ok(())
}

/// A node comes back to a fork whose records say anything.
fn fork(bytes: &[u8]) -> Result<(), String> {
    plain::<Fork>(bytes, FORK_BYTES)?;
    let fork: Fork = codec::decode(bytes, FORK_BYTES).map_err(codec_reason)?;
    let mut engine = node::engine(crate::world::world().clock().start(fork.epoch));
    let mut store = MemoryStore { forks: BTreeMap::from([(fork.epoch, fork)]), ..MemoryStore::default() };
    let _refused_or_not = engine.restore(crate::world::world().at(0, 0), &mut store);
    Ok(())
}

fn application(bytes: &[u8]) -> Result<(), String> {
    plain::<Application>(bytes, APPLICATION)
}

pub(crate) fn targets() -> Vec<Target> {
    // A life of some weeks, for what it stores.
    let mut exchanges = engine::stored(&Mutator::new("stored", 1, &[]).noise(8 * 1024));
    assert!(exchanges.len() > 100, "{}", exchanges.len());
    exchanges.sort_by_key(|bytes| std::cmp::Reverse(bytes.len()));
    let every = exchanges.len() / 50;
    let reason = "no such address".to_owned();
    let golden = "gold@warm.example".to_owned();
    let applications = [
        Application::New,
        Application::Challenged { golden, token: [6; 16], mailed: true },
        Application::Confirming { code: [7; 16] },
        Application::Admitted { from: Epoch(300) },
        Application::Refused { reason },
        Application::Golden,
        Application::Leaving,
        Application::Left,
    ];
    let target = |name, seeds, limit, run: fn(&[u8]) -> Result<(), String>| {
        let has_enums = !matches!(name, "stored fork" | "stored report");
        let refusals = [CODEC.as_slice(), if has_enums { &[VALUE] } else { &[] }].concat();
        Target { name, seeds, words: &[], limit, run, refusals }
    };
    let days = &crate::world::world().days;
    let forks = [[0, 1], [3, 3]].map(|pair| Fork { epoch: Epoch(3), serial: 1, records: pair.map(|n| days[n].record.bytes.clone()) });
    let chunks = [0, 1, 5].map(|rows| days[4].roster.rows()[..rows].to_vec());
    let reports = [SelfReport::default(), SelfReport { sent: 300, hard: 1, soft: u32::MAX, complaints: 251, replies: 70_000 }];
    vec![
        target("stored fork", forks.iter().map(codec::encode).collect(), FORK_BYTES, fork),
        target("stored rosters", chunks.iter().map(codec::encode).collect(), DECODE_BYTES, |b| plain::<Vec<RosterRow>>(b, DECODE_BYTES)),
        target("stored report", reports.iter().map(codec::encode).collect(), REPORT, |b| plain::<SelfReport>(b, REPORT)),
        target("stored exchange", exchanges.into_iter().step_by(every).collect(), REQUEST_BYTES, exchange),
        target("stored application", applications.iter().map(codec::encode).collect(), APPLICATION, application),
    ]
}
