//! `key`: the online issuing key, and a new one by the root key.

use super::opened::Opened;
use super::print_json;
use crate::authority::keys::renew;
use crate::config;
use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::json;
use std::path::PathBuf;
use warmnet_node::cli::{CliError, ExitCode};
use warmnet_node::config::{Home, SecretsConfig, Unlock};
use warmnet_node::control::HomeLock;
use warmnet_node::runtime::clock;
use warmnet_node::secrets::{Secrets, random_seed};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::epoch_record::IssuingKey;
use warmnet_protocol::wire::genesis::Genesis;

/// `key`.
#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// The issuing key's certificate: which epochs it may sign.
    #[command(after_help = "Example:\n  warmnet-coordinator key show --json")]
    Show,
    /// Certify a new issuing key with the root key: before the old one ends, when it was stolen, or when records contradict each other.
    /// The coordinator must not run meanwhile; the old key signs nothing any more that nodes believe.
    #[command(
        after_help = "Examples:\n  warmnet-coordinator key renew\n  warmnet-coordinator key renew --root /media/stick/root.age --root-key /media/stick/root.key"
    )]
    Renew(RenewArgs),
}

/// Where the root key is.
#[derive(Args)]
pub(super) struct RenewArgs {
    /// The root key's file [default: root.age in the home]
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// The key file that unlocks it [default: root.key in the home]
    #[arg(long, value_name = "FILE", conflicts_with = "root_passphrase")]
    root_key: Option<PathBuf>,
    /// It is unlocked by a passphrase instead; you are asked for it.
    #[arg(long)]
    root_passphrase: bool,
}

pub(super) fn key(home: &Home, command: &KeyCommand, json: bool) -> Result<(), CliError> {
    let settings = config::load(home)?;
    // A running coordinator would go on with the old key.
    let _lock = match command {
        KeyCommand::Show => None,
        KeyCommand::Renew(_) => Some(HomeLock::take(home)?),
    };
    let Opened { genesis, mut secrets, keys } = Opened::at(home, &settings)?;
    let certificate = match command {
        KeyCommand::Show => keys.certified,
        KeyCommand::Renew(args) => renewed(home, args, &genesis, &keys.certified, &mut secrets)?,
    };
    if json {
        return print_json(&json!({
            "key": certificate.key, "from": certificate.from, "until": certificate.until, "serial": certificate.serial,
        }));
    }
    println!("key     {}", certificate.key);
    println!("epochs  {} to {}", certificate.from, certificate.until);
    println!("serial  {}", certificate.serial);
    if matches!(command, KeyCommand::Renew(_)) {
        println!("\nNext: take the root key's files offline again, then warmnet-coordinator run");
    }
    Ok(())
}

fn renewed(home: &Home, args: &RenewArgs, genesis: &Genesis, before: &IssuingKey, secrets: &mut Secrets) -> Result<IssuingKey, CliError> {
    let file = args.root.clone().unwrap_or_else(|| home.join("root.age"));
    let unlock = if args.root_passphrase { Unlock::Passphrase } else { Unlock::KeyFile };
    let key_file = args.root_key.clone().unwrap_or_else(|| "root.key".into());
    let root = Secrets::open_at(&file, home, &SecretsConfig { unlock, key_file })?.seed("root")?;
    let now = genesis.clock.epoch_at(clock::now()).unwrap_or(Epoch(0));
    let renewed = renew(genesis, &root, before, &random_seed()?, now).map_err(|e| {
        CliError::new(ExitCode::Usage, "no key was certified").why(e).todo("say with --root where this network's root key is")
    })?;
    for (name, value) in &renewed.secrets {
        secrets.set(name, &SecretString::from(value.as_str()));
    }
    secrets.save()?;
    Ok(renewed.certificate)
}
