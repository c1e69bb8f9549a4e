//! Edges from CSV: a first line that names the columns, then an edge a line.

use super::edges::{Builder, COLUMNS, ReadError};
use std::io::Read;

pub(super) fn read(from: impl Read, list: &mut Builder) -> Result<(), ReadError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).buffer_capacity(1 << 18).from_reader(from);
    let head = reader.headers()?.clone();
    let mut places = [0; COLUMNS.len()];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        *place = head.iter().position(|h| h.trim_start_matches('\u{feff}') == name).ok_or(ReadError::NoColumn(name))?;
    }
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let at = |problem: String| ReadError::At { unit: "line", number: record.position().map_or(0, csv::Position::line), problem };
        let [source, target, weight] = places.map(|place| record.get(place).unwrap_or_default());
        if source.is_empty() || target.is_empty() {
            return Err(at("an id is empty".into()));
        }
        let number: f64 = weight.parse().map_err(|_| at(format!("the weight is \"{weight}\": it must be a number, 0 or more")))?;
        list.source(source)?;
        list.target(target)?;
        list.weight(number).map_err(at)?;
    }
    Ok(())
}
