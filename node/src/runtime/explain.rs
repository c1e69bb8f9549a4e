//! The control socket's answers about members: scores and rows taken apart.

use super::mailboxes::Mailboxes;
use crate::control::{Answer, Explained};
use serde::Serialize;
use warmnet_protocol::chain::{Chain, Play};
use warmnet_protocol::engine::Engine;
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::matching::{Deal, Dealt};
use warmnet_protocol::policy::explain::Sources;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::{policy, score as scoring};

/// Members taken apart in one answer: 6 of at most 160 KiB stay under the control socket's longest line of 1 MiB.
pub(super) const EXPLAINED_MEMBERS: usize = 6;

/// What `say` says of the wanted member, or of the hosted ones: a list. A member is named in hex, a hosted one also by its address;
/// more than `most` are refused.
pub(super) fn answer<T: Serialize>(
    engine: &Engine,
    mailboxes: &Mailboxes,
    wanted: Option<&str>,
    most: usize,
    say: impl Fn(&Engine, &MemberId) -> Option<T>,
) -> Answer {
    let named = |text: &str| MemberId::from_hex(text).ok().or_else(|| mailboxes.member_of(text));
    let members: Vec<MemberId> = match wanted.map(named) {
        None => engine.hosted().keys().copied().collect(),
        Some(Some(member)) => vec![member],
        Some(None) => {
            let fix = "see `warmnet-node status --json` for ids and `warmnet-node mailbox list` for addresses";
            return Answer::error("bad_member", "a member is 64 hex digits, or the address of a mailbox of this node", fix);
        }
    };
    if members.len() > most {
        return Answer::error("too_many", &format!("this node hosts more than {most} mailboxes"), "name one of them");
    }
    if engine.chain().derived().is_none() {
        return Answer::error("no_record", "no record has been derived yet", "wait until the node has caught up");
    }
    let said: Vec<T> = members.iter().filter_map(|m| say(engine, m)).collect();
    if said.is_empty() && !members.is_empty() {
        return Answer::error("not_judged", "the last record says nothing of that member", "wait until it stands in the roster");
    }
    Answer::data(&said)
}

/// A score taken apart, for who stood in the roster before the last record.
pub(super) fn score(engine: &Engine, member: &MemberId) -> Option<Explained<scoring::explain::Explanation>> {
    let chain = engine.chain();
    let d = chain.derived()?;
    let explanation = scoring::explain::explain(chain.params_derived(), chain.window(), &d.trust, &d.roster, member)?;
    Some(Explained { record: d.epoch.0, explanation })
}

/// The last derived record's epoch as it is played, laid out once for all members that are asked about.
pub(super) struct Today(Option<(Play, Deal)>);

impl Today {
    pub(super) fn of(chain: &Chain) -> Self {
        let play = chain.derived().and_then(|d| chain.play(d.epoch));
        Self(play.map(|play| {
            let deal = chain.deal(&play);
            (play, deal)
        }))
    }

    fn dealt(&self, member: &MemberId) -> Option<Dealt> {
        let (play, deal) = self.0.as_ref()?;
        Some(deal.dealt(play.roster.position(member)?))
    }
}

/// The row by the last derived record taken apart, for who stands in its roster.
pub(super) fn policy(
    engine: &Engine,
    today: &Today,
    mailboxes: &Mailboxes,
    member: &MemberId,
) -> Option<Explained<policy::explain::Explanation>> {
    let chain = engine.chain();
    let d = chain.derived()?;
    let row = chain.roster(d.epoch)?.row(member)?;
    let before = (0..d.epoch.0).map(Epoch).filter_map(|e| Some((e, chain.roster(e)?.row(member)?.clone())));
    let (history, ceilings, open): (Vec<_>, _, _) = (before.collect(), mailboxes.ceilings(member), engine.reported(member));
    let from = Sources {
        params: chain.params_derived(),
        window: chain.window(),
        record: d.epoch,
        degraded: chain.record(d.epoch).is_some_and(|r| r.record.degraded),
        before: &d.roster,
        history: &history,
        score: d.scores.get(member),
        dealt: today.dealt(member),
        ceilings: &ceilings,
        open: &open,
    };
    Some(Explained { record: d.epoch.0, explanation: policy::explain::explain(&from, row) })
}
