use super::*;
use crate::ledger::tests::{member, network, play, seen};
use crate::matching::Pairing;
use crate::wire::bundle::{Placement, SenderOutcome};
use crate::wire::roster::Role;
use csr::{Csr, Edge};
use fixed::Fixed;
use kernel::{Walk, in_turn};
use proptest::prelude::*;

/// Edges (receiver, sender, units) of a toy graph.
type Edges = Vec<(usize, usize, u64)>;

fn rows(edges: &Edges, golden: &[bool]) -> Csr<u8> {
    let roots = (0..golden.len() as u32).filter(|i| golden[*i as usize]).collect();
    Csr::new(golden.len(), &roots, || edges.iter().map(|(r, s, u)| Edge { source: *r as u32, target: *s as u32, weight: *u as u8 }))
}

fn start<'a>(params: &Params, csr: &'a Csr<u8>, dealt: &'a [u64]) -> Walk<'a, Fixed<'a, u8>> {
    Walk::new(Fixed::new(params.restart_permille, walk::total(params, dealt.len()), csr.roots(), dealt), csr)
}

fn run(params: &Params, edges: &Edges, dealt: &[u64], golden: &[bool], steps: u32) -> Vec<u64> {
    let csr = rows(edges, golden);
    let mut walk = start(params, &csr, dealt);
    (0..steps).for_each(|_| _ = walk.step(in_turn));
    walk.masses()
}

fn graph() -> impl Strategy<Value = (usize, Edges, Vec<u64>)> {
    (4usize..14).prop_flat_map(|n| {
        let edge = (0..n, 0..n, 1u64..5);
        (Just(n), prop::collection::vec(edge, 0..80), prop::collection::vec(0u64..30, n)).prop_map(|(n, edges, spare)| {
            let mut dealt = spare;
            edges.iter().for_each(|(r, _, u)| dealt[*r] += u);
            (n, edges, dealt)
        })
    })
}

#[test]
fn trust_of_a_chain_is_what_the_equation_says() {
    // g finds all of a's mail good, a all of b's: t_g = 1/2.19, t_a = 0.7 t_g, t_b = 0.49 t_g.
    let params = Params::standard();
    let mass = run(&params, &vec![(0, 1, 3), (1, 2, 5)], &[3, 5, 0], &[true, false, false], 200);
    let share = |m: u64| m as f64 / (1u64 << 40) as f64;
    for (got, want) in mass.iter().zip([1.0, 0.7, 0.49]) {
        assert!((share(*got) - want / 2.19).abs() < 1e-9);
    }
    // Half of what was dealt to g was good: half the trust flows.
    let half = run(&params, &vec![(0, 1, 3)], &[6, 0, 0], &[true, false, false], 200);
    assert!((share(half[1]) - 0.35 / 1.35).abs() < 1e-9);
}

proptest! {
    #[test]
    fn the_walk_equals_a_dense_reference((n, edges, dealt) in graph()) {
        let params = Params::standard();
        let golden: Vec<bool> = (0..n).map(|i| i < 2).collect();
        let got = run(&params, &edges, &dealt, &golden, params.walk_steps);
        prop_assert_eq!(got.iter().sum::<u64>(), 1 << 40);
        // Dense, u128, 2^-100: the same equation without rounding to speak of.
        let one = 1u128 << 100;
        let mut w = vec![vec![0u128; n]; n];
        edges.iter().for_each(|(r, s, u)| w[*r][*s] += u128::from(*u));
        let mut t: Vec<u128> = (0..n).map(|i| if i < 2 { one / 2 } else { 0 }).collect();
        for _ in 0..params.walk_steps {
            let mut next = vec![0u128; n];
            for r in 0..n {
                for s in 0..n {
                    if dealt[r] > 0 {
                        next[s] += t[r] / 1_000 * 700 / u128::from(dealt[r]) * w[r][s];
                    }
                }
            }
            let rest = one - next.iter().sum::<u128>();
            next[0] += rest / 2;
            next[1] += rest - rest / 2;
            t = next;
        }
        for (a, b) in got.iter().zip(&t) {
            // Rounding loses less than one unit of 2^-40 an edge and step.
            prop_assert!(u128::from(*a).abs_diff(b >> 60) < 32 * 400, "{} {}", a, b >> 60);
        }
    }

    #[test]
    fn a_closed_sybil_set_holds_at_most_its_inflow((n, mut edges, mut dealt) in graph(), attack in prop::collection::vec((0usize..14, 0usize..6, 1u64..4), 0..6)) {
        // Sybils n..n+6 praise each other with all they have; honest members praise some of them along attack edges.
        let params = Params::standard();
        dealt.extend([60; 6]);
        for s in 0..6 {
            edges.extend((0..6).filter(|o| *o != s).map(|o| (n + s, n + o, 12)));
        }
        for (r, s, units) in attack {
            edges.push((r % n, n + s, units));
            dealt[r % n] += units;
        }
        let golden: Vec<bool> = (0..n + 6).map(|i| i < 2).collect();
        let csr = rows(&edges, &golden);
        let mut walk = start(&params, &csr, &dealt);
        let (mut mass, mut inflow) = (walk.masses(), 0u64);
        for _ in 0..200 {
            // What flows in, (1-a) already taken off: a unit of r's edges is (1-a) of its mass over what was dealt to it.
            let unit = |r: usize| mass[r] * 700 / 1_000 / dealt[r];
            inflow = inflow.max(edges.iter().filter(|(r, s, _)| *r < n && *s >= n).map(|(r, _, u)| unit(*r) * u).sum());
            walk.step(in_turn);
            mass = walk.masses();
            let held: u64 = mass[n..].iter().sum();
            // (1-a)/a of the mass offered over the attack edges = inflow / a.
            prop_assert!(u128::from(held) * 300 <= u128::from(inflow) * 1_000, "{} {}", held, inflow);
        }
        prop_assert!(inflow > 0 || mass[n..].iter().all(|m| *m == 0));
    }

    #[test]
    fn order_changes_no_bit((n, edges, dealt) in graph(), turn in 0usize..80) {
        let params = Params::standard();
        let golden: Vec<bool> = (0..n).map(|i| i < 1).collect();
        let mut other: Edges = edges.iter().rev().copied().collect();
        let by = turn % other.len().max(1);
        other.rotate_left(by);
        prop_assert_eq!(run(&params, &edges, &dealt, &golden, 32), run(&params, &other, &dealt, &golden, 32));
    }
}

