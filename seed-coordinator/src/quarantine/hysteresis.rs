//! From verdicts to quarantine, and back. Pure: time comes in as protocol minutes.
//!
//! ```text
//!  free ──2 lists, or one of high trust, each `polls` times over `min_minutes`──> held
//!   ^                                                                              │
//!   └── every list clean for `release_minutes` (doubled at each re-entry), min stay┘   operator: add, release
//!  list: counted ──newly lists > 5 % and >= 3 domains within an hour──> suspended ──back below that──> counted
//! ```
//! An unhealthy or suspended list is frozen: what it said before stands, what it says now changes nothing. Unknown and
//! error answers change nothing either way.

use super::{Batch, ListResult, QuarantineRules, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use warmnet_protocol::ids::DomainTag;
use warmnet_protocol::wire::notice::ReasonClass;

/// Protocol minutes since epoch 0 began.
pub type Minute = u64;

/// Share of the domains (percent) that one list may newly list within [`BREAKER_MINUTES`]; dead lists name everybody.
const BREAKER_PERCENT: usize = 5;
/// ... but fewer than this never trips it.
const BREAKER_DOMAINS: usize = 3;
/// The breaker's span: an hour.
const BREAKER_MINUTES: Minute = 60;
/// Lists that must agree when none is of high trust.
const QUORUM: usize = 2;
/// Re-entries beyond which the release time doubles no more: 32 days from one.
const MOST_DOUBLINGS: u32 = 5;

/// What one list last said of one domain that it ever listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Word {
    listed: bool,
    /// Listed polls in a row.
    polls: u32,
    /// First of them.
    listed_since: Minute,
    /// First clean poll since.
    clean_since: Minute,
    answer: Option<Ipv4Addr>,
}

/// A domain that is or was in trouble.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Trouble {
    words: BTreeMap<String, Word>,
    held: Option<Held>,
    /// Quarantines so far.
    entries: u32,
    /// Released by hand while listed: not taken again before it was clean once.
    pardoned: bool,
}

/// A quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Since when.
    pub since: Minute,
    /// By what.
    pub reason: ReasonClass,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Quarantined.
    Listed {
        /// Whom.
        tag: DomainTag,
        /// By what.
        reason: ReasonClass,
        /// The lists and answers behind it.
        lists: Vec<(String, Ipv4Addr)>,
    },
    /// Free again.
    Released {
        /// Whom.
        tag: DomainTag,
        /// By what.
        reason: ReasonClass,
    },
    /// A list names too many at once and is frozen.
    Suspended {
        /// Which.
        list: String,
        /// Domains newly listed within the hour.
        domains: usize,
    },
    /// It came to its senses.
    Resumed {
        /// Which.
        list: String,
    },
}

/// The state over all domains. Domains never listed take no room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hysteresis {
    troubles: BTreeMap<DomainTag, Trouble>,
    suspended: BTreeSet<String>,
    /// Per list: when it newly listed how many, within the breaker's span.
    fresh: BTreeMap<String, VecDeque<(Minute, usize)>>,
}

