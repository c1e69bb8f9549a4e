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
    /// Rows that differ.
    pub differences: Vec<AuditedRow>,
    /// Bundles held here that it leaves out: they may have come too late, or are censored.
    pub left_out: Vec<LeftOut>,
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

impl AuditedRecord {
    /// Whether the record is what the rules make of its contents.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.ledger_same && self.results_same && self.differences.is_empty()
    }
}

/// Audits the records in a home's store, oldest first, also while its node runs.
///
/// # Errors
/// [`HomeDataError`].
pub fn audit_store(home: &Home, config: &NodeConfig) -> Result<Vec<AuditedRecord>, HomeDataError> {
    let genesis = genesis(home, config)?;
    let lag = genesis.params.close_lag;
    let mut stored = Stored::new(Store::open_to_read(home.store())?);
    let found = audit(genesis, &mut stored).map_err(|e| HomeDataError::Damaged(e.to_string()))?;
    let records = stored.records()?;
    let record = |epoch: Epoch| {
        records.iter().find(|bytes| signed::decode::<EpochRecord>(bytes).is_ok_and(|r| r.message.epoch == epoch)).map(hex::encode)
    };
    let one = |a: Audit| {
        let left_out = |member: &MemberId| LeftOut {
            member: member.to_hex(),
            evidence: a.record.minus(lag).and_then(|closed| stored.bundle(closed, *member)).map(hex::encode),
        };
        let wrong = !a.holds() || !a.omitted.is_empty();
        AuditedRecord {
            record: a.record,
            complete: a.complete,
            rows: a.rows,
            ledger_same: a.ledger,
            results_same: a.results.0 == a.results.1,
            differences: a.differences.iter().map(AuditedRow::from).collect(),
            left_out: a.omitted.iter().map(left_out).collect(),
            evidence: wrong.then(|| record(a.record)).flatten(),
        }
    };
    Ok(found.into_iter().map(one).collect())
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
