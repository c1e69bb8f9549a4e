//! A node of the recorded network that two members live on, and what must hold of whatever it says.

use crate::cast::{self, LEAVER, SECOND};
use crate::world::{World, world};
use std::collections::{BTreeMap, BTreeSet};
use warmnet_protocol::engine::{Application, Engine, HostedMember, Input, MailTask, Output, Restored, Switch, Want};
use warmnet_protocol::exchange::{Act, Exchange, SendResult};
use warmnet_protocol::gossip::Topic;
use warmnet_protocol::identity::{CanonicalAddress, signed};
use warmnet_protocol::ids::{ExchangeId, MemberId, NodeId};
use warmnet_protocol::limits::REQUEST_BYTES;
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::bundle::{Bundle, SelfReport};
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::introduction::{Introduce, Introduced};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Roster, acts};

/// Who lives there: the node of two.
pub(crate) const HOSTED: [usize; 2] = [LEAVER, SECOND];
/// Outputs of one input, far above a whole epoch's plan.
const OUTPUTS: usize = 4_096;

/// What a host stores.
#[derive(Default)]
pub(crate) struct Store {
    records: BTreeMap<Epoch, Vec<u8>>,
    rosters: BTreeMap<Epoch, Roster>,
    bundles: BTreeMap<(Epoch, MemberId), Vec<u8>>,
    own: BTreeSet<(Epoch, MemberId)>,
    pub(crate) exchanges: BTreeMap<ExchangeId, Vec<u8>>,
    applications: BTreeMap<MemberId, Vec<u8>>,
    reports: BTreeMap<(Epoch, MemberId), SelfReport>,
}

impl Restored for Store {
    fn records(&mut self) -> Vec<Vec<u8>> {
        self.records.values().cloned().collect()
    }
    fn roster(&mut self, epoch: Epoch) -> Option<Roster> {
        self.rosters.get(&epoch).cloned()
    }
    fn bundles(&mut self, epoch: Epoch) -> Vec<Vec<u8>> {
        self.bundles.iter().filter(|((e, _), _)| *e == epoch).map(|(_, b)| b.clone()).collect()
    }
    fn own_bundles(&mut self) -> Vec<(Epoch, MemberId)> {
        self.own.iter().copied().collect()
    }
    fn exchanges(&mut self) -> Vec<Vec<u8>> {
        self.exchanges.values().cloned().collect()
    }
    fn applications(&mut self) -> Vec<(MemberId, Vec<u8>)> {
        self.applications.clone().into_iter().collect()
    }
    fn reports(&mut self) -> Vec<(Epoch, MemberId, SelfReport)> {
        self.reports.iter().map(|((e, m), r)| (*e, *m, *r)).collect()
    }
}

/// The node, its host's memory, and a count of what it answered.
pub(crate) struct Node {
    pub(crate) world: &'static World,
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    pub(crate) next_day: usize,
    pub(crate) wants: Vec<Want>,
    pub(crate) introductions: Vec<(ExchangeId, Introduce)>,
    pub(crate) tasks: Vec<MailTask>,
    pub(crate) acts: Vec<(ExchangeId, u8, Act)>,
    pub(crate) store: Store,
    sent: BTreeSet<(ExchangeId, u8)>,
    token: u64,
    pub(crate) inputs: u64,
    pub(crate) met: BTreeMap<String, u64>,
}

/// One of the two, by its owner's settings.
pub(crate) fn settings(n: usize, switch: Switch, allowed: u8) -> Input {
    let p = &world().players[n];
    Input::Host(Box::new(HostedMember {
        member: p.member,
        address: p.address.clone(),
        salt: p.salt,
        hours: (480, 1_080),
        utc_offset_minutes: 60,
        acts: allowed,
        weekdays: ALL_WEEKDAYS,
        languages: 1,
        provider: 0,
        ramp: RampPreset::Gentle,
        golden: false,
        switch,
    }))
}

fn engine() -> Engine {
    Engine::new(world().genesis.clone(), cast::key("fixture-node", LEAVER))
}

impl Node {
    pub(crate) fn new() -> Self {
        let mut node = Self {
            world: world(),
            engine: engine(),
            now: world().at(0, 0),
            next_day: 0,
            wants: vec![],
            introductions: vec![],
            tasks: vec![],
            acts: vec![],
            store: Store::default(),
            sent: BTreeSet::new(),
            token: 0,
            inputs: 0,
            met: BTreeMap::new(),
        };
        HOSTED.map(|n| node.feed(settings(n, Switch::On, acts::ALL)));
        node
    }

    /// An exchange as it was last stored.
    pub(crate) fn exchange(&self, n: usize) -> Option<Exchange> {
        let all = self.store.exchanges.len();
        let bytes = self.store.exchanges.values().nth(n % all.max(1))?;
        Some(codec::decode(bytes, REQUEST_BYTES).expect("it was read before"))
    }

