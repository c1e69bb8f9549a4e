//! Signed envelopes: `"warmnet/<kind>/v1" || NetworkId || payload as received` under one Ed25519 key.

use super::hash;
use super::keys::{NodeKey, PublicKey};
use crate::ids::{Digest, NetworkId, NodeId, Signature};
use crate::wire::codec::{self, CodecError};
use crate::wire::reader::Reader;
use serde::{Deserialize, Serialize};

/// Envelope layout version; an unknown one is ignored, not punished.
pub const ENVELOPE_VERSION: u8 = 1;

/// What an envelope adds to its payload at most: version, key, length prefix, signature.
const ENVELOPE_ROOM: usize = 128;

/// A message that travels signed.
pub trait Signable: Serialize + Sized {
    /// The `<kind>` of the signature's domain; also keeps one kind from being replayed as another.
    const KIND: &'static str;
    /// Largest encoded payload in bytes.
    const LIMIT: usize;

    /// Decodes a payload strictly: what is accepted has one spelling.
    ///
    /// # Errors
    /// [`CodecError`].
    fn read(payload: &[u8]) -> Result<Self, CodecError>;
}

/// Payload, signer and signature as they travel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// [`ENVELOPE_VERSION`].
    pub version: u8,
    /// Who signed.
    pub signer: NodeId,
    /// The encoded message.
    pub payload: Vec<u8>,
    /// Over kind, network and payload.
    pub signature: Signature,
}

/// Why an envelope was not opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignedError {
    /// Not decodable, too large, or not canonical.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A layout this node doesn't know.
    #[error("envelope version {0} is unknown")]
    UnknownVersion(u8),
    /// The signature does not verify.
    #[error("the signature of this {0} is wrong")]
    BadSignature(&'static str),
}

/// A message whose envelope was decoded and whose signature holds; what it *says* is still to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    /// The message.
    pub message: T,
    /// Who signed it.
    pub signer: NodeId,
    /// Digest of the payload: two different ones from one signer for one slot are an equivocation.
    pub digest: Digest,
    /// The whole encoded envelope, to store or forward.
    pub bytes: Vec<u8>,
}

/// The bytes that a signature of this kind covers: `"warmnet/<kind>/v1" || NetworkId || payload`.
#[must_use]
pub fn preimage(kind: &str, network: &NetworkId, payload: &[u8]) -> Vec<u8> {
    [b"warmnet/", kind.as_bytes(), b"/v1", &network.0, payload].concat()
}

/// Signs `message` for `network`.
#[must_use]
pub fn sign<T: Signable>(key: &NodeKey, network: &NetworkId, message: T) -> Verified<T> {
    let payload = codec::encode(&message);
    let signature = key.sign(&preimage(T::KIND, network, &payload));
    let digest = hash::digest(&payload);
    let envelope = Envelope { version: ENVELOPE_VERSION, signer: key.node_id(), payload, signature };
    Verified { message, signer: envelope.signer, digest, bytes: codec::encode(&envelope) }
}

/// [`Envelope`] as it lies in the bytes received.
#[derive(Clone, Copy, Debug)]
struct View<'a> {
    signer: NodeId,
    payload: &'a [u8],
    signature: Signature,
}

impl<'a> View<'a> {
    fn read(bytes: &'a [u8], limit: usize) -> Result<Self, SignedError> {
        let mut from = Reader::new(bytes, limit)?;
        let version = from.u8()?;
        let view = Self { signer: NodeId(from.array()?), payload: from.bytes()?, signature: Signature(from.array()?) };
        from.end()?;
        if version == ENVELOPE_VERSION { Ok(view) } else { Err(SignedError::UnknownVersion(version)) }
    }
}

/// An envelope whose payload is decoded but whose signature is unchecked: the cheap half of verification.
#[derive(Clone, Debug)]
pub struct Decoded<'a, T> {
    envelope: View<'a>,
    /// The message, unverified.
    pub message: T,
    /// Digest of the payload.
    pub digest: Digest,
    bytes: &'a [u8],
}

/// Decodes without checking the signature.
///
/// # Errors
/// [`SignedError`] for size, layout, version or canonical form.
pub fn decode<T: Signable>(bytes: &[u8]) -> Result<Decoded<'_, T>, SignedError> {
    let envelope = View::read(bytes, T::LIMIT + ENVELOPE_ROOM)?;
    let message = T::read(envelope.payload)?;
    let digest = hash::digest(envelope.payload);
    Ok(Decoded { envelope, message, digest, bytes })
}

/// The message of an envelope, without its digest or a way to verify it: of envelopes that were accepted before.
///
/// # Errors
/// As [`decode`].
pub fn message<T: Signable>(bytes: &[u8]) -> Result<T, SignedError> {
    Ok(T::read(View::read(bytes, T::LIMIT + ENVELOPE_ROOM)?.payload)?)
}

impl<T: Signable> Decoded<'_, T> {
    /// Who claims to have signed.
    #[must_use]
    pub fn signer(&self) -> NodeId {
        self.envelope.signer
    }
    /// Checks the signature.
    ///
    /// # Errors
    /// [`SignedError::BadSignature`].
    pub fn verify(self, network: &NetworkId) -> Result<Verified<T>, SignedError> {
        let key = PublicKey::of(&self.envelope.signer).ok_or(SignedError::BadSignature(T::KIND))?;
        self.verify_by(&key, network)
    }
    /// Checks the signature by a key at hand, which must be the signer's.
    ///
    /// # Errors
    /// [`SignedError::BadSignature`].
    pub fn verify_by(self, key: &PublicKey, network: &NetworkId) -> Result<Verified<T>, SignedError> {
        let bytes = preimage(T::KIND, network, self.envelope.payload);
        if key.node_id() != self.envelope.signer || !key.verify(&bytes, &self.envelope.signature) {
            return Err(SignedError::BadSignature(T::KIND));
        }
        Ok(self.trust_own_store())
    }
    /// Takes the signature for granted: only for bytes this node verified before it stored them.
    #[must_use]
    pub fn trust_own_store(self) -> Verified<T> {
        Verified { message: self.message, signer: self.envelope.signer, digest: self.digest, bytes: self.bytes.to_vec() }
    }
}

/// Decodes and verifies.
///
/// # Errors
/// [`SignedError`].
pub fn open<T: Signable>(bytes: &[u8], network: &NetworkId) -> Result<Verified<T>, SignedError> {
    decode::<T>(bytes)?.verify(network)
}
