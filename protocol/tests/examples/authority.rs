//! What the coordinator signs.

use super::{key, plain, signed};
use serde_json::{Value, json};
use warmnet_protocol::identity::Passport;
use warmnet_protocol::identity::signed::Envelope;
use warmnet_protocol::ids::{Beacon, Digest, DomainTag, MemberId, NodeId, Signature};
use warmnet_protocol::params::Params;
use warmnet_protocol::time::{Clock, Epoch};
use warmnet_protocol::wire::epoch_record::{EpochRecord, IssuingKey, LedgerRoot, Upcoming};
use warmnet_protocol::wire::genesis::{GENESIS_VERSION, Genesis};
use warmnet_protocol::wire::notice::{Notice, NoticeKind, ReasonClass};
use warmnet_protocol::wire::roster::{Pool, RampPreset, Role, RosterRow};

pub(crate) fn genesis() -> Genesis {
    Genesis {
        version: GENESIS_VERSION,
        name: "Example".into(),
        root: NodeId([1; 32]),
        coordinator: NodeId([2; 32]),
        first_beacon: Beacon([3; 32]),
        clock: Clock { epoch_zero_ms: -1_000, epoch_ms: 86_400_000 },
        params: Params::standard(),
    }
}

fn notice(kind: NoticeKind, reason: ReasonClass) -> Notice {
    let (since, review) = (Epoch(299), Epoch(300));
    Notice { tag: DomainTag([5; 16]), kind, reason, evidence: Digest([6; 32]), since, review }
}

pub(crate) fn record() -> EpochRecord {
    EpochRecord {
        epoch: Epoch(300),
        previous: Digest([1; 32]),
        beacon: Beacon([2; 32]),
        roster: Digest([3; 32]),
        roster_len: 12,
        ledger: Some(LedgerRoot { epoch: Epoch(295), present: vec![0xff, 0x0b], digest: Digest([4; 32]) }),
        notices: vec![notice(NoticeKind::Listed, ReasonClass::Blocklist)],
        proofs: vec![(MemberId([7; 32]), Digest([8; 32]))],
        departures: vec![vec![11; 4]],
        results: Digest([9; 32]),
        params: Params::standard(),
        upcoming: Some(Upcoming { from: Epoch(307), params: Params { golden_seats: 25, ..Params::standard() } }),
        degraded: false,
        authority: vec![10; 8],
    }
}

/// The record of epoch 0: nothing to close, no list.
fn first_record() -> EpochRecord {
    let (notices, proofs, departures, authority) = (vec![], vec![], vec![], vec![]);
    EpochRecord { epoch: Epoch(0), ledger: None, notices, proofs, departures, upcoming: None, degraded: true, authority, ..record() }
}

pub(crate) fn row() -> RosterRow {
    RosterRow {
        member: MemberId([1; 32]),
        node: NodeId([2; 32]),
        tag: DomainTag([3; 16]),
        provider: 4,
        languages: 1,
        role: Role::Member,
        pool: Pool::Rehab,
        unlocked_once: true,
        joined: Epoch(251),
        ramp: RampPreset::Gentle,
        ramp_day: 20,
        quota: 10,
        cut: 600,
        clean_epochs: 2,
        debt: 400,
        debt_since: Epoch(290),
        service: 1_000,
        weekdays: 0x1f,
        acts: 0x0f,
        dead: false,
        complained: true,
    }
}

fn golden_row() -> RosterRow {
    let (role, pool, ramp) = (Role::Golden, Pool::Premium, RampPreset::Prewarmed);
    RosterRow { role, pool, ramp, quota: 0, debt: 70_000, dead: true, complained: false, ..row() }
}

pub(crate) fn messages() -> Vec<Value> {
    let (signer, signature) = (key().node_id(), Signature([12; 64]));
    let envelope = Envelope { version: 1, signer, payload: vec![13; 3], signature };
    let mut all = vec![plain("envelope", &envelope), plain("genesis", &genesis()), plain("params", &Params::standard())];
    all.extend([signed(&record()), signed(&first_record())]);
    let certificate = |serial| IssuingKey { key: key().node_id(), from: Epoch(0), until: Epoch(400), serial };
    all.extend([signed(&certificate(0)), signed(&certificate(3))]);
    all.push(signed(&notice(NoticeKind::Listed, ReasonClass::Blocklist)));
    all.push(signed(&notice(NoticeKind::Released, ReasonClass::Operator)));
    all.push(signed(&Passport { member: MemberId([1; 32]), node: NodeId([2; 32]), tag: DomainTag([3; 16]), from: Epoch(302) }));
    all.extend([plain("roster-row", &row()), plain("roster-row", &golden_row())]);
    all
}

/// Digests that name these messages elsewhere.
pub(crate) fn digests() -> Value {
    json!({ "network_id": genesis().network_id(), "params": Params::standard().digest() })
}
