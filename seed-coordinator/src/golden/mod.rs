//! Golden members: the operator's own aged mailboxes. They are hosted like any other; the coordinator puts them into
//! the roster itself, without a mail round trip, and hands their addresses to applicants.

use warmnet_node::config::MailboxConfig;
use warmnet_node::runtime;
use warmnet_protocol::identity::{AddressError, CanonicalAddress, commitment, member_id};
use warmnet_protocol::ids::{DomainTag, MemberId, NetworkId};
use warmnet_protocol::wire::roster::RampPreset;

/// One golden mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoldenMember {
    /// The commitment to its address.
    pub member: MemberId,
    /// Its canonical address.
    pub address: CanonicalAddress,
    /// Provider class, 0..=7.
    pub provider: u8,
    /// Language bits.
    pub languages: u8,
    /// Weekday bits.
    pub weekdays: u8,
    /// Act bits.
    pub acts: u8,
    /// Ramp preset: of no weight for a golden member, but part of its row.
    pub ramp: RampPreset,
}

impl GoldenMember {
    /// The member of a mailbox file, the same as the runtime hosts it; `seed`: the node key's.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn of(mailbox: &MailboxConfig, seed: &[u8; 32], network: &NetworkId) -> Result<Self, AddressError> {
        let address = CanonicalAddress::parse(&mailbox.address)?;
        let member = member_id(network, &runtime::salt(seed, network, &address), &address);
        Ok(Self {
            member,
            address,
            provider: mailbox.provider_class,
            languages: mailbox.language_bits(),
            weekdays: mailbox.weekday_bits(),
            acts: mailbox.consent.acts(),
            ramp: mailbox.ramp,
        })
    }

    /// Tag of its domain; golden mailboxes may sit at shared providers, so their tag covers the whole address there.
    #[must_use]
    pub fn tag(&self, tag_key: &[u8; 32], shared: bool) -> DomainTag {
        commitment::domain_tag(tag_key, &self.address, shared)
    }
}
