//! What one record leads to, stage by stage as the chain derives it. The window holds two epochs: a full one of 30 costs trust
//! and scores more, the other stages the same.

use crate::source::{TODAY, YESTERDAY};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use warmnet_protocol::chain::{Chain, Play};
use warmnet_protocol::identity::signed;
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::ledger::Window;
use warmnet_protocol::matching::Deal;
use warmnet_protocol::policy;
use warmnet_protocol::score;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::trust::Trust;
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::roster::Roster;

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = work();
    println!("  {what:<30} {:>8.2} s, {:.0} MiB at most so far", start.elapsed().as_secs_f64(), crate::peak_mib());
    out
}

fn decoded(chain: &Chain, epoch: Epoch) -> BTreeMap<MemberId, Bundle> {
    let held = chain.bundles(epoch).expect("held");
    let message = |envelope: &[u8]| signed::decode::<Bundle>(envelope).expect("decoded before").message;
    held.iter().map(|(member, held)| (*member, message(&held.envelope))).collect()
}

pub(crate) fn measure(chain: &Chain) {
    let (params, none) = (chain.params_derived(), BTreeSet::new());
    let mut window = Window::new(params);
    let close = |window: &mut Window, play: &Play, deal: &Deal, bundles: &BTreeMap<_, _>| {
        window.close(params, play.epoch, &play.roster, deal, bundles, &none);
    };
    let before = chain.play(YESTERDAY).expect("played");
    close(&mut window, &before, &chain.deal(&before), &decoded(chain, YESTERDAY));
    let play = chain.play(TODAY).expect("played");
    let bundles = timed("bundles read again", || decoded(chain, TODAY));
    let deal = timed("deal", || chain.deal(&play));
    timed("close: reconcile", || close(&mut window, &play, &deal, &bundles));
    drop((bundles, deal));
    let exchanges = window.latest().map_or(0, |closed| closed.exchanges().len());
    let trust = timed("trust", || Trust::compute(params, &window, &play.roster));
    let scores = timed("scores", || score::scores(params, &window, &trust, &play.roster));
    let record = TODAY.plus(params.close_lag);
    let roster = timed("rows of the next roster", || {
        let next = |row| policy::next_row(params, row, &window, scores.get(&row.member), record, false);
        Roster::new(play.roster.rows().iter().map(next).collect())
    });
    timed("digests of all of it", || (window.ledger_digest(), trust.digest(), score::digest(&scores), roster.digest()));
    println!("  {exchanges} exchanges in the epoch, {} rows in the next roster", roster.len());
}
