//! Commands that ask the running coordinator.

use super::print_json;
use crate::audit;
use clap::Subcommand;
use serde_json::{Value, json};
use warmnet_node::cli::{CliError, ExitCode};
use warmnet_node::config::Home;
use warmnet_node::control::{Client, Request};

/// `member`.
#[derive(Subcommand)]
pub(super) enum MemberCommand {
    /// Everybody in the newest roster, and who is on the way.
    #[command(after_help = "Example:\n  warmnet-coordinator member list --json")]
    List,
    /// One member's row.
    #[command(after_help = "Example:\n  warmnet-coordinator member show 3fa41c")]
    Show {
        /// Member id in hex, or its beginning.
        member: String,
    },
}

/// `epoch`.
#[derive(Subcommand)]
pub(super) enum EpochCommand {
    /// The record of an epoch, the newest one without a number.
    #[command(after_help = "Examples:\n  warmnet-coordinator epoch show\n  warmnet-coordinator epoch show 41 --json")]
    Show {
        /// Number of the epoch.
        epoch: Option<u32>,
    },
}

/// `quarantine`.
#[derive(Subcommand)]
pub(super) enum QuarantineCommand {
    /// What is held, by what, and how the blocklists are.
    #[command(after_help = "Example:\n  warmnet-coordinator quarantine list")]
    List,
    /// Quarantine a domain by hand; only `release` ends it.
    #[command(after_help = "Example:\n  warmnet-coordinator quarantine add example.net --reason \"abuse report 12\"")]
    Add(Order),
    /// End a quarantine; a domain still listed is not taken again before it was clean once.
    #[command(after_help = "Example:\n  warmnet-coordinator quarantine release example.net --reason \"appeal 3 upheld\"")]
    Release(Order),
}

/// Whom, and why.
#[derive(clap::Args)]
pub(super) struct Order {
    /// Domain, member id or domain tag.
    subject: String,
    /// Why; it stays in the audit log, so no mailbox address.
    #[arg(long)]
    reason: String,
}

/// `audit`.
#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Check the whole chain of the log.
    #[command(after_help = "Example:\n  warmnet-coordinator audit verify")]
    Verify,
}

pub(super) fn ask(home: &Home, request: Value) -> Result<Value, CliError> {
    Ok(Client::connect(home)?.ask(&Request::Other(request))?)
}

/// A value as a person reads it in a table.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        other => other.to_string(),
    }
}

/// Ids are shown by their first eight digits.
fn short(value: &Value) -> String {
    cell(value).chars().take(8).collect()
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn print_fields(value: &Value) {
    for (name, field) in value.as_object().into_iter().flatten() {
        println!("{name:<14} {}", cell(field));
    }
}

pub(super) fn member(home: &Home, command: &MemberCommand, json: bool) -> Result<(), CliError> {
    let prefix = match command {
        MemberCommand::List => "",
        MemberCommand::Show { member } => member,
    };
    let data = ask(home, json!({"cmd": "members", "member": prefix.to_ascii_lowercase()}))?;
    if matches!(command, MemberCommand::Show { .. }) {
        let [row] = rows(&data["members"]) else {
            let why = format!("{} members of the roster begin with these digits", rows(&data["members"]).len());
            return Err(CliError::new(ExitCode::Error, "no single member is meant").why(why).todo("see `warmnet-coordinator member list`"));
        };
        if json {
            return print_json(row);
        }
        print_fields(row);
        return Ok(());
    }
    if json {
        return print_json(&data);
    }
    println!("{:<8}  {:<8}  {:<8}  {:<6}  {:<11}  {:>6}  {:>5}  {:>5}", "MEMBER", "NODE", "TAG", "ROLE", "POOL", "JOINED", "QUOTA", "DEBT");
    for r in rows(&data["members"]) {
        let (member, node, tag) = (short(&r["member"]), short(&r["node"]), short(&r["tag"]));
        let (role, pool) = (cell(&r["role"]), cell(&r["pool"]));
        println!(
            "{member}  {node}  {tag}  {role:<6}  {pool:<11}  {:>6}  {:>5}  {:>5}",
            cell(&r["joined"]),
            cell(&r["quota"]),
            cell(&r["debt"])
        );
    }
    for r in rows(&data["admitted"]) {
        println!("{}  {}  admitted, in the roster from epoch {}", short(&r["member"]), short(&r["node"]), cell(&r["from"]));
    }
    for r in rows(&data["applications"]) {
        println!("{}  {}  application: {}", short(&r["member"]), short(&r["node"]), cell(&r["stage"]));
    }
    Ok(())
}

pub(super) fn epoch(home: &Home, command: &EpochCommand, json: bool) -> Result<(), CliError> {
    let EpochCommand::Show { epoch } = command;
    let data = ask(home, json!({"cmd": "epoch", "epoch": epoch}))?;
    if json {
        return print_json(&data);
    }
    print_fields(&data);
    Ok(())
}

pub(super) fn quarantine(home: &Home, command: &QuarantineCommand, json: bool) -> Result<(), CliError> {
    let request = match command {
        QuarantineCommand::List => json!({"cmd": "quarantine_list"}),
        QuarantineCommand::Add(order) => json!({"cmd": "quarantine_add", "subject": order.subject, "reason": order.reason}),
        QuarantineCommand::Release(order) => json!({"cmd": "quarantine_release", "subject": order.subject, "reason": order.reason}),
    };
    let data = ask(home, request)?;
    if json {
        return print_json(&data);
    }
    if !matches!(command, QuarantineCommand::List) {
        print_fields(&data);
        return Ok(());
    }
    if rows(&data["held"]).is_empty() {
        println!("nothing is in quarantine");
    }
    for h in rows(&data["held"]) {
        let members: Vec<String> = rows(&h["members"]).iter().map(short).collect();
        println!(
            "tag {}  by {:<9}  in a record: {:<3}  members: {}",
            cell(&h["tag"]),
            cell(&h["reason"]),
            cell(&h["recorded"]),
            members.join(" ")
        );
    }
    for l in rows(&data["lists"]) {
        println!("list {}  healthy: {}  suspended: {}", cell(&l["list"]), cell(&l["healthy"]), cell(&l["suspended"]));
    }
    Ok(())
}

pub(super) fn audit(home: &Home, command: &AuditCommand, json: bool) -> Result<(), CliError> {
    let AuditCommand::Verify = command;
    let failed =
        |e: audit::AuditError| CliError::new(ExitCode::Check, "the audit log does not hold").why(e).todo("compare it with a backup");
    let summary = audit::verify(&home.join("audit.jsonl")).map_err(failed)?;
    if json {
        return print_json(&summary);
    }
    println!("{} entries, head {}", summary.entries, summary.head);
    Ok(())
}

pub(super) fn status(home: &Home, json: bool) -> Result<(), CliError> {
    let data = Client::connect(home)?.ask(&Request::Status)?;
    if json {
        return print_json(&data);
    }
    for name in ["network", "node", "phase", "epoch", "record_epoch", "peers"] {
        println!("{name:<13} {}", cell(&data[name]));
    }
    for member in rows(&data["members"]) {
        println!("golden        {}  {}", short(&member["member"]), cell(&member["state"]));
    }
    for item in rows(&data["health"]) {
        println!("{}: {} ({})", cell(&item["severity"]), cell(&item["text"]), cell(&item["fix"]));
    }
    Ok(())
}
