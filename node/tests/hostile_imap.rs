//! IMAP servers that lie, flood, stall and overflow, over real TLS: the node's watcher ends each conversation within its
//! limits, keeps its memory, and does not panic.

#[path = "hostile_imap/server.rs"]
mod server;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use server::{Act, Attack, Certificate};
use warmnet_node::mail::{
    ConnectError, Cursor, CursorStore, CursorStoreError, ImapError, Login, MailAct, MailCommand, MailEvent, MailTimeouts, TlsClient,
    Watcher,
};

/// What all attacks together may add to the process (reference: a node watches many mailboxes in a small machine).
const MEMORY_KIB: u64 = 64 * 1024;
/// Time-out of one IMAP command here.
const COMMAND_SECONDS: u64 = 3;
/// An attack must be over within this time: a few commands' time-out.
const LIMIT: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
struct Cursors(Mutex<HashMap<String, Cursor>>);

impl CursorStore for Cursors {
    fn load(&self, folder: &str) -> Option<Cursor> {
        self.0.lock().expect("whole").get(folder).copied()
    }
    fn save(&self, folder: &str, cursor: Cursor) -> Result<(), CursorStoreError> {
        self.0.lock().expect("whole").insert(folder.to_owned(), cursor);
        Ok(())
    }
}

/// How a conversation is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// More than it may send, or nonsense.
    Nonsense,
    /// No answer in time.
    Slow,
    /// The server left.
    Closed,
    /// Refused, as a server may.
    Refused,
    /// The node makes sense of it and goes on.
    GoesOn,
    /// One of the two: the look that was asked for may end before the answer is read.
    GoesOnOrNonsense,
}

