//! The state and its transitions.

use super::event::{Event, Refusal};
use super::{
    CODE_MAILS, Command, Context, DOMAIN_AGE_EPOCHS, EXPIRY_EPOCHS, FIRST_SEEN, PENDING, PENDING_PER_NODE, RETURN_EPOCHS, SHARED_PERCENT,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use warmnet_protocol::identity::{CanonicalAddress, Passport, commitment, hash, member_id};
use warmnet_protocol::ids::{Digest, DomainTag, MemberId, NodeId};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::AuthResult;
use warmnet_protocol::wire::enrolment::{Apply, Token};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, acts};

/// How far an open application is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The token is out.
    Challenged,
    /// The mail came and passed; so many code mails were handed out.
    Heard {
        /// Count.
        mails: u8,
    },
    /// The mail came and did not pass; told at the next question.
    Failed(Refusal),
}

/// An open application. Its `Debug` shows no address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Who applies.
    pub node: NodeId,
    /// For what.
    pub apply: Apply,
    /// Its canonical address.
    pub(super) address: String,
    /// Tag of its domain.
    pub tag: DomainTag,
    /// Whether its provider is a shared one.
    pub shared: bool,
    /// Epoch of the application, or of its latest token.
    pub since: Epoch,
    /// Golden address it was given.
    pub(super) golden: String,
    /// Token it was given.
    pub(super) token: Token,
    /// How far.
    pub stage: Stage,
}

/// An admitted member: what its row and its blocklist checks need. The address itself is forgotten, and `Debug` shows no
/// domain.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The node that speaks for it.
    pub node: NodeId,
    /// Tag of its domain.
    pub tag: DomainTag,
    /// Registrable domain, for blocklist questions.
    pub domain: String,
    /// Whether its provider is a shared one.
    pub shared: bool,
    /// First epoch in a roster.
    pub from: Epoch,
    /// Keyed hash of the canonical address.
    pub address_key: Digest,
    /// Provider class.
    pub provider: u8,
    /// Language bits.
    pub languages: u8,
    /// Weekday bits.
    pub weekdays: u8,
    /// Act bits.
    pub acts: u8,
    /// Ramp preset.
    pub ramp: RampPreset,
}

/// All applications and admissions of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    pub(super) pending: BTreeMap<MemberId, Pending>,
    pub(super) admitted: BTreeMap<MemberId, Admitted>,
    /// First application of each unsponsored domain.
    pub(super) first_seen: BTreeMap<DomainTag, Epoch>,
    /// Admissions of one epoch.
    pub(super) count: Option<(Epoch, u32)>,
    /// Members on their way out, with their signed departure.
    pub(super) departing: BTreeMap<MemberId, Vec<u8>>,
    /// Address keys of members that left, and when.
    pub(super) departed: BTreeMap<Digest, Epoch>,
    /// Address key to member, over `admitted`.
    pub(super) addresses: BTreeMap<Digest, MemberId>,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("member", &self.apply.member).field("since", &self.since).field("stage", &self.stage).finish()
    }
}

impl std::fmt::Debug for Admitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admitted").field("node", &self.node).field("tag", &self.tag).field("from", &self.from).finish()
    }
}

impl Admission {
    /// Takes in one command.
    pub fn handle(&mut self, context: &Context<'_>, command: Command) -> Event {
        self.expire(context.epoch);
        match command {
            Command::Apply { from, apply } => self.apply(context, from, *apply),
            Command::TokenMail { from, token, auth } => self.token_mail(context, &from, token, auth),
            Command::Leave { departure } => self.leave(context, departure),
            Command::Confirm { from, member, code } => self.confirm(context, from, member, code),
        }
    }

    /// Open applications.
    #[must_use]
    pub fn pending(&self) -> &BTreeMap<MemberId, Pending> {
        &self.pending
    }
    /// Admitted members.
    #[must_use]
    pub fn admitted(&self) -> &BTreeMap<MemberId, Admitted> {
        &self.admitted
    }
    /// Forgets applications older than [`EXPIRY_EPOCHS`] and departures older than [`RETURN_EPOCHS`].
    pub fn expire(&mut self, epoch: Epoch) {
        self.departed.retain(|_, left| left.plus(RETURN_EPOCHS) > epoch);
        self.pending.retain(|_, p| p.since.plus(EXPIRY_EPOCHS) > epoch);
    }

