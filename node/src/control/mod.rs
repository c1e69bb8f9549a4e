//! The local control socket: JSON lines over a unix socket that only the home's owner can open.

mod client;
mod lock;
mod protocol;
mod server;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientError};
pub use lock::{HomeLock, LockError};
pub use protocol::{
    Answer, ClosedStatus, ControlFault, EpochStatus, Explained, HealthItem, MemberStatus, NetworkScore, ReconciledStatus, ReportStatus,
    Request, Severity, Status,
};
pub use server::{ControlError, ControlServer, Served};

/// Longest line either side reads: a status of 200 members with 40 epochs is about 60 KiB.
pub const LINE_BYTES: u64 = 1024 * 1024;