fn attacks() -> Vec<(Attack, End)> {
    let mut all = Vec::new();
    let mut add = |name, at, act, end| all.push((Attack { name, at, act }, end));
    let b = |text: &str| text.as_bytes().to_vec();
    let header = "* 1 FETCH (UID 1 BODY[HEADER.FIELDS (MESSAGE-ID)] ";
    let nested = |open: &str, n: usize| Act::Once(format!("* 1 FETCH (UID 1 {open}{}", "(".repeat(n)).into_bytes());

    add("endless line for a greeting", "", Act::Endless(b("* OK "), b("A")), End::Nonsense);
    add("endless greetings", "", Act::Endless(b(""), b("* OK hello\r\n")), End::Nonsense);
    add("zero bytes for a greeting", "", Act::Endless(vec![], vec![0]), End::Nonsense);
    add("silence for a greeting", "", Act::Once(vec![]), End::Slow);
    add("BYE for a greeting", "", Act::Close(b("* BYE busy\r\n")), End::Closed);
    add("endless challenges", "LOGIN", Act::Endless(vec![], b("+ VXNlcjo=\r\n")), End::Nonsense);
    add("endless untagged data at sign-in", "LOGIN", Act::Endless(vec![], b("* 3 EXISTS\r\n")), End::Nonsense);
    add("endless CAPABILITY line", "CAPABILITY", Act::Endless(b("* CAPABILITY"), b(" X-A")), End::Nonsense);
    add("endless CAPABILITY lines", "CAPABILITY", Act::Endless(vec![], b("* CAPABILITY IMAP4rev1 IDLE\r\n")), End::Nonsense);
    add("a million folders", "LIST", Act::Count(|n| format!("* LIST () \"/\" \"folder {n}\"\r\n")), End::Nonsense);
    add("endless folder name", "LIST", Act::Endless(b("* LIST () \"/\" \""), b("x")), End::Nonsense);
    add(
        "folder names in broken UTF-7",
        "LIST",
        Act::Answer(b("* LIST () \"/\" \"&&&-\"\r\n* LIST () \"/\" \"&2D3-&AAA\"\r\n* LIST () NIL \"&\"\r\n"), "OK done"),
        End::GoesOn,
    );
    add("bytes that are no UTF-8", "LIST", Act::Answer(b"* LIST () \"/\" \"\xff\xfe\xc0\"\r\n".to_vec(), "OK done"), End::GoesOn);
    add("a zero byte in a name", "LIST", Act::Answer(b"* LIST () \"/\" \"a\0b\"\r\n".to_vec(), "OK done"), End::Nonsense);
    add("numbers beyond 32 bits", "STATUS", Act::Answer(b("* STATUS Junk (UIDNEXT 99999999999999999999)\r\n"), "OK done"), End::Nonsense);
    add("endless untagged data", "SELECT", Act::Count(|n| format!("* {} EXISTS\r\n", n % 1000)), End::Nonsense);
    add("EXPUNGE storm", "SELECT", Act::Endless(vec![], b("* 1 EXPUNGE\r\n")), End::Nonsense);
    add("no UIDVALIDITY", "SELECT", Act::Answer(b("* 1 EXISTS\r\n"), "OK done"), End::Nonsense);
    add("wrong tags", "SELECT", Act::WrongTag, End::Nonsense);
    add("BAD", "SELECT", Act::Answer(vec![], "BAD what"), End::Refused);
    add("ten million search results", "UID SEARCH", Act::Endless(b("* SEARCH"), b(" 1234567")), End::Nonsense);
    add("UIDs that were never asked for", "UID SEARCH", Act::Answer(b("* SEARCH 4294967295 0 1 1 1\r\n"), "OK done"), End::GoesOn);
    add("literal of 4 GiB", "UID FETCH", Act::Once(b(&format!("{header}{{4294967295}}\r\n"))), End::Nonsense);
    add("literal of 2^80 bytes", "UID FETCH", Act::Once(b(&format!("{header}{{1208925819614629174706176}}\r\n"))), End::Nonsense);
    add("literal that never ends", "UID FETCH", Act::Endless(b(&format!("{header}{{1000000}}\r\n")), b("x")), End::Nonsense);
    add("literals without end", "UID FETCH", Act::Endless(vec![], b(&format!("{header}{{4}}\r\nabcd)\r\n"))), End::Nonsense);
    add("literal cut by the connection", "UID FETCH", Act::Close(b(&format!("{header}{{500}}\r\nMessage-ID"))), End::Closed);
    add("literal cut by silence", "UID FETCH", Act::Once(b(&format!("{header}{{500}}\r\nMessage-ID"))), End::Slow);
    add(
        "zero bytes in a header",
        "UID FETCH",
        Act::Answer([b(header), b("{8}\r\n"), vec![0; 8], b(")\r\n")].concat(), "OK done"),
        End::GoesOnOrNonsense,
    );
    add("MIME tree a million levels deep", "UID FETCH", nested("BODYSTRUCTURE ", 1_000_000), End::Nonsense);
    add("the same in BODY", "UID FETCH", nested("BODY ", 1_000_000), End::Nonsense);
    add("20,000 levels, within every cap", "UID FETCH", nested("BODYSTRUCTURE ", 20_000), End::Nonsense);
    add("100 levels, within every cap", "UID FETCH", nested("BODYSTRUCTURE ", 100), End::Slow);
    add(
        "brackets behind a text like a literal",
        "UID FETCH",
        Act::Once(format!("* OK {{900000}}\r\n* 1 FETCH (BODYSTRUCTURE {}", "(".repeat(900_000)).into_bytes()),
        End::Nonsense,
    );
    add(
        "400 MB behind a text like a literal",
        "UID FETCH",
        Act::Once(b("* OK {900000}\r\n* 1 FETCH (BODY[] {400000000}\r\n")),
        End::Nonsense,
    );
    add("400 MB in a code", "UID FETCH", Act::Once(b("* OK [BADCHARSET ({400000000}\r\n")), End::Nonsense);
    add("an envelope of a million brackets", "UID FETCH", nested("ENVELOPE ", 1_000_000), End::Nonsense);
    add("a line byte by byte", "UID FETCH", Act::Drip(b("* OK "), b("x")), End::Slow);
    add("NO to IDLE", "IDLE", Act::Answer(vec![], "NO not now"), End::GoesOn);
    add("still here, for ever", "IDLE", Act::Endless(b("+ idling\r\n"), b("* OK Still here\r\n")), End::Nonsense);
    all
}

