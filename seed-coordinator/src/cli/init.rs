//! `init`: found a network.

use super::print_json;
use crate::authority::keys::found;
use crate::config::{self, CoordinatorConfig, DEFAULT_LISTEN};
use crate::durable;
use clap::Args;
use serde_json::json;
use std::fs;
use std::path::Path;
use warmnet_node::cli::{CliError, ExitCode};
use warmnet_node::config::{Home, SecretsConfig, Unlock};
use warmnet_node::p2p::peer_text;
use warmnet_node::runtime::clock;
use warmnet_node::secrets::{Secrets, random_seed};
use warmnet_protocol::time::Clock;

/// Seconds of a day: epochs are UTC days unless it is a rehearsal.
const DAY_SECONDS: u64 = 86_400;
/// Seconds until a rehearsal begins, time to start its nodes.
const REHEARSAL_START: u64 = 30;

/// Arguments of `init`.
#[derive(Args)]
pub(super) struct InitArgs {
    /// The network's name, up to 64 bytes.
    #[arg(long)]
    name: String,
    /// Seconds in an epoch; anything but a day is a rehearsal.
    #[arg(long, default_value_t = DAY_SECONDS, value_parser = clap::value_parser!(u64).range(1..=DAY_SECONDS))]
    epoch_seconds: u64,
    /// Seconds until epoch 0 begins; by default the next UTC midnight (30 in a rehearsal).
    #[arg(long, value_name = "SECONDS")]
    start_in: Option<u64>,
    /// Where nodes reach this coordinator.
    #[arg(long, value_name = "MULTIADDR", default_value = DEFAULT_LISTEN)]
    listen: Vec<String>,
    /// Dial loopback and private addresses: for a network on one machine.
    #[arg(long)]
    allow_loopback: bool,
    /// How the secrets are unlocked at each start.
    #[arg(long, value_name = "HOW", default_value = "key-file", value_parser = ["key-file", "passphrase"])]
    unlock: String,
    /// How the root key's file is unlocked.
    #[arg(long, value_name = "HOW", default_value = "key-file", value_parser = ["key-file", "passphrase"])]
    root_unlock: String,
}

fn unlock(text: &str, key_file: &str) -> SecretsConfig {
    let unlock = if text == "passphrase" { Unlock::Passphrase } else { Unlock::KeyFile };
    SecretsConfig { unlock, key_file: key_file.into() }
}

pub(super) fn init(home: &Home, args: &InitArgs, json: bool) -> Result<(), CliError> {
    let failed =
        |what: &str, e: &dyn std::fmt::Display| CliError::new(ExitCode::Error, what).why(e).todo("check the folder and its permissions");
    if args.name.is_empty() || args.name.len() > 64 {
        return Err(CliError::new(ExitCode::Usage, "the name does not fit").why("it has 1 to 64 bytes").todo("choose another name"));
    }
    if home.join("genesis.bin").exists() || config::path(home).exists() {
        let why = format!("{} holds a network already", home.root().display());
        let todo = "choose another --home; a network's keys are never overwritten";
        return Err(CliError::new(ExitCode::Usage, "nothing was created").why(why).todo(todo));
    }
    private_folder(home.root()).map_err(|e| failed("the home can't be created", &e))?;
    let settings =
        CoordinatorConfig { name: args.name.clone(), secrets: unlock(&args.unlock, "secrets.key"), ..CoordinatorConfig::default() };
    let mut settings = settings;
    settings.network.listen = args.listen.clone();
    settings.network.allow_loopback = args.allow_loopback;

    let founded = found(&args.name, epochs(args), random_seed)?;
    let mut root = Secrets::create_at(&home.join("root.age"), home, &unlock(&args.root_unlock, "root.key"))?;
    root.set_seed("root", &founded.root);
    root.save()?;
    let mut secrets = Secrets::create(home, &settings.secrets)?;
    secrets.set_seed("identity", &founded.node);
    for (name, value) in &founded.secrets {
        secrets.set(name, &secrecy::SecretString::from(value.as_str()));
    }
    secrets.save()?;
    let text = settings.text().map_err(|e| failed("the configuration can't be written", &e))?;
    durable::replace(&config::path(home), text.as_bytes()).map_err(|e| failed("the configuration can't be written", &e))?;
    let readable = serde_json::to_vec_pretty(&founded.genesis).map_err(|e| failed("the genesis can't be written", &e))?;
    durable::replace(&home.join("genesis.json"), &readable).map_err(|e| failed("the genesis can't be written", &e))?;
    // Last: a home with a genesis is a whole one.
    durable::replace(&home.join("genesis.bin"), &founded.genesis.encode()).map_err(|e| failed("the genesis can't be written", &e))?;

    let genesis = &founded.genesis;
    let peer = peer_text(&genesis.coordinator.0).map_err(|e| failed("the node key can't be shown", &e))?;
    let bootstrap: Vec<String> = args.listen.iter().map(|l| format!("{}/p2p/{peer}", l.trim_end_matches('/'))).collect();
    if json {
        return print_json(&json!({
            "home": home.root(), "name": genesis.name, "network": genesis.network_id(), "node": genesis.coordinator, "peer": peer,
            "bootstrap": bootstrap, "genesis": home.join("genesis.bin"),
            "epoch_zero_ms": genesis.clock.epoch_zero_ms, "epoch_ms": genesis.clock.epoch_ms,
        }));
    }
    println!("network   {} ({})", genesis.network_id(), genesis.name);
    println!("node      {}", genesis.coordinator);
    for address in &bootstrap {
        println!("bootstrap {address}");
    }
    if bootstrap.iter().any(|b| b.contains("/0.0.0.0/")) {
        println!("          (put the address that nodes reach in place of 0.0.0.0)");
    }
    println!("genesis   {}", home.join("genesis.bin").display());
    println!();
    println!("Keep {} and its key offline: whoever holds the root key holds the network.", home.join("root.age").display());
    println!("Next: warmnet-coordinator golden add ADDRESS ..., then warmnet-coordinator run");
    Ok(())
}

fn epochs(args: &InitArgs) -> Clock {
    let now = clock::now().0;
    let day = i64::try_from(DAY_SECONDS * 1_000).unwrap_or(i64::MAX);
    let after = |seconds: u64| now.saturating_add(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX));
    let epoch_zero_ms = match args.start_in {
        Some(seconds) => after(seconds),
        None if args.epoch_seconds == DAY_SECONDS => (now.div_euclid(day) + 1) * day,
        None => after(REHEARSAL_START),
    };
    Clock { epoch_zero_ms, epoch_ms: args.epoch_seconds * 1_000 }
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}
