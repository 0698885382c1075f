//! Counting what is asked of the kernel, so that "nothing to do" can be shown to cost nothing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Messages sent to the kernel.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// Those that may change something.
    pub changes: u64,
    /// Dumps, and questions for one object. A dump that is torn and repeated counts again.
    pub reads: u64,
}

static ALL: Tally = Tally {
    changes: AtomicU64::new(0),
    reads: AtomicU64::new(0),
};

#[derive(Debug, Default)]
struct Tally {
    changes: AtomicU64,
    reads: AtomicU64,
}

impl Tally {
    fn requests(&self) -> Requests {
        Requests {
            changes: self.changes.load(Ordering::Relaxed),
            reads: self.reads.load(Ordering::Relaxed),
        }
    }
}

/// All that this process has sent, by sockets that are closed too.
pub fn of_this_process() -> Requests {
    ALL.requests()
}

/// The count of the sockets that share it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counter(Arc<Tally>);

impl Counter {
    pub(crate) fn change(&self) {
        self.0.changes.fetch_add(1, Ordering::Relaxed);
        ALL.changes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        ALL.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn requests(&self) -> Requests {
        self.0.requests()
    }
}
