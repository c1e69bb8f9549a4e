use super::*;
use crate::ids::{Digest, DomainTag, MemberId, NodeId};
use crate::params::Params;
use crate::time::Epoch;
use crate::wire::roster::{ALL_WEEKDAYS, Pool, RampPreset, Role, Roster, RosterRow};
use permutation::Permutation;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn seed(n: u8) -> Digest {
    Digest([n; 32])
}

fn row(n: u32, quota: u16) -> RosterRow {
    let mut id = [0u8; 32];
    // Ids in no order of n.
    id[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b1).to_be_bytes());
    let mut tag = [0u8; 16];
    tag[..4].copy_from_slice(&n.to_be_bytes());
    RosterRow {
        member: MemberId(id),
        node: NodeId(id),
        tag: DomainTag(tag),
        provider: 0,
        languages: 1,
        role: Role::Member,
        pool: Pool::Standard,
        unlocked_once: true,
        joined: Epoch(0),
        ramp: RampPreset::Gentle,
        ramp_day: 20,
        quota,
        cut: 1000,
        clean_epochs: 0,
        debt: 0,
        debt_since: Epoch(0),
        service: 1000,
        weekdays: ALL_WEEKDAYS,
        acts: 15,
        dead: false,
        complained: false,
    }
}

fn roster(n: u32, golden: u32, quota: impl Fn(u32) -> u16) -> Roster {
    let mut rows: Vec<_> = (0..n).map(|i| row(i, quota(i))).collect();
    rows.extend((n..n + golden).map(|i| RosterRow { role: Role::Golden, quota: 0, ..row(i, 0) }));
    Roster::new(rows)
}

