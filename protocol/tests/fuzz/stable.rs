//! The loop of a stable toolchain, without coverage feedback: what is accepted becomes material for further inputs instead.

use super::mutate::Mutator;
use super::targets::Target;
use super::targets::engine::live;
use std::collections::BTreeMap;
use std::time::Instant;

/// Inputs a target unless `WARMNET_FUZZ_INPUTS` says otherwise: seconds, so that every test run has them.
const INPUTS: u64 = 20_000;
/// Inputs that new ones are made of.
const CORPUS: usize = 512;
/// Largest accepted input that is kept as material: copying larger ones would be most of the work.
const KEPT_BYTES: usize = 8 * 1024;
/// Peak memory of the whole test process in KiB. No decoder may allocate more than `limits::DECODE_BYTES` at once; the recorded
/// network and some engines need the rest.
const PEAK_KIB: u64 = 512 * 1024;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Inputs a target.
pub(crate) fn inputs() -> u64 {
    number("WARMNET_FUZZ_INPUTS", INPUTS)
}

/// Which inputs.
pub(crate) fn seed() -> u64 {
    number("WARMNET_FUZZ_SEED", 1)
}

/// Peak memory of this process in KiB, where the system tells it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// Prints a target's row: how many a second, how many were accepted, what the others were refused for.
pub(crate) fn row(name: &str, inputs: u64, begun: Instant, accepted: u64, refused: &BTreeMap<String, u64>) {
    let rate = inputs as f64 / begun.elapsed().as_secs_f64();
    println!("{name:<20} {inputs:>9} inputs {rate:>10.0}/s {accepted:>9} accepted");
    for (why, times) in refused {
        println!("{:<20} {times:>9} {why}", "");
    }
}

/// Memory stays within its bound.
pub(crate) fn check_memory() {
    if let Some(peak) = peak_kib() {
        assert!(peak < PEAK_KIB, "{peak} KiB at the peak");
    }
}

/// Feeds each target, and asserts that it refused for every reason it knows and for no other.
pub(crate) fn run(targets: &[Target]) {
    for target in targets {
        let mut mutator = Mutator::new(target.name, seed(), target.words);
        let mut corpus = target.seeds.clone();
        let (mut accepted, mut refused) = (0, BTreeMap::<String, u64>::new());
        let begun = Instant::now();
        for _ in 0..inputs() {
            let input = mutator.next(&corpus, target.limit);
            match (target.run)(&input) {
                Err(why) => *refused.entry(why).or_default() += 1,
                Ok(()) => {
                    accepted += 1;
                    if input.len() > KEPT_BYTES {
                        continue;
                    }
                    if corpus.len() < CORPUS {
                        corpus.push(input);
                    } else {
                        // The golden ones stay.
                        let place = target.seeds.len() + mutator.below(CORPUS - target.seeds.len());
                        corpus[place] = input;
                    }
                }
            }
        }
        row(target.name, inputs(), begun, accepted, &refused);
        assert!(accepted > 0, "{}: nothing was accepted", target.name);
        let met: Vec<&str> = refused.keys().map(String::as_str).collect();
        let mut known = target.refusals.to_vec();
        known.sort_unstable();
        assert_eq!(met, known, "{}: refusals met, and refusals it knows", target.name);
    }
    check_memory();
}

