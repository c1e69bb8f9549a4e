use std::ops::ControlFlow;
use std::path::Path;

use super::*;

fn store(dir: &Path) -> Store {
    Store::open(dir).expect("open")
}

/// A store with synced rows in the log and, after the flush at its close, in a table.
fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("dir");
    let store = store(dir.path());
    let records = store.family(FamilyName::Records);
    for epoch in 0..100 {
        records.put(&epoch_key(epoch), &[7; 1000], Durability::Buffered).expect("put");
    }
    store.db().flush_cf(store.handle(FamilyName::Records).expect("family")).expect("flush");
    records.put(&epoch_key(100), b"last", Durability::Synced).expect("put");
    drop((records, store));
    dir
}

fn file(dir: &Path, start: &str) -> std::path::PathBuf {
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .expect("list")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| {
            let name = path.file_name().expect("name").to_string_lossy();
            name.starts_with(start) || name.ends_with(start)
        })
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("no {start} file"))
}

#[test]
fn rows_ranges_and_prefixes() {
    let dir = tempfile::tempdir().expect("dir");
    let store = store(dir.path());
    let bundles = store.family(FamilyName::Bundles);
    let (a, b) = ([1; 32], [2; 32]);
    let mut batch = Batch::new();
    for epoch in [1, 2, 300] {
        for member in [a, b] {
            batch.put(bundles.name(), epoch_member_key(epoch, &member), epoch.to_be_bytes());
        }
    }
    assert_eq!(batch.len(), 6);
    store.write(batch, Durability::Synced).expect("write");

    let keys = |rows: Vec<Row>| rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    let of = |epoch, member| epoch_member_key(epoch, &member).to_vec();
    let second = bundles.prefix(&epoch_key(2), 10).expect("prefix");
    assert_eq!(keys(second), [of(2, a), of(2, b)]);
    let some = bundles.range(&epoch_key(1), Some(&epoch_key(300)), 3).expect("range");
    assert_eq!(keys(some), [of(1, a), of(1, b), of(2, a)]);
    let last = bundles.range_back(&[], None, 1).expect("back");
    assert_eq!(keys(last), [of(300, b)]);
    let last = bundles.range_back(&epoch_key(1), Some(&epoch_key(300)), 2).expect("back");
    assert_eq!(keys(last), [of(2, b), of(2, a)]);
    assert!(bundles.range(&epoch_key(3), Some(&epoch_key(3)), 9).expect("empty").is_empty());
    assert!(bundles.range(&epoch_key(4), Some(&epoch_key(3)), 9).expect("empty").is_empty());
    let other = store.family(FamilyName::Reports);
    assert!(other.range(&[], None, 9).expect("families are apart").is_empty());

    let prune = |family, prefix: &[u8], epoch| {
        let mut batch = Batch::new();
        batch.prune(family, prefix, epoch);
        store.write(batch, Durability::Buffered).expect("prune");
    };
    prune(FamilyName::Bundles, &[], 2);
    let left = bundles.range(&[], None, 9).expect("range");
    assert_eq!(keys(left)[0], of(2, a));
    bundles.delete(&of(2, a), Durability::Buffered).expect("delete");
    assert_eq!(bundles.get(&of(2, a)).expect("get"), None);
    assert!(bundles.get(&of(2, b)).expect("get").is_some());

    let exchanges = store.family(FamilyName::Exchanges);
    for (member, epoch) in [(a, 1), (a, 5), (b, 1)] {
        let key = exchange_key(&member, epoch, &[9; 16]);
        exchanges.put(&key, b"x", Durability::Buffered).expect("put");
    }
    prune(FamilyName::Exchanges, &a, 5);
    let left = keys(exchanges.range(&[], None, 9).expect("range"));
    assert_eq!(left, [exchange_key(&a, 5, &[9; 16]), exchange_key(&b, 1, &[9; 16])]);
}

