//! The home: files, their permissions, secrets, clock and store.

use super::Item;
use crate::config::{Home, NodeConfig, Unlock};
use crate::runtime::check_genesis;
use crate::store::{Store, StoreError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How far the clock may lie behind a file of the home that it wrote.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// Genesis, permissions and clock.
#[must_use]
pub fn check(home: &Home, config: &NodeConfig) -> Vec<Item> {
    let mut items = vec![Item::ok("config", "node.toml and the mailboxes' files can be used"), genesis(home, config)];
    items.extend(permissions(home, config));
    items.push(clock(home, SystemTime::now()));
    items
}

fn genesis(home: &Home, config: &NodeConfig) -> Item {
    let path = home.genesis(config);
    let read = std::fs::read(&path).map_err(|e| e.to_string()).and_then(|bytes| check_genesis(&bytes));
    match read {
        Ok(summary) => Item::ok("genesis", format!("the network is {}", summary.name)),
        Err(why) => Item::critical("genesis", format!("{}: {why}", path.display()), "get the genesis file from the network's operator"),
    }
}

/// Whether others can get at what is this owner's alone.
fn permissions(home: &Home, config: &NodeConfig) -> Vec<Item> {
    let open = |path: &Path| std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0);
    let tight = |path: &Path| format!("chmod {} {}", if path.is_dir() { "700" } else { "600" }, path.display());
    let mut secret = vec![home.secrets()];
    if config.secrets.unlock == Unlock::KeyFile {
        secret.push(home.join(&config.secrets.key_file));
    }
    let mut items: Vec<Item> = secret
        .iter()
        .filter(|p| open(p))
        .map(|p| Item::critical("permissions", format!("others can get at {}", p.display()), tight(p)))
        .collect();
    let mut private: Vec<PathBuf> = vec![home.root().to_path_buf()];
    let files = std::fs::read_dir(home.mailboxes()).into_iter().flatten().flatten();
    private.extend(files.map(|f| f.path()).filter(|p| p.extension().is_some_and(|x| x == "toml")));
    items.extend(
        private.iter().filter(|p| open(p)).map(|p| Item::warn("permissions", format!("others can read {}", p.display()), tight(p))),
    );
    if items.is_empty() {
        items.push(Item::ok("permissions", "only you can read this home"));
    }
    items
}

/// A clock without a reference can only be caught running behind what it wrote itself.
fn clock(home: &Home, now: SystemTime) -> Item {
    let files = [home.node_toml(), home.secrets(), home.store().join("CURRENT")];
    let newest = files.iter().filter_map(|p| std::fs::metadata(p).and_then(|m| m.modified()).ok()).max();
    match newest {
        Some(at) if at > now + CLOCK_SLACK => Item::critical(
            "clock",
            "this machine's clock lies behind the time at which it wrote the home's files",
            "set the clock, by NTP if you can: epochs and signatures go by it",
        ),
        _ => Item::info("clock", "the clock is not behind this home's files; whether it is exact can't be told from here"),
    }
}

/// Opens the store of a home that no program runs on; the caller holds the home's lock.
#[must_use]
pub fn store(home: &Home) -> Item {
    if !home.store().exists() {
        return Item::info("store", "there is no store yet; the first run makes it");
    }
    match Store::open(home.store()) {
        Ok(_) => Item::ok("store", "the store opens"),
        Err(e @ StoreError::Locked { .. }) => Item::warn("store", e.to_string(), "stop the program that uses it"),
        Err(e) => Item::critical(
            "store",
            e.to_string(),
            "move the folder `store` aside and start again: the node fetches the network's data anew, and nothing is sent twice",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use std::fs::{Permissions, set_permissions, write};

    #[test]
    fn open_files_are_found_and_the_fix_closes_them() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::at(dir.path());
        let config = NodeConfig::default();
        std::fs::create_dir(home.mailboxes()).expect("a folder");
        let files = [home.secrets(), home.join("secrets.key"), home.mailboxes().join("me.toml")];
        for path in &files {
            write(path, "x").expect("written");
            set_permissions(path, Permissions::from_mode(0o600)).expect("set");
        }
        set_permissions(dir.path(), Permissions::from_mode(0o700)).expect("set");
        let look = || permissions(&home, &config).into_iter().map(|i| (i.severity, i.fix)).collect::<Vec<_>>();
        assert_eq!(look(), [(Severity::Ok, None)]);
        for (path, severity) in files.iter().zip([Severity::Critical, Severity::Critical, Severity::Warn]) {
            set_permissions(path, Permissions::from_mode(0o640)).expect("set");
            assert_eq!(look(), [(severity, Some(format!("chmod 600 {}", path.display())))]);
            set_permissions(path, Permissions::from_mode(0o600)).expect("set");
        }
    }

    #[test]
    fn a_clock_behind_its_own_files_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::at(dir.path());
        write(home.node_toml(), "").expect("written");
        let now = SystemTime::now();
        assert_eq!(clock(&home, now).severity, Severity::Info);
        assert_eq!(clock(&home, now - Duration::from_secs(3600)).severity, Severity::Critical);
    }
}
