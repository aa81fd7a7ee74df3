//! Dying on purpose at the n-th change to the disk.

use std::sync::atomic::{AtomicI64, Ordering};

/// How many points are passed before the process dies; negative: never.
static LEFT: AtomicI64 = AtomicI64::new(-1);

pub(super) fn die_after(points: i64) {
    LEFT.store(points, Ordering::SeqCst);
}

pub(super) fn kill_point() {
    if LEFT.load(Ordering::SeqCst) >= 0 && LEFT.fetch_sub(1, Ordering::SeqCst) == 0 {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
