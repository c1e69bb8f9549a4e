//! `params show | change`.

use super::ask::{ask, cell};
use super::print_json;
use clap::Subcommand;
use serde_json::{Map, Value, json};
use warmnet_node::cli::{CliError, ExitCode};
use warmnet_node::config::Home;

/// `params`.
#[derive(Subcommand)]
pub(super) enum ParamsCommand {
    /// The parameters in force, and a change that is announced or ordered.
    #[command(after_help = "Example:\n  warmnet-coordinator params show --json")]
    Show,
    /// Change parameters: the next record announces it, at least 7 epochs ahead; every node follows by itself.
    #[command(after_help = "Example:\n  warmnet-coordinator params change golden_seats=25 reply_ppm=400000 --from 420")]
    Change {
        /// NAME=VALUE, whole numbers.
        #[arg(required = true, value_parser = pair)]
        set: Vec<(String, u32)>,
        /// First epoch with them [default: the soonest]
        #[arg(long)]
        from: Option<u32>,
    },
}

fn pair(text: &str) -> Result<(String, u32), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.parse().map_err(|_| format!("{value} is no whole number"))?))
}

pub(super) fn params(home: &Home, command: &ParamsCommand, json: bool) -> Result<(), CliError> {
    let request = match command {
        ParamsCommand::Show => json!({"cmd": "params"}),
        ParamsCommand::Change { set, from } => {
            let set: Map<String, Value> = set.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            json!({"cmd": "params_change", "set": set, "from": from})
        }
    };
    let answer = ask(home, request)?;
    if json {
        return print_json(&answer);
    }
    match command {
        ParamsCommand::Change { .. } => println!("ordered: the next record announces it for epoch {}", cell(&answer["from"])),
        ParamsCommand::Show => {
            let fields = answer["params"].as_object().ok_or_else(|| CliError::new(ExitCode::Error, "the answer can't be read"))?;
            for (name, value) in fields {
                println!("{name:<24} {}", cell(value));
            }
            for what in ["announced", "ordered"] {
                if let Some(change) = answer[what].as_object() {
                    println!("\n{what} for epoch {}:", cell(&change["from"]));
                    let new = change["params"].as_object().into_iter().flatten().filter(|(name, value)| fields.get(*name) != Some(value));
                    new.for_each(|(name, value)| println!("{name:<24} {}", cell(value)));
                }
            }
        }
    }
    Ok(())
}
