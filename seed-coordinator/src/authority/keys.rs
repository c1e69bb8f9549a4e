//! The authority's keys: how they are made once, and how they are taken up at each start.
//!
//! ```text
//!  root (offline) ──signs──> issuing key, for a window of epochs ──signs──> records, notices, passports
//! ```

use super::beacon::BeaconChain;
use warmnet_protocol::identity::{NodeKey, signed};

use warmnet_protocol::params::Params;
use warmnet_protocol::time::{Clock, Epoch};
use warmnet_protocol::wire::epoch_record::IssuingKey;
use warmnet_protocol::wire::genesis::{GENESIS_VERSION, Genesis};
use zeroize::Zeroizing;

/// Epochs an issuing key may sign: a year of days and a month to renew it.
pub const CERTIFICATE_EPOCHS: u32 = 400;
/// From this many epochs before its end the operator is warned.
pub const WARN_EPOCHS: u32 = 14;

/// Names in the secrets file, each a value in hex.
pub mod names {
    /// Seed of the online issuing key.
    pub const ISSUING: &str = "issuing-key";
    /// Its root-signed certificate (public, kept beside the key).
    pub const CERTIFICATE: &str = "issuing-certificate";
    /// Key of the domain tags.
    pub const TAG: &str = "tag-key";
    /// Seed of the beacon chain.
    pub const BEACON: &str = "beacon-seed";
    /// Key of enrolment tokens and address keys.
    pub const ENROLMENT: &str = "enrolment-key";
}

/// A 32-byte secret.
pub type Seed = Zeroizing<[u8; 32]>;

/// A new network, before anything is written.
pub struct Founded {
    /// The founding document.
    pub genesis: Genesis,
    /// Seed of the root key: goes into a file of its own, to be kept offline.
    pub root: Seed,
    /// Seed of the coordinator's node key.
    pub node: Seed,
    /// Name and hex value of the other secrets.
    pub secrets: Vec<(&'static str, Zeroizing<String>)>,
}

/// Founds a network; `draw` gives 32 fresh secret bytes at each call.
///
/// # Errors
/// Whatever `draw` fails with.
pub fn found<E>(name: &str, clock: Clock, mut draw: impl FnMut() -> Result<Seed, E>) -> Result<Founded, E> {
    let (root, node, issuing) = (draw()?, draw()?, draw()?);
    let (tag, beacon, enrolment) = (draw()?, draw()?, draw()?);
    let root_key = NodeKey::from_seed(&root);
    let genesis = Genesis {
        version: GENESIS_VERSION,
        name: name.to_owned(),
        root: root_key.node_id(),
        coordinator: NodeKey::from_seed(&node).node_id(),
        first_beacon: BeaconChain::new(&beacon).first(),
        clock,
        params: Params::standard(),
    };
    let key = NodeKey::from_seed(&issuing).node_id();
    let first = IssuingKey { key, from: Epoch(0), until: Epoch(CERTIFICATE_EPOCHS - 1), serial: 0 };
    let certificate = signed::sign(&root_key, &genesis.network_id(), first).bytes;
    let text = |seed: &Seed| Zeroizing::new(hex::encode(seed.as_slice()));
    let secrets = vec![
        (names::ISSUING, text(&issuing)),
        (names::CERTIFICATE, Zeroizing::new(hex::encode(certificate))),
        (names::TAG, text(&tag)),
        (names::BEACON, text(&beacon)),
        (names::ENROLMENT, text(&enrolment)),
    ];
    Ok(Founded { genesis, root, node, secrets })
}

/// A new issuing key under a later certificate: the root's word that the keys before it sign no more, and that of records which
/// contradict each other the one under this certificate stands.
pub struct Renewed {
    /// The certificate.
    pub certificate: IssuingKey,
    /// Names and hex values to replace in the secrets file.
    pub secrets: [(&'static str, Zeroizing<String>); 2],
}

/// Renews the issuing key: it holds from where the one before held, so that it may sign again what is void, and
/// [`CERTIFICATE_EPOCHS`] beyond `now`.
///
/// # Errors
/// [`KeysError::Root`] when the root key is another network's.
pub fn renew(genesis: &Genesis, root: &Seed, before: &IssuingKey, fresh: &Seed, now: Epoch) -> Result<Renewed, KeysError> {
    let root = NodeKey::from_seed(root);
    if root.node_id() != genesis.root {
        return Err(KeysError::Root);
    }
    let key = NodeKey::from_seed(fresh).node_id();
    let certificate =
        IssuingKey { key, from: before.from, until: now.plus(CERTIFICATE_EPOCHS - 1), serial: before.serial.saturating_add(1) };
    let envelope = signed::sign(&root, &genesis.network_id(), certificate.clone()).bytes;
    let secrets =
        [(names::ISSUING, Zeroizing::new(hex::encode(fresh.as_slice()))), (names::CERTIFICATE, Zeroizing::new(hex::encode(envelope)))];
    Ok(Renewed { certificate, secrets })
}

/// Why the keys of a home can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeysError {
    /// Not in the secrets file.
    #[error("the secrets file holds no usable \"{0}\"")]
    Missing(&'static str),
    /// Not signed by this network's root, or for another key.
    #[error("the issuing certificate is not of this network's root key")]
    Certificate,
    /// Not this network's root key.
    #[error("the root key is not this network's")]
    Root,
    /// Another network's beacon.
    #[error("the beacon seed is not this network's")]
    Beacon,
}

/// The keys a running authority holds. Never printed.
pub struct AuthorityKeys {
    /// Signs records, notices and passports.
    pub issuing: NodeKey,
    /// The encoded certificate.
    pub certificate: Vec<u8>,
    /// What it says.
    pub certified: IssuingKey,
    /// The beacon.
    pub beacon: BeaconChain,
    /// Key of the domain tags.
    pub tag: Seed,
    /// Key of tokens and address keys.
    pub enrolment: Seed,
}

impl std::fmt::Debug for AuthorityKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuthorityKeys({})", self.issuing.node_id().short())
    }
}

impl AuthorityKeys {
    /// Takes the keys from a secrets file (`look_up` gives a named value in hex) and checks that they are this network's.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn read(genesis: &Genesis, look_up: impl Fn(&str) -> Option<Zeroizing<String>>) -> Result<Self, KeysError> {
        let seed = |name: &'static str| {
            let mut out = Zeroizing::new([0u8; 32]);
            let text = look_up(name).ok_or(KeysError::Missing(name))?;
            hex::decode_to_slice(text.trim(), out.as_mut_slice()).map_err(|_| KeysError::Missing(name))?;
            Ok(out)
        };
        let issuing = NodeKey::from_seed(&*seed(names::ISSUING)?);
        let certificate =
            look_up(names::CERTIFICATE).and_then(|t| hex::decode(t.trim()).ok()).ok_or(KeysError::Missing(names::CERTIFICATE))?;
        let opened = signed::open::<IssuingKey>(&certificate, &genesis.network_id()).map_err(|_| KeysError::Certificate)?;
        if opened.signer != genesis.root || opened.message.key != issuing.node_id() {
            return Err(KeysError::Certificate);
        }
        let beacon = BeaconChain::new(&*seed(names::BEACON)?);
        if beacon.first() != genesis.first_beacon {
            return Err(KeysError::Beacon);
        }
        Ok(Self { issuing, certificate, certified: opened.message, beacon, tag: seed(names::TAG)?, enrolment: seed(names::ENROLMENT)? })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::convert::Infallible;

