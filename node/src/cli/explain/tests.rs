use super::*;
use std::collections::{BTreeMap, BTreeSet};
use warmnet_protocol::ids::{Digest, DomainTag, MemberId, NetworkId, NodeId, Signature};
use warmnet_protocol::ledger::{Played, Window};
use warmnet_protocol::matching::Deal;
use warmnet_protocol::params::Params;
use warmnet_protocol::policy::allowance::{Ceiling, CeilingOf};
use warmnet_protocol::policy::{explain as policies, first_row};
use warmnet_protocol::score::explain as scores;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::trust::Trust;
use warmnet_protocol::wire::bundle::{
    AuthResult, Bundle, Entry, Observation, Placement, SelfReport, SenderOutcome, Word, receiver_evidence, sender_evidence,
};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, Pool, RampPreset, Role, Roster, RosterRow, acts};

#[test]
fn a_newcomers_pages_survive_the_socket_and_name_what_locks() {
    let (params, member) = (Params::standard(), MemberId([7; 32]));
    let (node, tag) = (NodeId([7; 32]), DomainTag([7; 16]));
    let row = first_row(&params, member, node, tag, 0, 1, ALL_WEEKDAYS, acts::ALL, RampPreset::Gentle, Role::Member, Epoch(3));
    let (window, roster) = (Window::new(&params), Roster::new(vec![row.clone()]));
    let trust = Trust::compute(&params, &window, &roster);
    let told = scores::explain(&params, &window, &trust, &roster, &member).expect("it stands in the roster");
    let sent = serde_json::json!(Explained { record: 4, explanation: told.clone() });
    let got: Explained<scores::Explanation> = serde_json::from_value(sent).expect("the same");
    assert_eq!(got.explanation, told);
    let page = score::render(4, &told);
    assert!(page.contains("score 0.00 by record 4") && page.contains("0 mails are delivered, a score needs 20"), "{page}");
    assert!(page.contains("the score is below 70.00: 70.00 points are missing") && page.contains("one more mail"), "{page}");
    let from = policies::Sources {
        params: &params,
        window: &window,
        record: Epoch(4),
        degraded: false,
        before: &roster,
        history: &[],
        score: Some(&told.score),
        dealt: None,
        ceilings: &[Ceiling { of: CeilingOf::Mailbox, mails: 40 }],
        open: &[(Epoch(3), 7)],
    };
    let told = policies::explain(&from, &row);
    let sent = serde_json::json!(Explained { record: 4, explanation: told.clone() });
    let got: Explained<policies::Explanation> = serde_json::from_value(sent).expect("the same");
    assert_eq!(got.explanation, told);
    let page = policy::render(4, &told);
    assert!(page.contains("quota 2 warming mails a day") && page.contains("day 0 of the gentle ramp"), "{page}");
    assert!(page.contains("allowance 0 mails") && page.contains("ceiling 40 (your mailbox's cap)"), "{page}");
    assert!(page.contains("recommended 250") && page.contains("the ramp's next day"), "{page}");
    assert!(page.contains("20 more mails delivered") && page.contains("70.00 points more") && page.contains("all of these"), "{page}");
    assert!(page.contains("spent by 7 mails, 7 of them without a credit"), "{page}");
}

