//! The four gossip topics of a network (PROTOCOL.md, section 11).

use libp2p::gossipsub::{IdentTopic, TopicHash};
use warmnet_protocol::gossip::Topic as Spoken;

/// What a gossip message is about. Each kind has its own topic, so that a node can weigh them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Signed epoch records.
    Records,
    /// Bundles of exchange entries.
    Bundles,
    /// Notices, such as quarantine.
    Notices,
    /// Proofs of a fault.
    Faults,
}

impl Topic {
    /// Every topic; a node subscribes to all of them and to no other.
    pub const ALL: [Self; 4] = [Self::Records, Self::Bundles, Self::Notices, Self::Faults];

    /// The word in the topic's path.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Bundles => "bundles",
            Self::Notices => "notices",
            Self::Faults => "faults",
        }
    }

    pub(super) fn ident(self, network_tag: &str) -> IdentTopic {
        IdentTopic::new(format!("/warmnet/{network_tag}/{}/1", self.word()))
    }
}

impl From<Spoken> for Topic {
    fn from(topic: Spoken) -> Self {
        match topic {
            Spoken::Records => Self::Records,
            Spoken::Bundles => Self::Bundles,
            Spoken::Notices => Self::Notices,
            Spoken::Faults => Self::Faults,
        }
    }
}

impl From<Topic> for Spoken {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::Records => Self::Records,
            Topic::Bundles => Self::Bundles,
            Topic::Notices => Self::Notices,
            Topic::Faults => Self::Faults,
        }
    }
}

/// Topics of one network, by their hash.
#[derive(Debug, Clone)]
pub(super) struct TopicTable {
    rows: [(Topic, TopicHash); 4],
}

impl TopicTable {
    pub(super) fn new(network_tag: &str) -> Self {
        Self { rows: Topic::ALL.map(|topic| (topic, topic.ident(network_tag).hash())) }
    }

    pub(super) fn hash(&self, topic: Topic) -> TopicHash {
        self.rows[topic as usize].1.clone()
    }

    pub(super) fn topic(&self, hash: &TopicHash) -> Option<Topic> {
        self.rows.iter().find(|(_, known)| known == hash).map(|(topic, _)| *topic)
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = TopicHash> + '_ {
        self.rows.iter().map(|(_, hash)| hash.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_maps_both_ways() {
        let table = TopicTable::new("ab12");
        for topic in Topic::ALL {
            assert_eq!(table.topic(&table.hash(topic)), Some(topic));
        }
        assert_eq!(table.hash(Topic::Bundles).as_str(), "/warmnet/ab12/bundles/1");
        assert_eq!(table.topic(&TopicTable::new("ab13").hash(Topic::Records)), None);
    }
}
