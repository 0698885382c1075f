//! Which netlink ports are ours, so that a monitor knows our own changes from everybody else's.
//!
//! A port is unique in its namespace and protocol only, and others' first sockets are numbered by their process id, so all three
//! are compared. A namespace where a socket of ours is open cannot end, so neither its inode nor its id can be another one's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Inode of the namespace, netlink protocol, port.
type Key = (u64, isize, u32);

static PORTS: Mutex<BTreeSet<Key>> = Mutex::new(BTreeSet::new());
/// Inode of the namespace that has the id, by the inode of the one that sees it and the id.
static IDS: Mutex<BTreeMap<(u64, i32), u64>> = Mutex::new(BTreeMap::new());

/// A port that counts as ours while the value lives.
#[derive(Debug)]
pub(crate) struct Port(Key);

impl Port {
    /// The port of a socket that was opened by the calling thread, in its namespace.
    pub(crate) fn register(protocol: isize, port: u32) -> Self {
        let key = (here(), protocol, port);
        lock(&PORTS).insert(key);
        Self(key)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        lock(&PORTS).remove(&self.0);
    }
}

/// Inode of the calling thread's namespace; 0, which is nobody's, when it cannot be read.
pub(crate) fn here() -> u64 {
    inode(Path::new("/proc/thread-self/ns/net"))
}

pub(crate) fn inode(namespace: &Path) -> u64 {
    fs::metadata(namespace).map_or(0, |found| found.ino())
}

/// The namespace `seen_from` knows `namespace` by `id`; both are inodes.
pub(crate) fn remember(seen_from: u64, id: i32, namespace: u64) {
    lock(&IDS).insert((seen_from, id), namespace);
}

/// Whether a message that `listener` heard of namespace `id` (`None` its own) answers a request of ours. `false` in doubt.
pub(crate) fn is_own(listener: u64, id: Option<i32>, protocol: isize, port: u32) -> bool {
    let namespace = match id {
        None => Some(listener),
        Some(id) => lock(&IDS).get(&(listener, id)).copied(),
    };
    namespace.is_some_and(|inode| {
        inode != 0 && port != 0 && lock(&PORTS).contains(&(inode, protocol, port))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
