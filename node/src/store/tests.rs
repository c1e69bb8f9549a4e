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

#[tokio::test]
async fn an_older_store_keeps_what_must_not_be_forgotten() {
    let golden = [include_str!("golden/schema-1.json"), include_str!("golden/schema-2.json")];
    for (schema, rows) in (1..SCHEMA).zip(golden) {
        brought_up(schema, rows).await;
    }
    assert_eq!(golden.len(), SCHEMA as usize - 1, "golden rows of every schema before");
}

/// A store with these rows, opened by this program.
async fn brought_up(schema: u32, golden: &str) {
    let golden: serde_json::Value = serde_json::from_str(golden).expect("JSON");
    let dir = tempfile::tempdir().expect("dir");
    let task = Task { exchange: [3; 16], turn: 0 };
    let old = {
        let store = store(dir.path());
        let journal = Journal::open(&store).expect("journal");
        journal.intent(task, 1).await.expect("marked");
        journal.dot(task, 2).await.expect("marked");
        let mut batch = Batch::new();
        let mut old = Vec::new();
        for row in golden["rows"].as_array().expect("rows") {
            let text = |n: usize| row[n].as_str().expect("text");
            let family = FamilyName::ALL.into_iter().find(|f| f.on_disk() == text(0)).expect("a family");
            let (key, value) = (hex::decode(text(1)).expect("hex"), hex::decode(text(2)).expect("hex"));
            batch.put(family, key.clone(), value.clone());
            old.push((family, key, value));
        }
        let exchange = exchange_key(&[1; 32], 295, &[3; 16]);
        batch.put(FamilyName::Exchanges, exchange, *b"of an older layout");
        batch.put(FamilyName::Meta, *b"application/1", *b"kept");
        batch.put(FamilyName::Meta, *b"schema", schema.to_be_bytes());
        store.write(batch, Durability::Synced).expect("written");
        old
    };
    let error = Store::open_to_read(dir.path()).expect_err("not brought up yet");
    assert!(matches!(error, StoreError::TooOld { found, known: SCHEMA, .. } if found == schema), "{error}");

    for _ in 0..2 {
        let store = store(dir.path());
        let journal = Journal::open(&store).expect("journal");
        assert_eq!(journal.state(task).expect("readable"), Some(State::Dot { at: 2 }), "never sent again");
        for (family, key, value) in &old {
            let kept = store.family(*family).get(key).expect("readable");
            let must_stay = *family == FamilyName::OwnBundles;
            assert_eq!(kept, must_stay.then(|| value.clone()), "{family:?}");
        }
        assert!(store.family(FamilyName::Exchanges).range(&[], None, 9).expect("range").is_empty());
        assert_eq!(store.family(FamilyName::Meta).get(b"application/1").expect("get"), Some(b"kept".to_vec()));
        assert_eq!(store.family(FamilyName::Meta).get(b"schema").expect("get"), Some(SCHEMA.to_be_bytes().to_vec()));
    }
    assert!(Store::open_to_read(dir.path()).is_ok());
}
