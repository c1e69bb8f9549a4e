//! The trust kernel beside scipy's sparse product, on the same arrays.
//!
//! Ratios of one run on one machine: ours and the peer take turns, best of 7 rounds each, one thread unless said. Solving is
//! timed, not building: like the peer's matrix, our rows and shares stand before. Times are of the wall clock, so a busy
//! machine moves the figures; what both do in turns it moves alike.

#[path = "trust/graphs.rs"]
mod graphs;
#[path = "trust/peer.rs"]
mod peer;

use graphs::{Graph, Kind};
use peer::{Peer, SAMPLE};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use warmnet_protocol::trust::csr::{Csr, Edge};
use warmnet_protocol::trust::fixed::Fixed;
use warmnet_protocol::trust::kernel::{Arithmetic, Walk};
use warmnet_sim::trust::float::{Float, Real};
use warmnet_sim::trust::threads;

const ROUNDS: u32 = 7;
const RESTART_PERMILLE: u32 = 150;
const RESTART: f64 = RESTART_PERMILLE as f64 / 1_000.0;
const TOLERANCE: f64 = 1e-6;
const STEPS: u32 = 32;
const TOTAL: u64 = 1 << 60;
/// Weights in fixed point: 1 is 2^16 units.
const UNITS: f64 = 65_536.0;
/// Our answer and the peer's may differ by so much of all mass: both stop within 1e-6 of theirs, f32 rounds.
const AGREES: f64 = 1e-5;
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

fn rows<W: Copy + Default + PartialOrd>(graph: &Graph, weight: impl Fn(f64) -> W) -> Csr<W> {
    let edges = || graph.sources.iter().zip(&graph.targets).zip(&graph.weights);
    Csr::new(graph.nodes, &graph.golden, || edges().map(|((s, t), w)| Edge { source: *s, target: *t, weight: weight(*w) }))
}

/// Steps until `done`, timed; the masses are every `SAMPLE`-th.
fn time<A>(arithmetic: A, csr: &Csr<A::Weight>, threads: usize, done: impl Fn(u32, A::Sum) -> bool) -> (f64, u32, Vec<A::Mass>)
where
    A: Arithmetic<Weight: Sync, Mass: Send + Sync, Share: Sync, Sum: Send> + Sync,
{
    let mut walk = Walk::new(arithmetic, csr);
    let start = Instant::now();
    let mut steps = 1;
    while !done(steps, walk.step(|blocks| threads::run(threads, blocks))) {
        steps += 1;
    }
    let masses = walk.masses();
    (start.elapsed().as_secs_f64(), steps, masses.into_iter().step_by(SAMPLE).collect())
}

fn float<T: Real>(csr: &Csr<T>, threads: usize) -> (f64, u32, Vec<f64>) {
    let (seconds, steps, masses) = time(Float::<T>::new(RESTART, &vec![1.0; csr.roots()]), csr, threads, |_, change| change < TOLERANCE);
    (seconds, steps, masses.into_iter().map(T::wide).collect())
}

fn fixed(csr: &Csr<u32>, dealt: &[u64]) -> (f64, Vec<f64>) {
    let arithmetic = Fixed::new(RESTART_PERMILLE, TOTAL, csr.roots(), dealt);
    let (seconds, _, masses) = time(arithmetic, csr, 1, |steps, _| steps == STEPS);
    (seconds, masses.into_iter().map(|m| m as f64 / TOTAL as f64).collect())
}

fn agree(ours: &[f64], theirs: &[f64]) {
    let gap: f64 = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).sum();
    assert!(ours.len() == theirs.len() && gap < AGREES, "the answers differ by {gap}");
}

fn ratio(what: &str, theirs: f64, ours: f64, goal: f64) {
    let met = if theirs / ours >= goal { "met" } else { "NOT MET" };
    println!("    {what:<46} {:>6.2}x, goal {goal:.2}x: {met}", theirs / ours);
}

/// What a graph is to reach: f32 and f64 against scipy f64, fixed point against scipy f64 doing as many steps.
struct Goals {
    f32: f64,
    f64: f64,
    fixed: f64,
}

