//! One mailbox: its servers, hours and what its owner consented to.

use super::error::ConfigError;
use super::node::read_toml;
use crate::mail::ServerSettings;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use warmnet_protocol::wire::roster::{RampPreset, acts};

/// Weekdays as they are written, Monday first.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
pub use warmnet_protocol::exchange::text::LANGUAGES;

/// A mailbox file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxConfig {
    /// Its address.
    pub address: String,
    /// User name at both servers.
    pub user: String,
    /// Whose Authentication-Results are believed; without it none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authserv_id: Option<String>,
    /// Which provider hosts it, 0..=7 as the network counts them.
    #[serde(default)]
    pub provider_class: u8,
    /// Languages its owner reads.
    #[serde(default = "default_languages")]
    pub languages: Vec<String>,
    /// IANA time zone.
    #[serde(default = "default_zone")]
    pub zone: String,
    /// Local working hours: from, until.
    #[serde(default = "default_hours")]
    pub hours: [u8; 2],
    /// Days on which it plays.
    #[serde(default = "default_weekdays")]
    pub weekdays: Vec<String>,
    /// How fast its volume grows.
    #[serde(default = "default_ramp")]
    pub ramp: RampPreset,
    /// Submission server.
    pub smtp: ServerSettings,
    /// Reading server.
    pub imap: ServerSettings,
    /// The recorded yes for each automatic act.
    #[serde(default)]
    pub consent: Consent,
    /// The owner's pause: no mail is sent or answered meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Since when (RFC 3339) the mailbox has left the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

/// A pause (RFC 3339 instants).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Its beginning.
    pub since: String,
    /// Its end; without one it lasts until `resume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

fn default_languages() -> Vec<String> {
    vec!["en".to_owned()]
}
fn default_zone() -> String {
    "UTC".to_owned()
}
fn default_hours() -> [u8; 2] {
    [8, 18]
}
fn default_weekdays() -> Vec<String> {
    WEEKDAYS.map(str::to_owned).to_vec()
}
fn default_ramp() -> RampPreset {
    RampPreset::Gentle
}

/// The acts: their name, bit, and what the node does.
pub const ACTS: [(&str, u8, &str); 4] = [
    ("read", acts::READ, "mark warming mail as read"),
    ("reply", acts::REPLY, "answer warming mail"),
    ("rescue", acts::RESCUE, "move warming mail out of spam"),
    ("file", acts::FILE, "file warming mail into the folder Warmnet"),
];

/// For each automatic act the instant (RFC 3339) at which the owner said yes; an absent one is not done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consent {
    /// Mark warming mail read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<String>,
    /// Answer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Move it out of spam.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescue: Option<String>,
    /// File it into the Warmnet folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Read bounces, complaints and DMARC reports in the inbox, to count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<String>,
}

impl Consent {
    /// The acts as bits.
    #[must_use]
    pub fn acts(&self) -> u8 {
        let bit = |yes: &Option<String>, bit| if yes.is_some() { bit } else { 0 };
        bit(&self.read, acts::READ) | bit(&self.reply, acts::REPLY) | bit(&self.rescue, acts::RESCUE) | bit(&self.file, acts::FILE)
    }
    /// Records a yes for the named acts at `instant`.
    pub fn allow(&mut self, bits: u8, instant: &str) {
        self.set(bits, Some(instant));
    }
    /// Takes the yes to the named acts back.
    pub fn revoke(&mut self, bits: u8) {
        self.set(bits, None);
    }
    fn set(&mut self, bits: u8, yes: Option<&str>) {
        let fields =
            [(&mut self.read, acts::READ), (&mut self.reply, acts::REPLY), (&mut self.rescue, acts::RESCUE), (&mut self.file, acts::FILE)];
        for (field, _) in fields.into_iter().filter(|(_, bit)| bits & bit != 0) {
            *field = yes.map(str::to_owned);
        }
    }
}

impl MailboxConfig {
    /// A mailbox with default hours, zone and ramp that allows nothing yet.
    #[must_use]
    pub fn new(address: String, smtp: ServerSettings, imap: ServerSettings) -> Self {
        Self {
            user: address.clone(),
            address,
            authserv_id: None,
            provider_class: 0,
            languages: default_languages(),
            zone: default_zone(),
            hours: default_hours(),
            weekdays: default_weekdays(),
            ramp: default_ramp(),
            smtp,
            imap,
            consent: Consent::default(),
            pause: None,
            left: None,
        }
    }

