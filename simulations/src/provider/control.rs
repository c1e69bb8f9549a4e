//! The control socket: JSON lines, for the rehearsal's driver and for tests.

use super::delivery::Placement;
use super::store::Role;
use super::world::{World, lock};
use super::{civilians, external};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// Longest request: an injected mail in base64.
const LINE: u64 = 2 * 1024 * 1024;
/// Captured mails in one answer.
const SHOWN: usize = 20;

#[derive(Deserialize)]
#[serde(tag = "cmd", rename_all = "lowercase", deny_unknown_fields)]
enum Command {
    Stats {},
    List { domain: String },
    Unlist { domain: String },
    Inject { to: String, raw_base64: String, folder: Folder },
    External { from: String, good: u32, dead: u32, complaints: u32 },
    Civilians { count: u32, forged: u32 },
    Captured { mailbox: String },
    Revoke { mailbox: String, all: bool },
    Stop {},
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Folder {
    Inbox,
    Spam,
    Filter,
}

/// Answers until `stop` is cancelled.
pub async fn serve(listener: UnixListener, world: Arc<World>, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the control socket could not accept");
                    return;
                }
            },
        };
        let (world, stop) = (world.clone(), stop.clone());
        tokio::spawn(async move {
            // A broken connection is the other side's.
            let _ended = connection(stream, &world, &stop).await;
        });
    }
}

async fn connection(stream: UnixStream, world: &Arc<World>, stop: &CancellationToken) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = String::new();
        if (&mut read).take(LINE).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match serde_json::from_str::<Command>(&line) {
            Err(e) => Err(e.to_string()),
            Ok(command) => carry_out(command, world, stop).await,
        };
        let mut answer = match answer {
            Ok(mut value) => {
                value["ok"] = json!(true);
                value.to_string()
            }
            Err(error) => json!({"ok": false, "error": error}).to_string(),
        };
        answer.push('\n');
        write.write_all(answer.as_bytes()).await?;
    }
}

async fn carry_out(command: Command, world: &Arc<World>, stop: &CancellationToken) -> Result<Value, String> {
    match command {
        Command::Stats {} => Ok(stats(world)),
        Command::List { domain } => {
            lock(&world.listed).insert(domain.to_ascii_lowercase());
            Ok(json!({}))
        }
        Command::Unlist { domain } => {
            lock(&world.listed).remove(&domain.to_ascii_lowercase());
            Ok(json!({}))
        }
        Command::Inject { to, raw_base64, folder } => {
            let mailbox = world.mailbox(&to).ok_or("no such mailbox")?;
            let raw = STANDARD.decode(raw_base64).map_err(|e| e.to_string())?;
            let placement = match folder {
                Folder::Inbox => Placement::Fixed(Role::Inbox),
                Folder::Spam => Placement::Fixed(Role::Junk),
                Folder::Filter => Placement::Filter,
            };
            civilians::inject(world, &mailbox, raw, placement).await?;
            Ok(json!({}))
        }
        Command::External { from, good, dead, complaints } => {
            let fared = external::send(world, &from, good, dead, complaints).await?;
            serde_json::to_value(fared).map_err(|e| e.to_string())
        }
        Command::Civilians { count, forged } => {
            let (delivered, forged) = civilians::deliver(world, count, forged).await?;
            Ok(json!({"delivered": delivered, "forged": forged}))
        }
        Command::Captured { mailbox } => {
            let mailbox = world.mailbox(&mailbox).ok_or("no such mailbox")?;
            let a = lock(&world.accounting);
            let own = a.captured.iter().rev().filter(|(i, _)| *i == mailbox.index).take(SHOWN);
            Ok(json!({"mails": own.map(|(_, raw)| STANDARD.encode(raw)).collect::<Vec<_>>()}))
        }
        Command::Revoke { mailbox, all } => {
            let authority = world.oauth.as_ref().ok_or("there is no authorization server")?;
            authority.revoke(&mailbox.to_ascii_lowercase(), all);
            Ok(json!({}))
        }
        Command::Stop {} => {
            stop.cancel();
            Ok(json!({}))
        }
    }
}

/// Mean of what the providers think of a domain: their filters' logit for it, age and temper left out.
fn reputation(world: &World, domain: &str) -> f64 {
    let day = world.day();
    let all = (0..world.providers.len()).map(|i| world.filter(i).reputation(domain, day).logit());
    all.sum::<f64>() / world.providers.len().max(1) as f64
}

fn stats(world: &World) -> Value {
    let domains = lock(&world.accounting).by_domain.clone();
    let by_domain: Vec<Value> = domains
        .iter()
        .map(|(domain, d)| {
            let mut value = json!(d);
            value["domain"] = json!(domain);
            value["age_days"] = json!(world.age_days(domain));
            value["reputation"] = json!(reputation(world, domain));
            value
        })
        .collect();
    let a = lock(&world.accounting);
    let mut all = json!({
        "delivered": a.delivered, "rejected": a.rejected, "bounced": a.bounced, "doubled": a.doubled,
        "foreign_delivered": a.foreign_delivered, "foreign_touched": a.foreign_touched, "foreign_acts": a.foreign_acts,
        "by_domain": by_domain,
        "faults": world.faults.happened(),
        "warm": {"delivered": a.warm[0], "inbox": a.warm[1], "spam": a.warm[2]},
    });
    if let Some(authority) = &world.oauth {
        all["refreshed"] = json!(authority.refreshed());
    }
    all
}
