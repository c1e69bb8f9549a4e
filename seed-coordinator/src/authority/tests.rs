//! The authority over a chain in memory, as the runtime drives it.

use super::keys::renew;
use super::keys::tests::{founded, read};
use super::*;
use crate::quarantine::{ListResult, Verdict};
use serde_json::json;
use std::net::Ipv4Addr;
use warmnet_protocol::chain::{DraftInputs, Fork, HeldRecord, RecordRefusal};
use warmnet_protocol::identity::{CanonicalAddress, Passport, member_id, signed};
use warmnet_protocol::ids::{DomainTag, Salt};
use warmnet_protocol::wire::bundle::AuthResult;
use warmnet_protocol::wire::enrolment::Apply;
use warmnet_protocol::wire::epoch_record::EpochRecord;
use warmnet_protocol::wire::notice::NoticeKind;
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, Roster, acts};
use zeroize::Zeroizing;

const PASS: EnrolmentAuth = EnrolmentAuth { spf: AuthResult::Pass, dkim: AuthResult::Pass, dmarc: AuthResult::Pass };
const NODE: NodeId = NodeId([9; 32]);

struct World {
    home: tempfile::TempDir,
    coordinator: Coordinator,
    chain: Chain,
    batches: mpsc::Sender<Batch>,
    subjects: watch::Receiver<Arc<Vec<Subject>>>,
    notices: Vec<(DomainTag, NoticeKind)>,
    asked: Vec<Epoch>,
}

fn golden(genesis: &Genesis) -> Vec<GoldenMember> {
    let address = CanonicalAddress::parse("g@golden.test").unwrap();
    let member = member_id(&genesis.network_id(), &Salt([1; 32]), &address);
    vec![GoldenMember { member, address, provider: 0, languages: 1, weekdays: ALL_WEEKDAYS, acts: acts::ALL, ramp: RampPreset::Gentle }]
}

type Open = (Coordinator, mpsc::Sender<Batch>, watch::Receiver<Arc<Vec<Subject>>>);

fn open(home: &Path) -> Open {
    let founded = founded("net");
    let (batches, from_poller) = mpsc::channel(4);
    let (to_poller, subjects) = watch::channel(Arc::default());
    let parts = Parts {
        golden: golden(&founded.genesis),
        keys: read(&founded).unwrap(),
        genesis: founded.genesis,
        admission: AdmissionRules { sponsor_all: true, ..AdmissionRules::default() },
        quarantine: QuarantineRules { polls: 2, ..QuarantineRules::default() },
        settle_ms: 3_000,
        batches: Some(from_poller),
        subjects: to_poller,
    };
    (Coordinator::open(home, parts).unwrap(), batches, subjects)
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (coordinator, batches, subjects) = open(home.path());
        let chain = Chain::new(founded("net").genesis);
        Self { home, coordinator, chain, batches, subjects, notices: vec![], asked: vec![] }
    }
    fn at(&self, epoch: u32, ms: i64) -> Timestamp {
        Timestamp(self.chain.clock().start(Epoch(epoch)).0 + ms)
    }
    /// As the driver: until nothing comes out any more.
    fn settle(&mut self, now: Timestamp) {
        for _ in 0..100 {
            let outputs = self.coordinator.tick(now, &self.chain);
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                match output {
                    AuthorityOutput::Record(record, roster) => {
                        let epoch = record.message.epoch;
                        self.chain.accept_record(*record).unwrap();
                        self.chain.accept_roster(epoch, roster).unwrap();
                        self.chain.derive();
                    }
                    AuthorityOutput::Notice(n) => self.notices.push((n.message.tag, n.message.kind)),
                    AuthorityOutput::SyncBundles(epoch) => self.asked.push(epoch),
                }
            }
        }
        panic!("the authority never came to rest");
    }
    fn killed_and_restarted(&mut self) {
        let (coordinator, batches, subjects) = {
            // The lock on the log is the operating system's; the old one is simply dropped.
            open(self.home.path())
        };
        self.coordinator = coordinator;
        self.batches = batches;
        self.subjects = subjects;
    }
    fn apply(&mut self, now: Timestamp) -> EnrolAnswer {
        let apply = application(&self.chain);
        self.coordinator.enrol(now, NODE, Request::Apply(Box::new(apply)), &self.chain)
    }
    fn enrol(&mut self, now: Timestamp) -> MemberId {
        let EnrolAnswer::Challenge { token, .. } = self.apply(now) else { panic!("no challenge") };
        let golden = self.coordinator.golden[0].member;
        let code = self.coordinator.enrolment_mail(now, golden, "a@one.test", token, PASS).unwrap();
        let member = application(&self.chain).member;
        let answer = self.coordinator.enrol(now, NODE, Request::Confirm { member, code }, &self.chain);
        let EnrolAnswer::Admitted { passport } = answer else { panic!("not admitted") };
        let passport = signed::open::<Passport>(&passport, &self.chain.network()).unwrap();
        assert_eq!((passport.message.member, passport.message.node, passport.message.from), (member, NODE, Epoch(2)));
        member
    }
    fn listed(&self, tag: DomainTag, verdict: Verdict) {
        let list = ListResult { list: "dbl".into(), high_trust: true, healthy: true, verdicts: [(tag, verdict)].into() };
        self.batches.try_send(Batch { lists: vec![list], subjects: 12 }).unwrap();
    }
    fn ask(&mut self, now: Timestamp, request: serde_json::Value) -> Result<serde_json::Value, String> {
        self.coordinator.control(now, &request, &self.chain).unwrap()
    }
}

