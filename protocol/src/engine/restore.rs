//! Coming back: the chain is folded again from the store, exchanges and applications are taken up where they stood.

use super::hosted::Application;
use super::{Engine, Timer};
use crate::chain::{Audit, Chain, Fork, HeldFault, Stalled};
use crate::exchange::Exchange;
use crate::exchange::deadlines;
use crate::identity::signed::{self, Decoded};
use crate::ids::MemberId;
use crate::limits;
use crate::time::{Epoch, Timestamp};
use crate::wire::bundle::{Bundle, SelfReport};
use crate::wire::codec;
use crate::wire::epoch_record::EpochRecord;
use crate::wire::genesis::Genesis;
use crate::wire::roster::Roster;

/// A bundle as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBundle {
    /// The envelope.
    pub envelope: Vec<u8>,
    /// Whether it came late ([`ToStore::Bundle`](super::ToStore::Bundle)).
    pub late: bool,
}

/// Where a stored chain comes from. Bytes in a store were verified before they were put there.
pub trait ChainSource {
    /// Record envelopes in epoch order.
    fn records(&mut self) -> Vec<Vec<u8>>;
    /// The roster of a record.
    fn roster(&mut self, epoch: Epoch) -> Option<Roster>;
    /// Bundles of an epoch, own ones too.
    fn bundles(&mut self, epoch: Epoch) -> Vec<StoredBundle>;
    /// Encoded equivocation proofs.
    fn faults(&mut self) -> Vec<Vec<u8>>;
    /// Forks that were proved.
    fn forks(&mut self) -> Vec<Fork>;
}

/// Where a whole node's state comes from.
pub trait Restored: ChainSource {
    /// (epoch, member) of every bundle this node ever signed and kept.
    fn own_bundles(&mut self) -> Vec<(Epoch, MemberId)>;
    /// Encoded exchanges.
    fn exchanges(&mut self) -> Vec<Vec<u8>>;
    /// Encoded applications.
    fn applications(&mut self) -> Vec<(MemberId, Vec<u8>)>;
    /// The owner's external counts.
    fn reports(&mut self) -> Vec<(Epoch, MemberId, SelfReport)>;
}

/// What a store held that did not fit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RestoreError {
    /// A stored record does not continue the chain.
    #[error("the stored records do not form a chain")]
    Records,
    /// A stored value can't be decoded.
    #[error("a stored {0} can't be read")]
    Unreadable(&'static str),
}

/// Folds the stored records into an empty chain, oldest first; `before` is called with everything at hand before each is derived.
fn fold(chain: &mut Chain, from: &mut dyn ChainSource, mut before: impl FnMut(&mut Chain)) -> Result<(), RestoreError> {
    let lag = chain.close_lag();
    from.forks().into_iter().for_each(|fork| chain.take_fork(fork));
    for bytes in from.faults() {
        chain.take_fault(HeldFault::stored(bytes).ok_or(RestoreError::Unreadable("equivocation proof"))?);
    }
    for bytes in from.records() {
        let record = signed::decode::<EpochRecord>(&bytes).map_err(|_| RestoreError::Unreadable("record"))?.trust_own_store();
        let epoch = record.message.epoch;
        chain.accept_base(record).map_err(|_| RestoreError::Records)?;
        let Some(roster) = from.roster(epoch) else { continue };
        if chain.accept_roster(epoch, roster).is_err() {
            continue;
        }
        if let Some(closing) = epoch.minus(lag) {
            take_bundles(chain, closing, from);
        }
        before(chain);
        chain.derive();
    }
    Ok(())
}

fn take_bundles(chain: &mut Chain, epoch: Epoch, from: &mut dyn ChainSource) {
    for StoredBundle { envelope, late } in from.bundles(epoch) {
        if let Ok(bundle) = signed::decode::<Bundle>(&envelope).map(Decoded::trust_own_store)
            && chain.check_bundle(&bundle.message, &bundle.digest, &bundle.signer).is_ok()
        {
            chain.hold_bundle(bundle, late);
        }
    }
}

/// Folds everything stored: the records, and the bundles of open epochs.
pub(super) fn fold_all(chain: &mut Chain, from: &mut dyn ChainSource) -> Result<(), RestoreError> {
    fold(chain, from, |_| {})?;
    for epoch in chain.first_open().0..=chain.next_epoch().0 {
        take_bundles(chain, Epoch(epoch), from);
    }
    Ok(())
}

/// Audits every stored record that can be derived, oldest first; of the others, why the first can't be.
///
/// # Errors
/// [`RestoreError`].
pub fn audit(genesis: Genesis, from: &mut dyn ChainSource) -> Result<(Vec<Audit>, Option<Stalled>), RestoreError> {
    let mut chain = Chain::new(genesis);
    let mut found = Vec::new();
    fold(&mut chain, from, |chain| {
        if let Some(audit) = chain.audit() {
            // What is wrong with its ledger root is said; the records behind it are looked at all the same.
            chain.concede(audit.record);
            found.push(audit);
        }
    })?;
    Ok((found, chain.stalled()))
}

impl Engine {
    /// Restores from a store. Call it once, after the members were hosted.
    ///
    /// # Errors
    /// [`RestoreError`]: the store is not this network's or is damaged.
    pub fn restore(&mut self, now: Timestamp, from: &mut dyn Restored) -> Result<(), RestoreError> {
        fold_all(&mut self.chain, from)?;
        self.signed.extend(from.own_bundles());
        for (epoch, member, report) in from.reports() {
            self.reports.insert((epoch, member), report);
        }
        for (member, bytes) in from.applications() {
            let application: Application = codec::decode(&bytes, 4_096).map_err(|_| RestoreError::Unreadable("application"))?;
            if let Some(hosted) = self.hosted.get_mut(&member)
                && hosted.application != Application::Golden
            {
                // A refused owner who starts the node again has mended something.
                hosted.application = if matches!(application, Application::Refused { .. }) { Application::New } else { application };
            }
            self.turn(now, member);
        }
        self.restore_exchanges(now, from)
    }

    fn restore_exchanges(&mut self, now: Timestamp, from: &mut dyn Restored) -> Result<(), RestoreError> {
        let clock = self.chain.clock();
        for bytes in from.exchanges() {
            let mut x: Exchange = codec::decode(&bytes, limits::REQUEST_BYTES).map_err(|_| RestoreError::Unreadable("exchange"))?;
            let Some(hosted) = self.hosted.get(&x.me) else { continue };
            x.acts &= hosted.config.acts;
            x.resume(now);
            let (id, epoch, member) = (x.id, x.epoch, x.me);
            // What was dealt before the stop stays dealt; degraded plans of the running epoch may still be replaced.
            let degraded = self.chain.play(epoch).is_some_and(|p| p.degraded);
            self.planned.insert(epoch, degraded);
            self.exchanges.insert(id, x);
            self.reschedule(id);
            if !self.signed.contains(&(epoch, member)) {
                self.schedule(deadlines::bundle_at(&clock, epoch, &member), Timer::Bundle(epoch, member));
            }
        }
        Ok(())
    }
}
