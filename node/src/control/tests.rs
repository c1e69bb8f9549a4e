use super::*;
use crate::config::Home;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A served home whose answers repeat the request's line.
async fn served() -> (tempfile::TempDir, Home, ControlServer) {
    let dir = tempfile::tempdir().expect("a folder");
    let home = Home::at(dir.path());
    let (send, mut requests) = mpsc::channel::<Served>(4);
    let server = ControlServer::start(&home.control_socket(), send, CancellationToken::new()).await.expect("listening");
    tokio::spawn(async move {
        while let Some(served) = requests.recv().await {
            let answer = match &served.request {
                Request::Stop => Answer::error("no", "it can't stop", "wait"),
                request => Answer::data(&request.line()),
            };
            served.reply(answer);
        }
    });
    (dir, home, server)
}

/// What a plain client gets for one line.
fn ask(home: &Home, line: &[u8]) -> Vec<String> {
    let mut stream = UnixStream::connect(home.control_socket()).expect("connected");
    stream.write_all(line).expect("written");
    stream.shutdown(std::net::Shutdown::Write).expect("shut");
    BufReader::new(stream).lines().map_while(Result::ok).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_back_to_its_asker() {
    let (_dir, home, _server) = served().await;
    let mode = std::fs::metadata(home.control_socket()).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(&home).expect("connected");
        for request in [Request::Status, Request::Peers] {
            assert_eq!(client.ask(&request).expect("answered"), serde_json::json!(request.line()));
        }
        assert!(matches!(client.ask(&Request::Stop), Err(ClientError::Refused(fault)) if fault.code == "no" && fault.fix == "wait"));
    })
    .await
    .expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_answered_and_too_long_a_line_ends_the_connection() {
    let (_dir, home, _server) = served().await;
    tokio::task::spawn_blocking(move || {
        let answers = ask(&home, b"nonsense\n{\"cmd\":\"status\"}\n");
        assert_eq!(answers.len(), 2, "one answer a line");
        assert!(answers[0].contains("bad_request") && answers[1].contains("\"ok\":true"), "{answers:?}");
        let mut long = vec![b'x'; usize::try_from(LINE_BYTES).expect("fits")];
        long.extend_from_slice(b"\n{\"cmd\":\"status\"}\n");
        let mut stream = UnixStream::connect(home.control_socket()).expect("connected");
        // The server may close before it has read all.
        let _closed_early = stream.write_all(&long);
        let answers: Vec<String> = BufReader::new(stream).lines().map_while(Result::ok).collect();
        assert!(answers.len() <= 1 && answers.iter().all(|a| a.contains("too long")), "{answers:?}");
    })
    .await
    .expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_socket_is_replaced_and_a_stopped_server_is_not_running() {
    let (_dir, home, server) = served().await;
    drop(server);
    assert!(!home.control_socket().exists());
    assert!(matches!(Client::connect(&home), Err(ClientError::NotRunning { .. })));
    // A killed program leaves its socket.
    drop(std::os::unix::net::UnixListener::bind(home.control_socket()).expect("bound"));
    assert!(matches!(Client::connect(&home), Err(ClientError::NotRunning { .. })));
    let (send, _requests) = mpsc::channel(1);
    let _again = ControlServer::start(&home.control_socket(), send, CancellationToken::new()).await.expect("listening");
    assert!(Client::connect(&home).is_ok());
}
