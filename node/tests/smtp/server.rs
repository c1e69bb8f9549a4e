//! A scripted submission server with TLS on loopback that counts whole messages, and our real way out towards it.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};
use warmnet_node::{
    config::SendLimits,
    mail::{Login, MailTimeouts, Security, ServerSettings, SubmitLimits, Submitter, TlsClient, smtp::SendCaps},
    runtime::{
        gate::{MailboxGate, SendGate},
        outbox::{self, Outgoing},
    },
    store::{Journal, Store},
};
use warmnet_protocol::{
    engine::MailTask,
    ids::{ExchangeId, MemberId},
};

/// What the server does instead of its usual answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Answers this.
    Say(&'static str),
    /// Closes the connection.
    Close,
    /// Says nothing and keeps the connection.
    Hang,
    /// Answers as usual, a byte at a time.
    Drip,
    /// Answers as usual and resets the connection.
    Reset,
}

/// Between two bytes of a dripping answer: the shortest one takes three seconds.
const DRIP: Duration = Duration::from_millis(500);

/// At which step: the connection before TLS, the greeting, a command, reading the message, or the final dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Connect,
    Greeting,
    Command(&'static str),
    Body,
    Dot,
}

/// What is scripted: at most one fault, how long each answer is held back, and whether commands may come together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Script {
    pub(crate) fault: Option<(Step, Fault)>,
    pub(crate) pause: Duration,
    pub(crate) pipelining: bool,
}

/// How far all conversations have come together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) taken: usize,
    pub(crate) hung: usize,
}

/// A running server. It runs until the test's process ends.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) ca: PathBuf,
    script: Arc<Mutex<Script>>,
    /// Whole messages by Message-ID.
    taken: Arc<Mutex<HashMap<String, u32>>>,
    /// Messages taken so far, and conversations that hang by the script.
    progress: Arc<watch::Sender<Progress>>,
}

impl Server {
    /// Serves on a free port; the certificate's root is written to `dir`.
    pub(crate) async fn start(dir: &Path, security: Security) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["mx.a.test".to_owned()]).expect("certificate");
        let ca = dir.join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).expect("write");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .expect("server config");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("listen");
        let port = listener.local_addr().expect("address").port();
        let server = Self { port, ca, script: Arc::default(), taken: Arc::default(), progress: Arc::new(watch::Sender::default()) };
        let talk = Talk { script: server.script.clone(), taken: server.taken.clone(), progress: server.progress.clone() };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (talk, acceptor) = (talk.clone(), acceptor.clone());
                tokio::spawn(async move {
                    // A client that goes away ends its conversation; that is what the tests are about.
                    talk.serve(tcp, acceptor, security).await.unwrap_or_default();
                });
            }
        });
        server
    }

    pub(crate) fn set(&self, script: Script) {
        *self.script.lock().expect("not poisoned") = script;
    }

    /// Progress to wait on.
    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Whole messages that reached the server: all, and those that came more than once.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let taken = self.taken.lock().expect("not poisoned");
        (taken.values().map(|n| *n as usize).sum(), taken.values().filter(|n| **n > 1).count())
    }
}

#[derive(Clone)]
struct Talk {
    script: Arc<Mutex<Script>>,
    taken: Arc<Mutex<HashMap<String, u32>>>,
    progress: Arc<watch::Sender<Progress>>,
}

type Stop = std::io::Result<()>;

impl Talk {
    /// What to do otherwise than usual, after hanging or closing.
    async fn fault(&self, step: Step) -> Result<Option<Fault>, std::io::Error> {
        let script = *self.script.lock().expect("not poisoned");
        tokio::time::sleep(script.pause).await;
        match script.fault.filter(|(at, _)| *at == step).map(|(_, fault)| fault) {
            Some(Fault::Close) => Err(std::io::ErrorKind::ConnectionAborted.into()),
            Some(Fault::Hang) => {
                self.progress.send_modify(|p| p.hung += 1);
                std::future::pending().await
            }
            other => Ok(other),
        }
    }

