//! What becomes of each mail, and what both sides file.

use super::cast::*;
use warmnet_protocol::entropy::Stream;
use warmnet_protocol::exchange::deadlines;
use warmnet_protocol::ids::{ExchangeId, Signature};
use warmnet_protocol::matching::Slot;
use warmnet_protocol::params::Params;
use warmnet_protocol::wire::bundle::{AuthResult, Entry, Observation, Placement, SelfReport, SenderOutcome, Word};
use warmnet_protocol::wire::bundle::{receiver_evidence, sender_evidence};

/// One dealt pair by member numbers.
pub(crate) struct Mail {
    pub(crate) epoch: u32,
    pub(crate) slot: Slot,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) exchange: ExchangeId,
}

fn outcome(mail: &Mail, luck: &mut Stream) -> SenderOutcome {
    match (mail.from, mail.to) {
        (DEAD, _) if (8..20).contains(&mail.epoch) => SenderOutcome::NoShow,
        (_, DEAD) if (8..16).contains(&mail.epoch) => SenderOutcome::RefusedHard,
        (_, FLAKY) if (2..5).contains(&mail.epoch) => SenderOutcome::RefusedHard,
        (_, FULL) if (5..8).contains(&mail.epoch) => SenderOutcome::RefusedSoft,
        (LAZY, _) if luck.chance(550_000) => SenderOutcome::NoShow,
        (STALE, _) if mail.epoch.is_multiple_of(3) && luck.chance(100_000) => SenderOutcome::RefusedHard,
        _ if luck.chance(20_000) => SenderOutcome::NoShow,
        _ if luck.chance(5_000) => SenderOutcome::RefusedSoft,
        _ => SenderOutcome::Sent,
    }
}

fn placement(mail: &Mail, luck: &mut Stream) -> Placement {
    let spam = match (mail.from, mail.to % 2) {
        _ if mail.to == SLANDERER => 1_000_000,
        (SPAMMY, _) if mail.epoch >= 15 => 900_000,
        (_, 0) => 50_000,
        _ => 120_000,
    };
    match () {
        () if luck.chance(if mail.from == BRAGGART { 500_000 } else { 10_000 }) => Placement::Missing,
        () if luck.chance(spam) => Placement::Spam,
        () if luck.chance(200_000) => Placement::Tab,
        () => Placement::Inbox,
    }
}

fn observation(mail: &Mail, params: &Params, luck: &mut Stream) -> Observation {
    let placement = placement(mail, luck);
    let seen = placement != Placement::Missing;
    let acts = seen && mail.to != QUIET;
    let dkim = if mail.from == UNSIGNED && luck.chance(300_000) { AuthResult::Fail } else { AuthResult::Pass };
    let dmarc = if luck.chance(30_000) { AuthResult::Unknown } else { AuthResult::Pass };
    let [spf, dkim, dmarc] = if seen { [AuthResult::Pass, dkim, dmarc] } else { [AuthResult::Unknown; 3] };
    let golden = mail.to >= MEMBERS;
    Observation {
        placement,
        spf,
        dkim,
        dmarc,
        read: acts && luck.chance(params.read_ppm),
        rescued: acts && placement == Placement::Spam,
        replied: acts && mail.to != MUTE && deadlines::replies_owed(params, &mail.exchange) > 0,
        complaint: seen && mail.from == HATED && luck.chance(if golden { 60_000 } else { 300_000 }),
    }
}

/// The sender's and the receiver's entry of a mail.
pub(crate) fn entries(mail: &Mail, params: &Params) -> (Entry, Entry) {
    let mut luck = Stream::new("fixture-luck", &[&mail.exchange.0]);
    let said = outcome(mail, &mut luck);
    let seen = match said {
        SenderOutcome::Sent => Some(observation(mail, params, &mut luck)),
        _ => None,
    };
    // Nobody checks a label here; its signature only has to differ from all others.
    let mut label = Signature([0; 64]);
    label.0[..16].copy_from_slice(&mail.exchange.0);
    let mine = match said {
        SenderOutcome::Sent if mail.from == FORGER && luck.chance(100_000) => [0xff; 4],
        SenderOutcome::Sent => sender_evidence(&label),
        _ => [0; 4],
    };
    let found = seen.is_some_and(|o| o.placement != Placement::Missing);
    let theirs = if found { receiver_evidence(&label) } else { [0; 4] };
    let entry = |word, evidence| Entry { slot: mail.slot, word, evidence };
    (entry(Word::Sender(said), mine), entry(Word::Receiver(seen), theirs))
}

/// What a member's owner reports of its own mail.
pub(crate) fn report(member: usize, epoch: u32) -> SelfReport {
    match (member, epoch) {
        (BOUNCER, 9) => SelfReport { sent: 100, hard: 8, soft: 1, complaints: 0, replies: 4 },
        (LISTED, 6) => SelfReport { sent: 60, hard: 1, ..SelfReport::default() },
        (HATED, _) => SelfReport { sent: 40, hard: 0, soft: 0, complaints: u32::from(epoch.is_multiple_of(5)), replies: 2 },
        (EARLY, 0) => SelfReport { sent: 200, hard: 12, ..SelfReport::default() },
        (EARLY, _) => SelfReport { sent: 25, replies: 3, ..SelfReport::default() },
        (ANNOYING, 0..=5) => SelfReport { sent: 50, complaints: 1, ..SelfReport::default() },
        _ => SelfReport::default(),
    }
}
