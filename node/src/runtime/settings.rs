//! The owner's settings of the mailboxes, read again while the node runs: a pause, a consent taken back and changed hours
//! count within [`EVERY`], or at once when the command line asks.

use super::clock;
use crate::config::{ConfigError, MailboxConfig};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use warmnet_protocol::engine::{Engine, HostedMember, Input, Switch};
use warmnet_protocol::identity::CanonicalAddress;
use warmnet_protocol::ids::{MemberId, Salt};

/// Between two looks into the folder. The ends of pauses and of summer time are found by the same look.
const EVERY: Duration = Duration::from_secs(30);

/// One mailbox of this run, as the engine knows it.
pub(super) struct Known {
    pub member: MemberId,
    pub address: CanonicalAddress,
    pub salt: Salt,
    pub golden: bool,
}

/// The settings of this run's mailboxes.
pub(super) struct Settings {
    folder: PathBuf,
    known: Vec<Known>,
    looked: Instant,
}

impl Settings {
    pub(super) fn new(folder: PathBuf, known: Vec<Known>) -> Self {
        Self { folder, known, looked: Instant::now() }
    }

    /// Looks again when it is time. Returns the members that left since the last look.
    pub(super) fn look(&mut self, engine: &mut Engine) -> Vec<MemberId> {
        if self.looked.elapsed() < EVERY {
            return vec![];
        }
        self.reload(engine).unwrap_or_else(|error| {
            tracing::warn!(%error, "the mailboxes' settings can't be read; the last ones stay in force");
            vec![]
        })
    }

    /// Reads the folder and hands the engine what changed; returns the members that left by it. Mailboxes that were added (again)
    /// wait for the next start.
    ///
    /// # Errors
    /// [`ConfigError`]: nothing changed.
    pub(super) fn reload(&mut self, engine: &mut Engine) -> Result<Vec<MemberId>, ConfigError> {
        self.looked = Instant::now();
        let all = MailboxConfig::load_all(&self.folder)?;
        let mut left = vec![];
        for known in &self.known {
            let own = |m: &&MailboxConfig| CanonicalAddress::parse(&m.address).is_ok_and(|a| a == known.address);
            let Some(mailbox) = all.iter().find(own) else { continue };
            let fresh = hosted(mailbox, known);
            let Some(before) = engine.hosted().get(&known.member).map(|h| &h.config) else { continue };
            // One that left has no mail task any more; added again it needs a new start.
            if *before != fresh && before.switch != Switch::Left {
                tracing::info!(member = %known.member.short(), switch = ?fresh.switch, "a mailbox's settings changed");
                if fresh.switch == Switch::Left {
                    left.push(known.member);
                }
                engine.handle(clock::now(), Input::Host(Box::new(fresh)));
            }
        }
        Ok(left)
    }
}

/// A mailbox's settings as the engine takes them.
pub(super) fn hosted(mailbox: &MailboxConfig, known: &Known) -> HostedMember {
    HostedMember {
        member: known.member,
        address: known.address.as_str().to_owned(),
        salt: known.salt,
        hours: mailbox.hours_in_minutes(),
        utc_offset_minutes: clock::utc_offset_minutes(&mailbox.zone, clock::now()),
        acts: mailbox.consent.acts(),
        weekdays: mailbox.weekday_bits(),
        languages: mailbox.language_bits(),
        provider: mailbox.provider_class,
        ramp: mailbox.ramp,
        golden: known.golden,
        switch: match mailbox.left {
            Some(_) => Switch::Left,
            None if mailbox.paused(jiff::Timestamp::now()) => Switch::Paused,
            None => Switch::On,
        },
    }
}
