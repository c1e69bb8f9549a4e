//! The network's numbers. Genesis carries them; a record may change them from seven epochs ahead.
//! Integers only: shares are per mille or parts per million (ppm), so every machine computes the same bits.

pub mod ranges;
#[cfg(test)]
mod tests;

use crate::identity::hash;
use crate::ids::Digest;
use crate::wire::codec;
use serde::{Deserialize, Serialize};

/// One million: the unit of scores, shares and rates.
pub const MILLION: u64 = 1_000_000;

/// The rules this program knows, up to this version.
pub const RULES_VERSION: u32 = 1;

/// All rule parameters of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Version of the rules that these numbers are for. A node that knows only older ones stops matching and says so.
    pub version: u32,
    /// Window of closed epochs behind every derived value. 30: a month, the span mailbox filters are said to remember.
    pub window_epochs: u32,
    /// Record e closes epoch e - this. 5: a bundle is accepted until the middle of e+4, the record appears after it.
    pub close_lag: u32,
    /// Enrolment takes effect this many epochs later. 2: nobody can fit an id to a beacon already committed.
    pub enrolment_delay: u32,
    /// Admissions an epoch: at least this many. 20.
    pub admissions_floor: u32,
    /// Admissions an epoch, share of the roster in per mille. 30: a Sybil flood can't outnumber members overnight.
    pub admissions_permille: u32,
    /// Seats of one golden member an epoch. 20.
    pub golden_seats: u32,
    /// Golden seats one member's listing gets an epoch at most. 5: few golden mailboxes in a small network must not multiply a newcomer's ramp.
    pub golden_per_member: u32,
    /// Weight of a golden observation of a newcomer or rehab member. 4.
    pub golden_newcomer_weight: u32,
    /// Epochs a member counts as a newcomer for golden weight. 10.
    pub newcomer_epochs: u32,
    /// A round is dealt while its participants are at least 1/this of the class. 4 (simulated: fewer lets a few high-quota members meet each other).
    pub round_share: u32,
    /// Quota is capped at (m-1)/this. 3; at least 1, so that the smallest network works.
    pub quota_divisor: u32,
    /// Spare rounds are quota/this, rounded up. 4.
    pub spare_divisor: u32,
    /// Rehab members get a ring of their own from this many. 50 (simulated: small rehab rings let nobody out).
    pub rehab_ring_from: u32,
    /// Rehab quota is at least this. 10, half the normal quota above it.
    pub rehab_quota_floor: u32,
    /// Restart probability of the trust walk in per mille. 300.
    pub restart_permille: u32,
    /// Steps of the walk. 32.
    pub walk_steps: u32,
    /// From this many members the walk uses 2^-60 instead of 2^-40 fixed point. 10,000.
    pub fine_from_members: u32,
    /// Members older than this many epochs set the median trust. 20.
    pub median_age: u32,
    /// Weight floor in Q16.16 while credibility exceeds `floor_credibility`. 6,554 = 0.1.
    pub weight_floor_q16: u32,
    /// Credibility in ppm above which the floor holds. 300,000.
    pub floor_credibility: u32,
    /// Golden observations of a provider class below which tolerance doubles. 60.
    pub tolerance_observations: u32,
    /// Delivered exchanges below which a member is provisional. 20.
    pub provisional_delivered: u32,
    /// Completed share of dealt slots below which a member is provisional, ppm. 500,000.
    pub provisional_completion: u32,
    /// Score below which external sending is locked, millionths of a point. 70.
    pub lock_below: u32,
    /// Score below which a member enters rehab. 60.
    pub rehab_below: u32,
    /// Score of the premium pool. 85.
    pub premium_from: u32,
    /// Inbox share (lower bound, ppm) below which sending is locked. 500,000.
    pub inbox_gate: u32,
    /// Denominator floor for bounces. 100.
    pub bounce_floor: u32,
    /// Denominator floor for complaints. 1,000.
    pub complaint_floor: u32,
    /// Chance that a reply is owed at each turn, ppm. 300,000.
    pub reply_ppm: u32,
    /// Chance that a warming mail is marked read, ppm. 950,000.
    pub read_ppm: u32,
    /// Service (per mille) needed for full quota and allowance. 800.
    pub service_full: u32,
    /// Bounces of a receiver: distinct domains, and nodes, of their senders that make it the receiver's fault. 2.
    pub dead_senders: u32,
    /// ... and the bounced share of its deliveries, per mille. 300.
    pub dead_permille: u32,
    /// Soft bounces in a row that count as a hard one. 5.
    pub soft_in_row: u32,
    /// Epochs an equivocator's word is void. 30.
    pub equivocation_epochs: u32,
    /// Epochs without a bounce after which a dead mailbox may be cleared. 5: longer than the lag between play and close.
    pub dead_clear_epochs: u32,
    /// Triggers look at rates from this many mails. 100: one bounce is then 1 %.
    pub trigger_mails: u32,
    /// ... and from this many events. 3: one or two are luck.
    pub trigger_events: u32,
    /// Bounce rate, ppm, to watch. 1 % (FACTS.md: suspicion).
    pub bounce_watch: u32,
    /// Bounce rate, ppm, that throttles. 2 % (FACTS.md: inbox delivery falls).
    pub bounce_throttle: u32,
    /// Bounce rate, ppm, that sends to rehab. 5 % (FACTS.md: severe damage).
    pub bounce_rehab: u32,
    /// Complaint rate, ppm, to watch. 0.1 % (FACTS.md).
    pub complaint_watch: u32,
    /// Complaint rate, ppm, that sends to rehab. 0.3 % (FACTS.md: mitigation withdrawn).
    pub complaint_rehab: u32,
    /// Bounce rate, ppm, that a rehabilitation debt works back to. 1 %: 5 bounces in 100 owe 400 clean mails.
    pub debt_rate: u32,
    /// Pause and fix: what is left of the quota, per mille. 600 (FACTS.md: caps are cut 30..50 %).
    pub pause_cut: u32,
    /// ... and what comes back an epoch, per mille of the ramp value. 100.
    pub pause_step: u32,
    /// ... after this many clean epochs. 3.
    pub pause_clean: u32,
    /// ... but never less than this share is left, per mille. 100: who sends nothing can't show that it is fixed.
    pub pause_floor: u32,
    /// Known placements of an epoch from which bad placement counts. 10: fewer are noise.
    pub pause_placements: u32,
    /// External mails a day at most. 250 (FACTS.md: recommended per inbox).
    pub external_ceiling: u32,
    /// Credits that one inbound exchange earns. 12: 20 warming mails a day earn 240, about the recommended ceiling of 250 external mails.
    pub credits_inbound: u32,
    /// Raters' domains whose complaints deal their sender extra golden seats. 3: one or two slanderers, or any number at one domain, change nothing.
    pub complaint_tags: u32,
}

