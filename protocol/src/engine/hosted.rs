//! The members of this node.

use super::{Engine, Timer};
use crate::exchange::Command;
use crate::exchange::deadlines::WorkingHours;
use crate::ids::{ExchangeId, MemberId, Salt};
use crate::time::{Epoch, Span, Timestamp};
use crate::wire::enrolment::Token;
use crate::wire::roster::RampPreset;
use serde::{Deserialize, Serialize};

/// A mailbox this node hosts, by its owner's settings.
#[derive(Clone, PartialEq, Eq)]
pub struct HostedMember {
    /// The commitment to its address.
    pub member: MemberId,
    /// Its canonical address.
    pub address: String,
    /// Opens the commitment.
    pub salt: Salt,
    /// Working hours in local minutes of the day: from, until.
    pub hours: (u16, u16),
    /// Local time minus UTC in minutes, as data from the host (it knows the zone and its summer time).
    pub utc_offset_minutes: i32,
    /// Acts the owner allows.
    pub acts: u8,
    /// Weekday bits.
    pub weekdays: u8,
    /// Language bits.
    pub languages: u8,
    /// Provider class.
    pub provider: u8,
    /// Ramp preset.
    pub ramp: RampPreset,
    /// A golden mailbox of the coordinator: it needs no application.
    pub golden: bool,
    /// The owner's switch.
    pub switch: Switch,
}

/// Whether a mailbox takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It does.
    On,
    /// Not for now: it stays a member.
    Paused,
    /// Not any more: it leaves the network.
    Left,
}

/// How far an application has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Application {
    /// Not answered yet.
    New,
    /// The token is to be mailed, or is on its way.
    Challenged {
        /// Golden mailbox.
        golden: String,
        /// Token to mail.
        token: Token,
        /// Whether the mail is past the final dot.
        mailed: bool,
    },
    /// The code arrived and is being shown.
    Confirming {
        /// The code.
        code: Token,
    },
    /// In, from this epoch on.
    Admitted {
        /// First epoch in a roster.
        from: Epoch,
    },
    /// Refused, with the coordinator's reason.
    Refused {
        /// Plain words.
        reason: String,
    },
    /// A golden mailbox.
    Golden,
    /// The coordinator is to take it out of the roster.
    Leaving,
    /// In no roster any more.
    Left,
}

/// A hosted member's state.
#[derive(Clone)]
pub struct Hosted {
    /// Settings.
    pub config: HostedMember,
    /// Application.
    pub application: Application,
    /// Whether the next look at a waiting application asks the coordinator again.
    pub(super) asks_again: bool,
    /// Not before this may its next mail leave: the minimum gap.
    pub(super) next_free: Timestamp,
}

impl HostedMember {
    /// Working hours as offsets from the epoch's start (UTC).
    #[must_use]
    pub fn working_hours(&self) -> WorkingHours {
        let day = 24 * 60;
        let from = (i32::from(self.hours.0) - self.utc_offset_minutes).rem_euclid(day);
        let length = (i32::from(self.hours.1) - i32::from(self.hours.0)).rem_euclid(day);
        let length = if length == 0 { day } else { length };
        let minutes = |m: i32| Span::minutes(u64::try_from(m).unwrap_or(0));
        WorkingHours { from: minutes(from), until: minutes(from + length) }
    }
}

impl Engine {
    /// Takes a mailbox in, or its changed settings.
    pub(super) fn host(&mut self, now: Timestamp, config: HostedMember) {
        let member = config.member;
        if let Some(hosted) = self.hosted.get_mut(&member) {
            let acts = config.acts;
            hosted.config = config;
            self.turn(now, member);
            let own: Vec<ExchangeId> = self.exchanges.values().filter(|x| x.me == member).map(|x| x.id).collect();
            for id in own {
                self.step(now, id, Command::Allowed { acts });
            }
            return;
        }
        if self.hosted.len() >= crate::limits::HOSTED_MEMBERS {
            return;
        }
        let application = if config.golden { Application::Golden } else { Application::New };
        self.hosted.insert(member, Hosted { config, application, asks_again: false, next_free: now });
        self.turn(now, member);
        self.schedule(now, Timer::Application(member));
        self.schedule_epochs(now);
        self.schedule(now, Timer::Sync);
    }

    /// Makes sure that the running (or first) epoch is looked at.
    pub(super) fn schedule_epochs(&mut self, now: Timestamp) {
        let epoch = self.epoch(now).unwrap_or(Epoch(0));
        let at = self.chain.clock().start(epoch).max(now);
        if !self.timers.iter().any(|(_, t)| matches!(t, Timer::Epoch(_))) {
            self.schedule(at, Timer::Epoch(epoch));
        }
    }

    /// The hosted members.
    #[must_use]
    pub fn hosted(&self) -> &std::collections::BTreeMap<MemberId, Hosted> {
        &self.hosted
    }

    /// Wall pause between two tries of network work: a 24th of an epoch, at most 15 s.
    pub(super) fn retry_ms(&self) -> u64 {
        (self.chain.clock().epoch_ms / 24).clamp(50, 15_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::roster::{ALL_WEEKDAYS, acts};

    #[test]
    fn hours_follow_the_zone_and_may_pass_midnight() {
        let hours = |from: u16, until: u16, utc_offset_minutes: i32| {
            let member = HostedMember {
                member: MemberId([1; 32]),
                address: "ann@one.example".into(),
                salt: Salt([4; 32]),
                hours: (from, until),
                utc_offset_minutes,
                acts: acts::ALL,
                weekdays: ALL_WEEKDAYS,
                languages: 1,
                provider: 0,
                ramp: RampPreset::Gentle,
                golden: false,
                switch: Switch::On,
            };
            let WorkingHours { from, until } = member.working_hours();
            (from.0 / 60_000, until.0 / 60_000)
        };
        assert_eq!(hours(480, 1_080, 0), (480, 1_080));
        assert_eq!(hours(480, 1_080, 120), (360, 960), "Berlin in summer");
        assert_eq!(hours(480, 1_080, 60), (420, 1_020), "and in winter");
        assert_eq!(hours(480, 1_080, -600), (1_080, 1_680), "Hawaii: until past the epoch's end");
        assert_eq!(hours(480, 1_080, 600), (1_320, 1_920), "Brisbane: the morning there is the evening of the epoch");
        assert_eq!(hours(1_320, 360, 0), (1_320, 1_800), "a night");
        assert_eq!(hours(540, 540, 0), (540, 1_980), "the whole day");
    }
}