    /// Name of its file.
    #[must_use]
    pub fn file_name(address: &str) -> String {
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        format!("{}.toml", address.to_ascii_lowercase().chars().map(safe).collect::<String>())
    }

    /// Loads every mailbox of a folder in file-name order; a missing folder holds none.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load_all(folder: &Path) -> Result<Vec<Self>, ConfigError> {
        let io = |e: std::io::Error| ConfigError::Io { path: folder.to_path_buf(), why: e.to_string() };
        if !folder.exists() {
            return Ok(vec![]);
        }
        let mut paths =
            std::fs::read_dir(folder).and_then(|all| all.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>()).map_err(io)?;
        paths.retain(|p| p.extension().is_some_and(|x| x == "toml"));
        paths.sort();
        let mut all: Vec<Self> = Vec::new();
        for path in paths {
            let mailbox = Self::load(&path)?;
            if all.iter().any(|m| m.address.eq_ignore_ascii_case(&mailbox.address)) {
                return Err(ConfigError::Value { path, key: "address", why: "stands in another file of this folder too".to_owned() });
            }
            all.push(mailbox);
        }
        Ok(all)
    }

    /// Loads and checks one file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let mailbox: Self = read_toml(path)?;
        mailbox.check(path)?;
        Ok(mailbox)
    }

    /// Checks values that the types allow and the program can't use.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn check(&self, path: &Path) -> Result<(), ConfigError> {
        let bad = |key, why: String| Err(ConfigError::Value { path: path.to_path_buf(), key, why });
        if let Err(e) = warmnet_protocol::identity::CanonicalAddress::parse(&self.address) {
            return bad("address", format!("is no mailbox address: {e}"));
        }
        if self.hours[0] > 23 || self.hours[1] > 24 || self.hours[0] == self.hours[1] {
            return bad("hours", "must be two different hours of a day, such as [8, 18]".to_owned());
        }
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            return bad("zone", "is no IANA time zone, such as \"Europe/Berlin\"".to_owned());
        }
        if self.provider_class > 7 {
            return bad("provider_class", "must be 0 to 7".to_owned());
        }
        if let Some(day) = self.weekdays.iter().find(|d| !WEEKDAYS.contains(&d.as_str())) {
            return bad("weekdays", format!("holds \"{day}\"; days are {}", WEEKDAYS.join(", ")));
        }
        if self.weekdays.is_empty() {
            return bad("weekdays", "must name at least one day".to_owned());
        }
        if let Some(language) = self.languages.iter().find(|l| !LANGUAGES.contains(&l.as_str())) {
            return bad("languages", format!("holds \"{language}\"; known are {}", LANGUAGES.join(", ")));
        }
        let yes = [&self.consent.read, &self.consent.reply, &self.consent.rescue, &self.consent.file, &self.consent.reports];
        if let Some(instant) = yes.into_iter().flatten().find(|t| t.parse::<jiff::Timestamp>().is_err()) {
            return bad("consent", format!("holds \"{instant}\"; a yes is recorded with its instant, such as \"2026-11-24T08:00:00Z\""));
        }
        if let Some(instant) = self.left.iter().find(|t| t.parse::<jiff::Timestamp>().is_err()) {
            return bad("left", format!("holds \"{instant}\", which is no instant such as \"2026-11-24T08:00:00Z\""));
        }
        let ends = self.pause.iter().flat_map(|p| [Some(&p.since), p.until.as_ref()]).flatten();
        if let Some(instant) = ends.into_iter().find(|t| t.parse::<jiff::Timestamp>().is_err()) {
            return bad("pause", format!("holds \"{instant}\", which is no instant such as \"2026-11-24T08:00:00Z\""));
        }
        Ok(())
    }

    /// Writes its file atomically, readable by its owner only.
    ///
    /// # Errors
    /// [`ConfigError::Io`].
    pub fn save(&self, folder: &Path) -> Result<(), ConfigError> {
        let path = folder.join(Self::file_name(&self.address));
        let io = |e: std::io::Error| ConfigError::Io { path: path.clone(), why: e.to_string() };
        std::fs::create_dir_all(folder).map_err(io)?;
        // Two addresses may differ only in letters that no file name holds.
        if path.exists() && !Self::load(&path)?.address.eq_ignore_ascii_case(&self.address) {
            return Err(ConfigError::Value { path, key: "address", why: "is another mailbox's: rename that file first".to_owned() });
        }
        let text = toml::to_string_pretty(self).map_err(|e| ConfigError::Syntax { path: path.clone(), why: e.to_string() })?;
        // A named temporary file is created with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(io)?;
        file.persist(&path).map_err(|e| io(e.error))?;
        Ok(())
    }

    /// It leaves the network at `instant`: no consent stands any more.
    pub fn leave(&mut self, instant: &str) {
        self.consent = Consent::default();
        self.pause = None;
        self.left = Some(instant.to_owned());
    }

    /// Whether its owner's pause holds at this instant.
    #[must_use]
    pub fn paused(&self, now: jiff::Timestamp) -> bool {
        let over = |until: &String| until.parse::<jiff::Timestamp>().is_ok_and(|end| end <= now);
        self.pause.as_ref().is_some_and(|p| !p.until.as_ref().is_some_and(over))
    }

    /// Working hours in minutes of the local day.
    #[must_use]
    pub fn hours_in_minutes(&self) -> (u16, u16) {
        (u16::from(self.hours[0]) * 60, u16::from(self.hours[1]) * 60)
    }
    /// Weekdays as bits from Monday.
    #[must_use]
    pub fn weekday_bits(&self) -> u8 {
        bits(&WEEKDAYS, &self.weekdays)
    }
    /// Languages as bits.
    #[must_use]
    pub fn language_bits(&self) -> u8 {
        bits(&LANGUAGES, &self.languages)
    }
}

