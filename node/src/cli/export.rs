//! `export`: everything this node keeps about its owner, in files to read.

use super::exit::{CliError, ExitCode, usage};
use super::out::say;
use super::{Global, load_config};
use crate::config::{Home, MailboxConfig};
use crate::runtime::{HomeDataError, MailboxData, RuntimeError, my_data};
use crate::secrets::Secrets;
use std::io::Write as _;
use std::path::Path;

pub(super) const HELP: &str = "\
Works beside a running node. Passwords and permissions are not exported; they lie encrypted in secrets.age of the home.

Example:
  warmnet-node export my-data";

const READ_ME: &str = "\
What a Warmnet node keeps about its owner, as of the day of this export.

node.toml          the node's settings
mailboxes/*.toml   the mailboxes' settings, with the instant of each consent
my-data.json       per mailbox: its member id and the salt that proves it, every exchange it took part in (partners
                   by their member id), every bundle it signed, the external mail reported, bounces counted

Not here: passwords, permissions and the node's key (encrypted in secrets.age of the node's home), and what everybody
holds: records, rosters and bundles of other members.
";

pub(super) fn export(global: &Global, folder: &Path) -> Result<(), CliError> {
    let home = global.home();
    let config = load_config(&home)?;
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(usage(format!("{} is there already and not empty", folder.display())).todo("name a new folder"));
    }
    let mailboxes = MailboxConfig::load_all(&home.mailboxes())?;
    let secrets = Secrets::open(&home, &config.secrets)?;
    let data = my_data(&home, &config, &secrets, &mailboxes).map_err(failed)?;
    write(&home, &mailboxes, &data, folder)
        .map_err(|e| CliError::new(ExitCode::Error, format!("{} can't be written", folder.display())).why(e).todo("name another folder"))?;
    let exchanges: usize = data.iter().map(|m| m.exchanges.len()).sum();
    let bundles: usize = data.iter().map(|m| m.bundles.len()).sum();
    if global.json {
        say!("{}", serde_json::json!({"folder": folder, "mailboxes": data.len(), "exchanges": exchanges, "bundles": bundles}));
    } else {
        say!("{}: {} mailboxes, {exchanges} exchanges, {bundles} signed bundles; begin with README.txt", folder.display(), data.len());
    }
    Ok(())
}

/// Of data in a home.
pub(super) fn failed(e: HomeDataError) -> CliError {
    match e {
        HomeDataError::Store(e) => RuntimeError::Store(e).into(),
        HomeDataError::Secrets(e) => e.into(),
        HomeDataError::Damaged(_) => CliError::new(ExitCode::Store, "the store can't be used").why(e).todo("run `warmnet-node doctor`"),
        HomeDataError::Genesis(_) => usage("the network is not known").why(e).todo("run `warmnet-node config check`"),
    }
}

/// Whole or not at all: the folder takes its name when everything is in it.
fn write(home: &Home, mailboxes: &[MailboxConfig], data: &[MailboxData], folder: &Path) -> std::io::Result<()> {
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    // Readable by its owner only.
    let new = tempfile::Builder::new().prefix(".warmnet-export-").tempdir_in(parent)?;
    let at = |name: &str| new.path().join(name);
    std::fs::write(at("README.txt"), READ_ME)?;
    std::fs::copy(home.node_toml(), at("node.toml"))?;
    std::fs::create_dir(at("mailboxes"))?;
    for mailbox in mailboxes {
        let name = MailboxConfig::file_name(&mailbox.address);
        std::fs::copy(home.mailboxes().join(&name), at("mailboxes").join(name))?;
    }
    let mut file = std::fs::File::create(at("my-data.json"))?;
    serde_json::to_writer_pretty(&mut file, data)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    if folder.is_dir() {
        std::fs::remove_dir(folder)?;
    }
    std::fs::rename(new.keep(), folder)
}
