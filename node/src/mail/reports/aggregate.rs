//! DMARC aggregate reports (RFC 7489 section 7.2, RFC 9990): how much of a domain's mail a provider saw pass and fail.

pub use super::unpack::MAX_UNPACKED;
use super::unpack::xml;
use mail_auth::report::{DmarcResult, Report};
use mail_parser::{Message, PartType};

/// Rows read of one report; each takes some hundred bytes of memory whatever its text has.
const MAX_ROWS: usize = 5_000;
/// Attachments looked at.
const MAX_PARTS: usize = 8;

/// A report's sums.
#[derive(Clone, Eq, PartialEq)]
pub struct AggregateSums {
    /// The domain it is about, lower case.
    pub domain: String,
    /// Who reports, and its id of the report: the two name it.
    pub reporter: (String, String),
    /// Mails that passed DMARC: SPF or DKIM, aligned.
    pub passed: u64,
    /// Mails that did not.
    pub failed: u64,
}

// Holds the owner's domain.
impl std::fmt::Debug for AggregateSums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AggregateSums({} passed, {} failed)", self.passed, self.failed)
    }
}

/// The first attachment that is a report.
pub(super) fn read(message: &Message<'_>) -> Option<AggregateSums> {
    let parts = message.parts.iter().filter(|p| !matches!(p.body, PartType::Multipart(_) | PartType::Message(_) | PartType::Html(_)));
    parts.take(MAX_PARTS).find_map(|p| sums(&xml(p.contents())?))
}

fn sums(xml: &[u8]) -> Option<AggregateSums> {
    let rows = xml.windows(RECORD.len()).filter(|w| w.eq_ignore_ascii_case(RECORD)).take(MAX_ROWS + 1).count();
    if rows > MAX_ROWS {
        return None;
    }
    let report = Report::parse_xml(xml).ok()?;
    let mut out = AggregateSums {
        domain: report.policy_published.domain.trim().trim_end_matches('.').to_ascii_lowercase(),
        reporter: (report.report_metadata.org_name, report.report_metadata.report_id),
        passed: 0,
        failed: 0,
    };
    for record in &report.record {
        let seen = &record.row.policy_evaluated;
        let count = u64::from(record.row.count);
        if seen.dkim == DmarcResult::Pass || seen.spf == DmarcResult::Pass {
            out.passed = out.passed.saturating_add(count);
        } else {
            out.failed = out.failed.saturating_add(count);
        }
    }
    (!out.domain.is_empty() && !out.reporter.1.is_empty()).then_some(out)
}

const RECORD: &[u8] = b"<record";
