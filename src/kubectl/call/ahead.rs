//! Children that were started before they are asked for.

use std::ffi::OsString;
use std::mem;
use std::sync::{Mutex, PoisonError};

use tokio::process::Child;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::super::ending::Ending;
use super::watch::watch;
use super::{Call, Reach};
use crate::mask::Masker;

/// What was begun and is not asked for yet.
#[derive(Debug, Default)]
pub(super) struct Ahead(Mutex<Vec<Begun>>);

/// A child, read from its start on, so that it need not wait for its reader.
#[derive(Debug)]
pub(super) struct Begun {
    arguments: Vec<OsString>,
    input: oneshot::Sender<Zeroizing<Vec<u8>>>,
    /// One task, which ends with its child when this is dropped.
    ending: JoinSet<Ending>,
}

impl Ahead {
    /// Reads `child`, which was started for `call`; what it reads itself comes when it is asked for.
    pub(super) fn keep(&self, child: Child, mut call: Call, masker: Masker) {
        let arguments = mem::take(&mut call.arguments);
        let (input, given) = oneshot::channel();
        let mut ending = JoinSet::new();
        ending.spawn(async move { watch(child, async { given.await.unwrap_or_default() }, &call, &masker).await });
        self.all().push(Begun { arguments, input, ending });
    }

    pub(super) fn forget(&self) {
        self.all().clear();
    }

    /// The child that already does what `call` is for.
    pub(super) fn take(&self, call: &Call) -> Option<Begun> {
        let mut all = self.all();
        let at = all.iter().position(|begun| begun.arguments == call.arguments && call.reach == Reach::Cluster)?;
        Some(all.swap_remove(at))
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.all().len()
    }
}

impl Begun {
    /// Gives the child what it reads, and waits for its end.
    pub(super) async fn end(mut self, input: Zeroizing<Vec<u8>>) -> Ending {
        // A child that has ended reads nothing any more.
        let _ = self.input.send(input);
        match self.ending.join_next().await {
            Some(Ok(ending)) => ending,
            _ => Ending::NotStarted { reason: "the task that reads it ended early".to_owned() },
        }
    }
}
