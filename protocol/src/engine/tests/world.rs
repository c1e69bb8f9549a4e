//! A whole network in memory: real engines, virtual time, mail and gossip carried by the test.

use crate::chain::DraftInputs;
use crate::engine::*;
use crate::exchange::SendResult;
use crate::gossip::{Acceptance, Topic};
use crate::identity::{CanonicalAddress, hash, member_id, signed};
use crate::ids::{Beacon, DomainTag, NodeId, Salt};
use crate::params::Params;
use crate::policy;
use crate::time::{Clock, Span};
use crate::wire::bundle::{AuthResult, Bundle, Placement};
use crate::wire::enrolment::EnrolAnswer;
use crate::wire::epoch_record::{EpochRecord, IssuingKey};
use crate::wire::genesis::GENESIS_VERSION;
use crate::wire::label::Label;
use crate::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, Roster, RosterRow, acts};
use crate::wire::sync::{Request, Response};
use std::collections::BTreeMap;

pub(super) const CLOCK: Clock = Clock { epoch_zero_ms: 1_000_000_000, epoch_ms: 86_400_000 };
pub(super) const LINKS: usize = 200;

/// What a coordinator changes in its draft.
pub(super) type Cheat = fn(Epoch, &mut EpochRecord, &mut Roster);

/// What becomes of a mail's text.
pub(super) type Rewrite = fn(&str) -> String;

pub(super) struct Peer {
    pub(super) engine: Engine,
    pub(super) alive: bool,
    pub(super) store: MemoryStore,
}

impl Peer {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, alive: true, store: MemoryStore::default() }
    }
}

/// Engines 1.. are nodes, engine 0 the coordinator with the golden members.
pub(super) struct World {
    pub(super) peers: Vec<Peer>,
    pub(super) now: Timestamp,
    pub(super) links: Vec<Beacon>,
    pub(super) issuing: NodeKey,
    pub(super) authority: Vec<u8>,
    pub(super) serial: u32,
    pub(super) admitted: Vec<RosterRow>,
    pub(super) departures: Vec<Vec<u8>>,
    pub(super) addresses: BTreeMap<String, (usize, MemberId)>,
    pub(super) mails: BTreeMap<(ExchangeId, u8), u32>,
    /// Members whose mail lands in spam.
    pub(super) spammy: bool,
    /// A peer whose mails are written otherwise under their labels, and how.
    pub(super) rewrites: Option<(usize, Rewrite)>,
    pub(super) rejected: u32,
    pub(super) publishing: bool,
    /// What the coordinator changes in its drafts.
    pub(super) cheat: Option<Cheat>,
    /// The member whose bundles the coordinator doesn't take.
    pub(super) censored: Option<MemberId>,
    /// Questions asked so far: the next one goes to another peer.
    pub(super) asked: usize,
}

pub(super) fn key(n: u8) -> NodeKey {
    NodeKey::from_seed(&[n; 32])
}

impl World {
    pub(super) fn new(members: u8, golden: u8) -> Self {
        let mut links = vec![Beacon([42; 32])];
        for _ in 0..LINKS {
            links.push(Beacon(hash::digest(&links[links.len() - 1].0).0));
        }
        links.reverse();
        let (root, issuing) = (key(200), key(201));
        let genesis = Genesis {
            version: GENESIS_VERSION,
            name: "test".into(),
            root: root.node_id(),
            coordinator: key(0).node_id(),
            first_beacon: links[0],
            clock: CLOCK,
            params: Params::standard(),
        };
        let network = genesis.network_id();
        let authority =
            signed::sign(&root, &network, IssuingKey { key: issuing.node_id(), from: Epoch(0), until: Epoch(400), serial: 0 }).bytes;
        let mut world = Self {
            peers: vec![],
            now: Timestamp(CLOCK.epoch_zero_ms - 86_400_000 / 4),
            links,
            issuing,
            authority,
            serial: 0,
            admitted: vec![],
            departures: vec![],
            addresses: BTreeMap::new(),
            mails: BTreeMap::new(),
            spammy: false,
            rewrites: None,
            rejected: 0,
            publishing: true,
            cheat: None,
            censored: None,
            asked: 0,
        };
        world.peers.push(Peer::new(Engine::new(genesis.clone(), key(0))));
        for n in 1..=members {
            world.peers.push(Peer::new(Engine::new(genesis.clone(), key(n))));
        }
        for n in 0..golden {
            world.host(0, &format!("g{n}@gold{n}.test"), Role::Golden, &genesis);
        }
        for n in 1..=members {
            world.host(usize::from(n), &format!("m{n}@dom{n}.test"), Role::Member, &genesis);
        }
        world
    }

