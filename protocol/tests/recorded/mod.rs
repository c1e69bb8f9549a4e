//! A recorded network: played by the real chain, written down for other implementations.
//!
//! | file | what is in it |
//! |---|---|
//! | `cast.rs` | who plays, and what is wrong with whom |
//! | `fate.rs` | what becomes of a mail |
//! | `play.rs` | the play, record by record |
//! | `write.rs` | the two files of `vectors/` |

pub(crate) mod cast;
pub(crate) mod fate;
pub(crate) mod play;
pub(crate) mod write;
