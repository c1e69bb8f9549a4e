use super::*;
use std::collections::BTreeSet;

fn exchange(n: u32) -> [u8; 16] {
    let mut x = [0; 16];
    x[..4].copy_from_slice(&n.to_be_bytes());
    x
}

/// Every template is well-formed: each part of each thread expands whatever the stream picks, since all alternatives
/// are expanded.
#[test]
fn the_whole_bank_is_well_formed() {
    let threads: Vec<&str> = EN.split("\n====\n").collect();
    assert!(threads.len() >= 36);
    let slots = slots::Slots::draw(&[1; 16]);
    for (i, thread) in threads.iter().enumerate() {
        let parts: Vec<&str> = thread.split("\n----\n").collect();
        assert_eq!(parts.len(), 6, "thread {i}");
        for (p, part) in parts.iter().enumerate() {
            let text = grammar::expand(part.trim(), &mut Stream::new("t", &[]), &slots);
            let text = text.unwrap_or_else(|| panic!("thread {i}, part {p} is not well-formed"));
            assert!(!text.contains(['{', '}', '[', ']', '|']) && !text.contains("http") && text.is_ascii());
        }
    }
    for bad in ["{a", "a}", "a|b", "[nobody]", "{a|{b}", "[day"] {
        assert!(grammar::expand(bad, &mut Stream::new("t", &[]), &slots).is_none(), "{bad}");
    }
}

#[test]
fn texts_repeat_for_one_exchange_and_differ_between_exchanges() {
    let first = |n| text(&exchange(n), 0, 0, BANK_VERSION).unwrap();
    assert_eq!(first(7), first(7));
    let bodies: BTreeSet<String> = (0..10_000).map(|n| first(n).body.lines().rev().skip(2).collect()).collect();
    assert!(bodies.len() > 9_900, "{} distinct texts", bodies.len());
}

#[test]
fn a_thread_has_five_turns_of_modest_length() {
    for n in 0..2_000 {
        let subject = text(&exchange(n), 0, 0, BANK_VERSION).unwrap().subject;
        assert!((5..60).contains(&subject.len()), "{subject}");
        for turn in 0..crate::limits::TURNS {
            let t = text(&exchange(n), turn, 0, BANK_VERSION).unwrap();
            let words = t.body.split_whitespace().count();
            assert!((40..=180).contains(&words), "{words} words in turn {turn} of \"{subject}\":\n{}", t.body);
            assert!(
                t.body.ends_with(&format!("Warmnet exchange {}: automated mail between consenting mailboxes\n", hex::encode(exchange(n))))
            );
            assert_eq!(t.subject, if turn == 0 { subject.clone() } else { format!("Re: {subject}") });
        }
    }
    assert_eq!(text(&exchange(0), 5, 0, BANK_VERSION), None);
    assert_eq!(text(&exchange(0), 0, 1, BANK_VERSION), None);
    assert_eq!(text(&exchange(0), 0, 0, 2), None);
}

/// Content filters weigh such words; a text that needs none of them is judged by its sender's behaviour alone.
#[test]
fn the_bank_holds_no_word_that_filters_dislike() {
    let disliked = "account bank bet bets bonus buy cash casino cheap click credit cure deal discount doctor dollar dollars \
        euro free guarantee http https immediately invoice link loan medicine money offer password pay payment \
        pharmacy pill pills price prize sale unsubscribe urgent verify win www";
    let words: BTreeSet<String> = EN.split(|c: char| !c.is_ascii_alphabetic()).map(str::to_ascii_lowercase).collect();
    for word in disliked.split_whitespace() {
        assert!(!words.contains(word), "{word}");
    }
}

#[test]
fn people_and_days_of_a_thread_are_different_ones() {
    for n in 0..2_000 {
        let s = slots::Slots::draw(&exchange(n));
        let people: BTreeSet<_> = ["sender", "receiver", "colleague"].map(|w| s.get(w)).into();
        assert_eq!(people.len(), 3);
        assert_ne!(s.get("day"), s.get("other_day"));
    }
}

#[test]
fn sentences_begin_with_a_capital() {
    for n in 0..500 {
        let body = text(&exchange(n), 1, 0, BANK_VERSION).unwrap().body;
        let small = body.split(['.', '?', '!', '\n']).map(str::trim_start).find(|s| s.starts_with(|c: char| c.is_ascii_lowercase()));
        assert_eq!(small, None);
    }
}

#[test]
fn banners_are_tolerated_and_changed_words_are_not() {
    let expected = normalise(&text(&exchange(1), 0, 0, BANK_VERSION).unwrap().body);
    let mail = |body: &str| normalise(&format!("EXTERNAL MAIL\r\n\r\n{}\r\n-- \r\nlist footer", body.replace('\n', "\r\n  ")));
    let body = text(&exchange(1), 0, 0, BANK_VERSION).unwrap().body;
    assert!(contains(&mail(&body), &expected));
    assert!(!contains(&mail(&body.replacen(' ', " not ", 1)), &expected));
    assert!(!contains("anything", ""));
}

#[test]
fn the_bank_is_the_golden_one() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../../../vectors/text.json")).unwrap_or_default();
    let produced: Vec<serde_json::Value> = [(1, 0), (2, 1), (3, 4)]
        .map(|(n, turn)| {
            let t = text(&exchange(n), turn, 0, BANK_VERSION).unwrap();
            let digest = crate::identity::hash::digest(normalise(&t.body).as_bytes()).to_hex();
            serde_json::json!({"exchange": hex::encode(exchange(n)), "turn": turn, "subject": t.subject, "digest": digest})
        })
        .into();
    let produced = serde_json::json!({"bank": BANK_VERSION, "texts": produced});
    assert_eq!(golden, produced, "a changed text needs a new bank version; vectors/text.json would be\n{produced:#}");
}
