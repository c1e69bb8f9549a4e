//! What a schema is, and the steps from one to the next. Each is one write: a crash leaves the store before it or behind it.

use super::batch::Batch;
use super::open::SCHEMA;
use super::options::FamilyName;

/// What a program knows of schemas.
pub(super) struct Layout<'a> {
    /// The one it writes.
    pub(super) schema: u32,
    /// Families by their names on disk, each with the schema that brought it.
    pub(super) families: &'a [(&'a str, u32)],
    /// The step to each schema after the first.
    pub(super) steps: &'a [fn(&mut Batch)],
}

/// RocksDB's own family, which every store has and nothing uses.
const DEFAULT: (&str, u32) = (rocksdb::DEFAULT_COLUMN_FAMILY_NAME, 1);

/// Families of this program.
pub(super) fn families() -> Vec<(&'static str, u32)> {
    FamilyName::ALL.iter().map(|family| (family.on_disk(), family.since())).chain([DEFAULT]).collect()
}

/// What this program knows.
pub(super) fn layout<'a>(families: &'a [(&'a str, u32)]) -> Layout<'a> {
    Layout { schema: SCHEMA, families, steps: &STEPS }
}

/// `STEPS[n]` collects what leads from schema n + 1 to schema n + 2.
///
/// - Schema 2: a record carries departures, an exchange knows its meeting and whether a person stopped it.
/// - Schema 3: parameters, rows and exchanges know complaints and what credits are earned by.
const STEPS: [fn(&mut Batch); SCHEMA as usize - 1] = [forget, forget];

/// What every node holds is fetched anew; exchanges under way are dealt again, and the journal, which stays, knows which of their mails
/// have left.
fn forget(batch: &mut Batch) {
    for family in [FamilyName::Records, FamilyName::Rosters, FamilyName::Bundles, FamilyName::Exchanges] {
        // Keys have at most 52 bytes.
        batch.delete_range(family, [], [u8::MAX; 64]);
    }
}