fn application(chain: &Chain) -> Apply {
    let (address, salt) = (CanonicalAddress::parse("a@one.test").unwrap(), Salt([2; 32]));
    Apply {
        member: member_id(&chain.network(), &salt, &address),
        address: "a@one.test".into(),
        salt,
        provider: 1,
        languages: 1,
        weekdays: ALL_WEEKDAYS,
        acts: acts::ALL,
        ramp: RampPreset::Gentle,
    }
}

#[test]
fn golden_members_come_first_and_an_applicant_two_epochs_later() {
    let mut w = World::new();
    let early = w.at(0, -5_000);
    w.settle(early);
    assert_eq!(w.chain.next_epoch(), Epoch(2));
    assert!(w.chain.latest_roster().rows().iter().all(|r| r.role == Role::Golden) && w.chain.latest_roster().len() == 1);
    let member = w.enrol(early);
    assert_eq!(w.subjects.borrow().len(), 1);
    let due = w.coordinator.next_wake(early, &w.chain).unwrap();
    assert!(due <= w.at(2, -3_000));
    w.settle(w.at(2, -3_000));
    let roster = w.chain.latest_roster();
    assert_eq!(roster.row(&member).map(|r| (r.node, r.joined, r.role)), Some((NODE, Epoch(2), Role::Member)));
    assert!(!w.chain.last_record().unwrap().record.degraded);
}

#[test]
fn a_kill_loses_nothing_that_was_answered() {
    let mut w = World::new();
    let early = w.at(0, -5_000);
    w.settle(early);
    let first = w.apply(early);
    w.killed_and_restarted();
    assert_eq!(w.apply(early), first);
    let member = w.enrol(early);
    w.killed_and_restarted();
    assert!(matches!(w.apply(early), EnrolAnswer::Admitted { .. }));
    assert_eq!(w.subjects.borrow().len(), 1);
    w.settle(w.at(2, -3_000));
    assert!(w.chain.latest_roster().row(&member).is_some());
}

#[test]
fn records_missed_in_a_downtime_come_out_in_order_and_degraded() {
    let mut w = World::new();
    w.settle(w.at(0, -5_000));
    for epoch in 2..=8 {
        w.settle(w.at(epoch, -3_000));
    }
    let now = w.at(12, 4_000);
    w.killed_and_restarted();
    w.settle(now);
    assert_eq!(w.asked, (4..=7).map(Epoch).collect::<Vec<_>>(), "bundles of what the late records close");
    assert_eq!(w.chain.next_epoch(), Epoch(9), "it waits a moment for them");
    let until = w.coordinator.next_wake(now, &w.chain).unwrap();
    assert!(until <= now.plus_wall_ms(1_500));
    w.settle(now.plus_wall_ms(1_500));
    assert_eq!(w.chain.next_epoch(), Epoch(13));
    assert!((9..=12).all(|e| w.chain.record(Epoch(e)).unwrap().record.degraded));
    w.settle(w.at(13, -3_000));
    assert!(!w.chain.record(Epoch(13)).unwrap().record.degraded);
}

