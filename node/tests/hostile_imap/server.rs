//! A TLS server that speaks as little IMAP as it must, and at one command does something hostile.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};
use warmnet_node::mail::{Security, ServerSettings};

/// What the server sends instead of its answer.
#[derive(Clone)]
pub(crate) enum Act {
    /// This, then it waits for ever.
    Once(Vec<u8>),
    /// This, then it closes.
    Close(Vec<u8>),
    /// The first, then the second again and again until the client goes.
    Endless(Vec<u8>, Vec<u8>),
    /// Answers made by number until the client goes.
    Count(fn(u64) -> String),
    /// One byte a millisecond, of the first, then of the second for ever.
    Drip(Vec<u8>, Vec<u8>),
    /// This and the tagged answer (OK, NO or BAD and words); it goes on as usual.
    Answer(Vec<u8>, &'static str),
    /// A tagged answer with another tag.
    WrongTag,
}

/// One hostile server.
#[derive(Clone)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// The command it strikes at; `""`: instead of the greeting.
    pub(crate) at: &'static str,
    pub(crate) act: Act,
}

/// The certificate that all of them show.
pub(crate) struct Certificate {
    dir: TempDir,
    acceptor: TlsAcceptor,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["mx.a.test".to_owned()]).expect("certificate");
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join("ca.pem"), made.cert.pem()).expect("write");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .expect("server config");
        Self { dir, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Serves any number of connections until the runtime ends.
    pub(crate) async fn serve(&self, attack: Attack) -> ServerSettings {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("listen");
        let port = listener.local_addr().expect("address").port();
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(connection(acceptor.clone(), tcp, attack.clone()));
            }
        });
        ServerSettings {
            host: "mx.a.test".into(),
            port,
            security: Security::Tls,
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ca_file: Some(self.ca_file()),
        }
    }
}

async fn connection(acceptor: TlsAcceptor, tcp: TcpStream, attack: Attack) {
    // Each of a dripping server's bytes is to arrive by itself.
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    let Ok(tls) = acceptor.accept(tcp).await else { return };
    // The client goes when it has had enough: that ends the conversation.
    let _gone = talk(BufReader::new(tls), &attack).await;
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(mut stream: BufReader<S>, attack: &Attack) -> std::io::Result<()> {
    if attack.at.is_empty() {
        strike(&mut stream, "*", &attack.act).await?;
    } else {
        stream.write_all(b"* OK ready\r\n").await?;
        stream.flush().await?;
    }
    let (mut line, mut idle) = (String::new(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let (tag, command) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        if !attack.at.is_empty() && command.to_ascii_uppercase().starts_with(attack.at) {
            let tag = tag.to_owned();
            if !strike(&mut stream, &tag, &attack.act).await? {
                return Ok(());
            }
            continue;
        }
        if command.eq_ignore_ascii_case("IDLE") {
            tag.clone_into(&mut idle);
        }
        // The end of IDLE has no tag of its own.
        let answer = honest(if tag == "DONE" { &idle } else { tag }, command);
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

/// The answers of a server with one labelled mail in its inbox.
fn honest(tag: &str, command: &str) -> String {
    let command = command.to_ascii_uppercase();
    let header = "Message-ID: <1@a.test>\r\nWarmnet-Exchange: v1; n=1\r\n\r\n";
    let data = if command.starts_with("CAPABILITY") {
        "* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS\r\n".to_owned()
    } else if command.starts_with("LIST") {
        "* LIST () \"/\" INBOX\r\n* LIST (\\Junk) \"/\" Junk\r\n".to_owned()
    } else if command.starts_with("STATUS") {
        "* STATUS Junk (UIDNEXT 1 UIDVALIDITY 7)\r\n".to_owned()
    } else if command.starts_with("SELECT \"INBOX\"") {
        "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 2] x\r\n".to_owned()
    } else if command.starts_with("SELECT") {
        "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n".to_owned()
    } else if command.starts_with("UID SEARCH") {
        "* SEARCH 1\r\n".to_owned()
    } else if command.starts_with("UID FETCH") && command.contains("HEADER.FIELDS") {
        format!("* 1 FETCH (UID 1 RFC822.SIZE 90 BODY[HEADER.FIELDS (MESSAGE-ID)] {{{}}}\r\n{header})\r\n", header.len())
    } else if command.starts_with("UID FETCH") {
        format!("* 1 FETCH (UID 1 BODY[]<0> {{{}}}\r\n{header})\r\n", header.len())
    } else if command.starts_with("IDLE") {
        return "+ idling\r\n".to_owned();
    } else {
        String::new()
    };
    format!("{data}{tag} OK done\r\n")
}

/// Does the hostile thing. Returns whether the conversation goes on.
async fn strike<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, tag: &str, act: &Act) -> std::io::Result<bool> {
    match act {
        Act::Once(bytes) => {
            stream.write_all(bytes).await?;
            stream.flush().await?;
            // Reads what the client says and does not answer.
            tokio::io::copy(stream, &mut tokio::io::sink()).await?;
        }
        Act::Close(bytes) => {
            stream.write_all(bytes).await?;
            stream.flush().await?;
        }
        Act::Endless(first, again) => {
            stream.write_all(first).await?;
            // In blocks, so that the flood is as fast as the line.
            let block = again.repeat(16_384_usize.div_ceil(again.len()));
            loop {
                stream.write_all(&block).await?;
            }
        }
        Act::Count(answer) => {
            for n in 0.. {
                stream.write_all(answer(n).as_bytes()).await?;
            }
        }
        Act::Drip(first, again) => {
            for byte in first.iter().chain(again.iter().cycle()) {
                stream.write_all(std::slice::from_ref(byte)).await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Act::Answer(data, answer) => {
            stream.write_all(data).await?;
            stream.write_all(format!("{tag} {answer}\r\n").as_bytes()).await?;
            stream.flush().await?;
            return Ok(true);
        }
        Act::WrongTag => {
            stream.write_all(b"ZZ99 OK done\r\n").await?;
            stream.flush().await?;
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }
    Ok(false)
}
