//! Graphs to measure on: one seed, one graph. About ten edges a node; one node in 20 gives to nobody; ids are shuffled, as ids
//! of any text would be; weights above 0 up to 1; 50 golden nodes. No two edges go the same
//! way: scipy would add them up and have less to do.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Nodes that give to others, in percent.
const GIVING: u64 = 95;
const EDGES_A_NODE: usize = 10;
const GOLDEN: usize = 50;
/// Members of a community, and percent of its edges that stay inside.
const COMMUNITY: u64 = 100;
const INSIDE: u64 = 90;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Any node gives to any; the popular get more: density as rank^-0.6.
    Random,
    /// Communities of 100 that keep 90 % of their edges.
    Clustered,
}

pub(crate) struct Graph {
    pub(crate) nodes: usize,
    pub(crate) sources: Vec<u32>,
    pub(crate) targets: Vec<u32>,
    pub(crate) weights: Vec<f64>,
    pub(crate) golden: BTreeSet<u32>,
}

/// Steele, Lea, Flood 2014: SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }
    /// 0 <= x < 1.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Graph {
    pub(crate) fn new(kind: Kind, nodes: usize) -> Self {
        let (mut numbers, n) = (Numbers(42), nodes as u64);
        let mut names: Vec<u32> = (0..nodes as u32).collect();
        (1..nodes).rev().for_each(|i| names.swap(i, numbers.below(i as u64 + 1) as usize));
        let mut graph = Self { nodes, sources: Vec::new(), targets: Vec::new(), weights: Vec::new(), golden: BTreeSet::new() };
        let mut taken = HashSet::with_capacity(nodes * EDGES_A_NODE);
        while graph.weights.len() < nodes * EDGES_A_NODE {
            let source = numbers.below(n * GIVING / 100);
            let target = match kind {
                // Of u^(1 / (1 - 0.6)) the density is as rank^-0.6. The giving ones are a random part of the ranks.
                Kind::Random => u64::from(names[((n as f64 * numbers.part().powf(2.5)) as usize).min(nodes - 1)]),
                Kind::Clustered if numbers.below(100) < INSIDE => source / COMMUNITY * COMMUNITY + numbers.below(COMMUNITY),
                Kind::Clustered => numbers.below(n),
            };
            let (source, target) = (names[source as usize], names[target as usize]);
            if source != target && taken.insert((source, target)) {
                graph.sources.push(source);
                graph.targets.push(target);
                graph.weights.push(1.0 - numbers.part());
            }
        }
        while graph.golden.len() < GOLDEN {
            graph.golden.insert(names[numbers.below(n * GIVING / 100) as usize]);
        }
        graph
    }

    /// Writes the arrays, little-endian: `sources`, `targets`, `golden` of 4 bytes, `weights` of 8.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let words = |w: &mut dyn Iterator<Item = u32>| w.flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
        std::fs::write(folder.join("sources"), words(&mut self.sources.iter().copied()))?;
        std::fs::write(folder.join("targets"), words(&mut self.targets.iter().copied()))?;
        std::fs::write(folder.join("golden"), words(&mut self.golden.iter().copied()))?;
        std::fs::write(folder.join("weights"), self.weights.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>())
    }

    /// Reads them again, with no more memory than they take.
    pub(crate) fn read(folder: &Path, nodes: usize) -> std::io::Result<Self> {
        let words = |name| array(folder.join(name), u32::from_le_bytes);
        let golden = words("golden")?.into_iter().collect();
        Ok(Self {
            nodes,
            sources: words("sources")?,
            targets: words("targets")?,
            weights: array(folder.join("weights"), f64::from_le_bytes)?,
            golden,
        })
    }
}

pub(crate) fn array<const N: usize, T>(path: PathBuf, of: fn([u8; N]) -> T) -> std::io::Result<Vec<T>> {
    use std::io::Read;
    let count = std::fs::metadata(&path)?.len() as usize / N;
    let mut from = std::io::BufReader::new(std::fs::File::open(path)?);
    let mut values = Vec::with_capacity(count);
    let mut bytes = [0; N];
    for _ in 0..count {
        from.read_exact(&mut bytes)?;
        values.push(of(bytes));
    }
    Ok(values)
}
