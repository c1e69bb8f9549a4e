//! Everything the node keeps about its owner's mailboxes, for the owner to read.
//!
//! Partners appear by their member id, as in the ledger: their addresses are theirs, and stand in the mails anyway.

use super::salt;
use super::stored::Stored;
use crate::config::{Home, MailboxConfig, NodeConfig};
use crate::mail::reports::{Book, Figures};
use crate::secrets::{Secrets, SecretsError};
use crate::store::{Store, StoreError};
use serde::Serialize;
use std::collections::BTreeMap;
use warmnet_protocol::engine::{Application, Restored as _, SourceError};
use warmnet_protocol::exchange::Exchange;
use warmnet_protocol::identity::{CanonicalAddress, member_id, signed};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::limits;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::{Bundle, SelfReport};
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::genesis::Genesis;

/// Why the data could not be gathered.
#[derive(Debug, thiserror::Error)]
pub enum HomeDataError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secrets file, for the node's identity.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The genesis file.
    #[error("the genesis file can't be read: {0}")]
    Genesis(String),
    /// What the store holds.
    #[error("the store can't be read: {0}")]
    Damaged(String),
}

impl From<SourceError> for HomeDataError {
    fn from(error: SourceError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// One mailbox.
#[derive(Debug, Serialize)]
#[allow(missing_docs)] // the names are the documentation: docs/guide/node-owner.md lists them
pub struct MailboxData {
    pub address: String,
    pub member: String,
    /// Opens the commitment that the member id is.
    pub salt: String,
    pub application: Option<Application>,
    pub exchanges: Vec<ExchangeData>,
    pub bundles: Vec<BundleData>,
    /// The owner's external mail, as reported by epoch.
    pub external: BTreeMap<Epoch, SelfReport>,
    /// Bounces and complaints counted in the mailbox.
    pub reports: Option<Figures>,
}

/// One exchange, as far as it came.
#[derive(Debug, Serialize)]
#[allow(missing_docs)] // the names are the documentation
pub struct ExchangeData {
    pub epoch: Epoch,
    pub exchange: String,
    pub partner: String,
    pub side: String,
    pub outcome: Option<String>,
    pub placement: Option<String>,
    pub read: bool,
    pub rescued: bool,
    pub replied: bool,
    pub mails: usize,
    pub stopped_by_a_person: bool,
}

/// One signed bundle.
#[derive(Debug, Serialize)]
pub struct BundleData {
    /// Its epoch.
    pub epoch: Epoch,
    /// What it says.
    pub says: Option<Bundle>,
    /// The signed bytes in hex.
    pub envelope: String,
}

impl From<Exchange> for ExchangeData {
    fn from(x: Exchange) -> Self {
        let seen = x.seen.as_ref();
        Self {
            epoch: x.epoch,
            exchange: x.id.to_hex(),
            partner: x.partner.to_hex(),
            side: format!("{:?}", x.side).to_lowercase(),
            outcome: x.outcome.map(|o| format!("{o:?}").to_lowercase()),
            placement: seen.map(|s| format!("{:?}", s.placement).to_lowercase()),
            read: seen.is_some_and(|s| s.read),
            rescued: seen.is_some_and(|s| s.rescued),
            replied: seen.is_some_and(|s| s.replied),
            mails: x.thread.len(),
            stopped_by_a_person: x.stopped,
        }
    }
}

pub(super) fn genesis(home: &Home, config: &NodeConfig) -> Result<Genesis, HomeDataError> {
    let read = std::fs::read(home.genesis(config)).map_err(|e| HomeDataError::Genesis(e.to_string()))?;
    Genesis::decode(&read).map_err(|e| HomeDataError::Genesis(e.to_string()))
}

/// Gathers it from a home whether its node runs or not.
///
/// # Errors
/// [`HomeDataError`].
pub fn my_data(
    home: &Home,
    config: &NodeConfig,
    secrets: &Secrets,
    mailboxes: &[MailboxConfig],
) -> Result<Vec<MailboxData>, HomeDataError> {
    let network = genesis(home, config)?.network_id();
    let seed = secrets.identity()?;
    let mut kept = Kept::read(home)?;
    let addresses = mailboxes.iter().filter_map(|m| CanonicalAddress::parse(&m.address).ok());
    Ok(addresses
        .map(|address| {
            let salt = salt(&seed, &network, &address);
            kept.of(member_id(&network, &salt, &address), address.as_str(), salt.to_hex())
        })
        .collect())
}

/// What the store holds of all members.
#[derive(Default)]
struct Kept {
    applications: BTreeMap<MemberId, Vec<u8>>,
    exchanges: Vec<Exchange>,
    bundles: Vec<(Epoch, MemberId, Vec<u8>)>,
    external: Vec<(Epoch, MemberId, SelfReport)>,
    books: BTreeMap<MemberId, Figures>,
}

impl Kept {
    fn read(home: &Home) -> Result<Self, HomeDataError> {
        if !home.store().exists() {
            return Ok(Self::default());
        }
        let mut stored = Stored::new(Store::open_to_read(home.store())?);
        let applications: BTreeMap<MemberId, Vec<u8>> = stored.applications()?.into_iter().collect();
        let figures = |member: &MemberId| Some((*member, Book::decode(&stored.book(*member)?)?.figures()));
        let books = applications.keys().filter_map(figures).collect();
        let (mut exchanges, mut bundles) = (Vec::new(), Vec::new());
        stored.exchanges(&mut |bytes| exchanges.extend(codec::decode::<Exchange>(bytes, limits::REQUEST_BYTES)))?;
        stored.own_bundles(&mut |epoch, member, envelope| bundles.push((epoch, member, envelope.to_vec())))?;
        Ok(Self { exchanges, bundles, external: stored.reports()?, applications, books })
    }

    fn of(&mut self, member: MemberId, address: &str, salt: String) -> MailboxData {
        let own = self.exchanges.iter().filter(|x| x.me == member).cloned();
        let bundle = |(epoch, _, envelope): &(Epoch, MemberId, Vec<u8>)| BundleData {
            epoch: *epoch,
            says: signed::decode::<Bundle>(envelope).ok().map(|d| d.message),
            envelope: hex::encode(envelope),
        };
        MailboxData {
            address: address.to_owned(),
            member: member.to_hex(),
            salt,
            application: self.applications.get(&member).and_then(|bytes| codec::decode(bytes, 4_096).ok()),
            exchanges: own.map(ExchangeData::from).collect(),
            bundles: self.bundles.iter().filter(|(_, m, _)| *m == member).map(bundle).collect(),
            external: self.external.iter().filter(|(_, m, _)| *m == member).map(|(e, _, r)| (*e, *r)).collect(),
            reports: self.books.get(&member).copied(),
        }
    }
}
