//! A node of the recorded network that two members live on, and what must hold of whatever it says.

use crate::cast::{self, LEAVER, SECOND};
use crate::scenes::Cursor;
use crate::world::{World, world};
use std::collections::{BTreeMap, BTreeSet};
use warmnet_protocol::engine::{Application, Engine, HostedMember, Input, MailTask, MemoryStore, Output, Switch, ToStore, Want};
use warmnet_protocol::exchange::{Act, Exchange, SendResult};
use warmnet_protocol::gossip::Topic;
use warmnet_protocol::identity::{CanonicalAddress, signed};
use warmnet_protocol::ids::{ExchangeId, NodeId};
use warmnet_protocol::limits::REQUEST_BYTES;
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::introduction::{Introduce, Introduced};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, acts};

/// Who lives there: the node of two.
pub(crate) const HOSTED: [usize; 2] = [LEAVER, SECOND];
/// Outputs of one input, far above a whole epoch's plan.
const OUTPUTS: usize = 4_096;

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
    exchanges: BTreeMap<(Epoch, ExchangeId), Exchange>,
    pub(crate) store: MemoryStore,
    sent: BTreeSet<(ExchangeId, u8)>,
    token: u64,
    answered: u64,
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

/// An engine with an empty chain that hosts both.
pub(crate) fn engine(now: Timestamp) -> Engine {
    let mut engine = Engine::new(world().genesis.clone(), cast::key("fixture-node", LEAVER));
    HOSTED.into_iter().for_each(|n| engine.handle(now, settings(n, Switch::On, acts::ALL)));
    engine
}

/// A refusal without the numbers in it; each ends with its rule.
fn plain(refusal: &str) -> String {
    let (words, rule) = refusal.rsplit_once(" (R-").unwrap_or_else(|| panic!("a refusal without a rule: {refusal}"));
    let mut words = words.split(' ').map(|w| if w.contains(|c: char| c.is_ascii_digit()) { "n" } else { w }).collect::<Vec<_>>().join(" ");
    if words.starts_with("invalid value") {
        words.truncate("invalid value".len());
    }
    format!("{words} (R-{rule}")
}

impl Node {
    pub(crate) fn new() -> Self {
        let now = world().at(0, 0);
        Self {
            world: world(),
            engine: engine(now),
            now,
            next_day: 0,
            wants: vec![],
            introductions: vec![],
            tasks: vec![],
            acts: vec![],
            exchanges: BTreeMap::new(),
            store: MemoryStore::default(),
            sent: BTreeSet::new(),
            token: 0,
            answered: 0,
            inputs: 0,
            met: BTreeMap::new(),
        }
    }

    /// One of the exchanges of these days as it was last stored; `introduced`: one that mail may come in, if there is any.
    pub(crate) fn exchange(&self, n: usize, introduced: bool) -> Option<Exchange> {
        let today = self.world.clock().epoch_at(self.now)?;
        let near = self.exchanges.range((today.minus(1).unwrap_or(today), ExchangeId([0; 16]))..).map(|(_, x)| x);
        let open: Vec<&Exchange> = near.clone().filter(|x| introduced && x.partner_address.is_some()).collect();
        let among = if open.is_empty() { near.collect() } else { open };
        among.get(n % among.len().max(1)).map(|x| Exchange::clone(x))
    }

    /// Takes an answer for the newest question, the first one.
    fn answer(&mut self, token: u64) {
        assert!(token == self.token && self.answered + 1 == token, "an answer to nothing");
        self.answered = token;
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
        self.feed(Input::Gossip { token: self.token, topic, bytes });
        assert_eq!(self.answered, self.token, "one verdict");
    }

    /// So is an introduction.
    pub(crate) fn introduced(&mut self, from: NodeId, request: Introduce) {
        self.token += 1;
        self.feed(Input::Introduction { token: self.token, from, request });
        assert_eq!(self.answered, self.token, "one answer");
    }

