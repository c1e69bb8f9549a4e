//! Warming works and is not painted on: with engagement the honest inbox share rises by 20 points, and ends 15 points
//! above a run that differs in nothing else.

use serde_json::Value;
use std::time::Duration;
use warmnet_e2e::Localnet;

/// Enough epochs that the first five with mail and the last five don't overlap, and hold 150 mails each.
const EPOCHS: &str = "18";

fn honest(engagement: &str) -> anyhow::Result<Value> {
    let net = Localnet::start(&["--epochs", EPOCHS, "--engagement", engagement, "--seed", "7"])?;
    let done = net.finish(Duration::from_secs(420))?;
    let inbox = done.summary["honest_inbox"].clone();
    for mails in ["mails_first5", "mails_last5"] {
        assert!(inbox[mails].as_u64() >= Some(150), "engagement {engagement}: {inbox}\n{}", done.printed);
    }
    Ok(inbox)
}

#[test]
fn engagement_lifts_the_inbox_share() -> anyhow::Result<()> {
    let share = |v: &Value, key: &str| v[key].as_f64().unwrap_or(f64::NAN);
    // Beside each other: a network mostly waits for its clock.
    let control = std::thread::spawn(|| honest("off"));
    let on = honest("on")?;
    let off = control.join().expect("the control run ends")?;
    println!("on {on}\noff {off}");
    let (first, last, control) = (share(&on, "first5"), share(&on, "last5"), share(&off, "last5"));
    assert!(last - first >= 0.20, "from {first} to {last}");
    assert!(last - control >= 0.15, "{last} against {control} without engagement");
    Ok(())
}