impl Params {
    /// The parameters of PROTOCOL.md.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            version: RULES_VERSION,
            window_epochs: 30,
            close_lag: 5,
            enrolment_delay: 2,
            admissions_floor: 20,
            admissions_permille: 30,
            golden_seats: 20,
            golden_per_member: 5,
            golden_newcomer_weight: 4,
            newcomer_epochs: 10,
            round_share: 4,
            quota_divisor: 3,
            spare_divisor: 4,
            rehab_ring_from: 50,
            rehab_quota_floor: 10,
            restart_permille: 300,
            walk_steps: 32,
            fine_from_members: 10_000,
            median_age: 20,
            weight_floor_q16: 6_554,
            floor_credibility: 300_000,
            tolerance_observations: 60,
            provisional_delivered: 20,
            provisional_completion: 500_000,
            lock_below: 70_000_000,
            rehab_below: 60_000_000,
            premium_from: 85_000_000,
            inbox_gate: 500_000,
            bounce_floor: 100,
            complaint_floor: 1_000,
            reply_ppm: 300_000,
            read_ppm: 950_000,
            service_full: 800,
            dead_senders: 2,
            dead_permille: 300,
            soft_in_row: 5,
            equivocation_epochs: 30,
            dead_clear_epochs: 5,
            trigger_mails: 100,
            trigger_events: 3,
            bounce_watch: 10_000,
            bounce_throttle: 20_000,
            bounce_rehab: 50_000,
            complaint_watch: 1_000,
            complaint_rehab: 3_000,
            debt_rate: 10_000,
            pause_cut: 600,
            pause_step: 100,
            pause_clean: 3,
            pause_floor: 100,
            pause_placements: 10,
            external_ceiling: 250,
            credits_inbound: 12,
            complaint_tags: 3,
        }
    }
    /// Whether this program knows these rules.
    #[must_use]
    pub fn known(&self) -> bool {
        self.version <= RULES_VERSION
    }
    /// Whether the window is made of the same: that never changes, or old and new records could not be derived alike.
    #[must_use]
    pub fn same_window(&self, other: &Self) -> bool {
        self.window_epochs == other.window_epochs && self.close_lag == other.close_lag
    }
    /// Whether `next` may follow.
    #[must_use]
    pub fn may_become(&self, next: &Self) -> bool {
        self != next && self.same_window(next) && next.check().is_ok()
    }
    /// Their digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash::digest(&codec::encode(self))
    }
}
