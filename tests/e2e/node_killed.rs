//! A node is killed (-9) while it sends and started again: no mail is doubled, and its bundle is signed once.

use std::time::Duration;
use warmnet_e2e::{Localnet, wait_for};

const NODE: &str = "m03";

#[test]
fn a_killed_node_doubles_nothing() -> anyhow::Result<()> {
    let limit = Duration::from_secs(180);
    let mut net = Localnet::start(&["--members", "4", "--golden", "2", "--epochs", "14", "--epoch-seconds", "6"])?;
    net.processes()?;
    // In the middle of a day's mail: some of it sent, some not.
    let killed_in = wait_for("the node is sending", limit, || {
        let status = net.status(NODE).ok()?;
        let now = status["epoch"].as_u64()?;
        let day = status["epochs"].as_array()?.iter().find(|e| e["epoch"] == now)?.clone();
        (day["sent"].as_u64()? > 0 && day["sent"].as_u64()? < day["planned"].as_u64()?).then_some(now)
    })?;
    net.kill(NODE)?;
    net.restart(NODE)?;
    let done = net.finish(Duration::from_secs(300))?;
    let s = &done.summary;
    assert_eq!(s["doubled"], 0, "{}", done.printed);
    assert_eq!(s["foreign_touched"], 0);
    assert_eq!(s["digests"]["equal"], true, "{}\n{}", s["digests"]["differences"], done.printed);
    // Two different bundles of one epoch would be proof of equivocation, and every program that saw both says so.
    for name in ["coordinator", "m01", "m02", "m03", "m04"] {
        let log = done.log(name).to_lowercase();
        assert!(!log.contains("equivocation"), "{name}: a second bundle was signed");
    }
    let after = s["epochs"].as_array().into_iter().flatten().filter(|e| e["epoch"].as_u64() > Some(killed_in));
    assert!(after.filter_map(|e| e["sent"].as_u64()).sum::<u64>() > 0, "the network stood still after epoch {killed_in}");
    Ok(())
}
