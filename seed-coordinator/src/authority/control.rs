//! The operator's questions and orders over the control socket.
//!
//! | request | answer |
//! |---|---|
//! | `{"cmd":"members"}`, `{"cmd":"members","member":"<hex or its start>"}` | rows of the newest roster, open applications |
//! | `{"cmd":"epoch","epoch":null or n}` | a record |
//! | `{"cmd":"params"}`, `{"cmd":"params_change","set":{..},"from":null or n}` | the parameters; a change to announce |
//! | `{"cmd":"quarantine_list"}` | what is held, by what, and the lists' health |
//! | `{"cmd":"quarantine_add","subject":..,"reason":..}`, `quarantine_release` | the notice's digest of evidence |
//!
//! A subject is a member id, a domain tag (both in hex) or a domain.

use super::Coordinator;
use crate::admission::Stage;
use crate::audit::check_reason;
use serde_json::{Value, json};
use warmnet_protocol::chain::Chain;
use warmnet_protocol::identity::{CanonicalAddress, commitment};
use warmnet_protocol::ids::{DomainTag, MemberId};
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::roster::RosterRow;

/// Rows in one answer: the socket's line holds 1 MiB.
const ROWS: usize = 2_000;

impl Coordinator {
    pub(super) fn order(&mut self, now: Timestamp, request: &Value, chain: &Chain) -> Option<Result<Value, String>> {
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        Some(match request.get("cmd")?.as_str()? {
            "members" => Ok(self.members(chain, text("member").unwrap_or(""))),
            "epoch" => epoch(chain, request.get("epoch").and_then(Value::as_u64)),
            "params" => Ok(self.parameters(chain)),
            "params_change" => self.change_parameters(now, request, chain),
            "quarantine_list" => Ok(self.quarantine_list(chain)),
            order @ ("quarantine_add" | "quarantine_release") => {
                let (subject, reason) = (text("subject").unwrap_or(""), text("reason").unwrap_or(""));
                self.quarantine_order(now, order == "quarantine_add", subject, reason, chain)
            }
            _ => return None,
        })
    }

    fn members(&self, chain: &Chain, prefix: &str) -> Value {
        let roster = chain.latest_roster();
        let matching = roster.rows().iter().filter(|r| r.member.to_hex().starts_with(prefix));
        let rows: Vec<Value> = matching.take(ROWS).map(|r| self.row(r)).collect();
        let waiting = self.admission.admitted().iter().filter(|(m, _)| roster.row(m).is_none());
        let waiting: Vec<Value> = waiting.take(ROWS).map(|(m, a)| json!({"member": m, "node": a.node, "from": a.from})).collect();
        let open = self.admission.pending().iter().take(ROWS).map(|(m, p)| {
            let stage = match p.stage {
                Stage::Challenged => "challenged",
                Stage::Heard { .. } => "heard",
                Stage::Failed(_) => "failed",
            };
            json!({"member": m, "node": p.node, "since": p.since, "stage": stage})
        });
        let open: Vec<Value> = open.collect();
        json!({"total": roster.len(), "members": rows, "admitted": waiting, "applications": open})
    }

    fn row(&self, row: &RosterRow) -> Value {
        json!({
            "member": row.member, "node": row.node, "tag": row.tag, "role": row.role, "pool": row.pool, "joined": row.joined,
            "provider": row.provider, "ramp": row.ramp, "ramp_day": row.ramp_day, "quota": row.quota, "cut": row.cut,
            "debt": row.debt, "service": row.service, "dead": row.dead, "unlocked_once": row.unlocked_once,
            "held": self.docket.hysteresis.is_held(&row.tag),
        })
    }

    fn quarantine_list(&self, chain: &Chain) -> Value {
        let listed = chain.quarantined();
        let held: Vec<Value> = self
            .docket
            .hysteresis
            .held()
            .map(|(tag, h)| {
                let roster = chain.latest_roster();
                let members: Vec<MemberId> = roster.rows().iter().filter(|r| r.tag == tag).map(|r| r.member).collect();
                json!({"tag": tag, "reason": h.reason, "since_minute": h.since, "recorded": listed.contains(&tag), "members": members})
            })
            .collect();
        let suspended = self.docket.hysteresis.suspended();
        let lists: Vec<Value> = self
            .lists
            .iter()
            .map(|(name, healthy)| json!({"list": name, "healthy": healthy, "suspended": suspended.contains(name)}))
            .collect();
        json!({"held": held, "pending": self.docket.pending.values().collect::<Vec<_>>(), "lists": lists})
    }

    fn quarantine_order(&mut self, now: Timestamp, add: bool, subject: &str, reason: &str, chain: &Chain) -> Result<Value, String> {
        check_reason(reason).map_err(|e| e.to_string())?;
        let tag = self.tag_of(subject, chain)?;
        let held = self.docket.hysteresis.is_held(&tag);
        if !add && !held {
            return Err("this domain is not in quarantine".into());
        }
        // First the log, then the act: nothing is done that can't be written down.
        let act = if add { "quarantine-add" } else { "quarantine-release" };
        self.audit.note(now, act, &tag.to_hex(), Some(reason)).map_err(|e| e.to_string())?;
        let minute = self.minute(now);
        let change = if add { self.docket.hysteresis.operator_add(minute, tag) } else { self.docket.hysteresis.operator_release(tag) };
        match change {
            // The notice itself goes out with the next tick, which follows every request.
            Some(change) => self.follow(now, &change, Some(reason)),
            None => self.save_docket(),
        }
        Ok(json!({"tag": tag, "held": add, "was_held": held}))
    }

    /// The tag of a member id, a tag or a domain.
    fn tag_of(&self, subject: &str, chain: &Chain) -> Result<DomainTag, String> {
        if let Ok(tag) = DomainTag::from_hex(subject) {
            return Ok(tag);
        }
        if let Ok(member) = MemberId::from_hex(subject) {
            let of_roster = chain.latest_roster().row(&member).map(|r| r.tag);
            let tag = of_roster.or_else(|| self.admission.admitted().get(&member).map(|a| a.tag));
            return tag.ok_or_else(|| "there is no such member".into());
        }
        let address = CanonicalAddress::parse(&format!("postmaster@{subject}"))
            .map_err(|_| "say a member id, a domain tag or a domain".to_owned())?;
        if self.rules.shared(address.registrable_domain()) {
            return Err("many strangers share this domain: name the member instead".into());
        }
        Ok(commitment::domain_tag(&self.keys.tag, &address, false))
    }
}

fn epoch(chain: &Chain, asked: Option<u64>) -> Result<Value, String> {
    let last = chain.last_record().map(|r| r.record.epoch).ok_or("there is no record yet")?;
    let epoch = match asked {
        None => last,
        Some(n) => Epoch(u32::try_from(n).map_err(|_| "there is no such epoch".to_owned())?),
    };
    let held = chain.record(epoch).ok_or_else(|| format!("record {epoch} is not here; the newest is {last}"))?;
    let r = &held.record;
    Ok(json!({
        "epoch": r.epoch, "digest": held.digest, "previous": r.previous, "beacon": r.beacon, "roster": r.roster,
        "roster_len": r.roster_len, "closes": r.ledger.as_ref().map(|l| l.epoch), "ledger": r.ledger.as_ref().map(|l| l.digest),
        "bundles": r.ledger.as_ref().map(|l| l.present.iter().map(|b| b.count_ones()).sum::<u32>()),
        "notices": r.notices, "proofs": r.proofs.len(), "results": r.results, "degraded": r.degraded,
    }))
}
