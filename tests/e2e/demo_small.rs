//! A small network plays a run through: every check of its own report holds.

use std::time::Duration;
use warmnet_e2e::Localnet;

#[test]
fn a_small_network_passes_its_own_checks() -> anyhow::Result<()> {
    let net = Localnet::start(&["--members", "4", "--golden", "2", "--epochs", "9", "--epoch-seconds", "6"])?;
    let done = net.finish(Duration::from_secs(240))?;
    let s = &done.summary;
    assert_eq!(done.code, Some(0), "{}", done.printed);
    assert_eq!(s["doubled"], 0);
    assert_eq!(s["foreign_touched"], 0);
    assert!(s["foreign_delivered"].as_u64() >= Some(300), "{}", s["foreign_delivered"]);
    assert_eq!(s["digests"]["equal"], true, "{}\n{}", s["digests"]["differences"], done.printed);
    assert!(s["totals"]["sent"].as_u64() > Some(0));
    assert!(s["totals"]["replied"].as_u64() > Some(0), "nobody answered");
    Ok(())
}
