//! The authority of one network: it enrols members, publishes a record and a roster an epoch, runs the golden members
//! and quarantines blocklisted domains. It runs inside a node's runtime, as its [`Authority`].
//!
//! [`Authority`]: warmnet_node::runtime::authority::Authority
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod admission;
pub mod audit;
pub mod authority;
pub mod cli;
pub mod config;
pub mod durable;
pub mod golden;
pub mod quarantine;
