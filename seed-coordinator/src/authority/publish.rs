//! Drafting and signing the next record.

use super::Coordinator;
use super::epochs::Step;
use super::keys::WARN_EPOCHS;
use warmnet_node::runtime::authority::AuthorityOutput;
use warmnet_protocol::chain::{Chain, DraftInputs};
use warmnet_protocol::identity::signed;
use warmnet_protocol::limits::RECORD_NOTICES;
use warmnet_protocol::policy;
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::departure::departed;
use warmnet_protocol::wire::roster::{Role, Roster, RosterRow};

/// Wall pause before a record that the chain didn't take (or that can't be signed) is tried again.
const RETRY_MS: u64 = 1_000;

impl Coordinator {
    /// What is due now: at most one record a call, as the next one needs this one in the chain.
    pub(super) fn records(&mut self, now: Timestamp, chain: &Chain) -> Vec<AuthorityOutput> {
        let next = chain.next_epoch();
        self.tell_foreign(now, next);
        if let Some(fork) = chain.undecided()
            && fork.serial >= self.keys.certified.serial
        {
            // Nothing signed by this key is believed any more.
            self.wake = Some(now.plus_wall_ms(self.genesis.clock.epoch_ms));
            self.tell_fork(now, fork.epoch);
            return vec![];
        }
        if let Some((epoch, at)) = self.handed_out
            && epoch == next
            && now < at.plus_wall_ms(RETRY_MS)
        {
            self.wake = Some(at.plus_wall_ms(RETRY_MS));
            return vec![];
        }
        match self.publisher.step(now, next, chain.ready_to_draft()) {
            Step::Wait(until) => {
                self.wake = Some(until);
                vec![]
            }
            Step::Sync(epochs) => {
                self.wake = Some(now);
                epochs.into_iter().map(AuthorityOutput::SyncBundles).collect()
            }
            Step::Publish { epoch, degraded } => {
                self.handed_out = Some((epoch, now));
                self.wake = Some(now);
                self.record(now, chain, epoch, degraded).into_iter().collect()
            }
        }
    }

    /// Says so when the chain goes on by records that this program did not make.
    fn tell_foreign(&mut self, now: Timestamp, next: Epoch) {
        let own = self.handed_out.map_or(next, |(epoch, _)| epoch.plus(1));
        let expected = self.expected.get_or_insert(next);
        if next > own.max(*expected) {
            tracing::error!(
                until = %next,
                "records came in that this program did not make: its home is older than what it published, or somebody else has the \
                 issuing key. If you restored no backup, stop this program, run `warmnet-coordinator key renew` with the root key, and start again"
            );
            self.expected = Some(next);
            self.note(now, "foreign-record", &next.to_string());
        }
    }

    /// Says once that records contradict each other.
    fn tell_fork(&mut self, now: Timestamp, epoch: Epoch) {
        if self.told_fork.replace(epoch) != Some(epoch) {
            tracing::error!(
                %epoch,
                "two records of this epoch contradict each other and no record is believed any more: the issuing key was used twice. \
                 Find out by whom, stop this program, run `warmnet-coordinator key renew` with the root key, and start again"
            );
            self.note(now, "fork", &epoch.to_string());
        }
    }

    fn record(&mut self, now: Timestamp, chain: &Chain, epoch: Epoch, degraded: bool) -> Option<AuthorityOutput> {
        let (from, until) = (self.keys.certified.from, self.keys.certified.until);
        if epoch < from || epoch > until {
            tracing::error!(%epoch, "the issuing key's certificate does not cover this epoch: run `warmnet-coordinator key renew`");
            return None;
        }
        if until.0 - epoch.0 < WARN_EPOCHS {
            tracing::warn!(%epoch, last = %until, "the issuing key's certificate ends soon: run `warmnet-coordinator key renew`");
        }
        let Some(beacon) = self.keys.beacon.at(epoch) else {
            tracing::error!(%epoch, "the beacon chain is used up");
            return None;
        };
        let inputs = DraftInputs {
            beacon,
            notices: self.docket.pending.values().take(RECORD_NOTICES).cloned().collect(),
            departures: self.departures(chain),
            upcoming: self.upcoming(epoch),
            admitted: self.new_rows(epoch, &chain.latest_roster(), chain),
            degraded,
            authority: self.keys.certificate.clone(),
        };
        let draft = chain.draft(inputs)?;
        let record = signed::sign(&self.keys.issuing, &chain.network(), draft.record);
        self.note(now, if degraded { "record-degraded" } else { "record" }, &format!("{epoch} {}", record.digest));
        tracing::info!(%epoch, degraded, rows = draft.roster.len(), "record published");
        Some(AuthorityOutput::Record(Box::new(record), draft.roster))
    }

    /// Departures that end a membership of the newest roster.
    fn departures(&self, chain: &Chain) -> Vec<Vec<u8>> {
        let roster = chain.latest_roster();
        let mut all = self.admission.departures();
        all.retain(|envelope| !departed(&chain.network(), &roster, std::slice::from_ref(envelope)).is_empty());
        all
    }

    /// First rows of golden and admitted members that the roster lacks.
    fn new_rows(&self, epoch: Epoch, roster: &Roster, chain: &Chain) -> Vec<RosterRow> {
        let params = chain.params_at(epoch);
        let golden = self.golden.iter().filter(|g| roster.row(&g.member).is_none()).map(|g| {
            let tag = g.tag(&self.keys.tag, self.rules.shared(g.address.registrable_domain()));
            let node = self.genesis.coordinator;
            policy::first_row(params, g.member, node, tag, g.provider, g.languages, g.weekdays, g.acts, g.ramp, Role::Golden, epoch)
        });
        let due = |from: Epoch| from <= epoch;
        let lacks = |m| roster.row(m).is_none() && !self.admission.leaves(m);
        let admitted = self.admission.admitted().iter().filter(|(m, a)| due(a.from) && lacks(m)).map(|(m, a)| {
            policy::first_row(params, *m, a.node, a.tag, a.provider, a.languages, a.weekdays, a.acts, a.ramp, Role::Member, epoch)
        });
        golden.chain(admitted).collect()
    }
}
