//! The states of a task and the only steps between them: pure, no disk.

use super::super::error::StoreError;

/// Longest outcome: a code and a short reason.
pub const MAX_OUTCOME_BYTES: usize = 256;

const INTENT: u8 = 1;
const DOT: u8 = 2;
const DONE: u8 = 3;

/// How far a task has come. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Offered to a server, no text sent: may be sent.
    Intent {
        /// When.
        at: u64,
    },
    /// The text was about to be sent: never to be sent again.
    Dot {
        /// When.
        at: u64,
    },
    /// Finished.
    Done {
        /// When.
        at: u64,
        /// What became of it, the caller's bytes.
        outcome: Vec<u8>,
    },
}

/// Why a mark was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The task has been sent, or is finished: don't send.
    #[error("the mail is sent or finished already")]
    Taken {
        /// Where it stands.
        state: State,
    },
    /// `dot` or `done` without an `intent` before: a fault of the caller.
    #[error("the mail was never marked as intended")]
    NoIntent,
    /// The store failed, so nothing is certain: don't send.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A mark that somebody wants to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Intent { at: u64 },
    Dot { at: u64 },
    Done { at: u64, outcome: Vec<u8> },
}

impl Step {
    pub(super) fn check_size(&self) -> Result<(), StoreError> {
        match self {
            Self::Done { outcome, .. } if outcome.len() > MAX_OUTCOME_BYTES => {
                Err(StoreError::TooLarge { what: "outcome", bytes: outcome.len(), limit: MAX_OUTCOME_BYTES })
            }
            _ => Ok(()),
        }
    }

    /// Whether the mark must be on the disk before anything else happens.
    pub(super) fn must_sync(&self) -> bool {
        matches!(self, Self::Intent { .. } | Self::Dot { .. })
    }

    /// The state after this step, from the state before.
    pub(super) fn apply(self, state: Option<&State>) -> Result<State, JournalError> {
        match (self, state) {
            (Self::Intent { at }, None | Some(State::Intent { .. })) => Ok(State::Intent { at }),
            (Self::Dot { at }, Some(State::Intent { .. })) => Ok(State::Dot { at }),
            (Self::Done { at, outcome }, Some(_)) => Ok(State::Done { at, outcome }),
            (Self::Dot { .. } | Self::Done { .. }, None) => Err(JournalError::NoIntent),
            (Self::Intent { .. } | Self::Dot { .. }, Some(taken @ (State::Dot { .. } | State::Done { .. }))) => {
                Err(JournalError::Taken { state: taken.clone() })
            }
        }
    }
}

impl State {
    /// Tag, time in 8 big-endian bytes, outcome.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (tag, at, outcome) = match self {
            Self::Intent { at } => (INTENT, at, &[][..]),
            Self::Dot { at } => (DOT, at, &[][..]),
            Self::Done { at, outcome } => (DONE, at, &outcome[..]),
        };
        [&[tag][..], &at.to_be_bytes(), outcome].concat()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        let (at, outcome) = rest.split_first_chunk()?;
        let at = u64::from_be_bytes(*at);
        match (*tag, outcome) {
            (INTENT, []) => Some(Self::Intent { at }),
            (DOT, []) => Some(Self::Dot { at }),
            (DONE, outcome) if outcome.len() <= MAX_OUTCOME_BYTES => Some(Self::Done { at, outcome: outcome.to_vec() }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states() -> [Option<State>; 4] {
        let done = State::Done { at: 3, outcome: b"ok".to_vec() };
        let (intent, dot) = (State::Intent { at: 1 }, State::Dot { at: 2 });
        [None, Some(intent), Some(dot), Some(done)]
    }

    /// Every state with every step: 4 x 3.
    #[test]
    fn the_whole_table() {
        let steps = [Step::Intent { at: 9 }, Step::Dot { at: 9 }, Step::Done { at: 9, outcome: Vec::new() }];
        let table: Vec<String> = states()
            .iter()
            .map(|state| {
                let cells = steps.clone().map(|step| match step.apply(state.as_ref()) {
                    Ok(State::Intent { at: 9 }) => 'I',
                    Ok(State::Dot { at: 9 }) => 'D',
                    Ok(State::Done { at: 9, .. }) => 'F',
                    Ok(_) => '?',
                    Err(JournalError::NoIntent) => 'n',
                    Err(JournalError::Taken { state: taken }) => {
                        assert_eq!(Some(taken), *state);
                        't'
                    }
                    Err(JournalError::Store(_)) => '!',
                });
                cells.iter().collect()
            })
            .collect();
        //                intent, dot, done
        assert_eq!(table, ["Inn", "IDF", "ttF", "ttF"]);
    }

    #[test]
    fn bytes_there_and_back() {
        for state in states().into_iter().flatten() {
            let bytes = state.encode();
            assert_eq!(State::decode(&bytes), Some(state));
            assert_eq!(State::decode(&bytes[..8]), None);
        }
        assert_eq!(State::decode(&[4; 9]), None, "unknown tag");
        assert_eq!(State::decode(&[INTENT; 10]), None, "trailing byte");
    }
}
