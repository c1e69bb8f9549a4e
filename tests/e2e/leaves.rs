//! An owner leaves: the node lets go of the mailbox at once, and the coordinator takes the member out of the next roster.

use std::time::Duration;
use warmnet_e2e::{Localnet, wait_for};

const NODE: &str = "m02";

#[test]
fn a_mailbox_that_leaves_is_let_go_at_once_and_stands_in_no_later_roster() -> anyhow::Result<()> {
    let limit = Duration::from_secs(180);
    let net = Localnet::start(&["--members", "4", "--golden", "2", "--epochs", "60", "--epoch-seconds", "6"])?;
    let member = wait_for("the member is active and has sent", limit, || {
        let status = net.status(NODE).ok()?;
        let sent = status["epochs"].as_array()?.iter().any(|e| e["sent"].as_u64() > Some(0));
        (sent && status["members"][0]["state"] == "active").then(|| status["members"][0]["member"].clone())
    })?;
    let listed: serde_json::Value = serde_json::from_str(&net.node(NODE, &["mailbox", "list", "--json"])?.out)?;
    let address = listed[0]["address"].as_str().unwrap_or_default().to_owned();

    let folder = net.folder("my-data");
    let name = folder.to_string_lossy().into_owned();
    let exported = net.node(NODE, &["export", &name])?;
    assert_eq!(exported.code, Some(0), "beside the running node: {exported:?}");
    let data: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("my-data.json"))?)?;
    assert_eq!((&data[0]["address"], &data[0]["member"]), (&listed[0]["address"], &member));
    let exchanges = data[0]["exchanges"].as_array().cloned().unwrap_or_default();
    assert!(exchanges.iter().any(|x| x["outcome"] == "sent") && exchanges.iter().any(|x| x["side"] == "receiver"), "{exchanges:?}");
    assert!(folder.join("README.txt").is_file() && folder.join("mailboxes").is_dir());
    let again = net.node(NODE, &["export", &name])?;
    assert!(again.code == Some(2) && again.err.contains("not empty"), "{again:?}");

    let unasked = net.node(NODE, &["leave", &address])?;
    assert!(unasked.code == Some(2) && unasked.err.contains("--yes"), "{unasked:?}");
    let left = net.node(NODE, &["leave", &address, "--yes", "--json"])?;
    assert_eq!(left.code, Some(0), "{left:?}");
    let at_once = net.status(NODE)?;
    assert!(["leaving", "left"].contains(&at_once["members"][0]["state"].as_str().unwrap_or_default()), "{at_once}");
    let sums = |status: &serde_json::Value| -> u64 {
        let epochs = status["epochs"].as_array().cloned().unwrap_or_default();
        epochs.iter().flat_map(|e| ["sent", "read", "rescued", "replied"].map(|k| e[k].as_u64().unwrap_or(0))).sum()
    };
    let before = sums(&at_once);

    let known = |name: &str| -> Option<bool> {
        let scores = net.status(name).ok()?["network_scores"].as_array()?.clone();
        Some(scores.iter().any(|s| s["member"] == member))
    };
    wait_for("the coordinator's roster lacks it", limit, || (known("coordinator") == Some(false)).then_some(()))?;
    wait_for("another node's roster lacks it", limit, || (known("m01") == Some(false)).then_some(()))?;
    let gone = wait_for("the coordinator said so", limit, || {
        let status = net.status(NODE).ok()?;
        (status["members"][0]["state"] == "left").then_some(status)
    })?;
    assert_eq!(sums(&gone), before, "nothing was sent or done after leaving");
    let others = net.status("m01")?;
    assert!(others["closed"].as_array().is_some_and(|c| c.iter().all(|d| d["matches_record"] == true)), "{}", others["closed"]);

    // The roster that lost the member is what the rules make of the record that carries its departure.
    let audited = net.node("m01", &["audit", "--json"])?;
    let report: serde_json::Value = serde_json::from_str(&audited.out)?;
    assert!(audited.code == Some(0) && report["records"].as_array().is_some_and(|r| r.len() > 2), "{audited:?}");

    let secrets = net.node(NODE, &["mailbox", "test", &address])?;
    assert_eq!(secrets.code, Some(2), "no password is left: {secrets:?}");
    let log = net.log(NODE);
    assert!(!log.contains(&address), "no address in the log");
    Ok(())
}