    fn hear(&mut self, output: Output) {
        match output {
            Output::Verdict { token, verdict, refusal } => {
                self.answer(token);
                self.meet(format!("verdict {:?} {}", verdict.acceptance, verdict.penalty));
                if let Some(refusal) = refusal {
                    self.meet(format!("refused: {}", plain(&refusal.to_string())));
                }
            }
            Output::IntroductionAnswer { token, answer } => {
                self.answer(token);
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
            Output::Introduce { exchange, request, .. } => {
                self.meet("asks: introduce".into());
                self.introductions.push((exchange, request));
            }
            Output::Send(task) => {
                assert!(!self.sent.contains(&(task.exchange, task.turn)), "a sent mail is never sent again");
                let to = CanonicalAddress::parse(&task.to).expect("an address");
                assert_eq!(to.as_str(), task.to, "mail goes to a canonical address");
                self.meet(if task.turn == 0 { "asks: mail" } else { "asks: reply" }.into());
                self.tasks.push(*task);
            }
            Output::Act { exchange, turn, act, .. } => {
                self.meet(format!("asks: {act:?}"));
                self.acts.push((exchange, turn, act));
            }
            Output::Publish { bytes, .. } => assert!(bytes.len() <= REQUEST_BYTES),
            Output::GoBack { epoch, cause } => {
                self.store.go_back(epoch, cause);
                self.engine.refold(self.now, epoch, &mut self.store).expect("its own records");
                self.meet("went back".into());
                let outputs: Vec<Output> = std::iter::from_fn(|| self.engine.poll()).collect();
                outputs.into_iter().for_each(|o| self.hear(o));
            }
            Output::OwnBundle { epoch, member, bytes } => {
                assert_eq!(signed::open::<Bundle>(&bytes, &self.world.network).err(), None);
                self.meet("files: bundle".into());
                assert!(self.store.store_own(epoch, member, bytes.clone()), "one bundle a member and epoch");
                self.engine.handle(self.now, Input::OwnBundleStored(bytes));
                let outputs: Vec<Output> = std::iter::from_fn(|| self.engine.poll()).collect();
                outputs.into_iter().for_each(|o| self.hear(o));
            }
            Output::Store(what) => self.keep(what),
            Output::Derived { .. } => self.meet("derived".into()),
            Output::Enrol { .. } | Output::MailToken { .. } => {}
        }
    }

    /// What is stored can be read again.
    fn keep(&mut self, what: ToStore) {
        match &what {
            ToStore::Exchange { exchange, epoch, bytes, .. } => {
                let x: Exchange = codec::decode(bytes, REQUEST_BYTES).expect("an exchange");
                self.exchanges.insert((*epoch, *exchange), x);
            }
            ToStore::Application { bytes, .. } => assert!(codec::decode::<Application>(bytes, 4_096).is_ok()),
            _ => {}
        }
        self.store.store(self.engine.chain(), what);
    }

    /// Whatever happened, the node can be started again from its store, and stands where it stood.
    pub(crate) fn restart(&mut self) {
        let mut again = engine(self.now);
        assert_eq!(again.restore(self.now, &mut self.store), Ok(()));
        assert_eq!(again.chain().history().back(), self.engine.chain().history().back(), "the same digests after a restart");
    }

    /// Rows of the store are damaged: the node says so or does without them, and what it came back with it can live with.
    pub(crate) fn restart_damaged(&mut self, c: &mut Cursor<'_>) {
        let mut store = self.store.clone();
        let rows = store.records.values_mut().chain(store.bundles.values_mut());
        let rows = rows.chain(store.exchanges.values_mut()).chain(store.applications.values_mut());
        for row in rows {
            if c.byte() % 32 == 1 {
                c.spoil(row);
            }
        }
        let mut again = engine(self.now);
        let restored = again.restore(self.now, &mut store);
        self.meet(if restored.is_ok() { "restarts: without a row" } else { "restarts: refused" }.into());
        if restored.is_ok() {
            again.handle(self.now, Input::Wake);
            assert!(std::iter::from_fn(|| again.poll()).count() < OUTPUTS);
        }
    }
}
