//! The control socket's answers: what people and scripts read.

use super::health;
use super::mailboxes::Mailboxes;
use super::peers::Peers;
use super::reports::Reports;
use crate::control::{ClosedStatus, EpochStatus, MemberStatus, NetworkScore, ReconciledStatus, ReportStatus, Status};
use std::collections::BTreeMap;
use warmnet_protocol::engine::{Application, Engine, MemberState};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::policy::credits::Credits;
use warmnet_protocol::policy::{allowance, lock};
use warmnet_protocol::score::Score;
use warmnet_protocol::time::Timestamp;
use warmnet_protocol::wire::roster::{Pool, RosterRow};

/// Epochs shown.
const SHOWN_EPOCHS: usize = 40;
/// Members of the network shown.
const SHOWN_MEMBERS: usize = 200;

/// What the driver knows beside the engine.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) mailboxes: BTreeMap<MemberId, Result<(), String>>,
    pub(super) refused: BTreeMap<MemberId, ()>,
    pub(super) full: BTreeMap<MemberId, u8>,
    pub(super) alarms: BTreeMap<MemberId, &'static str>,
}

impl Facts {
    pub(super) fn sign_in_refused(&mut self, member: MemberId) {
        self.refused.insert(member, ());
    }
    pub(super) fn quota(&mut self, member: MemberId, percent: Option<u8>) {
        set(&mut self.full, member, percent);
    }
    pub(super) fn alarm(&mut self, member: MemberId, what: Option<&'static str>) {
        set(&mut self.alarms, member, what);
    }
    /// Forgets a mailbox that left.
    pub(super) fn forget(&mut self, member: MemberId) {
        self.mailboxes.remove(&member);
        self.refused.remove(&member);
        self.full.remove(&member);
        self.alarms.remove(&member);
    }
    pub(super) fn mailbox(&mut self, member: MemberId, state: Result<(), String>) {
        if state.is_ok() {
            self.refused.remove(&member);
        }
        self.mailboxes.insert(member, state);
    }
}

fn set<T>(facts: &mut BTreeMap<MemberId, T>, member: MemberId, fact: Option<T>) {
    match fact {
        Some(fact) => facts.insert(member, fact),
        None => facts.remove(&member),
    };
}

fn points(value: u32) -> f64 {
    f64::from(value) / 1_000_000.0
}

fn member(engine: &Engine, state: MemberState, reports: &Reports, mailboxes: &Mailboxes) -> MemberStatus {
    let row = state.row.as_ref();
    let name = match (&state.application, row) {
        (Application::Leaving, _) => "leaving",
        (Application::Left, _) => "left",
        (_, Some(r)) if r.pool == Pool::Quarantined => "quarantined",
        (_, Some(_)) => "active",
        (Application::Refused { .. }, None) => "refused",
        (Application::Admitted { .. } | Application::Golden, None) => "waiting",
        _ => "enrolling",
    };
    let chain = engine.chain();
    let credits = Credits::of(chain.params_derived(), chain.window(), chain.window().index(&state.member), engine.reported(&state.member));
    let ceilings = mailboxes.ceilings(&state.member);
    let allowance = allowance::daily(chain.params_derived(), row, state.score.as_ref(), &credits, ceilings);
    MemberStatus {
        member: state.member.to_hex(),
        state: name.to_owned(),
        reason: state.reason,
        pool: row.map_or_else(|| "none".to_owned(), |r| r.pool.name().to_owned()),
        score: state.score.as_ref().map(|s| points(s.value)),
        locked: !allowance.locks.is_empty(),
        provisional: state.score.as_ref().is_none_or(|s| s.provisional),
        quota: row.map_or(0, |r| u32::from(r.quota)),
        ramp_day: row.map_or(0, |r| u32::from(r.ramp_day)),
        debt: row.map_or(0, |r| r.debt),
        inbox_lower: state.score.as_ref().map(|s| points(s.inbox_lower)),
        credits: credits.left,
        allowance: allowance.mails,
        reports: reports.figures(&state.member).map(|f| ReportStatus {
            warming_hard: f.warming.hard,
            warming_soft: f.warming.soft,
            warming_complaints: f.warming.complaints,
            external_hard: f.external.hard,
            external_soft: f.external.soft,
            external_complaints: f.external.complaints,
            doubted: f.doubted,
            dmarc_reports: f.aggregates,
            dmarc_pass: f.passed,
            dmarc_fail: f.failed,
        }),
    }
}

