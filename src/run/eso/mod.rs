//! From hand-made Secrets to Vault and External Secrets: what is there, what is to be done, doing it, and watching over it.

mod compare;
mod ground;
mod inventory;
mod keep;
mod look;
mod plan;
mod remains;
mod run;
mod snapshots;
mod step;
mod sync;
mod trial;
mod verify;
mod wait;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::eso::Moment;

/// The present, by this machine's clock.
fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(i64::try_from(since.as_secs()).unwrap_or_default())
}
