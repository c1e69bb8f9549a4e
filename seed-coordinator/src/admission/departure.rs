//! Leaving: from a signed departure to an address that may come back later.

use super::event::{Event, Refusal};
use super::{Admission, Context, RETURN_EPOCHS};
use warmnet_protocol::identity::Verified;
use warmnet_protocol::ids::{Digest, MemberId};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::departure::Departure;
use warmnet_protocol::wire::roster::Roster;

impl Admission {
    pub(super) fn leave(&mut self, context: &Context<'_>, departure: Verified<Departure>) -> Event {
        let member = departure.message.member;
        if let Some(open) = self.pending.get(&member) {
            if open.node != departure.signer {
                return Event::Refused(Refusal::Departure);
            }
            self.pending.remove(&member);
            return Event::Left { new: true };
        }
        let Some(admitted) = self.admitted.get(&member) else { return Event::Left { new: false } };
        if admitted.node != departure.signer {
            return Event::Refused(Refusal::Departure);
        }
        if admitted.from >= context.next_record {
            self.forget(member, context.epoch);
            return Event::Left { new: true };
        }
        // A later one may know more: an envelope that names another membership than the roster's does nothing.
        let before = self.departing.insert(member, departure.bytes);
        Event::Leaving { member, new: before.is_none() }
    }

    /// Departures for the next record.
    #[must_use]
    pub fn departures(&self) -> Vec<Vec<u8>> {
        self.departing.values().cloned().collect()
    }

    /// Whether this member is on its way out: no new row is made for it.
    #[must_use]
    pub fn leaves(&self, member: &MemberId) -> bool {
        self.departing.contains_key(member)
    }

    /// Forgets the members that the newest roster lost by their departure; returns them.
    pub fn settle(&mut self, roster: &Roster, epoch: Epoch) -> Vec<MemberId> {
        let gone: Vec<MemberId> = self.departing.keys().copied().filter(|m| !roster.is_empty() && roster.row(m).is_none()).collect();
        for member in &gone {
            self.forget(*member, epoch);
        }
        gone
    }

    fn forget(&mut self, member: MemberId, epoch: Epoch) {
        self.departing.remove(&member);
        if let Some(admitted) = self.admitted.remove(&member) {
            self.addresses.remove(&admitted.address_key);
            self.departed.insert(admitted.address_key, epoch);
        }
    }

    /// When this address may apply again, should it have left lately.
    pub(super) fn returns(&self, address_key: &Digest, epoch: Epoch) -> Option<Epoch> {
        self.departed.get(address_key).map(|left| left.plus(RETURN_EPOCHS)).filter(|may| *may > epoch)
    }
}
