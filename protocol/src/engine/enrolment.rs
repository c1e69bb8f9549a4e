//! A hosted member's way in.
//!
//! ```text
//! New ─Apply─> Challenged ─token mailed─> (waits for the code) ─code found─> Confirming ─Confirm─> Admitted
//!    │              ^                            │ Apply, now and then                 │
//!    │              └── new token: a mail was lost ──┤                                 │
//!    └──────────── Refused <─────────────────────────┴─────────────────────────────────┘
//!                    └── a day later, or when the node starts: New
//! ```

use super::hosted::{Application, HostedMember};
use super::{Engine, Output, Timer, ToStore};
use crate::identity::{CanonicalAddress, Passport, signed};
use crate::ids::MemberId;
use crate::limits;
use crate::time::Timestamp;
use crate::wire::codec;
use crate::wire::enrolment::{Apply, EnrolAnswer, Token};
use crate::wire::sync::Request;

#[cfg(test)]
mod tests;

/// A waiting applicant asks again only every so many pauses: its code comes by mail. The answer is a new token when the
/// coordinator waited a day in vain, or the reason why its mail did not pass.
const PATIENCE: u64 = 8;

impl Engine {
    pub(super) fn on_application_due(&mut self, now: Timestamp, member: MemberId) {
        let own = self.key.node_id();
        let in_roster = self.chain.latest_roster().row(&member).filter(|r| r.node == own).map(|r| r.joined);
        let Some(hosted) = self.hosted.get_mut(&member) else { return };
        let before = hosted.application.clone();
        let settled = matches!(before, Application::Golden | Application::Admitted { .. } | Application::Leaving | Application::Left);
        if let (Some(from), false) = (in_roster, settled) {
            hosted.application = Application::Admitted { from };
            return self.store_application(member);
        }
        let config = hosted.config.clone();
        let pause = match before {
            Application::Golden | Application::Admitted { .. } | Application::Left => return,
            Application::Leaving => {
                self.depart(member);
                PATIENCE
            }
            Application::Refused { .. } if hosted.asks_again => return self.set_application(now, member, Application::New),
            Application::Refused { .. } => {
                hosted.asks_again = true;
                return self.schedule(now.plus_wall_ms(self.chain.clock().epoch_ms), Timer::Application(member));
            }
            Application::New => {
                self.apply(config);
                1
            }
            Application::Challenged { golden, token, mailed: false } => {
                self.emit(Output::MailToken { member, golden, token });
                PATIENCE
            }
            Application::Challenged { mailed: true, .. } => {
                // Its mail has just left when this is the first look.
                if std::mem::replace(&mut hosted.asks_again, true) {
                    self.apply(config);
                }
                PATIENCE
            }
            Application::Confirming { code } => {
                self.emit(Output::Enrol { member, request: Box::new(Request::Confirm { member, code }) });
                1
            }
        };
        self.schedule(now.plus_wall_ms(self.retry_ms() * pause), Timer::Application(member));
    }

    fn apply(&mut self, config: HostedMember) {
        let HostedMember { member, address, salt, provider, languages, weekdays, acts, ramp, .. } = config;
        let apply = Apply { member, address, salt, provider, languages, weekdays, acts, ramp };
        self.emit(Output::Enrol { member, request: Box::new(Request::Apply(Box::new(apply))) });
    }

    pub(super) fn set_application(&mut self, now: Timestamp, member: MemberId, application: Application) {
        if let Some(hosted) = self.hosted.get_mut(&member) {
            hosted.application = application;
            hosted.asks_again = false;
        }
        self.store_application(member);
        self.timers.retain(|(_, t)| *t != Timer::Application(member));
        self.schedule(now, Timer::Application(member));
    }

    fn store_application(&mut self, member: MemberId) {
        if let Some(bytes) = self.hosted.get(&member).map(|h| codec::encode(&h.application)) {
            self.emit(Output::Store(ToStore::Application { member, bytes }));
        }
    }

    pub(super) fn on_enrolment_answer(&mut self, now: Timestamp, member: MemberId, answer: Option<EnrolAnswer>) {
        let Some(hosted) = self.hosted.get(&member) else { return };
        let (waiting, asked_for_token) = match &hosted.application {
            Application::New => (true, true),
            Application::Challenged { mailed: true, token: old, .. } => {
                let fresh = matches!(&answer, Some(EnrolAnswer::Challenge { token, .. }) if token != old);
                (true, fresh)
            }
            Application::Confirming { .. } => (true, false),
            _ => (false, false),
        };
        match answer {
            Some(EnrolAnswer::Challenge { golden, token }) if asked_for_token => {
                let Ok(golden) = CanonicalAddress::parse(&golden) else { return };
                let golden = golden.as_str().to_owned();
                self.set_application(now, member, Application::Challenged { golden, token, mailed: false });
            }
            Some(EnrolAnswer::Admitted { passport }) if waiting => {
                let network = self.chain.network();
                let Ok(passport) = signed::open::<Passport>(&passport, &network) else { return };
                if passport.message.member == member && passport.message.node == self.key.node_id() {
                    self.set_application(now, member, Application::Admitted { from: passport.message.from });
                }
            }
            Some(EnrolAnswer::Refused { mut reason }) if waiting => {
                reason.truncate(reason.floor_char_boundary(limits::REASON_BYTES));
                self.set_application(now, member, Application::Refused { reason });
            }
            Some(EnrolAnswer::Left) => self.on_left(now, member),
            // Asked again by the timer.
            Some(_) | None => {}
        }
    }

    pub(super) fn on_enrolment_mailed(&mut self, now: Timestamp, member: MemberId) {
        if let Some(Application::Challenged { golden, token, mailed: false }) = self.hosted.get(&member).map(|h| h.application.clone()) {
            self.set_application(now, member, Application::Challenged { golden, token, mailed: true });
        }
    }

    pub(super) fn on_code_found(&mut self, now: Timestamp, member: MemberId, code: Token) {
        if matches!(self.hosted.get(&member).map(|h| &h.application), Some(Application::Challenged { mailed: true, .. })) {
            self.set_application(now, member, Application::Confirming { code });
        }
    }
}
