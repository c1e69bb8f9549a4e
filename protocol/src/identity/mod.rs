//! Who is who: node keys and signatures, hashes, member commitments, domain tags, passports.

pub mod address;
pub mod commitment;
pub mod hash;
pub mod keys;
pub mod passport;
pub mod signed;

pub use address::{AddressError, CanonicalAddress};
pub use commitment::member_id;
pub use keys::{NodeKey, PublicKey};
pub use passport::Passport;
pub use signed::{Envelope, Signable, SignedError, Verified};
