//! Exit codes, and the one way an error is told: what happened, why, what to do.

use crate::config::ConfigError;
use crate::control::{ClientError, LockError};
use crate::runtime::RuntimeError;
use crate::secrets::SecretsError;
use crate::store::StoreError;

/// Documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// All went well.
    Ok = 0,
    /// Something else failed.
    Error = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// A check failed.
    Check = 3,
    /// Another program runs on this home.
    Locked = 4,
    /// A mail server refused user or password.
    SignIn = 5,
    /// Network or TLS.
    Network = 6,
    /// The store.
    Store = 7,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

impl ExitCode {
    /// The code of a number from the table; anything else is an error.
    #[must_use]
    pub fn of(number: u8) -> Self {
        match number {
            0 => Self::Ok,
            2 => Self::Usage,
            3 => Self::Check,
            4 => Self::Locked,
            5 => Self::SignIn,
            6 => Self::Network,
            7 => Self::Store,
            _ => Self::Error,
        }
    }
}

/// Wrong usage.
pub(super) fn usage(what: impl Into<String>) -> CliError {
    CliError::new(ExitCode::Usage, what)
}

/// An error for the person at the terminal.
#[derive(Debug)]
pub struct CliError {
    code: ExitCode,
    what: String,
    why: Option<String>,
    todo: Option<String>,
}

impl CliError {
    /// What happened.
    #[must_use]
    pub fn new(code: ExitCode, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), why: None, todo: None }
    }
    /// Adds why.
    #[must_use]
    pub fn why(mut self, why: impl ToString) -> Self {
        self.why = Some(why.to_string());
        self
    }
    /// Adds what to do.
    #[must_use]
    pub fn todo(mut self, todo: impl Into<String>) -> Self {
        self.todo = Some(todo.into());
        self
    }
    /// A value given by an option that the configuration refuses, told by the option's name and not by a file that isn't there yet.
    #[must_use]
    pub(super) fn of_option(e: ConfigError) -> Self {
        match e {
            ConfigError::Value { key, why, .. } => {
                let option = key.rsplit('.').next().unwrap_or(key).replace('_', "-").replace("languages", "language");
                Self::new(ExitCode::Usage, format!("--{option} can't be used")).why(format!("it {why}")).todo("see --help")
            }
            other => other.into(),
        }
    }
    /// Its exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        self.code
    }
    /// Prints it to standard error (`--json`: one object to standard output) and gives its exit code.
    #[must_use]
    pub fn report(&self, json: bool) -> std::process::ExitCode {
        if json {
            let error = serde_json::json!({ "code": self.code as u8, "what": self.what, "why": self.why, "do": self.todo });
            println!("{}", serde_json::json!({ "error": error }));
        } else {
            eprintln!("error: {}", self.what);
            let more = [("why", &self.why), ("do", &self.todo)];
            for (name, text) in more.into_iter().filter_map(|(n, t)| t.as_ref().map(|t| (n, t))) {
                let name = format!("{name}:");
                let mut lines = text.lines();
                eprintln!("  {name:<5}{}", lines.next().unwrap_or_default());
                lines.for_each(|l| eprintln!("       {l}"));
            }
        }
        self.code.into()
    }
}

impl From<ConfigError> for CliError {
    fn from(e: ConfigError) -> Self {
        Self::new(ExitCode::Usage, "the configuration can't be used")
            .why(e)
            .todo("correct the file; `warmnet-node config example` shows every key")
    }
}

impl From<SecretsError> for CliError {
    fn from(e: SecretsError) -> Self {
        let todo = match &e {
            SecretsError::WrongKey { .. } => "use the key file or passphrase this home was created with",
            SecretsError::NoPassphrase => "run it on a terminal, or set WARMNET_PASSPHRASE_FILE",
            SecretsError::Different => "run it again and type the same passphrase twice",
            SecretsError::TooOpen { .. } => "take the rights of others away: chmod 600 on that file",
            SecretsError::Corrupt { .. } => "restore the file from a backup",
            SecretsError::Missing(_) => "restore secrets.age from a backup; for a mailbox, run `warmnet-node mailbox add` again",
            _ => "check the file and its permissions",
        };
        Self::new(ExitCode::Usage, "the secrets can't be opened").why(e).todo(todo)
    }
}

impl From<LockError> for CliError {
    fn from(e: LockError) -> Self {
        match e {
            LockError::Held { .. } => {
                Self::new(ExitCode::Locked, "this home is in use").why(e).todo("stop that program first, or use another --home")
            }
            LockError::Io { .. } => {
                Self::new(ExitCode::Error, "the home can't be locked").why(e).todo("check the folder and its permissions")
            }
        }
    }
}

impl From<ClientError> for CliError {
    fn from(e: ClientError) -> Self {
        match e {
            ClientError::NotRunning { .. } => {
                Self::new(ExitCode::Error, "nothing is running here").why(e).todo("start it with `run`, or name its folder with --home")
            }
            ClientError::NoAnswer(_) => Self::new(ExitCode::Error, "the running program did not answer").why(e).todo("look at its log"),
            ClientError::Refused(fault) => Self::new(ExitCode::Error, fault.text).todo(fault.fix),
        }
    }
}

impl From<RuntimeError> for CliError {
    fn from(e: RuntimeError) -> Self {
        match e {
            RuntimeError::Store(StoreError::Locked { .. }) => {
                Self::new(ExitCode::Locked, "the store is in use").why(e).todo("stop the program that uses it first")
            }
            RuntimeError::Store(_) | RuntimeError::Restore(_) | RuntimeError::Book(_) | RuntimeError::Driver(crate::runtime::DriverError::Store(_)) => {
                Self::new(ExitCode::Store, "the store can't be used")
                    .why(e)
                    .todo("move the folder `store` aside and start again after the next epoch has begun (00:00 UTC): the node fetches the network's data anew.\nWhat was sent in the last days is then unknown and counts as not shown; started earlier, it could send today's mails again")
            }
            RuntimeError::Secrets(e) => e.into(),
            RuntimeError::Network(_) => Self::new(ExitCode::Network, "the peer-to-peer network can't start")
                .why(e)
                .todo("check network.listen and network.bootstrap in node.toml"),
            RuntimeError::Tls(_) => Self::new(ExitCode::Network, "TLS can't be set up").why(e).todo("check ca_file in the mailbox's file"),
            RuntimeError::Genesis { .. } => Self::new(ExitCode::Usage, "the genesis file can't be used").why(e).todo("get it from the network's operator"),
            RuntimeError::OtherNetwork { .. } => Self::new(ExitCode::Usage, "this home belongs to another network")
                .why(e)
                .todo("put the old genesis file back, or make a home for the new network:\nwarmnet-node --home FOLDER init --genesis genesis.bin --bootstrap ADDRESS, then `mailbox add` there"),
            RuntimeError::NoPassword { .. } | RuntimeError::Address { .. } => {
                Self::new(ExitCode::Usage, "a mailbox can't be used").why(e).todo("run `warmnet-node mailbox add` again")
            }
            RuntimeError::Control(_) | RuntimeError::Driver(_) => Self::new(ExitCode::Error, "the program stopped").why(e),
        }
    }
}
