//! The rules of Warmnet, pure: no clock, no randomness of its own, no socket, file, thread or log.
//!
//! ```text
//!  bytes ──> wire ──> identity (who signed) ──> gossip (is it believed?) ──> ledger ──> trust ──> score ──> policy
//!                                                    │                         ▲                              │
//!  record + roster ──> matching (who mails whom) ──> exchange (one mail's life) ──> bundle                roster row
//!                                          └──────────── engine: handle(now, input), poll(), next_wake() ─────┘
//! ```
//!
//! | room | what is in it |
//! |---|---|
//! | [`time`], [`entropy`], [`ids`], [`limits`], [`params`] | the words all rules are written in |
//! | [`identity`] | keys, signatures, member commitments, domain tags, passports |
//! | [`wire`] | the bytes of every message, strictly decoded |
//! | [`matching`] | rings, conflicts, golden seats |
//! | [`exchange`] | one mail's life, its label and its text |
//! | [`ledger`] | reconciling both sides' words, the window, equivocation |
//! | [`trust`] | the walk, credibility, weights |
//! | [`score`] | bounds and formula |
//! | [`policy`] | tomorrow's roster row: ramp, pools, rehabilitation |
//! | [`gossip`] | topics, what was seen, the table of verdicts |
//! | [`chain`] | records, rosters and ledger folded into one state |
//! | [`engine`] | the hub a host drives |
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod chain;
pub mod engine;
pub mod entropy;
pub mod exchange;
pub mod gossip;
pub mod identity;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod matching;
pub mod params;
pub mod policy;
pub mod score;
pub mod time;
pub mod trust;
pub mod wire;