/// Bytes of one list of engine inputs: a few weeks of a node.
const LIST: usize = 12 * 1024;
/// Everything a node can answer to gossip, introductions and labelled mails, and what it does of itself.
const ANSWERS: [&str; 38] = [
    "asks: File",
    "asks: Read",
    "asks: Rescue",
    "asks: introduce",
    "asks: mail",
    "asks: reply",
    "derived",
    "files: bundle",
    "introduced: NotDealt",
    "introduced: NotHere",
    "introduced: NotReady",
    "introduced: Paused",
    "introduced: Quarantined",
    "introduced: WrongAddress",
    "introduced: welcome",
    "mail: no such exchange is dealt to this mailbox now (R-EXCH-8)",
    "mail: not a version 1 label (R-WIRE-10)",
    "mail: text behind the label (R-WIRE-10)",
    "mail: the field e is missing or malformed (R-WIRE-10)",
    "mail: the field n is missing or malformed (R-WIRE-10)",
    "mail: the field r is missing or malformed (R-WIRE-10)",
    "mail: the field s is missing or malformed (R-WIRE-10)",
    "mail: the field t is missing or malformed (R-WIRE-10)",
    "mail: the field x is missing or malformed (R-WIRE-10)",
    "mail: the label does not fit its exchange (R-EXCH-9)",
    "mail: the label is of another network (R-EXCH-8)",
    "mail: the label is right but the text is not as it should be (R-EXCH-12)",
    "mail: the label is right but the words are somebody's own (R-EXCH-29)",
    "mail: the label's signature is not the author's for this mail (R-EXCH-11)",
    "mail: the mail's addresses are not those of its exchange (R-EXCH-10)",
    "mail: this turn of the exchange was seen already (R-EXCH-9)",
    "restarts: refused",
    "restarts: without a row",
    "verdict Accept 0",
    "verdict Ignore 0",
    "verdict Reject 10",
    "verdict Reject 5",
    "went back",
];

/// Rules of gossip that some input of every run breaks, by the words that say so.
const REFUSALS: [&str; 25] = [
    "bytes behind the end of the message (R-WIRE-1)",
    "the bytes are not a message of this kind (R-WIRE-1)",
    "is unknown (R-WIRE-2)",
    "a bundle's entries are not in order (R-LEDGER-3)",
    "an entry holds an unknown outcome (R-WIRE-7, R-WIRE-8)",
    "the signature of this bundle is wrong (R-ID-7)",
    "the signature of this epoch-record is wrong (R-ID-7)",
    "the signature of this notice is wrong (R-ID-7)",
    "it was heard before (R-GOSSIP-9)",
    "its epoch is too far ahead of this node's clock (R-GOSSIP-5, R-GOSSIP-6)",
    "gossip carries it no longer (R-LEDGER-2)",
    "records before it are missing (R-REC-1)",
    "it does not name the record before it (R-REC-1)",
    "another record of this epoch is held: both are void (R-REC-4)",
    "its signer is not an issuing key of this network for its epoch (R-ID-10)",
    "the roster of its epoch is not here yet (R-REC-7)",
    "its member is not in the roster of its epoch (R-REC-7)",
    "its member signed another bundle for this epoch (R-LEDGER-4)",
    "its member was caught before (R-GOSSIP-8)",
    "its two bundles do not contradict each other (R-GOSSIP-8)",
    "its two bundles stand in the wrong order (R-GOSSIP-8)",
    "no record is here that names its signer (R-GOSSIP-7)",
    "its signer is not that of the newest record (R-GOSSIP-7)",
    "it tells of a later epoch than the next one (R-ADM-12)",
    "a newer notice of its tag is known (R-ADM-12)",
];

/// Feeds lists until `inputs` single inputs were handled, and asserts that the node gave every answer there is.
pub(crate) fn lists() {
    let mut mutator = Mutator::new("engine inputs", seed(), &[]);
    let (mut handled, mut met) = (0, BTreeMap::<String, u64>::new());
    let begun = Instant::now();
    while handled < inputs() {
        let list = mutator.noise(LIST);
        let (inputs, answers) = live(&list);
        handled += inputs;
        answers.into_iter().for_each(|(what, n)| *met.entry(what).or_default() += n);
    }
    row("engine inputs", handled, begun, met["derived"], &met);
    let (refused, answers): (Vec<&str>, Vec<&str>) = met.keys().map(String::as_str).partition(|what| what.starts_with("refused: "));
    assert_eq!(answers, ANSWERS, "answers met, and answers there are");
    let never: Vec<&str> = REFUSALS.into_iter().filter(|rule| !refused.iter().any(|told| told.contains(rule))).collect();
    assert!(never.is_empty(), "nothing was refused for {never:?}");
    check_memory();
}
