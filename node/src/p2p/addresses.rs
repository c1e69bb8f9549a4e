//! Which addresses are worth dialling, and the bounded book of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::multiaddr::Protocol;

use super::backoff::Spread;

/// Peers in the book. The design's largest network has 10,000 members without cohorts.
pub const BOOK_PEERS: usize = 10_000;

/// Addresses per peer: IPv4 and IPv6, old and new, of two network cards.
pub const ADDRESSES_PER_PEER: usize = 8;

/// How far an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Routable on the internet.
    Global,
    /// Inside one site (RFC 1918, RFC 4193, RFC 6598, link-local).
    Private,
    /// This host.
    Loopback,
    /// Never a destination.
    Never,
}

/// Reach of an IP address by the IANA special-purpose registries.
pub(crate) fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| reach_v6(v6), reach_v4),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    let [a, b, c, _] = ip.octets();
    if ip.is_loopback() {
        Reach::Loopback
    } else if ip.is_private() || ip.is_link_local() || (a == 100 && (64..128).contains(&b)) {
        Reach::Private
    } else if a == 0 || a >= 224 || ip.is_documentation() || (a, b, c) == (192, 0, 0) || (a == 198 && (b == 18 || b == 19)) {
        Reach::Never
    } else {
        Reach::Global
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    let [a, b, ..] = ip.segments();
    if ip.is_loopback() {
        Reach::Loopback
    } else if ip.is_unique_local() || ip.is_unicast_link_local() {
        Reach::Private
    } else if (a & 0xe000) != 0x2000 || (a, b) == (0x2001, 0x0db8) {
        // Only 2000::/3 is handed out; 2001:db8::/32 is for documents.
        Reach::Never
    } else {
        Reach::Global
    }
}

/// A dialable address without its `/p2p` part, its reach, and the peer it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dialable {
    pub(super) address: Multiaddr,
    pub(super) reach: Reach,
    pub(super) peer: Option<PeerId>,
}

/// Reads `/ip4|ip6/<ip>/tcp/<port>[/p2p/<peer>]`; `None` for every other form.
pub(super) fn dialable(address: &Multiaddr) -> Option<Dialable> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => IpAddr::V4(ip),
        Protocol::Ip6(ip) => IpAddr::V6(ip),
        _ => return None,
    };
    let Protocol::Tcp(port) = parts.next()? else {
        return None;
    };
    let peer = match parts.next() {
        None => None,
        Some(Protocol::P2p(peer)) => Some(peer),
        Some(_) => return None,
    };
    if port == 0 || parts.next().is_some() {
        return None;
    }
    let address = Multiaddr::empty().with(Protocol::from(ip)).with(Protocol::Tcp(port));
    Some(Dialable { address, reach: reach(ip), peer })
}

/// What is known about one peer.
#[derive(Debug, Clone)]
struct Entry {
    addresses: Vec<Multiaddr>,
    bootstrap: bool,
    failures: u32,
    next_dial: Instant,
    seen: Instant,
}

/// Addresses of known peers, and when each may be dialled again.
#[derive(Debug)]
pub(super) struct AddressBook {
    own: PeerId,
    allow_local: bool,
    capacity: usize,
    entries: HashMap<PeerId, Entry>,
}

impl AddressBook {
    pub(super) fn new(own: PeerId, allow_local: bool, capacity: usize) -> Self {
        Self { own, allow_local, capacity, entries: HashMap::new() }
    }

