//! A byte string as a list of engine inputs against a node of the recorded network.

use crate::letters;
use crate::node::Node;
use crate::scenes::{self, Cursor};
use std::collections::BTreeMap;

/// Lives through a list; gives the number of inputs and what the node answered, counted.
pub(crate) fn live(bytes: &[u8]) -> (u64, BTreeMap<String, u64>) {
    let mut node = through(bytes);
    node.restart();
    node.restart_damaged(&mut Cursor(&bytes[..bytes.len().min(512)]));
    (node.inputs, node.met)
}

/// The exchanges that a life left in the store.
pub(crate) fn stored(bytes: &[u8]) -> Vec<Vec<u8>> {
    through(bytes).store.exchanges.into_values().collect()
}

fn through(bytes: &[u8]) -> Node {
    let mut node = Node::new();
    let mut c = Cursor(bytes);
    // Some come late to the network.
    if c.byte() < 64 {
        node.next_day = c.below(36);
    }
    while !c.0.is_empty() {
        match c.byte() % 32 {
            0..=5 => scenes::wait(&mut node, &mut c),
            6 => scenes::day(&mut node, &mut c),
            7..=10 => scenes::damaged(&mut node, &mut c),
            11..=13 => scenes::signed_oddly(&mut node, &mut c),
            14 | 15 => scenes::answer(&mut node, &mut c),
            16..=18 => scenes::host(&mut node, &mut c),
            19 | 20 => scenes::owner(&mut node, &mut c),
            21..=23 => letters::introduction(&mut node, &mut c),
            24..=26 => letters::welcome(&mut node, &mut c),
            _ => letters::mail(&mut node, &mut c),
        }
    }
    node
}
