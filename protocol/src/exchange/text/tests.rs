use super::*;
use crate::ids::MemberId;
use crate::time::Epoch;
use std::collections::{BTreeMap, BTreeSet};

fn exchange(n: u32) -> [u8; 16] {
    let mut x = [0; 16];
    x[..4].copy_from_slice(&n.to_be_bytes());
    x
}

const A: MemberId = MemberId([1; 32]);
const B: MemberId = MemberId([2; 32]);

/// The mail of exchange n, as one of the exchanges of two members.
fn mail(n: u32, turn: u8, language: u8) -> MailText {
    let x = exchange(n);
    text(&Occasion { exchange: &x, members: [&A, &B], epoch: Epoch(n), meeting: 0 }, turn, language, BANK_VERSION).unwrap()
}

fn languages() -> std::ops::Range<u8> {
    0..LANGUAGES.len() as u8
}

#[test]
fn texts_repeat_for_one_exchange_and_differ_between_exchanges() {
    for language in languages() {
        assert_eq!(mail(7, 0, language), mail(7, 0, language));
        let bodies: BTreeSet<String> = (0..2_000).map(|n| mail(n, 0, language).body.lines().rev().skip(2).collect()).collect();
        assert!(bodies.len() > 1_990, "{} distinct texts", bodies.len());
    }
}

#[test]
fn the_order_of_the_members_does_not_count() {
    let x = exchange(1);
    let of = |members| text(&Occasion { exchange: &x, members, epoch: Epoch(3), meeting: 1 }, 0, 1, BANK_VERSION);
    assert_eq!(of([&A, &B]), of([&B, &A]));
}

/// The proof by counting: whatever 90 epochs in a row ask of one part, its numbers are all different, because no thread
/// falls into more blocks than the part has numbers. That other numbers are other texts is the linter's part.
#[test]
fn no_part_is_asked_for_the_same_number_twice_in_90_epochs() {
    for language in languages() {
        let bank = source(language).unwrap();
        let threads = bank::threads(bank);
        let least =
            threads.iter().flat_map(|(_, t)| (1..bank::PARTS).map(|p| bank::part(t, p).unwrap().numbered(needed(threads.len())).1)).min();
        assert!(least.unwrap() >= needed(threads.len()), "{least:?}");
        for first in [0, 17, 4_000] {
            let mut asked: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
            for (epoch, meeting) in (first..first + EPOCHS as u32).flat_map(|e| (0..MEETINGS).map(move |m| (e, m))) {
                let x = exchange(epoch);
                let occasion = Occasion { exchange: &x, members: [&A, &B], epoch: Epoch(epoch), meeting };
                let place = occasion.place(threads.len());
                let number = occasion.number(&place, 3, needed(threads.len()));
                assert!(asked.entry(place.thread).or_default().insert(number), "thread {} twice", place.thread);
            }
            assert_eq!(asked.len(), threads.len(), "every thread has its turn");
        }
    }
}

/// The same with real texts, for many pairs: every turn, and subject and turn together.
#[test]
fn two_members_never_read_the_same_text_twice_in_90_epochs() {
    for language in languages() {
        for pair in 0..6u8 {
            let (a, b) = (MemberId([pair; 32]), MemberId([pair + 100; 32]));
            let first = u32::from(pair) * 1_000;
            let mut read: BTreeSet<String> = BTreeSet::new();
            for (epoch, meeting) in (first..first + EPOCHS as u32).flat_map(|e| (0..MEETINGS).map(move |m| (e, m))) {
                // One id for all, so that the same people, days and things come in all of them: only the words can differ.
                let x = exchange(u32::from(pair));
                let occasion = Occasion { exchange: &x, members: [&a, &b], epoch: Epoch(epoch), meeting };
                let turns = if meeting < 2 { TURNS } else { 1 };
                for turn in 0..turns {
                    let t = text(&occasion, turn, language, BANK_VERSION).unwrap();
                    assert!(
                        read.insert(t.body.clone()),
                        "{}: epoch {epoch}, meeting {meeting}, turn {turn}:\n{}",
                        LANGUAGES[usize::from(language)],
                        t.body
                    );
                }
            }
        }
    }
}

