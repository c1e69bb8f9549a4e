//! From the programs' answers to a report: figures, checks, a table, plots. Nothing here talks to anybody.
//!
//! ```text
//!  status + stats ──> collect ──> summary ──┬─> checks ──> table
//!                                           └─> plots (SVG)
//! ```

pub mod checks;
pub mod collect;
pub mod plots;
pub mod status;
pub mod summary;
pub mod table;
