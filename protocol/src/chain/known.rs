//! Keys of nodes whose bundles come every epoch, kept decompressed.

use super::Chain;
use crate::identity::signed::Decoded;
use crate::identity::{PublicKey, SignedError, Verified};
use crate::ids::NodeId;
use crate::limits;
use crate::wire::bundle::Bundle;
use std::collections::BTreeMap;

/// Keys that verified a bundle before. What is kept changes the time a verification takes, never its result.
#[derive(Default)]
pub(super) struct KnownKeys(BTreeMap<NodeId, PublicKey>);

impl Chain {
    /// Checks a bundle's signature, with the signer's key as kept from an earlier epoch or else read anew.
    ///
    /// # Errors
    /// [`SignedError::BadSignature`].
    pub fn verify_bundle(&mut self, decoded: Decoded<'_, Bundle>) -> Result<Verified<Bundle>, SignedError> {
        let signer = decoded.signer();
        let known = &mut self.known.0;
        if let Some(key) = known.get(&signer) {
            return decoded.verify_by(key, &self.network);
        }
        let Some(key) = PublicKey::of(&signer) else { return decoded.verify(&self.network) };
        let verified = decoded.verify_by(&key, &self.network)?;
        if known.len() >= limits::KNOWN_KEYS {
            known.clear();
        }
        known.insert(signer, key);
        Ok(verified)
    }
}