    /// Adds what is dialable; returns how many addresses are new. The newest come first.
    pub(super) fn add<'a>(&mut self, peer: PeerId, addresses: impl IntoIterator<Item = &'a Multiaddr>, now: Instant) -> usize {
        let allow_local = self.allow_local;
        let fit: Vec<Multiaddr> = addresses
            .into_iter()
            // A peer may announce many; those beyond the limit would be thrown away anyway.
            .take(4 * ADDRESSES_PER_PEER)
            .filter_map(dialable)
            .filter(|found| found.peer.is_none_or(|named| named == peer))
            .filter(|found| match found.reach {
                Reach::Global => true,
                Reach::Private | Reach::Loopback => allow_local,
                Reach::Never => false,
            })
            .map(|found| found.address)
            .collect();
        self.insert(peer, &fit, now)
    }

    /// Adds an address the owner wrote down; it is never evicted.
    pub(super) fn add_bootstrap(&mut self, peer: PeerId, address: Multiaddr, now: Instant) {
        self.insert(peer, &[address], now);
        if let Some(entry) = self.entries.get_mut(&peer) {
            entry.bootstrap = true;
        }
    }

    fn insert(&mut self, peer: PeerId, fit: &[Multiaddr], now: Instant) -> usize {
        if fit.is_empty() || peer == self.own {
            return 0;
        }
        if !self.entries.contains_key(&peer) && self.entries.len() >= self.capacity && !self.evict() {
            return 0;
        }
        let entry = self.entries.entry(peer).or_insert_with(|| Entry {
            addresses: Vec::new(),
            bootstrap: false,
            failures: 0,
            next_dial: now,
            seen: now,
        });
        entry.seen = now;
        let mut added = 0;
        for address in fit {
            if !entry.addresses.contains(address) {
                entry.addresses.insert(0, address.clone());
                added += 1;
            }
        }
        entry.addresses.truncate(ADDRESSES_PER_PEER);
        if added > 0 {
            // A new address may work where the old ones did not.
            entry.failures = 0;
            entry.next_dial = now;
        }
        added
    }

    /// Drops the peer that failed most often, then the one not heard of for longest.
    fn evict(&mut self) -> bool {
        let victim = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.bootstrap)
            .max_by_key(|(_, entry)| (entry.failures, std::cmp::Reverse(entry.seen)))
            .map(|(peer, _)| *peer);
        victim.is_some_and(|peer| self.entries.remove(&peer).is_some())
    }

    pub(super) fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
        self.entries.get(peer).map_or_else(Vec::new, |entry| entry.addresses.clone())
    }

    pub(super) fn connected(&mut self, peer: &PeerId, now: Instant) {
        if let Some(entry) = self.entries.get_mut(peer) {
            entry.failures = 0;
            entry.seen = now;
            entry.next_dial = now;
        }
    }

    /// Puts the next dial of `peer` off.
    pub(super) fn failed(&mut self, peer: &PeerId, now: Instant, spread: &mut Spread, min: Duration, max: Duration) {
        if let Some(entry) = self.entries.get_mut(peer) {
            entry.failures = entry.failures.saturating_add(1);
            entry.next_dial = now + spread.pause(entry.failures, min, max);
        }
    }

    /// Up to `limit` peers that are due and that `skip` does not name: bootstrap peers first, the
    /// others in an order of this node's own.
    pub(super) fn due(&self, now: Instant, limit: usize, spread: &mut Spread, skip: impl Fn(&PeerId) -> bool) -> Vec<(PeerId, bool)> {
        let mut due: Vec<(PeerId, bool)> = self
            .entries
            .iter()
            .filter(|(peer, entry)| entry.next_dial <= now && !skip(peer))
            .map(|(peer, entry)| (*peer, entry.bootstrap))
            .collect();
        let salt = spread.next().to_le_bytes();
        due.sort_by_cached_key(|(peer, bootstrap)| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&salt).update(&peer.to_bytes());
            (!bootstrap, *hasher.finalize().as_bytes())
        });
        due.truncate(limit);
        due
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part() -> impl Strategy<Value = String> {
        let peer = "/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
        let fixed = prop::sample::select(vec!["/tcp/0", "/udp/9", "/dns4/a.example", "/quic-v1", "/ws", "/p2p-circuit", peer]);
        prop_oneof![
            any::<[u8; 4]>().prop_map(|ip| format!("/ip4/{}", Ipv4Addr::from(ip))),
            any::<[u8; 16]>().prop_map(|ip| format!("/ip6/{}", Ipv6Addr::from(ip))),
            any::<u16>().prop_map(|port| format!("/tcp/{port}")),
            fixed.prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn what_is_dialled_has_one_form(parts in prop::collection::vec(part(), 0..5)) {
            let address = at(&parts.concat());
            let kinds: Vec<&str> = parts.iter().map(|p| p.split('/').nth(1).unwrap_or_default()).collect();
            let form = matches!(kinds[..], ["ip4" | "ip6", "tcp"] | ["ip4" | "ip6", "tcp", "p2p"]) && parts[1] != "/tcp/0";
            let found = dialable(&address);
            prop_assert_eq!(found.is_some(), form);
            if let Some(found) = found {
                let whole = found.peer.iter().fold(found.address.clone(), |a, peer| a.with(Protocol::P2p(*peer)));
                prop_assert_eq!(&whole, &address);
                prop_assert_eq!(dialable(&found.address).map(|d| d.address), Some(found.address));
            }
        }
    }

    fn at(text: &str) -> Multiaddr {
        text.parse().expect("multiaddr")
    }

    #[test]
    fn reach_of_special_addresses() {
        let cases = [
            ("127.0.0.1", Reach::Loopback),
            ("10.1.2.3", Reach::Private),
            ("172.31.0.1", Reach::Private),
            ("192.168.0.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("169.254.9.9", Reach::Private),
            ("0.0.0.0", Reach::Never),
            ("255.255.255.255", Reach::Never),
            ("224.0.0.1", Reach::Never),
            ("192.0.2.7", Reach::Never),
            ("198.18.0.1", Reach::Never),
            ("9.9.9.9", Reach::Global),
            ("100.128.0.1", Reach::Global),
            ("::1", Reach::Loopback),
            ("::", Reach::Never),
            ("fe80::1", Reach::Private),
            ("fd00::1", Reach::Private),
            ("ff02::1", Reach::Never),
            ("2001:db8::1", Reach::Never),
            ("2620:fe::fe", Reach::Global),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("::ffff:9.9.9.9", Reach::Global),
        ];
        for (text, expected) in cases {
            assert_eq!(reach(text.parse().expect("ip")), expected, "{text}");
        }
    }

    #[test]
    fn only_plain_tcp_is_dialable() {
        let peer = PeerId::random();
        let found = dialable(&at(&format!("/ip4/9.9.9.9/tcp/4001/p2p/{peer}"))).expect("dialable");
        assert_eq!(found.address, at("/ip4/9.9.9.9/tcp/4001"));
        assert_eq!(found.peer, Some(peer));
        for bad in [
            "/ip4/9.9.9.9/udp/1".to_owned(),
            "/ip4/9.9.9.9/tcp/0".to_owned(),
            "/ip4/9.9.9.9".to_owned(),
            "/dns4/example.org/tcp/1".to_owned(),
            format!("/ip4/9.9.9.9/tcp/1/p2p/{peer}/p2p-circuit"),
        ] {
            assert_eq!(dialable(&at(&bad)), None, "{bad}");
        }
    }

    #[test]
    fn book_is_bounded_and_keeps_bootstrap_peers() {
        let now = Instant::now();
        let mut book = AddressBook::new(PeerId::random(), true, 3);
        let boot = PeerId::random();
        book.add_bootstrap(boot, at("/ip4/127.0.0.1/tcp/1"), now);
        let mut last = None;
        for second in 1..10u64 {
            let peer = PeerId::random();
            let later = now + Duration::from_secs(second);
            assert_eq!(book.add(peer, [&at("/ip4/127.0.0.1/tcp/9")], later), 1);
            last = Some(peer);
        }
        assert_eq!(book.len(), 3);
        assert_eq!(book.addresses(&boot).len(), 1);
        assert_eq!(book.addresses(&last.expect("set")).len(), 1);

        let many: Vec<Multiaddr> = (1..40u16).map(|port| at(&format!("/ip4/127.0.0.1/tcp/{port}"))).collect();
        book.add(boot, &many, now);
        assert_eq!(book.addresses(&boot).len(), ADDRESSES_PER_PEER);
    }

    #[test]
    fn local_addresses_need_permission_and_a_matching_peer() {
        let now = Instant::now();
        let peer = PeerId::random();
        let mut book = AddressBook::new(PeerId::random(), false, 10);
        for local in ["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip6/::1/tcp/1"] {
            assert_eq!(book.add(peer, [&at(local)], now), 0, "{local}");
        }
        let other = PeerId::random();
        let named = at(&format!("/ip4/9.9.9.9/tcp/1/p2p/{other}"));
        assert_eq!(book.add(peer, [&named], now), 0);
        assert_eq!(book.add(other, [&named], now), 1);
        assert_eq!(book.add(other, [&named], now), 0, "known already");
    }

    #[test]
    fn failures_put_a_peer_off_and_a_new_address_brings_it_back() {
        let now = Instant::now();
        let mut spread = Spread::new(&[3; 32]);
        let peer = PeerId::random();
        let mut book = AddressBook::new(PeerId::random(), true, 10);
        book.add(peer, [&at("/ip4/127.0.0.1/tcp/1")], now);
        assert_eq!(book.due(now, 5, &mut spread, |_| false), vec![(peer, false)]);
        assert!(book.due(now, 5, &mut spread, |_| true).is_empty());
        let (min, max) = (Duration::from_secs(10), Duration::from_secs(20));
        book.failed(&peer, now, &mut spread, min, max);
        assert!(book.due(now, 5, &mut spread, |_| false).is_empty());
        let later = now + max;
        assert_eq!(book.due(later, 5, &mut spread, |_| false).len(), 1);
        book.add(peer, [&at("/ip4/127.0.0.1/tcp/2")], now);
        assert_eq!(book.due(now, 5, &mut spread, |_| false).len(), 1);
    }
}
