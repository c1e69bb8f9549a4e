//! What is asked and answered: one JSON object a line each.

use serde::{Deserialize, Serialize};
use warmnet_protocol::wire::bundle::SelfReport;

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// The whole status.
    Status,
    /// The score of a member, or of the hosted ones.
    Score {
        /// Hex of the member, or address of a hosted mailbox.
        member: Option<String>,
    },
    /// A score taken apart.
    ScoreExplain {
        /// Hex of the member, or address of a hosted mailbox; none: the hosted ones.
        member: Option<String>,
    },
    /// A roster row taken apart, with credits and allowance.
    PolicyExplain {
        /// Likewise.
        member: Option<String>,
    },
    /// Connected peers.
    Peers,
    /// Add the owner's external mail to the running epoch.
    External {
        /// Address of a hosted mailbox.
        mailbox: String,
        /// Counts to add.
        report: SelfReport,
    },
    /// Read the mailboxes' settings again.
    Reload,
    /// Stop gracefully.
    Stop,
    /// Anything else: the coordinator's own requests.
    Other(serde_json::Value),
}

#[derive(Deserialize)]
struct ExternalFields {
    mailbox: String,
    #[serde(flatten)]
    report: SelfReport,
}

impl Request {
    /// Reads a request line.
    ///
    /// # Errors
    /// Plain words.
    pub fn parse(line: &str) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|e| format!("not JSON: {e}"))?;
        let command = value.get("cmd").and_then(|c| c.as_str()).ok_or("the field `cmd` is missing")?;
        let member = || value.get("member").and_then(|m| m.as_str()).map(str::to_owned);
        Ok(match command {
            "status" => Self::Status,
            "score" => Self::Score { member: member() },
            "score_explain" => Self::ScoreExplain { member: member() },
            "policy_explain" => Self::PolicyExplain { member: member() },
            "peers" => Self::Peers,
            "reload" => Self::Reload,
            "stop" => Self::Stop,
            "external" => {
                let fields: ExternalFields = serde_json::from_value(value).map_err(|e| e.to_string())?;
                Self::External { mailbox: fields.mailbox, report: fields.report }
            }
            _ => Self::Other(value),
        })
    }

    /// The request's line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        let value = match self {
            Self::Status => serde_json::json!({"cmd": "status"}),
            Self::Score { member } => serde_json::json!({"cmd": "score", "member": member}),
            Self::ScoreExplain { member } => serde_json::json!({"cmd": "score_explain", "member": member}),
            Self::PolicyExplain { member } => serde_json::json!({"cmd": "policy_explain", "member": member}),
            Self::Peers => serde_json::json!({"cmd": "peers"}),
            Self::Reload => serde_json::json!({"cmd": "reload"}),
            Self::Stop => serde_json::json!({"cmd": "stop"}),
            Self::External { mailbox, report: r } => serde_json::json!({"cmd": "external", "mailbox": mailbox,
                "sent": r.sent, "hard": r.hard, "soft": r.soft, "complaints": r.complaints, "replies": r.replies}),
            Self::Other(value) => value.clone(),
        };
        value.to_string()
    }
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlFault {
    /// For programs.
    pub code: String,
    /// For people.
    pub text: String,
    /// What to do.
    pub fix: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it worked.
    pub ok: bool,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
    /// Why it did not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ControlFault>,
}

impl Answer {
    /// Done, nothing to say.
    #[must_use]
    pub fn ok() -> Self {
        Self { ok: true, data: None, error: None }
    }
    /// Done, with data.
    #[must_use]
    pub fn data<T: Serialize>(data: &T) -> Self {
        match serde_json::to_value(data) {
            Ok(value) => Self { ok: true, data: Some(value), error: None },
            Err(e) => Self::error("internal", &e.to_string(), "report this as a bug"),
        }
    }
    /// Not done.
    #[must_use]
    pub fn error(code: &str, text: &str, fix: &str) -> Self {
        let error = ControlFault { code: code.to_owned(), text: text.to_owned(), fix: fix.to_owned() };
        Self { ok: false, data: None, error: Some(error) }
    }
}

/// A hosted member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the documentation: docs/guide/node-owner.md lists them
pub struct MemberStatus {
    pub member: String,
    pub state: String,
    pub reason: Option<String>,
    pub pool: String,
    pub score: Option<f64>,
    pub locked: bool,
    pub provisional: bool,
    pub quota: u32,
    pub ramp_day: u32,
    pub debt: u32,
    pub inbox_lower: Option<f64>,
    /// Credits left by the closed epochs.
    #[serde(default)]
    pub credits: u32,
    /// External mails a day.
    #[serde(default)]
    pub allowance: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<ReportStatus>,
}

