//! `warmnet-sim trust`.

use super::{Failure, INTERRUPTED};
use crate::trust::edges::{EdgeList, ReadError};
use crate::trust::golden;
use crate::trust::out::Out;
use crate::trust::solve::{Answer, MAX_STEPS, Question, RULES_STEPS, SolveError, Stop, Values, solve};
use crate::trust::write::write;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// Trust in any weighted graph.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  warmnet-sim trust edges.csv --golden golden.txt --out trust.csv\n  warmnet-sim trust edges.parquet --golden golden.txt --restart 0.15 --out trust.parquet --json\n  warmnet-sim trust edges.csv --golden golden.txt --values fixed --out trust.csv    as the rules do\n\nEDGES has columns source, target and weight; a CSV file names them in its first line. An id is any text, a weight 0 or more; edges between the same two add up. Each source gives in proportion to its weights; what nobody gets returns to the golden ids.\n\nTrustRank and PageRank count the damping: 0.85 of theirs is --restart 0.15. EigenTrust's alpha is --restart. Neither the order of the edges nor the number of threads changes the result."
)]
pub(super) struct Trust {
    /// Edges: CSV, or Parquet by the ending .parquet
    edges: PathBuf,
    /// Ids where trust begins: `id` or `id,weight` a line
    #[arg(long, value_name = "SEEDS")]
    golden: PathBuf,
    /// Part of the mass that returns to the golden ids at each step, 0.001 to 1
    #[arg(long, default_value_t = 0.3)]
    restart: f64,
    /// What masses are
    #[arg(long, value_enum, default_value = "f32")]
    values: Values,
    /// End when a step changes all masses together by less than this part of the total [default: 0.000001]
    #[arg(long, conflicts_with = "steps")]
    tolerance: Option<f64>,
    /// Do exactly so many steps [default with --values fixed: 32]
    #[arg(long)]
    steps: Option<u32>,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Result: id and trust, most trusted first; CSV, or Parquet by the ending .parquet
    #[arg(long)]
    out: PathBuf,
    /// Print the figures as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// Tolerance unless told otherwise.
const TOLERANCE: f64 = 1e-6;
/// Threads beyond this are a slip of the hand.
const MAX_THREADS: usize = 1_024;

/// What is printed.
#[derive(serde::Serialize)]
struct Figures {
    edges: usize,
    nodes: usize,
    golden: usize,
    /// Nodes that the golden ones reach.
    reached: usize,
    values: Values,
    restart: f64,
    threads: usize,
    steps: u32,
    change: f64,
    read_seconds: f64,
    build_seconds: f64,
    solve_seconds: f64,
    /// Of the whole process; only where the system tells.
    peak_mib: Option<f64>,
}

impl Trust {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let stop = self.stop()?;
        // Looked at first: that the result can't be kept is better known before the work.
        let out = Out::new(&self.out, &[&self.edges, &self.golden]).map_err(|e| self.unwritable(&e.into(), 2))?;
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let out = Arc::new(out);
        let to = out.clone();
        tokio::select! {
            biased;
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            done = tokio::task::spawn_blocking(move || self.work(stop, &to)) => return done?,
        }
        let _closed = out.give_up();
        // The work has no end of its own before it is done.
        std::process::exit(i32::from(INTERRUPTED))
    }

