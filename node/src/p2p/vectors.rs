//! Names, ids and frames as other implementations make them: `protocol/vectors/transport.json`, which the second implementation
//! computes from `docs/spec/12-transport.md`.

use futures::io::Cursor;
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;
use serde_json::Value;

use super::codec::BytesCodec;
use super::gossip::content_id;
use super::topics::TopicTable;
use super::*;

fn held() -> Value {
    serde_json::from_str(include_str!("../../../protocol/vectors/transport.json")).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).expect("hex")
}

fn config(held: &Value) -> P2pConfig {
    let network: [u8; 32] = bytes(&held["network"]).try_into().expect("32 bytes");
    P2pConfig::of_network(&network)
}

#[test]
fn names_are_the_golden_ones() {
    let held = held();
    let config = config(&held);
    assert_eq!(config.network_tag, text(&held["text"]));
    assert_eq!(config.request_protocol(), text(&held["names"]["request"]));
    assert_eq!(config.identify_protocol(), text(&held["names"]["identify"]));
    let topics = TopicTable::new(&config.network_tag);
    for topic in Topic::ALL {
        assert_eq!(topics.hash(topic).as_str(), text(&held["topics"][topic.word()]));
    }
    assert_eq!(held["topics"].as_object().expect("a map").len(), Topic::ALL.len());
}

#[test]
fn ids_are_the_golden_ones() {
    let held = held();
    for message in held["messages"].as_array().expect("a list") {
        let topic = text(&held["topics"][text(&message["topic"])]);
        assert_eq!(hex::encode(content_id(topic, &bytes(&message["data"]))), text(&message["id"]));
    }
    for peer in held["peers"].as_array().expect("a list") {
        let node: NodeId = bytes(&peer["node"]).try_into().expect("32 bytes");
        assert_eq!(peer_text(&node).expect("a key"), text(&peer["peer"]));
    }
}

#[tokio::test]
async fn frames_are_the_golden_ones() {
    let held = held();
    let protocol = StreamProtocol::try_from_owned(config(&held).request_protocol()).expect("a name");
    for frame in held["frames"].as_array().expect("a list") {
        let (data, golden) = (bytes(&frame["data"]), bytes(&frame["frame"]));
        let mut codec = BytesCodec;
        let mut written = Cursor::new(Vec::new());
        let mut read = Cursor::new(golden.clone());
        let back = if frame["what"] == "request" {
            codec.write_request(&protocol, &mut written, data.clone()).await.expect("written");
            codec.read_request(&protocol, &mut read).await.expect("read")
        } else {
            codec.write_response(&protocol, &mut written, data.clone()).await.expect("written");
            codec.read_response(&protocol, &mut read).await.expect("read")
        };
        assert_eq!(hex::encode(written.into_inner()), hex::encode(&golden));
        assert_eq!(back, data);
    }
}
