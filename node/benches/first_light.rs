//! What a node costs: signatures, bundle ingest as a ratio of bare `verify_strict`, and the memory of a large network.
//!
//! One run, one thread, one machine: the ratios count, the absolute figures don't travel.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;
use warmnet_node::store::{Durability, FamilyName, Store, epoch_member_key};
use warmnet_protocol::chain::{Chain, DraftInputs};
use warmnet_protocol::identity::{NodeKey, Verified, hash, keys, signed};
use warmnet_protocol::ids::{Beacon, DomainTag, MemberId};
use warmnet_protocol::matching::Pairing;
use warmnet_protocol::params::Params;
use warmnet_protocol::policy;
use warmnet_protocol::time::{Clock, Epoch};
use warmnet_protocol::wire::bundle::{
    AuthResult, Bundle, Entry, Observation, Placement, SelfReport, SenderOutcome, Word, receiver_evidence, sender_evidence,
};
use warmnet_protocol::wire::epoch_record::IssuingKey;
use warmnet_protocol::wire::genesis::{GENESIS_VERSION, Genesis};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, RosterRow, acts};

/// Members of the large network (goal: its node under 160 MiB with 30 epochs).
const MEMBERS: u32 = 10_000;
/// Epochs whose bundles are in the window.
const EPOCHS: u32 = 30;
/// Links of the beacon chain that are used.
const LINKS: u32 = EPOCHS + 20;

struct Network {
    chain: Chain,
    links: Vec<Beacon>,
    issuing: NodeKey,
    authority: Vec<u8>,
    rows: Vec<RosterRow>,
    node: NodeKey,
}

/// All members on one node key would never meet: every member has a key of its own, made from its number.
fn key(n: u32) -> NodeKey {
    let mut seed = [0u8; 32];
    seed[..4].copy_from_slice(&n.to_be_bytes());
    NodeKey::from_seed(&seed)
}

fn network() -> Network {
    let mut links = vec![Beacon([42; 32])];
    for _ in 0..LINKS {
        links.push(Beacon(hash::digest(&links[links.len() - 1].0).0));
    }
    links.reverse();
    let (root, issuing) = (key(u32::MAX), key(u32::MAX - 1));
    let genesis = Genesis {
        version: GENESIS_VERSION,
        name: "bench".into(),
        root: root.node_id(),
        coordinator: key(0).node_id(),
        first_beacon: links[0],
        clock: Clock { epoch_zero_ms: 0, epoch_ms: 86_400_000 },
        params: Params::standard(),
    };
    let id = genesis.network_id();
    let authority = signed::sign(&root, &id, IssuingKey { key: issuing.node_id(), from: Epoch(0), until: Epoch(400) }).bytes;
    let row = |n: u32| {
        let member = MemberId(hash::digest(&n.to_be_bytes()).0);
        let mut tag = [0u8; 16];
        tag[..4].copy_from_slice(&n.to_be_bytes());
        let role = if n < 50 { Role::Golden } else { Role::Member };
        policy::first_row(
            &genesis.params,
            member,
            key(n).node_id(),
            DomainTag(tag),
            u8::try_from(n % 3).unwrap_or(0),
            1,
            ALL_WEEKDAYS,
            acts::ALL,
            RampPreset::Fresh,
            role,
            Epoch(0),
        )
    };
    let rows = (0..MEMBERS).map(row).collect();
    Network { chain: Chain::new(genesis), links, issuing, authority, rows, node: key(7) }
}

impl Network {
    fn publish(&mut self) {
        let epoch = self.chain.next_epoch();
        let inputs = DraftInputs {
            beacon: self.links[epoch.0 as usize + 1],
            notices: vec![],
            admitted: if epoch.0 == 0 { self.rows.clone() } else { vec![] },
            degraded: false,
            authority: self.authority.clone(),
        };
        let draft = self.chain.draft(inputs).expect("everything before is derived");
        let record = signed::sign(&self.issuing, &self.chain.network(), draft.record);
        self.chain.accept_record(record).expect("the chain continues");
        self.chain.accept_roster(epoch, draft.roster).expect("the record names it");
        self.chain.derive();
    }

