use super::*;
use proptest::prelude::*;

const EVENTS: [Event; 6] = [Event::Delivered, Event::Read, Event::Replied, Event::Rescued, Event::Complained, Event::Bounced];

fn sight(age_days: f64, text: &str) -> Sight {
    let raw = format!("Subject: x\r\n\r\n{text}\r\n");
    Sight::of(raw.as_bytes(), "a@b.test", "c@d.test", age_days, Authentication::Pass)
}

#[test]
fn the_young_start_low_and_age_alone_helps_little() {
    for (temper, low, high) in [(Temper::Lenient, 0.4, 0.5), (Temper::Average, 0.3, 0.4), (Temper::Strict, 0.2, 0.3)] {
        let f = Filter::new(temper, 1);
        let start = f.chance(&sight(3.0, "hello"), 0.0);
        assert!((low..high).contains(&start), "{start}");
        assert!(f.chance(&sight(20.0, "hello"), 17.0) - start < 0.1);
    }
}

#[test]
fn authentication_words_and_misbehaviour_cost() {
    let mut f = Filter::new(Temper::Average, 1);
    let good = f.chance(&sight(20.0, "hello"), 0.0);
    let mut none = sight(20.0, "hello");
    none.authentication = Authentication::None;
    let mut fail = none.clone();
    fail.authentication = Authentication::Fail;
    assert!(f.chance(&none, 0.0) < good && f.chance(&fail, 0.0) < f.chance(&none, 0.0));
    assert!(f.chance(&sight(20.0, "act now, you are a winner"), 0.0) < good);
    for _ in 0..20 {
        f.learn("b.test", Event::Delivered, 0.0);
    }
    f.learn("b.test", Event::Bounced, 0.0);
    f.learn("b.test", Event::Complained, 0.0);
    let hurt = f.chance(&sight(20.0, "hello"), 0.0);
    assert!(hurt < good);
    let later = f.chance(&sight(20.0, "hello"), 120.0);
    assert!(later > hurt && later < good, "{hurt} {later} {good}");
}

/// A sender at one provider: `mails` a day for `days` days; its readers do what nodes do, or nothing. Shares of the
/// inbox in the first and last five days.
fn campaign(temper: Temper, seed: u64, days: u32, mails: u32, engaged: bool) -> (f64, f64) {
    let mut f = Filter::new(temper, seed);
    let (mut early, mut late) = ((0.0, 0.0), (0.0, 0.0));
    for day in 0..days {
        for n in 0..mails {
            let at = f64::from(day);
            let mail = sight(3.0 + at, &format!("mail {day} {n}"));
            let inbox = f.inbox(&mail, at);
            f.learn("b.test", Event::Delivered, at);
            if engaged {
                // Two of three are read or rescued, one of three is answered.
                if (day + n) % 3 != 0 {
                    f.learn("b.test", if inbox { Event::Read } else { Event::Rescued }, at);
                }
                if (day + n) % 3 == 1 {
                    f.learn("b.test", Event::Replied, at);
                }
            }
            let sum = if day < 5 {
                &mut early
            } else if day + 5 >= days {
                &mut late
            } else {
                continue;
            };
            sum.0 += f64::from(u8::from(inbox));
            sum.1 += 1.0;
        }
    }
    (early.0 / early.1, late.0 / late.1)
}

#[test]
fn two_and_a_half_weeks_of_engagement_are_seen_and_their_lack_too() {
    let (mut on, mut off) = ([0.0, 0.0], [0.0, 0.0]);
    let runs = 120;
    for run in 0..runs {
        let temper = [Temper::Lenient, Temper::Average, Temper::Strict][run as usize % 3];
        for (sum, engaged) in [(&mut on, true), (&mut off, false)] {
            let (early, late) = campaign(temper, run, 17, 2, engaged);
            sum[0] += early / runs as f64;
            sum[1] += late / runs as f64;
        }
    }
    assert!((0.33..0.5).contains(&on[0]), "first days {on:?}");
    assert!(on[1] >= 0.75, "last days {on:?}");
    assert!(off[1] <= 0.5 && off[1] - off[0] < 0.12, "control {off:?}");
}

proptest! {
    #[test]
    fn bounded_and_monotone(history in proptest::collection::vec((0usize..6, 0.0f64..40.0), 0..120), age in 0.0f64..4000.0) {
        let mut f = Filter::new(Temper::Average, 7);
        let mut day = 0.0;
        for (event, step) in history {
            day += step / 40.0;
            f.learn("b.test", EVENTS[event], day);
        }
        let mail = sight(age, "hello");
        let before = f.chance(&mail, day);
        prop_assert!((0.0..=1.0).contains(&before));
        for good in [Event::Read, Event::Replied, Event::Rescued] {
            let old = f.chance(&mail, day);
            f.learn("b.test", good, day);
            prop_assert!(f.chance(&mail, day) >= old);
        }
        for bad in [Event::Complained, Event::Bounced] {
            let old = f.chance(&mail, day);
            f.learn("b.test", bad, day);
            prop_assert!(f.chance(&mail, day) <= old);
        }
        prop_assert!(f.chance(&sight(age + 1.0, "hello"), day) >= f.chance(&mail, day));
    }

    #[test]
    fn one_seed_one_verdict_and_a_label_changes_nothing(text in "[a-z ]{1,80}", hex in "[0-9a-f]{32}") {
        let f = Filter::new(Temper::Average, 3);
        let plain = format!("From: a@b.test\r\nSubject: x\r\n\r\n{text}\r\n");
        let labelled = format!(
            "From: a@b.test\r\nWarmnet-Exchange: v1; n=aa; x={hex};\r\n s=bb\r\nSubject: x\r\n\r\n{text}\r\n\r\n\
             Warmnet exchange {hex}: automated mail between consenting mailboxes\r\n"
        );
        let see = |raw: &str| f.inbox(&Sight::of(raw.as_bytes(), "a@b.test", "c@d.test", 3.0, Authentication::Pass), 0.0);
        prop_assert_eq!(see(&plain), see(&labelled));
        prop_assert_eq!(see(&plain), see(&plain));
    }
}