#[test]
fn a_thread_has_five_turns_of_modest_length() {
    for language in languages() {
        for n in 0..400 {
            let subject = mail(n, 0, language).subject;
            assert!((5..70).contains(&subject.chars().count()), "{subject}");
            for turn in 0..TURNS {
                let t = mail(n, turn, language);
                let words = t.body.split_whitespace().count();
                assert!((32..=180).contains(&words), "{words} words in turn {turn} of \"{subject}\":\n{}", t.body);
                assert!(!t.body.contains(['{', '}', '[', ']', '|']) && !t.subject.contains(['{', '}', '[', ']', '|']));
                let footer = format!("Warmnet exchange {n:08x}-00000000-00000000-00000000: automated mail between consenting mailboxes\n");
                assert!(t.body.ends_with(&footer));
                assert_eq!(t.subject, if turn == 0 { subject.clone() } else { format!("Re: {subject}") });
            }
        }
    }
}

#[test]
fn what_does_not_exist_gives_nothing() {
    let x = exchange(0);
    let occasion = Occasion { exchange: &x, members: [&A, &B], epoch: Epoch(0), meeting: 0 };
    assert_eq!(text(&occasion, 5, 0, BANK_VERSION), None);
    assert_eq!(text(&occasion, 0, LANGUAGES.len() as u8, BANK_VERSION), None);
    assert_eq!(text(&occasion, 0, 0, 2), None);
    assert_eq!(sample(source(0).unwrap(), 0, 10_000, 0, &x), None);
    assert_eq!(source(LANGUAGES.len() as u8), None);
}

#[test]
fn people_and_days_of_a_thread_are_different_ones() {
    for language in languages() {
        for n in 0..1_000 {
            let s = slots::Slots::draw(&exchange(n), words::of(language).unwrap());
            let people: BTreeSet<_> = ["sender", "receiver", "colleague"].map(|w| s.get(w)).into();
            assert_eq!(people.len(), 3);
            assert_ne!(s.get("day"), s.get("other_day"));
        }
    }
}

/// What the lists promise to the threads (`words.rs`).
#[test]
fn the_words_keep_their_promises() {
    for language in languages() {
        let words = words::of(language).unwrap();
        assert_eq!(words.names.len() % 3, 0);
        for slot in slots::SLOTS {
            let list = words.list(slot).unwrap();
            for (i, one) in list.iter().enumerate() {
                for (j, other) in list.iter().enumerate() {
                    assert!(i == j || !other.to_lowercase().starts_with(&one.to_lowercase()), "{one}, {other}");
                }
            }
        }
    }
    let french = words::of(2).unwrap();
    for word in [french.names, french.towns, french.topics, french.things].concat() {
        assert!(!word.to_lowercase().starts_with(['a', 'e', 'i', 'o', 'u', 'y', 'h', 'é', 'è', 'â', 'î']), "{word}");
    }
    assert!(words::of(3).unwrap().names.iter().all(|n| !n.starts_with(['I', 'O', 'H'])));
}

#[test]
fn sentences_begin_with_a_capital() {
    for language in [0, 2, 3] {
        for n in 0..300 {
            let body = mail(n, 1, language).body;
            let starts = |s: &str| s.trim_start().trim_start_matches(['¿', '¡']).chars().next();
            let small = body.split(['.', '?', '!', '\n']).find(|s| starts(s).is_some_and(char::is_lowercase));
            assert_eq!(small, None, "{body}");
        }
    }
    // In German the sentence goes on after the salutation.
    assert_eq!(
        template::sentences("hallo Jana,\n\nälter wird man. über Nacht\n\njana", false),
        "Hallo Jana,\n\nälter wird man. Über Nacht\n\nJana"
    );
    assert_eq!(template::sentences("¿y tú? ¿cómo\nestás", true), "¿Y tú? ¿Cómo\nEstás");
}

