//! Gossip: stations from cheap to costly, and one table of verdicts.
//!
//! ```text
//! bytes ─limits─> decode ─duplicate─> epoch against now ─known signer─> signature ─state rules─> accepted
//! ```

pub mod refusal;
pub mod seen;
pub mod topic;
pub mod verdict;

pub use refusal::Refusal;
pub use seen::Seen;
pub use topic::Topic;
pub use verdict::{Acceptance, Finding, Verdict};
