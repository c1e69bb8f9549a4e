//! The command line of `warmnet-node`; its pieces serve the coordinator too.

mod audit;
mod config;
mod content;
mod doctor;
pub mod exit;
mod explain;
mod export;
mod external;
mod init;
mod leave;
pub mod mailbox;
mod out;
mod run;
mod show;
mod switches;

pub use exit::{CliError, ExitCode};
use out::say;

use crate::config::{Home, NodeConfig};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A node of a Warmnet network: it warms the mailboxes you host with consenting partners.
#[derive(Parser)]
#[command(
    name = "warmnet-node",
    version,
    about,
    after_help = "\
Examples:
  warmnet-node init --genesis genesis.bin --bootstrap /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...
  warmnet-node mailbox add me@example.org
  warmnet-node doctor
  warmnet-node run
  warmnet-node status --watch

Exit codes: 0 ok, 1 error, 2 usage or config, 3 a check failed, 4 locked by a running node,
5 sign-in refused, 6 network or TLS, 7 store."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Options of every verb.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// The node's folder [default: ~/.local/share/warmnet]
    #[arg(long, global = true, env = "WARMNET_HOME")]
    pub home: Option<PathBuf>,
    /// Print data (and errors) as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Create a home with a new identity
    Init(init::InitArgs),
    /// Add, list or test the mailboxes of this node
    #[command(subcommand)]
    Mailbox(mailbox::MailboxVerb),
    /// Run the node until Ctrl-C
    #[command(after_help = "Example:\n  warmnet-node --home /srv/warmnet run")]
    Run,
    /// Show what the running node does
    #[command(after_help = "Examples:\n  warmnet-node status --watch\n  warmnet-node status --json")]
    Status(show::StatusArgs),
    /// Show a score with its components
    #[command(after_help = "Examples:\n  warmnet-node score --json\n  warmnet-node score explain me@example.org")]
    Score(show::ScoreArgs),
    /// Show what the rules make of a member: pool, quota, debt, credits, allowance
    #[command(subcommand)]
    Policy(explain::PolicyVerb),
    /// Compute the coordinator's records and rosters again and compare
    #[command(after_help = audit::HELP)]
    Audit(audit::AuditArgs),
    /// Show connected peers
    #[command(after_help = "Example:\n  warmnet-node peers --json")]
    Peers,
    /// Send and answer nothing for a while
    #[command(after_help = "Examples:\n  warmnet-node pause\n  warmnet-node pause me@example.org --for 3d")]
    Pause(switches::PauseArgs),
    /// End a pause
    #[command(after_help = "Example:\n  warmnet-node resume me@example.org")]
    Resume {
        /// Only this mailbox [default: all]
        address: Option<String>,
    },
    /// Leave the network with a mailbox, for good
    #[command(after_help = leave::HELP)]
    Leave(leave::LeaveArgs),
    /// Write everything this node keeps about you into a new folder
    #[command(after_help = export::HELP)]
    Export {
        /// The folder
        folder: PathBuf,
    },
    /// Show or take back what the node may do
    #[command(subcommand)]
    Consent(switches::ConsentVerb),
    /// Report your own (external) mail
    #[command(subcommand)]
    External(external::ExternalVerb),
    /// Look at the texts of warming mails, or check them
    #[command(subcommand)]
    Content(content::ContentVerb),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(config::ConfigVerb),
    /// Check everything and say what to do
    Doctor(doctor::DoctorArgs),
    /// Show where everything is
    #[command(after_help = "Example:\n  warmnet-node --home /srv/warmnet paths")]
    Paths,
    /// Show the version
    Version,
    /// Print a completion script
    #[command(after_help = "Example:\n  warmnet-node completions bash > ~/.local/share/bash-completion/completions/warmnet-node")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

impl Global {
    /// The home the flag, the environment or the default names.
    #[must_use]
    pub fn home(&self) -> Home {
        Home::resolve(self.home.as_deref(), "WARMNET_HOME", "warmnet")
    }
}

/// Loads node.toml of a home.
///
/// # Errors
/// [`CliError`] with exit code 2.
pub fn load_config(home: &Home) -> Result<NodeConfig, CliError> {
    if !home.node_toml().exists() {
        return Err(CliError::new(ExitCode::Usage, format!("there is no node in {}", home.root().display()))
            .why("node.toml is missing")
            .todo("run `warmnet-node init`, or name another folder with --home"));
    }
    NodeConfig::load(&home.node_toml()).map_err(CliError::from)
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => e.exit(),
    };
    let json = cli.global.json;
    match dispatch(cli) {
        Ok(()) => ExitCode::Ok.into(),
        Err(error) => error.report(json),
    }
}

fn dispatch(cli: Cli) -> Result<(), CliError> {
    let global = &cli.global;
    match cli.verb {
        Verb::Init(args) => init::init(global, args),
        Verb::Mailbox(verb) => mailbox::mailbox(global, verb),
        Verb::Run => run::run(global),
        Verb::Status(args) => show::status(global, args),
        Verb::Score(args) => show::score(global, args),
        Verb::Policy(verb) => explain::policy(global, verb),
        Verb::Audit(args) => audit::audit(global, &args),
        Verb::Peers => show::peers(global),
        Verb::Pause(args) => switches::pause(global, &args),
        Verb::Resume { address } => switches::resume(global, address.as_deref()),
        Verb::Leave(args) => leave::leave(global, &args),
        Verb::Export { folder } => export::export(global, &folder),
        Verb::Consent(verb) => switches::consent(global, verb),
        Verb::External(verb) => external::external(global, verb),
        Verb::Content(verb) => content::content(global, verb),
        Verb::Config(verb) => config::config(global, verb),
        Verb::Doctor(args) => doctor::doctor(global, args),
        Verb::Paths => config::paths(global),
        Verb::Version => {
            if global.json {
                say!("{}", serde_json::json!({"version": env!("CARGO_PKG_VERSION")}));
            } else {
                say!("warmnet-node {}", env!("CARGO_PKG_VERSION"));
            }
            Ok(())
        }
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut <Cli as clap::CommandFactory>::command(), "warmnet-node", &mut std::io::stdout());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_tree_is_sound_and_every_verb_has_an_example() {
        let mut tree = Cli::command();
        tree.clone().debug_assert();
        tree.build();
        let mut open = vec![&tree];
        while let Some(verb) = open.pop() {
            if verb.has_subcommands() {
                open.extend(verb.get_subcommands().filter(|v| !["help", "version"].contains(&v.get_name())));
            } else {
                let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("warmnet-node "), "{}", verb.get_name());
            }
        }
    }
}