    /// Secrets that differ from draw to draw, and repeat from test to test.
    pub(crate) fn founded(name: &str) -> Founded {
        let mut n = name.len() as u8;
        let draw = || {
            n += 1;
            Ok::<_, Infallible>(Zeroizing::new([n; 32]))
        };
        found(name, Clock { epoch_zero_ms: 1_000_000, epoch_ms: 12_000 }, draw).unwrap()
    }

    pub(crate) fn read(founded: &Founded) -> Result<AuthorityKeys, KeysError> {
        AuthorityKeys::read(&founded.genesis, |name| founded.secrets.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()))
    }

    #[test]
    fn what_was_founded_is_taken_up_again() {
        let founded = founded("net");
        let keys = read(&founded).unwrap();
        assert_eq!((keys.certified.from, keys.certified.until, keys.certified.serial), (Epoch(0), Epoch(399), 0));
        assert_eq!(Genesis::decode(&founded.genesis.encode()).unwrap(), founded.genesis);
    }

    #[test]
    fn a_renewed_key_is_later_and_covers_what_the_old_one_did() {
        let mut founded = founded("net");
        let before = read(&founded).unwrap().certified;
        let (fresh, stranger) = (Zeroizing::new([99; 32]), Zeroizing::new([98; 32]));
        assert_eq!(renew(&founded.genesis, &stranger, &before, &fresh, Epoch(380)).map(|r| r.certificate), Err(KeysError::Root));
        let renewed = renew(&founded.genesis, &founded.root, &before, &fresh, Epoch(380)).unwrap();
        for (name, value) in renewed.secrets {
            founded.secrets.retain(|(n, _)| *n != name);
            founded.secrets.push((name, value));
        }
        let keys = read(&founded).unwrap();
        assert_eq!(keys.certified, renewed.certificate);
        assert_eq!((keys.certified.from, keys.certified.until, keys.certified.serial), (Epoch(0), Epoch(779), 1));
        assert_ne!(keys.certified.key, before.key);
    }

    #[test]
    fn keys_of_another_network_are_refused() {
        let (mut one, two) = (founded("net"), founded("another"));
        one.secrets[1] = two.secrets[1].clone();
        assert_eq!(read(&one).unwrap_err(), KeysError::Certificate);
        let mut one = founded("net");
        one.secrets[3] = two.secrets[3].clone();
        assert_eq!(read(&one).unwrap_err(), KeysError::Beacon);
        one.secrets.remove(0);
        assert_eq!(read(&one).unwrap_err(), KeysError::Missing(names::ISSUING));
    }
}
