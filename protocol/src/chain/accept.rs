//! What may enter the chain.

use super::{Chain, HeldBundle, HeldRecord};
use crate::identity::{Verified, hash, signed};
use crate::ids::{Beacon, Digest, MemberId, NodeId};
use crate::limits;
use crate::time::Epoch;
use crate::wire::bundle::Bundle;
use crate::wire::epoch_record::{EpochRecord, IssuingKey, bit};
use crate::wire::roster::{Pool, Roster};
use std::sync::Arc;

/// Why a record was not accepted.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum RecordRefusal {
    /// Held already.
    #[error("the record is held already")]
    Known,
    /// Another record of this epoch is held under a certificate of the same serial: both are void.
    #[error("another record of this epoch is held: both are void")]
    Fork,
    /// Another record of this epoch is held, under an earlier certificate: this one stands in its place.
    #[error("it stands in place of the record held for its epoch")]
    Overrules,
    /// Another record of this epoch is held, under a later certificate.
    #[error("the record held for its epoch has a later certificate")]
    Overruled,
    /// Records of this epoch contradicted each other; only a later certificate decides.
    #[error("records of this epoch contradicted each other, and its certificate is no later one")]
    Void,
    /// It contradicts a record that is too old to be undone.
    #[error("its epoch is settled")]
    Settled,
    /// Earlier records are missing.
    #[error("records before it are missing")]
    Gap,
    /// It does not continue the chain.
    #[error("it does not name the record before it")]
    Previous,
    /// Its beacon is not the next of the hash chain.
    #[error("its beacon is not the next of the chain")]
    Beacon,
    /// Its signer holds no root-signed certificate for this epoch, or an earlier one than the record before.
    #[error("its signer is not an issuing key of this network")]
    Authority,
    /// Its parameters are not those that were announced or out of their ranges, or what it announces comes too early, is out of
    /// range or changes what may not change.
    #[error("its parameters are not those that were announced, or out of range")]
    Params,
    /// It closes another epoch than the rules say, or its lists are too long.
    #[error("it breaks a rule of its layout")]
    Shape,
}

/// Why a roster was not accepted.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum RosterRefusal {
    /// No record names it.
    #[error("no record names this roster")]
    Unknown,
    /// Its digest is another one.
    #[error("the roster is not the one its record names")]
    Digest,
}

/// Why a bundle was not accepted.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum BundleRefusal {
    /// Held already.
    #[error("the bundle is held already")]
    Known,
    /// Its epoch is closed.
    #[error("its epoch is closed")]
    Closed,
    /// The roster of its epoch is not here yet.
    #[error("the roster of its epoch is not here yet")]
    NoRoster,
    /// The member is not in that roster.
    #[error("its member is not in the roster of its epoch")]
    Stranger,
    /// Signed by another node than the member's.
    #[error("it is not signed by its member's node")]
    Signer,
    /// A second, different bundle of one member and epoch.
    #[error("its member signed another bundle for this epoch")]
    Equivocation,
}

impl Chain {
    /// Accepts a verified record that continues the chain.
    ///
    /// # Errors
    /// [`RecordRefusal`]. After `Fork` and `Overrules` the chain must be folded anew without the record held and those after it.
    pub fn accept_record(&mut self, record: Verified<EpochRecord>) -> Result<(), RecordRefusal> {
        let (epoch, next) = (record.message.epoch, self.next_epoch());
        if epoch < next {
            return Err(self.contradiction(&record));
        }
        if epoch > next {
            return Err(RecordRefusal::Gap);
        }
        self.check_link(&record.message)?;
        let serial = self.check_content(&record.message, &record.signer)?;
        if self.forks.get(&epoch).is_some_and(|fork| serial <= fork.serial) {
            return Err(RecordRefusal::Void);
        }
        self.hold(record, serial);
        Ok(())
    }

    /// Accepts a verified record as the first one of an empty chain, whatever its epoch: for a node that comes back
    /// after earlier records were pruned. Its beacon must hash down to the genesis.
    ///
    /// # Errors
    /// [`RecordRefusal`].
    pub fn accept_base(&mut self, record: Verified<EpochRecord>) -> Result<(), RecordRefusal> {
        if record.message.epoch == Epoch(0) || !self.records.is_empty() {
            return self.accept_record(record);
        }
        let epoch = record.message.epoch;
        // Before the hashing: only the coordinator may say how much of it there is.
        let serial = self.check_content(&record.message, &record.signer)?;
        let mut link = record.message.beacon;
        for _ in 0..=epoch.0 {
            link = Beacon(hash::digest(&link.0).0);
        }
        if link != self.genesis.first_beacon {
            return Err(RecordRefusal::Beacon);
        }
        self.base = Some(epoch);
        self.hold(record, serial);
        Ok(())
    }

    fn hold(&mut self, record: Verified<EpochRecord>, serial: u32) {
        let Verified { message: record, digest, bytes: envelope, .. } = record;
        self.records.insert(record.epoch, HeldRecord { record, digest, serial, envelope });
    }

