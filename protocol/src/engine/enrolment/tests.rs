//! One applicant and the answers a coordinator may give.

use super::*;
use crate::engine::{Input, Switch};
use crate::identity::{CanonicalAddress, NodeKey, member_id};
use crate::ids::{Beacon, Salt};
use crate::params::Params;
use crate::time::Clock;
use crate::wire::genesis::{GENESIS_VERSION, Genesis};
use crate::wire::roster::{ALL_WEEKDAYS, RampPreset, acts};

const GOLDEN: &str = "seed@gold.test";

struct Applicant {
    engine: Engine,
    member: MemberId,
    now: Timestamp,
}

impl Applicant {
    fn new() -> Self {
        let genesis = Genesis {
            version: GENESIS_VERSION,
            name: "test".into(),
            root: NodeKey::from_seed(&[1; 32]).node_id(),
            coordinator: NodeKey::from_seed(&[2; 32]).node_id(),
            first_beacon: Beacon([0; 32]),
            clock: Clock { epoch_zero_ms: 1_000_000_000, epoch_ms: 86_400_000 },
            params: Params::standard(),
        };
        let address = CanonicalAddress::parse("m@dom.test").unwrap();
        let member = member_id(&genesis.network_id(), &Salt([3; 32]), &address);
        let mut engine = Engine::new(genesis, NodeKey::from_seed(&[4; 32]));
        let now = Timestamp(1_000_000_000);
        let config = HostedMember {
            member,
            address: "m@dom.test".into(),
            salt: Salt([3; 32]),
            hours: (480, 1080),
            utc_offset_minutes: 0,
            acts: acts::ALL,
            weekdays: ALL_WEEKDAYS,
            languages: 1,
            provider: 0,
            ramp: RampPreset::Gentle,
            golden: false,
            switch: Switch::On,
        };
        engine.handle(now, Input::Host(Box::new(config)));
        Self { engine, member, now }
    }

    /// Time goes on until the engine asks or mails something about the enrolment, at most an hour.
    fn next(&mut self) -> Option<Output> {
        let end = self.now.plus_wall_ms(3_600_000);
        loop {
            while let Some(output) = self.engine.poll() {
                if matches!(output, Output::Enrol { .. } | Output::MailToken { .. }) {
                    return Some(output);
                }
            }
            self.now = self.engine.next_wake().filter(|t| *t <= end)?.max(self.now);
            self.engine.handle(self.now, Input::Wake);
        }
    }

    fn asks(&mut self) -> Request {
        match self.next() {
            Some(Output::Enrol { request, .. }) => *request,
            _ => panic!("no question"),
        }
    }
    fn mails(&mut self) -> Token {
        match self.next() {
            Some(Output::MailToken { golden, token, .. }) if golden == GOLDEN => token,
            _ => panic!("no mail"),
        }
    }
    fn answer(&mut self, answer: EnrolAnswer) {
        self.engine.handle(self.now, Input::EnrolmentAnswer { member: self.member, answer: Some(answer) });
    }
    fn challenge(&mut self, token: Token) {
        self.answer(EnrolAnswer::Challenge { golden: GOLDEN.into(), token });
    }
    fn mailed(&mut self) {
        self.engine.handle(self.now, Input::EnrolmentMailed { member: self.member });
    }
    fn state(&self) -> &Application {
        &self.engine.hosted()[&self.member].application
    }
    /// An applicant whose first mail has left.
    fn waiting(token: Token) -> Self {
        let mut a = Self::new();
        assert!(matches!(a.asks(), Request::Apply(_)));
        a.challenge(token);
        assert_eq!(a.mails(), token);
        a.mailed();
        a
    }
}

#[test]
fn a_waiting_applicant_asks_again_and_mails_only_a_new_token() {
    let mut a = Applicant::waiting([7; 16]);
    for _ in 0..3 {
        assert!(matches!(a.asks(), Request::Apply(_)));
        a.challenge([7; 16]);
        assert!(matches!(a.state(), Application::Challenged { mailed: true, .. }), "the same token is mailed once");
    }
    assert!(matches!(a.asks(), Request::Apply(_)));
    a.challenge([8; 16]);
    assert_eq!(a.mails(), [8; 16]);
    a.mailed();
    a.engine.handle(a.now, Input::CodeFound { member: a.member, code: [9; 16] });
    assert!(matches!(a.asks(), Request::Confirm { code, .. } if code == [9; 16]));
}

#[test]
fn a_waiting_applicant_hears_why_its_mail_did_not_pass() {
    let mut a = Applicant::waiting([7; 16]);
    assert!(matches!(a.asks(), Request::Apply(_)));
    a.answer(EnrolAnswer::Refused { reason: "DKIM failed".into() });
    assert_eq!(*a.state(), Application::Refused { reason: "DKIM failed".into() });
    assert!(a.next().is_none(), "not in a loop");
    a.now = a.now.plus_wall_ms(86_400_000);
    assert!(matches!(a.asks(), Request::Apply(_)), "a day later the owner may have mended it");
}

#[test]
fn an_answer_of_any_length_can_be_stored_and_read_again() {
    let mut a = Applicant::new();
    assert!(matches!(a.asks(), Request::Apply(_)));
    a.answer(EnrolAnswer::Challenge { golden: format!("{}@gold.test", "g".repeat(5_000)), token: [7; 16] });
    assert_eq!(*a.state(), Application::New, "no address");
    a.answer(EnrolAnswer::Challenge { golden: format!(" {GOLDEN}{}", " ".repeat(5_000)), token: [7; 16] });
    assert_eq!(*a.state(), Application::Challenged { golden: GOLDEN.into(), token: [7; 16], mailed: false });
    let mut a = Applicant::waiting([7; 16]);
    a.answer(EnrolAnswer::Refused { reason: "\u{20ac}".repeat(5_000) });
    assert_eq!(*a.state(), Application::Refused { reason: "\u{20ac}".repeat(limits::REASON_BYTES / 3) });
}

#[test]
fn a_late_answer_does_not_undo_what_happened_since() {
    let mut a = Applicant::waiting([7; 16]);
    a.engine.handle(a.now, Input::CodeFound { member: a.member, code: [9; 16] });
    a.challenge([8; 16]);
    assert!(matches!(a.state(), Application::Confirming { .. }));
    a.answer(EnrolAnswer::Pending);
    assert!(matches!(a.asks(), Request::Confirm { .. }), "asked again until it is answered");
}
