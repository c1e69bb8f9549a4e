//! The owner's switches reach a running node at once, and stand in the mailbox's file.

use serde_json::json;
use std::process::Stdio;
use std::time::Duration;
use warmnet_e2e::bench::{ADDRESS, Mailbox};
use warmnet_e2e::programs::ask;
use warmnet_e2e::{Bench, wait_for};

const UP: Duration = Duration::from_secs(60);

#[test]
fn a_running_node_obeys_its_owner() -> anyhow::Result<()> {
    let bench = Bench::start()?;
    bench.init("n1")?;
    assert_eq!(bench.add("n1", &Mailbox::default())?.code, Some(0));
    let mut node = bench.command("n1", &["run"])?.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let socket = bench.home("n1").join("control.sock");
    let paused = || {
        let status = ask(&socket, &json!({"cmd": "status"})).ok()?;
        Some(status["members"][0]["reason"] == "paused by its owner")
    };
    let outcome = (|| -> anyhow::Result<()> {
        let before = wait_for("the node answers", UP, paused)?;
        anyhow::ensure!(!before, "nobody paused it yet");
        for (command, wanted) in [
            (&["pause", "--for", "3d"][..], true),
            (&["resume"], false),
            (&["pause", ADDRESS], true),
            (&["consent", "revoke", ADDRESS, "reply"], true),
        ] {
            let ran = bench.node("n1", command)?;
            anyhow::ensure!(ran.code == Some(0), "{command:?}: {ran:?}");
            anyhow::ensure!(paused() == Some(wanted), "{command:?}: paused is {:?}", paused());
        }
        let shown = bench.node("n1", &["consent", "show", "--json"])?;
        let shown: serde_json::Value = serde_json::from_str(&shown.out)?;
        anyhow::ensure!(shown[0]["consent"]["reply"].is_null() && shown[0]["consent"]["read"].is_string(), "{shown}");
        let wrong = bench.node("n1", &["pause", "--for", "-3d"])?;
        anyhow::ensure!(wrong.code == Some(2), "a pause into the past: {wrong:?}");
        Ok(())
    })();
    let stopped = ask(&socket, &json!({"cmd": "stop"})).and_then(|_| wait_for("the node stops", UP, || node.try_wait().ok().flatten()));
    if stopped.is_err() {
        node.kill()?;
        node.wait()?;
    }
    outcome?;
    assert!(stopped?.success(), "a clean stop");
    Ok(())
}