/// The whole status.
pub(super) fn status(engine: &Engine, facts: &Facts, reports: &Reports, peers: &Peers, mailboxes: &Mailboxes, now: Timestamp) -> Status {
    let chain = engine.chain();
    let epoch = chain.clock().epoch_at(now);
    let phase = match (engine.running_degraded(now), epoch) {
        (_, None) => "waiting",
        (Some(true), _) => "degraded",
        (Some(false), _) => "synced",
        (None, _) => "catching-up",
    };
    let mut epochs: Vec<EpochStatus> = engine
        .counts()
        .into_iter()
        .map(|c| EpochStatus {
            epoch: c.epoch.0,
            planned: c.planned,
            introduced: c.introduced,
            sent: c.sent,
            refused: c.refused,
            no_show: c.no_show,
            observed: c.observed,
            inbox: c.inbox,
            tab: c.tab,
            spam: c.spam,
            missing: c.missing,
            rescued: c.rescued,
            read: c.read,
            replied: c.replied,
            degraded: chain.record(c.epoch).is_none_or(|r| r.record.degraded),
        })
        .collect();
    let skip = epochs.len().saturating_sub(SHOWN_EPOCHS);
    epochs.drain(..skip);
    let closed = chain.history().iter().map(|d| ClosedStatus {
        record: d.record.0,
        closes: d.closes.map(|e| e.0),
        ledger: d.ledger.to_hex(),
        trust: d.trust.to_hex(),
        scores: d.scores.to_hex(),
        matches_record: d.matches_record,
    });
    let reconciled = chain.summaries().iter().map(|s| ReconciledStatus {
        epoch: s.epoch.0,
        dealt: s.dealt,
        delivered_inbox: s.delivered_inbox,
        delivered_spam: s.delivered_spam,
        unknown: s.unknown,
        bounced: s.bounced,
        void: s.void,
        completed: s.completed,
    });
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: engine.node_id().to_hex(),
        network: chain.genesis().name.clone(),
        now_ms: now.0,
        epoch: epoch.map(|e| e.0),
        phase: phase.to_owned(),
        record_epoch: chain.last_record().map(|r| r.record.epoch.0),
        peers: peers.count(),
        members: engine.member_states(now).into_iter().map(|m| member(engine, m, reports, mailboxes)).collect(),
        epochs,
        closed: closed.collect(),
        network_scores: network_scores(engine),
        reconciled: reconciled.collect(),
        health: health::items(engine, facts, peers, now),
    }
}

fn network_scores(engine: &Engine) -> Vec<NetworkScore> {
    let chain = engine.chain();
    let Some(derived) = chain.derived() else { return vec![] };
    let roster = chain.latest_roster();
    let score_of = |m: &MemberId| derived.scores.get(m);
    roster
        .rows()
        .iter()
        .take(SHOWN_MEMBERS)
        .map(|r| NetworkScore {
            member: r.member.to_hex(),
            score: score_of(&r.member).map_or(0.0, |s| points(s.value)),
            pool: r.pool.name().to_owned(),
            locked: locked(engine, Some(r), score_of(&r.member)),
            provisional: score_of(&r.member).is_none_or(|s| s.provisional),
        })
        .collect()
}

/// A member's score; nothing before the first record.
pub(super) fn score(engine: &Engine, m: &MemberId) -> Option<serde_json::Value> {
    let chain = engine.chain();
    let derived = chain.derived()?;
    let s: Option<&Score> = derived.scores.get(m);
    Some(serde_json::json!({
        "member": m.to_hex(),
        "record": derived.epoch.0,
        "score": s.map(|s| points(s.value)),
        "authenticated": s.map(|s| points(s.a)),
        "replied_lower": s.map(|s| points(s.r)),
        "read_lower": s.map(|s| points(s.o)),
        "bounced_lower": s.map(|s| points(s.b)),
        "complained_lower": s.map(|s| points(s.s)),
        "inbox_lower": s.map(|s| points(s.inbox_lower)),
        "delivered": s.map(|s| s.delivered),
        "dealt": s.map(|s| s.dealt),
        "completed": s.map(|s| s.completed),
        "locked": locked(engine, chain.latest_roster().row(m), s),
        "provisional": s.map(|s| s.provisional),
        "trust": derived.trust.mass(m),
        "weight": f64::from(derived.trust.weight(m)) / 65_536.0,
    }))
}

fn locked(engine: &Engine, row: Option<&RosterRow>, score: Option<&Score>) -> bool {
    !lock::locks(engine.chain().params_derived(), row, score).is_empty()
}
