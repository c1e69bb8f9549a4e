//! The command line.

mod ask;
mod golden;
mod init;
mod key;
mod opened;
mod params;
mod run;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;
use warmnet_node::cli::{CliError, ExitCode};
use warmnet_node::config::Home;

/// The authority of one Warmnet network: it enrols mailboxes, publishes an epoch record a day, runs golden mailboxes and
/// quarantines blocklisted domains.
#[derive(Parser)]
#[command(name = "warmnet-coordinator", version, after_help = EXAMPLES)]
pub struct Cli {
    /// Folder of this coordinator.
    #[arg(long, global = true, env = "WARMNET_COORDINATOR_HOME", value_name = "FOLDER")]
    home: Option<PathBuf>,
    /// Print data as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  warmnet-coordinator init --name my-network --listen /ip4/192.0.2.1/tcp/4001
  warmnet-coordinator golden add seed@example.org --smtp-host mx.example.org --imap-host mx.example.org
  warmnet-coordinator run
  warmnet-coordinator member list
  warmnet-coordinator quarantine add example.net --reason \"abuse report 12\"

Exit codes: 0 ok, 1 error, 2 usage or config, 3 a check failed, 4 locked, 5 sign-in refused, 6 network or TLS, 7 store.";

#[derive(Subcommand)]
enum Command {
    /// Found a network: keys, genesis, configuration.
    #[command(
        after_help = "Examples:\n  warmnet-coordinator init --name my-network\n  warmnet-coordinator init --name rehearsal --epoch-seconds 12 --start-in 20 --listen /ip4/127.0.0.1/tcp/4001 --allow-loopback"
    )]
    Init(init::InitArgs),
    /// The online issuing key.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// The golden mailboxes.
    #[command(subcommand)]
    Golden(golden::GoldenCommand),
    /// Run until Ctrl-C or SIGTERM.
    #[command(after_help = "Example:\n  warmnet-coordinator run --home /srv/warmnet")]
    Run,
    /// Enrolled members and open applications.
    #[command(subcommand)]
    Member(ask::MemberCommand),
    /// Epoch records.
    #[command(subcommand)]
    Epoch(ask::EpochCommand),
    /// The numbers of the rules.
    #[command(subcommand)]
    Params(params::ParamsCommand),
    /// Quarantined domains.
    #[command(subcommand)]
    Quarantine(ask::QuarantineCommand),
    /// The audit log.
    #[command(subcommand)]
    Audit(ask::AuditCommand),
    /// State of the running coordinator.
    #[command(after_help = "Examples:\n  warmnet-coordinator status\n  warmnet-coordinator status --json")]
    Status,
    /// Shell completions.
    #[command(after_help = "Example:\n  warmnet-coordinator completions bash > /etc/bash_completion.d/warmnet-coordinator")]
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

impl Cli {
    /// Carries out the command of this process and reports its error.
    #[must_use]
    pub fn main() -> std::process::ExitCode {
        let cli = Self::parse();
        let json = cli.json;
        match cli.execute() {
            Ok(()) => ExitCode::Ok.into(),
            Err(error) => error.report(json),
        }
    }

    fn execute(self) -> Result<(), CliError> {
        let home = Home::resolve(self.home.as_deref(), "WARMNET_COORDINATOR_HOME", "warmnet-coordinator");
        match self.command {
            Command::Init(args) => init::init(&home, &args, self.json),
            Command::Key(command) => key::key(&home, &command, self.json),
            Command::Golden(command) => golden::golden(&home, command, self.json),
            Command::Run => run::run(home),
            Command::Member(command) => ask::member(&home, &command, self.json),
            Command::Epoch(command) => ask::epoch(&home, &command, self.json),
            Command::Params(command) => params::params(&home, &command, self.json),
            Command::Quarantine(command) => ask::quarantine(&home, &command, self.json),
            Command::Audit(command) => ask::audit(&home, &command, self.json),
            Command::Status => ask::status(&home, self.json),
            Command::Completions { shell } => {
                clap_complete::generate(
                    shell,
                    &mut <Self as clap::CommandFactory>::command(),
                    "warmnet-coordinator",
                    &mut std::io::stdout(),
                );
                Ok(())
            }
        }
    }
}

fn print_json<T: serde::Serialize>(value: &T) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|e| CliError::new(ExitCode::Error, "the answer can't be printed").why(e))?;
    println!("{text}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
        assert!(Cli::try_parse_from(["warmnet-coordinator", "quarantine", "add", "example.net"]).is_err(), "a reason is required");
        assert!(Cli::try_parse_from(["warmnet-coordinator", "epoch", "show", "7", "--json"]).is_ok());
        assert!(Cli::try_parse_from(["warmnet-coordinator", "member", "show", "ab12"]).is_ok());
    }
}
