//! What every benchmark program says: on which machine it ran, and whether it met its goals.

use std::process::ExitCode;

/// Rounds of which the best counts, or the median.
pub(crate) const ROUNDS: usize = 7;
/// Set to 1, a goal that isn't met and a comparison that can't be made end the program with code 1.
const STRICT: &str = "WARMNET_BENCH_STRICT";

/// The goals of one program.
pub(crate) struct Goals {
    missed: bool,
}

impl Goals {
    /// Names the program and the machine.
    pub(crate) fn of(program: &str) -> Self {
        println!("{program}: {}", machine());
        Self { missed: false }
    }

    /// How a figure stands to its goal, in words.
    pub(crate) fn met(&mut self, met: bool) -> &'static str {
        self.missed |= !met;
        if met { "met" } else { "NOT MET" }
    }

    /// Something that can't be measured here.
    pub(crate) fn skipped(&mut self, why: &str) {
        self.missed = true;
        println!("SKIPPED: {why}");
    }

    /// How the program ends.
    pub(crate) fn end(self) -> ExitCode {
        let strict = std::env::var(STRICT).is_ok_and(|value| value == "1");
        if strict && self.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.trim_start().strip_prefix(':')).unwrap_or(" unknown").trim();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{} (family {}, model {}), {cores} cores", value("model name"), value("cpu family"), value("model"))
}
