//! The trust kernel beside scipy's sparse product, on the same arrays.
//!
//! Ratios of one run on one machine: ours and the peer take turns, best of 7 rounds each, one thread unless said. Solving is
//! timed, not building: like the peer's matrix, our rows and shares stand before. Times are of the wall clock, so a busy
//! machine moves the figures; what both do in turns it moves alike.

#[path = "../../node/benches/goals/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod goals;
#[path = "trust/graphs.rs"]
mod graphs;
#[path = "trust/peer.rs"]
mod peer;

use goals::{Goals, ROUNDS};
use graphs::{Graph, Kind};
use peer::Peer;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;
use warmnet_protocol::trust::csr::{Csr, Edge};
use warmnet_protocol::trust::fixed::Fixed;
use warmnet_protocol::trust::kernel::{Arithmetic, Walk};
use warmnet_sim::trust::float::{Float, Part, Real};
use warmnet_sim::trust::threads;

const RESTART_PERMILLE: u32 = 150;
const RESTART: f64 = RESTART_PERMILLE as f64 / 1_000.0;
const TOLERANCE: f64 = 1e-6;
const STEPS: u32 = 32;
const TOTAL: u64 = 1 << 60;
/// Weights in fixed point: 1 is 2^16 units.
const UNITS: f64 = 65_536.0;
/// Our answer and the peer's may differ by so much of all mass. A step that changes less than the tolerance leaves at most
/// (1-a)/a times as much to come, on each side; a tenth for f32, which rounds.
const AGREES: f64 = 2.2 * TOLERANCE * (1.0 - RESTART) / RESTART;
/// The same in fixed point: the units of the weights are rounded up, by a part of 1e-5 on average.
const FIXED_AGREES: f64 = 1e-4;
/// Peak memory over the raw arrays.
const BYTES_AN_EDGE: f64 = 16.0;
const BYTES_A_NODE: f64 = 64.0;
const MEMORY: &str = "memory";

/// Seconds, best of all rounds.
#[derive(Clone, Copy)]
struct Best(f64);

impl Best {
    fn new() -> Self {
        Self(f64::INFINITY)
    }
    fn add(&mut self, seconds: f64) {
        self.0 = self.0.min(seconds);
    }
}

fn edges(graph: &Graph) -> impl Iterator<Item = Edge<f64>> {
    let all = graph.sources.iter().zip(&graph.targets).zip(&graph.weights);
    all.map(|((source, target), weight)| Edge { source: *source, target: *target, weight: *weight })
}

fn parts<T: Real>(graph: &Graph) -> Csr<Part<T>> {
    Float::rows(RESTART, graph.nodes, &graph.golden, || edges(graph))
}

fn units(graph: &Graph) -> Csr<u32> {
    let units = |e: Edge<f64>| Edge { source: e.source, target: e.target, weight: (e.weight * UNITS).ceil() as u32 };
    Csr::new(graph.nodes, &graph.golden, || edges(graph).map(units))
}

/// Steps until `done`, timed, and the masses.
fn time<A>(arithmetic: A, csr: &Csr<A::Weight>, threads: usize, done: impl Fn(u32, A::Sum) -> bool) -> (f64, u32, Vec<A::Mass>)
where
    A: Arithmetic<Weight: Sync, Mass: Send + Sync, Share: Sync, Kept: Send, Sum: Send> + Sync,
{
    let mut walk = Walk::new(arithmetic, csr);
    let start = Instant::now();
    let mut steps = 1;
    while !done(steps, walk.step(|blocks| threads::run(threads, blocks))) {
        steps += 1;
    }
    let masses = walk.masses();
    (start.elapsed().as_secs_f64(), steps, masses)
}

fn float<T: Real>(csr: &Csr<Part<T>>, threads: usize) -> (f64, u32, Vec<f64>) {
    let (seconds, steps, masses) = time(Float::<T>::new(&vec![1.0; csr.roots()]), csr, threads, |_, change| change < TOLERANCE);
    (seconds, steps, masses.into_iter().map(T::wide).collect())
}

fn fixed(csr: &Csr<u32>, dealt: &[u64]) -> (f64, Vec<f64>) {
    let arithmetic = Fixed::new(RESTART_PERMILLE, TOTAL, csr.roots(), dealt);
    let (seconds, _, masses) = time(arithmetic, csr, 1, |steps, _| steps == STEPS);
    (seconds, masses.into_iter().map(|m| m as f64 / TOTAL as f64).collect())
}

/// All masses of both, not some.
fn agree(ours: &[f64], theirs: &[f64], limit: f64) {
    let gap: f64 = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).sum();
    assert!(ours.len() == theirs.len() && gap < limit, "the answers differ by {gap}");
}

fn ratio(goals: &mut Goals, what: &str, theirs: f64, ours: f64, goal: f64) {
    println!("    {what:<46} {:>6.2}x, goal {goal:.2}x: {}", theirs / ours, goals.met(theirs / ours >= goal));
}

/// What a graph is to reach: f32 and f64 against scipy f64, fixed point against scipy f64 doing as many steps.
struct Wanted {
    f32: f64,
    f64: f64,
    fixed: f64,
}

