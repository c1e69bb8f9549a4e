//! The coordinator's work, looked at again from this node's store.

use super::my_data::{HomeDataError, genesis};
use super::stored::Stored;
use crate::config::{Home, NodeConfig};
use crate::store::Store;
use serde::Serialize;
use serde_json::{Map, Value};
use warmnet_protocol::chain::{Audit, RowDifference};
use warmnet_protocol::engine::{ChainSource as _, audit};
use warmnet_protocol::identity::signed;
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::epoch_record::EpochRecord;

/// What the records in a home's store were found to be.
#[derive(Debug, Serialize)]
pub struct AuditReport {
    /// Those that could be audited, oldest first.
    pub records: Vec<AuditedRecord>,
    /// Why the newest ones could not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalled: Option<StalledRecord>,
}

/// The first record that could not be audited.
#[derive(Debug, Serialize)]
pub struct StalledRecord {
    /// Its epoch.
    pub record: Epoch,
    /// Its roster is missing here.
    pub roster_missing: bool,
    /// Members whose bundle it counts and this node has not.
    pub bundles_missing: Vec<String>,
    /// Records behind it that wait for it.
    pub behind: usize,
    /// The signed record in hex: it says what it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// One record as audited.
#[derive(Debug, Serialize)]
pub struct AuditedRecord {
    /// Its epoch.
    pub record: Epoch,
    /// Whether everything it needs lies in the store: 35 epochs of history.
    pub complete: bool,
    /// Rows that were compared.
    pub rows: usize,
    /// Whether the bundles it counts have the digest it names.
    pub ledger_same: bool,
    /// Whether trust and scores have the digest it names.
    pub results_same: bool,
    /// That digest as computed and as published, in hex.
    pub results: (String, String),
    /// Rows that differ.
    pub differences: Vec<AuditedRow>,
    /// Bundles that were here in time and that it leaves out.
    pub left_out: Vec<LeftOut>,
    /// Members whose bundle it leaves out, and which came so late that the coordinator may rightly not have had it.
    pub came_late: Vec<String>,
    /// Members that it silences by a proof nobody has shown here, with the proof's digest.
    pub unproved: Vec<(String, String)>,
    /// Members that are proved to have signed two bundles for the closed epoch, and that it counts.
    pub spared: Vec<String>,
    /// New members, and how many its epoch may bring.
    pub admitted: usize,
    /// The most it may admit; nothing in the first record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admissible: Option<usize>,
    /// New golden members: what they see anchors everybody's trust.
    pub golden: Vec<String>,
    /// Whether nothing is wrong with it, as far as this node can tell.
    pub holds: bool,
    /// The signed record in hex, where anything is wrong with it: its signer can't deny it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// A row that differs.
#[derive(Debug, Serialize)]
pub struct AuditedRow {
    /// Whose.
    pub member: String,
    /// Field by field: what was published and what the rules give. A row that only one side has has one field, `row`.
    pub fields: Vec<(String, Value, Value)>,
}

/// A bundle that was left out.
#[derive(Debug, Serialize)]
pub struct LeftOut {
    /// Whose.
    pub member: String,
    /// The signed bundle in hex.
    pub evidence: Option<String>,
}

/// Audits the records in a home's store, oldest first, also while its node runs.
///
/// # Errors
/// [`HomeDataError`].
pub fn audit_store(home: &Home, config: &NodeConfig) -> Result<AuditReport, HomeDataError> {
    let genesis = genesis(home, config)?;
    let lag = genesis.params.close_lag;
    let mut stored = Stored::new(Store::open_to_read(home.store())?);
    let (found, stalled) = audit(genesis, &mut stored).map_err(|e| HomeDataError::Damaged(e.to_string()))?;
    let records = stored.records()?;
    let signed_record = |epoch: Epoch| {
        records.iter().find(|bytes| signed::decode::<EpochRecord>(bytes).is_ok_and(|r| r.message.epoch == epoch)).map(hex::encode)
    };
    let one = |a: Audit| {
        let left_out = |member: &MemberId| LeftOut {
            member: member.to_hex(),
            evidence: a.record.minus(lag).and_then(|closed| stored.bundle(closed, *member)).map(hex::encode),
        };
        AuditedRecord {
            record: a.record,
            complete: a.complete,
            rows: a.rows,
            ledger_same: a.ledger,
            results_same: a.results.0 == a.results.1,
            results: (hex::encode(a.results.0.0), hex::encode(a.results.1.0)),
            differences: a.differences.iter().map(AuditedRow::from).collect(),
            left_out: a.omitted.iter().map(left_out).collect(),
            came_late: members(&a.late),
            unproved: a.unproved.iter().map(|(member, digest)| (member.to_hex(), hex::encode(digest.0))).collect(),
            spared: members(&a.spared),
            admitted: a.admitted.0,
            admissible: Some(a.admitted.1).filter(|most| *most < usize::MAX),
            golden: members(&a.golden),
            holds: a.holds(),
            evidence: (!a.holds()).then(|| signed_record(a.record)).flatten(),
        }
    };
    let stalled = stalled.map(|s| StalledRecord {
        record: s.record,
        roster_missing: s.roster,
        bundles_missing: members(&s.bundles),
        behind: s.behind,
        evidence: signed_record(s.record),
    });
    Ok(AuditReport { records: found.into_iter().map(one).collect(), stalled })
}

fn members(of: &[MemberId]) -> Vec<String> {
    of.iter().map(MemberId::to_hex).collect()
}

impl From<&RowDifference> for AuditedRow {
    fn from(d: &RowDifference) -> Self {
        let fields = |row: &Option<_>| serde_json::to_value(row).unwrap_or_default();
        let (published, computed) = (fields(&d.published), fields(&d.computed));
        let fields = match (published, computed) {
            (Value::Object(published), Value::Object(computed)) => differing(&published, &computed),
            (published, computed) => vec![("row".to_owned(), published, computed)],
        };
        Self { member: d.member.to_hex(), fields }
    }
}

fn differing(published: &Map<String, Value>, computed: &Map<String, Value>) -> Vec<(String, Value, Value)> {
    let value = |of: &Map<String, Value>, name: &String| of.get(name).cloned().unwrap_or_default();
    let pairs = published.keys().map(|name| (name.clone(), value(published, name), value(computed, name)));
    pairs.filter(|(_, published, computed)| published != computed).collect()
}
