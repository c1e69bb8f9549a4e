//! A change of parameters: ordered by the operator, announced by the next record, in force from the epoch it names.

use super::Coordinator;
use crate::durable;
use serde_json::{Map, Value, json};
use std::io;
use std::path::{Path, PathBuf};
use warmnet_protocol::chain::Chain;
use warmnet_protocol::limits::PARAMS_NOTICE;
use warmnet_protocol::params::{Params, RULES_VERSION};
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::epoch_record::Upcoming;

/// The file: one change, a few kilobytes of JSON.
const FILE_BYTES: u64 = 64 * 1024;

/// An ordered change that no record has announced yet.
pub(super) struct OrderedChange {
    path: PathBuf,
    change: Option<Upcoming>,
}

impl OrderedChange {
    /// From its file in the home.
    pub(super) fn load(home: &Path) -> io::Result<Self> {
        let path = home.join("params-change.json");
        let change = match durable::read(&path, FILE_BYTES)? {
            None => None,
            Some(bytes) => {
                let invalid = |e: Box<dyn std::error::Error + Send + Sync>| io::Error::new(io::ErrorKind::InvalidData, e);
                let change: Option<Upcoming> = serde_json::from_slice(&bytes).map_err(|e| invalid(e.into()))?;
                // No node would take a record that announces it.
                change.iter().try_for_each(|c| c.params.check()).map_err(|e| invalid(e.into()))?;
                change
            }
        };
        Ok(Self { path, change })
    }

    fn set(&mut self, change: Option<Upcoming>) -> io::Result<()> {
        durable::replace(&self.path, &serde_json::to_vec_pretty(&change)?)?;
        self.change = change;
        Ok(())
    }
}

impl Coordinator {
    /// What the record of `epoch` is to announce; an order that came too late for its epoch moves on.
    pub(super) fn upcoming(&self, epoch: Epoch) -> Option<Upcoming> {
        let change = self.ordered.change.clone()?;
        Some(Upcoming { from: change.from.max(epoch.plus(PARAMS_NOTICE)), ..change })
    }

    /// Forgets an order that a record carries.
    pub(super) fn settle_parameters(&mut self, chain: &Chain) {
        let announced = chain.last_record().and_then(|r| r.record.upcoming.as_ref()).map(|u| &u.params);
        let ordered = self.ordered.change.as_ref().map(|u| &u.params);
        if ordered.is_some()
            && announced == ordered
            && let Err(error) = self.ordered.set(None)
        {
            tracing::error!(%error, "the ordered change of parameters could not be removed");
        }
    }

    /// The parameters in force, and what is announced or ordered.
    pub(super) fn parameters(&self, chain: &Chain) -> Value {
        let last = chain.last_record().map(|r| &r.record);
        json!({
            "epoch": last.map(|r| r.epoch),
            "params": chain.params_at(last.map_or(Epoch(0), |r| r.epoch)),
            "announced": last.and_then(|r| r.upcoming.as_ref()),
            "ordered": self.ordered.change,
        })
    }

    /// Takes an order: names and new values, from an epoch on.
    pub(super) fn change_parameters(&mut self, now: Timestamp, request: &Value, chain: &Chain) -> Result<Value, String> {
        let next = chain.next_epoch();
        if chain.under_way(next).is_some() || self.ordered.change.is_some() {
            return Err("another change is under way: see `params show`".into());
        }
        let before = chain.params_at(next);
        let set = request.get("set").and_then(Value::as_object).ok_or("no parameter is named")?;
        let params = changed(before, set)?;
        if !before.may_become(&params) {
            return Err("nothing would change, or window_epochs or close_lag would, which never change".into());
        }
        let soonest = next.plus(PARAMS_NOTICE);
        let from = match request.get("from").and_then(Value::as_u64) {
            None => soonest,
            Some(n) => {
                u32::try_from(n).map(Epoch).ok().filter(|e| *e >= soonest).ok_or_else(|| format!("the soonest epoch is {soonest}"))?
            }
        };
        self.audit.note(now, "params-change", &format!("{from} {}", params.digest()), None).map_err(|e| e.to_string())?;
        self.ordered.set(Some(Upcoming { from, params })).map_err(|e| format!("the order could not be saved: {e}"))?;
        Ok(json!({"from": from, "set": set}))
    }
}

/// The parameters with some values changed.
fn changed(before: &Params, set: &Map<String, Value>) -> Result<Params, String> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(before) else { return Err("the parameters have no written form".into()) };
    for (name, value) in set {
        let field = fields.get_mut(name).ok_or_else(|| format!("there is no parameter {name}; see `params show`"))?;
        let known = u64::from(before.version)..=u64::from(RULES_VERSION);
        if name == "version" && !value.as_u64().is_some_and(|version| known.contains(&version)) {
            let advice = "install a newer one on every machine of the network before its rules are ordered";
            return Err(format!("this program plays by rules of version {} to {RULES_VERSION}; {advice}", before.version));
        }
        *field = value.clone();
    }
    let params: Params = serde_json::from_value(Value::Object(fields)).map_err(|e| format!("a value can't be used: {e}"))?;
    params.check().map_err(|e| e.to_string())?;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_parameters_take_whole_numbers() {
        let before = Params::standard();
        let set = |text: &str| serde_json::from_str::<Map<String, Value>>(text).expect("JSON");
        let params = changed(&before, &set(r#"{"golden_seats": 25, "reply_ppm": 400000}"#)).expect("taken");
        assert_eq!(params, Params { golden_seats: 25, reply_ppm: 400_000, ..before.clone() });
        for wrong in [r#"{"golden": 1}"#, r#"{"version": 2}"#, r#"{"golden_seats": -1}"#, r#"{"golden_seats": "many"}"#] {
            assert!(changed(&before, &set(wrong)).is_err(), "{wrong}");
        }
        let told = |text: &str| changed(&before, &set(text)).expect_err("out of range");
        assert_eq!(told(r#"{"pause_cut": 1001}"#), "the parameter pause_cut is 1001; it may be 0 to 1000 (R-CONV-8)");
        assert!(told(r#"{"rehab_below": 80000000}"#).contains("at most lock_below, which is 70000000"));
    }

    #[test]
    fn an_order_that_no_node_would_take_is_not_loaded() {
        let home = tempfile::tempdir().expect("a folder");
        let order = |pause_cut| Upcoming { from: Epoch(30), params: Params { pause_cut, ..Params::standard() } };
        for (pause_cut, loads) in [(500, true), (1_001, false)] {
            let text = serde_json::to_vec(&order(pause_cut)).expect("JSON");
            std::fs::write(home.path().join("params-change.json"), text).expect("a file");
            assert_eq!(OrderedChange::load(home.path()).is_ok(), loads);
        }
    }
}
