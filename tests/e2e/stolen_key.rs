//! A thief with the coordinator's issuing key publishes a second record of an epoch: both are void and every owner is told, the
//! root key certifies a new one, and the network goes on in agreement.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::time::Duration;
use warmnet_e2e::{Localnet, wait_for};
use warmnet_node::config::{Home, NodeConfig, SecretsConfig};
use warmnet_node::p2p::{Acceptance, Network, NetworkEvent, NetworkHandle, P2pConfig, Topic};
use warmnet_node::secrets::Secrets;
use warmnet_protocol::identity::{NodeKey, signed};
use warmnet_protocol::ids::Digest;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::epoch_record::EpochRecord;
use warmnet_protocol::wire::genesis::Genesis;

const LIMIT: Duration = Duration::from_secs(120);
/// The first epoch whose record may be contradicted.
const FORKED: Epoch = Epoch(6);
const NODES: [&str; 4] = ["m01", "m02", "m03", "m04"];
/// Any key will do: whoever holds the issuing key needs no membership to be heard.
const SEED: [u8; 32] = [77; 32];

/// Steals the issuing key from the coordinator's home, joins the network as a stranger, waits for a record and publishes
/// another one of the same epoch; returns the epoch, and what must live on until everybody has heard it.
async fn contradict(coordinator: &Home, node: &Home) -> Result<(Epoch, NetworkHandle)> {
    let genesis = Genesis::decode(&std::fs::read(coordinator.join("genesis.bin"))?)?;
    let issuing = NodeKey::from_seed(&*Secrets::open(coordinator, &SecretsConfig::default())?.seed("issuing-key")?);
    let network = genesis.network_id();
    let config = NodeConfig::load(&node.node_toml())?;
    let config = P2pConfig {
        bootstrap: config.network.bootstrap,
        allow_loopback: true,
        heartbeat: Duration::from_millis(100),
        maintenance: Duration::from_millis(200),
        ..P2pConfig::of_network(&network.0)
    };
    let (handle, mut events) = Network::start(config, SEED)?;
    loop {
        let event = tokio::time::timeout(LIMIT, events.recv()).await.context("no record came")?;
        let NetworkEvent::Gossip { token, topic, data, .. } = event.context("the network ended")? else { continue };
        handle.verdict(token, Acceptance::Accept).await?;
        if topic != Topic::Records {
            continue;
        }
        let held = signed::open::<EpochRecord>(&data, &network)?.message;
        if held.epoch >= FORKED {
            let forged = EpochRecord { results: Digest([7; 32]), ..held.clone() };
            handle.publish(Topic::Records, signed::sign(&issuing, &network, forged).bytes).await?;
            return Ok((held.epoch, handle));
        }
    }
}

/// Whether a node tells its owner of a fork.
fn tells(status: &Value) -> bool {
    status["health"].as_array().into_iter().flatten().any(|item| item["code"] == "fork")
}

#[test]
fn a_stolen_issuing_key_voids_a_record_and_a_new_one_heals_the_network() -> Result<()> {
    let mut net = Localnet::start(&["--members", "4", "--golden", "2", "--epochs", "18", "--epoch-seconds", "6"])?;
    net.wait_epoch(u64::from(FORKED.0) - 1, LIMIT)?;
    let [coordinator, node] = ["coordinator", "m01"].map(|name| Home::at(net.home(name)));
    let runtime = tokio::runtime::Runtime::new()?;
    let (epoch, thief) = runtime.block_on(contradict(&coordinator, &node))?;
    for name in NODES {
        wait_for("every owner is told of the fork", LIMIT, || net.status(name).ok().filter(tells))?;
    }
    wait_for("the operator is told", LIMIT, || Some(()).filter(|()| net.log("coordinator").contains("contradict each other")))?;
    runtime.block_on(thief.shutdown());

    net.kill("coordinator")?;
    let renewed = net.coordinator(&["key", "renew", "--json"])?;
    ensure!(renewed.code == Some(0), "{}", renewed.err);
    assert_eq!(serde_json::from_str::<Value>(&renewed.out)?["serial"], 1);
    net.restart("coordinator")?;
    for name in NODES {
        wait_for("the network goes on", LIMIT, || {
            net.status(name).ok().filter(|s| !tells(s) && s["record_epoch"].as_u64() > Some(epoch.0.into()))
        })?;
    }
    let done = net.finish(Duration::from_secs(300))?;
    let s = &done.summary;
    assert_eq!(s["digests"]["equal"], true, "{}\n{}", s["digests"]["differences"], done.printed);
    assert_eq!((&s["doubled"], &s["foreign_touched"]), (&0.into(), &0.into()));
    let after = s["epochs"].as_array().into_iter().flatten().filter(|e| e["epoch"].as_u64() > Some(epoch.0.into()));
    assert!(after.filter_map(|e| e["reconciled"].as_u64()).sum::<u64>() > 0, "nothing counts after the fork\n{}", done.printed);
    Ok(())
}
