//! The emulator's DNS: its own zones and the blocklist, over UDP and TCP.

use super::dkim::SELECTOR;
use super::world::{World, lock};
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{A, MX, SOA, TXT};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The blocklist's zone, its answer for a listed name, and its own test point (RFC 5782 section 5).
pub const BLOCKLIST: &str = "dbl.test";
const LISTED: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 2);
const TEST_POINT: &str = "dbltest.com";
/// Short, so that a listing is seen at once.
const TTL: u32 = 1;

/// Answers from the world as it is now.
pub struct Zones(pub Arc<World>);

impl Zones {
    /// Records of a lower-case name without its last dot; `None`: no such name.
    fn find(&self, name: &str, wanted: RecordType) -> Option<Vec<RData>> {
        if let Some(subject) = name.strip_suffix(BLOCKLIST).and_then(|n| n.strip_suffix('.')) {
            let listed = subject == TEST_POINT || lock(&self.0.listed).contains(subject);
            return listed.then(|| if wanted == RecordType::A { vec![RData::A(A(LISTED))] } else { vec![] });
        }
        let txt = |text: String| RData::TXT(TXT::new(vec![text]));
        if let Some(p) = self.0.providers.iter().find(|p| p.host == name) {
            return Some(if wanted == RecordType::A { vec![RData::A(A(p.ip))] } else { vec![] });
        }
        if let Some(domain) = name.strip_prefix(SELECTOR).and_then(|n| n.strip_prefix("._domainkey.")) {
            let d = self.0.domains.get(domain)?;
            return Some(if wanted == RecordType::TXT { vec![txt(d.key.record.clone())] } else { vec![] });
        }
        if let Some(domain) = name.strip_prefix("_dmarc.") {
            self.0.domains.get(domain)?;
            return Some(if wanted == RecordType::TXT { vec![txt("v=DMARC1; p=quarantine".to_owned())] } else { vec![] });
        }
        let d = self.0.domains.get(name)?;
        let p = &self.0.providers[d.provider];
        Some(match wanted {
            RecordType::MX => Name::from_ascii(format!("{}.", p.host)).map(|n| vec![RData::MX(MX::new(10, n))]).unwrap_or_default(),
            RecordType::TXT => vec![txt(format!("v=spf1 ip4:{} -all", p.ip))],
            _ => vec![],
        })
    }
}

#[async_trait::async_trait]
impl RequestHandler for Zones {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut out: R) -> ResponseInfo {
        let mut meta = Metadata::response_from_request(&request.metadata);
        meta.authoritative = true;
        let builder = MessageResponseBuilder::from_message_request(request);
        let found = request.request_info().ok().map(|info| {
            let name = info.query.name().to_string();
            let records = self.find(name.trim_end_matches('.'), info.query.query_type());
            (Name::from(info.query.name()), records)
        });
        let (answers, soa): (Vec<Record>, Vec<Record>) = match found {
            None => {
                meta.response_code = ResponseCode::FormErr;
                (vec![], vec![])
            }
            Some((name, Some(data))) if !data.is_empty() => {
                (data.into_iter().map(|d| Record::from_rdata(name.clone(), TTL, d)).collect(), vec![])
            }
            Some((_, data)) => {
                if data.is_none() {
                    meta.response_code = ResponseCode::NXDomain;
                }
                let zone = Name::from_ascii("test.").unwrap_or_default();
                let soa = SOA::new(zone.clone(), zone.clone(), 1, 60, 60, 60, TTL);
                (vec![], vec![Record::from_rdata(zone, TTL, RData::SOA(soa))])
            }
        };
        let response = builder.build(meta, answers.iter(), [], soa.iter(), []);
        match out.send_response(response).await {
            Ok(info) => info,
            Err(error) => {
                tracing::debug!(%error, "a DNS answer could not be sent");
                Header { metadata: meta, counts: HeaderCounts::default() }.into()
            }
        }
    }
}
