//! A member's node: the protocol engine with sockets, mail and a store around it.
//!
//! | room | what is in it |
//! |---|---|
//! | [`runtime`] | the driver loop, the only reader of the clock; the coordinator plugs in here |
//! | [`mail`] | SMTP and IMAP of one mailbox |
//! | [`oauth`] | sign-in without a password |
//! | [`p2p`] | the libp2p network, bytes in and out |
//! | [`store`] | RocksDB, the at-most-once journal |
//! | [`config`], [`secrets`] | what the owner decides, what must stay secret |
//! | [`discovery`], [`doctor`] | finding a mailbox's servers; health checks with what to do |
//! | [`control`], [`cli`] | the local socket and the command line |
//! | [`observe`] | logs |
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod cli;
pub mod config;
pub mod control;
pub mod discovery;
pub mod doctor;
mod http;
pub mod mail;
pub mod oauth;
pub mod observe;
pub mod p2p;
pub mod runtime;
pub mod secrets;
pub mod store;