    async fn say(&self, stream: &mut (impl AsyncWrite + Unpin), step: Step, usual: &str) -> Result<bool, std::io::Error> {
        let fault = self.fault(step).await?;
        let text = if let Some(Fault::Say(text)) = fault { text } else { usual };
        let answer = format!("{text}\r\n");
        if fault == Some(Fault::Drip) {
            for byte in answer.as_bytes() {
                stream.write_all(&[*byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(DRIP).await;
            }
        } else {
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
        }
        // Servers close after 421.
        if fault == Some(Fault::Reset) || text.starts_with("421") {
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
        Ok(!matches!(fault, Some(Fault::Say(_))))
    }

    /// Whether a connection that ends shall end by a reset.
    fn resets(&self) -> bool {
        matches!(self.script.lock().expect("not poisoned").fault, Some((_, Fault::Reset)))
    }

    fn pipelining(&self) -> bool {
        self.script.lock().expect("not poisoned").pipelining
    }

    async fn serve(&self, mut tcp: TcpStream, acceptor: TlsAcceptor, security: Security) -> Stop {
        if self.fault(Step::Connect).await?.is_some() {
            return Ok(());
        }
        if security == Security::StartTls {
            let mut plain = BufReader::new(&mut tcp);
            self.say(&mut plain, Step::Greeting, "220 mx.a.test").await?;
            let mut line = String::new();
            loop {
                line.clear();
                if plain.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
                let starttls = line.starts_with("STARTTLS");
                let (step, usual) =
                    if starttls { (Step::Command("STARTTLS"), "220 go") } else { (Step::Command("EHLO"), "250-mx\r\n250 STARTTLS") };
                if self.say(&mut plain, step, usual).await? && starttls {
                    break;
                }
            }
        }
        if self.resets() {
            // A socket that lingers no time is closed by a reset.
            tcp.set_zero_linger()?;
        }
        let greet = security == Security::Tls;
        self.commands(BufReader::new(acceptor.accept(tcp).await?), greet).await
    }

    async fn commands(&self, mut stream: BufReader<impl AsyncRead + AsyncWrite + Unpin>, greet: bool) -> Stop {
        if greet {
            self.say(&mut stream, Step::Greeting, "220 mx.a.test").await?;
        }
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let word = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            let (command, usual) = match word.as_str() {
                "EHLO" if self.pipelining() => ("EHLO", "250-mx.a.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 AUTH PLAIN"),
                "EHLO" => ("EHLO", "250-mx.a.test\r\n250-8BITMIME\r\n250 AUTH PLAIN"),
                "AUTH" => ("AUTH", "235 2.7.0 welcome"),
                "MAIL" => ("MAIL", "250 2.1.0 ok"),
                "RCPT" => ("RCPT", "250 2.1.5 ok"),
                "DATA" => ("DATA", "354 go"),
                "QUIT" => ("QUIT", "221 bye"),
                _ => ("other", "250 ok"),
            };
            let as_usual = self.say(&mut stream, Step::Command(command), usual).await?;
            match command {
                "QUIT" => return Ok(()),
                "DATA" if as_usual => self.message(&mut stream).await?,
                _ => {}
            }
        }
    }

    async fn message(&self, stream: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>) -> Stop {
        self.fault(Step::Body).await?;
        let (mut id, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line == ".\r\n" {
                break;
            }
            if line.to_ascii_lowercase().starts_with("message-id:") {
                id.clone_from(&line);
            }
        }
        // Whole: as good as delivered, whatever the client is told.
        *self.taken.lock().expect("not poisoned").entry(id).or_default() += 1;
        self.progress.send_modify(|p| p.taken += 1);
        self.say(stream, Step::Dot, "250 2.0.0 taken").await.map(drop)
    }
}

/// Our side: store, journal, limits and submitter, as a node puts them together.
pub(crate) struct Sender {
    pub(crate) journal: Journal,
    pub(crate) submitter: Submitter,
    gate: SendGate,
}

impl Sender {
    pub(crate) fn open(store: &Path, port: u16, ca: &Path, security: Security, timeouts: MailTimeouts) -> Self {
        let store = Store::open(store).expect("store");
        let many = 1_000_000.try_into().expect("not zero");
        let caps = SendCaps { per_hour: 1_000_000, per_day: 1_000_000 };
        let limits = SendLimits { mailbox: caps, provider: caps, ..SendLimits::default() };
        let server = ServerSettings {
            host: "mx.a.test".to_owned(),
            port,
            security,
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ca_file: Some(ca.to_owned()),
        };
        let login = Login { user: "a@a.test".to_owned(), password: "test".to_owned().into() };
        let tls = TlsClient::new(Some(ca)).expect("root");
        let slots = SubmitLimits { per_minute: many, concurrency: 16.try_into().expect("not zero") };
        Self {
            journal: Journal::open(&store).expect("journal"),
            submitter: Submitter::new(server, login, tls, timeouts, slots),
            // A day of a second: pauses are as short as they get.
            gate: SendGate::new(&store, limits, 1_000),
        }
    }

    /// A mailbox of its own for each number, so that no pause touches another's mail.
    pub(crate) fn gate(&self, number: u32) -> MailboxGate {
        self.gate.mailbox(&format!("m{number}@a.test"), "mx.a.test")
    }

    pub(crate) async fn deliver(&self, number: u32) -> outbox::Delivered {
        outbox::deliver(&self.journal, &self.gate(number), &self.submitter, mail(number)).await.expect("journal and counts work")
    }
}

/// The exchange of a mail's number.
pub(crate) fn exchange(number: u32) -> [u8; 16] {
    let mut id = [7; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    id
}

pub(crate) fn mail(number: u32) -> Outgoing {
    let task = MailTask {
        exchange: ExchangeId(exchange(number)),
        turn: 0,
        from: MemberId([0; 32]),
        to: "b@b.test".to_owned(),
        subject: "A question".to_owned(),
        text: "At ten?\n.\nBye\n".to_owned(),
        message_id: format!("{number}@a.test"),
        references: vec![],
        label: "v1; n=1".to_owned(),
    };
    outbox::warming(task, "a@a.test")
}