/// Reports counted in a member's mailbox since its owner allowed it: bounces and complaints of warming and of external mail, reports
/// not believed, and sums of DMARC aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the documentation
pub struct ReportStatus {
    pub warming_hard: u32,
    pub warming_soft: u32,
    pub warming_complaints: u32,
    pub external_hard: u32,
    pub external_soft: u32,
    pub external_complaints: u32,
    pub doubted: u32,
    pub dmarc_reports: u32,
    pub dmarc_pass: u64,
    pub dmarc_fail: u64,
}

/// One epoch of this node: planned..no_show as senders, observed..replied as receivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the documentation
pub struct EpochStatus {
    pub epoch: u32,
    pub planned: u32,
    pub introduced: u32,
    pub sent: u32,
    pub refused: u32,
    pub no_show: u32,
    pub observed: u32,
    pub inbox: u32,
    pub tab: u32,
    pub spam: u32,
    pub missing: u32,
    pub rescued: u32,
    pub read: u32,
    pub replied: u32,
    pub degraded: bool,
}

/// Digests of one derived record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the documentation
pub struct ClosedStatus {
    pub record: u32,
    pub closes: Option<u32>,
    pub ledger: String,
    pub trust: String,
    pub scores: String,
    pub matches_record: bool,
}

/// A member of the network by the last derived record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the documentation
pub struct NetworkScore {
    pub member: String,
    pub score: f64,
    pub pool: String,
    pub locked: bool,
    pub provisional: bool,
}

/// Something taken apart, by the last derived record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained<T> {
    /// Epoch of the record.
    pub record: u32,
    /// The protocol's own words: points in millionths, rates in ppm, weights in 65,536ths.
    pub explanation: T,
}

/// A closed epoch, network wide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the documentation
pub struct ReconciledStatus {
    pub epoch: u32,
    pub dealt: u32,
    pub delivered_inbox: u32,
    pub delivered_spam: u32,
    pub unknown: u32,
    pub bounced: u32,
    pub void: u32,
    pub completed: u32,
}

/// How bad a health item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Works, but look at it.
    Warn,
    /// Something doesn't work.
    Error,
}

/// One thing the owner should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthItem {
    /// For programs.
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// For people.
    pub text: String,
    /// What to do.
    pub fix: String,
}

/// The whole status of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Program version.
    pub version: String,
    /// Node id in hex.
    pub node: String,
    /// Name of the network.
    pub network: String,
    /// The node's clock, ms since 1970.
    pub now_ms: i64,
    /// Running epoch; none before the first.
    pub epoch: Option<u32>,
    /// waiting, synced, degraded or catching-up.
    pub phase: String,
    /// Newest record held.
    pub record_epoch: Option<u32>,
    /// Connected peers.
    pub peers: usize,
    /// Hosted members.
    pub members: Vec<MemberStatus>,
    /// The last 40 epochs of this node.
    pub epochs: Vec<EpochStatus>,
    /// The last 64 derived records.
    pub closed: Vec<ClosedStatus>,
    /// At most 200 members of the network.
    pub network_scores: Vec<NetworkScore>,
    /// The last 64 closed epochs, network wide.
    pub reconciled: Vec<ReconciledStatus>,
    /// What the owner should know.
    pub health: Vec<HealthItem>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lines that are nearly requests.
    fn line() -> impl Strategy<Value = String> {
        let command = "status|score|score_explain|policy_explain|peers|reload|stop|external|members|\\PC{0,6}";
        let value = "null|true|-1|1e400|\"a@b.test\"|\\[\\]|\\{\\}|\"\\PC{0,4}\"|\\{\"sent\":4294967296\\}";
        let field = ("member|mailbox|sent|hard|report|cmd", value).prop_map(|(name, value)| format!(",\"{name}\":{value}"));
        (command, prop::collection::vec(field, 0..4)).prop_map(|(command, fields)| format!("{{\"cmd\":\"{command}\"{}}}", fields.concat()))
    }

    proptest! {
        #[test]
        fn any_line_is_a_request_or_an_error(line in prop_oneof![line(), "\\PC{0,40}"]) {
            match Request::parse(&line) {
                Ok(request) => prop_assert_eq!(Request::parse(&request.line()), Ok(request)),
                Err(why) => prop_assert!(!why.is_empty()),
            }
        }
    }

    #[test]
    fn requests_survive_their_line() {
        let report = SelfReport { sent: 5, hard: 1, soft: 0, complaints: 2, replies: 3 };
        for request in [
            Request::Status,
            Request::Score { member: Some("aa".into()) },
            Request::Score { member: None },
            Request::ScoreExplain { member: Some("a@b.test".into()) },
            Request::PolicyExplain { member: None },
            Request::Peers,
            Request::Stop,
            Request::External { mailbox: "a@b.test".into(), report },
            Request::Other(serde_json::json!({"cmd": "members"})),
        ] {
            assert_eq!(Request::parse(&request.line()), Ok(request));
        }
        assert!(Request::parse("{}").is_err() && Request::parse("no").is_err());
        assert!(Request::parse("{\"cmd\":\"external\"}").is_err());
    }
}
