//! What admission answers.

use warmnet_protocol::identity::Passport;
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::wire::enrolment::Token;

/// An outcome; a failure is one too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Mail this token to this golden address. `new`: the application was not known before.
    Challenged {
        /// Golden mailbox address.
        golden: String,
        /// Token.
        token: Token,
        /// First answer to this application.
        new: bool,
    },
    /// The mail proves sending; mail this code back. `new`: not said before.
    Heard {
        /// The applicant.
        member: MemberId,
        /// The code.
        code: Token,
        /// First time.
        new: bool,
    },
    /// The mail came but its authentication did not pass: the application ends.
    NotAuthenticated {
        /// The applicant.
        member: MemberId,
    },
    /// In. `new`: not said before.
    Admitted {
        /// To be signed.
        passport: Passport,
        /// First time.
        new: bool,
    },
    /// It stands in no roster any more and never applied here. `new`: it was known until now.
    Left {
        /// First time.
        new: bool,
    },
    /// The next record takes it out; ask again. `new`: not said before.
    Leaving {
        /// Who.
        member: MemberId,
        /// First time.
        new: bool,
    },
    /// Not now; ask again.
    Waiting,
    /// No.
    Refused(Refusal),
    /// A mail that belongs to no application.
    Ignored,
}

/// Why an application is refused, for the owner to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum Refusal {
    /// No address.
    #[error("this is not a mailbox address")]
    Address,
    /// Address and salt give another member id.
    #[error("address and salt do not give this member id")]
    Commitment,
    /// A field out of its range.
    #[error("a setting of the application is outside its range")]
    Setting,
    /// Taken.
    #[error("this mailbox is enrolled already")]
    Enrolled,
    /// It left not long ago.
    #[error("this mailbox left the network; it may enrol again from epoch {from} on")]
    LeftLately {
        /// When it may.
        from: u32,
    },
    /// Not a departure of this member's node.
    #[error("this departure is not signed by the node that enrolled the member")]
    Departure,
    /// Another node speaks for it.
    #[error("another node enrolled this member")]
    OtherNode,
    /// The operator's own.
    #[error("this is a golden mailbox of the network")]
    Golden,
    /// One mailbox a node at shared providers.
    #[error("a node may enrol one mailbox at providers that everybody shares")]
    SharedProvider,
    /// Too young and not sponsored.
    #[error("the domain is not sponsored; it may enrol from epoch {from} on, 30 epochs after it was first seen")]
    Young {
        /// When it may.
        from: u32,
    },
    /// SPF, DKIM or DMARC.
    #[error("the mail did not pass SPF, DKIM and DMARC (spf {spf}, dkim {dkim}, dmarc {dmarc}); set them up and apply again")]
    Authentication {
        /// pass, fail or no result.
        spf: String,
        /// As above.
        dkim: String,
        /// As above.
        dmarc: String,
    },
    /// The code is another one.
    #[error("this is not the code that was mailed")]
    Code,
    /// Nothing to confirm.
    #[error("there is no open application for this member; apply again")]
    Unknown,
}
