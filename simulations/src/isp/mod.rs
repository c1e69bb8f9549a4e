//! A mailbox provider's spam filter as a pure model: what it sees of a mail, what it remembers of a sender's domain,
//! and the chance of the inbox that follows.

pub mod filter;
pub mod sight;

pub use filter::{Event, Filter, Temper};
pub use sight::Sight;
