//! Departure: a member's node takes its member out of the network.

use crate::identity::{Signable, signed};
use crate::ids::{MemberId, NetworkId};
use crate::time::Epoch;
use crate::wire::codec::{self, CodecError};
use crate::wire::roster::{Role, Roster};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Signed by the member's node. It names one membership, so it can't be replayed against a member that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// Who leaves.
    pub member: MemberId,
    /// `RosterRow::joined` of the membership that ends.
    pub joined: Epoch,
}

impl Signable for Departure {
    const KIND: &'static str = "departure";
    const LIMIT: usize = 64;

    fn read(payload: &[u8]) -> Result<Self, CodecError> {
        codec::decode(payload, Self::LIMIT)
    }
}

/// Members of `roster` that these envelopes take out of it. Only a member's own node can, and never a golden member; any other
/// envelope does nothing.
#[must_use]
pub fn departed(network: &NetworkId, roster: &Roster, envelopes: &[Vec<u8>]) -> BTreeSet<MemberId> {
    let ends = |bytes: &Vec<u8>| {
        let departure = signed::open::<Departure>(bytes, network).ok()?;
        let row = roster.row(&departure.message.member)?;
        let own = row.node == departure.signer && row.joined == departure.message.joined && row.role == Role::Member;
        own.then_some(row.member)
    };
    envelopes.iter().filter_map(ends).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::NodeKey;
    use crate::ids::{DomainTag, NodeId};
    use crate::params::Params;
    use crate::policy;
    use crate::wire::roster::RampPreset;

    const NETWORK: NetworkId = NetworkId([9; 32]);

    fn roster(node: NodeId) -> Roster {
        let row = |id: u8, role| {
            let (member, tag) = (MemberId([id; 32]), DomainTag([id; 16]));
            policy::first_row(&Params::standard(), member, node, tag, 0, 1, 0x7f, 0, RampPreset::Gentle, role, Epoch(4))
        };
        Roster::new(vec![row(1, Role::Member), row(2, Role::Golden)])
    }

    #[test]
    fn only_its_own_node_ends_this_very_membership() {
        let (own, other) = (NodeKey::from_seed(&[1; 32]), NodeKey::from_seed(&[2; 32]));
        let roster = roster(own.node_id());
        let by = |key: &NodeKey, network: &NetworkId, member: u8, joined: u32| {
            signed::sign(key, network, Departure { member: MemberId([member; 32]), joined: Epoch(joined) }).bytes
        };
        let good = by(&own, &NETWORK, 1, 4);
        assert_eq!(departed(&NETWORK, &roster, std::slice::from_ref(&good)), BTreeSet::from([MemberId([1; 32])]));
        let mut torn = good.clone();
        torn.pop();
        let mut forged = good;
        *forged.last_mut().expect("bytes") ^= 1;
        let nothing = [
            by(&other, &NETWORK, 1, 4),
            by(&own, &NetworkId([8; 32]), 1, 4),
            by(&own, &NETWORK, 1, 3),
            by(&own, &NETWORK, 2, 4),
            by(&own, &NETWORK, 3, 4),
            torn,
            forged,
        ];
        for (i, envelope) in nothing.into_iter().enumerate() {
            assert!(departed(&NETWORK, &roster, &[envelope]).is_empty(), "case {i}");
        }
    }
}