    pub(super) fn host(&mut self, peer: usize, address: &str, role: Role, genesis: &Genesis) {
        let canonical = CanonicalAddress::parse(address).unwrap();
        let salt = Salt(hash::digest(address.as_bytes()).0);
        let member = member_id(&genesis.network_id(), &salt, &canonical);
        let node = self.peers[peer].engine.key.node_id();
        let mut tag = [0; 16];
        tag.copy_from_slice(&hash::digest(address.as_bytes()).0[..16]);
        let row = policy::first_row(
            &genesis.params,
            member,
            node,
            DomainTag(tag),
            u8::try_from(peer % 3).unwrap(),
            1,
            ALL_WEEKDAYS,
            acts::ALL,
            RampPreset::Gentle,
            role,
            Epoch(0),
        );
        self.admitted.push(row);
        self.addresses.insert(address.to_owned(), (peer, member));
        let config = HostedMember {
            member,
            address: address.to_owned(),
            salt,
            hours: (8 * 60, 18 * 60),
            utc_offset_minutes: 0,
            acts: acts::ALL,
            weekdays: ALL_WEEKDAYS,
            languages: 1,
            provider: 0,
            ramp: RampPreset::Gentle,
            golden: role == Role::Golden,
            switch: Switch::On,
        };
        let now = self.now;
        self.peers[peer].engine.handle(now, Input::Host(Box::new(config)));
    }

    /// The coordinator publishes what is due.
    pub(super) fn publish(&mut self) {
        while self.publishing {
            let chain = self.peers[0].engine.chain();
            let epoch = chain.next_epoch();
            let due = self.now.0 >= CLOCK.start(epoch).0 - 86_400_000 / 4;
            if !due || chain.undecided().is_some_and(|fork| fork.serial >= self.serial) {
                break;
            }
            let draft = chain.draft(DraftInputs {
                beacon: self.links[epoch.0 as usize + 1],
                notices: vec![],
                departures: self.departures.clone(),
                upcoming: None,
                admitted: if epoch.0 == 0 { self.admitted.clone() } else { vec![] },
                degraded: self.now >= CLOCK.start(epoch) && epoch.0 > 0,
                authority: self.authority.clone(),
            });
            // Not derived yet: it asks for what it lacks.
            let Some(mut draft) = draft else { break };
            if let Some(cheat) = self.cheat {
                cheat(epoch, &mut draft.record, &mut draft.roster);
                draft.record.roster = draft.roster.digest();
                draft.record.roster_len = draft.roster.len() as u32;
            }
            let network = chain.network();
            let record = signed::sign(&self.issuing, &network, draft.record);
            let now = self.now;
            self.peers[0].engine.handle(now, Input::OwnRecord { record: Box::new(record), roster: draft.roster });
            self.drain();
        }
    }

    pub(super) fn drain(&mut self) {
        loop {
            let mut any = false;
            for i in 0..self.peers.len() {
                while let Some(output) = self.peers[i].engine.poll() {
                    any = true;
                    if self.peers[i].alive {
                        self.carry(i, output);
                    }
                }
            }
            if !any {
                break;
            }
        }
    }

    pub(super) fn deliver(&mut self, to: usize, input: Input) {
        let now = self.now;
        self.peers[to].engine.handle(now, input);
    }

