//! What an exchange asks its host for.

use serde::{Deserialize, Serialize};

/// An automatic act on a warming mail, each allowed by the mailbox's owner or not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Act {
    /// Move from junk to the inbox.
    Rescue,
    /// Mark read.
    Read,
    /// File into the Warmnet folder.
    File,
}

/// An output of the state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Ask the partner's node for an introduction.
    Introduce,
    /// Hand the mail of this turn to the mailer.
    Send {
        /// The turn.
        turn: u8,
    },
    /// Carry out an act on the mail of this turn.
    Do {
        /// The turn.
        turn: u8,
        /// Its Message-ID.
        message_id: String,
        /// The act.
        act: Act,
    },
    /// The sender's part ended without a mail: a spare round may take its place.
    NoShow,
    /// The state changed and should be stored.
    Changed,
}
