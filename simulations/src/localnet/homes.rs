//! Makes the homes of coordinator and nodes with the programs' own commands, as a user would.

use super::layout::{Layout, Mailbox, PROVIDERS};
use super::options::Options;
use super::process::{Programs, tool};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use tokio::process::Command;
use toml::{Table, Value};

/// An epoch is seconds long: junk is looked at several times in it.
const POLL_SECONDS: f64 = 0.3;
/// A day's mail leaves within seconds.
const SMTP_PER_MINUTE: i64 = 3_000;
/// Mails in an hour and in a day: more than any demo sends.
const SMTP_CAP: i64 = 1_000_000;
/// The blocklist zone of the emulator's DNS.
const BLOCKLIST_ZONE: &str = "dbl.test";

/// `ports.json` of the emulator.
#[derive(Clone, Debug, Deserialize)]
pub struct Ports {
    ca_file: PathBuf,
    dns: String,
    providers: BTreeMap<String, ProviderPorts>,
}

#[derive(Clone, Debug, Deserialize)]
struct ProviderPorts {
    host: String,
    smtps: u16,
    submission: u16,
    imaps: u16,
    imap: u16,
}

/// What is needed to make homes.
#[derive(Clone, Debug)]
pub struct Builder {
    /// The programs.
    pub programs: Programs,
    /// Names and folders.
    pub layout: Layout,
    /// The emulator's ports.
    pub ports: Ports,
    /// Whether automatic acts are allowed.
    pub engagement: bool,
}

impl Builder {
    /// A command of the coordinator.
    pub fn coordinator(&self) -> Command {
        let mut command = Command::new(&self.programs.coordinator);
        command.env("WARMNET_COORDINATOR_HOME", self.layout.home("coordinator"));
        command
    }

    /// A command of a node.
    pub fn node(&self, name: &str) -> Command {
        let mut command = Command::new(&self.programs.node);
        command.env("WARMNET_HOME", self.layout.home(name));
        command
    }

    /// Makes the coordinator's home; returns the multiaddr that nodes start from.
    ///
    /// # Errors
    /// A command fails.
    pub async fn make_coordinator(&self, options: &Options, start_in: u64) -> Result<String> {
        let listen = format!("/ip4/127.0.0.1/tcp/{}", free_port()?);
        let mut init = self.coordinator();
        init.args(["init", "--name", "localnet", "--allow-loopback", "--listen", &listen]);
        init.args(["--epoch-seconds", &options.epoch_seconds.to_string(), "--start-in", &start_in.to_string()]);
        let printed = tool(&mut init, "").await.context("the coordinator can't be set up")?;
        let bootstrap = multiaddr(&printed).with_context(|| format!("no bootstrap address in what the coordinator printed:\n{printed}"))?;
        edit(&self.layout.home("coordinator").join("coordinator.toml"), |t| coordinator_config(t, &self.ports.dns))?;
        for golden in &self.layout.golden {
            let mut add = self.coordinator();
            add.args(["golden", "add"]).args(self.mailbox_args(golden)?);
            tool(&mut add, &format!("{}\n", golden.password))
                .await
                .with_context(|| format!("golden member {} can't be added", golden.name))?;
        }
        Ok(bootstrap)
    }

    /// Makes a node's home.
    ///
    /// # Errors
    /// A command fails.
    pub async fn make_node(&self, member: &Mailbox, bootstrap: &str) -> Result<()> {
        let genesis = self.layout.home("coordinator").join("genesis.bin");
        let mut init = self.node(&member.name);
        init.arg("init").arg("--genesis").arg(genesis);
        init.args(["--bootstrap", bootstrap, "--listen", "/ip4/127.0.0.1/tcp/0", "--allow-loopback", "--unlock", "key-file"]);
        tool(&mut init, "").await.with_context(|| format!("node {} can't be set up", member.name))?;
        edit(&self.layout.home(&member.name).join("node.toml"), |t| {
            section(t, "dns")?.insert("server".to_owned(), self.ports.dns.as_str().into());
            mail_config(t)
        })?;
        let mut add = self.node(&member.name);
        add.args(["mailbox", "add"]).args(self.mailbox_args(member)?);
        let added = tool(&mut add, &format!("{}\n", member.password)).await;
        added.with_context(|| format!("the mailbox of node {} can't be added", member.name))?;
        Ok(())
    }

