//! The coordinator is killed for three epochs: exchanges go on without it, and afterwards all agree on every digest.

use std::time::Duration;
use warmnet_e2e::{Localnet, wait_for};

/// First epoch without it.
const DOWN: u64 = 6;
/// It is back in this one.
const BACK: u64 = DOWN + 3;

#[test]
fn exchanges_go_on_while_the_coordinator_is_down() -> anyhow::Result<()> {
    let limit = Duration::from_secs(180);
    let mut net = Localnet::start(&["--members", "4", "--golden", "2", "--epochs", "18", "--epoch-seconds", "6"])?;
    net.wait_epoch(DOWN - 1, limit)?;
    net.kill("coordinator")?;
    let alone = wait_for("a node plays on without a record and sends", limit, || {
        let status = net.status("m01").ok()?;
        let epochs = status["epochs"].as_array()?;
        epochs.iter().find(|e| e["degraded"] == true && e["epoch"].as_u64() >= Some(DOWN) && e["sent"].as_u64() > Some(0)).cloned()
    })?;
    assert!(alone["epoch"].as_u64() < Some(BACK), "{alone}");
    net.wait_epoch(BACK, limit)?;
    net.restart("coordinator")?;
    let done = net.finish(Duration::from_secs(300))?;
    let s = &done.summary;
    assert_eq!(s["digests"]["equal"], true, "{}\n{}", s["digests"]["differences"], done.printed);
    let closed_alone = s["epochs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|e| (DOWN..BACK).any(|n| e["epoch"] == n) && e["sent"].as_u64() > Some(0) && e["reconciled"].as_u64() > Some(0));
    assert!(closed_alone.count() > 0, "no exchange of the three epochs counts\n{}", done.printed);
    assert_eq!(s["doubled"], 0);
    assert_eq!(s["foreign_touched"], 0);
    Ok(())
}
