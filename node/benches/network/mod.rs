//! A large network without machines, whose members' bundles all say the same good things.

use std::collections::BTreeMap;
use warmnet_protocol::chain::{Chain, DraftInputs};
use warmnet_protocol::identity::{NodeKey, Verified, hash, signed};
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

/// Links of the beacon chain: a window of 30 epochs and some more.
const LINKS: u32 = 50;

pub(crate) struct Network {
    pub(crate) chain: Chain,
    links: Vec<Beacon>,
    issuing: NodeKey,
    authority: Vec<u8>,
    pub(crate) rows: Vec<RosterRow>,
    node: NodeKey,
}

/// All members on one node key would never meet: every member has a key of its own, made from its number.
pub(crate) fn key(n: u32) -> NodeKey {
    let mut seed = [0u8; 32];
    seed[..4].copy_from_slice(&n.to_be_bytes());
    NodeKey::from_seed(&seed)
}

pub(crate) fn network(members: u32, epoch_zero_ms: i64) -> Network {
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
        clock: Clock { epoch_zero_ms, epoch_ms: 86_400_000 },
        params: Params::standard(),
    };
    let id = genesis.network_id();
    let authority = signed::sign(&root, &id, IssuingKey { key: issuing.node_id(), from: Epoch(0), until: Epoch(400), serial: 0 }).bytes;
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
    let rows = (0..members).map(row).collect();
    Network { chain: Chain::new(genesis), links, issuing, authority, rows, node: key(7) }
}

impl Network {
    /// Publishes the next record; returns its envelope.
    pub(crate) fn publish(&mut self) -> (Epoch, Vec<u8>) {
        let epoch = self.chain.next_epoch();
        let inputs = DraftInputs {
            beacon: self.links[epoch.0 as usize + 1],
            notices: vec![],
            departures: vec![],
            upcoming: None,
            admitted: if epoch.0 == 0 { self.rows.clone() } else { vec![] },
            degraded: false,
            authority: self.authority.clone(),
        };
        let draft = self.chain.draft(inputs).expect("everything before is derived");
        let record = signed::sign(&self.issuing, &self.chain.network(), draft.record);
        let bytes = record.bytes.clone();
        self.chain.accept_record(record).expect("the chain continues");
        self.chain.accept_roster(epoch, draft.roster).expect("the record names it");
        self.chain.derive();
        (epoch, bytes)
    }

    /// Every member's bundle of an epoch; `sign`: with its own key (slow, for ingest), else with one signature for all
    /// (for memory, where nobody checks it).
    pub(crate) fn bundles(&self, epoch: Epoch, sign: bool, numbers: &BTreeMap<MemberId, u32>) -> Vec<Verified<Bundle>> {
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