impl Hysteresis {
    /// Everything in quarantine.
    pub fn held(&self) -> impl Iterator<Item = (DomainTag, Held)> + '_ {
        self.troubles.iter().filter_map(|(tag, t)| t.held.map(|h| (*tag, h)))
    }
    /// Whether a tag is in quarantine.
    #[must_use]
    pub fn is_held(&self, tag: &DomainTag) -> bool {
        self.troubles.get(tag).is_some_and(|t| t.held.is_some())
    }
    /// Lists frozen by the breaker.
    #[must_use]
    pub fn suspended(&self) -> &BTreeSet<String> {
        &self.suspended
    }

    /// Takes in one round over the lists.
    pub fn poll(&mut self, now: Minute, rules: &QuarantineRules, batch: &Batch) -> Vec<Change> {
        let mut changes = Vec::new();
        self.forget_removed_lists(batch);
        let mut heard: BTreeSet<DomainTag> = BTreeSet::new();
        for list in batch.lists.iter().filter(|l| l.healthy) {
            if self.breaker(now, batch.subjects, list, &mut changes) {
                continue;
            }
            for (tag, verdict) in &list.verdicts {
                if self.hear(now, list, *tag, *verdict) {
                    heard.insert(*tag);
                }
            }
        }
        let high: BTreeSet<&str> = batch.lists.iter().filter(|l| l.high_trust).map(|l| l.list.as_str()).collect();
        for (tag, trouble) in self.troubles.iter_mut().filter(|(tag, _)| heard.contains(tag)) {
            changes.extend(trouble.decide(now, rules, *tag, &high));
        }
        self.troubles.retain(|_, t| t.held.is_some() || t.entries > 0 || t.pardoned || t.words.values().any(|w| w.listed));
        changes
    }

    /// A list taken out of the configuration has no say any more.
    fn forget_removed_lists(&mut self, batch: &Batch) {
        let known: BTreeSet<&str> = batch.lists.iter().map(|l| l.list.as_str()).collect();
        self.suspended.retain(|l| known.contains(l.as_str()));
        self.fresh.retain(|l, _| known.contains(l.as_str()));
        for trouble in self.troubles.values_mut() {
            trouble.words.retain(|l, _| known.contains(l.as_str()));
        }
    }

    /// Whether the list is frozen in this round.
    fn breaker(&mut self, now: Minute, subjects: usize, list: &ListResult, changes: &mut Vec<Change>) -> bool {
        let new = list.verdicts.iter().filter(|(tag, v)| matches!(v, Verdict::Listed(_)) && !self.says_listed(tag, &list.list)).count();
        let fresh = self.fresh.entry(list.list.clone()).or_default();
        fresh.retain(|(at, _)| at + BREAKER_MINUTES > now);
        let tripped = |n: usize| n >= BREAKER_DOMAINS && n * 100 > subjects * BREAKER_PERCENT;
        if self.suspended.contains(&list.list) {
            if tripped(new) {
                return true;
            }
            self.suspended.remove(&list.list);
            fresh.clear();
            changes.push(Change::Resumed { list: list.list.clone() });
        }
        let hour = new + fresh.iter().map(|(_, n)| n).sum::<usize>();
        if new > 0 && tripped(hour) {
            self.suspended.insert(list.list.clone());
            changes.push(Change::Suspended { list: list.list.clone(), domains: hour });
            return true;
        }
        if new > 0 {
            fresh.push_back((now, new));
        }
        false
    }

    fn says_listed(&self, tag: &DomainTag, list: &str) -> bool {
        self.troubles.get(tag).and_then(|t| t.words.get(list)).is_some_and(|w| w.listed)
    }

    /// Notes a verdict; whether it says anything.
    fn hear(&mut self, now: Minute, list: &ListResult, tag: DomainTag, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Unknown | Verdict::Error => return false,
            Verdict::Clean => {
                let Some(trouble) = self.troubles.get_mut(&tag) else { return false };
                if let Some(word) = trouble.words.get_mut(&list.list).filter(|w| w.listed) {
                    *word = Word { clean_since: now, ..Word::default() };
                }
                trouble.pardoned &= trouble.words.values().any(|w| w.listed);
            }
            Verdict::Listed(answer) => {
                let word = self.troubles.entry(tag).or_default().words.entry(list.list.clone()).or_default();
                if !word.listed {
                    *word = Word { listed: true, listed_since: now, ..Word::default() };
                }
                word.polls = word.polls.saturating_add(1);
                word.answer = Some(answer);
            }
        }
        true
    }

    /// The operator quarantines a tag; `None` when it is already.
    pub fn operator_add(&mut self, now: Minute, tag: DomainTag) -> Option<Change> {
        let trouble = self.troubles.entry(tag).or_default();
        if trouble.held.is_some_and(|h| h.reason == ReasonClass::Operator) {
            return None;
        }
        let new = trouble.held.is_none();
        trouble.held = Some(Held { since: now, reason: ReasonClass::Operator });
        trouble.pardoned = false;
        if !new {
            // It is out already; from now on only the operator lets it in.
            return None;
        }
        trouble.entries = trouble.entries.saturating_add(1);
        Some(Change::Listed { tag, reason: ReasonClass::Operator, lists: vec![] })
    }

    /// The operator releases a tag, listed or not; `None` when it is free.
    pub fn operator_release(&mut self, tag: DomainTag) -> Option<Change> {
        let trouble = self.troubles.get_mut(&tag)?;
        trouble.held.take()?;
        trouble.pardoned = trouble.words.values().any(|w| w.listed);
        Some(Change::Released { tag, reason: ReasonClass::Operator })
    }
}

impl Trouble {
    fn decide(&mut self, now: Minute, rules: &QuarantineRules, tag: DomainTag, high: &BTreeSet<&str>) -> Option<Change> {
        match self.held {
            None if !self.pardoned => {
                let confirmed = |w: &Word| w.listed && w.polls >= rules.polls && now - w.listed_since.min(now) >= rules.min_minutes;
                let lists: Vec<(&String, &Word)> = self.words.iter().filter(|(_, w)| confirmed(w)).collect();
                let enough = lists.len() >= QUORUM || lists.iter().any(|(l, _)| high.contains(l.as_str()));
                if !enough {
                    return None;
                }
                let lists = lists.into_iter().filter_map(|(l, w)| Some((l.clone(), w.answer?))).collect();
                self.held = Some(Held { since: now, reason: ReasonClass::Blocklist });
                self.entries = self.entries.saturating_add(1);
                Some(Change::Listed { tag, reason: ReasonClass::Blocklist, lists })
            }
            Some(held) if held.reason == ReasonClass::Blocklist => {
                let doubled = self.entries.saturating_sub(1).min(MOST_DOUBLINGS);
                let clean_for = rules.release_minutes.saturating_mul(1 << doubled);
                let clean = self.words.values().all(|w| !w.listed && now.saturating_sub(w.clean_since) >= clean_for);
                if !clean || now.saturating_sub(held.since) < rules.min_stay_minutes {
                    return None;
                }
                self.held = None;
                Some(Change::Released { tag, reason: ReasonClass::Blocklist })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