#[test]
fn a_listed_domain_gets_a_notice_and_the_next_record_lists_it() {
    let mut w = World::new();
    let early = w.at(0, -5_000);
    w.settle(early);
    w.enrol(early);
    let tag = w.subjects.borrow()[0].tag;
    let yes = Verdict::Listed(Ipv4Addr::new(127, 0, 1, 2));
    for ms in [0, 500] {
        w.listed(tag, yes);
        w.settle(w.at(1, ms));
    }
    assert_eq!(w.notices, vec![(tag, NoticeKind::Listed)]);
    w.killed_and_restarted();
    w.settle(w.at(1, 600));
    assert_eq!(w.notices.len(), 2, "said again after a restart, as no record lists it");
    w.settle(w.at(2, -3_000));
    let listed = &w.chain.record(Epoch(2)).unwrap().record.notices;
    assert_eq!(listed.iter().map(|n| n.tag).collect::<Vec<_>>(), vec![tag]);
    w.settle(w.at(3, -3_000));
    assert!(w.chain.record(Epoch(3)).unwrap().record.notices.is_empty());
    let audit = std::fs::read_to_string(w.home.path().join("audit.jsonl")).unwrap();
    assert!(audit.contains(&tag.to_hex()) && !audit.contains("one.test"));
}

#[test]
fn the_operator_quarantines_and_releases_with_a_reason() {
    let mut w = World::new();
    let early = w.at(0, -5_000);
    w.settle(early);
    let member = w.enrol(early);
    let order = |cmd: &str, reason: &str| json!({"cmd": cmd, "subject": member, "reason": reason});
    assert!(w.ask(early, order("quarantine_add", "")).is_err());
    assert!(w.ask(early, order("quarantine_release", "why not")).is_err());
    w.ask(early, order("quarantine_add", "abuse report 12")).unwrap();
    w.settle(early);
    let by_domain = w.ask(early, json!({"cmd": "quarantine_release", "subject": "one.test", "reason": "appeal 3"}));
    assert!(by_domain.is_ok());
    w.settle(early);
    let kinds: Vec<NoticeKind> = w.notices.iter().map(|(_, k)| *k).collect();
    assert_eq!(kinds, vec![NoticeKind::Listed, NoticeKind::Released]);
    let summary = crate::audit::verify(&w.home.path().join("audit.jsonl")).unwrap();
    assert!(summary.entries >= 6);
    let list = w.ask(early, json!({"cmd": "quarantine_list"})).unwrap();
    assert_eq!(list["held"], json!([]));
    let members = w.ask(early, json!({"cmd": "members"})).unwrap();
    assert_eq!((members["total"].as_u64(), members["admitted"][0]["member"].as_str()), (Some(1), Some(member.to_hex().as_str())));
    assert_eq!(w.ask(early, json!({"cmd": "epoch"})).unwrap()["epoch"], json!(1));
    assert!(w.coordinator.control(early, &json!({"cmd": "else"}), &w.chain).is_none());
}

