//! `config` and `paths`.

use super::exit::CliError;
use super::out::{self, say};
use super::{Global, load_config};
use crate::config::{MailboxConfig, NodeConfig};
use clap::Subcommand;

/// Verbs of `config`.
#[derive(Subcommand)]
pub(super) enum ConfigVerb {
    /// Check node.toml and the mailbox files
    #[command(after_help = "Example:\n  warmnet-node config check")]
    Check,
    /// Print node.toml as it is understood, defaults included
    #[command(after_help = "Example:\n  warmnet-node config show --json")]
    Show,
    /// Print a commented example with every key
    #[command(after_help = "Example:\n  warmnet-node config example > node.toml")]
    Example,
}

pub(super) fn config(global: &Global, verb: ConfigVerb) -> Result<(), CliError> {
    let home = global.home();
    match verb {
        ConfigVerb::Example => out::text(format_args!("{}", NodeConfig::example())),
        ConfigVerb::Show => {
            let config = load_config(&home)?;
            if global.json {
                say!("{}", serde_json::json!(config));
            } else {
                out::text(format_args!("{}", toml::to_string_pretty(&config).unwrap_or_default()));
            }
        }
        ConfigVerb::Check => {
            load_config(&home)?;
            let mailboxes = MailboxConfig::load_all(&home.mailboxes())?;
            if global.json {
                say!("{}", serde_json::json!({"ok": true, "mailboxes": mailboxes.len()}));
            } else {
                say!("ok: node.toml and {} mailbox file(s)", mailboxes.len());
            }
        }
    }
    Ok(())
}

pub(super) fn paths(global: &Global) -> Result<(), CliError> {
    let home = global.home();
    let paths = [
        ("home", home.root().to_path_buf()),
        ("config", home.node_toml()),
        ("mailboxes", home.mailboxes()),
        ("secrets", home.secrets()),
        ("store", home.store()),
        ("control socket", home.control_socket()),
    ];
    if global.json {
        let map: serde_json::Map<_, _> = paths.iter().map(|(n, p)| ((*n).to_owned(), serde_json::json!(p))).collect();
        say!("{}", serde_json::Value::Object(map));
    } else {
        paths.iter().for_each(|(name, path)| say!("{name:<15} {}", path.display()));
    }
    Ok(())
}
