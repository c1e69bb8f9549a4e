//! The one kernel of every walk with restart, `t = a x p + (1-a) x W^T t`, over any arithmetic: the node's fixed point
//! (`fixed.rs`), floating point for researchers (`warmnet-sim trust`).
//!
//! A step is a row-block step on every block, then [`Walk::step`] settles: what the rows didn't get returns to the roots. A
//! block reads the former step and writes its own rows only, so a host may run blocks in any order and in parallel. Blocks and
//! the order their sums are added in depend on the graph alone, so not even a float differs by the number of threads. Mass goes one
//! edge a step, so the first steps leave out the blocks that it can't have come to: a row there has none, to the bit.

#[cfg(test)]
mod tests;

use super::csr::Csr;
use std::ops::Range;

/// Rows and entries of a block together: some 100 microseconds of work, and over 100 blocks at 10,000,000 edges.
const BLOCK: usize = 1 << 16;
/// Sums of a row side by side. Floats gain by two; integers, whose additions take one cycle, lose the more the more there are.
const LANES: usize = 2;

/// What masses are and how they are counted.
pub trait Arithmetic {
    /// Of an edge.
    type Weight: Copy;
    /// Of a node.
    type Mass: Copy + Default;
    /// Of many masses, and of many weights.
    type Sum: Copy + Default;
    /// What turns a node's mass into what it gives for one unit of weight.
    type Share: Copy;
    /// One unit: its flow along an edge is the edge's weight.
    const UNIT: Self::Mass;

    /// The share of a node whose edges' weights sum to `outflow`.
    fn share(&self, node: u32, outflow: Self::Sum) -> Self::Share;
    /// What a node gives for one unit of weight: at most (1-a) of its mass over its `outflow`, so nothing without mass.
    fn give(&self, mass: Self::Mass, share: Self::Share) -> Self::Mass;
    /// `sum + give x weight`.
    fn flow(sum: Self::Sum, give: Self::Mass, weight: Self::Weight) -> Self::Sum;
    /// A sum of sums.
    fn add(a: Self::Sum, b: Self::Sum) -> Self::Sum;
    /// |a - b|.
    fn distance(a: Self::Mass, b: Self::Mass) -> Self::Sum;
    /// A sum as a mass.
    fn mass(sum: Self::Sum) -> Self::Mass;
    /// A mass as a sum.
    fn sum(mass: Self::Mass) -> Self::Sum;
    /// What root number `root` gets when all rows together got `spent`: its part of the restart and of what nobody got.
    fn restart(&self, root: usize, spent: Self::Sum) -> Self::Sum;
}

/// A walk: who has how much mass after the steps so far.
pub struct Walk<'a, A: Arithmetic> {
    arithmetic: A,
    csr: &'a Csr<A::Weight>,
    blocks: Vec<Range<usize>>,
    shares: Vec<A::Share>,
    masses: Vec<A::Mass>,
    gives: Vec<A::Mass>,
    next: Vec<A::Mass>,
    totals: Vec<Totals<A::Sum>>,
    /// Steps done.
    steps: usize,
}

/// What a block adds up: mass that its rows got, and how much they changed.
#[derive(Clone, Copy, Default)]
struct Totals<S> {
    spent: S,
    change: S,
}

/// The step of one block of rows; every one is run once.
pub struct Block<'a, A: Arithmetic> {
    arithmetic: &'a A,
    /// Ends of its rows among all entries.
    ends: &'a [usize],
    columns: &'a [u32],
    weights: &'a [A::Weight],
    shares: &'a [A::Share],
    /// What every row gives, of the former step.
    gives: &'a [A::Mass],
    masses: &'a mut [A::Mass],
    next: &'a mut [A::Mass],
    totals: &'a mut Totals<A::Sum>,
}

impl<A: Arithmetic> Block<'_, A> {
    /// Adds up what each row gets, and what it will give.
    pub fn run(self) {
        let (mut columns, mut weights) = (self.columns, self.weights);
        let mut totals = Totals::<A::Sum>::default();
        let rows = self.ends.windows(2).zip(self.masses).zip(self.next).zip(self.shares);
        for (((ends, mass), next), share) in rows {
            let entries = ends[1] - ends[0];
            let (row, weight);
            (row, columns) = columns.split_at(entries);
            (weight, weights) = weights.split_at(entries);
            let got = pull::<A>(self.gives, row, weight);
            let now = A::mass(got);
            totals.spent = A::add(totals.spent, got);
            totals.change = A::add(totals.change, A::distance(now, *mass));
            *mass = now;
            *next = self.arithmetic.give(now, *share);
        }
        *self.totals = totals;
    }
}

/// What a row gets: several sums side by side, so that an addition needn't wait for the one before it.
fn pull<A: Arithmetic>(gives: &[A::Mass], row: &[u32], weights: &[A::Weight]) -> A::Sum {
    let flow = |sum, column: u32, weight| A::flow(sum, gives[column as usize], weight);
    let ((columns, last_columns), (whole, last_weights)) = (row.as_chunks::<LANES>(), weights.as_chunks::<LANES>());
    let mut sums = [A::Sum::default(); LANES];
    for (columns, weights) in columns.iter().zip(whole) {
        for lane in 0..LANES {
            sums[lane] = flow(sums[lane], columns[lane], weights[lane]);
        }
    }
    for ((sum, column), weight) in sums.iter_mut().zip(last_columns).zip(last_weights) {
        *sum = flow(*sum, *column, *weight);
    }
    sums.into_iter().fold(A::Sum::default(), A::add)
}