#[tokio::test]
async fn rows_survive_and_async_writes_work() {
    let dir = filled();
    let store = store(dir.path());
    let records = store.family(FamilyName::Records);
    assert_eq!(records.get(&epoch_key(100)).expect("get"), Some(b"last".to_vec()));
    assert_eq!(records.get(&epoch_key(99)).expect("get"), Some(vec![7; 1000]));
    let mut batch = Batch::new();
    batch.put(FamilyName::Notices, *b"k", *b"v");
    batch.delete_range(FamilyName::Records, epoch_key(0), epoch_key(100));
    store.write_async(batch, Durability::Synced).await.expect("write");
    let left: Result<_, StoreError> = store.blocking(|store| store.family(FamilyName::Records).range(&[], None, 9)).await;
    assert_eq!(left.expect("range").len(), 1);
}

#[test]
fn second_open_is_locked_until_the_first_is_dropped() {
    let dir = tempfile::tempdir().expect("dir");
    let first = store(dir.path());
    let family = first.family(FamilyName::Meta);
    let error = Store::open(dir.path()).expect_err("locked");
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(first);
    let error = Store::open(dir.path()).expect_err("a family holds it still");
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(family);
    let again = store(dir.path());
    drop(Journal::open(&again).expect("journal"));
    drop(again);
    store(dir.path());
}

