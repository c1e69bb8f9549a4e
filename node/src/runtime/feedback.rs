//! What comes back from the driver's tasks.

use warmnet_protocol::engine::Input;
use warmnet_protocol::exchange::Act;
use warmnet_protocol::ids::{ExchangeId, MemberId};

/// Answers that may wait for the driver; a task that finds the queue full waits.
pub(super) const FEEDBACK_QUEUE: usize = 1_024;

/// A task's result.
pub(super) enum Feedback {
    /// Straight for the engine.
    Engine(Box<Input>),
    /// An act on a mail ended.
    Acted {
        /// Ticket the act was given.
        ticket: u64,
        /// Whether it was done.
        done: bool,
    },
    /// A mailbox's sign-in was refused: the owner must act.
    SignInRefused(MemberId),
    /// A mailbox's connection is up (or down, with a phrase that holds no secret).
    Mailbox(MemberId, Result<(), String>),
    /// A mailbox is nearly full (percent), or emptier again.
    Quota(MemberId, Option<u8>),
    /// The mailbox's server refuses its mail for a reason that only the owner can mend; `None`: it takes mail.
    Alarm(MemberId, Option<&'static str>),
    /// A task failed to store something: the node must stop before it promises more.
    StoreFailed(String),
}

/// What an act's ticket stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActTicket {
    pub exchange: ExchangeId,
    pub turn: u8,
    pub act: Act,
}
