//! A weighted directed graph as compressed sparse rows, in pull form: the row of a node lists who gives to it.
//!
//! Rows are relabelled for locality (`order.rs`) and hold only what the roots reach: mass begins at the roots, so nothing else
//! ever has any. Equal sets of edges give equal rows, whatever their order; parallel edges stay side by side and add up.

use super::order::{ABSENT, Order};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

/// `source` gives to `target`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge<W> {
    /// Node that gives.
    pub source: u32,
    /// Node that gets.
    pub target: u32,
    /// Its part of what the source gives; not a NaN.
    pub weight: W,
}

/// The graph: 4 bytes and a weight an edge, 12 bytes a node and 8 a step of distance.
#[derive(Clone, Debug, PartialEq)]
pub struct Csr<W> {
    /// Row r has the entries `starts[r]..starts[r + 1]`.
    starts: Vec<usize>,
    /// Row that gives, by entry; ascending inside a row.
    columns: Vec<u32>,
    weights: Vec<W>,
    /// Node of each row; the roots come first.
    nodes: Vec<u32>,
    /// Number of rows within 0, 1, 2, ... steps of the roots, as far as it grows.
    within: Vec<usize>,
    roots: usize,
    /// Number of nodes of the whole graph.
    all: usize,
}

impl<W: Copy + Default + PartialOrd> Csr<W> {
    /// The part of a graph of `nodes` nodes that `roots` reach. `edges` is called twice and yields the same edges both times,
    /// so that no list of them is needed: besides the result it takes 4 bytes an edge, freed before the rows are made.
    ///
    /// # Panics
    /// When an edge or a root names a node that isn't below `nodes`.
    #[must_use]
    pub fn new<I: Iterator<Item = Edge<W>>>(nodes: usize, roots: &BTreeSet<u32>, edges: impl Fn() -> I) -> Self {
        let Order { nodes: order, within, degrees } = Order::new(nodes, roots, || edges().map(|e| (e.source, e.target)));
        let mut labels = vec![ABSENT; nodes];
        (0u32..).zip(&order).for_each(|(label, node)| labels[*node as usize] = label);
        let mut starts = Vec::with_capacity(order.len() + 1);
        starts.push(0);
        let mut end = 0;
        for node in &order {
            end += degrees[*node as usize] as usize;
            starts.push(end);
        }
        drop(degrees);
        let mut free: Vec<usize> = starts[..order.len()].to_vec();
        let (mut columns, mut weights) = (vec![0; end], vec![W::default(); end]);
        for e in edges() {
            let (from, to) = (labels[e.source as usize], labels[e.target as usize]);
            if from != ABSENT {
                let at = &mut free[to as usize];
                (columns[*at], weights[*at]) = (from, e.weight);
                *at += 1;
            }
        }
        let mut csr = Self { starts, columns, weights, nodes: order, within, roots: roots.len(), all: nodes };
        csr.sort_rows();
        csr
    }

    fn sort_rows(&mut self) {
        let mut row: Vec<(u32, W)> = Vec::new();
        for ends in self.starts.windows(2) {
            let (columns, weights) = (&mut self.columns[ends[0]..ends[1]], &mut self.weights[ends[0]..ends[1]]);
            row.clear();
            row.extend(columns.iter().copied().zip(weights.iter().copied()));
            row.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal)));
            for ((column, weight), (c, w)) in columns.iter_mut().zip(weights).zip(&row) {
                (*column, *weight) = (*c, *w);
            }
        }
    }
}

impl<W> Csr<W> {
    /// The same graph with other weights: of each edge by the row that gives and the former one.
    #[must_use]
    pub fn map<V>(self, of: impl Fn(usize, W) -> V) -> Csr<V> {
        let Self { starts, columns, weights, nodes, within, roots, all } = self;
        // In place where the old and the new are of one size.
        let weights = weights.into_iter().enumerate().map(|(entry, weight)| of(columns[entry] as usize, weight)).collect();
        Csr { starts, columns, weights, nodes, within, roots, all }
    }
    /// Sums over the weights of what each row gives, in the order of the entries.
    #[must_use]
    pub fn outflows<S: Copy + Default>(&self, add: impl Fn(S, &W) -> S) -> Vec<S> {
        let mut sums = vec![S::default(); self.rows()];
        for (column, weight) in self.columns.iter().zip(&self.weights) {
            let sum = &mut sums[*column as usize];
            *sum = add(*sum, weight);
        }
        sums
    }
    /// Number of rows: nodes that the roots reach, themselves included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.nodes.len()
    }
    /// Number of nodes, reached or not.
    #[must_use]
    pub fn all(&self) -> usize {
        self.all
    }
    /// Number of roots; their rows are the first, in ascending order of their nodes.
    #[must_use]
    pub fn roots(&self) -> usize {
        self.roots
    }
    /// How many rows, the first ones, lie within so many steps of the roots.
    #[must_use]
    pub fn within(&self, steps: usize) -> usize {
        self.within.get(steps).copied().unwrap_or(self.rows())
    }
    /// Number of entries.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.columns.len()
    }
    /// Node of each row.
    #[must_use]
    pub fn nodes(&self) -> &[u32] {
        &self.nodes
    }
    /// Ends of the rows `rows` among the entries: one more than rows.
    pub(super) fn ends(&self, rows: Range<usize>) -> &[usize] {
        &self.starts[rows.start..=rows.end]
    }
    /// Columns and weights of the entries of `rows`.
    pub(super) fn entries_of(&self, rows: Range<usize>) -> (&[u32], &[W]) {
        let range = self.starts[rows.start]..self.starts[rows.end];
        (&self.columns[range.clone()], &self.weights[range])
    }
}
