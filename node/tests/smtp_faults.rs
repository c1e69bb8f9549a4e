//! Our way out (journal, limits, submitter) against a scripted server on loopback that does all a mail server can do wrong, and against SIGKILL.

#[path = "smtp/killed.rs"]
mod killed;
#[path = "smtp/matrix.rs"]
mod matrix;
#[path = "smtp/server.rs"]
mod server;