/// A small network with everything in it: shared nodes and tags, rehab, dead, quarantined, weekday-only and golden members.
fn arbitrary_roster() -> impl Strategy<Value = Roster> {
    let member = (0u16..30, 0u8..60, 0u32..200, 0u32..200);
    (prop::collection::vec(member, 0..90), 0u32..5).prop_map(|(members, golden)| {
        let mut rows: Vec<_> = (0u32..)
            .zip(members)
            .map(|(i, (quota, kind, node, tag))| {
                let mut r = row(i, quota);
                if node < 40 {
                    r.node.0 = [node as u8; 32];
                }
                if tag < 20 {
                    r.tag.0 = [tag as u8; 16];
                }
                match kind {
                    0..5 => r.pool = Pool::Rehab,
                    5..8 => r.dead = true,
                    8..10 => r.pool = Pool::Quarantined,
                    10..14 => r.weekdays = 0b001_1111,
                    14..18 => r.complained = true,
                    18..20 => (r.pool, r.complained) = (Pool::Rehab, true),
                    _ => {}
                }
                r
            })
            .collect();
        rows.extend((1_000..1_000 + golden).map(|i| RosterRow { role: Role::Golden, ..row(i, 0) }));
        Roster::new(rows)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn permutations_are_permutations(size in 1u32..3_000, round in 0u16..40, s in any::<u8>()) {
        let p = Permutation::new(&seed(s), RingKind::Open, round, size);
        let mut hit = vec![false; size as usize];
        for x in 0..size {
            let y = p.forward(x);
            prop_assert!(!std::mem::replace(&mut hit[y as usize], true));
            prop_assert_eq!(p.backward(y), x);
        }
    }

    #[test]
    fn all_views_of_a_deal_agree(roster in arbitrary_roster(), s in any::<u8>(), weekday in 0u8..7) {
        let deal = Deal::new(&Params::standard(), &roster, &seed(s), weekday);
        let all = deal.all();
        prop_assert!(all.windows(2).all(|w| (w[0].slot, w[0].sender) < (w[1].slot, w[1].sender)));
        let n = roster.len() as u32;
        let mut sends: Vec<_> = (0..n).flat_map(|p| deal.sends(p)).collect();
        let mut receives: Vec<_> = (0..n).flat_map(|p| deal.receives(p)).collect();
        sends.sort_unstable();
        receives.sort_unstable();
        prop_assert_eq!(&sends, &all);
        prop_assert_eq!(&receives, &all);
        for at in 0..n {
            let d = deal.dealt(at);
            let (golden, ring): (Vec<&Pairing>, Vec<&Pairing>) =
                all.iter().filter(|p| p.sender == at && !p.spare).partition(|p| p.slot.ring == RingKind::Golden);
            prop_assert_eq!((d.golden as usize, d.ride.map_or(0, |r| r.mails) as usize), (golden.len(), ring.len()));
            prop_assert_eq!(d.ride.map_or(0, |r| r.quota), deal.quota(at));
            prop_assert!(d.ride.is_none_or(|r| r.mails <= r.quota && r.quota <= r.cap.min(r.rounds)));
        }
        let dealt: BTreeSet<_> = all.iter().map(|p| (p.slot, p.sender, p.receiver)).collect();
        prop_assert!(all.iter().all(|p| deal.verify(p.slot, p.sender, p.receiver)));
        // Nothing else verifies.
        for slot in all.iter().map(|p| p.slot).take(12) {
            for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))) {
                prop_assert_eq!(deal.verify(slot, a, b), dealt.contains(&(slot, a, b)));
            }
        }
    }

    #[test]
    fn a_deal_keeps_its_rules(roster in arbitrary_roster(), s in any::<u8>(), weekday in 0u8..7) {
        let params = Params::standard();
        let deal = Deal::new(&params, &roster, &seed(s), weekday);
        let mut met: BTreeMap<(u32, u32), Slot> = BTreeMap::new();
        let mut seats: BTreeMap<u32, u32> = BTreeMap::new();
        for p in deal.all() {
            let (a, b) = (roster.at(p.sender).unwrap(), roster.at(p.receiver).unwrap());
            prop_assert!(a.node != b.node && a.tag != b.tag && a.role == Role::Member);
            prop_assert!(a.pool != Pool::Quarantined && b.pool != Pool::Quarantined);
            prop_assert!(a.weekdays >> weekday & 1 == 1 && b.weekdays >> weekday & 1 == 1);
            if p.slot.ring == RingKind::Golden {
                prop_assert!(b.role == Role::Golden && !p.spare && (a.dead || a.quota > 0));
                *seats.entry(p.receiver).or_default() += 1;
                continue;
            }
            prop_assert!(!a.dead && !b.dead && b.role == Role::Member);
            prop_assert_eq!(p.spare, u32::from(p.slot.round) >= deal.quota(p.sender));
            // A pair meets once an epoch; only a ring of two sends both ways in one round.
            let key = (p.sender.min(p.receiver), p.sender.max(p.receiver));
            let before = met.insert(key, p.slot);
            prop_assert!(before.is_none_or(|at| at == p.slot && deal.round_sizes(p.slot.ring)[p.slot.round as usize] == 2));
        }
        prop_assert!(seats.values().all(|n| *n <= params.golden_seats));
        for (position, row) in (0u32..).zip(roster.rows()) {
            let (quota, riders) = (deal.quota(position), deal.round_sizes(RingKind::Open).first().copied().unwrap_or(0));
            prop_assert!(quota <= u32::from(row.quota) && quota <= ((riders.max(1) - 1) / 3).max(1));
            let ring = |p: &Pairing| p.slot.ring != RingKind::Golden;
            let sends = deal.sends(position).into_iter().filter(ring).count() as u32;
            prop_assert!(sends <= quota + u32::from(row.quota).div_ceil(4));
            prop_assert!(deal.sends(position).iter().filter(|p| ring(p) && !p.spare).count() as u32 <= quota);
        }
    }

    #[test]
    fn each_round_gives_one_send_and_one_receive(n in 2u32..300, s in any::<u8>(), quotas in prop::collection::vec(1u16..30, 300)) {
        let roster = roster(n, 0, |i| quotas[i as usize]);
        let deal = Deal::new(&Params::standard(), &roster, &seed(s), 0);
        let sizes = deal.round_sizes(RingKind::Open);
        prop_assert_eq!(sizes[0], n);
        prop_assert!(sizes.windows(2).all(|w| w[0] >= w[1]));
        prop_assert!(sizes.iter().all(|m| *m >= 2 && *m * 4 >= n));
        // Unrelated members: in round 0 nothing falls away.
        let first: Vec<_> = deal.all().into_iter().filter(|p| p.slot.round == 0).collect();
        let senders: BTreeSet<_> = first.iter().map(|p| p.sender).collect();
        let receivers: BTreeSet<_> = first.iter().map(|p| p.receiver).collect();
        prop_assert!(senders.len() as u32 == n && receivers.len() as u32 == n && first.len() as u32 == n);
    }

    #[test]
    fn golden_seats_are_even_and_never_repeat_in_a_row(n in 1u32..120, golden in 1u32..12, s in any::<u8>()) {
        let params = Params::standard();
        let deal = Deal::new(&params, &roster(n, golden, |_| 1), &seed(s), 2);
        let seats: Vec<_> = deal.all().into_iter().filter(|p| p.slot.ring == RingKind::Golden).collect();
        prop_assert_eq!(seats.len() as u32, (params.golden_seats * golden).min(params.golden_per_member * n));
        let mut per_golden: BTreeMap<u32, u32> = BTreeMap::new();
        let mut per_sender: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for p in &seats {
            *per_golden.entry(p.receiver).or_default() += 1;
            per_sender.entry(p.sender).or_default().push(p.receiver);
        }
        prop_assert!(per_golden.values().max().unwrap() - per_golden.values().min().unwrap() <= 1);
        if golden > 1 {
            prop_assert!(per_sender.values().all(|g| g.windows(2).all(|w| w[0] != w[1])));
        }
        let most = per_sender.values().map(Vec::len).max().unwrap();
        prop_assert!(per_sender.values().all(|g| g.len() + 1 >= most));
    }
}

