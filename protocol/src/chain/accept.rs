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
    #[error("the record is held already (R-REC-1)")]
    Known,
    /// Another record of this epoch is held under a certificate of the same serial: both are void.
    #[error("another record of this epoch is held: both are void (R-REC-4)")]
    Fork,
    /// Another record of this epoch is held, under an earlier certificate: this one stands in its place.
    #[error("it stands in place of the record held for its epoch (R-REC-4)")]
    Overrules,
    /// Another record of this epoch is held, under a later certificate.
    #[error("the record held for its epoch has a later certificate (R-REC-4)")]
    Overruled,
    /// Records of this epoch contradicted each other; only a later certificate decides.
    #[error("records of this epoch contradicted each other, and its certificate is no later one (R-REC-4)")]
    Void,
    /// It contradicts a record that is too old to be undone.
    #[error("its epoch is settled (R-REC-4)")]
    Settled,
    /// Earlier records are missing.
    #[error("records before it are missing (R-REC-1)")]
    Gap,
    /// It does not continue the chain.
    #[error("it does not name the record before it (R-REC-1)")]
    Previous,
    /// Its beacon is not the next of the hash chain.
    #[error("its beacon is not the next of the chain (R-ID-9)")]
    Beacon,
    /// Its signer holds no root-signed certificate for this epoch.
    #[error("its signer is not an issuing key of this network for its epoch (R-ID-10)")]
    Authority,
    /// Its certificate is an earlier one than that of the record before.
    #[error("its certificate is earlier than that of the record before it (R-ID-10)")]
    Serial,
    /// Its parameters are not those in force, or out of their ranges.
    #[error("its parameters are not those that were announced, or out of range (R-REC-23)")]
    Params,
    /// The change it announces comes too early, is out of range, changes what may not change, or is not the one under way.
    #[error("the change of parameters that it announces may not be announced (R-REC-23)")]
    Upcoming,
    /// It closes another epoch than the rules say.
    #[error("it closes another epoch than the rules say (R-REC-3)")]
    Closes,
    /// It lists more notices, proofs, departures or rows than a record may.
    #[error("it lists more than a record may (R-REC-3)")]
    TooMany,
}

/// Why a roster was not accepted.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum RosterRefusal {
    /// No record names it.
    #[error("no record names this roster (R-REC-5)")]
    Unknown,
    /// Its digest is another one.
    #[error("the roster is not the one its record names (R-REC-5)")]
    Digest,
}

/// Why a bundle was not accepted.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum BundleRefusal {
    /// Held already.
    #[error("the bundle is held already (R-REC-7)")]
    Known,
    /// Its epoch is closed.
    #[error("its epoch is closed (R-REC-7)")]
    Closed,
    /// The roster of its epoch is not here yet.
    #[error("the roster of its epoch is not here yet (R-REC-7)")]
    NoRoster,
    /// The member is not in that roster.
    #[error("its member is not in the roster of its epoch (R-REC-7)")]
    Stranger,
    /// Signed by another node than the member's.
    #[error("it is not signed by its member's node (R-REC-7)")]
    Signer,
    /// A second, different bundle of one member and epoch.
    #[error("its member signed another bundle for this epoch (R-LEDGER-4)")]
    Equivocation,
    /// The record that closes its epoch counts another one.
    #[error("the record counts another bundle of its member (R-REC-27)")]
    NotCounted,
}

