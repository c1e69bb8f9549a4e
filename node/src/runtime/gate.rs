//! Whether a mailbox may send now: caps of the mailbox and of its provider, and pauses that a server's answer asked for.
//! All of it survives a restart.

use crate::config::SendLimits;
use crate::mail::smtp::{SendCaps, SendWindow};
use crate::store::{Batch, SendWindows, Store, StoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Milliseconds in the day for which waits are meant.
const DAY_MS: u64 = 86_400_000;

/// Under which name counts are kept: a hash, so that the store's key tells no address.
type Key = [u8; 16];

/// Why nothing may leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// A cap is reached or a pause runs.
    #[error("the mailbox's or its provider's sending limit is reached")]
    Until(
        /// Unix milliseconds.
        u64,
    ),
    /// The counts can't be read or written, so nothing may leave.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The counts of all mailboxes of a node.
#[derive(Clone)]
pub struct SendGate {
    inner: Arc<Inner>,
}

struct Inner {
    store: SendWindows,
    limits: SendLimits,
    epoch_ms: u64,
    windows: Mutex<BTreeMap<Key, SendWindow>>,
}

/// One mailbox's view. Cheap to clone.
#[derive(Clone)]
pub struct MailboxGate {
    gate: SendGate,
    mailbox: (Key, SendCaps),
    provider: (Key, SendCaps),
}

impl SendGate {
    /// The counts in a store. `epoch_ms` is the network's epoch: pauses shrink with it in a rehearsal, caps don't.
    #[must_use]
    pub fn new(store: &Store, limits: SendLimits, epoch_ms: u64) -> Self {
        let inner = Inner { store: SendWindows::new(store), limits, epoch_ms, windows: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The gate of one mailbox; `host` is its SMTP server, by whose name mailboxes share a provider's cap.
    #[must_use]
    pub fn mailbox(&self, address: &str, host: &str) -> MailboxGate {
        let limits = &self.inner.limits;
        let host = host.to_ascii_lowercase();
        let provider = limits.providers.get(&host).copied().unwrap_or(limits.provider);
        MailboxGate {
            gate: self.clone(),
            mailbox: (key("mailbox", &address.to_ascii_lowercase()), limits.mailbox),
            provider: (key("provider", &host), provider),
        }
    }

    fn windows(&self) -> MutexGuard<'_, BTreeMap<Key, SendWindow>> {
        // A panic elsewhere leaves counts that are too high at worst.
        self.inner.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, windows: &mut BTreeMap<Key, SendWindow>, key: Key) -> Result<SendWindow, StoreError> {
        if let Some(window) = windows.get(&key) {
            return Ok(window.clone());
        }
        let window = match self.inner.store.get(&key)? {
            // Unreadable counts must not become none.
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| self.inner.store.unreadable())?,
            None => SendWindow::default(),
        };
        windows.insert(key, window.clone());
        Ok(window)
    }

    fn put(&self, batch: &mut Batch, key: Key, window: &SendWindow) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(window).map_err(|_| self.inner.store.unreadable())?;
        SendWindows::put(batch, &key, &bytes)
    }
}

impl MailboxGate {
    /// Whether a mail may leave at `now` (Unix milliseconds).
    ///
    /// # Errors
    /// [`Held`].
    pub fn check(&self, now: u64) -> Result<(), Held> {
        let mut windows = self.gate.windows();
        for (key, caps) in [self.mailbox, self.provider] {
            self.gate.load(&mut windows, key)?.allows(now, caps).map_err(Held::Until)?;
        }
        Ok(())
    }

    /// The most mails a day that the mailbox's and its provider's caps let through.
    #[must_use]
    pub fn ceilings(&self) -> [u32; 2] {
        [self.mailbox.1.per_day, self.provider.1.per_day]
    }

    /// Counts a mail that is about to be offered to the server, and hands what is to be written of that to `write`. That must
    /// not wait: it is called under the lock of the counts, so that they are written in the order in which they were made.
    ///
    /// # Errors
    /// [`Held`]; then nothing is counted.
    pub fn take<T>(&self, now: u64, write: impl FnOnce(Batch) -> T) -> Result<T, Held> {
        let mut windows = self.gate.windows();
        let (mut mailbox, mut provider) = (self.gate.load(&mut windows, self.mailbox.0)?, self.gate.load(&mut windows, self.provider.0)?);
        mailbox.count(now, self.mailbox.1).map_err(Held::Until)?;
        provider.count(now, self.provider.1).map_err(Held::Until)?;
        let mut batch = Batch::new();
        self.gate.put(&mut batch, self.mailbox.0, &mailbox)?;
        self.gate.put(&mut batch, self.provider.0, &provider)?;
        windows.extend([(self.mailbox.0, mailbox), (self.provider.0, provider)]);
        Ok(write(batch))
    }

