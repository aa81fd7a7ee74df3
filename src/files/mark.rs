//! How a later process knows the patch that `render` wrote: by its time of change.
//!
//! The action's post stage runs in a container of its own, perhaps after the main stage was killed, and must neither
//! leave the patch nor remove a file that someone else has put in its place. A note beside the patch would be one more
//! file in the checkout, and one in the runner's state says nothing about what is at the path now. So the patch's own
//! time says it: its nanoseconds are a function of its seconds and its size, which one in 10⁹ other files meets by
//! chance, and no file that was edited. Nothing of the content goes into it.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FileType, Stat, Timespec};
use sha2::{Digest as _, Sha256};

/// How long a written patch stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Until [`super::remove_rendered`] finds it.
    UntilRemoved,
    /// Until someone else removes it.
    ForGood,
}

/// The time of change for a patch of `size` bytes that is written now and may be removed by [`super::remove_rendered`].
pub(super) fn mark(size: usize) -> Timespec {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = i64::try_from(now).unwrap_or_default();
    let size = u64::try_from(size).unwrap_or_default();
    Timespec { tv_sec: seconds, tv_nsec: nanoseconds(seconds, size).into() }
}

/// Whether `found` is a file with the time that [`mark`] gave it.
pub(super) fn is_marked(found: &Stat) -> bool {
    // The fields' types differ between systems.
    let (seconds, rest, size) =
        (i128::from(found.st_mtime), i128::from(found.st_mtime_nsec), i128::from(found.st_size));
    let (Ok(seconds), Ok(size)) = (i64::try_from(seconds), u64::try_from(size)) else { return false };
    FileType::from_raw_mode(found.st_mode) == FileType::RegularFile && rest == i128::from(nanoseconds(seconds, size))
}

fn nanoseconds(seconds: i64, size: u64) -> u32 {
    let digest = Sha256::new().chain_update("secret-patch render").chain_update(seconds.to_be_bytes());
    let digest = digest.chain_update(size.to_be_bytes()).finalize();
    let four = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    // Never 0: that is what a file system without nanoseconds says of every file.
    1 + four % 999_999_999
}
