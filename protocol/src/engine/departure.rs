//! A hosted member's way out, and back in.
//!
//! ```text
//! any state ──owner leaves──> Leaving ──Leave, again and again──> Left ──owner adds the mailbox again──> New
//! ```
//! From the first step on nothing of it is sent, read or answered; what it saw before is still signed in its bundles.

use super::hosted::{Application, Switch};
use super::{Engine, Output, Timer};
use crate::identity::signed;
use crate::ids::MemberId;
use crate::time::{Epoch, Timestamp};
use crate::wire::departure::Departure;
use crate::wire::sync::Request;

impl Engine {
    /// Brings a member's application in line with its owner's switch.
    pub(super) fn turn(&mut self, now: Timestamp, member: MemberId) {
        let Some(hosted) = self.hosted.get(&member) else { return };
        let out = matches!(hosted.application, Application::Leaving | Application::Left);
        match (hosted.config.switch, &hosted.application) {
            (_, Application::Golden) => {}
            (Switch::Left, _) if !out => self.set_application(now, member, Application::Leaving),
            (Switch::On | Switch::Paused, _) if out => self.set_application(now, member, Application::New),
            _ => {}
        }
    }

    /// Asks the coordinator to take it out.
    pub(super) fn depart(&mut self, member: MemberId) {
        let joined = self.chain.latest_roster().row(&member).map_or(Epoch(0), |row| row.joined);
        let departure = signed::sign(&self.key, &self.chain.network(), Departure { member, joined });
        self.emit(Output::Enrol { member, request: Box::new(Request::Leave(departure.bytes)) });
    }

    /// The coordinator says that it is out.
    pub(super) fn on_left(&mut self, now: Timestamp, member: MemberId) {
        if self.hosted.get(&member).is_some_and(|h| h.application == Application::Leaving) {
            self.set_application(now, member, Application::Left);
            self.timers.retain(|(_, t)| *t != Timer::Application(member));
        }
    }
}
