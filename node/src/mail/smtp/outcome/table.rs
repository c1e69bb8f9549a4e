//! The table: the first rule that fits a reply decides, and the last fits every reply.
//!
//! Reply codes: RFC 5321 section 4.2. Enhanced codes: RFC 3463, and what the large providers use them for.

use super::{Hint, PauseReason, ReplyCode, SmtpOutcome, Stage};
use crate::mail::connect::ConnectError;

/// Wait before a greylisting server is tried again. Most open after 5 minutes, nearly all after 15.
pub(super) const GREYLIST: u32 = 15;
/// Wait before a full mailbox is tried again: its owner must act first.
pub(super) const FULL: u32 = 240;
/// Pause after "too many connections" or a server in trouble: such windows are a few minutes long.
const SHORT: u32 = 15;
/// Pause after a temporary rate answer, and wait for a recipient who gets too much: these windows are an hour.
const HOUR: u32 = 60;
/// Pause after a daily limit or a refusal of our sender or domain: limits roll over 24 h, reputation isn't mended sooner.
const DAY: u32 = 1440;

/// The stages a rule is for, first and last.
#[derive(Clone, Copy)]
struct Stages(Stage, Stage);

const ANY: Stages = Stages(Stage::Connect, Stage::FinalDot);
const BEFORE_DOT: Stages = Stages(Stage::Connect, Stage::Data);
const PAST_DOT: Stages = Stages(Stage::Body, Stage::FinalDot);
const STARTTLS: Stages = Stages(Stage::StartTls, Stage::StartTls);
const SIGN_IN: Stages = Stages(Stage::SignIn, Stage::SignIn);
const RECIPIENT: Stages = Stages(Stage::Recipient, Stage::Recipient);
const BEFORE_RECIPIENT: Stages = Stages(Stage::Connect, Stage::MailFrom);

