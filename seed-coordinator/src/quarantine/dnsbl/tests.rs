//! Against a list on loopback that can answer in every way a real one was seen to.

use super::*;
use hickory_resolver::proto::op::{Message, OpCode};
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::{A, CNAME};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::UdpSocket;

/// How the list behaves as a whole.
#[derive(Default)]
struct Mood {
    lists_everything: AtomicBool,
    forgot_its_control: AtomicBool,
}

/// Serves `dbl.test` until the test ends.
async fn serve(mood: Arc<Mood>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0u8; 2_048];
        while let Ok((n, peer)) = socket.recv_from(&mut buffer).await {
            let Ok(request) = Message::from_vec(&buffer[..n]) else { continue };
            let answer = answer(&request, &mood);
            if let Some(bytes) = answer.and_then(|a| a.to_vec().ok()) {
                let _sent = socket.send_to(&bytes, peer).await;
            }
        }
    });
    at
}

fn answer(request: &Message, mood: &Mood) -> Option<Message> {
    let query = request.queries.first()?;
    let mut out = Message::response(request.metadata.id, OpCode::Query);
    out.add_query(query.clone());
    let name = query.name().to_ascii().to_lowercase();
    let entry = name.strip_suffix(".dbl.test.").or_else(|| name.strip_suffix(".ip.test."))?;
    let a = |ip: [u8; 4]| Record::from_rdata(query.name().clone(), 60, RData::A(A(Ipv4Addr::from(ip))));
    match entry {
        "dbltest.com" | "2.0.0.127" if mood.forgot_its_control.load(Ordering::SeqCst) => {
            out.metadata.response_code = ResponseCode::NXDomain
        }
        "dbltest.com" | "listed.test" | "2.0.0.127" | "9.113.0.203" => {
            out.add_answer(a([127, 0, 1, 2]));
        }
        "soft.test" => {
            out.add_answer(a([127, 0, 1, 102]));
        }
        "refusing.test" => {
            out.add_answer(a([127, 255, 255, 254]));
        }
        "parked.test" => {
            out.add_answer(a([203, 0, 113, 7]));
        }
        "half-parked.test" => {
            out.add_answer(a([127, 0, 1, 2]));
            out.add_answer(a([203, 0, 113, 7]));
        }
        "alias.test" => {
            let target = Name::from_ascii("listed.test.dbl.test.").ok()?;
            out.add_answer(Record::from_rdata(query.name().clone(), 60, RData::CNAME(CNAME(target.clone()))));
            out.add_answer(Record::from_rdata(target, 60, RData::A(A(Ipv4Addr::new(127, 0, 1, 2)))));
        }
        "servfail.test" => out.metadata.response_code = ResponseCode::ServFail,
        "refused.test" => out.metadata.response_code = ResponseCode::Refused,
        "silent.test" => return None,
        _ if mood.lists_everything.load(Ordering::SeqCst) => {
            out.add_answer(a([127, 0, 1, 2]));
        }
        "nodata.test" => {}
        _ => out.metadata.response_code = ResponseCode::NXDomain,
    }
    Some(out)
}

fn list(kind: ListKind) -> BlocklistConfig {
    let (zone, positive, negative) = match kind {
        ListKind::Domain => ("dbl.test", "dbltest.com", "INVALID"),
        ListKind::Ip => ("ip.test", "127.0.0.2", "127.0.0.1"),
    };
    BlocklistConfig {
        name: None,
        zone: zone.into(),
        kind,
        listed: vec![Ipv4Addr::new(127, 0, 1, 2)],
        positive: positive.into(),
        negative: negative.into(),
        high_trust: true,
    }
}

fn subject(i: u8, domain: &str) -> Subject {
    Subject { tag: DomainTag([i; 16]), domain: domain.into(), addresses: vec![] }
}

#[tokio::test]
async fn every_answer_has_its_meaning() {
    let dnsbl = Dnsbl::new(Some(serve(Arc::default()).await)).unwrap();
    let list = list(ListKind::Domain);
    let listed = Verdict::Listed(Ipv4Addr::new(127, 0, 1, 2));
    for (entry, verdict) in [
        ("listed.test", listed),
        ("clean.test", Verdict::Clean),
        ("nodata.test", Verdict::Clean),
        ("soft.test", Verdict::Error),
        ("refusing.test", Verdict::Error),
        ("parked.test", Verdict::Error),
        ("half-parked.test", Verdict::Error),
        ("alias.test", Verdict::Error),
        ("servfail.test", Verdict::Unknown),
        ("refused.test", Verdict::Unknown),
        ("..", Verdict::Error),
    ] {
        assert_eq!(dnsbl.ask(&list, entry).await, verdict, "{entry}");
    }
}

#[tokio::test]
async fn silence_is_unknown() {
    let dnsbl = Dnsbl::with_timeout(Some(serve(Arc::default()).await), Duration::from_millis(100)).unwrap();
    assert_eq!(dnsbl.ask(&list(ListKind::Domain), "silent.test").await, Verdict::Unknown);
}

#[tokio::test]
async fn a_round_gives_one_verdict_a_domain() {
    let dnsbl = Dnsbl::new(Some(serve(Arc::default()).await)).unwrap();
    let subjects = [subject(1, "listed.test"), subject(2, "clean.test"), subject(3, "servfail.test")];
    let round = dnsbl.round(&list(ListKind::Domain), &subjects).await;
    assert!(round.healthy);
    assert!(matches!(round.verdicts[&DomainTag([1; 16])], Verdict::Listed(_)));
    assert_eq!(round.verdicts[&DomainTag([2; 16])], Verdict::Clean);
    assert_eq!(round.verdicts[&DomainTag([3; 16])], Verdict::Unknown);
}

#[tokio::test]
async fn address_lists_are_asked_in_reverse_and_only_about_own_addresses() {
    let dnsbl = Dnsbl::new(Some(serve(Arc::default()).await)).unwrap();
    let mut own = subject(1, "clean.test");
    own.addresses = vec![Ipv4Addr::new(203, 0, 113, 8), Ipv4Addr::new(203, 0, 113, 9)];
    let round = dnsbl.round(&list(ListKind::Ip), &[own, subject(2, "listed.test")]).await;
    assert!(round.healthy);
    assert!(matches!(round.verdicts[&DomainTag([1; 16])], Verdict::Listed(_)));
    assert_eq!(round.verdicts.len(), 1);
}

#[tokio::test]
async fn a_failed_control_gives_no_verdicts() {
    let mood = Arc::new(Mood::default());
    let dnsbl = Dnsbl::new(Some(serve(mood.clone()).await)).unwrap();
    let subjects = [subject(1, "listed.test")];
    mood.lists_everything.store(true, Ordering::SeqCst);
    let round = dnsbl.round(&list(ListKind::Domain), &subjects).await;
    assert!(!round.healthy && round.verdicts.is_empty(), "it lists the negative control");
    mood.lists_everything.store(false, Ordering::SeqCst);
    mood.forgot_its_control.store(true, Ordering::SeqCst);
    let round = dnsbl.round(&list(ListKind::Domain), &subjects).await;
    assert!(!round.healthy && round.verdicts.is_empty(), "it doesn't list the positive control");
}
