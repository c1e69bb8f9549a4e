//! What a store gives back: exchanges and applications, damaged on the disk or by a hand.

use super::{CODEC, Target, VALUE, codec_reason, engine};
use crate::mutate::Mutator;
use crate::node;
use std::collections::BTreeMap;
use warmnet_protocol::engine::{Application, Input, MemoryStore};
use warmnet_protocol::exchange::Exchange;
use warmnet_protocol::limits::REQUEST_BYTES;
use warmnet_protocol::time::Span;
use warmnet_protocol::wire::codec;

/// Bytes of a stored application.
const APPLICATION: usize = 4_096;
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

fn application(bytes: &[u8]) -> Result<(), String> {
    let application: Application = codec::decode(bytes, APPLICATION).map_err(codec_reason)?;
    assert!(codec::encode(&application) == bytes);
    Ok(())
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
        Application::Admitted { from: warmnet_protocol::time::Epoch(300) },
        Application::Refused { reason },
        Application::Golden,
        Application::Leaving,
        Application::Left,
    ];
    let target = |name, seeds, limit, run| {
        let refusals = [CODEC.as_slice(), &[VALUE]].concat();
        Target { name, seeds, words: &[], limit, run, refusals }
    };
    vec![
        target("stored exchange", exchanges.into_iter().step_by(every).collect(), REQUEST_BYTES, exchange),
        target("stored application", applications.iter().map(codec::encode).collect(), APPLICATION, application),
    ]
}
