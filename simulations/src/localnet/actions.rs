//! Carries out what the schedule asks for.

use super::control::{self, QUICK, SLOW};
use super::homes::Builder;
use super::process::tool;
use super::schedule::Action;
use crate::report::status::ProviderStats;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks whether there is real mail to forge from.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, Deserialize)]
struct Sent {
    sent: u32,
    hard: u32,
    soft: u32,
    complaints: u32,
}

/// Does one thing and says what was done.
///
/// # Errors
/// The emulator or the node refuses.
pub async fn carry_out(builder: &Builder, action: &Action) -> Result<String> {
    let provider = builder.layout.control("provider");
    match *action {
        Action::Civilians { count, forged } => {
            wait_for_warm_mail(builder).await?;
            let request = json!({"cmd": "civilians", "count": count, "forged": forged});
            let _: Value = control::ask(&provider, &request, SLOW).await.context("ordinary mail was not delivered")?;
            Ok(format!("{count} ordinary mails delivered, {forged} with a forged label"))
        }
        Action::List { member } => {
            let domain = &builder.layout.members[member].domain;
            let _: Value =
                control::ask(&provider, &json!({"cmd": "list", "domain": domain}), QUICK).await.context("the domain was not listed")?;
            Ok(format!("{domain} is on the blocklist"))
        }
        Action::External { member, good, dead, complaints } => {
            let mailbox = &builder.layout.members[member];
            let request = json!({"cmd": "external", "from": mailbox.address, "good": good, "dead": dead, "complaints": complaints});
            let sent: Sent = control::ask(&provider, &request, SLOW).await.context("the owner's mail was not sent")?;
            let mut add = builder.node(&mailbox.name);
            add.args(["external", "add", "--mailbox", &mailbox.address]);
            for (flag, value) in
                [("--sent", sent.sent), ("--hard", sent.hard), ("--soft", sent.soft), ("--complaints", sent.complaints), ("--replies", 0)]
            {
                add.args([flag, &value.to_string()]);
            }
            tool(&mut add, "").await.with_context(|| format!("node {} was not told of its owner's mail", mailbox.name))?;
            Ok(format!("owner of {} sent {}: {} bounced, {} complaints", mailbox.name, sent.sent, sent.hard, sent.complaints))
        }
    }
}

/// Waits until a warming mail was delivered: replayed labels are made of real ones.
async fn wait_for_warm_mail(builder: &Builder) -> Result<()> {
    let provider = builder.layout.control("provider");
    let end = Instant::now() + SLOW;
    while Instant::now() < end {
        let stats: ProviderStats =
            control::ask(&provider, &json!({"cmd": "stats"}), QUICK).await.context("the emulator gives no figures")?;
        if stats.warm.delivered > 0 {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