    fn mailbox_args(&self, mailbox: &Mailbox) -> Result<Vec<String>> {
        let (name, ..) = PROVIDERS[mailbox.provider];
        let ports = self.ports.providers.get(name).with_context(|| format!("the emulator has no provider {name}"))?;
        // The third provider is used with STARTTLS, the others with TLS from the first byte: both ways are walked.
        let (security, smtp, imap) =
            if mailbox.provider == 2 { ("starttls", ports.submission, ports.imap) } else { ("tls", ports.smtps, ports.imaps) };
        let consent = if self.engagement { "read,reply,rescue,file" } else { "none" };
        let mut args = vec![mailbox.address.clone()];
        for (flag, value) in [
            ("--smtp-host", ports.host.clone()),
            ("--smtp-port", smtp.to_string()),
            ("--smtp-security", security.to_owned()),
            ("--smtp-address", Ipv4Addr::LOCALHOST.to_string()),
            ("--imap-host", ports.host.clone()),
            ("--imap-port", imap.to_string()),
            ("--imap-security", security.to_owned()),
            ("--imap-address", Ipv4Addr::LOCALHOST.to_string()),
            ("--ca-file", self.ports.ca_file.display().to_string()),
            ("--user", mailbox.address.clone()),
            ("--authserv-id", ports.host.clone()),
            ("--provider-class", mailbox.provider.to_string()),
            ("--zone", "UTC".to_owned()),
            ("--hours", "8-18".to_owned()),
            ("--weekdays", "mon,tue,wed,thu,fri,sat,sun".to_owned()),
            ("--language", "en".to_owned()),
            ("--consent", consent.to_owned()),
        ] {
            args.push(flag.to_owned());
            args.push(value);
        }
        args.push("--password-stdin".to_owned());
        Ok(args)
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
    Ok(listener.local_addr()?.port())
}

/// The first full multiaddr in a text.
fn multiaddr(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || "\"',`".contains(c));
    words.into_iter().find(|w| w.starts_with("/ip") && w.contains("/p2p/")).map(str::to_owned)
}

/// `epoch_zero_ms` of `genesis.json`, at whatever depth.
///
/// # Errors
/// The file can't be read or has no such key.
pub fn epoch_zero(genesis_json: &Path) -> Result<u64> {
    fn find(value: &serde_json::Value) -> Option<u64> {
        match value {
            serde_json::Value::Object(map) => {
                map.get("epoch_zero_ms").and_then(serde_json::Value::as_u64).or_else(|| map.values().find_map(find))
            }
            serde_json::Value::Array(list) => list.iter().find_map(find),
            _ => None,
        }
    }
    let text = std::fs::read_to_string(genesis_json).with_context(|| format!("{} can't be read", genesis_json.display()))?;
    find(&serde_json::from_str(&text)?).with_context(|| format!("{} has no epoch_zero_ms", genesis_json.display()))
}

fn edit(path: &Path, change: impl FnOnce(&mut Table) -> Result<()>) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    let mut table: Table = text.parse().with_context(|| format!("{} is no TOML", path.display()))?;
    change(&mut table)?;
    std::fs::write(path, toml::to_string(&table)?).with_context(|| format!("{} can't be written", path.display()))
}

fn section<'a>(table: &'a mut Table, name: &str) -> Result<&'a mut Table> {
    match table.entry(name).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => Ok(inner),
        _ => bail!("[{name}] is no table"),
    }
}

fn mail_config(table: &mut Table) -> Result<()> {
    let mail = section(table, "mail")?;
    mail.insert("poll_seconds".to_owned(), POLL_SECONDS.into());
    mail.insert("smtp_per_minute".to_owned(), SMTP_PER_MINUTE.into());
    // Days of some seconds: caps of real hours and days would end the network after one of them.
    let caps = || Table::from_iter([("per_hour", SMTP_CAP), ("per_day", SMTP_CAP)].map(|(key, n)| (key.to_owned(), Value::Integer(n))));
    let both = ["mailbox", "provider"].map(|whose| (whose.to_owned(), Value::Table(caps())));
    mail.insert("limits".to_owned(), Value::Table(Table::from_iter(both)));
    Ok(())
}

fn coordinator_config(table: &mut Table, dns: &str) -> Result<()> {
    mail_config(table)?;
    section(table, "admission")?.insert("sponsor_all".to_owned(), true.into());
    section(table, "dns")?.insert("server".to_owned(), dns.into());
    let mut list = Table::new();
    for (key, value) in [("zone", BLOCKLIST_ZONE), ("kind", "domain"), ("positive", "dbltest.com"), ("negative", "INVALID")] {
        list.insert(key.to_owned(), value.into());
    }
    list.insert("listed".to_owned(), Value::Array(vec!["127.0.1.2".into()]));
    list.insert("high_trust".to_owned(), true.into());
    table.insert("blocklist".to_owned(), Value::Array(vec![Value::Table(list)]));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstrap_address_is_found_in_prose() {
        let text = "network  ab12\nnode     12D3\ngive this to nodes: \"/ip4/127.0.0.1/tcp/4001/p2p/12D3KooW\".\n";
        assert_eq!(multiaddr(text).as_deref(), Some("/ip4/127.0.0.1/tcp/4001/p2p/12D3KooW"));
        assert_eq!(multiaddr("/ip4/127.0.0.1/tcp/4001"), None);
    }

    #[test]
    fn config_edits_keep_what_is_there() {
        let mut table: Table = "name = \"x\"\n[mail]\nsmtp_concurrency = 4\n[admission]\nsponsor_all = false\n".parse().expect("valid");
        coordinator_config(&mut table, "127.0.0.1:53").expect("edited");
        let text = toml::to_string(&table).expect("written");
        for wanted in ["smtp_concurrency = 4", "poll_seconds = 0.3", "sponsor_all = true", "[[blocklist]]", "server = \"127.0.0.1:53\""] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
        assert!(text.parse::<Table>().is_ok());
    }

    #[test]
    fn epoch_zero_is_found_at_any_depth() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("genesis.json");
        std::fs::write(&path, r#"{"a":[{"clock":{"epoch_zero_ms":77}}]}"#).expect("written");
        assert_eq!(epoch_zero(&path).expect("found"), 77);
        std::fs::write(&path, "{}").expect("written");
        assert!(epoch_zero(&path).is_err());
    }
}