#[test]
fn each_reason_lists_a_member_once_more() {
    let mut rows = roster(40, 20, |_| 4).rows().to_vec();
    let ordinary: Vec<usize> = (0..rows.len()).filter(|n| rows[*n].role == Role::Member).collect();
    rows[ordinary[0]].complained = true;
    rows[ordinary[1]].pool = Pool::Rehab;
    (rows[ordinary[2]].pool, rows[ordinary[2]].complained) = (Pool::Rehab, true);
    (rows[ordinary[3]].dead, rows[ordinary[3]].complained) = (true, true);
    let deal = Deal::new(&Params::standard(), &Roster::new(rows), &seed(5), 0);
    let seats = |n: usize| deal.sends(ordinary[n] as u32).iter().filter(|p| p.slot.ring == RingKind::Golden).count();
    assert_eq!([0, 1, 2, 3, 4].map(seats), [10, 10, 15, 15, 5]);
    assert_eq!(deal.quota(ordinary[0] as u32), deal.quota(ordinary[4] as u32), "its rings stay as they are");
}

#[test]
fn two_members_mail_each_other_and_one_mails_nobody() {
    let deal = Deal::new(&Params::standard(), &roster(2, 0, |_| 20), &seed(1), 0);
    assert_eq!(deal.all().len(), 2);
    assert_eq!((deal.quota(0), deal.quota(1)), (1, 1));
    assert!(Deal::new(&Params::standard(), &roster(1, 0, |_| 20), &seed(1), 0).all().is_empty());
}

#[test]
fn a_quota_is_capped_by_its_class_and_at_120() {
    let quota = |n: u32| Deal::new(&Params::standard(), &roster(n, 0, |_| 200), &seed(2), 0).quota(0);
    // (m - 1) / 3: 119 and 120 of 360 and 361, and no more of 364 or 400.
    assert_eq!([358, 361, 364, 400].map(quota), [119, 120, 120, 120]);
}

#[test]
fn an_epoch_has_at_most_65536_seats() {
    // Dead members are listed twice and ride no ring: the seats are all there is. 25 a listing, 400 a golden member.
    let params = Params { golden_seats: 400, golden_per_member: 25, ..Params::standard() };
    let seats = |golden: u32| {
        let dead = (0..1_312).map(|n| RosterRow { dead: true, ..row(n, 2) });
        let observers = (1_312..1_312 + golden).map(|n| RosterRow { role: Role::Golden, ..row(n, 0) });
        Deal::new(&params, &Roster::new(dead.chain(observers).collect()), &seed(7), 0).slots()
    };
    assert_eq!((seats(163), seats(164), seats(200)), (65_200, 65_536, 65_536));
}

