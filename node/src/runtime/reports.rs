//! Reports in the hosted mailboxes: each one against the engine's labels and the mailbox's book.

use crate::mail::reports::{self, Arrived, Book, Counted, Figures, Origin, Owner, Verified};
use crate::mail::{FoundReport, Judge};
use std::collections::BTreeMap;
use warmnet_protocol::engine::{Engine, Input};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::time::Timestamp;

/// Books of the mailboxes whose owners let reports be counted.
#[derive(Default)]
pub(super) struct Reports {
    books: BTreeMap<MemberId, (Owner, Book)>,
}

/// What taking a report in asks for, in this order: a count that is lost is harmless, a doubled one is not.
pub(super) struct Taken {
    /// The book to store; `None`: unchanged.
    pub book: Option<Vec<u8>>,
    /// For the engine.
    pub inputs: Vec<Input>,
}

impl Reports {
    /// Opens a mailbox's book. Returns a new one's bytes, which must be stored: from its time on reports count.
    pub(super) fn open(&mut self, member: MemberId, owner: Owner, stored: Option<&[u8]>, now: Timestamp) -> Option<Vec<u8>> {
        let book = stored.and_then(Book::decode);
        let new = book.is_none();
        let book = book.unwrap_or_else(|| Book::new(now.0));
        let bytes = new.then(|| book.encode());
        self.books.insert(member, (owner, book));
        bytes
    }

    /// A mailbox's sums.
    pub(super) fn figures(&self, member: &MemberId) -> Option<Figures> {
        self.books.get(member).map(|(_, book)| book.figures())
    }

    /// Takes a report in.
    pub(super) fn take(&mut self, engine: &Engine, now: Timestamp, member: MemberId, arrived: &Arrived) -> Taken {
        let Some((owner, book)) = self.books.get_mut(&member) else { return Taken { book: None, inputs: vec![] } };
        let before = book.clone();
        let counted = book.take(now.0, arrived, owner, |original| {
            let mail = engine.own_mail(member, original.label.as_deref()?, original.message_id.as_deref()?)?;
            Some(Verified { exchange: mail.exchange, turn: mail.turn, partner: mail.partner })
        });
        let input = |counted| match counted {
            Counted::Bounced { exchange, turn, hard } => Input::Bounced { exchange, turn, hard },
            Counted::External(report) => Input::External { member, report },
        };
        Taken { book: (*book != before).then(|| book.encode()), inputs: counted.into_iter().map(input).collect() }
    }
}

/// Reads a mail that may be a report; `None`: it is none.
pub(super) async fn read(found: &FoundReport, judge: &Judge) -> Option<Arrived> {
    Some(Arrived {
        report: reports::read(&found.raw)?,
        origin: Origin::of(&found.raw, judge.judge(&found.raw).await.domains),
        id: Arrived::id(found.message_id.as_deref(), &found.raw),
        at_ms: found.internal_ms,
    })
}
