//! A member on its way out.

use super::*;

#[test]
fn a_member_that_leaves_is_in_no_roster_and_no_mail_from_the_next_record_on() {
    let mut w = World::new(8, 1);
    w.run_until(CLOCK.at(Epoch(8), Span::hours(3)));
    let (member, engine) = (w.addresses["m2@dom2.test"].1, &w.peers[2].engine);
    let mut config = engine.hosted()[&member].config.clone();
    config.switch = Switch::Left;
    // What lies further back is folded into counts meanwhile.
    let lately = |w: &World| w.peers[2].engine.exchanges.values().filter(|x| x.epoch >= Epoch(4)).map(|x| x.thread.len()).sum::<usize>();
    let before = lately(&w);
    w.deliver(2, Input::Host(Box::new(config.clone())));
    w.drain();
    assert_eq!(w.peers[2].engine.hosted()[&member].application, Application::Leaving);
    w.run_to_epoch(10);
    assert_eq!(lately(&w), before, "nothing is sent or taken in after the switch");
    w.run_to_epoch(15);
    w.assert_agreement(0);
    assert_eq!(w.peers[2].engine.hosted()[&member].application, Application::Left);
    let chain = w.peers[5].engine.chain();
    let stands = |e: u32| chain.roster(Epoch(e)).is_some_and(|r| r.row(&member).is_some());
    assert!(stands(8) && (9..15).all(|e| !stands(e)));
    assert!(w.peers[2].engine.signed.contains(&(Epoch(8), member)), "what it saw before is signed");
    assert!(chain.derived().is_some_and(|d| d.scores.len() == 8 && !d.scores.contains_key(&member)));

    config.switch = Switch::On;
    w.deliver(2, Input::Host(Box::new(config)));
    assert_eq!(w.peers[2].engine.hosted()[&member].application, Application::New, "it may apply again");
}
