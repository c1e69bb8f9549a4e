//! Signing this node's word, once per member and epoch.

use super::{Engine, Output, Timer};
use crate::chain::BundleRefusal;
use crate::exchange::{Exchange, Side, deadlines};
use crate::gossip::Topic;
use crate::identity::signed;
use crate::ids::{ExchangeId, MemberId};
use crate::matching::Pairing;
use crate::time::{Epoch, Timestamp};
use crate::wire::bundle::{self, Bundle, Entry, Observation, Placement, SenderOutcome, Word};
use std::collections::BTreeSet;

impl Engine {
    pub(super) fn on_bundle_point(&mut self, now: Timestamp, epoch: Epoch, member: MemberId) {
        if self.signed.contains(&(epoch, member)) || now >= deadlines::bundle_deadline(&self.chain.clock(), epoch) {
            return;
        }
        let Some(dealt) = self.dealt(epoch, member) else {
            let retry = now.plus_wall_ms(self.retry_ms());
            return self.schedule(retry, Timer::Bundle(epoch, member));
        };
        let mine = self.exchanges.values().filter(|x| x.epoch == epoch && x.me == member && dealt.contains(&x.id));
        let mut entries: Vec<Entry> = mine.filter_map(entry_of).collect();
        entries.sort_by_key(Entry::order);
        entries.truncate(crate::limits::BUNDLE_ENTRIES);
        let report = self.reports.get(&(epoch, member)).copied().unwrap_or_default();
        let signed = signed::sign(&self.key, &self.chain.network(), Bundle { member, epoch, entries, report });
        self.signed.insert((epoch, member));
        // Another one may be known to the network already, from before a store was lost: that one stands.
        if self.chain.check_bundle(&signed.message, &signed.digest, &signed.signer).is_ok() {
            self.emit(Output::OwnBundle { epoch, member, bytes: signed.bytes });
        }
    }

    /// An own bundle is on the disk: only now does it count here, and only now is it said. A bundle that the store refused is no word of
    /// its member, and no second one is proved by it.
    pub(super) fn on_own_bundle_stored(&mut self, now: Timestamp, bytes: Vec<u8>) {
        let Ok(bundle) = signed::decode::<Bundle>(&bytes) else { return };
        match self.chain.accept_bundle(bundle.trust_own_store()) {
            Ok(()) => self.derive(now),
            // Said before a restart; perhaps nobody heard it.
            Err(BundleRefusal::Known) => {}
            Err(_) => return,
        }
        self.emit(Output::Publish { topic: Topic::Bundles, bytes });
    }

    /// The exchanges that the epoch's play deals to a member of this node; `None` while it is in no roster. What was begun by a
    /// degraded plan before the record came is not among them: its slots are other members' now, and it counts nothing.
    fn dealt(&self, epoch: Epoch, member: MemberId) -> Option<BTreeSet<ExchangeId>> {
        let play = self.chain.play(epoch)?;
        let position = play.roster.position(&member)?;
        play.roster.at(position).filter(|row| row.node == self.key.node_id())?;
        let (deal, network) = (self.chain.deal(&play), self.chain.network());
        let id = |p: Pairing| {
            let (sender, receiver) = (play.roster.at(p.sender)?, play.roster.at(p.receiver)?);
            Some(ExchangeId::derive(&network, epoch, p.slot, &sender.member, &receiver.member))
        };
        Some(deal.sends(position).into_iter().chain(deal.receives(position)).filter_map(id).collect())
    }
}

/// The entry of an exchange; none for a spare that was never used.
fn entry_of(x: &Exchange) -> Option<Entry> {
    match x.side {
        Side::Sender => {
            let outcome = x.outcome.unwrap_or(SenderOutcome::NoShow);
            if x.spare && outcome == SenderOutcome::NoShow {
                return None;
            }
            let evidence = match (outcome, &x.sent_label) {
                (SenderOutcome::Sent, Some(label)) => bundle::sender_evidence(label),
                _ => [0; 4],
            };
            Some(Entry { slot: x.slot, word: Word::Sender(outcome), evidence })
        }
        Side::Receiver => {
            let introduced = x.partner_address.is_some();
            let observation = match &x.seen {
                Some(seen) => {
                    let [spf, dkim, dmarc] = seen.auth;
                    Some(Observation {
                        placement: seen.placement,
                        spf,
                        dkim,
                        dmarc,
                        read: seen.read,
                        rescued: seen.rescued,
                        replied: seen.replied,
                        complaint: x.complaint,
                    })
                }
                None if introduced => Some(Observation {
                    placement: Placement::Missing,
                    spf: Default::default(),
                    dkim: Default::default(),
                    dmarc: Default::default(),
                    read: false,
                    rescued: false,
                    replied: false,
                    complaint: false,
                }),
                None => None,
            };
            if x.spare && observation.is_none() {
                return None;
            }
            let evidence = x.seen.as_ref().map_or([0; 4], |s| bundle::receiver_evidence(&s.label));
            Some(Entry { slot: x.slot, word: Word::Receiver(observation), evidence })
        }
    }
}