    fn apply(&mut self, context: &Context<'_>, from: NodeId, apply: Apply) -> Event {
        let Ok(address) = CanonicalAddress::parse(&apply.address) else { return Event::Refused(Refusal::Address) };
        if member_id(&context.network, &apply.salt, &address) != apply.member {
            return Event::Refused(Refusal::Commitment);
        }
        if apply.provider > 7 || apply.weekdays & !ALL_WEEKDAYS != 0 || apply.acts & !acts::ALL != 0 || apply.languages == 0 {
            return Event::Refused(Refusal::Setting);
        }
        let member = apply.member;
        let key = address_key(context, &address);
        if self.leaves(&member) {
            return Event::Refused(Refusal::LeftLately { from: context.epoch.plus(RETURN_EPOCHS).0 });
        }
        if let Some(known) = self.admitted.get(&member) {
            return if known.node == from { known.event(member, false) } else { Event::Refused(Refusal::OtherNode) };
        }
        if self.addresses.contains_key(&key) {
            return Event::Refused(Refusal::Enrolled);
        }
        if let Some(from) = self.returns(&key, context.epoch) {
            return Event::Refused(Refusal::LeftLately { from: from.0 });
        }
        if context.golden.iter().any(|g| g.address == address) {
            return Event::Refused(Refusal::Golden);
        }
        if let Some(open) = self.pending.get_mut(&member) {
            if open.node != from {
                return Event::Refused(Refusal::OtherNode);
            }
            if let Stage::Failed(refusal) = &open.stage {
                let refusal = refusal.clone();
                self.pending.remove(&member);
                return Event::Refused(refusal);
            }
            // A day without an end: a mail was lost. A new token makes it a new mail, so that nobody sends one twice.
            let new = context.epoch > open.since;
            if new {
                open.since = context.epoch;
                open.token = draw(context, "token", &member, &from, open.since);
                open.stage = Stage::Challenged;
            }
            return Event::Challenged { golden: open.golden.clone(), token: open.token, new };
        }
        self.begin(context, from, apply, &address)
    }

    fn begin(&mut self, context: &Context<'_>, from: NodeId, apply: Apply, address: &CanonicalAddress) -> Event {
        let registrable = address.registrable_domain();
        let shared = context.rules.shared(registrable);
        let tag = commitment::domain_tag(context.tag_key, address, shared);
        if shared {
            if self.shared_of(&from, &apply.member) > 0 {
                return Event::Refused(Refusal::SharedProvider);
            }
        } else if !context.rules.sponsored(registrable) {
            let known = self.first_seen.get(&tag).copied();
            if known.is_none() && self.first_seen.len() >= FIRST_SEEN {
                return Event::Waiting;
            }
            let first = *self.first_seen.entry(tag).or_insert(context.epoch);
            let may = first.plus(DOMAIN_AGE_EPOCHS);
            if context.epoch < may {
                return Event::Refused(Refusal::Young { from: may.0 });
            }
        }
        let of_node = self.pending.values().filter(|p| p.node == from).count();
        if self.pending.len() >= PENDING || of_node >= PENDING_PER_NODE || context.golden.is_empty() {
            return Event::Waiting;
        }
        // Spread over the golden mailboxes by the applicant's id, so that asking again names the same one.
        let pick = usize::from(apply.member.0[0]) * 256 + usize::from(apply.member.0[1]);
        let golden = context.golden[pick % context.golden.len()].address.as_str().to_owned();
        let token = draw(context, "token", &apply.member, &from, context.epoch);
        let open = Pending {
            node: from,
            address: address.as_str().to_owned(),
            tag,
            shared,
            since: context.epoch,
            golden: golden.clone(),
            token,
            stage: Stage::Challenged,
            apply,
        };
        self.pending.insert(open.apply.member, open);
        Event::Challenged { golden, token, new: true }
    }

    /// Members and applications of this node at shared providers, but for `except`.
    fn shared_of(&self, node: &NodeId, except: &MemberId) -> usize {
        let admitted = self.admitted.iter().filter(|(m, a)| a.shared && a.node == *node && *m != except).count();
        admitted + self.pending.iter().filter(|(m, p)| p.shared && p.node == *node && *m != except).count()
    }

    fn token_mail(&mut self, context: &Context<'_>, from: &str, token: Token, auth: [AuthResult; 3]) -> Event {
        let Ok(address) = CanonicalAddress::parse(from) else { return Event::Ignored };
        let found = self.pending.iter_mut().find(|(_, p)| p.token == token && p.address == address.as_str());
        let Some((member, open)) = found else { return Event::Ignored };
        let member = *member;
        let code = draw(context, "code", &member, &open.node, open.since);
        match open.stage {
            Stage::Failed(_) => Event::Ignored,
            Stage::Heard { mails } if mails >= CODE_MAILS => Event::Ignored,
            Stage::Heard { mails } => {
                open.stage = Stage::Heard { mails: mails + 1 };
                Event::Heard { member, code, new: false }
            }
            Stage::Challenged if auth.iter().all(|a| *a == AuthResult::Pass) => {
                open.stage = Stage::Heard { mails: 1 };
                Event::Heard { member, code, new: true }
            }
            Stage::Challenged => {
                let [spf, dkim, dmarc] = auth.map(|a| said(a).to_owned());
                open.stage = Stage::Failed(Refusal::Authentication { spf, dkim, dmarc });
                Event::NotAuthenticated { member }
            }
        }
    }