    pub(super) fn carry(&mut self, from: usize, output: Output) {
        match output {
            Output::Publish { topic, bytes } => {
                let censored = self.censored.is_some_and(|m| signed::decode::<Bundle>(&bytes).is_ok_and(|b| b.message.member == m));
                self.gossip(from, topic, &bytes, topic == Topic::Bundles && censored);
            }
            Output::OwnBundle { epoch, member, bytes } => {
                let stored = self.peers[from].store.store_own(epoch, member, bytes.clone());
                assert!(stored, "one bundle a member and epoch");
                self.deliver(from, Input::OwnBundleStored(bytes));
            }
            Output::Store(what) => {
                let Peer { engine, store, .. } = &mut self.peers[from];
                store.store(engine.chain(), what);
            }
            Output::GoBack { epoch, cause } => {
                let Peer { engine, store, .. } = &mut self.peers[from];
                store.go_back(epoch, cause);
                engine.refold(self.now, epoch, store).expect("its own records");
            }
            Output::Ask(want) => {
                let response = self.answer(from, &want);
                self.deliver(from, Input::Answer { want, response });
            }
            Output::Introduce { exchange, node, request } => {
                let to = self.peers.iter().position(|p| p.alive && p.engine.key.node_id() == node);
                match to {
                    None => self.deliver(from, Input::IntroductionAnswer { exchange, answer: None }),
                    Some(to) => {
                        let asker: NodeId = self.peers[from].engine.key.node_id();
                        self.deliver(to, Input::Introduction { token: u64::MAX, from: asker, request });
                        let mut answer = None;
                        while let Some(output) = self.peers[to].engine.poll() {
                            match output {
                                Output::IntroductionAnswer { token: u64::MAX, answer: a } => answer = Some(a),
                                other => self.carry(to, other),
                            }
                        }
                        self.deliver(from, Input::IntroductionAnswer { exchange, answer });
                    }
                }
            }
            Output::Enrol { member, request } => {
                let Request::Leave(bytes) = *request else { return };
                let stands = self.peers[0].engine.chain().latest_roster().row(&member).is_some();
                let answer = Some(if stands { EnrolAnswer::Pending } else { EnrolAnswer::Left });
                self.departures.push(bytes);
                self.deliver(from, Input::EnrolmentAnswer { member, answer });
            }
            Output::Send(task) => self.mail(from, *task),
            Output::Act { exchange, turn, act, .. } => self.deliver(from, Input::Acted { exchange, turn, act, done: true }),
            Output::Verdict { verdict, .. } => self.rejected += u32::from(verdict.acceptance == Acceptance::Reject),
            _ => {}
        }
    }

    /// `censored`: the coordinator doesn't take it.
    fn gossip(&mut self, from: usize, topic: Topic, bytes: &[u8], censored: bool) {
        for to in usize::from(censored)..self.peers.len() {
            if to != from && self.peers[to].alive {
                self.deliver(to, Input::Gossip { token: 0, topic, bytes: bytes.to_vec() });
            }
        }
    }

    pub(super) fn answer(&mut self, from: usize, want: &Want) -> Response {
        self.asked += 1;
        let asked = (0..self.peers.len()).map(|i| (i + self.asked) % self.peers.len()).find(|i| *i != from && self.peers[*i].alive);
        let others = self.peers.iter().enumerate().filter(|(i, p)| *i != from && p.alive).map(|(_, p)| p);
        match want {
            Want::Records(e) => {
                let Some(Peer { engine, store, .. }) = asked.map(|i| &self.peers[i]) else { return Response::Records(vec![]) };
                let undecided = engine.chain().undecided().into_iter().flat_map(|fork| fork.records.clone());
                Response::Records(store.records.range(*e..).map(|(_, b)| b.clone()).chain(undecided).take(16).collect())
            }
            Want::Roster(e, digest, page) => {
                let roster = others.filter_map(|o| o.store.rosters.get(e)).find(|r| r.digest() == *digest);
                let rows = roster.map(|r| r.rows()[*page as usize..].to_vec()).unwrap_or_default();
                Response::Roster { total: rows.len() as u32 + page, rows }
            }
            Want::Bundles(e, have) => {
                let mut found = BTreeMap::new();
                for Peer { engine, store, .. } in others {
                    let played = engine.chain().played_by(*e).map(|held| held.record.epoch);
                    let Some(roster) = played.and_then(|at| store.rosters.get(&at)) else { continue };
                    for ((_, m), envelope) in store.bundles.range((*e, MemberId([0; 32]))..=(*e, MemberId([255; 32]))) {
                        let lacks = roster.position(m).is_some_and(|p| !crate::wire::epoch_record::bit(have, p as usize));
                        if lacks && !(from == 0 && self.censored == Some(*m)) {
                            found.insert(*m, envelope.clone());
                        }
                    }
                }
                Response::Bundles(found.into_values().take(limits::BUNDLE_PAGE).collect())
            }
            Want::Notices => Response::Notices(vec![]),
            Want::Faults(digests) => {
                let known = |digest| others.clone().find_map(|p| p.engine.chain().fault(digest).map(|fault| fault.bytes.clone()));
                Response::Faults(digests.iter().filter_map(known).collect())
            }
            Want::Leaves(record, from) => {
                let Some(Peer { engine, store, .. }) = asked.map(|i| &self.peers[i]) else {
                    return Response::Refused { reason: String::new() };
                };
                let counted = engine.chain().counted(*record);
                let leaves = counted.and_then(|c| c.leaves(|member| store.bundles.get(&(c.epoch, *member)).cloned()));
                let leaves = leaves.unwrap_or_default();
                Response::Leaves { total: leaves.len() as u32, digests: leaves[*from as usize..].to_vec() }
            }
        }
    }

