//! A whole Warmnet on one machine.
//!
//! ```text
//!  cli ──> localnet: starts emulator, coordinator and nodes as processes, drives and watches them
//!             │  └──> report: figures, checks, table, plots
//!             └─ (as a process) ──> provider: three mailbox providers behind real SMTP, IMAP and DNS sockets
//! ```

pub mod cli;
pub mod isp;
pub mod localnet;
pub mod provider;
pub mod report;
pub mod trust;
