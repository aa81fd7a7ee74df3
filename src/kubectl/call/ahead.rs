//! Children that were started before they are asked for.

use std::ffi::OsString;
use std::sync::{Mutex, PoisonError};

use tokio::process::Child;

use super::{Call, Reach};

/// Each child with its arguments; killed when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Ahead(Mutex<Vec<(Vec<OsString>, Child)>>);

impl Ahead {
    pub(super) fn keep(&self, arguments: Vec<OsString>, child: Child) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((arguments, child));
    }

    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The child that already does what `call` is for.
    pub(super) fn take(&self, call: &Call) -> Option<Child> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |(arguments, _): &(Vec<OsString>, Child)| *arguments == call.arguments;
        let at = all.iter().position(is_same).filter(|_| call.reach == Reach::Cluster)?;
        Some(all.swap_remove(at).1)
    }

    #[cfg(test)]
    pub(super) fn ids(&self) -> Vec<u32> {
        self.0.lock().unwrap().iter().filter_map(|(_, child)| child.id()).collect()
    }
}
