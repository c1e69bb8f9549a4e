//! Starts a network: emulator, coordinator, nodes.

use super::homes::{Builder, Ports, epoch_zero};
use super::layout::Layout;
use super::live::Live;
use super::options::Options;
use super::process::{Children, Programs, tail};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::process::Command;
use tokio::task::JoinSet;

/// Homes made at a time: more would only wait for the cores.
const AT_A_TIME: usize = 4;
/// Time for emulator and coordinator to come up, and for one batch of homes: epoch zero lies behind all of them.
const BASE_SECONDS: u64 = 6;
const BATCH_SECONDS: u64 = 2;
/// The emulator makes keys and certificates, the coordinator its store.
const READY: Duration = Duration::from_secs(60);
/// Between two looks for a file or socket.
const LOOK: Duration = Duration::from_millis(50);
/// A Unix socket's path fits into 107 bytes on Linux; `/coordinator/control.sock` is the longest end of ours.
const ROOT_BYTES: usize = 107 - 25;

/// A network that runs.
pub struct Started {
    /// Makes commands for its programs.
    pub builder: Builder,
    /// Start of epoch 0.
    pub epoch_zero_ms: u64,
}

/// Wall clock, ms since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn start_in(options: &Options) -> u64 {
    BASE_SECONDS + (options.members + options.golden).div_ceil(AT_A_TIME) as u64 * BATCH_SECONDS
}

/// Starts everything.
///
/// # Errors
/// A program can't be set up or ends at once.
pub async fn start(options: &Options, programs: Programs, layout: &Layout, children: &mut Children, live: &mut Live) -> Result<Started> {
    if layout.root.as_os_str().len() > ROOT_BYTES {
        bail!("{} is too long for sockets below it: at most {ROOT_BYTES} bytes, choose another --dir", layout.root.display());
    }
    std::fs::create_dir_all(layout.root.join("logs")).with_context(|| format!("{} can't be made", layout.root.display()))?;
    let zero = now_ms() + start_in(options) * 1_000;

    live.say("starting the mail-provider emulator");
    let ports = start_provider(options, &programs, layout, children, zero).await?;
    let builder = Builder { programs, layout: layout.clone(), ports, engagement: options.engagement };

    live.say(&format!("starting the coordinator with {} golden members", options.golden));
    let left = zero.saturating_sub(now_ms()).div_ceil(1_000);
    let bootstrap = builder.make_coordinator(options, left).await?;
    let epoch_zero_ms = epoch_zero(&layout.home("coordinator").join("genesis.json"))?;
    let mut command = builder.coordinator();
    command.arg("run");
    let control = layout.control("coordinator");
    children.spawn("coordinator", command, control.clone(), layout.log("coordinator")).await?;
    appears(&control, "the coordinator", children).await?;

    start_nodes(&builder, &bootstrap, children, live).await?;
    let described = children.describe(epoch_zero_ms, u64::from(options.epoch_seconds) * 1_000);
    std::fs::write(layout.root.join("processes.json"), serde_json::to_vec_pretty(&described)?)?;
    Ok(Started { builder, epoch_zero_ms })
}

async fn start_provider(options: &Options, programs: &Programs, layout: &Layout, children: &mut Children, zero: u64) -> Result<Ports> {
    let home = layout.home("provider");
    std::fs::create_dir_all(&home)?;
    let config = home.join("provider.json");
    let ready = home.join("ports.json");
    // An earlier run's file would name dead ports.
    match std::fs::remove_file(&ready) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e).context("an old ports.json can't be removed"),
        _ => {}
    }
    std::fs::write(&config, serde_json::to_vec_pretty(&layout.provider_config(options, zero))?)?;
    let mut command = Command::new(&programs.sim);
    command.args(["provider", "--config"]).arg(&config);
    if let Some(faults) = &options.faults {
        command.arg("--faults").arg(faults);
    }
    children.spawn("provider", command, layout.control("provider"), layout.log("provider")).await?;
    appears(&ready, "the emulator", children).await?;
    serde_json::from_slice(&std::fs::read(&ready)?).context("ports.json can't be read")
}

async fn start_nodes(builder: &Builder, bootstrap: &str, children: &mut Children, live: &mut Live) -> Result<()> {
    let members = builder.layout.members.clone();
    let total = members.len();
    let mut waiting = members.into_iter();
    let mut making: JoinSet<Result<String>> = JoinSet::new();
    let mut started = 0;
    loop {
        while making.len() < AT_A_TIME {
            let Some(member) = waiting.next() else { break };
            let (builder, bootstrap) = (builder.clone(), bootstrap.to_owned());
            making.spawn(async move {
                builder.make_node(&member, &bootstrap).await?;
                Ok(member.name)
            });
        }
        let Some(made) = making.join_next().await else { return Ok(()) };
        let name = made??;
        let mut command = builder.node(&name);
        command.arg("run");
        children.spawn(&name, command, builder.layout.control(&name), builder.layout.log(&name)).await?;
        started += 1;
        live.progress(&format!("started {started}/{total} nodes"));
    }
}

/// Waits until `path` exists.
async fn appears(path: &Path, what: &str, children: &mut Children) -> Result<()> {
    let wait = async {
        while !path.exists() {
            if let Some((name, how)) = children.ended().await.into_iter().next() {
                bail!("{name} ended while it started: {how}");
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    };
    match tokio::time::timeout(READY, wait).await {
        Ok(done) => done,
        Err(_) => {
            let log = path.parent().and_then(|home| Some(home.parent()?.join("logs").join(format!("{}.log", home.file_name()?.to_str()?))));
            bail!("{what} was not ready within {READY:?}{}", log.map(|l| tail(&l)).unwrap_or_default())
        }
    }
}
