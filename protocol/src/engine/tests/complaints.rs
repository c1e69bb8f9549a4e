//! Who writes words of its own under its labels is complained of; who is only mangled on the way is not.

use super::*;
use crate::matching::RingKind;
use crate::wire::bundle::{AuthResult, Placement};
use crate::wire::codec;
use crate::wire::roster::Pool;

/// Peer 3's member.
fn foul(w: &World) -> MemberId {
    w.addresses["m3@dom3.test"].1
}

/// The exchanges in which others receive peer 3's first mail.
fn received(w: &World, foul: MemberId) -> impl Iterator<Item = &Exchange> {
    let all = w.peers.iter().flat_map(|p| p.engine.exchanges.values());
    all.filter(move |x| x.partner == foul && x.side == crate::exchange::Side::Receiver)
}

/// Golden seats that a member sends in an epoch.
fn golden_seats(w: &World, epoch: u32, member: &MemberId) -> usize {
    let chain = w.peers[1].engine.chain();
    let play = chain.play(Epoch(epoch)).expect("played");
    let position = play.roster.position(member).expect("a member");
    chain.deal(&play).sends(position).iter().filter(|p| p.slot.ring == RingKind::Golden).count()
}

#[test]
fn foreign_words_are_complained_of_and_left_untouched() {
    let mut w = World::new(7, 2);
    w.rewrites = Some((3, |_| "Dear friend, buy now and quickly, while there is some left of it: https://spam.test".into()));
    let foul = foul(&w);
    w.run_to_epoch(12);
    w.assert_agreement(0);
    let seen: Vec<&Exchange> = received(&w, foul).filter(|x| x.seen.is_some()).collect();
    assert!(seen.len() > 20 && seen.iter().all(|x| x.complaint), "{}", seen.len());
    for x in seen {
        let s = x.seen.as_ref().expect("seen");
        assert!(!s.read && !s.rescued && !s.replied && s.placement == Placement::Inbox);
        assert!(x.pending.is_empty() && x.outgoing.is_empty() && x.found.is_none(), "nothing is done with it");
    }
    let chain = w.peers[1].engine.chain();
    let derived = chain.derived().expect("derived");
    for row in derived.rows.iter().filter(|r| r.role == Role::Member) {
        let score = derived.scores[&row.member];
        if row.member == foul {
            assert!(score.s > 3_000 && score.value == 0 && score.r == 0 && score.o == 0, "golden complaints count: {score:?}");
        } else {
            assert!(score.s == 0 && score.value > 60_000_000 && row.pool != Pool::Rehab, "{score:?}");
        }
        assert_eq!(row.complained, row.member == foul);
    }
    let other = w.addresses["m4@dom4.test"].1;
    assert_eq!([golden_seats(&w, 4, &foul), golden_seats(&w, 4, &other)], [5, 5]);
    assert_eq!([golden_seats(&w, 11, &foul), golden_seats(&w, 11, &other)], [10, 5], "twice the golden seats");
}

#[test]
fn a_mangled_text_is_nobodys_fault() {
    let banner = |text: &str| format!("{}{text}", "This mail comes from outside: https://gateway.test. ".repeat(20));
    let rewrites: [Rewrite; 3] = [banner, |text| text.to_uppercase().replace("\r\n", "\r\n> "), |_| String::new()];
    for rewrite in rewrites {
        let mut w = World::new(6, 1);
        w.rewrites = Some((3, rewrite));
        let foul = foul(&w);
        w.run_until(CLOCK.at(Epoch(3), Span::hours(20)));
        assert!(w.peers.iter().map(|p| p.engine.content_faults()).sum::<u32>() > 10);
        assert!(received(&w, foul).count() > 10 && received(&w, foul).all(|x| !x.complaint && x.seen.is_none()));
    }
}

