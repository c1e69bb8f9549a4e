//! One test a row of the table.

use super::{
    table::{FULL, GREYLIST},
    *,
};

fn at(stage: Stage, basic: u16, text: &str) -> SmtpOutcome {
    classify(stage, ReplyCode::parse(basic, text))
}

fn rcpt(basic: u16, text: &str) -> SmtpOutcome {
    at(Stage::Recipient, basic, text)
}

fn reason(outcome: SmtpOutcome) -> Option<(PauseReason, u32, bool)> {
    match outcome {
        SmtpOutcome::PauseMailbox { reason, minutes, resend, .. } => Some((reason, minutes, resend)),
        _ => None,
    }
}

fn retry(outcome: SmtpOutcome) -> Option<Option<u32>> {
    match outcome {
        SmtpOutcome::RefusedSoft { retry_minutes, .. } => Some(retry_minutes),
        _ => None,
    }
}

#[test]
fn a_bad_address_is_hard() {
    for text in ["5.1.1 no such user", "5.1.10 null MX"] {
        assert!(matches!(rcpt(550, text), SmtpOutcome::RefusedHard { .. }), "{text}");
    }
}

#[test]
fn a_full_mailbox_is_soft_in_both_classes() {
    assert_eq!(retry(rcpt(452, "4.2.2 full")), Some(Some(FULL)));
    assert_eq!(retry(rcpt(552, "5.2.2 full")), Some(Some(FULL)));
}

#[test]
fn greylisting_is_tried_again_after_15_minutes() {
    assert_eq!(retry(rcpt(450, "4.7.1 greylisted")), Some(Some(15)));
    assert_eq!(retry(rcpt(451, "4.7.1 come back")), Some(Some(GREYLIST)));
    assert_eq!(retry(rcpt(451, "later")), Some(Some(15)));
}

#[test]
fn too_many_connections_pause_the_mailbox() {
    let want = Some((PauseReason::TooManyConnections, 15, true));
    assert_eq!(reason(rcpt(421, "4.7.0 try later")), want);
    assert_eq!(reason(at(Stage::Greeting, 421, "busy")), want);
    assert_eq!(reason(at(Stage::MailFrom, 432, "4.3.2 limit")), want);
    assert_eq!(reason(rcpt(451, "4.3.2 not accepting")), want);
}

#[test]
fn sign_in_out_of_order_is_a_short_pause() {
    let want = Some((PauseReason::SignInUnavailable, 15, true));
    assert_eq!(reason(at(Stage::SignIn, 454, "4.7.0 temporary")), want);
}

#[test]
fn sign_in_refused_is_never_a_loop() {
    for (basic, text) in [(535, "5.7.8 bad"), (534, "5.7.9 app password"), (550, "5.7.30 basic off")] {
        assert!(matches!(at(Stage::SignIn, basic, text), SmtpOutcome::SignInRefused { .. }));
    }
    assert!(matches!(at(Stage::MailFrom, 530, "5.7.0 auth"), SmtpOutcome::SignInRefused { .. }));
}

#[test]
fn a_sending_limit_pauses_for_a_day() {
    for text in ["5.4.5 daily limit", "5.7.28 rate"] {
        let got = reason(rcpt(550, text));
        assert_eq!(got, Some((PauseReason::SendingLimit, 1440, true)), "{text}");
    }
}

#[test]
fn policy_is_the_domains_affair() {
    for text in ["5.7.1 blocked", "5.7.26 unauthenticated", "5.7.515 not met"] {
        assert_eq!(reason(rcpt(550, text)), Some((PauseReason::Policy, 1440, true)), "{text}");
    }
}

#[test]
fn a_size_refusal_is_our_mistake_and_not_repeated() {
    let want = Some((PauseReason::OurMistake, 1440, false));
    assert_eq!(reason(at(Stage::MailFrom, 552, "5.3.4 too big")), want);
    assert_eq!(reason(rcpt(552, "too big")), want);
    assert_eq!(reason(at(Stage::MailFrom, 501, "5.5.4 syntax")), want);
}

#[test]
fn permanent_without_enhanced_code_condemns_the_mail_only() {
    assert_eq!(retry(rcpt(550, "no")), Some(None));
}

#[test]
fn a_refused_sender_pauses() {
    let want = Some((PauseReason::SenderRefused, 1440, true));
    assert_eq!(reason(at(Stage::MailFrom, 553, "5.1.8 sender")), want);
}

#[test]
fn past_the_dot_nothing_is_sent_again() {
    for basic in 400..600 {
        for text in ["", "4.7.1 x", "5.1.1 x", "5.7.1 x", "4.3.2 x", "5.4.5 x", "5.3.4 x", "5.2.2 x"] {
            let got = at(Stage::FinalDot, basic, text);
            assert!(!got.may_resend(), "{basic} {text}: {got:?}");
        }
    }
    assert_eq!(at(Stage::FinalDot, 421, "closing"), SmtpOutcome::UnknownAfterDot);
    assert!(matches!(at(Stage::FinalDot, 554, "5.6.0 x"), SmtpOutcome::RefusedHard { .. }));
}

