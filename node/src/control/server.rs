//! The listening side.

use super::LINE_BYTES;
use super::protocol::{Answer, Request};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Connections at a time: one person and a few scripts.
const CONNECTIONS: usize = 16;
/// A connection that says nothing for so long is closed.
const IDLE: Duration = Duration::from_secs(300);
/// Longest life of a connection: `status --watch` for a day.
const LIFE: Duration = Duration::from_secs(86_400);
/// Pause after a failed accept: it mostly means that no file handle is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A request that waits for its answer.
pub struct Served {
    /// What is asked.
    pub request: Request,
    reply: oneshot::Sender<Answer>,
}

impl Served {
    /// Answers it; an asker that went away is nobody's concern.
    pub fn reply(self, answer: Answer) {
        let _gone = self.reply.send(answer);
    }
}

/// Why the socket can't be served.
#[derive(Debug, thiserror::Error)]
#[error("control socket {path}: {why}")]
pub struct ControlError {
    path: PathBuf,
    why: String,
}

/// The running server; the socket goes when it is dropped.
pub struct ControlServer {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl ControlServer {
    /// Listens at `path`. The caller holds the home's lock, so a socket that is there is a leftover.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn start(path: &Path, requests: mpsc::Sender<Served>, stop: CancellationToken) -> Result<Self, ControlError> {
        let failed = |e: std::io::Error| ControlError { path: path.to_path_buf(), why: e.to_string() };
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let task = tokio::spawn(serve(listener, requests, stop));
        Ok(Self { path: path.to_path_buf(), task })
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.task.abort();
        // The next start removes a leftover.
        let _leftover = std::fs::remove_file(&self.path);
    }
}

async fn serve(listener: UnixListener, requests: mpsc::Sender<Served>, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the control socket could not accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
        let requests = requests.clone();
        tokio::spawn(async move {
            // A broken connection is the other side's.
            let _ended = tokio::time::timeout(LIFE, connection(stream, requests)).await;
            drop(slot);
        });
    }
}

async fn connection(stream: UnixStream, requests: mpsc::Sender<Served>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = String::new();
        let mut limited = (&mut read).take(LINE_BYTES);
        let got = tokio::time::timeout(IDLE, limited.read_line(&mut line)).await;
        let Ok(Ok(n)) = got else { return Ok(()) };
        if n == 0 {
            return Ok(());
        }
        // What follows a cut line is no request: say so and close.
        let cut = n as u64 == LINE_BYTES && !line.ends_with('\n');
        let answer = match Request::parse(&line) {
            _ if cut => Answer::error("bad_request", "the line is too long", "send one JSON object of at most 1 MiB a line"),
            Err(why) => Answer::error("bad_request", &why, "send one JSON object a line"),
            Ok(request) => {
                let (reply, answer) = oneshot::channel();
                if requests.send(Served { request, reply }).await.is_err() {
                    return Ok(());
                }
                answer.await.unwrap_or_else(|_| Answer::error("stopping", "the program is stopping", "start it again"))
            }
        };
        let mut out = serde_json::to_vec(&answer)?;
        out.push(b'\n');
        write.write_all(&out).await?;
        if cut {
            return Ok(());
        }
    }
}
