//! An owner sends advertisements under the network's label: those who get them leave them alone and complain of them, everybody
//! deals that member more golden seats, and golden mailboxes' complaints, which alone count, show in its score.

use anyhow::Context;
use serde_json::Value;
use std::time::Duration;
use warmnet_e2e::{Localnet, wait_for};

const LIMIT: Duration = Duration::from_secs(180);
/// The member, and somebody else who looks at it.
const ADVERTISER: &str = "m03";
const WITNESS: &str = "m01";
/// Its provider signs what it hands in.
const FAULTS: &str = "
    [[fault]]
    service = \"smtp\"
    step = \"message\"
    mailbox = \"post@m03.test\"
    words = \"Cheap watches, only today, order now while there are some left\"
";

/// What a node says of a member.
fn explained(net: &Localnet, what: &str, member: &str) -> Option<Value> {
    let ran = net.node(WITNESS, &[what, "explain", member, "--json"]).ok()?;
    serde_json::from_str::<Value>(&ran.out).ok()?.get(0).cloned()
}

#[test]
fn advertisements_under_the_label_are_complained_of() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let faults = folder.path().join("faults.toml");
    std::fs::write(&faults, FAULTS)?;
    let path = faults.to_string_lossy().into_owned();
    let net = Localnet::start(&["--members", "4", "--golden", "2", "--epochs", "20", "--epoch-seconds", "6", "--faults", &path])?;
    net.processes()?;
    let id =
        |name: &str| wait_for("the member is known", LIMIT, || Some(net.status(name).ok()?["members"][0]["member"].as_str()?.to_owned()));
    let (advertiser, honest) = (id(ADVERTISER)?, id(WITNESS)?);

    let row = wait_for("three domains complain", LIMIT, || {
        explained(&net, "policy", &advertiser).filter(|e| e["explanation"]["row"]["complained"] == true)
    })?;
    assert!(row["explanation"]["complaints"]["tags"].as_u64() >= Some(3), "{row}");
    let score =
        wait_for("golden mailboxes complain", LIMIT, || explained(&net, "score", &advertiser).filter(|e| golden_complaints(e) > 0))?;
    let plain = net.node(WITNESS, &["policy", "explain", &advertiser])?;
    assert!(plain.out.contains("extra golden seats are dealt"), "{plain:?}\n{score}");

    let own = explained(&net, "policy", &honest).context("the witness's own row")?;
    assert_eq!((&own["explanation"]["row"]["complained"], &own["explanation"]["complaints"]["raters"]), (&false.into(), &0.into()));

    let done = net.finish(Duration::from_secs(300))?;
    let s = &done.summary;
    assert_eq!(s["digests"]["equal"], true, "{}\n{}", s["digests"]["differences"], done.printed);
    assert_eq!((&s["doubled"], &s["foreign_touched"]), (&0.into(), &0.into()));
    assert!(s["scores"][ADVERTISER].as_f64() < s["scores"][WITNESS].as_f64(), "{}", done.printed);
    Ok(())
}

/// Mails of the member that golden mailboxes complained of.
fn golden_complaints(score: &Value) -> u64 {
    let parts = score["explanation"]["parts"].as_array().into_iter().flatten();
    parts.filter(|p| p["figure"] == "complained").filter_map(|p| p["hits"]["mails"].as_u64()).sum()
}
