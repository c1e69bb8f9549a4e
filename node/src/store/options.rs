//! RocksDB's settings: small memory, honest recovery.

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel, Options, WriteOptions};

use super::batch::Durability;

/// The kinds of things a store keeps; one column family each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FamilyName {
    /// Schema version and single values of the host.
    Meta,
    /// Signed epoch records, by epoch.
    Records,
    /// Rosters, by epoch.
    Rosters,
    /// Bundles of all members, by epoch and member.
    Bundles,
    /// This node's exchanges, by member, epoch and exchange.
    Exchanges,
    /// Bundles this node's members signed, by epoch and member.
    OwnBundles,
    /// Marks of the at-most-once journal, by exchange and turn.
    Journal,
    /// How far each mailbox folder has been read.
    Cursors,
    /// Addresses of peers and partners.
    Addresses,
    /// Reports waiting to be bundled.
    Reports,
    /// Notices, such as quarantine.
    Notices,
}

impl FamilyName {
    /// Every family.
    pub const ALL: [Self; 11] = [
        Self::Meta,
        Self::Records,
        Self::Rosters,
        Self::Bundles,
        Self::Exchanges,
        Self::OwnBundles,
        Self::Journal,
        Self::Cursors,
        Self::Addresses,
        Self::Reports,
        Self::Notices,
    ];

    /// Its name on disk.
    #[must_use]
    pub const fn on_disk(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Records => "records",
            Self::Rosters => "rosters",
            Self::Bundles => "bundles",
            Self::Exchanges => "exchanges",
            Self::OwnBundles => "own_bundles",
            Self::Journal => "journal",
            Self::Cursors => "cursors",
            Self::Addresses => "addresses",
            Self::Reports => "reports",
            Self::Notices => "notices",
        }
    }

    /// The schema that brought it. A store of an older one lacks it, and gets it when it is opened.
    #[must_use]
    pub(super) const fn since(self) -> u32 {
        match self {
            Self::Meta
            | Self::Records
            | Self::Rosters
            | Self::Bundles
            | Self::Exchanges
            | Self::OwnBundles
            | Self::Journal
            | Self::Cursors
            | Self::Addresses
            | Self::Reports
            | Self::Notices => 1,
        }
    }
}

/// A node reads little twice.
const BLOCK_CACHE_BYTES: usize = 8 << 20;
/// One write buffer; two per family at most.
const WRITE_BUFFER_BYTES: usize = 4 << 20;
/// All write buffers together: twelve families could otherwise hold 96 MiB.
const ALL_WRITE_BUFFERS_BYTES: usize = 2 * WRITE_BUFFER_BYTES;
/// First block of a write buffer. The default, an eighth of a buffer, is touched by every family.
const ARENA_BLOCK_BYTES: usize = 64 << 10;
/// Families that are seldom written pin old logs; beyond this they are flushed.
const WAL_BYTES: u64 = 16 << 20;

pub(super) fn database(create: bool) -> Options {
    let mut options = family();
    options.create_if_missing(create);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_max_open_files(64);
    options.set_max_background_jobs(2);
    options.set_max_file_opening_threads(2);
    options.set_db_write_buffer_size(ALL_WRITE_BUFFERS_BYTES);
    options.set_max_total_wal_size(WAL_BYTES);
    // A torn last record was never acknowledged as synced; damage before it must be an error, since
    // the default (drop what follows) could forget that a mail was sent.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    // The manifest names each log, so that a shortened manifest, which knows older tables only, is
    // noticed by the logs it expects and that are gone.
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

pub(super) fn family() -> Options {
    let mut options = Options::default();
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_write_buffer_number(2);
    options.set_arena_block_size(ARENA_BLOCK_BYTES);
    options
}

/// Options of all families, over one shared block cache.
pub(super) fn families() -> impl Fn() -> Options {
    let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
    move || {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&cache);
        // Index blocks count against the cache, so that many files can't grow memory.
        table.set_cache_index_and_filter_blocks(true);
        let mut options = family();
        options.set_block_based_table_factory(&table);
        options
    }
}

pub(super) fn write(durability: Durability) -> WriteOptions {
    let mut options = WriteOptions::new();
    options.set_sync(durability == Durability::Synced);
    options
}
