//! Who lives where: names, domains, providers, passwords, and the emulator's config. Pure.

use super::options::Options;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The three providers: name and temper. Members are spread over them in turn.
pub const PROVIDERS: [(&str, &str, &str); 3] =
    [("alpha", "plain", "lenient"), ("bravo", "gmail", "average"), ("charlie", "plain", "strict")];
/// Days since a member's domain was registered: young enough to be distrusted.
const MEMBER_AGE_DAYS: u32 = 3;
/// The same for golden members: past every filter's probation.
const GOLDEN_AGE_DAYS: u32 = 900;
/// People outside the network, who get the owner's own mail.
const CIVILIANS: usize = 12;
/// The bad apple: the second member.
pub const BAD_APPLE: usize = 1;

/// What kind of user a mailbox has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Enrolled.
    Member,
    /// The coordinator's.
    Golden,
    /// Outside the network.
    Civilian,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Golden => "golden",
            Self::Civilian => "civilian",
        }
    }
}

/// One mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Short name: `m01`, `g01`, `c01`.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// Its address.
    pub address: String,
    /// Password at its provider.
    pub password: String,
    /// Index into [`PROVIDERS`].
    pub provider: usize,
    /// Kind.
    pub kind: Kind,
}

/// All mailboxes and folders of a run.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Root of all homes.
    pub root: PathBuf,
    /// Members in order.
    pub members: Vec<Mailbox>,
    /// Golden members in order.
    pub golden: Vec<Mailbox>,
    /// Others.
    pub civilians: Vec<Mailbox>,
}

fn mailbox(seed: u64, letter: char, index: usize, kind: Kind) -> Mailbox {
    let name = format!("{letter}{:02}", index + 1);
    let domain = format!("{name}.test");
    let address = format!("post@{domain}");
    let digest = blake3::hash(format!("warmnet-localnet password {seed} {address}").as_bytes()).to_hex();
    Mailbox { password: digest.chars().take(24).collect(), domain, address, name, provider: index % PROVIDERS.len(), kind }
}

impl Layout {
    /// The layout for these options below `root`.
    pub fn new(options: &Options, root: &Path) -> Self {
        let many = |letter, n, kind| (0..n).map(|i| mailbox(options.seed, letter, i, kind)).collect();
        Self {
            root: root.to_owned(),
            members: many('m', options.members, Kind::Member),
            golden: many('g', options.golden, Kind::Golden),
            civilians: many('c', CIVILIANS, Kind::Civilian),
        }
    }

    /// Home of a program: `coordinator`, `provider` or a member's name.
    pub fn home(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
    /// Control socket of a program.
    pub fn control(&self, name: &str) -> PathBuf {
        self.home(name).join("control.sock")
    }
    /// Where a program's output goes.
    pub fn log(&self, name: &str) -> PathBuf {
        self.root.join("logs").join(format!("{name}.log"))
    }

    /// The emulator's config file.
    pub fn provider_config(&self, options: &Options, epoch_zero_ms: u64) -> Value {
        let all = || self.members.iter().chain(&self.golden).chain(&self.civilians);
        let age = |m: &Mailbox| if m.kind == Kind::Member { MEMBER_AGE_DAYS } else { GOLDEN_AGE_DAYS };
        let providers: Vec<Value> =
            PROVIDERS.iter().map(|(name, flavor, temper)| json!({"name": name, "flavor": flavor, "temper": temper})).collect();
        let domains: Vec<Value> =
            all().map(|m| json!({"domain": m.domain, "provider": PROVIDERS[m.provider].0, "created_days_ago": age(m)})).collect();
        let mailboxes: Vec<Value> = all().map(|m| json!({"address": m.address, "password": m.password, "kind": m.kind.name()})).collect();
        json!({
            "dir": self.home("provider"),
            "seed": options.seed,
            "epoch_zero_ms": epoch_zero_ms,
            "epoch_ms": u64::from(options.epoch_seconds) * 1_000,
            "providers": providers,
            "domains": domains,
            "mailboxes": mailboxes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_domains_of_their_own_at_providers_in_turn() {
        let layout = Layout::new(&Options { members: 5, ..Options::default() }, Path::new("/x"));
        let names: Vec<_> = layout.members.iter().map(|m| (m.address.as_str(), m.provider)).collect();
        assert_eq!(names[..4], [("post@m01.test", 0), ("post@m02.test", 1), ("post@m03.test", 2), ("post@m04.test", 0)]);
        assert_eq!(layout.members[BAD_APPLE].name, "m02");
    }

    #[test]
    fn passwords_follow_the_seed() {
        let one = |seed| Layout::new(&Options { seed, ..Options::default() }, Path::new("/x")).members[0].password.clone();
        assert_eq!(one(7), one(7));
        assert_ne!(one(7), one(8));
        assert_eq!(one(7).len(), 24);
    }

    #[test]
    fn the_emulator_hears_of_every_mailbox_once() {
        let options = Options { members: 4, golden: 2, ..Options::default() };
        let config = Layout::new(&options, Path::new("/x")).provider_config(&options, 5);
        let count = |key: &str| config[key].as_array().expect("a list").len();
        assert_eq!((count("domains"), count("mailboxes"), count("providers")), (18, 18, 3));
        assert_eq!(config["domains"][4]["created_days_ago"], 900);
    }
}
