//! `admission.bin`: the state as a row of small encoded items, so that its size has no bound but the disk's.

use super::{Admission, Admitted, Pending};
use crate::durable;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use warmnet_protocol::ids::{Digest, DomainTag, MemberId};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::codec;

/// First bytes of the file: its layout.
const MAGIC: &[u8; 8] = b"WNADM\0\0\x01";
/// One item: an application with an address of 254 bytes fits four times.
const ITEM_BYTES: usize = 4_096;
/// Largest file: a million members.
const FILE_BYTES: u64 = 512 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
enum Item {
    Pending(MemberId, Pending),
    Admitted(MemberId, Admitted),
    FirstSeen(DomainTag, Epoch),
    Count(Epoch, u32),
    Departing(MemberId, Vec<u8>),
    Departed(Digest, Epoch),
}

/// Why the state could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Disk.
    #[error("the admission file can't be read or written: {0}")]
    Io(#[from] io::Error),
    /// Not what this program wrote.
    #[error("the admission file is damaged or of another version")]
    Damaged,
}

/// Where the state is kept.
#[derive(Clone, Debug)]
pub struct AdmissionFile {
    path: PathBuf,
}

impl AdmissionFile {
    /// The file of a home.
    #[must_use]
    pub fn in_home(home: &Path) -> Self {
        Self { path: home.join("admission.bin") }
    }
    /// Reads the state; an empty one before the first save.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(&self) -> Result<Admission, StoreError> {
        match durable::read(&self.path, FILE_BYTES)? {
            None => Ok(Admission::default()),
            Some(bytes) => decode(&bytes).ok_or(StoreError::Damaged),
        }
    }
    /// Saves the state durably.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn save(&self, state: &Admission) -> Result<(), StoreError> {
        Ok(durable::replace(&self.path, &encode(state))?)
    }
}

pub(super) fn encode(state: &Admission) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let mut put = |item: &Item| {
        let bytes = codec::encode(item);
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(&bytes);
    };
    if let Some((epoch, n)) = state.count {
        put(&Item::Count(epoch, n));
    }
    for (member, p) in &state.pending {
        put(&Item::Pending(*member, p.clone()));
    }
    for (member, a) in &state.admitted {
        put(&Item::Admitted(*member, a.clone()));
    }
    for (tag, epoch) in &state.first_seen {
        put(&Item::FirstSeen(*tag, *epoch));
    }
    for (member, envelope) in &state.departing {
        put(&Item::Departing(*member, envelope.clone()));
    }
    for (address_key, epoch) in &state.departed {
        put(&Item::Departed(*address_key, *epoch));
    }
    out
}

pub(super) fn decode(bytes: &[u8]) -> Option<Admission> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut state = Admission::default();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        if length > ITEM_BYTES || length > after.len() {
            return None;
        }
        let (item, after) = after.split_at(length);
        match codec::decode::<Item>(item, ITEM_BYTES).ok()? {
            Item::Count(epoch, n) => state.count = Some((epoch, n)),
            Item::Pending(member, p) => {
                state.pending.insert(member, p);
            }
            Item::Admitted(member, a) => {
                state.addresses.insert(a.address_key, member);
                state.admitted.insert(member, a);
            }
            Item::Departing(member, envelope) => {
                state.departing.insert(member, envelope);
            }
            Item::Departed(address_key, epoch) => {
                state.departed.insert(address_key, epoch);
            }
            Item::FirstSeen(tag, epoch) => {
                state.first_seen.insert(tag, epoch);
            }
        }
        rest = after;
    }
    Some(state)
}
