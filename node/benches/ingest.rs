//! What a day of a large network costs one node, on one thread.
//!
//! | part | what is measured |
//! |---|---|
//! | `ingest/source.rs` | the network, made by a process of its own, so that memory is the node's alone |
//! | `ingest/bundles.rs` | gossip to disk, against bare `verify_strict` of the same messages |
//! | `ingest/day.rs` | one closed epoch to the next roster, stage by stage, and memory |
//! | `ingest/duplicates.rs` | a stream with 80 % duplicates, against a node that verifies first |
//!
//! Ratios of one run count, the absolute figures don't travel.

#[path = "ingest/bundles.rs"]
mod bundles;
#[path = "ingest/day.rs"]
mod day;
#[path = "ingest/duplicates.rs"]
mod duplicates;
#[path = "network/mod.rs"]
mod network;
#[path = "ingest/source.rs"]
mod source;

use source::Source;
use std::process::Command;

/// Members of the network.
const MEMBERS: u32 = 100_000;

fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("make") {
        return source::make(args.next().expect("a folder").as_ref());
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let program = std::env::current_exe().expect("this program's path");
    let made = Command::new(program).arg("make").arg(dir.path()).status().expect("this program runs");
    assert!(made.success(), "the network was not made");
    let source = Source::open(dir.path());
    let bundles::Ingested { engine, ingest, bare } = bundles::measure(&source, dir.path());
    let each = 1.0 / ingest + day::measure(engine.chain()) / f64::from(MEMBERS);
    println!("ingest and reconciling           {:>9.0} a second, {:.0} % of bare (goal 85)", 1.0 / each, 100.0 / (each * bare));
    drop(engine);
    duplicates::measure(&source, dir.path());
}

/// Peak resident memory of this process in MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}