#[test]
fn an_ordered_change_of_parameters_is_announced_once_and_comes_into_force() {
    let mut w = World::new();
    let early = w.at(0, -5_000);
    w.settle(early);
    let order = |from: Option<u32>| json!({"cmd": "params_change", "set": {"golden_seats": 25}, "from": from});
    assert!(w.ask(early, order(Some(8))).is_err(), "record 2 can announce it for epoch 9 at the soonest");
    assert!(w.ask(early, json!({"cmd": "params_change", "set": {"close_lag": 4}})).is_err());
    assert_eq!(w.ask(early, order(None)).unwrap()["from"], json!(9));
    assert!(w.ask(early, order(None)).is_err(), "one at a time");
    w.killed_and_restarted();
    assert_eq!(w.ask(early, json!({"cmd": "params"})).unwrap()["ordered"]["from"], json!(9));
    for epoch in 2..=10 {
        w.settle(w.at(epoch, -3_000));
        let record = &w.chain.record(Epoch(epoch)).unwrap().record;
        assert_eq!(record.upcoming.as_ref().map(|u| u.from), (epoch < 9).then_some(Epoch(9)), "record {epoch}");
        assert_eq!(record.params.golden_seats, if epoch < 9 { 20 } else { 25 });
    }
    let now = w.at(10, 0);
    let told = w.ask(now, json!({"cmd": "params"})).unwrap();
    assert_eq!((&told["ordered"], &told["params"]["golden_seats"]), (&json!(null), &json!(25)));
    assert!(w.chain.history().iter().all(|d| d.matches_record));
}

#[test]
fn after_a_fork_it_signs_nothing_before_its_key_is_renewed() {
    let mut w = World::new();
    let now = w.at(3, 0);
    w.settle(now);
    let record = w.chain.record(Epoch(3)).expect("published").record.clone();
    let other = EpochRecord { degraded: !record.degraded, ..record };
    let other = signed::sign(&w.coordinator.keys.issuing, &w.chain.network(), other);
    assert_eq!(w.chain.accept_record(other.clone()), Err(RecordRefusal::Fork));
    // As the driver: the chain is folded anew without them.
    let mut chain = Chain::new(w.chain.genesis().clone());
    for epoch in (0..3).map(Epoch) {
        let HeldRecord { envelope, .. } = w.chain.record(epoch).expect("published");
        chain.accept_record(signed::open(envelope, &chain.network()).expect("its own")).expect("the next one");
        chain.accept_roster(epoch, Roster::clone(w.chain.roster(epoch).expect("published"))).expect("its roster");
        chain.derive();
    }
    let held = w.chain.record(Epoch(3)).expect("published").envelope.clone();
    chain.take_fork(Fork { epoch: Epoch(3), serial: 0, records: [held, other.bytes] });
    w.chain = chain;
    w.settle(now);
    assert_eq!(w.chain.next_epoch(), Epoch(3), "its word is not believed any more");

    let founded = founded("net");
    let before = w.coordinator.keys.certified.clone();
    let renewed = renew(&founded.genesis, &founded.root, &before, &Zeroizing::new([77; 32]), Epoch(3)).expect("the root's");
    let look_up = |name: &str| {
        let new = renewed.secrets.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
        new.or_else(|| founded.secrets.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()))
    };
    w.coordinator.keys = AuthorityKeys::read(&founded.genesis, look_up).expect("the new key");
    // Not at once: what the chain didn't take is tried again after a pause.
    w.settle(now.plus_wall_ms(2_000));
    assert_eq!(w.chain.record(Epoch(3)).map(|held| (held.serial, held.record.degraded)), Some((1, true)));
}

#[test]
fn a_record_that_somebody_else_made_is_written_down_once() {
    let mut w = World::new();
    let now = w.at(3, 0);
    w.settle(now);
    let log = |w: &World| std::fs::read_to_string(w.home.path().join("audit.jsonl")).expect("a log").matches("foreign-record").count();
    assert_eq!(log(&w), 0, "its own are no news");
    let inputs = DraftInputs {
        beacon: w.coordinator.keys.beacon.at(Epoch(4)).expect("a link"),
        notices: vec![],
        departures: vec![],
        upcoming: None,
        admitted: vec![],
        degraded: false,
        authority: w.coordinator.keys.certificate.clone(),
    };
    let draft = w.chain.draft(inputs).expect("everything before is derived");
    w.chain.accept_record(signed::sign(&w.coordinator.keys.issuing, &w.chain.network(), draft.record)).expect("the next one");
    w.chain.accept_roster(Epoch(4), draft.roster).expect("its roster");
    w.chain.derive();
    w.settle(now);
    w.settle(now);
    assert_eq!(log(&w), 1);
}
