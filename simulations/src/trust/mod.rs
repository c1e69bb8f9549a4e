//! Trust in anybody's graph: the protocol's kernel, in floating point too, on any weighted list of edges.
//!
//! ```text
//!  CSV ─────┐                      golden ids (golden.rs)
//!           ├─> EdgeList ───────────────┴──> solve ──> CSV or Parquet (write.rs, out.rs)
//!  Parquet ─┘   (edges.rs)                  float.rs: arithmetic; threads.rs: blocks in parallel
//! ```

pub mod edges;
pub mod float;
pub mod golden;
pub mod out;
mod read_csv;
mod read_parquet;
pub mod solve;
#[cfg(test)]
mod tests;
pub mod threads;
pub mod write;
