//! Steps from one schema to the next. Each is one write: a crash leaves the store before it or behind it.

use super::batch::Batch;
use super::options::FamilyName;

/// `STEPS[n]` collects what leads from schema n + 1 to schema n + 2.
///
/// - Schema 2: a record carries departures, an exchange knows its meeting and whether a person stopped it.
/// - Schema 3: parameters, rows and exchanges know complaints and what credits are earned by.
pub(super) const STEPS: [fn(&mut Batch); 2] = [forget, forget];

/// What every node holds is fetched anew; exchanges under way are dealt again, and the journal, which stays, knows which of their mails
/// have left.
fn forget(batch: &mut Batch) {
    for family in [FamilyName::Records, FamilyName::Rosters, FamilyName::Bundles, FamilyName::Exchanges] {
        // Keys have at most 52 bytes.
        batch.delete_range(family, [], [u8::MAX; 64]);
    }
}