impl Chain {
    /// Accepts a verified record that continues the chain.
    ///
    /// # Errors
    /// [`RecordRefusal`]. After `Fork` and `Overrules` the chain must be folded anew without the record held and those after it.
    pub fn accept_record(&mut self, record: Verified<EpochRecord>) -> Result<(), RecordRefusal> {
        // First of all: whoever is not certified says nothing about the chain.
        let serial = self.certified(&record.message, &record.signer)?;
        let (epoch, next) = (record.message.epoch, self.next_epoch());
        if epoch < next {
            return Err(self.contradiction(&record, serial));
        }
        if epoch > next {
            return Err(RecordRefusal::Gap);
        }
        self.check_link(&record.message)?;
        self.check_content(&record.message, serial)?;
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
        let serial = self.certified(&record.message, &record.signer)?;
        self.check_content(&record.message, serial)?;
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

    /// The serial of a record's certificate, if the root signed it for the record's signer and epoch.
    fn certified(&self, record: &EpochRecord, signer: &NodeId) -> Result<u32, RecordRefusal> {
        let certificate = signed::open::<IssuingKey>(&record.authority, &self.network).map_err(|_| RecordRefusal::Authority)?;
        let IssuingKey { key, from, until, serial } = certificate.message;
        let valid = certificate.signer == self.genesis.root && key == *signer && (from..=until).contains(&record.epoch);
        if valid { Ok(serial) } else { Err(RecordRefusal::Authority) }
    }

    /// Checks what a certified record says by itself and after the one before it.
    pub(super) fn check_content(&self, record: &EpochRecord, serial: u32) -> Result<(), RecordRefusal> {
        let before = record.epoch.minus(1).and_then(|e| self.records.get(&e));
        if before.is_some_and(|held| serial < held.serial) {
            return Err(RecordRefusal::Serial);
        }
        self.announced(record)?;
        if record.ledger.as_ref().map(|l| l.epoch) != record.epoch.minus(self.close_lag()) {
            return Err(RecordRefusal::Closes);
        }
        let fits = record.notices.len() <= limits::RECORD_NOTICES
            && record.proofs.len() <= limits::RECORD_PROOFS
            && record.departures.len() <= limits::RECORD_DEPARTURES
            && record.roster_len as usize <= limits::ROSTER_ROWS;
        if fits { Ok(()) } else { Err(RecordRefusal::TooMany) }
    }

    /// Whether a record's parameters are those that the record before it led to, and a change that it announces is one that may be.
    fn announced(&self, record: &EpochRecord) -> Result<(), RecordRefusal> {
        let before = record.epoch.minus(1).and_then(|e| self.records.get(&e));
        // The first record a node ever holds is believed: it is signed, and the records before it are gone.
        let base = before.is_none() && record.epoch != Epoch(0);
        let possible = || record.params.same_window(&self.genesis.params) && record.params.check().is_ok();
        let in_force = if base { possible() } else { *self.params_at(record.epoch) == record.params };
        if !in_force {
            return Err(RecordRefusal::Params);
        }
        let upcoming = match (self.under_way(record.epoch), &record.upcoming) {
            (Some(carried), upcoming) => upcoming.as_ref() == Some(carried),
            (None, None) => true,
            (None, Some(u)) => {
                let soonest = record.epoch.plus(if base { 1 } else { limits::PARAMS_NOTICE });
                u.from >= soonest && record.params.may_become(&u.params)
            }
        };
        if upcoming { Ok(()) } else { Err(RecordRefusal::Upcoming) }
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
        let held = self.bundles.get(&bundle.epoch).and_then(|b| b.get(&bundle.member));
        match (held, self.wanted.get(&(bundle.epoch, bundle.member))) {
            (Some(held), _) if held.digest == *digest => Err(BundleRefusal::Known),
            (_, Some(wanted)) if wanted == digest => Ok(()),
            (Some(_), _) => Err(BundleRefusal::Equivocation),
            (None, Some(_)) => Err(BundleRefusal::NotCounted),
            (None, None) => Ok(()),
        }
    }

    /// Accepts a verified bundle of an open epoch.
    ///
    /// # Errors
    /// [`BundleRefusal`].
    pub fn accept_bundle(&mut self, bundle: Verified<Bundle>) -> Result<(), BundleRefusal> {
        self.check_bundle(&bundle.message, &bundle.digest, &bundle.signer)?;
        self.hold_bundle(bundle, false);
        Ok(())
    }

    /// Holds a verified bundle that [`Chain::check_bundle`] passed just before, in place of one that is not counted; `late`: it came
    /// after the time at which the coordinator must have had it.
    pub(crate) fn hold_bundle(&mut self, bundle: Verified<Bundle>, late: bool) {
        let Verified { message: bundle, digest, bytes: envelope, .. } = bundle;
        if self.wanted.remove(&(bundle.epoch, bundle.member)).is_some() {
            self.disputed = None;
        }
        self.bundles.entry(bundle.epoch).or_default().insert(bundle.member, HeldBundle { envelope, digest, late });
    }

    /// Positions in the played roster of `epoch` whose bundle is held and not wanted anew, as a bitmap.
    #[must_use]
    pub fn have(&self, epoch: Epoch) -> Option<Vec<u8>> {
        let play = self.play(epoch)?;
        let held = self.bundles.get(&epoch);
        let members = held.into_iter().flat_map(|b| b.keys()).filter(|m| !self.wanted.contains_key(&(epoch, **m)));
        let positions = members.filter_map(|m| play.roster.position(m)).map(|p| p as usize);
        Some(crate::wire::epoch_record::bitmap(play.roster.len(), positions))
    }

    /// Members whose bundle the next record to derive counts, but which is not held.
    #[must_use]
    pub fn missing_bundles(&self) -> Vec<(Epoch, MemberId)> {
        let next = self.next_to_derive();
        let Some(root) = self.records.get(&next).and_then(|r| r.record.ledger.as_ref()) else { return vec![] };
        let Some(play) = self.play(root.epoch) else { return vec![] };
        let held = self.bundles.get(&root.epoch);
        let wanted = |m: &MemberId| self.wanted.contains_key(&(root.epoch, *m));
        let lacks = |m: &MemberId| wanted(m) || held.is_none_or(|b| !b.contains_key(m));
        let rows = play.roster.rows().iter().enumerate();
        rows.filter(|(i, row)| bit(&root.present, *i) && lacks(&row.member)).map(|(_, row)| (root.epoch, row.member)).collect()
    }
}