#[test]
fn banners_are_tolerated_and_changed_words_are_not() {
    for language in languages() {
        let body = mail(1, 0, language).body;
        let expected = normalise(&body);
        let shown = |body: &str| normalise(&format!("EXTERNAL MAIL\r\n\r\n{}\r\n-- \r\nlist footer", body.replace('\n', "\r\n  ")));
        assert!(contains(&shown(&body), &expected));
        assert!(!contains(&shown(&body.replacen(' ', " not ", 1)), &expected));
        assert!(!contains("anything", ""));
    }
}

#[test]
fn the_banks_are_the_golden_ones() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../../../vectors/text.json")).unwrap_or_default();
    let digest = |t: &MailText| crate::identity::hash::digest(normalise(&t.body).as_bytes()).to_hex();
    let mail = |n: u32, meeting: u8, turn: u8, language: u8| {
        let x = exchange(n);
        text(&Occasion { exchange: &x, members: [&A, &B], epoch: Epoch(n), meeting }, turn, language, BANK_VERSION).unwrap()
    };
    let occasions = [(1, 0, 0), (2, 0, 1), (3, 0, 4), (4, 1, 2), (4, 3, 3), (4, 13, 0), (77, 9, 2), (1_003, 1, 3)];
    let produced: Vec<serde_json::Value> = languages()
        .flat_map(|language| occasions.map(|(n, meeting, turn)| (language, n, meeting, turn)))
        .map(|(language, n, meeting, turn)| {
            let t = mail(n, meeting, turn, language);
            serde_json::json!({"language": LANGUAGES[usize::from(language)], "exchange": hex::encode(exchange(n)), "epoch": n,
                "meeting": meeting, "turn": turn, "subject": t.subject, "digest": digest(&t)})
        })
        .collect();
    // The whole banks, so that no change slips past the samples.
    let banks: BTreeMap<&str, String> =
        languages().map(|l| (LANGUAGES[usize::from(l)], crate::identity::hash::digest(source(l).unwrap().as_bytes()).to_hex())).collect();
    let members = [A, B].map(|m| hex::encode(m.0));
    let words: BTreeMap<&str, serde_json::Value> = languages().map(|l| (LANGUAGES[usize::from(l)], word_lists(l))).collect();
    let produced = serde_json::json!({
        "bank": BANK_VERSION, "members": members, "banks": banks, "words": words, "texts": produced, "capitals": capitals(),
    });
    assert_eq!(golden, produced, "a changed text needs a new bank version; vectors/text.json would be\n{produced:#}");
}

/// Where a capital is put, and what keeps it away.
fn capitals() -> Vec<serde_json::Value> {
    let texts = [
        "hallo Jana,\n\nälter wird man. über Nacht\n\njana",
        "¿y tú? ¿cómo\nestás",
        "no. ¡sí!  vale",
        "3 apples, 4 pears. 5 plums",
        "\"so\" it said. \"so\"",
        "a.b c?d e!\tf g. (h) i",
        "one... two.\nthree ,\n four",
        "straße. ßen",
        ",\nx\n\ny",
    ];
    let of = |text: &str, after_comma: bool| serde_json::json!({"text": text, "after_comma": after_comma, "written": template::sentences(text, after_comma)});
    texts.iter().flat_map(|text| [true, false].map(|after_comma| of(text, after_comma))).collect()
}

fn word_lists(language: u8) -> serde_json::Value {
    let words = words::of(language).unwrap();
    let list = |slot: &str| words.list(slot).unwrap();
    serde_json::json!({
        "names": list("sender"), "days": list("day"), "rooms": list("room"), "topics": list("topic"),
        "things": list("thing"), "towns": list("town"), "numbers": list("number"), "times": list("time"),
    })
}