    fn work(&self, stop: Stop, out: &Out) -> anyhow::Result<ExitCode> {
        let start = Instant::now();
        let edges = EdgeList::read(&self.edges, &bar()).map_err(|e| unreadable(&self.edges, &e, "EDGES"))?;
        let golden = golden::read(&self.golden, &edges).map_err(|e| unreadable(&self.golden, &e, "--golden"))?;
        let read = start.elapsed();
        let question = Question { edges: &edges, golden: &golden, restart: self.restart, values: self.values, stop, threads: self.threads };
        let spinner = spinner();
        let answer = solve(&question, &spinner);
        spinner.finish_and_clear();
        let answer = answer.map_err(|e| unsolved(&e))?;
        out.write(|to| write(to, &self.out, &edges, &answer.trust)).map_err(|e| self.unwritable(&e, 1))?;
        let figures = self.figures(&edges, golden.len(), &answer, read);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&figures)?);
        } else {
            figures.print(&self.out);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn unwritable(&self, why: &anyhow::Error, code: u8) -> Failure {
        let fix = "make room or choose another --out".into();
        Failure { what: format!("{} can't be written", self.out.display()), why: format!("{why:#}"), fix, code }
    }

    fn stop(&self) -> Result<Stop, Failure> {
        let refuse = |what: &str, why: &str| Err(Failure::usage(what, why, "see `warmnet-sim trust --help`"));
        if !(0.001..=1.0).contains(&self.restart) {
            return refuse("--restart is out of range", "it is a part of the mass, from 0.001 to 1");
        }
        if !(1..=MAX_THREADS).contains(&self.threads) {
            return refuse("--threads is out of range", "it goes from 1 to 1,024");
        }
        match (self.steps, self.tolerance, self.values) {
            (Some(steps), ..) if (1..=MAX_STEPS).contains(&steps) => Ok(Stop::Steps(steps)),
            (Some(_), ..) => refuse("--steps is out of range", "it goes from 1 to 20,000"),
            (None, Some(tolerance), _) if tolerance > 0.0 => Ok(Stop::Below(tolerance)),
            (None, Some(_), _) => refuse("--tolerance is out of range", "it must be above 0"),
            (None, None, Values::Fixed) => Ok(Stop::Steps(RULES_STEPS)),
            (None, None, _) => Ok(Stop::Below(TOLERANCE)),
        }
    }

    fn figures(&self, edges: &EdgeList, golden: usize, answer: &Answer, read: Duration) -> Figures {
        Figures {
            edges: edges.weights.len(),
            nodes: edges.ids.len(),
            golden,
            reached: answer.reached,
            values: self.values,
            restart: self.restart,
            threads: self.threads,
            steps: answer.steps,
            change: answer.change,
            read_seconds: read.as_secs_f64(),
            build_seconds: answer.build.as_secs_f64(),
            solve_seconds: answer.solve.as_secs_f64(),
            peak_mib: peak_mib(),
        }
    }
}

impl Figures {
    fn print(&self, out: &Path) {
        println!("{} edges, {} nodes, {} golden; {} reached", self.edges, self.nodes, self.golden, self.reached);
        println!("{} steps, last change {:.1e}, {} thread(s)", self.steps, self.change, self.threads);
        println!("seconds: {:.3} reading, {:.3} building, {:.3} solving", self.read_seconds, self.build_seconds, self.solve_seconds);
        if let Some(mib) = self.peak_mib {
            println!("peak memory: {mib:.0} MiB");
        }
        println!("trust written to {}", out.display());
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("reading {wide_bar} {percent}% {eta}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn unreadable(path: &Path, error: &ReadError, role: &str) -> Failure {
    let fix = match error {
        ReadError::Io(_) => "check the path",
        ReadError::Parquet(_) => "only snappy, zstd and uncompressed Parquet is read; write it anew that way, or as CSV",
        _ => "correct the file; `warmnet-sim trust --help` says what is in it",
    };
    Failure::usage(format!("{} can't be used as {role}", path.display()), error.to_string(), fix)
}

fn unsolved(error: &SolveError) -> Failure {
    let failed = |what: &str, fix: &str| Failure { what: what.into(), why: error.to_string(), fix: fix.into(), code: 1 };
    match error {
        SolveError::Restless(_) => failed("the walk does not settle", "take a larger --tolerance, --values f64 or a number of --steps"),
        SolveError::NotANumber(_) => failed("the walk went wrong", "report this with the files it was given"),
        _ => Failure::usage("this can't be done in fixed point", error.to_string(), "take --values f64, or change the graph"),
    }
}

/// Peak resident memory of this process (Linux).
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib: f64 = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib / 1_024.0)
}
