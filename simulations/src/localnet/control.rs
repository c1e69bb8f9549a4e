//! Control sockets: one JSON line out, one back.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// Longest answer read.
const LINE: u64 = 1024 * 1024;
/// A status is answered from memory.
pub const QUICK: Duration = Duration::from_secs(3);
/// The emulator may have to send a few dozen mails first.
pub const SLOW: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens, or the connection broke.
    #[error("no answer: {0}")]
    Io(#[from] std::io::Error),
    /// Not in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// Not what was expected.
    #[error("the answer can't be read: {0}")]
    Decode(#[from] serde_json::Error),
    /// The program says no.
    #[error("refused: {0}")]
    Refused(String),
}

#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    data: Option<Value>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

/// Sends `request` and reads the answer: the content of `data`, or all fields where the program has no `data`.
///
/// # Errors
/// [`ControlError`].
pub async fn ask<T: DeserializeOwned>(socket: &Path, request: &Value, limit: Duration) -> Result<T, ControlError> {
    let line = tokio::time::timeout(limit, exchange(socket, request)).await.map_err(|_| ControlError::Timeout(limit))??;
    let envelope: Envelope = serde_json::from_str(&line)?;
    if !envelope.ok {
        let text = envelope.error.get("text").and_then(Value::as_str).or(envelope.error.as_str());
        return Err(ControlError::Refused(text.map_or_else(|| envelope.error.to_string(), str::to_owned)));
    }
    Ok(serde_json::from_value(envelope.data.unwrap_or(Value::Object(envelope.rest)))?)
}

async fn exchange(socket: &Path, request: &Value) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{request}\n").as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE)).read_line(&mut line).await?;
    if line.ends_with('\n') { Ok(line) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::net::UnixListener;

    async fn answered(answer: &'static str) -> Result<Value, ControlError> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("s");
        let listener = UnixListener::bind(&path).expect("bound");
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("accepted");
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            stream.read_line(&mut line).await.expect("a request");
            stream.write_all(answer.as_bytes()).await.expect("written");
        });
        let got = ask(&path, &json!({"cmd": "status"}), Duration::from_secs(5)).await;
        server.await.expect("served");
        got
    }

    #[tokio::test]
    async fn both_shapes_of_answer_are_read() {
        assert_eq!(answered("{\"ok\":true,\"data\":{\"a\":1}}\n").await.expect("ok"), json!({"a": 1}));
        assert_eq!(answered("{\"ok\":true,\"b\":2}\n").await.expect("ok"), json!({"b": 2}));
    }

    #[tokio::test]
    async fn refusals_and_broken_lines_are_errors() {
        let refused = answered("{\"ok\":false,\"error\":{\"code\":\"x\",\"text\":\"not now\"}}\n").await;
        assert!(matches!(refused, Err(ControlError::Refused(t)) if t == "not now"));
        let plain = answered("{\"ok\":false,\"error\":\"no\"}\n").await;
        assert!(matches!(plain, Err(ControlError::Refused(t)) if t == "no"));
        assert!(matches!(answered("{\"ok\":tr").await, Err(ControlError::Io(_))));
    }

    #[tokio::test]
    async fn nobody_there_is_an_error() {
        let got: Result<Value, _> = ask(Path::new("/nonexistent/s"), &json!({}), QUICK).await;
        assert!(matches!(got, Err(ControlError::Io(_))));
    }
}
