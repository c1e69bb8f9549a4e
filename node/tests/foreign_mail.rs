//! 100,000 generated mails that are not the network's, through the code that reads, recognises and acts: not one act.
//! A control sample of true mails is acted on, every one, so the test can fail both ways.

use std::collections::BTreeMap;

use warmnet_node::mail::{Draft, answer, recognise};
use warmnet_protocol::entropy::Stream;
use warmnet_protocol::exchange::command::Found;
use warmnet_protocol::exchange::recognise::{self as rules, Desk};
use warmnet_protocol::exchange::state::{Context, Introduction, Outgoing};
use warmnet_protocol::exchange::{Command, Event, Exchange, Side};
use warmnet_protocol::identity::NodeKey;
use warmnet_protocol::ids::{ExchangeId, MemberId, NetworkId, Signature};
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::params::Params;
use warmnet_protocol::time::{Clock, Epoch, Span, Timestamp};
use warmnet_protocol::wire::bundle::{AuthResult, Placement};
use warmnet_protocol::wire::label::{LABEL_HEADER, Label, Signed, text_digest};
use warmnet_protocol::wire::roster::acts;

const FOREIGN: u32 = 100_000;
const TRUE: u32 = 2_000;
const EXCHANGES: u32 = 400;
const CLOCK: Clock = Clock { epoch_zero_ms: 0, epoch_ms: 86_400_000 };
const NETWORK: NetworkId = NetworkId([7; 32]);
const ME: MemberId = MemberId([1; 32]);
const PARTNER: MemberId = MemberId([2; 32]);
const OWN: &str = "me@here.test";
const THEIRS: &str = "partner@there.test";
const EPOCH: Epoch = Epoch(3);

/// Every way in which a generated mail is not the network's.
const CLASSES: [(&str, Spoil); 24] = [
    ("look-alike without a label", |w, _| w.labels.clear()),
    ("label in the text only", |w, _| {
        w.text = format!("{LABEL_HEADER}: {}\n\n{}", w.labels[0], w.text);
        w.labels.clear();
    }),
    ("label header doubled", |w, _| w.labels.push(w.labels[0].clone())),
    ("signature of random bytes", |w, r| {
        let mut signature = [0; 64];
        signature.iter_mut().for_each(|b| *b = r.below(256) as u8);
        w.label.signature = Signature(signature);
        w.labels = vec![w.label.header_value()];
    }),
    ("signed by another node", |w, _| w.sign(&stranger())),
    ("one character of the label changed", |w, r| {
        let mut value: Vec<char> = w.labels[0].chars().collect();
        let places: Vec<usize> = (0..value.len()).filter(|i| value[*i].is_ascii_alphanumeric()).collect();
        let at = places[r.below(places.len() as u64) as usize];
        value[at] = if value[at] == 'q' { 'r' } else { 'q' };
        w.labels = vec![value.into_iter().collect()];
    }),
    ("label cut off", |w, r| {
        let keep = r.below(w.labels[0].len() as u64 - 2) as usize;
        w.labels[0].truncate(keep.max(1));
    }),
    ("replayed, seen before", |w, _| w.pool = Pool::Seen),
    ("label moved to another Message-ID", |w, r| w.message_id = format!("{:016x}@there.test", r.next_u64())),
    ("expired", |w, _| w.now = CLOCK.start(EPOCH.plus(2))),
    ("dealt to another mailbox", |w, _| w.pool = Pool::OtherMember),
    ("no such exchange", |w, _| w.pool = Pool::Nobody),
    ("sent to another recipient", |w, _| w.to = "other@here.test".into()),
    ("from another sender", |w, _| w.from = "partner@elsewhere.test".into()),
    ("another network's", |w, _| {
        w.label.network = [8; 8];
        w.labels = vec![w.label.header_value()];
    }),
    ("another epoch, slot or turn", |w, r| {
        match r.below(3) {
            0 => w.label.epoch = EPOCH.plus(1),
            1 => w.label.slot.round += 1,
            _ => w.label.turn = 1 + r.below(4) as u8,
        }
        w.labels = vec![w.label.header_value()];
    }),
    ("foreign words under a true label", |w, r| w.text = words(r, 60)),
    ("own words beside the true text", |w, r| w.text = format!("{}\n{}", words(r, 120), w.text)),
    ("a link beside the true text", |w, _| w.text.push_str("\nSee https://there.test/offer\n")),
    ("an attachment or HTML beside the true text", |w, r| w.wrap = Some(r.below(2) as u8)),
    ("label stripped on the way", |w, _| {
        w.labels.clear();
        w.auto_submitted = "no".into();
    }),
    ("a person's answer in the thread", |w, r| {
        w.labels.clear();
        w.text = words(r, 30);
        w.auto_submitted = "no".into();
        w.answers = true;
    }),
    ("an absence note in the thread", |w, r| {
        w.labels.clear();
        w.text = words(r, 20);
        w.auto_submitted = "auto-replied".into();
        w.answers = true;
    }),
    ("a bounce with the true mail in it", |w, _| w.wrap = Some(2)),
];

