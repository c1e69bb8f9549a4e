use super::state::admission_cap;
use super::*;
use crate::golden::GoldenMember;
use proptest::prelude::*;
use warmnet_protocol::identity::{CanonicalAddress, NodeKey, member_id, signed};
use warmnet_protocol::ids::{DomainTag, MemberId, NetworkId, NodeId, Salt};
use warmnet_protocol::params::Params;
use warmnet_protocol::policy;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::AuthResult::{self, Fail, Pass, Unknown};
use warmnet_protocol::wire::departure::Departure;
use warmnet_protocol::wire::enrolment::{Apply, Token};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, Roster, acts};

const NET: NetworkId = NetworkId([1; 32]);
const PASS: [AuthResult; 3] = [Pass; 3];

struct World {
    admission: Admission,
    params: Params,
    golden: Vec<GoldenMember>,
    rules: AdmissionRules,
    epoch: Epoch,
    roster_len: usize,
}

impl World {
    fn new(rules: AdmissionRules) -> Self {
        let golden = |i: u8| {
            let address = CanonicalAddress::parse(&format!("g{i}@golden.test")).unwrap();
            let member = member_id(&NET, &Salt([i; 32]), &address);
            GoldenMember { member, address, provider: 0, languages: 1, weekdays: ALL_WEEKDAYS, acts: acts::ALL, ramp: RampPreset::Gentle }
        };
        let golden = (0..3).map(golden).collect();
        Self { admission: Admission::default(), params: Params::standard(), golden, rules, epoch: Epoch(4), roster_len: 3 }
    }
    fn sponsoring() -> Self {
        Self::new(AdmissionRules { sponsor_all: true, ..AdmissionRules::default() })
    }
    fn tell(&mut self, command: Command) -> Event {
        let context = Context {
            network: NET,
            params: &self.params,
            epoch: self.epoch,
            next_record: self.epoch.plus(1),
            roster_len: self.roster_len,
            golden: &self.golden,
            rules: &self.rules,
            secret: &[5; 32],
            tag_key: &[6; 32],
        };
        self.admission.handle(&context, command)
    }
    fn apply(&mut self, node: u8, address: &str) -> Event {
        self.tell(Command::Apply { from: NodeId([node; 32]), apply: Box::new(application(address, 0)) })
    }
    fn mail(&mut self, from: &str, token: Token, auth: [AuthResult; 3]) -> Event {
        self.tell(Command::TokenMail { from: from.into(), token, auth })
    }
    fn confirm(&mut self, node: u8, address: &str, code: Token) -> Event {
        self.tell(Command::Confirm { from: NodeId([node; 32]), member: application(address, 0).member, code })
    }
    fn enrol(&mut self, node: u8, address: &str) -> Event {
        let Event::Challenged { token, .. } = self.apply(node, address) else { panic!("no challenge") };
        let Event::Heard { code, .. } = self.mail(address, token, PASS) else { panic!("not heard") };
        self.confirm(node, address, code)
    }
}

fn application(address: &str, salt: u8) -> Apply {
    let salt = Salt([salt; 32]);
    let canonical = CanonicalAddress::parse(address).unwrap();
    Apply {
        member: member_id(&NET, &salt, &canonical),
        address: address.into(),
        salt,
        provider: 1,
        languages: 1,
        weekdays: ALL_WEEKDAYS,
        acts: acts::ALL,
        ramp: RampPreset::Gentle,
    }
}

#[test]
fn a_mailbox_that_sends_and_receives_is_admitted_two_epochs_later() {
    let mut w = World::sponsoring();
    let Event::Admitted { passport, new } = w.enrol(9, "a@one.test") else { panic!("not admitted") };
    assert!(new);
    assert_eq!((passport.from, passport.node), (Epoch(6), NodeId([9; 32])));
    assert!(matches!(w.apply(9, "a@one.test"), Event::Admitted { new: false, passport: p } if p == passport));
    assert_eq!(w.apply(8, "a@one.test"), Event::Refused(Refusal::OtherNode));
    let other_salt = Box::new(application("A+x@one.test", 3));
    assert_eq!(w.tell(Command::Apply { from: NodeId([8; 32]), apply: other_salt }), Event::Refused(Refusal::Enrolled));
}

