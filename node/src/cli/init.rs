//! `init`: a home with an identity.

use super::Global;
use super::exit::{CliError, ExitCode};
use super::out::say;
use crate::config::{Home, NodeConfig, SecretsConfig, Unlock};
use crate::runtime::check_genesis;
use crate::secrets::{Secrets, random_seed};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options of `init`.
#[derive(Args)]
#[command(after_help = "\
Example:
  warmnet-node init --genesis genesis.bin --bootstrap /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...

The operator of a network gives out both: the genesis file and the address of its coordinator.")]
pub(super) struct InitArgs {
    /// The network's genesis file
    #[arg(long)]
    genesis: PathBuf,
    /// Multiaddress of a peer to begin with (repeatable)
    #[arg(long, required = true)]
    bootstrap: Vec<String>,
    /// Multiaddress to listen on (repeatable) [default: /ip4/0.0.0.0/tcp/4011]
    #[arg(long)]
    listen: Vec<String>,
    /// Dial loopback addresses: for a network on one machine
    #[arg(long)]
    allow_loopback: bool,
    /// How the secrets file is unlocked
    #[arg(long, value_enum, default_value = "key-file")]
    unlock: UnlockArg,
}

/// `--unlock`.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum UnlockArg {
    /// A key file that only you can read
    KeyFile,
    /// A passphrase, asked at every start
    Passphrase,
    /// The systemd credential `warmnet.key`
    Systemd,
}

impl From<UnlockArg> for Unlock {
    fn from(a: UnlockArg) -> Self {
        match a {
            UnlockArg::KeyFile => Self::KeyFile,
            UnlockArg::Passphrase => Self::Passphrase,
            UnlockArg::Systemd => Self::Systemd,
        }
    }
}

/// Creates the folder of a home, readable by its owner only.
///
/// # Errors
/// [`CliError`].
pub(super) fn create_folder(home: &Home) -> Result<(), CliError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(home.root());
    made.map_err(|e| {
        CliError::new(ExitCode::Error, format!("{} can't be created", home.root().display()))
            .why(e)
            .todo("check the path and its permissions")
    })
}

/// Writes a new file of a home.
///
/// # Errors
/// [`CliError`].
pub(super) fn write_new(path: &std::path::Path, bytes: &[u8]) -> Result<(), CliError> {
    std::fs::write(path, bytes).map_err(|e| CliError::new(ExitCode::Error, format!("{} can't be written", path.display())).why(e))
}

pub(super) fn init(global: &Global, args: InitArgs) -> Result<(), CliError> {
    let home = global.home();
    if home.node_toml().exists() {
        return Err(CliError::new(ExitCode::Usage, format!("{} holds a node already", home.root().display()))
            .todo("use it as it is, or name another folder with --home"));
    }
    let bytes = std::fs::read(&args.genesis).map_err(|e| {
        CliError::new(ExitCode::Usage, format!("{} can't be read", args.genesis.display()))
            .why(e)
            .todo("get the genesis file from the network's operator")
    })?;
    let summary = check_genesis(&bytes).map_err(|why| {
        CliError::new(ExitCode::Usage, format!("{} can't be used", args.genesis.display()))
            .why(why)
            .todo("get the genesis file from the network's operator")
    })?;
    let mut config = NodeConfig::default();
    config.network.bootstrap = args.bootstrap;
    config.network.allow_loopback = args.allow_loopback;
    if !args.listen.is_empty() {
        config.network.listen = args.listen;
    }
    config.secrets = SecretsConfig { unlock: args.unlock.into(), ..SecretsConfig::default() };
    config.check(&home.node_toml()).map_err(CliError::of_option)?;
    create_folder(&home)?;
    let mut secrets = Secrets::create(&home, &config.secrets)?;
    secrets.set_seed("identity", &*random_seed()?);
    secrets.save()?;
    write_new(&home.genesis(&config), &bytes)?;
    let text = toml::to_string_pretty(&config).map_err(|e| CliError::new(ExitCode::Error, "node.toml can't be written").why(e))?;
    let head = "# `warmnet-node config example` explains every key.\n\n";
    write_new(&home.node_toml(), format!("{head}{text}").as_bytes())?;
    let seed = secrets.identity()?;
    let node = warmnet_protocol::identity::NodeKey::from_seed(&seed).node_id();
    if global.json {
        say!(
            "{}",
            serde_json::json!({"home": home.root(), "node": node.to_hex(), "network": summary.name, "network_id": summary.network_hex})
        );
    } else {
        say!("created {} for network \"{}\"", home.root().display(), summary.name);
        say!("node    {}", node.to_hex());
        say!("next    warmnet-node mailbox add you@your.domain");
    }
    Ok(())
}