    /// Every member's bundle of an epoch; `sign`: with its own key (slow, for ingest), else with one signature for all
    /// (for memory, where nobody checks it).
    fn bundles(&self, epoch: Epoch, sign: bool, numbers: &BTreeMap<MemberId, u32>) -> Vec<Verified<Bundle>> {
        let play = self.chain.play(epoch).expect("a played epoch");
        let deal = self.chain.deal(&play);
        let mut entries: BTreeMap<u32, Vec<Entry>> = BTreeMap::new();
        let label = self.node.sign(b"label");
        let seen = Observation {
            placement: Placement::Inbox,
            spf: AuthResult::Pass,
            dkim: AuthResult::Pass,
            dmarc: AuthResult::Pass,
            read: true,
            rescued: false,
            replied: false,
            complaint: false,
        };
        for Pairing { slot, sender, receiver, spare } in deal.all() {
            if spare {
                continue;
            }
            let sent = Entry { slot, word: Word::Sender(SenderOutcome::Sent), evidence: sender_evidence(&label) };
            let got = Entry { slot, word: Word::Receiver(Some(seen)), evidence: receiver_evidence(&label) };
            entries.entry(sender).or_default().push(sent);
            entries.entry(receiver).or_default().push(got);
        }
        let bundle = |(position, row): (usize, &RosterRow)| {
            let mut entries = entries.get(&(position as u32)).cloned().unwrap_or_default();
            entries.sort_by_key(Entry::order);
            let bundle = Bundle { member: row.member, epoch, entries, report: SelfReport::default() };
            let author = if sign { key(numbers[&row.member]) } else { key(0) };
            let mut signed = signed::sign(&author, &self.chain.network(), bundle);
            signed.signer = row.node;
            signed
        };
        play.roster.rows().iter().enumerate().map(bundle).collect()
    }
}

/// Resident memory of this process in MiB (Linux).
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|l| l.strip_prefix("VmRSS:")).and_then(|v| v.trim().trim_end_matches(" kB").trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

fn best_of<F: FnMut() -> u64>(runs: u32, mut work: F) -> f64 {
    let rate = |n: u64, start: Instant| n as f64 / start.elapsed().as_secs_f64();
    (0..runs).fold(0.0, |best: f64, _| {
        let start = Instant::now();
        let n = work();
        best.max(rate(n, start))
    })
}

fn main() {
    let verify = {
        let signer = key(1);
        let messages: Vec<Vec<u8>> = (0..2_000u32).map(|n| n.to_be_bytes().repeat(138)).collect();
        let signatures: Vec<_> = messages.iter().map(|m| signer.sign(m)).collect();
        let id = signer.node_id();
        best_of(5, || messages.iter().zip(&signatures).filter(|(m, s)| black_box(keys::verify(&id, m, s))).count() as u64)
    };
    println!("verify_strict                  {verify:>9.0} a second, one thread");

    let mut net = network();
    let numbers: BTreeMap<MemberId, u32> = (0..).zip(&net.rows).map(|(n, r): (u32, &RosterRow)| (r.member, n)).collect();
    for _ in 0..6 {
        net.publish();
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(dir.path().join("store")).expect("a fresh store");
    let family = store.family(FamilyName::Bundles);
    let bundles = net.bundles(Epoch(2), true, &numbers);
    let bytes: usize = bundles.iter().map(|b| b.bytes.len()).sum();
    let start = Instant::now();
    let network = net.chain.network();
    let mut taken = 0u64;
    for wire in &bundles {
        let decoded = signed::decode::<Bundle>(&wire.bytes).expect("canonical");
        if net.chain.check_bundle(&decoded.message, &decoded.digest, &decoded.signer()).is_err() {
            continue;
        }
        let verified = decoded.verify(&network).expect("signed by its member");
        let at = epoch_member_key(verified.message.epoch.0, &verified.message.member.0);
        family.put(&at, &verified.bytes, Durability::Buffered).expect("room on the disk");
        net.chain.accept_bundle(verified).expect("its epoch is open");
        taken += 1;
    }
    let ingest = taken as f64 / start.elapsed().as_secs_f64();
    println!(
        "bundles ingested               {ingest:>9.0} a second ({taken} of {:.0} bytes: decode, rules, verify, store with WAL), {:.0} % of bare verify_strict",
        bytes as f64 / bundles.len().max(1) as f64,
        100.0 * ingest / verify
    );
    drop(bundles);

    let start = Instant::now();
    while net.chain.window().epochs().count() < EPOCHS as usize {
        let closing = net.chain.next_epoch().minus(5).expect("six records are out");
        for bundle in net.bundles(closing, false, &numbers) {
            // The ingest above brought epoch 2 in already.
            let _known = net.chain.accept_bundle(bundle);
        }
        net.publish();
    }
    println!(
        "{EPOCHS} epochs of {MEMBERS} members      {:>9.1} s to deal, close, trust, score and roll the roster",
        start.elapsed().as_secs_f64()
    );
    drop(numbers);
    net.rows = vec![];
    println!("resident with that network     {:>9.0} MiB (chain and open store in this process; goal for a node 160)", resident_mib());
}
