//! When a node asks, sends and acts, and whose words a mail holds. Send times and the pauses before reading and replying come from a
//! floating-point formula and bind nobody: they are here so that another program can see that it plans the same.

use serde_json::{Value, json};
use warmnet_protocol::exchange::deadlines::{self, WorkingHours};
use warmnet_protocol::exchange::foreign::is_foreign;
use warmnet_protocol::ids::{ExchangeId, MemberId};
use warmnet_protocol::params::Params;
use warmnet_protocol::time::{Clock, Epoch, Span, Timestamp};

const DAY: Clock = Clock { epoch_zero_ms: 0, epoch_ms: 86_400_000 };
const FAST: Clock = Clock { epoch_zero_ms: 5_000, epoch_ms: 720_000 };

fn introductions() -> Vec<Value> {
    let one = |clock: Clock, n: u8| {
        let exchange = ExchangeId([n; 16]);
        json!({ "clock": clock, "epoch": n, "exchange": exchange, "at": deadlines::introduction_at(&clock, Epoch(n.into()), &exchange) })
    };
    (1..5).map(|n| one(DAY, n)).chain((1..3).map(|n| one(FAST, n))).collect()
}

fn slots() -> Vec<Value> {
    let one = |clock: Clock, n: usize, from: u64, until: u64| {
        let (member, epoch) = (MemberId([n as u8; 32]), Epoch(3));
        let hours = WorkingHours { from: Span::minutes(from), until: Span::minutes(until) };
        let at = deadlines::send_slots(&clock, epoch, &member, hours, n);
        json!({ "clock": clock, "epoch": epoch, "member": member, "from_minute": from, "until_minute": until, "mails": n, "at": at })
    };
    vec![one(DAY, 1, 480, 1_080), one(DAY, 7, 480, 1_080), one(DAY, 80, 480, 1_080), one(DAY, 5, 1_320, 1_800), one(FAST, 20, 540, 1_020)]
}

fn acts() -> Vec<Value> {
    let (params, now) = (Params { read_ppm: 700_000, ..Params::standard() }, Timestamp(1_000_000));
    let one = |clock: Clock, n: u8| {
        let (exchange, turn) = (ExchangeId([n; 16]), n % 5);
        let plan = deadlines::act_plan(&clock, &params, &exchange, turn, now);
        json!({
            "clock": clock, "exchange": exchange, "turn": turn, "found": now, "read_ppm": params.read_ppm,
            "rescue": plan.rescue, "read": plan.read, "reply": plan.reply, "file": plan.file,
        })
    };
    (0..12).map(|n| one(DAY, n)).chain((12..15).map(|n| one(FAST, n))).collect()
}

/// Mails under a true label that do not hold its text: changed on the way, or another's words.
fn foreign() -> Vec<Value> {
    let expected = "Guten Tag Jana,\n\nes bleibt bei Montag um zehn, Raum vier. \u{c4}pfel bringe ich mit; bis dann!\n\nTom";
    let mails = [
        "",
        " -- ??? \u{2014} ",
        "Buy now",
        "Tom",
        expected,
        "GUTEN TAG JANA, ES BLEIBT BEI MONTAG UM ZEHN, RAUM VIER. \u{c4}PFEL BRINGE ICH MIT; BIS DANN! TOM",
        "[extern] https://gateway.test/x Guten Tag Jana, es bleibt bei Mon=\ntag um zehn",
        // Of 16 runs 4 are left, then 3: a quarter is enough.
        "es bleibt bei Montag um zehn",
        "es bleibt bei Montag um",
        "es_bleibt_bei_Montag_um_zehn_Raum",
        "Raum vier. Zehn um Montag bei bleibt es, Jana Tag Guten",
    ];
    mails.map(|mail| json!({ "mail": mail, "expected": expected, "foreign": is_foreign(mail, expected) })).into()
}

pub(crate) fn vectors() -> Value {
    let pauses: Vec<u64> = (0..9).map(|tries| deadlines::introduction_retry(tries).0).collect();
    json!({ "introductions": introductions(), "pauses": pauses, "slots": slots(), "acts": acts(), "foreign": foreign() })
}
