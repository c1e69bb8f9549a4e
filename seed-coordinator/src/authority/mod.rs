//! The authority inside a running coordinator: it answers applications, publishes records and notices, and keeps the
//! audit log.
//!
//! | file | what |
//! |---|---|
//! | [`keys`], [`beacon`] | what it signs with, the hash chain |
//! | [`epochs`] | when a record is due |
//! | `publish.rs` | drafting and signing it |
//! | `parameters.rs` | a change of parameters, ordered and announced |
//! | `enrolment.rs` | admission, saved before it is answered |
//! | `blocklists.rs` | verdicts become notices |
//! | `control.rs` | the operator's questions and orders |

pub mod beacon;
mod blocklists;
mod control;
mod enrolment;
pub mod epochs;
pub mod keys;
mod parameters;
mod publish;
#[cfg(test)]
mod tests;

use crate::admission::store::{AdmissionFile, StoreError};
use crate::admission::{Admission, AdmissionRules};
use crate::audit::{Audit, AuditError};
use crate::golden::GoldenMember;
use crate::quarantine::notices::{Docket, QuarantineFiles};
use crate::quarantine::{Batch, QuarantineRules, Subject};
use epochs::Publisher;
use keys::AuthorityKeys;
use parameters::OrderedChange;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use warmnet_node::runtime::authority::{Authority, AuthorityOutput, EnrolmentAuth};
use warmnet_protocol::chain::Chain;
use warmnet_protocol::ids::{MemberId, NodeId};
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::enrolment::{EnrolAnswer, Token};
use warmnet_protocol::wire::genesis::Genesis;
use warmnet_protocol::wire::notice::Notice;
use warmnet_protocol::wire::sync::Request;

/// Why the authority could not be taken up.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The admission file.
    #[error(transparent)]
    Admission(#[from] StoreError),
    /// The quarantine file.
    #[error("the quarantine file can't be read: {0}")]
    Quarantine(#[from] io::Error),
    /// The ordered change of parameters.
    #[error("params-change.json can't be read: {0}")]
    Parameters(io::Error),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

/// What an authority is made of.
pub struct Parts {
    /// The network.
    pub genesis: Genesis,
    /// Its keys.
    pub keys: AuthorityKeys,
    /// The operator's golden mailboxes.
    pub golden: Vec<GoldenMember>,
    /// `[admission]`.
    pub admission: AdmissionRules,
    /// `[quarantine]`.
    pub quarantine: QuarantineRules,
    /// Longest wall wait for late bundles after a start, ms.
    pub settle_ms: u64,
    /// Results of the blocklist poller; none without lists.
    pub batches: Option<mpsc::Receiver<Batch>>,
    /// Where the poller learns whom to look up.
    pub subjects: watch::Sender<Arc<Vec<Subject>>>,
}

/// The chain's figures that calls without a chain need; as of the last call with one.
#[derive(Clone, Copy, Debug)]
struct Seen {
    next_record: Epoch,
    roster_len: usize,
}

/// The authority.
pub struct Coordinator {
    genesis: Genesis,
    keys: AuthorityKeys,
    golden: Vec<GoldenMember>,
    rules: AdmissionRules,
    quarantine_rules: QuarantineRules,
    admission: Admission,
    admission_file: AdmissionFile,
    /// The state in memory is ahead of the file.
    unsaved: bool,
    docket: Docket,
    files: QuarantineFiles,
    /// Health of each list in the last round.
    lists: BTreeMap<String, bool>,
    audit: Audit,
    ordered: OrderedChange,
    publisher: Publisher,
    /// The record handed out last, and when: one that the chain didn't take is not repeated at once.
    handed_out: Option<(Epoch, Timestamp)>,
    /// Where the chain ended at the start, or when records of others were last reported.
    expected: Option<Epoch>,
    /// The fork that was reported last.
    told_fork: Option<Epoch>,
    wake: Option<Timestamp>,
    last_tick: Option<Timestamp>,
    /// Notices to publish at the next tick.
    outbox: Vec<Notice>,
    batches: Option<mpsc::Receiver<Batch>>,
    subjects: watch::Sender<Arc<Vec<Subject>>>,
    seen: Seen,
}

impl Coordinator {
    /// Takes the authority up from its home.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open(home: &Path, parts: Parts) -> Result<Self, AuthorityError> {
        let files = QuarantineFiles::in_home(home);
        let admission_file = AdmissionFile::in_home(home);
        let publisher = Publisher::new(parts.genesis.clock, parts.genesis.params.close_lag, parts.settle_ms);
        let mut coordinator = Self {
            admission: admission_file.load()?,
            docket: files.load()?,
            audit: Audit::open(home)?,
            ordered: OrderedChange::load(home).map_err(AuthorityError::Parameters)?,
            genesis: parts.genesis,
            keys: parts.keys,
            golden: parts.golden,
            rules: parts.admission,
            quarantine_rules: parts.quarantine,
            admission_file,
            unsaved: false,
            files,
            lists: BTreeMap::new(),
            publisher,
            handed_out: None,
            expected: None,
            told_fork: None,
            wake: None,
            last_tick: None,
            outbox: vec![],
            batches: parts.batches,
            subjects: parts.subjects,
            seen: Seen { next_record: Epoch(0), roster_len: 0 },
        };
        coordinator.outbox = coordinator.docket.pending.values().cloned().collect();
        coordinator.tell_subjects();
        Ok(coordinator)
    }

    /// The running epoch; 0 before the first begins.
    fn epoch(&self, now: Timestamp) -> Epoch {
        self.genesis.clock.epoch_at(now).unwrap_or(Epoch(0))
    }

    fn look(&mut self, chain: &Chain) {
        self.seen = Seen { next_record: chain.next_epoch(), roster_len: chain.latest_roster().len() };
    }

    /// Notes an act of the rules; a log that can't be written is an alarm, not a reason to stand still.
    fn note(&mut self, now: Timestamp, act: &str, subject: &str) {
        if let Err(error) = self.audit.note(now, act, subject, None) {
            tracing::error!(%error, act, "the audit log could not be written");
        }
    }
}

impl Authority for Coordinator {
    fn enrol(&mut self, now: Timestamp, from: NodeId, request: Request, chain: &Chain) -> EnrolAnswer {
        self.look(chain);
        self.answer(now, from, request)
    }

    fn enrolment_mail(
        &mut self,
        now: Timestamp,
        _golden: MemberId,
        from_address: &str,
        token: Token,
        auth: EnrolmentAuth,
    ) -> Option<Token> {
        self.token_mail(now, from_address, token, [auth.spf, auth.dkim, auth.dmarc])
    }

    fn tick(&mut self, now: Timestamp, chain: &Chain) -> Vec<AuthorityOutput> {
        self.look(chain);
        self.last_tick = Some(now);
        self.settle_departures(now, &chain.latest_roster());
        self.settle_parameters(chain);
        let mut out = self.notices(now, chain);
        out.extend(self.records(now, chain));
        out
    }

    fn next_wake(&self, now: Timestamp, _chain: &Chain) -> Option<Timestamp> {
        let every = self.genesis.clock.wall_ms(warmnet_protocol::time::Span::minutes(self.quarantine_rules.poll_minutes));
        let poll = self.batches.as_ref().and(self.last_tick).map(|t| t.plus_wall_ms(every.max(1)));
        Some([self.wake, poll].into_iter().flatten().min().unwrap_or(now))
    }

    fn control(&mut self, now: Timestamp, request: &serde_json::Value, chain: &Chain) -> Option<Result<serde_json::Value, String>> {
        self.look(chain);
        self.order(now, request, chain)
    }
}