#[test]
fn newer_schema_is_refused_even_with_unknown_families() {
    let dir = filled();
    {
        let store = store(dir.path());
        let meta = store.family(FamilyName::Meta);
        let newer = (SCHEMA + 1).to_be_bytes();
        meta.put(b"schema", &newer, Durability::Synced).expect("put");
    }
    let names = rocksdb::DB::list_cf(&rocksdb::Options::default(), dir.path()).expect("list");
    let mut db = rocksdb::DB::open_cf(&rocksdb::Options::default(), dir.path(), names).expect("open");
    db.create_cf("of-the-future", &rocksdb::Options::default()).expect("create");
    drop(db);
    let error = Store::open(dir.path()).expect_err("too new");
    let StoreError::TooNew { found, known, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((found, known), (SCHEMA + 1, SCHEMA));
}

#[test]
fn a_family_that_a_later_schema_brings_is_made_in_an_older_store() {
    let dir = filled();
    let later: Vec<_> = migrate::families().into_iter().chain([("of-a-later-schema", SCHEMA + 1)]).collect();
    let steps: Vec<fn(&mut Batch)> = (0..SCHEMA).map(|_| (|_: &mut Batch| {}) as fn(&mut Batch)).collect();
    let layout = migrate::Layout { schema: SCHEMA + 1, families: &later, steps: &steps };
    for _ in 0..2 {
        let store = Store::open_as(dir.path(), &layout).expect("brought up");
        assert!(store.db().cf_handle("of-a-later-schema").is_some());
        assert_eq!(store.family(FamilyName::Records).range(&[], None, 999).expect("range").len(), 101);
        let schema = store.family(FamilyName::Meta).get(b"schema").expect("get");
        assert_eq!(schema, Some((SCHEMA + 1).to_be_bytes().to_vec()));
    }
    // Now that the schema has it, a store without it has lost it.
    let names = rocksdb::DB::list_cf(&rocksdb::Options::default(), dir.path()).expect("list");
    let mut db = rocksdb::DB::open_cf(&rocksdb::Options::default(), dir.path(), names).expect("open");
    db.drop_cf("of-a-later-schema").expect("drop");
    drop(db);
    let error = Store::open_as(dir.path(), &layout).expect_err("lost");
    assert!(matches!(&error, StoreError::Corrupt { detail, .. } if detail == "family of-a-later-schema is missing"), "{error}");
}

#[test]
fn every_row_is_shown_however_many_there_are() {
    let dir = tempfile::tempdir().expect("dir");
    let store = store(dir.path());
    let family = store.family(FamilyName::Exchanges);
    let rows = 100_000 + 50;
    let mut batch = Batch::new();
    for n in 0..rows {
        batch.put(family.name(), exchange_key(&[1; 32], n, &[0; 16]), *b"x");
    }
    batch.put(family.name(), exchange_key(&[2; 32], 0, &[0; 16]), *b"last");
    store.write(batch, Durability::Buffered).expect("write");
    let (mut seen, mut last) = (0, Vec::new());
    let every = |_: &[u8], value: &[u8]| {
        seen += 1;
        last = value.to_vec();
        ControlFlow::<()>::Continue(())
    };
    assert_eq!(family.each(&[], None, every), Ok(None));
    assert_eq!((seen, &last[..]), (rows + 1, &b"last"[..]));
    let mut of_one = 0;
    let three = |key: &[u8], _: &[u8]| {
        of_one += 1;
        if of_one == 3 { ControlFlow::Break(key.to_vec()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(family.each_of(&[1; 32], three), Ok(Some(exchange_key(&[1; 32], 2, &[0; 16]).to_vec())));
}

/// What damages a store, and how.
type Damage = (&'static str, fn(&Path));

#[test]
fn damage_is_named_and_nothing_is_replaced() {
    let damages: [Damage; 8] = [
        ("garbage CURRENT", |dir| {
            std::fs::write(dir.join("CURRENT"), "garbage\n").expect("write");
        }),
        ("empty CURRENT", |dir| std::fs::write(dir.join("CURRENT"), "").expect("write")),
        ("no CURRENT", |dir| std::fs::remove_file(dir.join("CURRENT")).expect("remove")),
        ("empty MANIFEST", |dir| std::fs::write(file(dir, "MANIFEST"), "").expect("write")),
        ("no MANIFEST", |dir| std::fs::remove_file(file(dir, "MANIFEST")).expect("remove")),
        ("no table", |dir| std::fs::remove_file(file(dir, ".sst")).expect("remove")),
        ("schema of a wrong size", |dir| {
            let meta = store(dir).family(FamilyName::Meta);
            meta.put(b"schema", b"x", Durability::Synced).expect("put");
        }),
        ("no schema", |dir| {
            let meta = store(dir).family(FamilyName::Meta);
            meta.delete(b"schema", Durability::Synced).expect("delete");
        }),
    ];
    for (what, damage) in damages {
        let dir = filled();
        damage(dir.path());
        for _ in 0..2 {
            let error = Store::open(dir.path()).expect_err(what);
            assert!(matches!(error, StoreError::Corrupt { .. }), "{what}: {error:?}");
        }
    }
}

#[test]
fn a_shortened_manifest_never_loses_rows_in_silence() {
    for sixteenth in 0..16 {
        let dir = filled();
        let path = file(dir.path(), "MANIFEST");
        let whole = std::fs::read(&path).expect("read");
        std::fs::write(path, &whole[..whole.len() * sixteenth / 16]).expect("write");
        let rows = Store::open(dir.path()).and_then(|store| store.family(FamilyName::Records).range(&[], None, 999));
        match rows {
            Ok(rows) => assert_eq!(rows.len(), 101, "{sixteenth}/16"),
            Err(error) => {
                assert!(matches!(error, StoreError::Corrupt { .. }), "{sixteenth}/16: {error:?}");
            }
        }
    }
}

#[test]
fn a_table_with_wrong_bytes_is_noticed_when_read() {
    let dir = filled();
    let path = file(dir.path(), ".sst");
    let mut bytes = std::fs::read(&path).expect("read");
    for byte in &mut bytes[..64] {
        *byte ^= 0x55;
    }
    std::fs::write(&path, bytes).expect("write");
    let read = Store::open(dir.path()).and_then(|store| store.family(FamilyName::Records).get(&epoch_key(0)));
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
}

#[test]
fn damage_in_the_middle_of_the_log_is_not_forgotten() {
    let dir = tempfile::tempdir().expect("dir");
    {
        let store = store(dir.path());
        let journal = store.family(FamilyName::Journal);
        for number in 0..50u8 {
            journal.put(&[number; 17], &[number; 200], Durability::Synced).expect("put");
        }
    }
    let path = file(dir.path(), ".log");
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&path, &bytes).expect("write");
    let error = Store::open(dir.path()).expect_err("damaged log");
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");

    // A torn last record is what a crash leaves, and costs only itself.
    bytes[middle] ^= 0xff;
    std::fs::write(&path, &bytes[..bytes.len() - 10]).expect("write");
    let rows = store(dir.path()).family(FamilyName::Journal).range(&[], None, 99).expect("range");
    assert_eq!(rows.len(), 49);
}

#[test]
fn a_directory_that_cannot_be_made_is_an_io_error() {
    let dir = tempfile::tempdir().expect("dir");
    let blocked = dir.path().join("file");
    std::fs::write(&blocked, "x").expect("write");
    let error = Store::open(blocked.join("store")).expect_err("no directory");
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
}
