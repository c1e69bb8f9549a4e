//! Edges from Parquet: ids are text or whole numbers, weights floats, whole numbers or decimals; snappy, zstd or no compression.

use super::edges::{Builder, COLUMNS, ReadError};
use indicatif::ProgressBar;
use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
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
    // A step of the bar is a value.
    bar.set_length(reader.metadata().file_metadata().num_rows().unsigned_abs() * COLUMNS.len() as u64);
    let kinds = places.map(|place| Whole::of(&schema.column(place)));
    let mut first = 1;
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number)?;
        let rows = Rows { group: &*group, first, bar };
        rows.ids(places[0], kinds[0], COLUMNS[0], |id| list.source(id))?;
        rows.ids(places[1], kinds[1], COLUMNS[1], |id| list.target(id))?;
        rows.weights(places[2], kinds[2], list)?;
        first += group.metadata().num_rows().unsigned_abs();
    }
    Ok(())
}

/// What the whole numbers of a column stand for.
#[derive(Clone, Copy)]
enum Whole {
    Signed,
    /// The same bits without a sign.
    Unsigned,
    /// So many of the digits stand behind the point.
    Decimal(i32),
}

impl Whole {
    fn of(column: &ColumnDescriptor) -> Self {
        // Old writers say only the one, some new ones only the other.
        match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Decimal(decimal)), _) => Self::Decimal(decimal.scale),
            (_, ConvertedType::DECIMAL) => Self::Decimal(column.type_scale()),
            (Some(LogicalType::Integer(integer)), _) if !integer.is_signed => Self::Unsigned,
            (_, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64) => Self::Unsigned,
            _ => Self::Signed,
        }
    }
    fn number(self, signed: i64, unsigned: u64) -> f64 {
        match self {
            Self::Signed => signed as f64,
            Self::Unsigned => unsigned as f64,
            Self::Decimal(scale) => signed as f64 / 10f64.powi(scale),
        }
    }
}

fn row(number: u64, problem: String) -> ReadError {
    ReadError::At { unit: "row", number, problem }
}

/// The rows of a group; `first` is the number of the first one.
#[derive(Clone, Copy)]
struct Rows<'a> {
    group: &'a dyn RowGroupReader,
    first: u64,
    bar: &'a ProgressBar,
}

impl Rows<'_> {
    fn ids(
        self,
        place: usize,
        kind: Whole,
        name: &'static str,
        mut take: impl FnMut(&str) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let unsigned = match kind {
            Whole::Signed | Whole::Decimal(0) => false,
            Whole::Unsigned => true,
            Whole::Decimal(_) => return Err(ReadError::Kind(name)),
        };
        match self.group.get_column_reader(place)? {
            // A decimal's bytes are no text.
            ColumnReader::ByteArrayColumnReader(_) if matches!(kind, Whole::Decimal(_)) => Err(ReadError::Kind(name)),
            ColumnReader::ByteArrayColumnReader(r) => self.each(r, |number, id| {
                let text = std::str::from_utf8(id.data()).map_err(|_| row(number, "an id is not UTF-8".into()))?;
                if text.is_empty() { Err(row(number, "an id is empty".into())) } else { take(text) }
            }),
            ColumnReader::Int32ColumnReader(r) if unsigned => self.each(r, |_, id| take(&id.cast_unsigned().to_string())),
            ColumnReader::Int64ColumnReader(r) if unsigned => self.each(r, |_, id| take(&id.cast_unsigned().to_string())),
            ColumnReader::Int32ColumnReader(r) => self.each(r, |_, id| take(&id.to_string())),
            ColumnReader::Int64ColumnReader(r) => self.each(r, |_, id| take(&id.to_string())),
            _ => Err(ReadError::Kind(name)),
        }
    }

    fn weights(self, place: usize, kind: Whole, list: &mut Builder) -> Result<(), ReadError> {
        let mut take = |number: u64, weight: f64| list.weight(weight).map_err(|problem| row(number, problem));
        match self.group.get_column_reader(place)? {
            ColumnReader::DoubleColumnReader(r) => self.each(r, |number, w| take(number, *w)),
            ColumnReader::FloatColumnReader(r) => self.each(r, |number, w| take(number, f64::from(*w))),
            ColumnReader::Int32ColumnReader(r) => {
                self.each(r, |number, w| take(number, kind.number(i64::from(*w), u64::from(w.cast_unsigned()))))
            }
            ColumnReader::Int64ColumnReader(r) => self.each(r, |number, w| take(number, kind.number(*w, w.cast_unsigned()))),
            _ => Err(ReadError::Kind("weight")),
        }
    }

    /// Hands over every value with the number of its row; a missing one is an error.
    fn each<T: DataType>(
        self,
        mut reader: ColumnReaderImpl<T>,
        mut take: impl FnMut(u64, &T::T) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let (mut number, mut levels, mut values) = (self.first, Vec::new(), Vec::new());
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
            self.bar.inc(records as u64);
        }
    }
}
