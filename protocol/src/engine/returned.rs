//! Mails of this node that come back in reports: proven by their own labels.

use super::Engine;
use crate::exchange::recognise::{self, expected_text};
use crate::exchange::{Command, Side};
use crate::ids::{ExchangeId, MemberId};
use crate::time::Timestamp;
use crate::wire::label::{self, Label};

/// A mail that a hosted member wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnMail {
    /// Its exchange.
    pub exchange: ExchangeId,
    /// Its turn.
    pub turn: u8,
    /// Its addressee.
    pub partner: MemberId,
}

impl Engine {
    /// Which mail of `member` a returned label and Message-ID (without angle brackets) prove: the signature must be this node's
    /// own, for that very mail. `None`: somebody else's, forged, or of an exchange that is long over.
    #[must_use]
    pub fn own_mail(&self, member: MemberId, header: &str, message_id: &str) -> Option<OwnMail> {
        let label = Label::parse(header).ok()?;
        let network = self.chain.network();
        let x = self.exchanges.get(&label.exchange).filter(|x| x.me == member)?;
        let hosted = self.hosted.get(&member)?;
        let parity = u8::from(x.side == Side::Receiver);
        let domain = hosted.config.address.rsplit_once('@').map_or("", |(_, d)| d);
        let fits = label.network == Label::network_prefix(&network)
            && label.epoch == x.epoch
            && label.slot == x.slot
            && label.turn % 2 == parity
            && message_id == recognise::message_id(x, label.turn, domain);
        if !fits {
            return None;
        }
        let signed = label::Signed {
            network: &network,
            exchange: &x.id,
            turn: label.turn,
            message_id,
            author: &x.me,
            addressee: &x.partner,
            text: &label::text_digest(&expected_text(x, label.turn)?),
        };
        let ours = signed.verify(&self.key.node_id(), &label.signature);
        ours.then_some(OwnMail { exchange: x.id, turn: label.turn, partner: x.partner })
    }

    pub(super) fn on_bounced(&mut self, now: Timestamp, id: ExchangeId, turn: u8, hard: bool) {
        // What was signed stays said.
        if self.exchanges.get(&id).is_some_and(|x| !self.signed.contains(&(x.epoch, x.me))) {
            self.step(now, id, Command::Bounced { turn, hard });
        }
    }
}