/// KiB of a line of /proc/self/status.
fn memory(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|l| l.starts_with(key)).expect("a line");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
}

/// The conversation's end as the watcher tells it.
async fn attack(server: &Certificate, tls: &TlsClient, attack: &Attack) -> (End, String) {
    let (handle, mut events) = Watcher {
        server: server.serve(attack.clone()).await,
        login: Login { user: "u@a.test".into(), password: "pw".to_owned().into() },
        tls: tls.clone(),
        timeouts: MailTimeouts { imap_seconds: COMMAND_SECONDS, ..MailTimeouts::default() },
        poll: Duration::from_secs(600),
        look_everywhere: false,
        reports: false,
        cursors: Arc::new(Cursors::default()),
    }
    .start();
    let ask = MailCommand { ticket: 1, act: MailAct::Sync, message_id: String::new(), found_at: None };
    // Asked for after the first wait began, where the attack is on IDLE.
    let late = attack.at == "IDLE";
    if !late {
        handle.commands.send(ask.clone()).await.expect("taken");
    }
    let mut asked = !late;
    let end = loop {
        match tokio::time::timeout(LIMIT, events.recv()).await {
            Err(_) => panic!("{}: nothing happened within {LIMIT:?}", attack.name),
            Ok(None) => panic!("{}: the watcher died", attack.name),
            Ok(Some(MailEvent::Found(_))) if !asked => {
                handle.commands.send(ask.clone()).await.expect("taken");
                asked = true;
            }
            Ok(Some(MailEvent::ActDone { .. })) => break (End::GoesOn, "goes on".to_owned()),
            Ok(Some(MailEvent::SignInRefused)) => break (End::Refused, "sign-in refused".to_owned()),
            Ok(Some(MailEvent::Disconnected { error })) => {
                let end = match &error {
                    ImapError::Connect(ConnectError::Protocol) => End::Nonsense,
                    ImapError::Connect(ConnectError::TimedOut) => End::Slow,
                    ImapError::Connect(ConnectError::Closed) => End::Closed,
                    ImapError::No { .. } | ImapError::Bad { .. } => End::Refused,
                    other => panic!("{}: {other}", attack.name),
                };
                break (end, error.to_string());
            }
            Ok(Some(_)) => {}
        }
    };
    handle.stop().await;
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_servers_are_survived_in_little_memory() {
    let server = Certificate::new();
    let tls = TlsClient::new(Some(&server.ca_file())).expect("roots");
    let all = attacks();
    // One honest conversation first: what it needs is not the attackers' doing.
    let honest = Attack { name: "honest", at: "XYZ", act: Act::Close(vec![]) };
    assert_eq!(attack(&server, &tls, &honest).await.0, End::GoesOn);
    let before = memory("VmRSS");
    println!("{:38} {:>7} {:>10}  ended with", "attack", "ms", "peak KiB");
    let mut wrong = Vec::new();
    for (hostile, wanted) in &all {
        let begun = Instant::now();
        let (end, text) = attack(&server, &tls, hostile).await;
        let grown = memory("VmHWM").saturating_sub(before);
        println!("{:38} {:>7} {grown:>10}  {text}", hostile.name, begun.elapsed().as_millis());
        let either = *wanted == End::GoesOnOrNonsense && matches!(end, End::GoesOn | End::Nonsense);
        if end != *wanted && !either {
            wrong.push(format!("{}: {end:?} instead of {wanted:?}", hostile.name));
        }
    }
    let grown = memory("VmHWM").saturating_sub(before);
    println!("{} attacks, peak memory {grown} KiB above the start", all.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(grown < MEMORY_KIB, "memory grew by {grown} KiB");
}
