//! A list of edges with ids of any text.

use super::{read_csv, read_parquet};
use indicatif::ProgressBar;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

/// Columns of a list of edges, by name; others are not read.
pub const COLUMNS: [&str; 3] = ["source", "target", "weight"];

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It can't be opened or read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Not CSV.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// Not Parquet.
    #[error("{0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A column is missing.
    #[error("it has no column \"{0}\"")]
    NoColumn(&'static str),
    /// A column holds something else.
    #[error("column \"{0}\" holds neither text nor numbers that fit")]
    Kind(&'static str),
    /// A line of a CSV file, or a row of a Parquet file (from 1).
    #[error("{unit} {number}: {problem}")]
    At {
        /// "line" or "row".
        unit: &'static str,
        /// Which one.
        number: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// No edge at all.
    #[error("it has no edges")]
    Empty,
    /// No golden id at all.
    #[error("it names no id")]
    NoId,
    /// More than 2^32 - 1 ids.
    #[error("it names more than 4,294,967,294 ids")]
    TooMany,
}

/// Edges between numbered ids. Ids are sorted, so equal sets of edges have equal numbers.
#[derive(Debug, Default, PartialEq)]
pub struct EdgeList {
    /// Sorted; an index of it is a node.
    pub ids: Vec<Box<str>>,
    /// Node that gives, by edge.
    pub sources: Vec<u32>,
    /// Node that gets, by edge.
    pub targets: Vec<u32>,
    /// Finite, not negative, by edge.
    pub weights: Vec<f64>,
}

impl EdgeList {
    /// Reads a CSV file, or a Parquet file when its name ends in `.parquet`. `bar` shows how far it is.
    ///
    /// # Errors
    /// [`ReadError`], with line or row.
    pub fn read(path: &Path, bar: &ProgressBar) -> Result<Self, ReadError> {
        let file = File::open(path)?;
        let mut list = Builder::default();
        if is_parquet(path) {
            read_parquet::read(file, bar, &mut list)?;
        } else {
            bar.set_length(file.metadata()?.len());
            read_csv::read(bar.wrap_read(file), &mut list)?;
        }
        bar.finish_and_clear();
        list.finish()
    }

    /// Node of an id.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<u32> {
        self.ids.binary_search_by(|i| i.as_ref().cmp(id)).ok().map(|i| i as u32)
    }
}

/// Whether a file is Parquet, by its name; everything else is CSV.
#[must_use]
pub fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet"))
}

/// A list being read: ids are numbered as they come.
#[derive(Default)]
pub(super) struct Builder {
    numbers: HashMap<Box<str>, u32>,
    list: EdgeList,
}

impl Builder {
    pub(super) fn number(&mut self, id: &str) -> Result<u32, ReadError> {
        if let Some(number) = self.numbers.get(id) {
            return Ok(*number);
        }
        let number = u32::try_from(self.numbers.len()).ok().filter(|n| *n < u32::MAX).ok_or(ReadError::TooMany)?;
        self.numbers.insert(id.into(), number);
        Ok(number)
    }
    pub(super) fn source(&mut self, id: &str) -> Result<(), ReadError> {
        let number = self.number(id)?;
        self.list.sources.push(number);
        Ok(())
    }
    pub(super) fn target(&mut self, id: &str) -> Result<(), ReadError> {
        let number = self.number(id)?;
        self.list.targets.push(number);
        Ok(())
    }
    /// The problem of a weight that can't be one.
    pub(super) fn weight(&mut self, weight: f64) -> Result<(), String> {
        if !(weight.is_finite() && weight >= 0.0) {
            return Err(format!("the weight is {weight}: it must be a number, 0 or more"));
        }
        self.list.weights.push(weight);
        Ok(())
    }

    /// Renumbers by sorted ids.
    fn finish(self) -> Result<EdgeList, ReadError> {
        let mut list = self.list;
        if list.weights.is_empty() {
            return Err(ReadError::Empty);
        }
        let mut ids: Vec<(Box<str>, u32)> = self.numbers.into_iter().collect();
        ids.sort_unstable();
        let mut renamed = vec![0; ids.len()];
        (0u32..).zip(&ids).for_each(|(new, (_, old))| renamed[*old as usize] = new);
        list.sources.iter_mut().chain(&mut list.targets).for_each(|n| *n = renamed[*n as usize]);
        list.ids = ids.into_iter().map(|(id, _)| id).collect();
        Ok(list)
    }
}