#[test]
fn asking_again_gives_the_same_token_and_the_same_code() {
    let mut w = World::sponsoring();
    let Event::Challenged { golden, token, new: true } = w.apply(9, "a@one.test") else { panic!("no challenge") };
    assert_eq!(w.apply(9, "a@one.test"), Event::Challenged { golden, token, new: false });
    let Event::Heard { code, new: true, .. } = w.mail("A@one.test", token, PASS) else { panic!("not heard") };
    for _ in 1..CODE_MAILS {
        assert!(matches!(w.mail("a@one.test", token, PASS), Event::Heard { code: again, new: false, .. } if again == code));
    }
    assert_eq!(w.mail("a@one.test", token, PASS), Event::Ignored, "code mails are bounded");
    assert!(matches!(w.confirm(9, "a@one.test", code), Event::Admitted { .. }));
}

#[test]
fn a_lost_mail_costs_a_day_and_a_late_code_still_counts() {
    let mut w = World::sponsoring();
    let Event::Challenged { token: first, .. } = w.apply(9, "a@one.test") else { panic!("no challenge") };
    let Event::Heard { code: late, .. } = w.mail("a@one.test", first, PASS) else { panic!("not heard") };
    w.epoch = w.epoch.plus(1);
    let Event::Challenged { token: second, new: true, .. } = w.apply(9, "a@one.test") else { panic!("no second token") };
    assert_ne!(first, second);
    assert_eq!(w.mail("a@one.test", first, PASS), Event::Ignored, "yesterday's token");
    let mut other = w.admission.clone();
    assert!(matches!(w.confirm(9, "a@one.test", late), Event::Admitted { .. }), "yesterday's code proves the same");
    std::mem::swap(&mut w.admission, &mut other);
    let Event::Heard { code, .. } = w.mail("a@one.test", second, PASS) else { panic!("not heard") };
    assert_ne!(code, late);
    assert!(matches!(w.confirm(9, "a@one.test", code), Event::Admitted { .. }));
    // Asking keeps an application alive; silence ends it.
    let mut w = World::sponsoring();
    let Event::Challenged { token, .. } = w.apply(9, "a@one.test") else { panic!("no challenge") };
    let Event::Heard { code, .. } = w.mail("a@one.test", token, PASS) else { panic!("not heard") };
    w.epoch = w.epoch.plus(EXPIRY_EPOCHS);
    assert_eq!(w.confirm(9, "a@one.test", code), Event::Refused(Refusal::Unknown));
}

#[test]
fn what_proves_nothing_leads_nowhere() {
    let mut w = World::sponsoring();
    let Event::Challenged { token, .. } = w.apply(9, "a@one.test") else { panic!("no challenge") };
    assert_eq!(w.mail("b@one.test", token, PASS), Event::Ignored);
    assert_eq!(w.mail("a@one.test", [0; 16], PASS), Event::Ignored);
    assert_eq!(w.confirm(9, "a@one.test", [0; 16]), Event::Refused(Refusal::Code));
    let Event::Heard { code, .. } = w.mail("a@one.test", token, PASS) else { panic!("not heard") };
    assert_eq!(w.confirm(8, "a@one.test", code), Event::Refused(Refusal::OtherNode));
    assert_eq!(w.confirm(9, "c@one.test", code), Event::Refused(Refusal::Unknown));
    let mut forged = application("a@one.test", 0);
    forged.address = "victim@two.test".into();
    assert_eq!(w.tell(Command::Apply { from: NodeId([9; 32]), apply: Box::new(forged) }), Event::Refused(Refusal::Commitment));
    assert_eq!(w.apply(9, "g1@golden.test"), Event::Refused(Refusal::Golden));
}