    pub(super) fn mail(&mut self, from: usize, task: MailTask) {
        *self.mails.entry((task.exchange, task.turn)).or_default() += 1;
        self.deliver(from, Input::MailSent { exchange: task.exchange, turn: task.turn, result: SendResult::Sent });
        let (to, member) = self.addresses[&task.to];
        let spam = self.spammy && task.exchange.0[0].is_multiple_of(3);
        let found = FoundMail {
            member,
            placement: if spam { Placement::Spam } else { Placement::Inbox },
            from: self.peers[from].engine.hosted().get(&task.from).map(|h| h.config.address.clone()),
            to: Some(task.to.clone()),
            label: task.label.clone(),
            message_id: task.message_id.clone(),
            text: task.text.replace('\n', "\r\n"),
            single_plain_part: true,
            auth: [AuthResult::Pass; 3],
            answers: vec![],
        };
        if self.peers[to].engine.hosted()[&member].config.switch == Switch::Left {
            return self.deliver(to, Input::MailFound(found));
        }
        if let Some((_, rewrite)) = self.rewrites.filter(|(peer, _)| *peer == from) {
            return self.deliver(to, Input::MailFound(FoundMail { text: rewrite(&found.text), ..found }));
        }
        // With a link beside its text, a second time: left alone.
        let mut forged = found.clone();
        forged.text += "https://one.test";
        self.deliver(to, Input::MailFound(forged));
        self.deliver(to, Input::MailFound(found.clone()));
        self.deliver(to, Input::MailFound(found));
        let outputs: Vec<Output> = std::iter::from_fn(|| self.peers[to].engine.poll()).collect();
        let left_alone = outputs.iter().filter(|o| matches!(o, Output::LeftAlone { .. })).count();
        assert_eq!(left_alone, 2, "a forged and a replayed mail are left alone");
        outputs.into_iter().for_each(|output| self.carry(to, output));
        assert!(Label::parse(&task.label).is_ok());
    }

    pub(super) fn run_until(&mut self, end: Timestamp) {
        while self.now < end {
            self.publish();
            let wakes = self.peers.iter().filter(|p| p.alive).filter_map(|p| p.engine.next_wake());
            let next =
                wakes.min().unwrap_or(end).min(self.now.plus_wall_ms(CLOCK.wall_ms(Span::minutes(30)))).max(self.now.plus_wall_ms(1));
            self.now = next.min(end);
            for i in 0..self.peers.len() {
                if self.peers[i].alive {
                    self.deliver(i, Input::Wake);
                }
            }
            self.drain();
        }
    }

    pub(super) fn run_to_epoch(&mut self, epoch: u32) {
        self.run_until(CLOCK.start(Epoch(epoch)));
    }

    pub(super) fn assert_agreement(&self, from: u32) {
        let reference = self.peers[0].engine.chain().history();
        assert!(!reference.is_empty());
        for (i, p) in self.peers.iter().enumerate().filter(|(_, p)| p.alive) {
            let own = p.engine.chain().history();
            assert!(own.iter().all(|d| d.matches_record), "peer {i} derives what the records say");
            assert_eq!(own.back(), reference.back(), "peer {i} is as far as the coordinator");
            assert!(own.iter().filter(|d| d.record.0 >= from).all(|d| reference.contains(d)));
        }
    }
}