    /// Lets the mailbox rest for `ms` from `now`; `write` is as in [`MailboxGate::take`].
    ///
    /// # Errors
    /// [`StoreError`] if the counts can't be read.
    pub fn pause<T>(&self, now: u64, ms: u64, write: impl FnOnce(Batch) -> T) -> Result<T, StoreError> {
        let mut windows = self.gate.windows();
        let mut window = self.gate.load(&mut windows, self.mailbox.0)?;
        window.pause(now, ms);
        let mut batch = Batch::new();
        self.gate.put(&mut batch, self.mailbox.0, &window)?;
        windows.insert(self.mailbox.0, window);
        Ok(write(batch))
    }

    /// A wait of real minutes in this network's time: a rehearsal's day is short, and so are its waits; at least a second.
    #[must_use]
    pub fn wait_ms(&self, minutes: u32) -> u64 {
        let ms = u64::from(minutes) * 60_000;
        let scaled = u128::from(ms) * u128::from(self.gate.inner.epoch_ms.min(DAY_MS)) / u128::from(DAY_MS);
        u64::try_from(scaled).unwrap_or(ms).max(1_000)
    }
}

fn key(kind: &str, name: &str) -> Key {
    let hash = blake3::derive_key("warmnet 2026 send window key", [kind.as_bytes(), b"\0", name.as_bytes()].concat().as_slice());
    let mut key = Key::default();
    key.copy_from_slice(&hash[..16]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Durability;

    const NOW: u64 = 1_800_000_000_000;

    fn limits() -> SendLimits {
        let caps = |per_hour, per_day| SendCaps { per_hour, per_day };
        SendLimits { mailbox: caps(2, 3), provider: caps(3, 10), providers: BTreeMap::from([("big.test".to_owned(), caps(100, 100))]) }
    }

    /// Writes at once, as the journal's thread does a little later.
    fn now(store: &Store) -> impl Fn(Batch) + '_ {
        |batch| store.write(batch, Durability::Buffered).expect("written")
    }

    #[test]
    fn caps_are_shared_by_provider_and_survive_a_restart() {
        let dir = tempfile::tempdir().expect("dir");
        {
            let store = Store::open(dir.path()).expect("open");
            let gate = SendGate::new(&store, limits(), DAY_MS);
            let (a, b) = (gate.mailbox("a@a.test", "mx.a.test"), gate.mailbox("b@a.test", "MX.a.test"));
            assert_eq!((a.ceilings(), gate.mailbox("a@a.test", "big.test").ceilings()), ([3, 10], [3, 100]));
            assert_eq!((a.take(NOW, now(&store)), a.take(NOW, now(&store))), (Ok(()), Ok(())));
            assert!(matches!(a.take(NOW, now(&store)), Err(Held::Until(_))), "the mailbox's hour");
            assert_eq!(b.take(NOW, now(&store)), Ok(()));
            assert!(matches!(b.check(NOW), Err(Held::Until(_))), "the provider's hour");
            assert_eq!(gate.mailbox("b@a.test", "big.test").check(NOW), Ok(()), "another provider, with caps of its own");
        }
        let store = Store::open(dir.path()).expect("open again");
        let gate = SendGate::new(&store, limits(), DAY_MS);
        let a = gate.mailbox("A@a.test", "mx.a.test");
        assert!(matches!(a.check(NOW + 1), Err(Held::Until(_))), "not forgotten");
        assert_eq!(a.take(NOW + 61 * 60_000, now(&store)), Ok(()));
        assert_eq!(gate.mailbox("b@a.test", "other.test").take(NOW, now(&store)), Ok(()));
    }

    #[test]
    fn a_pause_survives_a_restart() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path()).expect("open");
        let gate = SendGate::new(&store, limits(), DAY_MS).mailbox("a@a.test", "mx.a.test");
        gate.pause(NOW, gate.wait_ms(15), now(&store)).expect("paused");
        let again = SendGate::new(&store, limits(), DAY_MS).mailbox("a@a.test", "mx.a.test");
        assert_eq!(again.check(NOW), Err(Held::Until(NOW + 15 * 60_000)));
        assert_eq!(SendGate::new(&store, limits(), 12_000).mailbox("a@a.test", "x").wait_ms(1440), 12_000, "a rehearsal's day");
    }

    #[test]
    fn unreadable_counts_hold_everything() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path()).expect("open");
        let mut batch = Batch::new();
        SendWindows::put(&mut batch, &key("mailbox", "a@a.test"), b"?").expect("short");
        store.write(batch, Durability::Buffered).expect("written");
        let gate = SendGate::new(&store, limits(), DAY_MS).mailbox("a@a.test", "mx.a.test");
        assert!(matches!(gate.take(NOW, now(&store)), Err(Held::Store(StoreError::Corrupt { .. }))));
    }
}
