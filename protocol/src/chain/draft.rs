//! The coordinator's half: the next record and roster, computed by the same step that every node checks.

use super::Chain;
use crate::ids::{Beacon, Digest, MemberId};
use crate::limits;
use crate::wire::epoch_record::{EpochRecord, LedgerRoot, Upcoming, bitmap};
use crate::wire::notice::Notice;
use crate::wire::roster::{Roster, RosterRow};

/// What only the coordinator knows.
#[derive(Clone, Debug)]
pub struct DraftInputs {
    /// The next value of the hash chain.
    pub beacon: Beacon,
    /// Notices that begin to act; at most `limits::RECORD_NOTICES` are taken.
    pub notices: Vec<Notice>,
    /// Departures, as signed envelopes; at most `limits::RECORD_DEPARTURES` are taken.
    pub departures: Vec<Vec<u8>>,
    /// A change of parameters to announce; ignored while another one is under way.
    pub upcoming: Option<Upcoming>,
    /// First rows of members admitted; ignored in a degraded record.
    pub admitted: Vec<RosterRow>,
    /// Whether the epoch began before this record was there.
    pub degraded: bool,
    /// The issuing key's root-signed certificate.
    pub authority: Vec<u8>,
}

/// An unsigned record with the roster it names.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The record.
    pub record: EpochRecord,
    /// Its roster.
    pub roster: Roster,
}

impl Chain {
    /// Drafts the next record. `None` unless everything before is derived ([`Chain::ready_to_draft`]).
    #[must_use]
    pub fn draft(&self, inputs: DraftInputs) -> Option<Draft> {
        if !self.ready_to_draft() {
            return None;
        }
        let epoch = self.next_epoch();
        let (previous, _) = self.link_before(epoch)?;
        let mut notices = inputs.notices;
        notices.truncate(limits::RECORD_NOTICES);
        let mut departures = inputs.departures;
        departures.truncate(limits::RECORD_DEPARTURES);
        let proofs: Vec<(MemberId, Digest)> = self.caught.iter().take(limits::RECORD_PROOFS).map(|(m, d)| (*m, *d)).collect();
        let ledger = epoch.minus(self.close_lag()).map(|closing| match self.play(closing) {
            None => LedgerRoot { epoch: closing, present: vec![], digest: crate::identity::hash::merkle::<_, [u8; 32]>([]) },
            Some(play) => {
                let held = self.bundles.get(&closing);
                // A member caught in two different bundles has none that counts: nodes may hold either. So it stays while its
                // word is void.
                let silent = |m: &MemberId| self.caught.contains_key(m) || self.void.get(m).is_some_and(|until| *until > epoch);
                let members = held.into_iter().flat_map(|b| b.keys()).filter(|m| !silent(m));
                let present = bitmap(play.roster.len(), members.filter_map(|m| play.roster.position(m)).map(|p| p as usize));
                let digest = self.ledger_digest(closing, &play.roster, &present).unwrap_or(Digest([0; 32]));
                LedgerRoot { epoch: closing, present, digest }
            }
        });
        let mut record = EpochRecord {
            epoch,
            previous,
            beacon: inputs.beacon,
            roster: Digest([0; 32]),
            roster_len: 0,
            ledger,
            notices,
            proofs,
            departures,
            results: Digest([0; 32]),
            params: self.params_at(epoch).clone(),
            upcoming: self.under_way(epoch).cloned().or(inputs.upcoming),
            degraded: inputs.degraded,
            authority: inputs.authority,
        };
        let step = self.step(&record)?;
        let mut rows: Vec<RosterRow> = step.derived.rows.to_vec();
        if !record.degraded {
            rows.extend(inputs.admitted);
        }
        let roster = Roster::new(rows);
        record.results = step.derived.digests.results();
        record.roster = roster.digest();
        record.roster_len = roster.len() as u32;
        Some(Draft { record, roster })
    }
}
