//! What the owner should know: each item says what is wrong and what to do.

use super::peers::Peers;
use super::status::Facts;
use crate::control::{HealthItem, Severity};
use warmnet_protocol::engine::Engine;
use warmnet_protocol::limits::KEEP_EPOCHS;
use warmnet_protocol::params::RULES_VERSION;
use warmnet_protocol::time::{Epoch, Timestamp};

fn item(code: &str, severity: Severity, text: &str, fix: &str) -> HealthItem {
    HealthItem { code: code.to_owned(), severity, text: text.to_owned(), fix: fix.to_owned() }
}

pub(super) fn items(engine: &Engine, facts: &Facts, peers: &Peers, now: Timestamp) -> Vec<HealthItem> {
    let mut items = Vec::new();
    if peers.count() == 0 {
        items.push(item("no_peers", Severity::Warn, "no peer is connected", "check network.bootstrap and that TCP to it is open"));
    }
    if engine.running_degraded(now) == Some(true) {
        items.push(item(
            "degraded",
            Severity::Warn,
            "this epoch is played without a record",
            "nothing to do: the coordinator is late or out of reach",
        ));
    }
    items.extend(coordinator(engine));
    for member in facts.refused.keys() {
        let text = format!("the provider refuses the password of mailbox {}", member.short());
        items.push(item(
            "sign_in",
            Severity::Error,
            &text,
            "run `warmnet-node mailbox test`, then `mailbox add` with a new password or permission",
        ));
    }
    for (member, what) in &facts.alarms {
        let text = format!("mail of mailbox {} is refused: {what}", member.short());
        items.push(item("refused", Severity::Error, &text, "mend it, then run `warmnet-node doctor`; the node tries again by itself"));
    }
    for (member, percent) in &facts.full {
        let text = format!("mailbox {} is {percent} % full; a full one refuses mail, yours too", member.short());
        items.push(item("quota", Severity::Warn, &text, "make room in it"));
    }
    for (member, state) in &facts.mailboxes {
        if let Err(why) = state {
            let text = format!("mailbox {} is not connected: {why}", member.short());
            items.push(item("mailbox", Severity::Warn, &text, "it is tried again by itself; `warmnet-node mailbox test` shows details"));
        }
    }
    for member in engine.hosted().keys() {
        let threads = engine.answered_threads(member);
        if threads > 0 {
            let text = format!("a person answered in {threads} warming thread(s) of mailbox {}", member.short());
            items.push(item(
                "answered",
                Severity::Info,
                &text,
                "read it in your inbox: the node has stopped these threads and leaves them alone",
            ));
        }
    }
    if engine.content_faults() > 0 {
        let text = format!("{} labelled mails held other words than they should and were left alone", engine.content_faults());
        items.push(item("content", Severity::Info, &text, "nothing to do"));
    }
    items
}

/// What the coordinator's records show.
fn coordinator(engine: &Engine) -> Vec<HealthItem> {
    let mut items = Vec::new();
    let chain = engine.chain();
    let differing: Vec<Epoch> = chain.history().iter().filter(|d| !d.matches_record).map(|d| d.record).collect();
    if !differing.is_empty() {
        let text = format!("{} not what this node computes", records(&differing));
        let fix = "run `warmnet-node audit`, compare with other members; a coordinator that differs from everybody cheats or is broken";
        items.push(item("differs", Severity::Error, &text, fix));
    }
    if let Some(fork) = chain.undecided() {
        let text = format!("two records of epoch {} contradict each other; both are void, and so is what came after them", fork.epoch);
        let fix = "nothing to do: the network's root key decides; without it matching ends 7 epochs after the last record";
        items.push(item("fork", Severity::Error, &text, fix));
    }
    if let Some((epoch, refusal, _)) = engine.refused_records().last() {
        let text = format!("the coordinator signed a record of epoch {epoch} that breaks a rule: {refusal}");
        items.push(item("refused_record", Severity::Error, &text, "nothing to do here: every node refuses it; ask the operator"));
    }
    let next = chain.next_epoch();
    let rules = chain.params_at(next);
    if !rules.known() {
        let text = format!(
            "from epoch {next} on the network plays by rules of version {}; this program knows up to {RULES_VERSION}",
            rules.version
        );
        items.push(item("rules", Severity::Error, &text, "install a newer version; until then your members stand still"));
    } else if let Some(layout) = engine.newer_layout() {
        let text = format!("the coordinator writes records of layout {layout}, which this program does not know");
        items.push(item("rules", Severity::Error, &text, "install a newer version; until then your members stand still"));
    }
    if let Some(stalled) = chain.stalled().filter(|stalled| stalled.behind > 0) {
        let what =
            if stalled.roster { "its roster".to_owned() } else { format!("bundles of {} member(s) that it counts", stalled.bundles.len()) };
        let text = format!("record {} waits for {what}; {} record(s) behind it wait too", stalled.record, stalled.behind);
        items.push(item("waits", Severity::Warn, &text, "nothing to do: other nodes are asked; if nobody has it, ask the operator"));
    }
    let own: Vec<Epoch> =
        chain.omissions().iter().filter(|(_, members)| members.iter().any(|m| engine.hosted().contains_key(m))).map(|(e, _)| *e).collect();
    if !own.is_empty() {
        let text = format!("{} leaving out what a mailbox of yours reported, though it was published in time", records(&own));
        let fix = "once may be a lost message; again and again is censorship: `warmnet-node audit --json` holds the evidence";
        items.push(item("left_out", Severity::Warn, &text, fix));
    }
    // The proof of the newest record's lines may be on its way.
    let old = (next.0.saturating_sub(KEEP_EPOCHS)..next.0.saturating_sub(1)).map(Epoch);
    let unproved =
        |e: &Epoch| chain.record(*e).is_some_and(|held| held.record.proofs.iter().any(|(_, digest)| chain.fault(digest).is_none()));
    let unproved: Vec<Epoch> = old.filter(unproved).collect();
    if !unproved.is_empty() {
        let text = format!("{} silencing members for a proof that nobody has shown this node", records(&unproved));
        items.push(item("unproved", Severity::Warn, &text, "ask the operator for the proof; `warmnet-node audit` names the members"));
    }
    items
}

/// "record 7 is" or "records 7, 8 are", at most some of them by number.
fn records(epochs: &[Epoch]) -> String {
    const NAMED: usize = 5;
    let named: Vec<String> = epochs.iter().rev().take(NAMED).rev().map(|e| e.0.to_string()).collect();
    let more = if epochs.len() > NAMED { format!("{} records, the last ones ", epochs.len()) } else { String::new() };
    match epochs {
        [one] => format!("record {} is", one.0),
        _ if more.is_empty() => format!("records {} are", named.join(", ")),
        _ => format!("{more}{}, are", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_named_as_people_read_them() {
        let of = |epochs: &[u32]| records(&epochs.iter().copied().map(Epoch).collect::<Vec<_>>());
        assert_eq!(of(&[7]), "record 7 is");
        assert_eq!(of(&[7, 9]), "records 7, 9 are");
        assert_eq!(of(&[1, 2, 3, 4, 5, 6, 7]), "7 records, the last ones 3, 4, 5, 6, 7, are");
    }
}