    fn meet(&mut self, what: String) {
        *self.met.entry(what).or_default() += 1;
    }

    /// Hands the node an input and takes down what it says.
    pub(crate) fn feed(&mut self, input: Input) {
        self.inputs += 1;
        if let Input::MailSent { exchange, turn, result: SendResult::Sent } = &input
            && self.tasks.iter().any(|t| (t.exchange, t.turn) == (*exchange, *turn))
        {
            self.sent.insert((*exchange, *turn));
        }
        self.engine.handle(self.now, input);
        let outputs: Vec<Output> = std::iter::from_fn(|| self.engine.poll()).collect();
        assert!(outputs.len() < OUTPUTS, "{} outputs", outputs.len());
        outputs.into_iter().for_each(|o| self.hear(o));
    }

    /// Gossip is always answered, once.
    pub(crate) fn gossip(&mut self, topic: Topic, bytes: Vec<u8>) {
        self.token += 1;
        let before: u64 = self.met.iter().filter(|(k, _)| k.starts_with("verdict")).map(|(_, n)| n).sum();
        self.feed(Input::Gossip { token: self.token, topic, bytes });
        let after: u64 = self.met.iter().filter(|(k, _)| k.starts_with("verdict")).map(|(_, n)| n).sum();
        assert_eq!(after, before + 1, "one verdict");
    }

    /// So is an introduction.
    pub(crate) fn introduced(&mut self, from: NodeId, request: Introduce) {
        self.token += 1;
        self.feed(Input::Introduction { token: self.token, from, request });
    }

    fn hear(&mut self, output: Output) {
        match output {
            Output::Verdict { token, verdict } => {
                assert_eq!(token, self.token);
                self.meet(format!("verdict {:?} {}", verdict.acceptance, verdict.penalty));
            }
            Output::IntroductionAnswer { token, answer } => {
                assert_eq!(token, self.token);
                self.meet(match answer {
                    Introduced::Welcome { .. } => "introduced: welcome".into(),
                    Introduced::Declined(reason) => format!("introduced: {reason:?}"),
                });
            }
            Output::LeftAlone { reason, .. } => self.meet(format!("mail: {reason}")),
            Output::Ask(want) => {
                let _request = want.request();
                self.wants.push(want);
            }
            Output::Introduce { exchange, request, .. } => self.introductions.push((exchange, request)),
            Output::Send(task) => {
                assert!(!self.sent.contains(&(task.exchange, task.turn)), "a sent mail is never sent again");
                let to = CanonicalAddress::parse(&task.to).expect("an address");
                assert_eq!(to.as_str(), task.to, "mail goes to a canonical address");
                self.tasks.push(*task);
            }
            Output::Act { exchange, turn, act, .. } => self.acts.push((exchange, turn, act)),
            Output::Publish { bytes, .. } => assert!(bytes.len() <= REQUEST_BYTES),
            Output::StoreRecord { epoch, bytes } => drop(self.store.records.insert(epoch, bytes)),
            Output::StoreRoster { epoch } => {
                let roster = Roster::clone(self.engine.chain().roster(epoch).expect("the one it names"));
                self.store.rosters.insert(epoch, roster);
            }
            Output::StoreBundle { epoch, member, bytes } => drop(self.store.bundles.insert((epoch, member), bytes)),
            Output::OwnBundle { epoch, member, bytes } => {
                assert!(signed::open::<Bundle>(&bytes, &self.world.network).is_ok());
                assert!(self.store.own.insert((epoch, member)), "one bundle a member and epoch");
                self.store.bundles.insert((epoch, member), bytes);
            }
            Output::StoreExchange { exchange, bytes, .. } => drop(self.store.exchanges.insert(exchange, bytes)),
            Output::StoreApplication { member, bytes } => drop(self.store.applications.insert(member, bytes)),
            Output::StoreReport { epoch, member, report } => drop(self.store.reports.insert((epoch, member), report)),
            Output::Derived { .. } => self.meet("derived".into()),
            Output::Enrol { .. } | Output::MailToken { .. } => {}
        }
    }

    /// Whatever happened, the node can be started again from its store, and stands where it stood.
    pub(crate) fn restart(&mut self) {
        let mut again = engine();
        HOSTED.map(|n| again.handle(self.now, settings(n, Switch::On, acts::ALL)));
        assert_eq!(again.restore(self.now, &mut self.store), Ok(()));
        assert_eq!(again.chain().history().back(), self.engine.chain().history().back(), "the same digests after a restart");
        let read = |bytes: &Vec<u8>| codec::decode::<Application>(bytes, 4_096).is_ok();
        assert!(self.store.applications.values().all(read));
    }
}