type Spoil = fn(&mut Written, &mut Stream);

/// Which of the prepared exchanges a mail names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pool {
    Open,
    Seen,
    OtherMember,
    Nobody,
}

/// A mail to be written, true until it is spoilt.
struct Written {
    pool: Pool,
    now: Timestamp,
    exchange: Exchange,
    label: Label,
    labels: Vec<String>,
    message_id: String,
    from: String,
    to: String,
    text: String,
    auto_submitted: String,
    answers: bool,
    wrap: Option<u8>,
}

fn partner() -> NodeKey {
    NodeKey::from_seed(&[2; 32])
}

fn stranger() -> NodeKey {
    NodeKey::from_seed(&[9; 32])
}

fn words(random: &mut Stream, n: u64) -> String {
    const WORDS: [&str; 8] = ["offer", "please", "cheap", "meeting", "invoice", "today", "answer", "garden"];
    (0..n).map(|i| if i % 9 == 8 { "\n" } else { WORDS[random.below(8) as usize] }).collect::<Vec<_>>().join(" ")
}

fn exchange(n: u32, pool: Pool) -> Exchange {
    let me = if pool == Pool::OtherMember { MemberId([3; 32]) } else { ME };
    let slot = Slot { ring: RingKind::Open, round: (n % 50) as u16 };
    let mut id = [pool as u8; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    let own = format!("{}.1.{}@here.test", ExchangeId(id), ME.short());
    let first = format!("{}.0.{}@there.test", ExchangeId(id), PARTNER.short());
    Exchange {
        meeting: 0,
        id: ExchangeId(id),
        epoch: EPOCH,
        slot,
        spare: false,
        me,
        partner: PARTNER,
        partner_node: partner().node_id(),
        side: Side::Receiver,
        acts: acts::ALL,
        language: 0,
        replies: 4,
        introduction: Introduction::Done,
        partner_address: Some(THEIRS.into()),
        outcome: None,
        sent_label: None,
        seen: None,
        outgoing: if pool == Pool::Seen { vec![(1, Outgoing::Due(CLOCK.start(EPOCH.plus(1))))] } else { vec![] },
        thread: if pool == Pool::Seen { vec![first, own] } else { vec![] },
        found: (pool == Pool::Seen).then_some(0),
        pending: vec![],
        stopped: false,
        complaint: false,
    }
}

impl Written {
    fn truly(n: u32) -> Self {
        let exchange = exchange(n % EXCHANGES, Pool::Open);
        let message_id = format!("{}.0.{}@there.test", exchange.id, PARTNER.short());
        // The expected text is compared normalised; the host's writer breaks and encodes it as it likes.
        let text = rules::expected_text(&exchange, 0).expect("the bank has it").replace(". ", ".\n");
        let label = Label {
            network: Label::network_prefix(&NETWORK),
            epoch: EPOCH,
            slot: exchange.slot,
            exchange: exchange.id,
            turn: 0,
            signature: Signature([0; 64]),
        };
        let mut written = Self {
            pool: Pool::Open,
            now: CLOCK.at(EPOCH, Span::hours(10)),
            exchange,
            label,
            labels: vec![],
            message_id,
            from: THEIRS.into(),
            to: OWN.into(),
            text,
            auto_submitted: "auto-generated".into(),
            answers: false,
            wrap: None,
        };
        written.sign(&partner());
        written
    }

    fn sign(&mut self, key: &NodeKey) {
        let expected = rules::expected_text(&self.exchange, 0).expect("the bank has it");
        let signed = Signed {
            network: &NETWORK,
            exchange: &self.exchange.id,
            turn: 0,
            message_id: &self.message_id,
            author: &PARTNER,
            addressee: &self.exchange.me,
            text: &text_digest(&expected),
        };
        self.label.signature = signed.sign(key);
        self.labels = vec![self.label.header_value()];
    }

    /// Names another prepared exchange, with everything else about the mail true.
    fn moved(mut self, n: u32) -> Self {
        if self.pool != Pool::Open {
            self.exchange = exchange(n % EXCHANGES, self.pool);
            (self.label.exchange, self.label.slot) = (self.exchange.id, self.exchange.slot);
            self.message_id = format!("{}.0.{}@there.test", self.exchange.id, PARTNER.short());
            self.text = rules::expected_text(&self.exchange, 0).expect("the bank has it");
            self.sign(&partner());
        }
        self
    }

    fn raw(&self) -> Vec<u8> {
        let id = format!("<{}>", self.message_id);
        let own = format!("<{}>", exchange(u32::from_be_bytes(self.exchange.id.0[..4].try_into().expect("4")), Pool::Seen).thread[1]);
        let references = if self.answers { vec![own.as_str()] } else { vec![] };
        let extra: Vec<(&str, &str)> = self.labels.iter().map(|l| (LABEL_HEADER, l.as_str())).collect();
        let draft = Draft {
            from: &self.from,
            to: &self.to,
            subject: "Hello",
            date_ms: 1_000,
            utc_offset_minutes: 0,
            message_id: &id,
            in_reply_to: references.first().copied(),
            references: &references,
            extra: &extra,
            auto_submitted: &self.auto_submitted,
            text: &self.text,
        };
        let plain = draft.compose().expect("writable");
        let (head, body) = plain.split_once("\r\n\r\n").expect("a header and a body");
        let kept: Vec<&str> = head.split("\r\n").filter(|l| !l.starts_with("Content-")).collect();
        let part = format!("--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n");
        match self.wrap {
            None => plain,
            Some(0) => {
                let more = "--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nx\r\n--b--\r\n";
                format!("{}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{part}{more}", kept.join("\r\n"))
            }
            Some(1) => {
                let more = "--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b--\r\n";
                format!("{}\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n{part}{more}", kept.join("\r\n"))
            }
            Some(_) => format!(
                "Return-Path: <>\r\nFrom: <mailer-daemon@there.test>\r\nTo: <{OWN}>\r\nMessage-ID: <dsn.{}>\r\nSubject: Returned\r\n\
                 In-Reply-To: {own}\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n{part}\
                 --b\r\nContent-Type: message/rfc822\r\n\r\n{plain}\r\n--b--\r\n",
                self.message_id
            ),
        }
        .into_bytes()
    }
}

/// What became of a mail.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq)]
struct Fate {
    acts: u32,
    stops: u32,
}

/// The way of a mail through a node: read, recognised by the rules, given to its exchange, and half a day played.
fn receive(raw: &[u8], now: Timestamp, exchanges: &BTreeMap<ExchangeId, Exchange>) -> Fate {
    let answers = answer::answers_of(raw);
    let found = recognise(raw).and_then(|r| r.labelled(ME, Placement::Spam, [AuthResult::Pass; 3], answers.clone()));
    let desk = Desk { network: &NETWORK, clock: &CLOCK, now, exchanges, me: &ME, address: OWN };
    let ours = found.as_ref().and_then(|mail| {
        let label = Label::parse(&mail.label).ok()?;
        let exchange = rules::check(&desk, &label, &mail.candidate()).ok()?;
        Some((exchange.clone(), label, mail.message_id.clone()))
    });
    let params = Params::standard();
    let mut fate = Fate::default();
    let mut play = |mut x: Exchange, command: Command| {
        x.handle(Context { clock: &CLOCK, params: &params, now }, command);
        for hours in [1, 6, 12] {
            let later = Context { clock: &CLOCK, params: &params, now: CLOCK.after(now, Span::hours(hours)) };
            let events = x.handle(later, Command::Tick);
            fate.acts += events.iter().filter(|e| matches!(e, Event::Do { .. } | Event::Send { .. })).count() as u32;
        }
        fate.stops += u32::from(x.stopped);
    };
    match ours {
        Some((x, label, message_id)) => {
            let found =
                Found { turn: label.turn, message_id, placement: Placement::Spam, auth: [AuthResult::Pass; 3], label: label.signature };
            play(x, Command::Found(found));
        }
        None => {
            let named = exchanges.values().filter(|x| !answers.is_empty() && x.me == ME && x.thread.iter().any(|id| answers.contains(id)));
            named.cloned().for_each(|x| play(x, Command::Answered));
        }
    }
    fate
}

#[test]
fn nothing_is_done_with_a_hundred_thousand_foreign_mails() {
    let pools = [Pool::Open, Pool::Seen, Pool::OtherMember];
    let all = pools.into_iter().flat_map(|pool| (0..EXCHANGES).map(move |n| exchange(n, pool)));
    let exchanges: BTreeMap<ExchangeId, Exchange> = all.map(|x| (x.id, x)).collect();
    let mut random = Stream::new("foreign-mail", &[&[1]]);

    let mut acted = 0;
    for n in 0..TRUE {
        let mut mail = Written::truly(n);
        if n % 2 == 1 {
            mail.text = format!("This message comes from outside your organisation.\n\n{}", mail.text);
        }
        let fate = receive(&mail.raw(), mail.now, &exchanges);
        assert!(fate.acts > 0 && fate.stops == 0, "a true mail was left alone: {n}");
        acted += 1;
    }
    println!("{:<45} {:>7} {:>6} {:>8}", "class", "mails", "acts", "stopped");
    println!("{:<45} {TRUE:>7} {acted:>6} {:>8}", "true mails (acted on)", 0);

    let mut table: Vec<(u32, Fate)> = vec![Default::default(); CLASSES.len()];
    for n in 0..FOREIGN {
        let class = n as usize % CLASSES.len();
        let mut mail = Written::truly(random.below(u64::from(EXCHANGES)) as u32);
        CLASSES[class].1(&mut mail, &mut random);
        let mail = mail.moved(n);
        let fate = receive(&mail.raw(), mail.now, &exchanges);
        table[class].0 += 1;
        table[class].1.acts += fate.acts;
        table[class].1.stops += fate.stops;
    }
    for ((name, _), (mails, fate)) in CLASSES.iter().zip(&table) {
        println!("{name:<45} {mails:>7} {:>6} {:>8}", fate.acts, fate.stops);
    }
    for ((name, _), (mails, fate)) in CLASSES.iter().zip(&table) {
        assert_eq!(fate.acts, 0, "{name}: acts on foreign mail");
        // A person's answer stops its thread, each one; nothing else stops any.
        let stops = if name.starts_with("a person's") { *mails } else { 0 };
        assert_eq!(fate.stops, stops, "{name}");
    }
    assert_eq!(table.iter().map(|(mails, _)| mails).sum::<u32>(), FOREIGN);
}
