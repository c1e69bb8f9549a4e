//! Coming back: the chain is folded again from the store, exchanges and applications are taken up where they stood.

use super::hosted::Application;
use super::planning::is_old;
use super::{Engine, Output, Timer};
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

/// Why a source can't give what it holds: a part of it must never be taken for all of it.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct SourceError(pub String);

/// Where a stored chain comes from. Bytes in a store were verified before they were put there. What there may be much of is handed over
/// one by one.
pub trait ChainSource {
    /// Record envelopes in epoch order.
    ///
    /// # Errors
    /// [`SourceError`].
    fn records(&mut self) -> Result<Vec<Vec<u8>>, SourceError>;
    /// The roster of a record.
    ///
    /// # Errors
    /// [`SourceError`].
    fn roster(&mut self, epoch: Epoch) -> Result<Option<Roster>, SourceError>;
    /// Hands over every bundle envelope of an epoch, own ones too, and whether it came late ([`ToStore::Bundle`](super::ToStore::Bundle)).
    ///
    /// # Errors
    /// [`SourceError`].
    fn bundles(&mut self, epoch: Epoch, each: &mut dyn FnMut(&[u8], bool)) -> Result<(), SourceError>;
    /// Records whose counted bundles nobody could show.
    ///
    /// # Errors
    /// [`SourceError`].
    fn conceded(&mut self) -> Result<Vec<Epoch>, SourceError>;
    /// Encoded equivocation proofs.
    ///
    /// # Errors
    /// [`SourceError`].
    fn faults(&mut self) -> Result<Vec<Vec<u8>>, SourceError>;
    /// Forks that were proved.
    ///
    /// # Errors
    /// [`SourceError`].
    fn forks(&mut self) -> Result<Vec<Fork>, SourceError>;
}

/// Where a whole node's state comes from.
pub trait Restored: ChainSource {
    /// Hands over every bundle this node ever signed and kept: epoch, member, envelope.
    ///
    /// # Errors
    /// [`SourceError`].
    fn own_bundles(&mut self, each: &mut dyn FnMut(Epoch, MemberId, &[u8])) -> Result<(), SourceError>;
    /// Hands over every encoded exchange.
    ///
    /// # Errors
    /// [`SourceError`].
    fn exchanges(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), SourceError>;
    /// Encoded applications.
    ///
    /// # Errors
    /// [`SourceError`].
    fn applications(&mut self) -> Result<Vec<(MemberId, Vec<u8>)>, SourceError>;
    /// The owner's external counts.
    ///
    /// # Errors
    /// [`SourceError`].
    fn reports(&mut self) -> Result<Vec<(Epoch, MemberId, SelfReport)>, SourceError>;
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
    /// The store could not give it.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Folds the stored records into an empty chain, oldest first; `before` is called with everything at hand before each is derived.
fn fold(chain: &mut Chain, from: &mut dyn ChainSource, mut before: impl FnMut(&mut Chain)) -> Result<(), RestoreError> {
    let lag = chain.close_lag();
    from.forks()?.into_iter().for_each(|fork| chain.take_fork(fork));
    from.conceded()?.into_iter().for_each(|record| chain.concede(record));
    for bytes in from.faults()? {
        chain.take_fault(HeldFault::stored(bytes).ok_or(RestoreError::Unreadable("equivocation proof"))?);
    }
    for bytes in from.records()? {
        let record = signed::decode::<EpochRecord>(&bytes).map_err(|_| RestoreError::Unreadable("record"))?.trust_own_store();
        let epoch = record.message.epoch;
        chain.accept_base(record).map_err(|_| RestoreError::Records)?;
        let Some(roster) = from.roster(epoch)? else { continue };
        if chain.accept_roster(epoch, roster).is_err() {
            continue;
        }
        if let Some(closing) = epoch.minus(lag) {
            take_bundles(chain, closing, from)?;
        }
        before(chain);
        chain.derive();
    }
    Ok(())
}

fn take_bundles(chain: &mut Chain, epoch: Epoch, from: &mut dyn ChainSource) -> Result<(), SourceError> {
    from.bundles(epoch, &mut |bytes, late| {
        if let Ok(bundle) = signed::decode::<Bundle>(bytes).map(Decoded::trust_own_store)
            && chain.check_bundle(&bundle.message, &bundle.digest, &bundle.signer).is_ok()
        {
            chain.hold_bundle(bundle, late);
        }
    })
}

/// Folds everything stored: the records, and the bundles of open epochs.
pub(super) fn fold_all(chain: &mut Chain, from: &mut dyn ChainSource) -> Result<(), RestoreError> {
    fold(chain, from, |_| {})?;
    for epoch in chain.first_open().0..=chain.next_epoch().0 {
        take_bundles(chain, Epoch(epoch), from)?;
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
        self.restore_own_bundles(now, from)?;
        for (epoch, member, report) in from.reports()? {
            self.reports.insert((epoch, member), report);
        }
        for (member, bytes) in from.applications()? {
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

    /// What was signed is never signed again. Whether the network heard it before the stop is not known: what gossip still takes is
    /// said again.
    fn restore_own_bundles(&mut self, now: Timestamp, from: &mut dyn Restored) -> Result<(), SourceError> {
        let clock = self.chain.clock();
        from.own_bundles(&mut |epoch, member, bytes| {
            self.signed.insert((epoch, member));
            if now < deadlines::bundle_deadline(&clock, epoch) {
                self.emit(Output::OwnBundle { epoch, member, bytes: bytes.to_vec() });
            }
        })
    }

    fn restore_exchanges(&mut self, now: Timestamp, from: &mut dyn Restored) -> Result<(), RestoreError> {
        let mut read = Ok(());
        from.exchanges(&mut |bytes| match codec::decode(bytes, limits::REQUEST_BYTES) {
            Ok(x) => self.take_up(now, x),
            Err(_) => read = Err(RestoreError::Unreadable("exchange")),
        })?;
        // Members without a part in what was planned before the stop get theirs.
        if let Some(epoch) = self.epoch(now) {
            self.plan(now, epoch);
        }
        read
    }

    fn take_up(&mut self, now: Timestamp, mut x: Exchange) {
        let Some(hosted) = self.hosted.get(&x.me) else { return };
        let (id, epoch, member, running) = (x.id, x.epoch, x.me, self.epoch(now));
        if running.is_some_and(|running| is_old(running, epoch)) {
            return self.count(&x);
        }
        x.acts &= hosted.config.acts;
        x.resume(now);
        self.exchanges.insert(id, x);
        self.reschedule(id);
        if running != Some(epoch) {
            let degraded = self.chain.play(epoch).is_some_and(|p| p.degraded);
            self.planned.insert(epoch, degraded);
        }
        if !self.signed.contains(&(epoch, member)) {
            let at = deadlines::bundle_at(&self.chain.clock(), epoch, &member);
            self.schedule(at, Timer::Bundle(epoch, member));
        }
    }
}