/// 24 members of which number 0 bounces and lands in spam, number 1 leaves answers owed, and number 2 is complained of.
#[test]
fn pages_name_their_entries_and_cut_long_lists() {
    let params = Params::standard();
    let row = |n: u8| {
        let role = if n < 24 { Role::Member } else { Role::Golden };
        let (member, node, tag) = (MemberId([n; 32]), NodeId([n; 32]), DomainTag([n; 16]));
        first_row(&params, member, node, tag, 0, 1, ALL_WEEKDAYS, acts::ALL, RampPreset::Fresh, role, Epoch(0))
    };
    let roster = Roster::new((0..27).map(row).collect());
    let mut window = Window::new(&params);
    for epoch in 0..12u8 {
        let deal = Deal::new(&params, &roster, &Digest([epoch; 32]), epoch % 7);
        let bundles = bundles(Epoch(u32::from(epoch)), &roster, &deal);
        let played = Played { epoch: Epoch(u32::from(epoch)), roster: &roster, deal: &deal, network: &NetworkId([1; 32]), params: &params };
        window.close(&params, played, bundles, &BTreeSet::new());
    }
    let trust = Trust::compute(&params, &window, &roster);
    let scored = |n: u8| scores::explain(&params, &window, &trust, &roster, &MemberId([n; 32])).expect("it stands in the roster");
    let page = score::render(17, &scored(0));
    assert!(page.contains("bounced; the latest") && page.contains("hard bounce") && page.contains("more\n"), "{page}");
    assert!(page.contains("word / shared x golden  credible") && page.contains("reports of your own mail"), "{page}");
    assert!(page.lines().filter(|l| l.starts_with("    ") && l.ends_with("hard bounce")).count() == 8, "{page}");
    let page = score::render(17, &scored(2));
    assert!(page.contains("complained of by") && page.contains("complained of by golden mailboxes"), "{page}");
    let explained = |n: u8, row: &RosterRow| {
        let from = policies::Sources {
            params: &params,
            window: &window,
            record: Epoch(16),
            degraded: false,
            before: &roster,
            history: &[(Epoch(15), row.clone())],
            score: Some(&scored(n).score),
            dealt: None,
            ceilings: &[],
            open: &[],
        };
        policies::explain(&from, row)
    };
    let owing = RosterRow { pool: Pool::Rehab, debt: 300, debt_since: Epoch(14), unlocked_once: true, ..row(0) };
    let page = policy::render(16, &explained(0, &owing));
    for words in [
        "rehab pool by record 16",
        "standard from 70",
        "it waits for the end of rehab",
        "debt: 300 clean mails to go, last raised by record 14; this record paid",
        "hard bounces that it is for",
        "reports that it is for",
        "locked: it is in rehab",
        "the debt paid: 300 clean mails",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    let page = policy::render(16, &explained(1, &row(1)));
    assert!(page.contains("mails that were owed an answer and got none"), "{page}");
}

/// Both sides' words on every pair dealt, as the test above says.
fn bundles(epoch: Epoch, roster: &Roster, deal: &Deal) -> Vec<Bundle> {
    let mut entries: BTreeMap<u32, Vec<Entry>> = (0..roster.len() as u32).map(|p| (p, vec![])).collect();
    for p in deal.all().into_iter().filter(|p| !p.spare) {
        let label = Signature([p.sender as u8; 64]);
        let bounces = p.sender == 0 && p.slot.round == 0;
        let pass = AuthResult::Pass;
        let seen = Observation {
            placement: if p.sender == 0 { Placement::Spam } else { Placement::Inbox },
            spf: pass,
            dkim: pass,
            dmarc: pass,
            read: true,
            rescued: false,
            replied: p.receiver != 1,
            complaint: p.sender == 2,
        };
        let (said, sent, seen, got) = if bounces {
            (SenderOutcome::RefusedHard, [0; 4], None, [0; 4])
        } else {
            (SenderOutcome::Sent, sender_evidence(&label), Some(seen), receiver_evidence(&label))
        };
        entries.entry(p.sender).or_default().push(Entry { slot: p.slot, word: Word::Sender(said), evidence: sent });
        entries.entry(p.receiver).or_default().push(Entry { slot: p.slot, word: Word::Receiver(seen), evidence: got });
    }
    let bundle = |(position, mut entries): (u32, Vec<Entry>)| {
        entries.sort_by_key(Entry::order);
        let report = if position == 0 { SelfReport { sent: 40, hard: 2, ..SelfReport::default() } } else { SelfReport::default() };
        Bundle { member: roster.at(position).expect("a row").member, epoch, entries, report }
    };
    entries.into_iter().map(bundle).collect()
}