/// A world in which a mail of peer 3's is on its way, that mail as it would be found, and whose engine finds it.
fn waiting() -> (World, usize, FoundMail) {
    let mut w = World::new(6, 1);
    w.run_until(CLOCK.at(Epoch(4), Span::hours(4)));
    let foul = foul(&w);
    let network = w.peers[0].engine.chain().network();
    let ready = |x: &&Exchange| x.partner_address.is_some() && x.seen.is_none() && x.epoch == Epoch(4);
    let x = received(&w, foul).find(ready).expect("an introduced exchange").clone();
    let to = w.addresses.values().find(|(_, m)| *m == x.me).expect("a member").0;
    let mut theirs = x.clone();
    (theirs.me, theirs.partner) = (x.partner, x.me);
    let message_id = recognise::message_id(&theirs, 0, "dom3.test");
    let text = recognise::mail_text(&x, 0).expect("a text").body;
    let digest = crate::wire::label::text_digest(&crate::exchange::text::normalise(&text));
    let signed = crate::wire::label::Signed {
        network: &network,
        exchange: &x.id,
        turn: 0,
        message_id: &message_id,
        author: &x.partner,
        addressee: &x.me,
        text: &digest,
    };
    let signature = signed.sign(&w.peers[3].engine.key);
    let label = Label { network: Label::network_prefix(&network), epoch: x.epoch, slot: x.slot, exchange: x.id, turn: 0, signature };
    let mail = FoundMail {
        member: x.me,
        placement: Placement::Spam,
        from: Some("m3@dom3.test".into()),
        to: w.peers[to].engine.hosted().get(&x.me).map(|h| h.config.address.clone()),
        label: label.header_value(),
        message_id,
        text,
        single_plain_part: true,
        auth: [AuthResult::Pass; 3],
        answers: vec![],
    };
    (w, to, mail)
}

fn find(w: &mut World, to: usize, mail: &FoundMail) -> Vec<Output> {
    w.deliver(to, Input::MailFound(mail.clone()));
    std::iter::from_fn(|| w.peers[to].engine.poll()).collect()
}

#[test]
fn a_complaint_is_filed_once_survives_and_needs_a_from_that_is_not_forged() {
    let (mut w, to, mail) = waiting();
    let exchange = Label::parse(&mail.label).expect("a label").exchange;
    let state = |w: &World| w.peers[to].engine.exchanges[&exchange].clone();
    let foreign = FoundMail { text: "Words of somebody's own, and quite a few of them".into(), ..mail.clone() };
    let [spf, dkim, _] = foreign.auth;
    find(&mut w, to, &FoundMail { auth: [spf, dkim, AuthResult::Fail], ..foreign.clone() });
    assert!(!state(&w).complaint && state(&w).seen.is_none(), "anybody may have written that");

    let stored = |outputs: &[Output]| -> Vec<Exchange> {
        let bytes = outputs.iter().filter_map(|o| if let Output::Store(ToStore::Exchange { bytes, .. }) = o { Some(bytes) } else { None });
        bytes.map(|b| codec::decode(b, 65_536).expect("an exchange")).collect()
    };
    let outputs = find(&mut w, to, &foreign);
    assert_eq!(stored(&outputs), [state(&w)], "kept before anything else happens");
    assert!(state(&w).complaint && state(&w).seen.is_some_and(|s| s.placement == Placement::Spam));
    assert!(stored(&find(&mut w, to, &foreign)).is_empty(), "once an exchange");

    // The mail that belongs there comes after all: it is the one reported, and the complaint stands.
    find(&mut w, to, &FoundMail { placement: Placement::Inbox, ..mail });
    let x = state(&w);
    assert!(x.complaint && x.found == Some(0) && x.seen.is_some_and(|s| s.placement == Placement::Inbox));
    // What peer 3 sends by itself comes again.
    w.rewrites = Some((3, str::to_owned));
    w.run_until(CLOCK.at(Epoch(5), Span::hours(23)));
    let engine = &w.peers[to].engine;
    let bundle = engine.chain().bundles(Epoch(4)).and_then(|b| b.get(&x.me)).expect("signed").envelope.clone();
    let bundle = signed::decode::<crate::wire::bundle::Bundle>(&bundle).expect("a bundle").message;
    let entry = bundle.entry(x.slot, false).expect("its entry");
    assert!(matches!(entry.word, crate::wire::bundle::Word::Receiver(Some(o)) if o.complaint && o.placement == Placement::Inbox));
}

#[test]
fn a_complaint_survives_a_restart() {
    let (mut w, to, mail) = waiting();
    let outputs = find(&mut w, to, &FoundMail { text: "Words of somebody's own, and quite a few of them".into(), ..mail.clone() });
    let Peer { engine: old, store, .. } = &mut w.peers[to];
    for output in outputs {
        if let Output::Store(what) = output {
            store.store(old.chain(), what);
        }
    }
    let mut again = Engine::new(old.chain().genesis().clone(), key(u8::try_from(to).unwrap()));
    again.handle(w.now, Input::Host(Box::new(old.hosted()[&mail.member].config.clone())));
    again.restore(w.now, store).expect("restored");
    let exchange = Label::parse(&mail.label).expect("a label").exchange;
    assert!(again.exchanges[&exchange].complaint && again.exchanges[&exchange].pending.is_empty());
}
