//! Introductions: asked for a hosted sender, answered for a hosted receiver.

use super::{Engine, Output, Switch};
use crate::exchange::{Command, Side};
use crate::identity::{CanonicalAddress, member_id};
use crate::ids::{ExchangeId, NodeId};
use crate::time::Timestamp;
use crate::wire::introduction::{Decline, Introduce, Introduced};

impl Engine {
    /// The request that introduces a hosted sender to its partner.
    pub(super) fn introduce(&mut self, now: Timestamp, id: ExchangeId) {
        let Some(x) = self.exchanges.get(&id) else { return };
        let Some(hosted) = self.hosted.get(&x.me) else { return };
        if hosted.config.switch != Switch::On {
            // Asked again later: a pause may end within the day.
            return self.step(now, id, Command::Unreachable);
        }
        let request = Introduce {
            epoch: x.epoch,
            slot: x.slot,
            from: x.me,
            to: x.partner,
            address: hosted.config.address.clone(),
            salt: hosted.config.salt,
        };
        let node = x.partner_node;
        self.emit(Output::Introduce { exchange: id, node, request });
    }

    pub(super) fn on_introduction_answer(&mut self, now: Timestamp, id: ExchangeId, answer: Option<Introduced>) {
        let Some(x) = self.exchanges.get(&id) else { return };
        let command = match answer {
            None => Command::Unreachable,
            Some(Introduced::Declined(reason)) => Command::Declined(reason),
            Some(Introduced::Welcome { address, salt }) => {
                let canonical = CanonicalAddress::parse(&address).ok();
                // A partner that can't open its own commitment could aim mail at a third party: no mail.
                let opened = canonical.filter(|a| member_id(&self.chain.network(), &salt, a) == x.partner);
                opened.map_or(Command::Declined(Decline::WrongAddress), |a| Command::Introduced { address: a.as_str().to_owned() })
            }
        };
        self.step(now, id, command);
    }

    pub(super) fn on_introduction(&mut self, now: Timestamp, token: u64, from: NodeId, request: Introduce) {
        let answer = self.judge_introduction(now, from, &request);
        if let Ok((id, address)) = &answer {
            self.step(now, *id, Command::Introduced { address: address.clone() });
        }
        let answer = match answer {
            Ok(_) => match self.hosted.get(&request.to) {
                Some(h) => Introduced::Welcome { address: h.config.address.clone(), salt: h.config.salt },
                None => Introduced::Declined(Decline::NotHere),
            },
            Err(reason) => Introduced::Declined(reason),
        };
        self.emit(Output::IntroductionAnswer { token, answer });
    }

    fn judge_introduction(&mut self, now: Timestamp, from: NodeId, request: &Introduce) -> Result<(ExchangeId, String), Decline> {
        let hosted = self.hosted.get(&request.to).ok_or(Decline::NotHere)?;
        if hosted.config.switch != Switch::On {
            return Err(Decline::Paused);
        }
        self.plan(now, request.epoch);
        if !self.planned.contains_key(&request.epoch) {
            return Err(Decline::NotReady);
        }
        let id = ExchangeId::derive(&self.chain.network(), request.epoch, request.slot, &request.from, &request.to);
        let exchange = match self.exchanges.get(&id) {
            Some(x) if x.side == Side::Receiver && x.me == request.to && x.partner_node == from => x,
            Some(_) => return Err(Decline::NotDealt),
            // Degraded here, on time there: the record may still be on its way.
            None if self.planned.get(&request.epoch) == Some(&true) => return Err(Decline::NotReady),
            None => return Err(Decline::NotDealt),
        };
        let epoch = exchange.epoch;
        if self.in_quarantine(epoch, &request.from) || self.in_quarantine(epoch, &request.to) {
            return Err(Decline::Quarantined);
        }
        let address = CanonicalAddress::parse(&request.address).map_err(|_| Decline::WrongAddress)?;
        if member_id(&self.chain.network(), &request.salt, &address) != request.from {
            return Err(Decline::WrongAddress);
        }
        Ok((id, address.as_str().to_owned()))
    }
}
