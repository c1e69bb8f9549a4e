//! Every bound in one place: sizes, counts and queue lengths. A limit is part of validity, so it depends on the
//! message alone, never on what a node happens to have received before.

/// Most bytes one decoding may allocate: a full page of roster rows or bundles with room to spare.
pub const DECODE_BYTES: usize = 8 * 1024 * 1024;
/// Encoded epoch record: fixed fields, 32 notices of about 70 bytes, 64 departures of about 140 and a bitmap of 1,000,000 bits.
pub const RECORD_BYTES: usize = 144 * 1024;
/// Encoded bundle: [`BUNDLE_ENTRIES`] entries of about 10 bytes and a self report.
pub const BUNDLE_BYTES: usize = 24 * 1024;
/// Entries of a bundle: 40 slots a day for a member; a golden member observes 20 seats; ten times that.
pub const BUNDLE_ENTRIES: usize = 400;
/// Notices listed by one record.
pub const RECORD_NOTICES: usize = 32;
/// Equivocation proofs listed by one record.
pub const RECORD_PROOFS: usize = 32;
/// Departures carried by one record; further ones wait for the next.
pub const RECORD_DEPARTURES: usize = 64;
/// Epochs between the record that announces a change of parameters and the change, at least (PROTOCOL.md section 3): as many as a node
/// plays on without a record, so that none plays by old numbers.
pub const PARAMS_NOTICE: u32 = 7;
/// Rows of a roster; positions fit a bitmap of a record.
pub const ROSTER_ROWS: usize = 1_000_000;
/// Roster rows in one sync answer: about 100 bytes each, 400 KiB.
pub const ROSTER_PAGE: usize = 4_096;
/// Bundles in one sync answer: 64 of at most 24 KiB stay under the response cap of 4 MiB.
pub const BUNDLE_PAGE: usize = 64;
/// Digests of counted bundles in one sync answer: 2 MiB.
pub const LEAF_PAGE: usize = 65_536;
/// Answers asked for in vain before a node goes on without what it asked for: the digests that a record counts, an equivocation proof,
/// a record that lies far enough back to begin with. Each goes to another peer, so a handful of liars or newcomers don't settle it.
pub const PATIENCE: u32 = 16;
/// Equivocation proofs held: as many as the records of a window can list.
pub const FAULTS: usize = 1_024;
/// Notices held that no record lists yet: as many as the records of a degraded run can list.
pub const EARLY_NOTICES: usize = RECORD_NOTICES * DEGRADED_EPOCHS as usize;
/// Refused records kept for their owner to see.
pub const REFUSED_RECORDS: usize = 4;
/// Records in one sync answer: 16 of at most 144 KiB.
pub const RECORD_PAGE: usize = 16;
/// A request between nodes: a bitmap over the longest roster, 122 KiB, is the largest.
pub const REQUEST_BYTES: usize = 128 * 1024;
/// An answer between nodes.
pub const RESPONSE_BYTES: usize = 4 * 1024 * 1024;
/// Nodes one contacts question may ask about.
pub const CONTACTS: usize = 64;
/// Addresses told for one node.
pub const CONTACT_ADDRESSES: usize = 8;
/// Mailbox address in an introduction or enrolment (RFC 5321 path).
pub const ADDRESS_BYTES: usize = 254;
/// Message-ID of a warming mail: it stands in one header line (RFC 5322 2.1.1), and a stored exchange holds up to five of them.
pub const MESSAGE_ID_BYTES: usize = 998;
/// Human-readable reason in an answer.
pub const REASON_BYTES: usize = 200;
/// Shortest epoch in wall milliseconds: a rehearsal in which a minute of the rules is still most of a millisecond.
pub const EPOCH_MS_LEAST: u64 = 1_000;
/// Longest epoch in wall milliseconds: a day. The rules' quotas and deadlines are those of a day, and no mail waits longer.
pub const EPOCH_MS_MOST: u64 = 86_400_000;
/// Farthest begin of epoch 0 from the Unix epoch, before or after, in ms: the end of the year 9999. No epoch that can be counted overflows a
/// timestamp then, nor what lies before one.
pub const EPOCH_ZERO_MS_MOST: u64 = 253_402_300_799_999;
/// Epochs of records a node keeps behind the newest: the window, the five open epochs, and a margin.
pub const KEEP_EPOCHS: u32 = 48;
/// Epochs a node plays on without a record (PROTOCOL.md section 3).
pub const DEGRADED_EPOCHS: u32 = 7;
/// Members one node may host: an agency's mailboxes; the state of one is a few KiB.
pub const HOSTED_MEMBERS: usize = 1_000;
/// Outputs an engine holds until the host polls them; a host polls after every input. The largest input begins an epoch for every
/// hosted member: each exchange is stored, and none has more of them than a bundle takes.
pub const ENGINE_OUTPUTS: usize = HOSTED_MEMBERS * BUNDLE_ENTRIES;
/// Recently seen gossip digests remembered per engine.
pub const SEEN: usize = 65_536;
/// Nodes whose public keys are kept decompressed: 256 bytes each, 3 MiB with 10,000 members, 40 MiB at most.
pub const KNOWN_KEYS: usize = 131_072;
/// Turns of one exchange: the first mail and four replies.
pub const TURNS: u8 = 5;
/// Raw size of a warming mail that is looked at; templates stay under 4 KiB.
pub const MAIL_BYTES: usize = 64 * 1024;

/// Ledger entries that an explanation names of each kind; totals count all. Its 20 lists of about 250 bytes an entry stay under 160 KiB.
pub const EXPLAINED_ENTRIES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_of_every_clock_fits_a_timestamp() {
        let clock = crate::time::Clock { epoch_zero_ms: EPOCH_ZERO_MS_MOST as i64, epoch_ms: EPOCH_MS_MOST };
        let exact = i128::from(EPOCH_ZERO_MS_MOST) + i128::from(u32::MAX) * i128::from(EPOCH_MS_MOST);
        assert_eq!(i128::from(clock.start(crate::time::Epoch(u32::MAX)).0), exact);
    }

    #[test]
    fn pages_fit_an_answer() {
        // An envelope adds 128 bytes, a row of a page has up to 140, a page's own frame is small.
        let pages = [
            RECORD_PAGE * (RECORD_BYTES + 128),
            BUNDLE_PAGE * (BUNDLE_BYTES + 128),
            ROSTER_PAGE * 140,
            LEAF_PAGE * 32,
            RECORD_PROOFS * crate::wire::fault::FAULT_BYTES,
        ];
        assert!(pages.iter().all(|bytes| bytes + 1_024 <= RESPONSE_BYTES), "{pages:?}");
        assert!(ROSTER_ROWS.div_ceil(8) < RECORD_BYTES && ROSTER_ROWS.div_ceil(8) + 1_024 < REQUEST_BYTES);
    }
}
