//! SMTP (RFC 5321): taking users' mail (submission), taking others' mail (MX), and handing mail on.

mod client;
mod relay;
mod session;

pub use client::Client;
pub use relay::{RelayError, hand_over};
pub use session::{Ended, Role, Session};
