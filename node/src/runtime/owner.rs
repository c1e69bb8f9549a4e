//! What the owner asks over the control socket.

use super::clock;
use super::driver::Driver;
use super::{explain, status};
use crate::control::{Answer, Request as ControlRequest, Served};
use std::cell::LazyCell;
use warmnet_protocol::engine::{Engine, Input};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::limits;

impl Driver {
    pub(super) fn on_control(&mut self, served: Served) {
        let now = clock::now();
        let answer = match &served.request {
            ControlRequest::Status => {
                Answer::data(&status::status(&self.engine, &self.status, &self.reports, &self.peers, &self.mailboxes, now))
            }
            ControlRequest::Score { member } => {
                explain::answer(&self.engine, &self.mailboxes, member.as_deref(), limits::HOSTED_MEMBERS, status::score)
            }
            ControlRequest::ScoreExplain { member } => {
                explain::answer(&self.engine, &self.mailboxes, member.as_deref(), explain::EXPLAINED_MEMBERS, explain::score)
            }
            ControlRequest::PolicyExplain { member } => {
                let today = LazyCell::new(|| explain::Today::of(self.engine.chain()));
                let policy = |engine: &Engine, member: &MemberId| explain::policy(engine, &today, &self.mailboxes, member);
                explain::answer(&self.engine, &self.mailboxes, member.as_deref(), explain::EXPLAINED_MEMBERS, policy)
            }
            ControlRequest::Peers => Answer::data(&self.peers.report()),
            ControlRequest::External { mailbox, report } => match self.mailboxes.member_of(mailbox) {
                Some(member) => {
                    self.engine.handle(now, Input::External { member, report: *report });
                    Answer::ok()
                }
                None => Answer::error("unknown_mailbox", "this node does not host that mailbox", "see `warmnet-node mailbox list`"),
            },
            ControlRequest::Reload => match self.settings.reload(&mut self.engine) {
                Ok(left) => {
                    left.into_iter().for_each(|member| self.let_go(member));
                    Answer::ok()
                }
                Err(e) => Answer::error("config", &e.to_string(), "correct the file; the last settings stay in force"),
            },
            ControlRequest::Stop => {
                self.stop.cancel();
                Answer::ok()
            }
            ControlRequest::Other(value) => {
                let own = self.authority.as_mut().and_then(|a| a.control(now, value, self.engine.chain()));
                match own {
                    Some(Ok(data)) => Answer::data(&data),
                    Some(Err(why)) => Answer::error("refused", &why, "see the command's --help"),
                    None => Answer::error("unknown_command", "this program does not know that request", "see --help"),
                }
            }
        };
        served.reply(answer);
    }
}
