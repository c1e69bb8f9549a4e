//! The hub a host drives: `handle(now, input)`, `poll()`, `next_wake()`. It routes; the rules live elsewhere.
//!
//! ```text
//! host ──Input──> Engine ──> Chain (records, rosters, bundles, trust, scores)
//!      <─Output──        └─> Exchange per dealt pair of each hosted member
//! ```
//! | file | what it routes |
//! |---|---|
//! | `input.rs`, `output.rs` | everything that goes in and comes out |
//! | `hosted.rs` | the members of this node |
//! | `enrolment.rs`, `departure.rs` | their way in and out |
//! | `planning.rs` | a new epoch's deal becomes exchanges |
//! | `introductions.rs`, `mail.rs` | the partner's node, the mailer |
//! | `messages.rs`, `notices.rs`, `sync.rs` | gossip and what is missing |
//! | `bundles.rs` | signing this node's word once |
//! | `fork.rs` | records that contradict each other |
//! | `restore.rs`, `memory.rs` | coming back after a stop; a store in memory |
//! | `returned.rs` | bounces of this node's own mail |
//! | `report.rs` | figures for people |

mod bundles;
mod departure;
mod enrolment;
mod fork;
mod hosted;
mod input;
mod introductions;
mod mail;
mod memory;
mod messages;
mod notices;
mod output;
mod planning;
mod report;
mod restore;
mod returned;
mod sync;
#[cfg(test)]
mod tests;

pub use hosted::{Application, Hosted, HostedMember, Switch};
pub use input::{FoundMail, Input};
pub use memory::MemoryStore;
pub use output::{GoBack, MailTask, Output, ToStore, Want};
pub use report::{EpochCounts, MemberState};
pub use restore::{ChainSource, RestoreError, Restored, SourceError, audit};
pub use returned::OwnMail;

use crate::chain::{Chain, RecordRefusal};
use crate::exchange::Exchange;
use crate::gossip::Seen;
use crate::identity::NodeKey;
use crate::ids::{DomainTag, ExchangeId, MemberId};
use crate::limits;
use crate::time::{Epoch, Timestamp};
use crate::wire::bundle::SelfReport;
use crate::wire::genesis::Genesis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a wake-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// An epoch begins.
    Epoch(Epoch),
    /// A member signs its bundle of an epoch.
    Bundle(Epoch, MemberId),
    /// An exchange is due.
    Exchange(ExchangeId),
    /// A member's application is due.
    Application(MemberId),
    /// Missing things are asked for.
    Sync,
}

/// One node's protocol state.
pub struct Engine {
    key: NodeKey,
    chain: Chain,
    hosted: BTreeMap<MemberId, Hosted>,
    exchanges: BTreeMap<ExchangeId, Exchange>,
    reports: BTreeMap<(Epoch, MemberId), SelfReport>,
    signed: BTreeSet<(Epoch, MemberId)>,
    /// Epochs planned, and whether with the degraded play.
    planned: BTreeMap<Epoch, bool>,
    counts: BTreeMap<Epoch, EpochCounts>,
    /// Gossiped notices that no record may list yet: introductions stop at once.
    early_notices: BTreeMap<DomainTag, notices::EarlyNotice>,
    seen: Seen,
    timers: BTreeSet<(Timestamp, Timer)>,
    outputs: VecDeque<Output>,
    roster_page: Option<sync::RosterPage>,
    asked: sync::Asked,
    /// Records refused though their signer is certified.
    refused_records: VecDeque<(Epoch, RecordRefusal, Vec<u8>)>,
    /// A layout of records that this program doesn't know and the coordinator writes.
    newer_layout: Option<u8>,
    /// A record did not continue this chain: the records before it may have been overruled.
    astray: bool,
    /// The host has to fold the chain anew before it can go on.
    going_back: bool,
    /// Faults in content seen: a figure for the owner.
    content_faults: u32,
}

