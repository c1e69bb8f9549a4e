//! Helpers for end-to-end tests: the built programs are started as a user would and watched over their sockets.
//! Nothing sleeps for a fixed time: everything waits for a condition, with a limit.

pub mod bench;
pub mod localnet;
pub mod programs;
pub mod rig;
pub mod wait;

pub use bench::Bench;
pub use localnet::{Finished, Localnet};
pub use programs::{Ran, ask, program, run};
pub use wait::wait_for;
