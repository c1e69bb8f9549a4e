//! A whole network on this machine: emulator, coordinator and nodes, each a process of its own.
//!
//! ```text
//!  layout, schedule (pure) ──> start ──> drive ──┬── observe: control sockets ──> report
//!                                                └── actions: civilians, bad apple, blocklist
//! ```

pub mod actions;
pub mod control;
pub mod drive;
pub mod guard;
pub mod homes;
pub mod layout;
pub mod live;
pub mod options;
pub mod process;
pub mod run;
pub mod schedule;
pub mod start;
