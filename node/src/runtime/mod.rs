//! The running node: one driver loop around the protocol engine, and the tasks that do its slow work.

pub mod authority;
pub mod clock;
mod driver;
mod feedback;
pub mod gate;
mod mailboxes;
mod my_data;
pub mod outbox;
mod peers;
mod persist;
mod reports;
mod settings;
mod start;
mod status;
mod stored;

pub use authority::{Authority, AuthorityOutput, EnrolmentAuth};
pub use driver::DriverError;
pub use my_data::{BundleData, ExchangeData, MailboxData, MyDataError, my_data};
pub use start::{GenesisSummary, RunOptions, RuntimeError, check_genesis, run, run_node, salt};