#[test]
fn unauthenticated_mail_ends_the_application_with_the_reason() {
    for auth in [[Fail, Pass, Pass], [Pass, Unknown, Pass], [Pass, Pass, Fail]] {
        let mut w = World::sponsoring();
        let Event::Challenged { token, .. } = w.apply(9, "a@one.test") else { panic!("no challenge") };
        assert!(matches!(w.mail("a@one.test", token, auth), Event::NotAuthenticated { .. }));
        assert_eq!(w.mail("a@one.test", token, PASS), Event::Ignored);
        assert!(matches!(w.apply(9, "a@one.test"), Event::Refused(Refusal::Authentication { .. })));
        assert!(matches!(w.apply(9, "a@one.test"), Event::Challenged { new: true, .. }), "mended DNS may try again");
    }
}

#[test]
fn the_epochs_cap_makes_the_rest_wait() {
    let mut w = World::sponsoring();
    let codes: Vec<(String, Token)> = (0..22)
        .map(|i| {
            let address = format!("a{i}@one.test");
            let Event::Challenged { token, .. } = w.apply(9, &address) else { panic!("no challenge") };
            let Event::Heard { code, .. } = w.mail(&address, token, PASS) else { panic!("not heard") };
            (address, code)
        })
        .collect();
    let events: Vec<Event> = codes.iter().map(|(a, c)| w.confirm(9, a, *c)).collect();
    assert_eq!(events.iter().filter(|e| matches!(e, Event::Admitted { .. })).count(), 20);
    assert_eq!(events[20], Event::Waiting);
    w.epoch = w.epoch.plus(1);
    assert!(matches!(w.confirm(9, &codes[20].0, codes[20].1), Event::Admitted { .. }));
}

#[test]
fn young_domains_wait_unless_sponsored() {
    let mut w = World::new(AdmissionRules { sponsored_domains: vec!["friend.test".into()], ..AdmissionRules::default() });
    assert!(matches!(w.apply(9, "a@friend.test"), Event::Challenged { .. }));
    assert_eq!(w.apply(9, "a@new.test"), Event::Refused(Refusal::Young { from: 34 }));
    w.epoch = Epoch(33);
    assert_eq!(w.apply(9, "b@new.test"), Event::Refused(Refusal::Young { from: 34 }), "one domain, one age");
    w.epoch = Epoch(34);
    assert!(matches!(w.apply(9, "a@new.test"), Event::Challenged { .. }));
}

#[test]
fn who_leaves_may_come_back_after_a_window() {
    let mut w = World::sponsoring();
    let (own, other) = (NodeKey::from_seed(&[1; 32]), NodeKey::from_seed(&[2; 32]));
    let member = application("a@one.test", 0).member;
    let leave = |key: &NodeKey| Command::Leave { departure: signed::sign(key, &NET, Departure { member, joined: Epoch(6) }) };
    let apply = || Command::Apply { from: own.node_id(), apply: Box::new(application("a@one.test", 0)) };
    assert_eq!(w.tell(leave(&own)), Event::Left { new: false }, "it never was there");
    let enrol = |w: &mut World| {
        let Event::Challenged { token, .. } = w.tell(apply()) else { panic!("no challenge") };
        let Event::Heard { code, .. } = w.mail("a@one.test", token, PASS) else { panic!("not heard") };
        w.tell(Command::Confirm { from: own.node_id(), member, code })
    };
    assert!(matches!(enrol(&mut w), Event::Admitted { .. }));
    assert_eq!(w.tell(leave(&other)), Event::Refused(Refusal::Departure));

    w.epoch = Epoch(9);
    assert_eq!(w.tell(leave(&own)), Event::Leaving { member, new: true });
    assert_eq!(w.tell(leave(&own)), Event::Leaving { member, new: false });
    assert!(matches!(w.tell(apply()), Event::Refused(Refusal::LeftLately { .. })), "it is on its way out");
    assert!(w.admission.leaves(&member) && w.admission.departures().len() == 1);
    let kept = store::decode(&store::encode(&w.admission)).expect("its own file");
    assert_eq!(kept, w.admission);
    assert_eq!(w.admission.settle(&Roster::default(), w.epoch), vec![], "an empty roster says nothing");
    let elsewhere = |id: u8| {
        let (member, tag) = (MemberId([id; 32]), DomainTag([id; 16]));
        policy::first_row(&w.params, member, NodeId([id; 32]), tag, 0, 1, ALL_WEEKDAYS, 0, RampPreset::Gentle, Role::Member, Epoch(6))
    };
    let roster = Roster::new(vec![elsewhere(7)]);
    assert_eq!(w.admission.settle(&roster, w.epoch), vec![member]);
    assert_eq!(w.tell(leave(&own)), Event::Left { new: false });
    assert_eq!(w.tell(apply()), Event::Refused(Refusal::LeftLately { from: 39 }));
    let kept = store::decode(&store::encode(&w.admission)).expect("its own file");
    assert_eq!(kept, w.admission);
    w.epoch = Epoch(39);
    assert!(matches!(enrol(&mut w), Event::Admitted { .. }));
}