/// What a reply must say.
#[derive(Clone, Copy)]
enum Says {
    /// Any reply with a basic code in this range.
    Basic(u16, u16),
    /// One of these enhanced codes.
    Enhanced(&'static [(u8, u16, u16)]),
    /// A 5xx with this enhanced subject.
    Subject5(u16),
    /// This basic code and enhanced code.
    Both(u16, (u8, u16, u16)),
    /// A basic code in this range with no enhanced code, or with the one that says nothing.
    Bare(u16, u16),
    /// A basic code in this range and these words.
    Words(u16, u16, Hint),
}

/// What follows from it.
#[derive(Clone, Copy)]
enum Then {
    /// Refused for good.
    Hard,
    /// Refused; another try after so many minutes, or none.
    Soft(Option<u32>),
    /// The mailbox rests for so many minutes.
    Pause(PauseReason, u32),
    /// The owner must sign in anew.
    SignIn,
    /// Perhaps taken.
    Unknown,
    /// Not an answer to what was asked.
    Nonsense,
}

use PauseReason::{OurMistake, Policy, SenderRefused, SendingLimit, SignInUnavailable, TooManyConnections};
use Says::{Bare, Basic, Both, Enhanced, Subject5, Words};
use Then::{Hard, Nonsense, Pause, SignIn, Soft, Unknown};

const RULES: &[(Stages, Says, Then)] = &[
    // "Closing" may be said of the connection as well as of the mail (RFC 5321 section 3.8).
    (PAST_DOT, Basic(421, 421), Unknown),
    // Sign-in, wherever a server says it (RFC 4954 section 6; 5.7.30 and 5.7.139: Microsoft without basic authentication).
    (BEFORE_DOT, Basic(530, 530), SignIn),
    (BEFORE_DOT, Basic(534, 535), SignIn),
    (BEFORE_DOT, Basic(538, 538), SignIn),
    (BEFORE_DOT, Enhanced(&[(5, 7, 30), (5, 7, 139)]), SignIn),
    (BEFORE_DOT, Words(500, 599, Hint::SignIn), SignIn),
    (SIGN_IN, Basic(421, 421), Pause(TooManyConnections, SHORT)),
    (SIGN_IN, Basic(432, 432), Pause(TooManyConnections, SHORT)),
    (SIGN_IN, Basic(400, 499), Pause(SignInUnavailable, SHORT)),
    (SIGN_IN, Basic(500, 504), Pause(OurMistake, DAY)),
    (SIGN_IN, Basic(505, 599), SignIn),
    // TLS is out of order at the server (RFC 3207 section 4).
    (STARTTLS, Basic(400, 499), Pause(TooManyConnections, SHORT)),
    (STARTTLS, Basic(500, 599), Pause(OurMistake, DAY)),
    // Said of the recipient's rate, so before the sender's.
    (ANY, Words(400, 599, Hint::RecipientBusy), Soft(Some(HOUR))),
    // Our rate: providers' words first, since they put them on codes that mean something else.
    (ANY, Words(400, 499, Hint::SenderLimit), Pause(SendingLimit, HOUR)),
    (ANY, Words(500, 599, Hint::SenderLimit), Pause(SendingLimit, DAY)),
    (ANY, Enhanced(&[(4, 7, 28), (4, 7, 232), (4, 7, 233), (4, 7, 650), (4, 7, 651), (4, 7, 652)]), Pause(SendingLimit, HOUR)),
    (ANY, Enhanced(&[(5, 4, 5), (5, 7, 28), (5, 1, 90), (5, 7, 232), (5, 7, 233)]), Pause(SendingLimit, DAY)),
    // Our sender, whatever the stage at which the server finds out.
    (ANY, Words(500, 599, Hint::SenderRefused), Pause(SenderRefused, DAY)),
    (ANY, Enhanced(&[(5, 1, 7), (5, 1, 8), (5, 2, 252), (5, 7, 60)]), Pause(SenderRefused, DAY)),
    (ANY, Words(500, 599, Hint::Policy), Pause(Policy, DAY)),
    (ANY, Words(400, 499, Hint::Greylisted), Soft(Some(GREYLIST))),
    // The server has too much to do, or of us.
    (ANY, Basic(421, 421), Pause(TooManyConnections, SHORT)),
    (ANY, Basic(432, 432), Pause(TooManyConnections, SHORT)),
    (ANY, Enhanced(&[(4, 3, 2)]), Pause(TooManyConnections, SHORT)),
    (BEFORE_DOT, Both(454, (4, 7, 0)), Pause(SignInUnavailable, SHORT)),
    // A full mailbox is soft, whatever its class.
    (ANY, Enhanced(&[(4, 2, 2), (5, 2, 2)]), Soft(Some(FULL))),
    // Our mail is too large, or our command is no command.
    (ANY, Bare(552, 552), Pause(OurMistake, DAY)),
    (ANY, Enhanced(&[(5, 3, 4), (5, 2, 3)]), Pause(OurMistake, DAY)),
    (RECIPIENT, Bare(500, 504), Soft(None)),
    (RECIPIENT, Subject5(7), Pause(Policy, DAY)),
    (RECIPIENT, Basic(500, 504), Hard),
    (ANY, Basic(500, 504), Pause(OurMistake, DAY)),
    (ANY, Subject5(7), Pause(Policy, DAY)),
    (BEFORE_RECIPIENT, Basic(500, 599), Pause(SenderRefused, DAY)),
    // Permanent for this mail; without an enhanced code nothing is said about the address.
    (ANY, Bare(500, 599), Soft(None)),
    (ANY, Basic(500, 599), Hard),
    (BEFORE_RECIPIENT, Basic(400, 499), Pause(TooManyConnections, SHORT)),
    // 450 and 451, with or without 4.7.1, are what greylisting says.
    (ANY, Basic(400, 499), Soft(Some(GREYLIST))),
    (PAST_DOT, Basic(0, u16::MAX), Unknown),
    (ANY, Basic(0, u16::MAX), Nonsense),
];

impl Says {
    fn fits(self, code: ReplyCode) -> bool {
        let within = |low: u16, high: u16| (low..=high).contains(&code.basic);
        match self {
            Self::Basic(low, high) => within(low, high),
            Self::Enhanced(codes) => code.enhanced.is_some_and(|e| codes.contains(&e)),
            Self::Subject5(subject) => within(500, 599) && code.enhanced.is_some_and(|e| e.1 == subject),
            Self::Both(basic, enhanced) => code.basic == basic && code.enhanced == Some(enhanced),
            Self::Bare(low, high) => within(low, high) && code.enhanced.is_none_or(|e| (e.1, e.2) == (0, 0)),
            Self::Words(low, high, hint) => within(low, high) && code.hint == Some(hint),
        }
    }
}

/// The outcome of a reply that is no success at a stage.
pub fn classify(stage: Stage, code: ReplyCode) -> SmtpOutcome {
    let fits = |(stages, says, _): &&(Stages, Says, Then)| stages.0 <= stage && stage <= stages.1 && says.fits(code);
    // The last rule fits everything; without it nothing could be known.
    let then = RULES.iter().find(fits).map_or(Unknown, |rule| rule.2);
    let past_dot = stage.past_dot_mark();
    match then {
        Hard => SmtpOutcome::RefusedHard { code },
        Soft(minutes) => SmtpOutcome::RefusedSoft { code, retry_minutes: minutes.filter(|_| !past_dot) },
        Pause(reason, minutes) => SmtpOutcome::PauseMailbox { code, reason, minutes, resend: !past_dot && reason != OurMistake },
        SignIn => SmtpOutcome::SignInRefused { code },
        Unknown => SmtpOutcome::UnknownAfterDot,
        Nonsense => SmtpOutcome::NetworkError { stage, kind: ConnectError::Protocol },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAGES: [Stage; 10] = [
        Stage::Connect,
        Stage::Greeting,
        Stage::Hello,
        Stage::StartTls,
        Stage::SignIn,
        Stage::MailFrom,
        Stage::Recipient,
        Stage::Data,
        Stage::Body,
        Stage::FinalDot,
    ];

    #[test]
    fn every_rule_decides_something() {
        // A rule that an earlier one always hides would be dead.
        let words = [None, Some(Hint::Greylisted), Some(Hint::SenderLimit), Some(Hint::RecipientBusy)];
        let words = words.into_iter().chain([Some(Hint::SenderRefused), Some(Hint::Policy), Some(Hint::SignIn)]);
        let mut used = vec![false; RULES.len()];
        for hint in words {
            for basic in [200, 354].into_iter().chain(400..600) {
                let class = (basic / 100) as u8;
                let mut codes = vec![None, Some((class, 0, 0)), Some((class, 1, 1)), Some((class, 7, 1)), Some((class, 7, 0))];
                codes.extend(RULES.iter().flat_map(|rule| match rule.1 {
                    Enhanced(all) => all.iter().filter(|e| e.0 == class).map(|e| Some(*e)).collect(),
                    _ => vec![],
                }));
                for enhanced in codes {
                    for stage in STAGES {
                        let code = ReplyCode { basic, enhanced, hint };
                        let at = RULES.iter().position(|(s, says, _)| s.0 <= stage && stage <= s.1 && says.fits(code));
                        used[at.expect("the table is complete")] = true;
                    }
                }
            }
        }
        let dead: Vec<usize> = used.iter().enumerate().filter(|(_, u)| !**u).map(|(i, _)| i).collect();
        assert!(dead.is_empty(), "rules that never decide: {dead:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn past_the_dot_nothing_is_sent_again(basic in 0..1000_u16, text in "[245]\\.[0-9]{1,2}\\.[0-9]{1,3} [ -~]{0,40}", stage in 8..10_usize) {
            let got = classify(STAGES[stage], ReplyCode::parse(basic, &text));
            prop_assert!(!got.may_resend(), "{got:?}");
            // No success is made of a failure.
            prop_assert!(got != SmtpOutcome::Sent);
        }

        #[test]
        fn before_the_dot_every_reply_has_a_bounded_wait(basic in 0..1000_u16, text in "[ -~]{0,60}", stage in 0..8_usize) {
            match classify(STAGES[stage], ReplyCode::parse(basic, &text)) {
                SmtpOutcome::Sent | SmtpOutcome::UnknownAfterDot => prop_assert!(false, "a refusal before the dot is known to be one"),
                SmtpOutcome::RefusedSoft { retry_minutes: Some(minutes), .. } | SmtpOutcome::PauseMailbox { minutes, .. } => {
                    prop_assert!((1..=DAY).contains(&minutes));
                }
                SmtpOutcome::RefusedHard { .. } => prop_assert!((500..600).contains(&basic)),
                _ => {}
            }
        }
    }
}
