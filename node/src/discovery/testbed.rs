//! A small world on loopback for tests: DNS zones, a web server, an IMAP and an SMTP server, all under one root of trust.

use crate::mail::{Security, ServerSettings};
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{A, MX, PTR, SOA, SRV, TXT};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer};

/// Records by lower-case name without its last dot.
#[derive(Clone, Default)]
pub(crate) struct Zone(Arc<Mutex<BTreeMap<String, Vec<RData>>>>);

fn name(text: &str) -> Name {
    Name::from_ascii(format!("{}.", text.trim_end_matches('.'))).expect("a name")
}

impl Zone {
    pub(crate) fn add(&self, at: &str, data: RData) {
        self.0.lock().expect("not poisoned").entry(at.to_owned()).or_default().push(data);
    }
    pub(crate) fn remove(&self, at: &str) {
        self.0.lock().expect("not poisoned").remove(at);
    }
    pub(crate) fn a(&self, at: &str) {
        self.a_at(at, Ipv4Addr::LOCALHOST);
    }
    pub(crate) fn a_at(&self, at: &str, ip: Ipv4Addr) {
        self.add(at, RData::A(A(ip)));
    }
    pub(crate) fn txt(&self, at: &str, text: &str) {
        self.add(at, RData::TXT(TXT::new(vec![text.to_owned()])));
    }
    pub(crate) fn mx(&self, at: &str, host: &str) {
        self.add(at, RData::MX(MX::new(10, name(host))));
    }
    pub(crate) fn srv(&self, at: &str, port: u16, host: &str) {
        self.add(at, RData::SRV(SRV::new(0, 0, port, name(host))));
    }
    pub(crate) fn ptr(&self, ip: IpAddr, host: &str) {
        self.add(Name::from(ip).to_ascii().trim_end_matches('.'), RData::PTR(PTR(name(host))));
    }

    fn find(&self, wanted: &str, kind: RecordType) -> Result<Vec<RData>, ResponseCode> {
        // A zone that is out of order.
        if wanted.ends_with("broken.test") {
            return Err(ResponseCode::ServFail);
        }
        let zone = self.0.lock().expect("not poisoned");
        if let Some(data) = zone.get(wanted) {
            return Ok(data.iter().filter(|d| d.record_type() == kind).cloned().collect());
        }
        let below = format!(".{wanted}");
        if zone.keys().any(|n| n.ends_with(&below)) { Ok(vec![]) } else { Err(ResponseCode::NXDomain) }
    }

    /// Serves it; gives the server's address.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let (udp, tcp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.expect("listen");
            // The same port for both, which may be taken for one of them.
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().expect("address")).await {
                break (udp, tcp);
            }
        };
        let at = udp.local_addr().expect("address");
        let mut server = hickory_server::Server::new(self.clone());
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 4_096);
        tokio::spawn(async move { server.block_until_done().await });
        at
    }
}

#[async_trait::async_trait]
impl RequestHandler for Zone {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut out: R) -> ResponseInfo {
        let mut meta = Metadata::response_from_request(&request.metadata);
        meta.authoritative = true;
        let info = request.request_info().expect("a question");
        let asked = Name::from(info.query.name());
        let lower = asked.to_ascii().trim_end_matches('.').to_ascii_lowercase();
        let found = self.find(&lower, info.query.query_type());
        let answers: Vec<Record> = match &found {
            Ok(data) => data.iter().map(|d| Record::from_rdata(asked.clone(), 1, d.clone())).collect(),
            Err(code) => {
                meta.response_code = *code;
                vec![]
            }
        };
        let root = name("test");
        let soa = [Record::from_rdata(root.clone(), 1, RData::SOA(SOA::new(root.clone(), root, 1, 60, 60, 60, 1)))];
        let authority = if answers.is_empty() { &soa[..] } else { &[] };
        let response = MessageResponseBuilder::from_message_request(request).build(meta, answers.iter(), [], authority.iter(), []);
        out.send_response(response).await.unwrap_or_else(|_| Header { metadata: meta, counts: HeaderCounts::default() }.into())
    }
}

/// One root of trust, and a certificate for the given names.
pub(crate) struct Certificate {
    acceptor: TlsAcceptor,
    dir: tempfile::TempDir,
}