#[test]
fn who_leaves_before_the_first_roster_is_gone_at_once() {
    let mut w = World::sponsoring();
    let own = NodeKey::from_seed(&[1; 32]);
    let member = application("a@one.test", 0).member;
    let leave = || Command::Leave { departure: signed::sign(&own, &NET, Departure { member, joined: Epoch(0) }) };
    let apply = || Command::Apply { from: own.node_id(), apply: Box::new(application("a@one.test", 0)) };
    let Event::Challenged { token, .. } = w.tell(apply()) else { panic!("no challenge") };
    assert_eq!(w.tell(leave()), Event::Left { new: true });
    assert_eq!(w.mail("a@one.test", token, PASS), Event::Ignored);
    let Event::Challenged { token, .. } = w.tell(apply()) else { panic!("an open application costs no wait") };
    let Event::Heard { code, .. } = w.mail("a@one.test", token, PASS) else { panic!("not heard") };
    assert!(matches!(w.tell(Command::Confirm { from: own.node_id(), member, code }), Event::Admitted { .. }));
    assert_eq!(w.tell(leave()), Event::Left { new: true });
    assert!(w.admission.admitted().is_empty());
}

#[test]
fn one_mailbox_a_node_at_shared_providers() {
    let mut w = World::new(AdmissionRules::default());
    assert!(matches!(w.enrol(9, "jo@gmail.com"), Event::Admitted { .. }));
    assert_eq!(w.apply(9, "joe@web.de"), Event::Refused(Refusal::SharedProvider));
    let Event::Challenged { token, .. } = w.apply(8, "joe@web.de") else { panic!("no challenge") };
    let Event::Heard { code, .. } = w.mail("joe@web.de", token, PASS) else { panic!("not heard") };
    assert_eq!(w.confirm(8, "joe@web.de", code), Event::Waiting, "a fifth of the roster is taken");
    w.roster_len = 10;
    assert!(matches!(w.confirm(8, "joe@web.de", code), Event::Admitted { .. }));
}

#[test]
fn open_applications_are_bounded_and_forgotten() {
    let mut w = World::sponsoring();
    for i in 0..PENDING_PER_NODE {
        assert!(matches!(w.apply(9, &format!("a{i}@one.test")), Event::Challenged { .. }));
    }
    assert_eq!(w.apply(9, "more@one.test"), Event::Waiting);
    assert!(matches!(w.apply(8, "more@one.test"), Event::Challenged { .. }), "other nodes are not held up");
    w.epoch = w.epoch.plus(EXPIRY_EPOCHS);
    assert!(matches!(w.apply(9, "more2@one.test"), Event::Challenged { new: true, .. }));
    assert_eq!(w.admission.pending().len(), 1);
}

