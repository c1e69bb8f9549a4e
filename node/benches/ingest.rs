//! What a day of a large network costs one node, on one thread.
//!
//! | part | what is measured |
//! |---|---|
//! | `ingest/source.rs` | the network, made by a process of its own, so that memory is the node's alone |
//! | `ingest/bundles.rs` | gossip to disk, against bare `verify_strict` of the same messages, with keys ready and from bytes |
//! | `ingest/day.rs` | one closed epoch to the next roster, stage by stage, and memory |
//! | `ingest/duplicates.rs` | a stream with 80 % duplicates, against a node that verifies first and writes as many at once |
//!
//! Ratios of one run count, the absolute figures don't travel.

#[path = "ingest/bundles.rs"]
mod bundles;
#[path = "ingest/day.rs"]
mod day;
#[path = "ingest/duplicates.rs"]
mod duplicates;
#[path = "goals/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod goals;
#[path = "network/mod.rs"]
mod network;
#[path = "ingest/source.rs"]
mod source;

use goals::Goals;
use source::Source;
use std::process::{Command, ExitCode};

/// Members of the network.
const MEMBERS: u32 = 100_000;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("make") {
        source::make(args.next().expect("a folder").as_ref());
        return ExitCode::SUCCESS;
    }
    let mut goals = Goals::of("ingest");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let program = std::env::current_exe().expect("this program's path");
    let made = Command::new(program).arg("make").arg(dir.path()).status().expect("this program runs");
    assert!(made.success(), "the network was not made");
    let source = Source::open(dir.path());
    let bundles::Ingested { engine, ingest, ready, from_bytes } = bundles::measure(&source, dir.path());
    let each = 1.0 / ingest + day::measure(engine.chain()) / f64::from(MEMBERS);
    let part = 1.0 / (each * ready);
    println!(
        "ingest and reconciling           {:>9.0} a second, {:.0} % of bare with keys ready (goal 85: {}), {:.0} % from bytes",
        1.0 / each,
        100.0 * part,
        goals.met(part >= 0.85),
        100.0 / (each * from_bytes)
    );
    drop(engine);
    duplicates::measure(&source, dir.path(), &mut goals);
    goals.end()
}

/// Peak resident memory of this process in MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}
