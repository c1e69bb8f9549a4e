//! Standard output that may close early: `warmnet-node config example | head` is no failure.

use super::exit::ExitCode;
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Prints a line to standard output.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::out::text(format_args!("{}\n", format_args!($($text)*))) };
}
pub(super) use say;

/// Prints to standard output. Where nobody reads on, the program ends quietly; any other trouble with it is told.
pub(super) fn text(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_fmt(text).and_then(|()| out.flush()) {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(ExitCode::Ok as i32);
        }
        eprintln!("error: standard output: {error}");
        std::process::exit(ExitCode::Error as i32);
    }
}