    fn confirm(&mut self, context: &Context<'_>, from: NodeId, member: MemberId, code: Token) -> Event {
        if let Some(known) = self.admitted.get(&member) {
            return if known.node == from { known.event(member, false) } else { Event::Refused(Refusal::OtherNode) };
        }
        let Some(open) = self.pending.get(&member) else { return Event::Refused(Refusal::Unknown) };
        if open.node != from {
            return Event::Refused(Refusal::OtherNode);
        }
        // A code is mailed only after its token's mail passed; one of a day ago may arrive late.
        let days = (0..EXPIRY_EPOCHS).filter_map(|back| open.since.0.checked_sub(back));
        let mut codes = days.map(|day| draw(context, "code", &member, &from, Epoch(day)));
        if matches!(open.stage, Stage::Failed(_)) || !codes.any(|c| c == code) {
            return Event::Refused(Refusal::Code);
        }
        let Ok(address) = CanonicalAddress::parse(&open.address) else { return Event::Refused(Refusal::Address) };
        let address_key = address_key(context, &address);
        if self.addresses.contains_key(&address_key) {
            self.pending.remove(&member);
            return Event::Refused(Refusal::Enrolled);
        }
        if !self.room(context, open.shared) {
            return Event::Waiting;
        }
        let Some(open) = self.pending.remove(&member) else { return Event::Refused(Refusal::Unknown) };
        let admitted = Admitted {
            node: open.node,
            tag: open.tag,
            domain: address.registrable_domain().to_owned(),
            shared: open.shared,
            from: context.next_record.max(context.epoch.plus(context.params.enrolment_delay)),
            address_key,
            provider: open.apply.provider,
            languages: open.apply.languages,
            weekdays: open.apply.weekdays,
            acts: open.apply.acts,
            ramp: open.apply.ramp,
        };
        let event = admitted.event(member, true);
        self.addresses.insert(address_key, member);
        self.admitted.insert(member, admitted);
        // Whoever else applied for this very mailbox came second.
        self.pending.retain(|_, p| p.address != open.address);
        self.count = Some((context.epoch, self.admitted_in(context.epoch) + 1));
        event
    }

    fn admitted_in(&self, epoch: Epoch) -> u32 {
        self.count.filter(|(e, _)| *e == epoch).map_or(0, |(_, n)| n)
    }

    /// Whether this epoch's cap and the share of shared providers leave room.
    fn room(&self, context: &Context<'_>, shared: bool) -> bool {
        if self.admitted_in(context.epoch) >= admission_cap(context) {
            return false;
        }
        let of_shared = self.admitted.values().filter(|a| a.shared).count();
        !shared || of_shared < (context.roster_len * SHARED_PERCENT / 100).max(1)
    }
}

impl Admitted {
    /// Its passport.
    #[must_use]
    pub fn passport(&self, member: MemberId) -> Passport {
        Passport { member, node: self.node, tag: self.tag, from: self.from }
    }
    fn event(&self, member: MemberId, new: bool) -> Event {
        Event::Admitted { passport: self.passport(member), new }
    }
}

/// Admissions of one epoch: at least the floor, else a share of the roster.
pub(super) fn admission_cap(context: &Context<'_>) -> u32 {
    let share = context.roster_len as u64 * u64::from(context.params.admissions_permille) / 1_000;
    context.params.admissions_floor.max(u32::try_from(share).unwrap_or(u32::MAX))
}

fn address_key(context: &Context<'_>, address: &CanonicalAddress) -> Digest {
    let mut h = hash::keyed("enrolled-address");
    h.update(context.secret).update(address.as_str().as_bytes());
    Digest(*h.finalize().as_bytes())
}

/// A token or code: the same for the same applicant and epoch of application, unknown to everybody else.
fn draw(context: &Context<'_>, kind: &str, member: &MemberId, node: &NodeId, since: Epoch) -> Token {
    let mut h = hash::keyed("enrolment");
    h.update(context.secret).update(kind.as_bytes()).update(&member.0).update(&node.0).update(&since.0.to_be_bytes());
    let mut out = [0u8; 16];
    h.finalize_xof().fill(&mut out);
    out
}

fn said(result: AuthResult) -> &'static str {
    match result {
        AuthResult::Pass => "pass",
        AuthResult::Fail => "fail",
        AuthResult::Unknown => "no result",
    }
}
