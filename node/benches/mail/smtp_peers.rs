//! The other ways of putting mail into the same Postfix, and what a sync of the same disk takes.

use std::{
    io::Write as _,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use super::mail::{SIZE, labelled, median, rig::Rig};
use futures::future::join_all;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

/// Syncs of a round.
const SYNCS: u32 = 50;
/// What a journal's write is at most: a batch of a few marks.
const WRITE: [u8; 512] = [7; 512];

/// Median time of a small append and its fdatasync on the disk of `dir`.
pub(crate) fn sync_time(dir: &Path) -> f64 {
    let mut file = tempfile::tempfile_in(dir).expect("a file");
    let one = |_| {
        let begun = Instant::now();
        file.write_all(&WRITE).expect("written");
        file.sync_data().expect("synced");
        begun.elapsed().as_secs_f64()
    };
    median((0..SYNCS).map(one).collect::<Vec<_>>())
}

/// Postfix's own client, which speaks no TLS and signs in nowhere.
pub(crate) fn smtp_source(rig: &Rig, sessions: u32, mails: u32) -> Duration {
    let begun = Instant::now();
    let ran = Command::new("smtp-source")
        .args(["-s", &sessions.to_string(), "-m", &mails.to_string(), "-l", &SIZE.to_string(), "-d"])
        .args(["-f", "a@a.test", "-t", "b@b.test", "-M", "a.test"])
        .arg(format!("inet:127.0.0.1:{}", rig.server("smtp").port))
        .output()
        .expect("smtp-source comes with Postfix");
    let took = begun.elapsed();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    took
}

/// One TLS connection that says the words of a mail as the submitter does, and nothing else: what Postfix takes.
pub(crate) struct Bare {
    stream: BufReader<TlsStream<TcpStream>>,
    mail: Vec<u8>,
}

impl Bare {
    pub(crate) async fn open(rig: &Rig) -> Self {
        let server = rig.server("smtps");
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(server.ca_file.expect("the rig's root")).expect("a file") {
            roots.add(root.expect("a certificate")).expect("a root");
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(("127.0.0.1", server.port)).await.expect("connects");
        tcp.set_nodelay(true).expect("set");
        let name = ServerName::try_from(server.host).expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.expect("TLS");
        let text = labelled("From: a@a.test\r\nTo: b@b.test\r\nSubject: s\r\n");
        let mut bare = Self { stream: BufReader::new(stream), mail: format!("{text}.\r\n").into_bytes() };
        bare.answer("220").await;
        bare.say("EHLO bench.test\r\n", "250").await;
        bare
    }

    pub(crate) async fn send(&mut self) {
        self.say("MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n", "250").await;
        self.answer("250").await;
        self.answer("354").await;
        self.stream.get_mut().write_all(&self.mail).await.expect("written");
        self.answer("250").await;
    }

    async fn say(&mut self, line: &str, wants: &str) {
        self.stream.get_mut().write_all(line.as_bytes()).await.expect("written");
        self.answer(wants).await;
    }

    async fn answer(&mut self, wants: &str) {
        let mut line = String::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line).await.expect("an answer");
            assert!(line.starts_with(wants), "{line}");
            if !line[3..].starts_with('-') {
                return;
            }
        }
    }
}

/// All sessions at once, each with its share, on connections that are open already.
pub(crate) async fn bare(rig: &Rig, sessions: u32, mails: u32) -> Duration {
    let open = join_all((0..sessions).map(|_| Bare::open(rig))).await;
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for mut session in open {
        tasks.spawn(async move {
            for _ in 0..mails / sessions {
                session.send().await;
            }
        });
    }
    tasks.join_all().await;
    begun.elapsed()
}