fn compare(name: &str, graph: &Graph, folder: &Path, wanted: &Wanted, goals: &mut Goals) {
    let start = Instant::now();
    let narrow = parts::<f32>(graph);
    let built = start.elapsed().as_secs_f64();
    let (wide, units) = (parts::<f64>(graph), units(graph));
    let dealt = vec![0; graph.nodes];
    let mut peer = Peer::start(folder, graph.nodes, 1.0 - RESTART).map_err(|why| goals.skipped(&why)).ok();
    let [mut f32s, mut f64s, mut fixeds, mut twos, mut theirs, mut theirs32, mut theirs_steps] = [Best::new(); 7];
    let (mut steps, mut peer_steps) = (0, 0);
    for _ in 0..ROUNDS {
        let (seconds, done, narrow_masses) = float(&narrow, 1);
        f32s.add(seconds);
        steps = done;
        twos.add(float(&narrow, 2).0);
        let (seconds, _, wide_masses) = float(&wide, 1);
        f64s.add(seconds);
        let (seconds, fixed_masses) = fixed(&units, &dealt);
        fixeds.add(seconds);
        if let Some(peer) = &mut peer {
            let solved = peer.solve("f64", TOLERANCE, u32::MAX);
            theirs.add(solved.seconds);
            peer_steps = solved.steps;
            agree(&narrow_masses, &solved.masses, AGREES);
            agree(&wide_masses, &solved.masses, AGREES);
            theirs32.add(peer.solve("f32", TOLERANCE, u32::MAX).seconds);
            let solved = peer.solve("f64", 0.0, STEPS);
            theirs_steps.add(solved.seconds);
            agree(&fixed_masses, &solved.masses, FIXED_AGREES);
        }
    }
    let rate = |seconds: f64, steps: u32| narrow.entries() as f64 * f64::from(steps) / seconds / 1e6;
    println!("  {name}: {} nodes, {} edges, {steps} steps to {TOLERANCE:e}", graph.nodes, graph.weights.len());
    println!("    ours: build {built:.2} s; f32 {:.4} s ({:.0} M edges/s), f64 {:.4} s", f32s.0, rate(f32s.0, steps), f64s.0);
    println!("    ours: fixed point, {STEPS} steps {:.4} s ({:.0} M edges/s)", fixeds.0, rate(fixeds.0, STEPS));
    if let Some(peer) = &peer {
        let Best(seconds) = theirs;
        println!(
            "    {}: build {:.2} s; f64 {seconds:.4} s ({peer_steps} steps), f32 {:.4} s; {} entries, ours {} (what is reached)",
            peer.hello.version,
            peer.hello.build_seconds,
            theirs32.0,
            peer.hello.entries,
            narrow.entries()
        );
        ratio(goals, "f32, sums in f64, to scipy f64", theirs.0, f32s.0, wanted.f32);
        ratio(goals, "f64 to scipy f64", theirs.0, f64s.0, wanted.f64);
        ratio(goals, "fixed point to scipy f64, 32 steps each", theirs_steps.0, fixeds.0, wanted.fixed);
    }
    if graph.nodes >= 1_000_000 {
        ratio(goals, "two threads to one, f32", f32s.0, twos.0, 1.6);
    }
}

/// Run as a process of its own: builds and solves, and prints by how many bytes its peak rose over the arrays.
fn memory(folder: &Path, nodes: usize) -> std::io::Result<()> {
    let graph = Graph::read(folder, nodes)?;
    let before = peak();
    let csr = parts::<f32>(&graph);
    std::hint::black_box(float(&csr, 1));
    println!("{}", peak() - before);
    Ok(())
}

/// Peak resident bytes of this process (Linux).
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok()).map_or(f64::NAN, |kib| kib * 1_024.0)
}

fn show_memory(folder: &Path, graph: &Graph, goals: &mut Goals) -> std::io::Result<()> {
    let run = Command::new(std::env::current_exe()?).arg(MEMORY).arg(folder).arg(graph.nodes.to_string()).output()?;
    let bytes: f64 = String::from_utf8_lossy(&run.stdout).trim().parse().unwrap_or(f64::NAN);
    let limit = BYTES_AN_EDGE * graph.weights.len() as f64 + BYTES_A_NODE * graph.nodes as f64;
    let met = goals.met(bytes <= limit);
    let mib = |b: f64| b / f64::from(1 << 20);
    println!("    peak memory over the raw arrays, f32: {:.0} MiB, goal {:.0} MiB: {met}", mib(bytes), mib(limit));
    Ok(())
}

fn main() -> std::io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, folder, nodes] = &arguments[..]
        && command == MEMORY
    {
        return memory(Path::new(folder), nodes.parse().expect("a number of nodes")).map(|()| ExitCode::SUCCESS);
    }
    let mut goals = Goals::of("trust");
    let sizes = [(100_000, Wanted { f32: 1.7, f64: 1.7, fixed: 0.9 }), (1_000_000, Wanted { f32: 1.15, f64: 1.0, fixed: 0.9 })];
    for (kind, name) in [(Kind::Random, "random"), (Kind::Clustered, "clustered")] {
        for (nodes, wanted) in &sizes {
            let folder = tempfile::tempdir()?;
            let graph = Graph::new(kind, *nodes);
            graph.write(folder.path())?;
            compare(name, &graph, folder.path(), wanted, &mut goals);
            show_memory(folder.path(), &graph, &mut goals)?;
        }
    }
    Ok(goals.end())
}
