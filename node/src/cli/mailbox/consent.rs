//! The owner's yes to each automatic act; the provider's rule was shown before.

use crate::cli::exit::{CliError, usage};
use crate::cli::out;
use crate::config::mailbox::ACTS;
use std::io::{BufRead, IsTerminal, Write};

/// A yes or no at the terminal; anything but a clear yes is no.
pub(in crate::cli) fn confirm(question: std::fmt::Arguments<'_>) -> Result<bool, CliError> {
    out::text(format_args!("{question} [y/N] "));
    let _flushed = std::io::stdout().flush();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|e| usage("the answer can't be read").why(e))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// The acts that are allowed, as bits.
pub(super) fn consent(wanted: &str) -> Result<u8, CliError> {
    match wanted {
        "none" => Ok(0),
        "ask" => {
            if !std::io::stdin().is_terminal() {
                return Err(usage("each automatic act needs your consent")
                    .todo("name the acts with --consent read,reply,rescue,file or say --consent none"));
            }
            let mut bits = 0;
            for (_, bit, text) in ACTS {
                if confirm(format_args!("May this node {text} in this mailbox?"))? {
                    bits |= bit;
                }
            }
            Ok(bits)
        }
        list => list.split(',').try_fold(0, |bits, name| {
            let known = ACTS.iter().find(|(n, ..)| *n == name.trim());
            known
                .map(|(_, bit, _)| bits | bit)
                .ok_or_else(|| usage(format!("\"{name}\" is no act")).todo("acts are read, reply, rescue, file; or none; or ask"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::ExitCode;
    use warmnet_protocol::wire::roster::acts;

    #[test]
    fn consent_is_named_act_by_act() {
        assert_eq!(consent("none").expect("known"), 0);
        assert_eq!(consent("read, file").expect("known"), acts::READ | acts::FILE);
        assert_eq!(consent("read,reply,rescue,file").expect("known"), acts::READ | acts::REPLY | acts::RESCUE | acts::FILE);
        for wrong in ["", "all", "read,jump"] {
            assert_eq!(consent(wrong).expect_err("unknown").code(), ExitCode::Usage, "{wrong}");
        }
    }
}