/// Runs the blocks one after the other.
pub fn in_turn<A: Arithmetic>(blocks: Vec<Block<'_, A>>) {
    blocks.into_iter().for_each(Block::run);
}

impl<'a, A: Arithmetic> Walk<'a, A> {
    /// All mass at the roots.
    #[must_use]
    pub fn new(arithmetic: A, csr: &'a Csr<A::Weight>) -> Self {
        Self::in_blocks(arithmetic, csr, BLOCK)
    }

    fn in_blocks(arithmetic: A, csr: &'a Csr<A::Weight>, block: usize) -> Self {
        let rows = csr.rows();
        let shares: Vec<A::Share> = csr.nodes().iter().zip(outflows::<A>(csr)).map(|(n, sum)| arithmetic.share(*n, sum)).collect();
        let mut masses = vec![A::Mass::default(); rows];
        for (root, mass) in masses[..csr.roots()].iter_mut().enumerate() {
            *mass = A::mass(arithmetic.restart(root, A::Sum::default()));
        }
        let gives = masses.iter().zip(&shares).map(|(mass, share)| arithmetic.give(*mass, *share)).collect();
        let blocks = cut(csr, block);
        let (next, totals) = (vec![A::Mass::default(); rows], vec![Totals::default(); blocks.len()]);
        Self { arithmetic, csr, blocks, shares, masses, gives, next, totals, steps: 0 }
    }

    /// One step; `run` runs every block. Returns the sum of how much each mass changed.
    pub fn step(&mut self, run: impl FnOnce(Vec<Block<'_, A>>)) -> A::Sum {
        let roots = self.csr.roots();
        let before = self.masses[..roots].to_vec();
        self.steps += 1;
        run(self.split());
        std::mem::swap(&mut self.gives, &mut self.next);
        let of_roots = self.blocks.iter().take_while(|b| b.end <= roots).count();
        let spent = self.totals.iter().fold(A::Sum::default(), |sum, t| A::add(sum, t.spent));
        let mut change = self.totals[of_roots..].iter().fold(A::Sum::default(), |sum, t| A::add(sum, t.change));
        for (root, before) in before.into_iter().enumerate() {
            let mass = A::mass(A::add(A::sum(self.masses[root]), self.arithmetic.restart(root, spent)));
            change = A::add(change, A::distance(mass, before));
            self.masses[root] = mass;
            self.gives[root] = self.arithmetic.give(mass, self.shares[root]);
        }
        change
    }

    /// The blocks that can have mass after this step.
    fn split(&mut self) -> Vec<Block<'_, A>> {
        let reached = self.csr.within(self.steps);
        let (mut masses, mut next, mut totals) = (&mut self.masses[..], &mut self.next[..], &mut self.totals[..]);
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for rows in self.blocks.iter().take_while(|b| b.start < reached) {
            let (columns, weights) = self.csr.entries_of(rows.clone());
            let (mine, of_next, of_totals);
            (mine, masses) = masses.split_at_mut(rows.len());
            (of_next, next) = next.split_at_mut(rows.len());
            (of_totals, totals) = totals.split_at_mut(1);
            blocks.push(Block {
                arithmetic: &self.arithmetic,
                ends: self.csr.ends(rows.clone()),
                columns,
                weights,
                shares: &self.shares[rows.clone()],
                gives: &self.gives,
                masses: mine,
                next: of_next,
                totals: &mut of_totals[0],
            });
        }
        blocks
    }

    /// Mass by node; none for those that the roots don't reach.
    #[must_use]
    pub fn masses(&self) -> Vec<A::Mass> {
        let mut all = vec![A::Mass::default(); self.csr.all()];
        for (node, mass) in self.csr.nodes().iter().zip(&self.masses) {
            all[*node as usize] = *mass;
        }
        all
    }
}

/// Sum of the weights of each row's outgoing edges.
fn outflows<A: Arithmetic>(csr: &Csr<A::Weight>) -> Vec<A::Sum> {
    let mut sums = vec![A::Sum::default(); csr.rows()];
    let (columns, weights) = csr.entries_of(0..csr.rows());
    for (column, weight) in columns.iter().zip(weights) {
        let sum = &mut sums[*column as usize];
        *sum = A::flow(*sum, A::UNIT, *weight);
    }
    sums
}

/// Rows in blocks of about `block` rows and entries; none has both roots and others, as only the settling knows what a root changed by.
fn cut<W>(csr: &Csr<W>, block: usize) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    for part in [0..csr.roots(), csr.roots()..csr.rows()] {
        let (mut start, mut work) = (part.start, 0);
        let ends = csr.ends(part.clone());
        for (row, ends) in part.clone().zip(ends.windows(2)) {
            work += 1 + ends[1] - ends[0];
            if work >= block || row + 1 == part.end {
                blocks.push(start..row + 1);
                (start, work) = (row + 1, 0);
            }
        }
    }
    blocks
}
