//! The recorded network as material: what its nodes sent, and the keys to sign more.

use crate::cast::{self, Player};
use std::sync::OnceLock;
use warmnet_protocol::identity::signed;
use warmnet_protocol::identity::{NodeKey, Verified};
use warmnet_protocol::ids::{MemberId, NetworkId};
use warmnet_protocol::time::{Clock, Epoch, Span, Timestamp};
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::epoch_record::EpochRecord;
use warmnet_protocol::wire::genesis::Genesis;
use warmnet_protocol::wire::roster::{Roster, RosterRow};

/// One record and what came with it.
pub(crate) struct Day {
    pub(crate) record: Verified<EpochRecord>,
    pub(crate) roster: Roster,
    pub(crate) bundles: Vec<Verified<Bundle>>,
}

/// A day while its frames are read.
type Frames = (Verified<EpochRecord>, Vec<RosterRow>, Vec<Verified<Bundle>>);

/// The recorded network.
pub(crate) struct World {
    pub(crate) genesis: Genesis,
    pub(crate) network: NetworkId,
    pub(crate) players: Vec<Player>,
    pub(crate) issuing: NodeKey,
    pub(crate) days: Vec<Day>,
    pub(crate) notices: Vec<Vec<u8>>,
    pub(crate) faults: Vec<Vec<u8>>,
}

impl World {
    /// `hours` after the start of an epoch.
    pub(crate) fn at(&self, epoch: u32, hours: u64) -> Timestamp {
        self.clock().at(Epoch(epoch), Span::hours(hours))
    }
    pub(crate) fn clock(&self) -> Clock {
        self.genesis.clock
    }
    pub(crate) fn player(&self, member: &MemberId) -> Option<&Player> {
        self.players.iter().find(|p| p.member == *member)
    }
}

/// The frames of `network.bin`: kind and content.
fn frames(mut rest: &'static [u8]) -> impl Iterator<Item = (u8, &'static [u8])> {
    std::iter::from_fn(move || {
        let (kind, behind) = rest.split_first()?;
        let (length, behind) = behind.split_first_chunk::<4>()?;
        let (content, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
        rest = behind;
        Some((*kind, content))
    })
}

/// The recorded network, read once.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let all: Vec<_> = frames(include_bytes!("../../vectors/network.bin")).collect();
        let genesis = Genesis::decode(all[0].1).expect("a genesis");
        let network = genesis.network_id();
        let mut days: Vec<Frames> = Vec::new();
        let (mut notices, mut faults) = (Vec::new(), Vec::new());
        for (kind, content) in all {
            match (kind, days.last_mut()) {
                (2, _) => days.push((signed::open(content, &network).expect("a record"), vec![], vec![])),
                (3, Some(day)) => day.1.push(codec::decode(content, 1_024).expect("a row")),
                (4, Some(day)) => day.2.push(signed::open(content, &network).expect("a bundle")),
                (5, _) => notices.push(content.to_vec()),
                (6, _) => faults.push(content.to_vec()),
                _ => {}
            }
        }
        let day = |(record, rows, bundles)| Day { record, roster: Roster::new(rows), bundles };
        World {
            network,
            players: cast::players(&network),
            issuing: cast::key("fixture-issuing", 0),
            days: days.into_iter().map(day).collect(),
            notices,
            faults,
            genesis,
        }
    })
}
