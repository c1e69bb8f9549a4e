//! A run from start to report.

use super::drive::Drive;
use super::layout::Layout;
use super::live::Live;
use super::options::Options;
use super::process::{Children, Programs};
use super::start::start;
use crate::report::summary::{Summary, summarise};
use crate::report::{checks, plots, table};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All checks hold.
    Passed,
    /// A check failed.
    Failed,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

/// Where the homes are: removed at the end unless somebody wants to look at them.
enum Root {
    Given(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Root {
    fn new(dir: Option<&Path>) -> Result<Self> {
        match dir {
            Some(dir) => {
                std::fs::create_dir_all(dir).with_context(|| format!("{} can't be made", dir.display()))?;
                Ok(Self::Given(std::path::absolute(dir)?))
            }
            None => Ok(Self::Temporary(tempfile::Builder::new().prefix("warmnet-").tempdir().context("no temporary folder can be made")?)),
        }
    }
    fn path(&self) -> PathBuf {
        match self {
            Self::Given(path) => path.clone(),
            Self::Temporary(dir) => dir.path().to_owned(),
        }
    }
    /// Keeps or removes what is temporary; a given folder always stays.
    fn end(self, keep: bool) {
        match self {
            Self::Temporary(dir) if keep => drop(dir.keep()),
            Self::Temporary(_) | Self::Given(_) => {}
        }
    }
}

/// Starts a network, plays it, reports, stops it.
///
/// # Errors
/// A program can't be found, set up or started, the emulator ended early, or the report can't be written. The
/// homes are kept and their folder is named.
pub async fn run(options: &Options) -> Result<Ended> {
    let programs = Programs::find(options.bin_dir.as_deref())?;
    let root = Root::new(options.dir.as_deref())?;
    let path = root.path();
    let mut children = Children::new(&programs)?;
    let mut live = Live::new(options.json);
    let outcome = tokio::select! {
        done = play(options, programs, &path, &mut children, &mut live) => done,
        signalled = interrupted() => signalled.map(|()| Ended::Interrupted),
    };
    live.finish();
    if matches!(outcome, Ok(Ended::Interrupted)) {
        live.say("stopping");
    }
    children.stop().await;
    let keep = options.keep_running || !matches!(outcome, Ok(Ended::Passed));
    if keep || options.dir.is_some() {
        live.say(&format!("homes and logs are in {}", path.display()));
    }
    root.end(keep);
    outcome
}

async fn interrupted() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => Ok(done?),
        _ = terminate.recv() => Ok(()),
    }
}

async fn play(options: &Options, programs: Programs, root: &Path, children: &mut Children, live: &mut Live) -> Result<Ended> {
    let began = Instant::now();
    let layout = Layout::new(options, root);
    let started = start(options, programs, &layout, children, live).await?;
    let mut drive = Drive::new(options, &started.builder, live, started.epoch_zero_ms);
    drive.run(children).await?;
    let summary = summarise(&drive.seen, &options.run(), drive.listed, &drive.events, began.elapsed().as_secs_f64());
    live.finish();
    let ended = report(options, &summary, live)?;
    if options.keep_running {
        live.say(&format!(
            "still running; look with `WARMNET_HOME={} warmnet-node status`, stop with Ctrl-C",
            layout.home(&layout.members[0].name).display()
        ));
        interrupted().await?;
    }
    Ok(ended)
}

fn report(options: &Options, summary: &Summary, live: &mut Live) -> Result<Ended> {
    let list = checks::checks(summary);
    live.say(&table::summary(summary, &list));
    if let Some(out) = &options.out {
        std::fs::create_dir_all(out).with_context(|| format!("{} can't be made", out.display()))?;
        let file = out.join("summary.json");
        std::fs::write(&file, serde_json::to_vec_pretty(summary)?).with_context(|| format!("{} can't be written", file.display()))?;
        let written = plots::write(summary, out)?;
        let names: Vec<String> = std::iter::once(&file).chain(&written).map(|p| p.display().to_string()).collect();
        live.say(&format!("wrote {}", names.join(", ")));
    }
    if options.json {
        println!("{}", serde_json::to_string(summary)?);
    }
    Ok(if checks::all_pass(&list) { Ended::Passed } else { Ended::Failed })
}