#[test]
fn a_few_high_quotas_meet_no_round_of_their_own() {
    // 5 of 100 take 30, the others 8: rounds 10 and up would hold the five alone.
    let roster = roster(100, 0, |i| if i < 5 { 30 } else { 8 });
    let deal = Deal::new(&Params::standard(), &roster, &seed(3), 0);
    assert_eq!(deal.round_sizes(RingKind::Open).len(), 10);
    assert!((0..100).all(|p| deal.quota(p) <= 10));
}

#[test]
fn rehab_has_its_own_ring_from_fifty() {
    let with = |rehab: u32| {
        let rows = (0..200).map(|i| RosterRow { pool: if i < rehab { Pool::Rehab } else { Pool::Standard }, ..row(i, 4) });
        Deal::new(&Params::standard(), &Roster::new(rows.collect()), &seed(9), 0)
    };
    assert_eq!((with(49).round_sizes(RingKind::Open)[0], with(49).round_sizes(RingKind::Rehab).len()), (200, 0));
    assert_eq!((with(50).round_sizes(RingKind::Open)[0], with(50).round_sizes(RingKind::Rehab)[0]), (150, 50));
}

#[test]
fn places_are_spread_evenly() {
    // Who follows member 0 on a ring, over many rounds: chi-square stays within five deviations.
    for size in [12u32, 40, 200] {
        let mut count = vec![0u32; size as usize];
        for i in 0..200 * (size - 1) {
            let p = Permutation::new(&seed((i % 251) as u8), RingKind::Open, (i / 251) as u16, size);
            count[p.backward((p.forward(0) + 1) % size) as usize] += 1;
        }
        assert_eq!(count[0], 0);
        let chi: f64 = count[1..].iter().map(|c| (f64::from(*c) - 200.0).powi(2) / 200.0).sum();
        let freedom = f64::from(size - 2);
        assert!(chi < freedom + 5.0 * (2.0 * freedom).sqrt(), "{size}: {chi} {count:?}");
    }
}

/// Golden vectors: other implementations check theirs against the same file.
#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct Vectors {
    permutations: Vec<PermutationVector>,
    deals: Vec<DealVector>,
}
#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct PermutationVector {
    seed: Digest,
    ring: RingKind,
    round: u16,
    /// `places[i]`: where rider i goes.
    places: Vec<u32>,
}
/// A roster of `members` rows (ids `i * 0x9e3779b1` as the first four bytes, big endian) with quota `2 + i mod 4`, then `golden` golden rows.
#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct DealVector {
    seed: Digest,
    members: u32,
    golden: u32,
    /// (ring, round, sender, receiver, spare) by roster positions.
    pairs: Vec<(RingKind, u16, u32, u32, bool)>,
}

fn vectors() -> Vectors {
    let permutations = [
        (1u8, RingKind::Open, 0u16, 2u32),
        (1, RingKind::Open, 7, 5),
        (2, RingKind::Rehab, 0, 12),
        (3, RingKind::Golden, 1, 17),
        (255, RingKind::Open, 19, 40),
        // Above 1,024 the block grows with the ring.
        (4, RingKind::Rehab, 3, 1_100),
    ];
    let permutations = permutations.map(|(s, ring, round, size)| {
        let p = Permutation::new(&seed(s), ring, round, size);
        PermutationVector { seed: seed(s), ring, round, places: (0..size).map(|x| p.forward(x)).collect() }
    });
    let deals = [(4u8, 2u32, 1u32), (5, 12, 3), (6, 23, 2)].map(|(s, members, golden)| {
        let deal = Deal::new(&Params::standard(), &roster(members, golden, |i| 2 + (i % 4) as u16), &seed(s), 0);
        let pairs = deal.all().into_iter().map(|p| (p.slot.ring, p.slot.round, p.sender, p.receiver, p.spare)).collect();
        DealVector { seed: seed(s), members, golden, pairs }
    });
    Vectors { permutations: permutations.into(), deals: deals.into() }
}

#[test]
fn golden_vectors_hold() {
    let held: Vectors = serde_json::from_str(include_str!("../../vectors/rings.json")).unwrap();
    assert_eq!(held, vectors(), "if the rule was changed on purpose, vectors/rings.json must hold\n{:?}", vectors());
}