fn compare(name: &str, graph: &Graph, folder: &Path, goals: &Goals) {
    let start = Instant::now();
    let narrow = rows(graph, |w| w as f32);
    let built = start.elapsed().as_secs_f64();
    let wide = rows(graph, |w| w);
    let units = rows(graph, |w| (w * UNITS).ceil() as u32);
    let dealt = vec![0; graph.nodes];
    let mut peer = Peer::start(folder, graph.nodes, 1.0 - RESTART);
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
            agree(&narrow_masses, &solved.sample);
            agree(&wide_masses, &solved.sample);
            theirs32.add(peer.solve("f32", TOLERANCE, u32::MAX).seconds);
            let solved = peer.solve("f64", 0.0, STEPS);
            theirs_steps.add(solved.seconds);
            // Weights of 16 bits are another graph, by their rounding: as near as that.
            let gap: f64 = fixed_masses.iter().zip(&solved.sample).map(|(a, b)| (a - b).abs()).sum();
            assert!(gap < 1e-3, "fixed point differs by {gap}");
        }
    }
    let rate = |seconds: f64, steps: u32| narrow.entries() as f64 * f64::from(steps) / seconds / 1e6;
    println!("  {name}: {} nodes, {} edges, {steps} steps to {TOLERANCE:e}", graph.nodes, graph.weights.len());
    println!("    ours: build {built:.2} s; f32 {:.4} s ({:.0} M edges/s), f64 {:.4} s", f32s.0, rate(f32s.0, steps), f64s.0);
    println!("    ours: fixed point, {STEPS} steps {:.4} s ({:.0} M edges/s)", fixeds.0, rate(fixeds.0, STEPS));
    if let Some(peer) = &peer {
        let Best(seconds) = theirs;
        println!(
            "    {}: build {:.2} s; f64 {seconds:.4} s ({peer_steps} steps), f32 {:.4} s",
            peer.hello.version, peer.hello.build_seconds, theirs32.0
        );
        ratio("f32, sums in f64, to scipy f64", theirs.0, f32s.0, goals.f32);
        ratio("f64 to scipy f64", theirs.0, f64s.0, goals.f64);
        ratio("fixed point to scipy f64, 32 steps each", theirs_steps.0, fixeds.0, goals.fixed);
    }
    if graph.nodes >= 1_000_000 {
        ratio("two threads to one, f32", f32s.0, twos.0, 1.6);
    }
}

/// Run as a process of its own: builds and solves, and prints by how many bytes its peak rose over the arrays.
fn memory(folder: &Path, nodes: usize) -> std::io::Result<()> {
    let graph = Graph::read(folder, nodes)?;
    let before = peak();
    let csr = rows(&graph, |w| w as f32);
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

fn show_memory(folder: &Path, graph: &Graph) -> std::io::Result<()> {
    let run = Command::new(std::env::current_exe()?).arg(MEMORY).arg(folder).arg(graph.nodes.to_string()).output()?;
    let bytes: f64 = String::from_utf8_lossy(&run.stdout).trim().parse().unwrap_or(f64::NAN);
    let limit = BYTES_AN_EDGE * graph.weights.len() as f64 + BYTES_A_NODE * graph.nodes as f64;
    let met = if bytes <= limit { "met" } else { "NOT MET" };
    let mib = |b: f64| b / f64::from(1 << 20);
    println!("    peak memory over the raw arrays, f32: {:.0} MiB, goal {:.0} MiB: {met}", mib(bytes), mib(limit));
    Ok(())
}

fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|l| l.strip_prefix("model name")).map_or("unknown", |l| l.trim_start_matches([' ', '\t', ':']));
    let family = |name: &str| text.lines().find(|l| l.starts_with(name)).and_then(|l| l.split(':').nth(1)).unwrap_or("").trim().to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model} (family {}, model {}), {cores} cores", family("cpu family"), family("model\t"))
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, folder, nodes] = &arguments[..]
        && command == MEMORY
    {
        return memory(Path::new(folder), nodes.parse().expect("a number of nodes"));
    }
    println!("trust: {}", machine());
    for (kind, name) in [(Kind::Random, "random"), (Kind::Clustered, "clustered")] {
        for (nodes, goals) in [(100_000, Goals { f32: 1.7, f64: 1.7, fixed: 0.9 }), (1_000_000, Goals { f32: 1.15, f64: 1.0, fixed: 0.9 })]
        {
            let folder = tempfile::tempdir()?;
            let graph = Graph::new(kind, nodes);
            graph.write(folder.path())?;
            compare(name, &graph, folder.path(), &goals);
            show_memory(folder.path(), &graph)?;
        }
    }
    Ok(())
}
