//! The bytes of every message: one file each, all through [`codec`].

pub mod bundle;
pub mod codec;
pub mod departure;
pub mod enrolment;
pub mod epoch_record;
pub mod fault;
pub mod genesis;
pub mod introduction;
pub mod label;
pub mod notice;
pub(crate) mod reader;
pub mod roster;
pub mod sync;