    /// Checks what a record says by itself and after the one before it, and gives the serial of its certificate.
    pub(super) fn check_content(&self, record: &EpochRecord, signer: &NodeId) -> Result<u32, RecordRefusal> {
        let certificate = signed::open::<IssuingKey>(&record.authority, &self.network).map_err(|_| RecordRefusal::Authority)?;
        let valid = certificate.signer == self.genesis.root
            && certificate.message.key == *signer
            && (certificate.message.from..=certificate.message.until).contains(&record.epoch);
        let serial = certificate.message.serial;
        let before = record.epoch.minus(1).and_then(|e| self.records.get(&e));
        if !valid || before.is_some_and(|held| serial < held.serial) {
            return Err(RecordRefusal::Authority);
        }
        if !self.announced(record) {
            return Err(RecordRefusal::Params);
        }
        let closes = record.ledger.as_ref().map(|l| l.epoch);
        let shape = closes == record.epoch.minus(self.close_lag())
            && record.notices.len() <= limits::RECORD_NOTICES
            && record.proofs.len() <= limits::RECORD_PROOFS
            && record.departures.len() <= limits::RECORD_DEPARTURES
            && record.roster_len as usize <= limits::ROSTER_ROWS;
        if shape { Ok(serial) } else { Err(RecordRefusal::Shape) }
    }

    /// Whether a record's parameters are those that the record before it led to, and a change that it announces is one that may be.
    fn announced(&self, record: &EpochRecord) -> bool {
        let before = record.epoch.minus(1).and_then(|e| self.records.get(&e));
        // The first record a node ever holds is believed: it is signed, and the records before it are gone.
        let base = before.is_none() && record.epoch != Epoch(0);
        let possible = || record.params.same_window(&self.genesis.params) && record.params.check().is_ok();
        let in_force = if base { possible() } else { *self.params_at(record.epoch) == record.params };
        let upcoming = match (self.under_way(record.epoch), &record.upcoming) {
            (Some(carried), upcoming) => upcoming.as_ref() == Some(carried),
            (None, None) => true,
            (None, Some(u)) => {
                let soonest = record.epoch.plus(if base { 1 } else { limits::PARAMS_NOTICE });
                u.from >= soonest && record.params.may_become(&u.params)
            }
        };
        in_force && upcoming
    }

    /// Accepts the whole roster of an accepted record.
    ///
    /// # Errors
    /// [`RosterRefusal`].
    pub fn accept_roster(&mut self, epoch: Epoch, roster: Roster) -> Result<(), RosterRefusal> {
        let held = self.records.get(&epoch).ok_or(RosterRefusal::Unknown)?;
        if roster.len() != held.record.roster_len as usize || roster.digest() != held.record.roster {
            return Err(RosterRefusal::Digest);
        }
        if self.base == Some(epoch) {
            let listed = roster.rows().iter().filter(|r| r.pool == Pool::Quarantined);
            self.quarantined = listed.map(|r| r.tag).collect();
        }
        self.rosters.insert(epoch, Arc::new(roster));
        Ok(())
    }

    /// What would be said of a bundle before its signature is checked: the cheap half.
    ///
    /// # Errors
    /// [`BundleRefusal`]; `Equivocation` when a different one is held (which the signature must still prove).
    pub fn check_bundle(&self, bundle: &Bundle, digest: &Digest, signer: &NodeId) -> Result<(), BundleRefusal> {
        if bundle.epoch < self.first_open() {
            return Err(BundleRefusal::Closed);
        }
        let (_, roster) = self.played(bundle.epoch).ok_or(BundleRefusal::NoRoster)?;
        let row = roster.row(&bundle.member).ok_or(BundleRefusal::Stranger)?;
        if row.node != *signer {
            return Err(BundleRefusal::Signer);
        }
        match self.bundles.get(&bundle.epoch).and_then(|b| b.get(&bundle.member)) {
            Some(held) if held.digest == *digest => Err(BundleRefusal::Known),
            Some(_) => Err(BundleRefusal::Equivocation),
            None => Ok(()),
        }
    }

    /// Accepts a verified bundle of an open epoch.
    ///
    /// # Errors
    /// [`BundleRefusal`].
    pub fn accept_bundle(&mut self, bundle: Verified<Bundle>) -> Result<(), BundleRefusal> {
        self.check_bundle(&bundle.message, &bundle.digest, &bundle.signer)?;
        self.hold_bundle(bundle);
        Ok(())
    }

    /// Holds a verified bundle that [`Chain::check_bundle`] passed just before.
    pub(crate) fn hold_bundle(&mut self, bundle: Verified<Bundle>) {
        let Verified { message: bundle, digest, bytes, .. } = bundle;
        self.bundles.entry(bundle.epoch).or_default().insert(bundle.member, HeldBundle { envelope: bytes, digest });
    }

    /// Positions in the played roster of `epoch` whose bundle is held, as a bitmap.
    #[must_use]
    pub fn have(&self, epoch: Epoch) -> Option<Vec<u8>> {
        let play = self.play(epoch)?;
        let held = self.bundles.get(&epoch);
        let positions = held.into_iter().flat_map(|b| b.keys()).filter_map(|m| play.roster.position(m)).map(|p| p as usize);
        Some(crate::wire::epoch_record::bitmap(play.roster.len(), positions))
    }

    /// Members whose bundle the next record to derive counts, but which is not held.
    #[must_use]
    pub fn missing_bundles(&self) -> Vec<(Epoch, MemberId)> {
        let next = self.next_to_derive();
        let Some(root) = self.records.get(&next).and_then(|r| r.record.ledger.as_ref()) else { return vec![] };
        let Some(play) = self.play(root.epoch) else { return vec![] };
        let held = self.bundles.get(&root.epoch);
        let lacks = |m: &MemberId| held.is_none_or(|b| !b.contains_key(m));
        let rows = play.roster.rows().iter().enumerate();
        rows.filter(|(i, row)| bit(&root.present, *i) && lacks(&row.member)).map(|(_, row)| (root.epoch, row.member)).collect()
    }
}
