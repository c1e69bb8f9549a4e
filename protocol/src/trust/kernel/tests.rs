use super::*;
use crate::trust::csr::Edge;
use crate::trust::fixed::Fixed;
use proptest::prelude::*;
use std::collections::BTreeSet;

type Edges = Vec<Edge<u32>>;

/// A graph with its roots and what was dealt to each node, at times less than the node gives for.
#[derive(Clone, Debug)]
struct Graph {
    edges: Edges,
    roots: BTreeSet<u32>,
    dealt: Vec<u64>,
}

fn graph() -> impl Strategy<Value = Graph> {
    (3usize..30).prop_flat_map(|n| {
        let node = 0..n as u32;
        let edge = (node.clone(), node.clone(), 0u32..9).prop_map(|(source, target, weight)| Edge { source, target, weight });
        let parts = (prop::collection::vec(edge, 0..120), prop::collection::btree_set(node, 1..4), prop::collection::vec(0u64..60, n));
        parts.prop_map(|(edges, roots, dealt)| Graph { edges, roots, dealt })
    })
}

const TOTAL: u64 = 1 << 60;

impl Graph {
    fn csr(&self) -> Csr<u32> {
        Csr::new(self.dealt.len(), &self.roots, || self.edges.iter().copied())
    }

    fn walk<'a>(&'a self, steps: u32, block: usize, run: impl Fn(Vec<Block<'_, Fixed<'a, u32>>>)) -> Vec<u64> {
        let csr = self.csr();
        let mut walk = Walk::in_blocks(Fixed::new(300, TOTAL, self.roots.len(), &self.dealt), &csr, block);
        (0..steps).for_each(|_| _ = walk.step(&run));
        walk.masses()
    }

    /// The same rules, dense and in 128 bits.
    fn dense(&self, steps: u32) -> Vec<u64> {
        let n = self.dealt.len();
        let mut units = vec![vec![0u128; n]; n];
        self.edges.iter().for_each(|e| units[e.source as usize][e.target as usize] += u128::from(e.weight));
        let to_roots = |mass: &mut Vec<u128>| {
            let (rest, count) = (u128::from(TOTAL) - mass.iter().sum::<u128>(), self.roots.len() as u128);
            (0u128..).zip(&self.roots).for_each(|(i, r)| mass[*r as usize] += rest / count + u128::from(i < rest % count));
        };
        let mut mass = vec![0u128; n];
        to_roots(&mut mass);
        for _ in 0..steps {
            let mut next = vec![0u128; n];
            for (r, row) in units.iter().enumerate() {
                let divisor = u128::from(self.dealt[r]).max(row.iter().sum()).max(1);
                let unit = mass[r] * 700 / 1_000 / divisor;
                row.iter().zip(&mut next).for_each(|(units, next)| *next += unit * units);
            }
            to_roots(&mut next);
            mass = next;
        }
        mass.into_iter().map(|m| u64::try_from(m).unwrap()).collect()
    }

    /// Node n becomes `names[n]`.
    fn renamed(&self, names: &[u32]) -> Self {
        let name = |n: u32| names[n as usize];
        let mut dealt = vec![0; names.len()];
        names.iter().zip(&self.dealt).for_each(|(name, d)| dealt[*name as usize] = *d);
        let edges = self.edges.iter().map(|e| Edge { source: name(e.source), target: name(e.target), weight: e.weight }).collect();
        Self { edges, roots: self.roots.iter().map(|r| name(*r)).collect(), dealt }
    }
}

proptest! {
    #[test]
    fn every_bit_is_that_of_a_dense_walk(graph in graph(), steps in 0u32..40, block in 1usize..40) {
        prop_assert_eq!(graph.walk(steps, block, in_turn), graph.dense(steps));
    }

    #[test]
    fn neither_order_nor_blocks_change_a_bit(graph in graph(), by in 0usize..120, block in 1usize..40) {
        let mut other = graph.clone();
        other.edges.reverse();
        let by = by % other.edges.len().max(1);
        other.edges.rotate_left(by);
        prop_assert_eq!(graph.csr(), other.csr());
        let want = graph.walk(32, BLOCK, in_turn);

        prop_assert_eq!(other.walk(32, block, |blocks| blocks.into_iter().rev().for_each(Block::run)), want);
    }

    #[test]
    fn names_change_no_bit((graph, names) in graph().prop_flat_map(|g| {
        let names = Just((0..g.dealt.len() as u32).collect::<Vec<_>>()).prop_shuffle();
        (Just(g), names)
    })) {
        // One root: with more, what doesn't divide evenly goes to the first by name.
        let graph = Graph { roots: graph.roots.iter().take(1).copied().collect(), ..graph };
        let (want, got) = (graph.walk(32, BLOCK, in_turn), graph.renamed(&names).walk(32, BLOCK, in_turn));
        prop_assert!(names.iter().zip(want).all(|(name, mass)| got[*name as usize] == mass));
    }

    #[test]
    fn mass_is_kept_and_stays_where_the_roots_reach(graph in graph()) {
        let csr = graph.csr();
        let mass = graph.walk(32, BLOCK, in_turn);
        prop_assert_eq!(mass.iter().sum::<u64>(), TOTAL);
        prop_assert_eq!(csr.nodes()[..csr.roots()].to_vec(), graph.roots.iter().copied().collect::<Vec<_>>());
        prop_assert!((0..graph.dealt.len() as u32).all(|n| csr.nodes().contains(&n) || mass[n as usize] == 0));
    }
}

#[test]
fn the_largest_numbers_fit() {
    // Everything to one node and back, all units as heavy as they can be, nothing kept: no debug overflow, no mass lost.
    let edges: Edges = (0..200).map(|i| Edge { source: i % 2, target: (i + 1) % 2, weight: u32::MAX }).collect();
    let graph = Graph { edges, roots: BTreeSet::from([0]), dealt: vec![0, 0] };
    let csr = graph.csr();
    let mut walk = Walk::new(Fixed::new(0, i64::MAX as u64, 1, &graph.dealt), &csr);
    (0..33).for_each(|_| _ = walk.step(in_turn));
    assert_eq!(walk.masses().iter().sum::<u64>(), i64::MAX as u64);
}

/// TrustRank's toy graph (Gyöngyi, Garcia-Molina, Pedersen 2004): damping 0.85, so restart 0.15; good pages 2 and 4. There a
/// page without links loses its mass; an eighth page that keeps what it gets stands for that loss.
#[test]
fn trustrank_toy_graph() {
    let links = [(1, 2), (2, 3), (2, 4), (3, 2), (4, 5), (5, 6), (5, 7), (6, 3), (7, 8), (8, 8)];
    let edges = links.map(|(from, to)| Edge { source: from - 1, target: to - 1, weight: 1 }).to_vec();
    let graph = Graph { edges, roots: BTreeSet::from([1, 3]), dealt: vec![0; 8] };
    let csr = graph.csr();
    let mut walk = Walk::new(Fixed::new(150, TOTAL, 2, &graph.dealt), &csr);
    (0..20).for_each(|_| _ = walk.step(in_turn));
    let got = walk.masses();
    for (got, want) in got[..7].iter().zip([0.0, 0.1798, 0.1231, 0.1514, 0.1289, 0.0547, 0.0547]) {
        assert!((*got as f64 / TOTAL as f64 - want).abs() < 5e-5, "{got} {want}");
    }
}
