//! Enrolment: an applicant's mailbox proves that it can send and receive before it is admitted.
//!
//! ```text
//! node -> coordinator  Apply                  (address, salt, what the owner consents to)
//! coordinator -> node  Challenge              (golden address, token)
//! mailbox -> golden    mail with `Warmnet-Enrolment: v1; token=..`   proves sending, SPF, DKIM, DMARC
//! golden -> mailbox    mail with `Warmnet-Enrolment: v1; code=..`    proves receiving
//! node -> coordinator  Confirm                (code)
//! coordinator -> node  Admitted               (passport)
//! ```

use crate::ids::{MemberId, Salt};
use crate::wire::roster::RampPreset;
use serde::{Deserialize, Serialize};

/// An application.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apply {
    /// The commitment, to be opened by address and salt.
    pub member: MemberId,
    /// The mailbox address.
    pub address: String,
    /// Its salt.
    pub salt: Salt,
    /// Provider class, 0..=7.
    pub provider: u8,
    /// Language bits.
    pub languages: u8,
    /// Weekday bits.
    pub weekdays: u8,
    /// Act bits.
    pub acts: u8,
    /// Ramp preset.
    pub ramp: RampPreset,
}

impl std::fmt::Debug for Apply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Apply({})", self.member.short())
    }
}

/// One-time value of a challenge mail, either direction.
pub type Token = [u8; 16];

/// Header that carries a token (`token=`) or a code (`code=`).
pub const ENROLMENT_HEADER: &str = "Warmnet-Enrolment";

/// The value of the enrolment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentMail {
    /// Applicant to golden mailbox.
    Token(Token),
    /// Golden mailbox to applicant.
    Code(Token),
}

impl EnrolmentMail {
    /// The header's value.
    #[must_use]
    pub fn header_value(&self) -> String {
        match self {
            Self::Token(t) => format!("v1; token={}", hex::encode(t)),
            Self::Code(c) => format!("v1; code={}", hex::encode(c)),
        }
    }
    /// Parses a header value; `None` for anything else.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let rest = value.trim().strip_prefix("v1;")?.trim();
        let token = |hex_text: &str| {
            let mut t = [0u8; 16];
            hex::decode_to_slice(hex_text, &mut t).ok().map(|()| t)
        };
        if let Some(t) = rest.strip_prefix("token=") {
            return token(t).map(Self::Token);
        }
        rest.strip_prefix("code=").and_then(token).map(Self::Code)
    }
}

/// The coordinator's answer to an application, a confirmation or a departure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnrolAnswer {
    /// Mail this token to this golden mailbox.
    Challenge {
        /// A golden mailbox address.
        golden: String,
        /// To be mailed.
        token: Token,
    },
    /// Not yet (the golden mailbox has not seen the mail, this epoch's admissions are used up, the next record is to list the
    /// departure); ask again later.
    Pending,
    /// In: the signed passport envelope.
    Admitted {
        /// An encoded `Envelope` of a `Passport`.
        passport: Vec<u8>,
    },
    /// No, and why, for the owner to read.
    Refused {
        /// Plain words, at most `limits::REASON_BYTES`.
        reason: String,
    },
    /// The member stands in no roster any more.
    Left,
}
