//! `warmnet-sim`: see the library of the same name.

use clap::Parser;
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use warmnet_sim::cli::{Cli, Failure};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).init();
    match args.run().await {
        Ok(code) => code,
        Err(error) => Failure::print(&error),
    }
}