impl Certificate {
    pub(crate) fn new(names: &[&str]) -> Self {
        let made = rcgen::generate_simple_self_signed(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).expect("certificate");
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join("ca.pem"), made.cert.pem()).expect("write");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .expect("server config");
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), dir }
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A server with TLS from the first byte; gives its port.
    pub(crate) async fn serve<F, S>(&self, talk: S) -> u16
    where
        S: Fn(BufReader<tokio_rustls::server::TlsStream<TcpStream>>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let port = listener.local_addr().expect("address").port();
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                if let Ok(tls) = acceptor.accept(tcp).await {
                    tokio::spawn(talk(BufReader::new(tls)));
                }
            }
        });
        port
    }

    /// A settings table for a port of this world.
    pub(crate) fn server(&self, host: &str, port: u16) -> ServerSettings {
        let address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        ServerSettings { host: host.to_owned(), port, security: Security::Tls, address, ca_file: Some(self.ca_file()) }
    }
}

async fn line(stream: &mut (impl AsyncRead + AsyncWrite + Unpin + AsyncBufReadExt)) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).await.unwrap_or(0) > 0).then(|| line.trim_end().to_owned())
}

/// What both servers take; long enough to stand nowhere by chance.
pub(crate) const PASSWORD: &str = "correct-horse-7";

/// An IMAP server that takes [`PASSWORD`] and lists an inbox and, where wanted, a junk folder.
pub(crate) async fn imap(certificate: &Certificate, junk: bool) -> u16 {
    certificate
        .serve(move |mut stream| async move {
            let _ = stream.write_all(b"* OK ready\r\n").await;
            while let Some(text) = line(&mut stream).await {
                let mut words = text.split_whitespace();
                let (tag, verb) = (words.next().unwrap_or("*").to_owned(), words.next().unwrap_or_default().to_ascii_uppercase());
                let rest = text.to_owned();
                let answer = match verb.as_str() {
                    "CAPABILITY" => format!("* CAPABILITY IMAP4rev1 SPECIAL-USE LIST-EXTENDED\r\n{tag} OK done\r\n"),
                    "LOGIN" if rest.contains(PASSWORD) => format!("{tag} OK [CAPABILITY IMAP4rev1 SPECIAL-USE LIST-EXTENDED] in\r\n"),
                    "LOGIN" => format!("{tag} NO [AUTHENTICATIONFAILED] no\r\n"),
                    "LIST" => {
                        let junk = if junk { "* LIST (\\Junk) \"/\" Spam\r\n" } else { "" };
                        format!("* LIST () \"/\" INBOX\r\n{junk}{tag} OK done\r\n")
                    }
                    "LOGOUT" => format!("* BYE bye\r\n{tag} OK done\r\n"),
                    _ => format!("{tag} OK done\r\n"),
                };
                if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() || verb == "LOGOUT" {
                    return;
                }
            }
        })
        .await
}

/// An SMTP server that takes [`PASSWORD`].
pub(crate) async fn smtp(certificate: &Certificate) -> u16 {
    certificate
        .serve(|mut stream| async move {
            let _ = stream.write_all(b"220 ready\r\n").await;
            let _ = stream.flush().await;
            while let Some(text) = line(&mut stream).await {
                // PLAIN is base64 of NUL user NUL password.
                let right = text
                    .rsplit(' ')
                    .next()
                    .map(|b| base64::Engine::decode(&base64::prelude::BASE64_STANDARD, b))
                    .is_some_and(|d| d.is_ok_and(|d| d.ends_with(format!("\0{PASSWORD}").as_bytes())));
                let answer = match text.split(' ').next().unwrap_or_default() {
                    "EHLO" => "250-here\r\n250 AUTH PLAIN\r\n",
                    "AUTH" if right => "235 in\r\n",
                    "AUTH" => "535 5.7.8 no\r\n",
                    _ => "250 fine\r\n",
                };
                if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
        })
        .await
}

/// A web server with these pages: (host and path, status line, body). Every other page is 404. It remembers what was asked.
pub(crate) async fn web(
    certificate: &Certificate,
    pages: &'static [(&'static str, &'static str, String)],
) -> (u16, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    let port = certificate
        .serve(move |mut stream| {
            let heard = heard.clone();
            async move {
                let (mut path, mut host) = (String::new(), String::new());
                while let Some(text) = line(&mut stream).await {
                    if text.is_empty() {
                        break;
                    }
                    if let Some(rest) = text.strip_prefix("GET ") {
                        path = rest.split(' ').next().unwrap_or_default().to_owned();
                    } else if let Some(value) = text.to_ascii_lowercase().strip_prefix("host: ") {
                        host = value.split(':').next().unwrap_or_default().to_owned();
                    }
                }
                let wanted = format!("{host}{path}");
                heard.lock().expect("not poisoned").push(wanted.clone());
                let page = pages.iter().find(|(at, ..)| *at == wanted);
                let (status, body) = page.map_or(("404 Not Found", ""), |(_, status, body)| (*status, body.as_str()));
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(body.as_bytes()).await;
                let _ = stream.flush().await;
                let _ = stream.shutdown().await;
            }
        })
        .await;
    (port, asked)
}
