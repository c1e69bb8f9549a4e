//! Who plays in the recorded network.

use warmnet_protocol::identity::commitment::domain_tag;
use warmnet_protocol::identity::{CanonicalAddress, NodeKey, hash, member_id};
use warmnet_protocol::ids::{DomainTag, MemberId, NetworkId, Salt};
use warmnet_protocol::params::Params;
use warmnet_protocol::policy::first_row;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, RosterRow, acts};

/// Ordinary members.
pub(crate) const MEMBERS: usize = 24;
/// Golden members, one a provider class.
pub(crate) const GOLDEN: usize = 2;

/// Never replies, though its owner allows it.
pub(crate) const MUTE: usize = 0;
/// Bounces outside before it was ever unlocked.
pub(crate) const EARLY: usize = 1;
/// Shows up for half of its slots.
pub(crate) const LAZY: usize = 2;
/// Lands in spam from epoch 15.
pub(crate) const SPAMMY: usize = 3;
/// Is complained of, at golden mailboxes and outside.
pub(crate) const HATED: usize = 4;
/// Its mailbox is dead from epoch 8 to 15, and its account until 19.
pub(crate) const DEAD: usize = 5;
/// Its tag is quarantined by record 10 and free again by record 16.
pub(crate) const LISTED: usize = 6;
/// Plays from Monday to Friday.
pub(crate) const OFFICE: usize = 7;
/// Bounces outside in epoch 9 and goes to rehab.
pub(crate) const BOUNCER: usize = 8;
/// Signs two bundles for epoch 13.
pub(crate) const EQUIVOCATOR: usize = 9;
/// Files no bundle every fourth epoch.
pub(crate) const SILENT: usize = 10;
/// Says spam of everything.
pub(crate) const SLANDERER: usize = 11;
/// Its owner allows only filing.
pub(crate) const QUIET: usize = 12;
/// Its mailbox refuses for now in epochs 5 to 7.
pub(crate) const FULL: usize = 13;
/// Its mail bounces everywhere, now and then.
pub(crate) const STALE: usize = 14;
/// Fails DKIM now and then.
pub(crate) const UNSIGNED: usize = 15;
/// Claims mails that nobody finds.
pub(crate) const BRAGGART: usize = 16;
/// Files made-up evidence now and then.
pub(crate) const FORGER: usize = 17;
/// Is complained of outside before it was ever unlocked.
pub(crate) const ANNOYING: usize = 18;
/// Sends on all its rounds, whatever its quota.
pub(crate) const GREEDY: usize = 19;
/// Its mailbox refuses for good in epochs 2 to 4, while its account works.
pub(crate) const FLAKY: usize = 20;
/// Leaves by record 36.
pub(crate) const LEAVER: usize = 21;
/// Admitted by record 12.
pub(crate) const LATE: usize = 22;
/// Admitted by record 3, shares the node of member 21.
pub(crate) const SECOND: usize = 23;

/// The golden member whose mailbox is taken over: its tag is quarantined by record 30 and free again by record 37.
pub(crate) const TAKEN: usize = 25;

/// One member.
pub(crate) struct Player {
    pub(crate) key: NodeKey,
    pub(crate) member: MemberId,
    pub(crate) address: String,
    pub(crate) salt: Salt,
    pub(crate) tag: DomainTag,
    pub(crate) golden: bool,
}

fn seed(purpose: &str, n: usize) -> [u8; 32] {
    *hash::keyed(purpose).update(&(n as u64).to_be_bytes()).finalize().as_bytes()
}

/// A key of the recorded network.
pub(crate) fn key(purpose: &str, n: usize) -> NodeKey {
    NodeKey::from_seed(&seed(purpose, n))
}

/// Members by number, the golden ones last. Members 18 and 19 share a domain.
pub(crate) fn players(network: &NetworkId) -> Vec<Player> {
    let player = |n: usize| {
        let domain = if n == 19 { 18 } else { n };
        let address = CanonicalAddress::parse(&format!("m{n}@d{domain}.example")).expect("an address");
        let tag = domain_tag(&seed("fixture-tag", 0), &address, false);
        let salt = Salt(seed("fixture-salt", n));
        let member = member_id(network, &salt, &address);
        Player {
            key: key("fixture-node", if n == SECOND { 21 } else { n }),
            member,
            address: address.as_str().to_owned(),
            salt,
            tag,
            golden: n >= MEMBERS,
        }
    };
    (0..MEMBERS + GOLDEN).map(player).collect()
}

/// Rows admitted by the record of `epoch`.
pub(crate) fn admitted(players: &[Player], epoch: u32) -> Vec<RosterRow> {
    let joins = |n: usize| match n {
        LATE => 12,
        SECOND => 3,
        _ => 0,
    };
    let row = |(n, p): (usize, &Player)| {
        first_row(
            &Params::standard(),
            p.member,
            p.key.node_id(),
            p.tag,
            (n % 2) as u8,
            1,
            if n == OFFICE { 0x1f } else { ALL_WEEKDAYS },
            if n == QUIET { acts::FILE } else { acts::ALL },
            [RampPreset::Gentle, RampPreset::Fresh, RampPreset::Prewarmed][n % 3],
            if p.golden { Role::Golden } else { Role::Member },
            Epoch(epoch),
        )
    };
    players.iter().enumerate().filter(|(n, _)| joins(*n) == epoch).map(row).collect()
}
