//! The running node: one driver loop around the protocol engine, and the tasks that do its slow work.

mod answers;
mod audit;
pub mod authority;
pub mod clock;
mod driver;
mod explain;
mod feedback;
pub mod gate;
#[cfg(test)]
mod golden;
mod health;
mod mailboxes;
mod my_data;
pub mod outbox;
mod owner;
mod peers;
mod persist;
mod questions;
mod reports;
mod settings;
mod start;
mod status;
mod stored;
mod unheard;

pub use audit::{AuditReport, AuditedRecord, AuditedRow, LeftOut, StalledRecord, audit_store};
pub use authority::{Authority, AuthorityOutput, EnrolmentAuth};
pub use driver::DriverError;
pub use my_data::{BundleData, ExchangeData, HomeDataError, MailboxData, my_data};
pub use start::{GenesisSummary, RunOptions, RuntimeError, check_genesis, run, run_node, salt};
