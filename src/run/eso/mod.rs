//! From hand-made Secrets to Vault and External Secrets: what is there, what is to be done, doing it, and watching over it.

mod clearing;
mod compare;
mod ground;
mod inventory;
mod keep;
mod look;
mod manifests;
mod plan;
mod remains;
mod rights;
mod run;
mod snapshots;
mod step;
mod stores;
mod sync;
mod trial;
mod verify;
mod wait;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::eso::Moment;

pub(super) use clearing::UnderTrial;

/// The present, by this machine's clock.
fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(i64::try_from(since.as_secs()).unwrap_or_default())
}
