//! The emulator as its users see it: real sockets, TLS, async-imap, DNS look-ups.

mod rig;

mod counting;
mod engage;
mod faults;
mod gmail;
mod passage;
mod variants;
