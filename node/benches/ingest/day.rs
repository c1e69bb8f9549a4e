//! What one record leads to, stage by stage as the chain derives it. The window holds two epochs: a full one of 30 costs trust
//! and scores more, the other stages the same.

use crate::goals::ROUNDS;
use crate::source::{TODAY, YESTERDAY};
use std::collections::BTreeSet;
use std::time::Instant;
use warmnet_protocol::chain::Chain;
use warmnet_protocol::identity::signed;
use warmnet_protocol::ledger::{Played, Window};
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

/// Closes an epoch as the chain does: the deal, every bundle decoded again, both words on each pair reconciled.
fn close(chain: &Chain, window: &mut Window, epoch: Epoch) {
    let (params, play, held) = (chain.params_derived(), chain.play(epoch).expect("played"), chain.bundles(epoch).expect("held"));
    let bundles = held.values().map(|held| signed::message::<Bundle>(&held.envelope).expect("decoded before"));
    let (deal, network) = (chain.deal(&play), chain.network());
    let played = Played { epoch, roster: &play.roster, deal: &deal, network: &network, params: chain.params_at(epoch) };
    window.close(params, played, bundles, &BTreeSet::new());
}

/// Returns the seconds that closing takes.
pub(crate) fn measure(chain: &Chain) -> f64 {
    let params = chain.params_derived();
    let (mut before, mut closing) = (Window::new(params), f64::MAX);
    close(chain, &mut before, YESTERDAY);
    let mut window = before.clone();
    for _ in 0..ROUNDS {
        window = before.clone();
        let start = Instant::now();
        timed("close: deal, decode, reconcile", || close(chain, &mut window, TODAY));
        closing = closing.min(start.elapsed().as_secs_f64());
    }
    let play = chain.play(TODAY).expect("played");
    let exchanges = window.latest().map_or(0, |closed| closed.exchanges().len());
    let trust = timed("trust", || Trust::compute(params, &window, &play.roster));
    let scores = timed("scores", || score::scores(params, &window, &trust, &play.roster));
    let record = TODAY.plus(params.close_lag);
    let roster = timed("rows of the next roster", || {
        let next = |row| policy::next_row(params, row, &window, &play.roster, scores.get(&row.member), record, false);
        Roster::new(play.roster.rows().iter().map(next).collect())
    });
    timed("digests of all of it", || (window.ledger_digest(), trust.digest(), score::digest(&scores), roster.digest()));
    println!("  {exchanges} exchanges in the epoch, {} rows in the next roster", roster.len());
    closing
}
