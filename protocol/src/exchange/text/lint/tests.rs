use super::super::{LANGUAGES, source, thread_count};
use super::*;

fn rules(source: &str) -> Vec<(usize, Rule)> {
    lint(source, 0).into_iter().map(|f| (f.line, f.rule)).collect()
}

/// A thread of which only the part on trial is wrong. The trial stands in line 3.
fn thread(turn: &str) -> String {
    let good = |n: usize| {
        let greek = ["alpha", "beta", "gamma", "delta"][n];
        let choices = "{one|two|three|four|five|six} ".repeat(4);
        format!(
            "{greek} {choices}and then some more plain words so that it is long enough for a mail that somebody would send to [receiver]."
        )
    };
    format!("A subject\n----\n{turn}\n----\n{}\n----\n{}\n----\n{}\n----\n{}", good(0), good(1), good(2), good(3))
}

const GOOD: &str = "{one|two|three|four|five|six} {one|two|three|four|five|six} {one|two|three|four|five|six} {one|two|three|four|five|six} \
    and then some more plain words so that it is long enough for a mail that somebody would send to a friend.";

#[test]
fn the_shipped_banks_are_clean() {
    let mut told = Vec::new();
    for (code, name) in LANGUAGES.iter().enumerate() {
        let bank = source(code as u8).unwrap();
        told.extend(lint(bank, code as u8).into_iter().map(|f| format!("bank_{name}.txt:{}: {}: {}", f.line, f.rule, f.what)));
        assert!(thread_count(bank) >= 24, "{name}");
    }
    assert!(told.is_empty(), "{}\n{}", told.len(), told.join("\n"));
}

#[test]
fn each_fault_is_found_on_its_line() {
    assert_eq!(rules(&thread(GOOD)), []);
    let cases: [(&str, Rule); 13] = [
        ("{a|b", Rule::Grammar),
        ("a}", Rule::Grammar),
        ("a|b", Rule::Grammar),
        ("[day", Rule::Grammar),
        ("{{{{{{{a|b}}}}}}}", Rule::Grammar),
        ("[nobody] {a|b}", Rule::Slot),
        ("{a|}", Rule::Empty),
        ("see example.org now", Rule::Link),
        ("call 030 123 45 67", Rule::Phone),
        ("this is LOUD", Rule::Shouting),
        ("it is urgent", Rule::Word),
        ("a\tb", Rule::Character),
        ("{we go|we go on} from here", Rule::Alike),
    ];
    for (bad, rule) in cases {
        // The fault stands behind good words, so that nothing else is wrong; what begins alike must lead.
        let turn = if rule == Rule::Alike { format!("{bad} {GOOD}") } else { format!("{GOOD} {bad}") };
        assert_eq!(rules(&thread(&turn)), [(3, rule)], "{bad}");
    }
}

#[test]
fn counts_and_repetitions_are_found() {
    assert_eq!(rules("A subject\n----\nonly one turn").first(), Some(&(1, Rule::Turns)));
    let few =
        "{one|two} words and then some more plain words so that it is long enough for a mail that somebody would send to [receiver] today.";
    assert_eq!(rules(&thread(few)), [(3, Rule::Variants)]);
    assert_eq!(
        rules(&thread(
            "{one|two|three|four|five|six} {one|two|three|four|five|six} {one|two|three|four|five|six} {one|two|three|four|five|six}"
        )),
        [(3, Rule::Length)]
    );
    let twice = format!("{}\n====\n{}", thread(GOOD), thread(GOOD));
    assert!(rules(&twice).iter().all(|(line, rule)| *rule == Rule::Duplicate && *line > 11) && rules(&twice).len() == 6);
}

/// Different templates with a text in common: one says as a slot what the other says in words.
#[test]
fn turns_that_can_say_the_same_are_found() {
    let other = GOOD.replace("a friend.", "{Alma|Anton}.");
    let slot = GOOD.replace("a friend.", "[receiver].");
    let bank = format!(
        "{}\n====\n{}",
        thread(&other),
        thread(&slot)
            .replace("A subject", "Another")
            .replace("alpha", "kappa")
            .replace("beta", "iota")
            .replace("gamma", "tau")
            .replace("delta", "rho")
    );
    assert_eq!(rules(&bank), [(15, Rule::Duplicate)]);
}
