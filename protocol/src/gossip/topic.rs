//! The four topics.

/// What a gossip message is about; the host maps it to `/warmnet/<network>/<name>/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Epoch records.
    Records,
    /// Bundles.
    Bundles,
    /// Quarantine notices.
    Notices,
    /// Proofs of faults.
    Faults,
}
