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
pub trait Arithmetic: Sized {
    /// Of an edge.
    type Weight: Copy;
    /// Of a node: what it has, and what it gives for one unit of weight.
    type Mass: Copy + Default;
    /// Of many masses.
    type Sum: Copy + Default;
    /// What turns a node's mass into what it gives; nothing where the weights say it all.
    type Share: Copy;
    /// What is kept of a mass beside what it gives; nothing where the one tells the other.
    type Kept: Copy + Default;

    /// The shares of all rows.
    fn shares(&self, csr: &Csr<Self::Weight>) -> Vec<Self::Share>;
    /// A mass as what is kept of it and what it gives for one unit of weight: over all its edges at most (1-a) of it, so nothing
    /// without mass.
    fn give(&self, mass: Self::Mass, share: Self::Share) -> (Self::Kept, Self::Mass);
    /// The mass that was kept and given so.
    fn whole(kept: Self::Kept, give: Self::Mass) -> Self::Mass;
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
    kept: Vec<A::Kept>,
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
    rows: Rows<'a, A>,
    /// Ends of its rows among all entries.
    ends: &'a [usize],
    /// What every row gives, of the former step.
    gives: &'a [A::Mass],
    totals: &'a mut Totals<A::Sum>,
}

/// Rows one after the other: their entries, and what is known of each row.
struct Rows<'a, A: Arithmetic> {
    columns: &'a [u32],
    weights: &'a [A::Weight],
    shares: &'a [A::Share],
    /// What they gave in the former step.
    given: &'a [A::Mass],
    kept: &'a mut [A::Kept],
    next: &'a mut [A::Mass],
}

impl<'a, A: Arithmetic> Rows<'a, A> {
    /// Takes the first `rows` rows with `entries` entries.
    fn take(&mut self, rows: usize, entries: usize) -> Self {
        fn cut<'a, T>(of: &mut &'a [T], at: usize) -> &'a [T] {
            let (first, rest) = of.split_at(at);
            *of = rest;
            first
        }
        fn cut_mut<'a, T>(of: &mut &'a mut [T], at: usize) -> &'a mut [T] {
            let (first, rest) = std::mem::take(of).split_at_mut(at);
            *of = rest;
            first
        }
        Self {
            columns: cut(&mut self.columns, entries),
            weights: cut(&mut self.weights, entries),
            shares: cut(&mut self.shares, rows),
            given: cut(&mut self.given, rows),
            kept: cut_mut(&mut self.kept, rows),
            next: cut_mut(&mut self.next, rows),
        }
    }
}

impl<A: Arithmetic> Block<'_, A> {
    /// Adds up what each row gets, and what it will give.
    pub fn run(self) {
        let Self { arithmetic, rows, ends, gives, totals } = self;
        let (mut columns, mut weights) = (rows.columns, rows.weights);
        let count = ends.len() - 1;
        let (shares, given, kept, next) = (&rows.shares[..count], &rows.given[..count], &mut rows.kept[..count], &mut rows.next[..count]);
        let mut sums = Totals::<A::Sum>::default();
        for row in 0..count {
            let entries = ends[row + 1] - ends[row];
            let (row_columns, row_weights);
            (row_columns, columns) = columns.split_at(entries);
            (row_weights, weights) = weights.split_at(entries);
            let got = pull::<A>(gives, row_columns, row_weights);
            let now = A::mass(got);
            sums.spent = A::add(sums.spent, got);
            sums.change = A::add(sums.change, A::distance(now, A::whole(kept[row], given[row])));
            (kept[row], next[row]) = arithmetic.give(now, shares[row]);
        }
        *totals = sums;
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
        let shares = arithmetic.shares(csr);
        let (mut kept, mut gives) = (vec![A::Kept::default(); csr.rows()], vec![A::Mass::default(); csr.rows()]);
        for root in 0..csr.roots() {
            let mass = A::mass(arithmetic.restart(root, A::Sum::default()));
            (kept[root], gives[root]) = arithmetic.give(mass, shares[root]);
        }
        let blocks = cut(csr, block);
        let (next, totals) = (vec![A::Mass::default(); csr.rows()], vec![Totals::default(); blocks.len()]);
        Self { arithmetic, csr, blocks, shares, kept, gives, next, totals, steps: 0 }
    }

    fn mass(&self, row: usize) -> A::Mass {
        A::whole(self.kept[row], self.gives[row])
    }

    /// One step; `run` runs every block. Returns the sum of how much each mass changed.
    pub fn step(&mut self, run: impl FnOnce(Vec<Block<'_, A>>)) -> A::Sum {
        let roots = self.csr.roots();
        let before: Vec<A::Mass> = (0..roots).map(|root| self.mass(root)).collect();
        self.steps += 1;
        run(self.split());
        std::mem::swap(&mut self.gives, &mut self.next);
        let of_roots = self.blocks.iter().take_while(|b| b.end <= roots).count();
        let spent = self.totals.iter().fold(A::Sum::default(), |sum, t| A::add(sum, t.spent));
        let mut change = self.totals[of_roots..].iter().fold(A::Sum::default(), |sum, t| A::add(sum, t.change));
        for (root, before) in before.into_iter().enumerate() {
            let mass = A::mass(A::add(A::sum(self.mass(root)), self.arithmetic.restart(root, spent)));
            change = A::add(change, A::distance(mass, before));
            (self.kept[root], self.gives[root]) = self.arithmetic.give(mass, self.shares[root]);
        }
        change
    }

    /// The blocks that can have mass after this step.
    fn split(&mut self) -> Vec<Block<'_, A>> {
        let reached = self.csr.within(self.steps);
        let (mut blocks, mut totals) = (Vec::with_capacity(self.blocks.len()), &mut self.totals[..]);
        let (columns, weights) = self.csr.entries_of(0..self.csr.rows());
        let mut rows = Rows { columns, weights, shares: &self.shares, given: &self.gives, kept: &mut self.kept, next: &mut self.next };
        for range in self.blocks.iter().take_while(|b| b.start < reached) {
            let ends = self.csr.ends(range.clone());
            let of_totals;
            (of_totals, totals) = totals.split_at_mut(1);
            let rows = rows.take(range.len(), ends[range.len()] - ends[0]);
            blocks.push(Block { arithmetic: &self.arithmetic, rows, ends, gives: &self.gives, totals: &mut of_totals[0] });
        }
        blocks
    }

    /// Mass by node; none for those that the roots don't reach.
    #[must_use]
    pub fn masses(&self) -> Vec<A::Mass> {
        let mut all = vec![A::Mass::default(); self.csr.all()];
        for (row, node) in self.csr.nodes().iter().enumerate() {
            all[*node as usize] = self.mass(row);
        }
        all
    }
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