#[test]
fn a_damaged_file_is_noticed() {
    let mut w = World::sponsoring();
    w.enrol(9, "a@one.test");
    let bytes = store::encode(&w.admission);
    assert_eq!(store::decode(&bytes), Some(w.admission.clone()));
    assert_eq!(store::decode(&bytes[..bytes.len() - 1]), None);
    assert_eq!(store::decode(b"something else"), None);
    let dir = tempfile::tempdir().unwrap();
    let file = store::AdmissionFile::in_home(dir.path());
    assert_eq!(file.load().unwrap(), Admission::default());
    file.save(&w.admission).unwrap();
    assert_eq!(file.load().unwrap(), w.admission);
}

#[derive(Clone, Debug)]
enum Do {
    Apply(u8, u8),
    Mail(u8, [bool; 3]),
    Confirm(u8, u8, bool),
    NextEpoch,
}

fn acts_of() -> impl Strategy<Value = Do> {
    prop_oneof![
        (0u8..4, 0u8..40).prop_map(|(n, a)| Do::Apply(n, a)),
        (0u8..40, any::<[bool; 3]>()).prop_map(|(a, auth)| Do::Mail(a, [auth[0] || auth[1], auth[1] || auth[2], true])),
        (0u8..4, 0u8..40, prop::bool::weighted(0.9)).prop_map(|(n, a, right)| Do::Confirm(n, a, right)),
        Just(Do::NextEpoch),
    ]
}

proptest! {
    /// After any commands: nobody is in without a passed mail and the right code, no mailbox twice, no cap broken, and
    /// the saved state is the state.
    #[test]
    fn invariants_hold_after_random_commands(steps in prop::collection::vec(acts_of(), 1..300)) {
        let mut w = World::sponsoring();
        let mut tokens = std::collections::BTreeMap::new();
        let mut codes = std::collections::BTreeMap::new();
        let mut in_epoch = 0;
        for step in steps {
            let address = |a: u8| format!("a{a}@d{}.test", a % 7);
            match step {
                Do::Apply(n, a) => {
                    if let Event::Challenged { token, .. } = w.apply(n, &address(a)) { tokens.insert(a, token); }
                }
                Do::Mail(a, auth) => {
                    let auth = auth.map(|ok| if ok { Pass } else { Fail });
                    if let Some(token) = tokens.get(&a)
                        && let Event::Heard { code, new, .. } = w.mail(&address(a), *token, auth)
                    {
                        prop_assert!(!new || auth == PASS);
                        codes.insert(a, code);
                    }
                }
                Do::Confirm(n, a, right) => {
                    let code = codes.get(&a).copied().filter(|_| right).unwrap_or([0; 16]);
                    if let Event::Admitted { new: true, .. } = w.confirm(n, &address(a), code) {
                        prop_assert!(right && codes.contains_key(&a));
                        in_epoch += 1;
                    }
                }
                Do::NextEpoch => { w.epoch = w.epoch.plus(1); in_epoch = 0; }
            }
            prop_assert!(in_epoch <= w.params.admissions_floor);
            prop_assert!(w.admission.pending.keys().all(|m| !w.admission.admitted.contains_key(m)));
            prop_assert_eq!(w.admission.addresses.len(), w.admission.admitted.len());
            let members: std::collections::BTreeSet<&MemberId> = w.admission.addresses.values().collect();
            prop_assert_eq!(members.len(), w.admission.admitted.len());
        }
        prop_assert_eq!(store::decode(&store::encode(&w.admission)), Some(w.admission.clone()));
    }
}

#[test]
fn the_cap_grows_with_the_roster() {
    let w = World::sponsoring();
    let context = |roster_len| Context {
        network: NET,
        params: &w.params,
        epoch: Epoch(0),
        next_record: Epoch(0),
        roster_len,
        golden: &w.golden,
        rules: &w.rules,
        secret: &[0; 32],
        tag_key: &[0; 32],
    };
    assert_eq!(admission_cap(&context(3)), 20);
    assert_eq!(admission_cap(&context(1_000)), 30);
}
