//! Introduction: before a mail, the sender shows the receiver's node the address that its member id commits to.

use crate::ids::{MemberId, Salt};
use crate::matching::Slot;
use crate::time::Epoch;
use serde::{Deserialize, Serialize};

/// "I am dealt to you." The channel is authenticated, so the node key of the asker is known.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduce {
    /// Epoch of the deal.
    pub epoch: Epoch,
    /// Ring and round.
    pub slot: Slot,
    /// The sender.
    pub from: MemberId,
    /// The receiver.
    pub to: MemberId,
    /// The sender's mailbox address.
    pub address: String,
    /// Opens the sender's commitment.
    pub salt: Salt,
}

/// Why an introduction was declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decline {
    /// The asked node doesn't host that member.
    NotHere,
    /// This pair is not dealt in that epoch.
    NotDealt,
    /// Address and salt don't open the commitment.
    WrongAddress,
    /// The owner paused the mailbox.
    Paused,
    /// One of the two is quarantined.
    Quarantined,
    /// The asked node has not got that epoch's record yet; ask again.
    NotReady,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Introduced {
    /// The receiver's own address.
    Welcome {
        /// The receiver's mailbox address.
        address: String,
        /// Opens the receiver's commitment.
        salt: Salt,
    },
    /// No.
    Declined(Decline),
}

// Addresses must not reach a log by `{:?}`.
impl std::fmt::Debug for Introduce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Introduce({:?} {:?} {} -> {})", self.epoch, self.slot, self.from.short(), self.to.short())
    }
}

impl std::fmt::Debug for Introduced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Welcome { .. } => f.write_str("Welcome(..)"),
            Self::Declined(d) => write!(f, "Declined({d:?})"),
        }
    }
}
