//! A server of the tests that plays a written dialogue: what our own and Debian's servers can't play, Gmail above all.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};

use super::session::ImapSession;
use crate::mail::{
    connect::ConnectError,
    settings::{Login, MailTimeouts},
    stream::{Pipe, Transport},
};

/// A command (without its tag) and the answer to it; `TAG` stands for the tag.
type Turn = (&'static str, &'static str);

/// Its end of the line, until it is taken.
struct Line(Mutex<Option<DuplexStream>>);

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl Transport for Line {
    fn connect(&self) -> Result<Box<dyn Pipe>, ConnectError> {
        let stream = self.0.lock().expect("not poisoned").take().ok_or(ConnectError::PortClosed)?;
        Ok(Box::new(stream))
    }
}

/// A signed-in session with a server of these capabilities. The commands must come just so; [`Script::done`] says
/// whether all of them came.
pub(super) async fn session(capabilities: &str, turns: &'static [Turn]) -> (ImapSession, Script) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let left = Arc::new(Mutex::new(turns.len()));
    let list = format!("* CAPABILITY IMAP4rev1 {capabilities}\r\nTAG OK\r\n");
    tokio::spawn(play(far, list, turns, left.clone()));
    let login = Login { user: "user".to_owned(), password: "word".to_owned().into() };
    let timeouts = MailTimeouts { imap_seconds: 5, ..MailTimeouts::default() };
    let line = Line(Mutex::new(Some(near)));
    let session = ImapSession::open_on(&line, &login, &timeouts).await.expect("signs in");
    (session, Script { left })
}

/// How far the dialogue came.
pub(super) struct Script {
    left: Arc<Mutex<usize>>,
}

impl Script {
    /// Turns not played yet.
    pub(super) fn left(&self) -> usize {
        *self.left.lock().expect("not poisoned")
    }
}

async fn play(stream: DuplexStream, capabilities: String, turns: &'static [Turn], left: Arc<Mutex<usize>>) {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"* OK ready\r\n").await.expect("written");
    let first: [(&str, &str); 2] = [("LOGIN \"user\" \"word\"", "TAG OK\r\n"), ("CAPABILITY", &capabilities)];
    for (i, (wanted, answer)) in first.into_iter().chain(turns.iter().copied()).enumerate() {
        let Ok(Some(line)) = lines.next_line().await else { return };
        let (tag, command) = line.split_once(' ').expect("a tag");
        assert_eq!(command, wanted, "turn {i}");
        writer.write_all(answer.replace("TAG", tag).as_bytes()).await.expect("written");
        if i >= 2 {
            *left.lock().expect("not poisoned") -= 1;
        }
    }
    // Silence, so that one command too many is a time-out and no polite end.
    tokio::time::sleep(Duration::from_secs(60)).await;
}