fn bits(names: &[&str], chosen: &[String]) -> u8 {
    names.iter().enumerate().filter(|(_, n)| chosen.iter().any(|c| c == *n)).fold(0, |all, (i, _)| all | 1 << i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Security;

    fn server(port: u16) -> ServerSettings {
        ServerSettings { host: "mx.a.test".into(), port, security: Security::Tls, address: None, ca_file: None }
    }

    #[test]
    fn a_mailbox_survives_its_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut mailbox = MailboxConfig::new("Me@a.test".into(), server(465), server(993));
        mailbox.consent.allow(acts::READ | acts::RESCUE, "2026-11-24T08:00:00Z");
        mailbox.save(dir.path()).expect("saved");
        let all = MailboxConfig::load_all(dir.path()).expect("loaded");
        assert_eq!(all, vec![mailbox]);
        assert_eq!(all[0].consent.acts(), acts::READ | acts::RESCUE);
        assert_eq!(all[0].weekday_bits(), 0x7f);
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join("me_a.test.toml")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn two_mailboxes_never_share_a_file_or_an_address() {
        let dir = tempfile::tempdir().expect("a folder");
        let save = |address: &str| MailboxConfig::new(address.into(), server(465), server(993)).save(dir.path());
        save("a!b@a.test").expect("saved");
        save("a!b@a.test").expect("saved again");
        assert!(matches!(save("a#b@a.test"), Err(ConfigError::Value { key: "address", .. })));
        std::fs::copy(dir.path().join("a_b_a.test.toml"), dir.path().join("copy.toml")).expect("copied");
        assert!(matches!(MailboxConfig::load_all(dir.path()), Err(ConfigError::Value { key: "address", .. })));
    }

    #[test]
    fn wrong_values_are_named() {
        let good = MailboxConfig::new("me@a.test".into(), server(465), server(993));
        type Change = fn(&mut MailboxConfig);
        let spoil: [(&str, Change); 7] = [
            ("address", |m| m.address = "me".into()),
            ("hours", |m| m.hours = [9, 9]),
            ("zone", |m| m.zone = "Mars/Base".into()),
            ("weekdays", |m| m.weekdays = vec!["monday".into()]),
            ("languages", |m| m.languages = vec!["xx".into()]),
            ("provider_class", |m| m.provider_class = 8),
            ("consent", |m| m.consent.reply = Some("yes".into())),
        ];
        for (key, change) in spoil {
            let mut bad = good.clone();
            change(&mut bad);
            let error = bad.check(Path::new("x.toml")).expect_err("refused").to_string();
            assert!(error.starts_with(&format!("x.toml: {key}")), "{error}");
        }
    }
}