impl Engine {
    /// An engine with an empty chain that hosts nobody yet.
    #[must_use]
    pub fn new(genesis: Genesis, key: NodeKey) -> Self {
        Self {
            key,
            chain: Chain::new(genesis),
            hosted: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            reports: BTreeMap::new(),
            signed: BTreeSet::new(),
            planned: BTreeMap::new(),
            counts: BTreeMap::new(),
            early_notices: BTreeMap::new(),
            seen: Seen::new(limits::SEEN),
            timers: BTreeSet::new(),
            outputs: VecDeque::new(),
            roster_page: None,
            asked: sync::Asked::default(),
            refused_records: VecDeque::new(),
            newer_layout: None,
            astray: false,
            going_back: false,
            content_faults: 0,
        }
    }

    /// The chain, to read.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// This node's public key.
    #[must_use]
    pub fn node_id(&self) -> crate::ids::NodeId {
        self.key.node_id()
    }

    /// Takes in one input.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Wake => {}
            Input::Host(member) => self.host(now, *member),
            Input::Gossip { token, topic, bytes } => self.on_gossip(now, token, topic, &bytes),
            Input::OwnRecord { record, roster } => self.on_own_record(now, *record, roster),
            Input::OwnNotice(notice) => self.on_own_notice(notice),
            Input::OwnBundleStored(bytes) => self.on_own_bundle_stored(now, bytes),
            Input::Answer { want, response } => self.on_answer(now, want, response),
            Input::NoAnswer { want } => self.on_no_answer(now, want),
            Input::PeerConnected => self.schedule(now, Timer::Sync),
            Input::Introduction { token, from, request } => self.on_introduction(now, token, from, request),
            Input::IntroductionAnswer { exchange, answer } => self.on_introduction_answer(now, exchange, answer),
            Input::MailSent { exchange, turn, result } => self.on_mail_sent(now, exchange, turn, result),
            Input::Bounced { exchange, turn, hard } => self.on_bounced(now, exchange, turn, hard),
            Input::MailFound(mail) => self.on_mail_found(now, mail),
            Input::Answered { member, answers } => self.on_answered(now, member, &answers),
            Input::Acted { exchange, turn, act, done } => self.on_acted(now, exchange, turn, act, done),
            Input::External { member, report } => self.on_external(now, member, report),
            Input::EnrolmentAnswer { member, answer } => self.on_enrolment_answer(now, member, answer),
            Input::EnrolmentMailed { member } => self.on_enrolment_mailed(now, member),
            Input::CodeFound { member, code } => self.on_code_found(now, member, code),
        }
        self.advance(now);
    }

    /// The next thing the host has to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When `Input::Wake` is next useful; `None` before anything is hosted or known.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn emit(&mut self, output: Output) {
        // A host polls after every input; the limit only guards against one that doesn't. What is stored is never left out: everything
        // else can be asked for or said again.
        let lasting = matches!(output, Output::Store(_) | Output::OwnBundle { .. } | Output::GoBack { .. });
        if lasting || self.outputs.len() < limits::ENGINE_OUTPUTS {
            self.outputs.push_back(output);
        }
    }

    fn schedule(&mut self, at: Timestamp, timer: Timer) {
        self.timers.insert((at, timer));
    }

    /// Runs every timer that is due.
    fn advance(&mut self, now: Timestamp) {
        while let Some((at, timer)) = self.timers.first().copied() {
            if at > now {
                break;
            }
            self.timers.remove(&(at, timer));
            match timer {
                Timer::Epoch(epoch) => self.on_epoch(now, epoch),
                Timer::Bundle(epoch, member) => self.on_bundle_point(now, epoch, member),
                Timer::Exchange(id) => self.on_exchange_due(now, id),
                Timer::Application(member) => self.on_application_due(now, member),
                Timer::Sync => self.on_sync_due(now),
            }
        }
    }

    /// The epoch that holds `now`.
    fn epoch(&self, now: Timestamp) -> Option<Epoch> {
        self.chain.clock().epoch_at(now)
    }
}
