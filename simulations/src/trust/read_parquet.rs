//! Edges from Parquet: ids are text or whole numbers, weights floats or whole numbers; snappy, zstd or no compression.

use super::edges::{Builder, COLUMNS, ReadError};
use indicatif::ProgressBar;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use std::fs::File;

/// Rows decoded at a time.
const BATCH: usize = 8_192;

pub(super) fn read(file: File, bar: &ProgressBar, list: &mut Builder) -> Result<(), ReadError> {
    let reader = SerializedFileReader::new(file)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let mut places = [0; COLUMNS.len()];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        *place = schema.columns().iter().position(|c| c.path().parts() == [name]).ok_or(ReadError::NoColumn(name))?;
        if schema.column(*place).max_rep_level() > 0 {
            return Err(ReadError::Kind(name));
        }
    }
    bar.set_length(reader.metadata().file_metadata().num_rows().unsigned_abs());
    let mut first = 1;
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number)?;
        ids(&*group, places[0], first, |id| list.source(id))?;
        ids(&*group, places[1], first, |id| list.target(id))?;
        weights(&*group, places[2], first, list)?;
        let rows = group.metadata().num_rows().unsigned_abs();
        bar.inc(rows);
        first += rows;
    }
    Ok(())
}

fn row(number: u64, problem: String) -> ReadError {
    ReadError::At { unit: "row", number, problem }
}

fn ids(group: &dyn RowGroupReader, place: usize, first: u64, mut take: impl FnMut(&str) -> Result<(), ReadError>) -> Result<(), ReadError> {
    match group.get_column_reader(place)? {
        ColumnReader::ByteArrayColumnReader(r) => each(r, first, |number, id| {
            let text = std::str::from_utf8(id.data()).map_err(|_| row(number, "an id is not UTF-8".into()))?;
            if text.is_empty() { Err(row(number, "an id is empty".into())) } else { take(text) }
        }),
        ColumnReader::Int32ColumnReader(r) => each(r, first, |_, id| take(&id.to_string())),
        ColumnReader::Int64ColumnReader(r) => each(r, first, |_, id| take(&id.to_string())),
        _ => Err(ReadError::Kind("source or target")),
    }
}

fn weights(group: &dyn RowGroupReader, place: usize, first: u64, list: &mut Builder) -> Result<(), ReadError> {
    let mut take = |number: u64, weight: f64| list.weight(weight).map_err(|problem| row(number, problem));
    match group.get_column_reader(place)? {
        ColumnReader::DoubleColumnReader(r) => each(r, first, |number, w| take(number, *w)),
        ColumnReader::FloatColumnReader(r) => each(r, first, |number, w| take(number, f64::from(*w))),
        ColumnReader::Int32ColumnReader(r) => each(r, first, |number, w| take(number, f64::from(*w))),
        ColumnReader::Int64ColumnReader(r) => each(r, first, |number, w| take(number, *w as f64)),
        _ => Err(ReadError::Kind("weight")),
    }
}

/// Hands over every value with the number of its row; a missing one is an error.
fn each<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    first: u64,
    mut take: impl FnMut(u64, &T::T) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let (mut number, mut levels, mut values) = (first, Vec::new(), Vec::new());
    loop {
        levels.clear();
        values.clear();
        let (records, read, _) = reader.read_records(BATCH, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Ok(());
        }
        if read < records {
            let missing = levels.iter().position(|level| *level == 0).unwrap_or_default();
            return Err(row(number + missing as u64, "a value is missing".into()));
        }
        for value in &values {
            take(number, value)?;
            number += 1;
        }
    }
}
