//! The owner's yes to each automatic act, asked with the provider's rule in sight.

use super::usage;
use crate::cli::exit::CliError;
use crate::cli::out::{self, say};
use std::io::{BufRead, IsTerminal, Write};
use warmnet_protocol::wire::roster::acts;

/// The provider's rule about automated acts, as the owner should know it (checked 2026-11-24; providers change them).
fn provider_rule(host: &str) -> &'static str {
    let rules = [
        (
            ["gmail.com", "google"].as_slice(),
            "Google forbids using several accounts to get round its limits or filters. Moving mail out of spam by program may count as that.",
        ),
        (
            &["outlook", "office365"],
            "Microsoft watches for unusual sending patterns and may limit the mailbox. Sign-in by password ends; OAuth follows in a later version.",
        ),
        (&["yahoo", "aol"], "Yahoo wants app passwords and limits a mailbox to about 500 mails a day."),
        (&["mail.me.com", "icloud"], "iCloud Mail is for personal use."),
        (&["zoho"], "Zoho excludes automated mail."),
    ];
    let found = rules.iter().find(|(names, _)| names.iter().any(|n| host.contains(n)));
    found.map_or("Your provider's terms apply; warming mail is labelled as automated.", |(_, rule)| rule)
}

pub(super) fn consent(wanted: &str, host: &str) -> Result<u8, CliError> {
    const ACTS: [(&str, u8, &str); 4] = [
        ("read", acts::READ, "mark warming mail as read"),
        ("reply", acts::REPLY, "answer warming mail"),
        ("rescue", acts::RESCUE, "move warming mail out of spam"),
        ("file", acts::FILE, "file warming mail into the folder Warmnet"),
    ];
    match wanted {
        "none" => Ok(0),
        "ask" => {
            if !std::io::stdin().is_terminal() {
                return Err(usage("each automatic act needs your consent")
                    .todo("name the acts with --consent read,reply,rescue,file or say --consent none"));
            }
            say!("{}", provider_rule(host));
            let mut bits = 0;
            for (_, bit, text) in ACTS {
                out::text(format_args!("May this node {text} in this mailbox? [y/N] "));
                let _flushed = std::io::stdout().flush();
                let mut line = String::new();
                std::io::stdin().lock().read_line(&mut line).map_err(|e| usage("the answer can't be read").why(e))?;
                if matches!(line.trim(), "y" | "Y" | "yes") {
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

    #[test]
    fn consent_is_named_act_by_act() {
        assert_eq!(consent("none", "h").expect("known"), 0);
        assert_eq!(consent("read, file", "h").expect("known"), acts::READ | acts::FILE);
        assert_eq!(consent("read,reply,rescue,file", "h").expect("known"), acts::READ | acts::REPLY | acts::RESCUE | acts::FILE);
        for wrong in ["", "all", "read,jump"] {
            assert_eq!(consent(wrong, "h").expect_err("unknown").code(), ExitCode::Usage, "{wrong}");
        }
    }

    #[test]
    fn every_host_gets_a_rule_and_known_providers_their_own() {
        let other = provider_rule("mail.example.org");
        for host in ["smtp.gmail.com", "outlook.office365.com", "smtp.mail.yahoo.com", "smtp.mail.me.com", "smtp.zoho.eu"] {
            assert_ne!(provider_rule(host), other, "{host}");
        }
    }
}
