//! The golden ids: where trust begins.

use super::edges::{EdgeList, ReadError};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads `id` or `id,weight` a line into weights by node. The weight is 1 where it isn't given; empty lines and lines that begin
/// with `#` say nothing, nor does a first line that begins with "id". An id that stands twice has the sum.
///
/// # Errors
/// [`ReadError`], with the line: an id without any edge, a weight that isn't above 0, weights of one id beyond all numbers. [`ReadError::NoId`] without any id.
pub fn read(path: &Path, list: &EdgeList) -> Result<BTreeMap<u32, f64>, ReadError> {
    let from = std::fs::File::open(path)?;
    let mut lines = csv::ReaderBuilder::new();
    lines.has_headers(false).flexible(true).trim(csv::Trim::All).comment(Some(b'#'));
    let mut golden = BTreeMap::new();
    for record in lines.from_reader(from).into_records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let at = |problem: String| ReadError::At { unit: "line", number: line, problem };
        let id = record.get(0).unwrap_or_default().trim_start_matches('\u{feff}');
        if line == 1 && id == "id" {
            continue;
        }
        let node = list.node(id).ok_or_else(|| at(format!("no edge names \"{id}\"")))?;
        let text = record.get(1).unwrap_or("1");
        let weight = text.parse().ok().filter(|w: &f64| w.is_finite() && *w > 0.0);
        let sum = golden.entry(node).or_insert(0.0);
        *sum += weight.ok_or_else(|| at(format!("the weight is \"{text}\": it must be above 0")))?;
        if sum.is_infinite() {
            return Err(at(format!("the weights of \"{id}\" together are beyond all numbers")));
        }
    }
    if golden.is_empty() { Err(ReadError::NoId) } else { Ok(golden) }
}
