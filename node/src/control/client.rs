//! The asking side.

use super::LINE_BYTES;
use super::protocol::{Answer, ControlFault, Request};
use crate::config::Home;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Longest wait for an answer: the driver answers between two steps.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing listens.
    #[error("no program is running on {home}")]
    NotRunning {
        /// The home.
        home: String,
    },
    /// The connection broke or timed out.
    #[error("the running program did not answer: {0}")]
    NoAnswer(String),
    /// It said no.
    #[error("{}", .0.text)]
    Refused(ControlFault),
}

/// A connection to a running node.
pub struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`].
    pub fn connect(home: &Home) -> Result<Self, ClientError> {
        let not_running = |_| ClientError::NotRunning { home: home.root().display().to_string() };
        let stream = UnixStream::connect(home.control_socket()).map_err(not_running)?;
        let set = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        set.map_err(|e| ClientError::NoAnswer(e.to_string()))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks, and returns the answer's data (`null` where there is none).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask(&mut self, request: &Request) -> Result<serde_json::Value, ClientError> {
        let broken = |e: std::io::Error| ClientError::NoAnswer(e.to_string());
        let line = format!("{}\n", request.line());
        self.stream.get_mut().write_all(line.as_bytes()).map_err(broken)?;
        let mut answer = String::new();
        (&mut self.stream).take(LINE_BYTES).read_line(&mut answer).map_err(broken)?;
        let answer: Answer = serde_json::from_str(&answer).map_err(|e| ClientError::NoAnswer(e.to_string()))?;
        match answer {
            Answer { ok: true, data, .. } => Ok(data.unwrap_or_default()),
            Answer { error, .. } => Err(ClientError::Refused(error.unwrap_or(ControlFault {
                code: "unknown".into(),
                text: "it said no without a reason".into(),
                fix: String::new(),
            }))),
        }
    }
}