#[test]
fn the_walk_goes_along_good_exchanges() {
    let params = Params::standard();
    let roster = network(12, 2);
    let mut window = Window::new(&params);
    let fate = |p: &Pairing| {
        let placement = if p.sender == 3 { Placement::Spam } else { Placement::Inbox };
        (SenderOutcome::Sent, seen(placement))
    };
    (0..5).for_each(|e| play(&params, &mut window, e, &roster, fate));
    let of = |x: &crate::ledger::Exchange| (x.receiver, x.sender, x.golden_weight.max(1));
    let want: Vec<_> =
        window.exchanges().filter(|(_, x)| x.outcome == crate::ledger::Outcome::DeliveredInbox).map(|(_, x)| of(&x)).collect();
    assert_eq!(window.good().collect::<Vec<_>>(), want);
    let golden: Vec<bool> = window.members().iter().map(|m| m.role == Role::Golden).collect();
    let mass = walk::walk(&params, &window, &golden);
    let spammer = window.index(&roster.at(3).unwrap().member).unwrap() as usize;
    assert!(mass.iter().enumerate().all(|(i, m)| (*m == 0) == (i == spammer)), "{mass:?}");
    assert_eq!(mass.iter().sum::<u64>(), 1 << 40);
}

#[test]
fn a_slanderer_loses_credibility_and_honest_members_keep_theirs() {
    let params = Params::standard();
    let roster = network(40, 4);
    let mut window = Window::new(&params);
    let fate = |p: &Pairing| {
        let truth = if (p.sender + u32::from(p.slot.round)).is_multiple_of(10) { Placement::Spam } else { Placement::Inbox };
        (SenderOutcome::Sent, seen(if p.receiver < 2 { Placement::Spam } else { truth }))
    };
    (0..10).for_each(|e| play(&params, &mut window, e, &roster, fate));
    let trust = Trust::compute(&params, &window, &roster);
    let id = |n: u32| roster.at(n).unwrap().member;
    for liar in 0..2 {
        assert!(trust.credibility(&id(liar)) == 0 && trust.weight(&id(liar)) == 0);
    }
    for honest in 2..40 {
        assert!(trust.credibility(&id(honest)) > 900_000, "{honest}");
        assert!(trust.weight(&id(honest)) > 40_000, "{honest}");
    }
    assert_eq!(trust.weight(&id(41)), 1 << 16);
    assert_eq!((0..44).map(|n| trust.mass(&id(n))).sum::<u64>(), 1 << 40);
}

#[test]
fn without_golden_members_nobody_has_mass() {
    let params = Params::standard();
    let roster = network(12, 0);
    let mut window = Window::new(&params);
    play(&params, &mut window, 0, &roster, |_| (SenderOutcome::Sent, seen(Placement::Inbox)));
    let trust = Trust::compute(&params, &window, &roster);
    assert!(roster.rows().iter().all(|r| trust.mass(&r.member) == 0 && trust.weight(&r.member) == params.weight_floor_q16));
    let stranger = member(99, Role::Member).member;
    assert_eq!((trust.mass(&stranger), trust.weight(&stranger), trust.credibility(&stranger)), (0, 0, 0));
    assert_ne!(trust.digest(), Trust::compute(&params, &Window::new(&params), &Roster::default()).digest());
}

#[test]
fn from_ten_thousand_members_on_masses_are_finer() {
    let params = Params::standard();
    assert_eq!([0, 9_999, 10_000].map(|members| walk::total(&params, members)), [1 << 40, 1 << 40, 1 << 60]);
}
