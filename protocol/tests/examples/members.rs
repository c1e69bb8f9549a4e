//! What members sign and say.

use super::{NETWORK, key, plain, signed as signed_message};
use serde_json::{Value, json};
use warmnet_protocol::identity::signed;
use warmnet_protocol::ids::{ExchangeId, MemberId, Salt};
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::{AuthResult, Bundle, Entry, Observation, Placement, SelfReport, SenderOutcome, Word};
use warmnet_protocol::wire::bundle::{receiver_evidence, sender_evidence};
use warmnet_protocol::wire::departure::Departure;
use warmnet_protocol::wire::enrolment::{Apply, EnrolAnswer, EnrolmentMail};
use warmnet_protocol::wire::fault::Fault;
use warmnet_protocol::wire::introduction::{Decline, Introduce, Introduced};
use warmnet_protocol::wire::label::{self, Label};
use warmnet_protocol::wire::roster::RampPreset;

fn slot(ring: RingKind, round: u16) -> Slot {
    Slot { ring, round }
}

pub(crate) fn bundle() -> Bundle {
    let seen = Observation {
        placement: Placement::Spam,
        spf: AuthResult::Pass,
        dkim: AuthResult::Fail,
        dmarc: AuthResult::Unknown,
        read: true,
        rescued: true,
        replied: false,
        complaint: false,
    };
    let tab = Observation { placement: Placement::Tab, dkim: AuthResult::Pass, dmarc: AuthResult::Pass, replied: true, ..seen };
    let entry = |slot, word, evidence| Entry { slot, word, evidence };
    Bundle {
        member: MemberId([1; 32]),
        epoch: Epoch(295),
        entries: vec![
            entry(slot(RingKind::Open, 0), Word::Sender(SenderOutcome::Sent), [1, 2, 3, 4]),
            entry(slot(RingKind::Open, 0), Word::Receiver(Some(seen)), [5, 6, 7, 8]),
            entry(slot(RingKind::Open, 300), Word::Receiver(None), [0; 4]),
            entry(slot(RingKind::Rehab, 2), Word::Sender(SenderOutcome::RefusedHard), [0; 4]),
            entry(slot(RingKind::Rehab, 2), Word::Receiver(Some(Observation { complaint: true, ..tab })), [9; 4]),
            entry(slot(RingKind::Golden, 41), Word::Sender(SenderOutcome::RefusedSoft), [0; 4]),
        ],
        report: SelfReport { sent: 1_000, hard: 3, soft: 2, complaints: 1, replies: 40 },
    }
}

pub(crate) fn fault() -> Fault {
    let empty = |replies| Bundle { entries: vec![], report: SelfReport { replies, ..SelfReport::default() }, ..bundle() };
    let envelope = |replies| signed::sign(&key(), &NETWORK, empty(replies)).bytes;
    Fault::equivocation(envelope(1), envelope(2))
}

fn introductions() -> Vec<Value> {
    let introduce = Introduce {
        epoch: Epoch(295),
        slot: slot(RingKind::Golden, 3),
        from: MemberId([1; 32]),
        to: MemberId([2; 32]),
        address: "ann@one.example".into(),
        salt: Salt([4; 32]),
    };
    let mut all = vec![plain("introduce", &introduce)];
    all.extend(introduced().iter().map(|answer| plain("introduced", answer)));
    all
}

pub(crate) fn introduced() -> Vec<Introduced> {
    let welcome = Introduced::Welcome { address: "bob@two.example".into(), salt: Salt([5; 32]) };
    use Decline::{NotDealt, NotHere, NotReady, Paused, Quarantined, WrongAddress};
    let reasons = [NotHere, NotDealt, WrongAddress, Paused, Quarantined, NotReady];
    [welcome].into_iter().chain(reasons.map(Introduced::Declined)).collect()
}

pub(crate) fn apply() -> Apply {
    Apply {
        member: MemberId([1; 32]),
        address: "ann@one.example".into(),
        salt: Salt([4; 32]),
        provider: 3,
        languages: 3,
        weekdays: 0x1f,
        acts: 0x0f,
        ramp: RampPreset::Fresh,
    }
}

pub(crate) fn answers() -> [EnrolAnswer; 5] {
    [
        EnrolAnswer::Challenge { golden: "gold@warm.example".into(), token: [6; 16] },
        EnrolAnswer::Pending,
        EnrolAnswer::Admitted { passport: vec![1, 2, 3] },
        EnrolAnswer::Refused { reason: "no such address".into() },
        EnrolAnswer::Left,
    ]
}

pub(crate) fn departure() -> Departure {
    Departure { member: MemberId([1; 32]), joined: Epoch(251) }
}

pub(crate) fn messages() -> Vec<Value> {
    let mut all = vec![signed_message(&bundle()), signed_message(&departure()), plain("fault", &fault())];
    all.extend(introductions());
    all.push(plain("apply", &apply()));
    all.extend(answers().iter().map(|a| plain("enrolment-answer", a)));
    all
}

/// The label's header, and everything that its signature covers.
pub(crate) fn label() -> (Label, Value) {
    let exchange = ExchangeId([9; 16]);
    let (author, addressee) = (MemberId([1; 32]), MemberId([2; 32]));
    let (message_id, text) = ("0909.1.01010101@a.test", "Some text.");
    let digest = label::text_digest(text);
    let signed = label::Signed {
        network: &NETWORK,
        exchange: &exchange,
        turn: 1,
        message_id,
        author: &author,
        addressee: &addressee,
        text: &digest,
    };
    let signature = signed.sign(&key());
    let label =
        Label { network: Label::network_prefix(&NETWORK), epoch: Epoch(295), slot: slot(RingKind::Open, 3), exchange, turn: 1, signature };
    let value = json!({
        "header": label.header_value(),
        "fields": {
            "network": hex::encode(label.network), "epoch": label.epoch, "ring": label.slot.ring as u8, "round": label.slot.round,
            "exchange": exchange, "turn": label.turn, "signature": signature,
        },
        "message_id": message_id, "author": author, "addressee": addressee, "text": text,
        "signed_input": hex::encode(signed.preimage()),
        "receiver_evidence": hex::encode(receiver_evidence(&signature)),
        "sender_evidence": hex::encode(sender_evidence(&signature)),
        "refused": near(&label),
    });
    (label, value)
}

/// Header values that are no label.
fn near(label: &Label) -> Vec<String> {
    let v = label.header_value();
    vec![
        v.replace("v1", "v2"),
        v.replace("t=1", "t=5"),
        v.replace("t=1", "t=01"),
        v.replace("r=0.", "r=3."),
        v.replace("e=295", "e=+295"),
        v.replace("; t=1", ""),
        v.replace("s=", "S="),
        format!("{v}; z=1"),
    ]
}

/// The header of the two enrolment mails.
pub(crate) fn enrolment_mails() -> Value {
    let header = |mail: EnrolmentMail| mail.header_value();
    json!({ "token": header(EnrolmentMail::Token([6; 16])), "code": header(EnrolmentMail::Code([7; 16])) })
}