#[test]
fn an_enhanced_code_must_fit_its_reply() {
    assert_eq!(ReplyCode::parse(550, "5.1.1 x").enhanced, Some((5, 1, 1)));
    assert_eq!(ReplyCode::parse(550, "4.1.1 x").enhanced, None);
    assert_eq!(ReplyCode::parse(550, "5.1 x").enhanced, None);
    assert_eq!(ReplyCode::parse(550, "").enhanced, None);
    assert_eq!(ReplyCode::parse(550, "5.1.1 x").to_string(), "550 5.1.1");
}

#[test]
fn what_may_be_sent_again() {
    let code = ReplyCode::parse(550, "");
    let net = SmtpOutcome::NetworkError { stage: Stage::Data, kind: ConnectError::Closed };
    assert!(net.may_resend());
    assert!(!SmtpOutcome::UnknownAfterDot.may_resend());
    assert!(!SmtpOutcome::MarkFailed { mark: Mark::Dot }.may_resend());
    assert!(SmtpOutcome::MarkFailed { mark: Mark::Intent }.may_resend());
    assert!(!SmtpOutcome::RefusedHard { code }.may_resend());
}

#[test]
fn providers_words_count_more_than_their_codes() {
    use PauseReason::{Policy, SenderRefused, SendingLimit, SignInUnavailable, TooManyConnections};
    let limits = [
        ("Gmail", Stage::FinalDot, 550, "5.4.5 Daily user sending limit exceeded."),
        ("Gmail", Stage::MailFrom, 421, "4.7.28 Our system has detected an unusual rate of unsolicited mail"),
        ("Microsoft", Stage::FinalDot, 554, "5.2.2 mailbox full; STOREDRV.Submission.Exception:SubmissionQuotaExceededException"),
        (
            "Microsoft",
            Stage::Recipient,
            550,
            "5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
        ),
        ("Microsoft", Stage::Recipient, 550, "5.7.232 tenant exceeded its external recipient rate limit"),
        ("Yahoo", Stage::MailFrom, 421, "4.7.0 [TSS04] Messages temporarily deferred due to unexpected volume"),
        ("Zoho", Stage::FinalDot, 550, "5.4.6 Unusual sending activity detected. Please try after sometime."),
    ];
    for (who, stage, basic, text) in limits {
        let got = reason(at(stage, basic, text)).map(|(r, ..)| r);
        assert_eq!(got, Some(SendingLimit), "{who}: {basic} {text}");
    }
    let others = [
        ("Gmail", Stage::SignIn, 454, "4.7.0 Too many login attempts, please try again later", SignInUnavailable),
        ("Gmail", Stage::FinalDot, 550, "5.7.26 This mail is unauthenticated", Policy),
        ("Microsoft", Stage::MailFrom, 432, "4.3.2 Concurrent connections limit exceeded", TooManyConnections),
        ("Microsoft", Stage::FinalDot, 554, "5.2.252 SendAsDenied", SenderRefused),
        ("Microsoft", Stage::Recipient, 550, "5.1.8 Access denied, bad outbound sender", SenderRefused),
        ("Microsoft", Stage::FinalDot, 550, "5.7.515 Access denied", Policy),
        ("Yahoo", Stage::FinalDot, 554, "Message not allowed - [PH01] Email not accepted for policy reasons", Policy),
        ("iCloud", Stage::MailFrom, 550, "5.7.0 From address is not one of your addresses", SenderRefused),
        ("iCloud", Stage::FinalDot, 554, "5.7.1 [CS01] Message rejected due to local policy", Policy),
        ("Zoho", Stage::FinalDot, 554, "5.1.8 Email Outgoing Blocked", SenderRefused),
        ("Zoho", Stage::MailFrom, 553, "Relaying disallowed as a@a.test", SenderRefused),
    ];
    for (who, stage, basic, text, want) in others {
        assert_eq!(reason(at(stage, basic, text)).map(|(r, ..)| r), Some(want), "{who}: {basic} {text}");
    }
    assert_eq!(retry(rcpt(450, "4.2.1 The user you are trying to contact is receiving mail too quickly")), Some(Some(60)));
    assert!(matches!(
        at(Stage::SignIn, 535, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled"),
        SmtpOutcome::SignInRefused { .. }
    ));
}

#[test]
fn only_what_waiting_does_not_mend_is_an_alarm() {
    assert!(rcpt(550, "5.7.1 blocked").alarm().is_some());
    assert!(at(Stage::SignIn, 535, "5.7.8 no").alarm().is_some());
    for quiet in [rcpt(421, "busy"), rcpt(550, "5.1.1 no"), rcpt(550, "5.4.5 limit"), SmtpOutcome::UnknownAfterDot] {
        assert_eq!(quiet.alarm(), None, "{quiet:?}");
    }
}
