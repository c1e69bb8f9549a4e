//! Bad input: one clear error with what to do, and the documented exit code.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;
use warmnet_e2e::bench::Mailbox;
use warmnet_e2e::programs::{Ran, ask};
use warmnet_e2e::{Bench, wait_for};

const UP: Duration = Duration::from_secs(60);

fn refused(what: &str, ran: &Ran, code: i32) {
    assert_eq!(ran.code, Some(code), "{what}: {ran:?}");
    assert!(ran.one_error_block(), "{what}: {}", ran.err);
}

#[test]
fn a_mailbox_that_can_not_work_is_refused() -> anyhow::Result<()> {
    let bench = Bench::start()?;
    bench.init("n1")?;
    let wrong = bench.add("n1", &Mailbox { password: "wrong", ..Mailbox::default() })?;
    refused("wrong password", &wrong, 5);
    // A port that was free a moment ago is closed now.
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    refused("closed port", &bench.add("n1", &Mailbox { smtp_port: Some(closed), ..Mailbox::default() })?, 6);
    refused("untrusted certificate", &bench.add("n1", &Mailbox { trusted: false, ..Mailbox::default() })?, 6);
    let good = bench.add("n1", &Mailbox::default())?;
    assert_eq!(good.code, Some(0), "the right one is taken: {good:?}");
    Ok(())
}

#[test]
fn an_unknown_config_key_is_refused() -> anyhow::Result<()> {
    let bench = Bench::start()?;
    bench.init("n1")?;
    let path = bench.home("n1").join("node.toml");
    let text = std::fs::read_to_string(&path)?;
    std::fs::write(&path, format!("colour = \"blue\"\n{text}"))?;
    for command in [&["config", "check"][..], &["run"][..]] {
        let ran = bench.node("n1", command)?;
        refused("unknown key", &ran, 2);
        assert!(ran.err.contains("colour"), "{}", ran.err);
    }
    Ok(())
}

#[test]
fn a_home_is_run_once_and_a_corrupt_store_is_told() -> anyhow::Result<()> {
    let bench = Bench::start()?;
    bench.init("n1")?;
    let added = bench.add("n1", &Mailbox::default())?;
    assert_eq!(added.code, Some(0), "{added:?}");
    let mut first = bench.command("n1", &["run"])?.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let socket = bench.home("n1").join("control.sock");
    let up = wait_for("the node answers", UP, || ask(&socket, &serde_json::json!({"cmd": "status"})).ok());
    let second = up.and_then(|_| bench.node("n1", &["run"]));
    let asked = ask(&socket, &serde_json::json!({"cmd": "stop"}));
    let stopped = wait_for("the node stops", UP, || first.try_wait().ok().flatten());
    if stopped.is_err() {
        first.kill()?;
        first.wait()?;
    }
    refused("second run", &second?, 4);
    asked?;
    assert!(stopped?.success(), "a clean stop");

    let store = bench.home("n1").join("store");
    std::fs::write(store.join("CURRENT"), b"not a manifest")?;
    refused("corrupt store", &bench.node("n1", &["run"])?, 7);
    Ok(())
}
