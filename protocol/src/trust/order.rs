//! The order of a graph's rows: neighbours near each other, rows of one length together.

use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Label of a node that the roots don't reach.
pub(super) const ABSENT: u32 = u32::MAX;

/// Rows sorted by length at a time. The masses of as many rows fit a core's first cache (32 KiB at 8 bytes), so the sort doesn't
/// undo what the search brought together; rows of equal length in a row spare the processor a wrong guess a row.
const WINDOW: usize = 4_096;

/// Nodes in the order of their rows, and how many reached nodes give to each.
pub(super) struct Order {
    /// The roots first.
    pub(super) nodes: Vec<u32>,
    /// Number of nodes within 0, 1, 2, ... steps of the roots, as far as it grows.
    pub(super) within: Vec<usize>,
    /// By node.
    pub(super) degrees: Vec<u32>,
}

impl Order {
    /// Breadth first from the roots, those of one distance by length inside windows. Equal sets of (source, target) give equal orders.
    pub(super) fn new<I: Iterator<Item = (u32, u32)>>(nodes: usize, roots: &BTreeSet<u32>, edges: impl Fn() -> I) -> Self {
        let (starts, targets) = adjacency(nodes, edges);
        let mut degrees = vec![0u32; nodes];
        let mut seen = vec![false; nodes];
        roots.iter().for_each(|r| seen[*r as usize] = true);
        let mut order: Vec<u32> = roots.iter().copied().collect();
        let (mut within, mut next) = (Vec::new(), 0);
        while next < order.len() {
            let end = order.len();
            within.push(end);
            for at in next..end {
                let node = order[at] as usize;
                for target in &targets[starts[node]..starts[node + 1]] {
                    degrees[*target as usize] += 1;
                    if !std::mem::replace(&mut seen[*target as usize], true) {
                        order.push(*target);
                    }
                }
            }
            next = end;
        }
        for ends in within.windows(2) {
            for window in order[ends[0]..ends[1]].chunks_mut(WINDOW) {
                window.sort_by_key(|n| Reverse(degrees[*n as usize]));
            }
        }
        Self { nodes: order, within, degrees }
    }
}

/// Targets by source, ascending: node n gives to `targets[starts[n]..starts[n + 1]]`.
fn adjacency<I: Iterator<Item = (u32, u32)>>(nodes: usize, edges: impl Fn() -> I) -> (Vec<usize>, Vec<u32>) {
    let mut starts = vec![0usize; nodes + 1];
    edges().for_each(|(source, _)| starts[source as usize + 1] += 1);
    (1..starts.len()).for_each(|n| starts[n] += starts[n - 1]);
    let mut free = starts[..nodes].to_vec();
    let mut targets = vec![0; starts[nodes]];
    for (source, target) in edges() {
        let at = &mut free[source as usize];
        targets[*at] = target;
        *at += 1;
    }
    starts.windows(2).for_each(|ends| targets[ends[0]..ends[1]].sort_unstable());
    (starts, targets)
}
