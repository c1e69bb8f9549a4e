//! The answer as a file: `id,trust`, most trusted first, equal ones by id.

use super::edges::{EdgeList, is_parquet};
use anyhow::Context;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Rows of one Parquet row group.
const GROUP: usize = 1 << 20;

/// Writes Parquet when the name of `path` ends in `.parquet`, CSV otherwise. `to` is where the bytes go.
///
/// # Errors
/// When `to` can't be written.
pub fn write(to: &mut (impl Write + Send), path: &Path, list: &EdgeList, trust: &[f64]) -> anyhow::Result<()> {
    let mut order: Vec<usize> = (0..trust.len()).collect();
    order.sort_by(|a, b| trust[*b].total_cmp(&trust[*a]));
    if is_parquet(path) {
        parquet(to, list, trust, &order)?
    } else {
        csv(&mut *to, list, trust, &order)?
    }
    Ok(to.flush()?)
}

fn csv(to: impl Write, list: &EdgeList, trust: &[f64], order: &[usize]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    writer.write_record(["id", "trust"])?;
    for node in order {
        writer.write_record([&*list.ids[*node], &trust[*node].to_string()])?;
    }
    writer.flush()?;
    Ok(())
}

fn parquet(to: &mut (impl Write + Send), list: &EdgeList, trust: &[f64], order: &[usize]) -> anyhow::Result<()> {
    let schema = parse_message_type("message trust { REQUIRED BYTE_ARRAY id (UTF8); REQUIRED DOUBLE trust; }")?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties))?;
    for rows in order.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        let ids: Vec<ByteArray> = rows.iter().map(|n| ByteArray::from(&*list.ids[*n])).collect();
        let mut column = group.next_column()?.context("the schema has two columns")?;
        column.typed::<ByteArrayType>().write_batch(&ids, None, None)?;
        column.close()?;
        let values: Vec<f64> = rows.iter().map(|n| trust[*n]).collect();
        let mut column = group.next_column()?.context("the schema has two columns")?;
        column.typed::<DoubleType>().write_batch(&values, None, None)?;
        column.close()?;
        group.close()?;
    }
    writer.close()?;
    Ok(())
}
