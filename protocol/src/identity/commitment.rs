//! Commitments: a member id binds a salted address; showing (address, salt) proves that this very address enrolled.

use super::{CanonicalAddress, hash};
use crate::ids::{DomainTag, MemberId, NetworkId, Salt};

/// `MemberId` of a canonical address: keyed BLAKE3 (key = salt) over the length-prefixed purpose, network and address.
#[must_use]
pub fn member_id(network: &NetworkId, salt: &Salt, address: &CanonicalAddress) -> MemberId {
    let mut h = blake3::Hasher::new_keyed(&salt.0);
    for part in [b"warmnet/v1/member".as_slice(), &network.0, address.as_str().as_bytes()] {
        h.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    MemberId(*h.finalize().as_bytes())
}

/// `DomainTag` under the coordinator's secret tag key: of the registrable domain, or (`shared`) of the whole
/// address at providers whose domain many strangers share.
#[must_use]
pub fn domain_tag(tag_key: &[u8; 32], address: &CanonicalAddress, shared: bool) -> DomainTag {
    let subject = if shared { address.as_str() } else { address.registrable_domain() };
    let mut h = hash::keyed("domain-tag");
    h.update(tag_key).update(subject.as_bytes());
    let mut out = [0u8; 16];
    h.finalize_xof().fill(&mut out);
    DomainTag(out)
}
