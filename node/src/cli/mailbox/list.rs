//! `mailbox list`.

use crate::cli::exit::CliError;
use crate::cli::out::say;
use crate::config::mailbox::ACTS;
use crate::config::{Home, MailboxConfig};

pub(super) fn list(home: &Home, json: bool) -> Result<(), CliError> {
    let all = MailboxConfig::load_all(&home.mailboxes())?;
    if json {
        say!("{}", serde_json::json!(all));
        return Ok(());
    }
    for m in &all {
        if let Some(since) = &m.left {
            say!("{}  left the network {since}", m.address);
            continue;
        }
        let allowed: Vec<&str> = ACTS.iter().filter(|(_, bit, _)| m.consent.acts() & bit != 0).map(|(name, ..)| *name).collect();
        let allowed = if allowed.is_empty() { "no acts".to_owned() } else { allowed.join(", ") };
        say!("{}  {}-{} h {}  allows: {allowed}", m.address, m.hours[0], m.hours[1], m.zone);
    }
    if all.is_empty() {
        say!("no mailbox yet: add one with `warmnet-node mailbox add`");
    }
    Ok(())
}
