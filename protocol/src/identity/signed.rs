//! Signed envelopes: `"warmnet/<kind>/v<version>" || NetworkId || payload as received` under one Ed25519 key.
//!
//! Every kind has a layout version of its own. A program reads the newest one and the one before it, and writes the lowest one that
//! can say what it has to say: a network whose nodes are upgraded one by one goes on understanding itself.

use super::hash;
use super::keys::{NodeKey, PublicKey};
use crate::ids::{Digest, NetworkId, NodeId, Signature};
use crate::wire::codec::{self, CodecError};
use crate::wire::reader::Reader;
use serde::{Deserialize, Serialize};

/// What an envelope adds to its payload at most: version, key, length prefix, signature.
const ENVELOPE_ROOM: usize = 128;

/// A message that travels signed.
pub trait Signable: Serialize + Sized {
    /// The `<kind>` of the signature's domain; also keeps one kind from being replayed as another.
    const KIND: &'static str;
    /// Largest encoded payload in bytes.
    const LIMIT: usize;
    /// The newest layout of this kind. A later one is ignored, not punished.
    const VERSION: u8 = 1;

    /// The lowest layout that can say this message: the one it is written in.
    fn version(&self) -> u8 {
        Self::VERSION
    }
    /// The payload in the layout of [`Signable::version`].
    fn payload(&self) -> Vec<u8> {
        codec::encode(self)
    }
    /// Reads a payload in the newest layout strictly: what is accepted has one spelling.
    ///
    /// # Errors
    /// [`CodecError`].
    fn read(payload: &[u8]) -> Result<Self, CodecError>;
    /// Reads a payload in the layout before the newest; a kind with one layout has none.
    ///
    /// # Errors
    /// [`SignedError`].
    fn read_previous(_payload: &[u8]) -> Result<Self, SignedError> {
        Err(SignedError::UnknownVersion(Self::VERSION.saturating_sub(1)))
    }
}

/// Payload, signer and signature as they travel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Layout of the payload.
    pub version: u8,
    /// Who signed.
    pub signer: NodeId,
    /// The encoded message.
    pub payload: Vec<u8>,
    /// Over kind, network and payload.
    pub signature: Signature,
}

/// Why an envelope was not opened.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum SignedError {
    /// Not decodable, too large, or not canonical.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A layout this node doesn't know.
    #[error("envelope version {0} is unknown (R-WIRE-2)")]
    UnknownVersion(u8),
    /// The signature does not verify.
    #[error("the signature of this {0} is wrong (R-ID-7)")]
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

/// The bytes that a signature covers: `"warmnet/<kind>/v<version>" || NetworkId || payload`, the version in decimal.
#[must_use]
pub fn preimage(kind: &str, version: u8, network: &NetworkId, payload: &[u8]) -> Vec<u8> {
    [b"warmnet/", kind.as_bytes(), b"/v", version.to_string().as_bytes(), &network.0, payload].concat()
}

/// Signs `message` for `network`.
#[must_use]
pub fn sign<T: Signable>(key: &NodeKey, network: &NetworkId, message: T) -> Verified<T> {
    let (version, payload) = (message.version(), message.payload());
    let signature = key.sign(&preimage(T::KIND, version, network, &payload));
    let digest = hash::digest(&payload);
    let envelope = Envelope { version, signer: key.node_id(), payload, signature };
    Verified { message, signer: envelope.signer, digest, bytes: codec::encode(&envelope) }
}

/// [`Envelope`] as it lies in the bytes received.
#[derive(Clone, Copy, Debug)]
struct View<'a> {
    version: u8,
    signer: NodeId,
    payload: &'a [u8],
    signature: Signature,
}

impl<'a> View<'a> {
    fn read(bytes: &'a [u8], limit: usize) -> Result<Self, SignedError> {
        let mut from = Reader::new(bytes, limit)?;
        let view = Self { version: from.u8()?, signer: NodeId(from.array()?), payload: from.bytes()?, signature: Signature(from.array()?) };
        from.end()?;
        Ok(view)
    }

    fn message<T: Signable>(&self) -> Result<T, SignedError> {
        let message = match self.version {
            v if v == T::VERSION => T::read(self.payload)?,
            v if v.checked_add(1) == Some(T::VERSION) => T::read_previous(self.payload)?,
            unknown => return Err(SignedError::UnknownVersion(unknown)),
        };
        if message.version() == self.version { Ok(message) } else { Err(CodecError::NotCanonical.into()) }
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
    let message = envelope.message()?;
    let digest = hash::digest(envelope.payload);
    Ok(Decoded { envelope, message, digest, bytes })
}

/// The message of an envelope, without its digest or a way to verify it: of envelopes that were accepted before.
///
/// # Errors
/// As [`decode`].
pub fn message<T: Signable>(bytes: &[u8]) -> Result<T, SignedError> {
    View::read(bytes, T::LIMIT + ENVELOPE_ROOM)?.message()
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
        let bytes = preimage(T::KIND, self.envelope.version, network, self.envelope.payload);
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

/// Who signed an envelope whose layout this program doesn't know; `None` when its signature is wrong.
#[must_use]
pub fn signer_of_unknown<T: Signable>(bytes: &[u8], network: &NetworkId) -> Option<NodeId> {
    let View { version, signer, payload, signature } = View::read(bytes, T::LIMIT + ENVELOPE_ROOM).ok()?;
    let signed = preimage(T::KIND, version, network, payload);
    PublicKey::of(&signer).filter(|key| key.verify(&signed, &signature)).map(|_| signer)
}

/// Decodes and verifies.
///
/// # Errors
/// [`SignedError`].
pub fn open<T: Signable>(bytes: &[u8], network: &NetworkId) -> Result<Verified<T>, SignedError> {
    decode::<T>(bytes)?.verify(network)
}
