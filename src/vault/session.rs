//! A token's life: from the login to its end.

use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OnceCell};

use super::client::{Door, Request, Settings};
use super::login::{Granted, Login};
use super::mounts::Mount;
use crate::error::Problem;
use crate::secret::Secret;

/// How long giving the token back may take: the runner kills a cancelled step soon after.
const FAREWELL: Duration = Duration::from_secs(3);

/// A server that knows us.
#[derive(Debug)]
pub struct Vault {
    pub(super) settings: Settings,
    pub(super) door: Door,
    pub(super) token: Secret,
    /// Whether we logged in ourselves, and so revoke the token at the end.
    own: bool,
    lease: Mutex<Option<Lease>>,
    pub(super) mounts: Mutex<Vec<Mount>>,
    /// One question a first segment of a path, however many ask at once.
    pub(super) asked: Mutex<std::collections::BTreeMap<String, std::sync::Arc<OnceCell<()>>>>,
}

#[derive(Debug)]
struct Lease {
    length: Duration,
    until: Instant,
}

impl Vault {
    /// Logs in; `learned` hears of our own token before anything is done with it.
    ///
    /// # Errors
    /// What of the settings cannot be used, why the server is not reached, why it refuses.
    pub async fn log_in(settings: Settings, login: &Login, learned: impl FnOnce(&Secret)) -> Result<Self, Problem> {
        let door = Door::new(&settings)?;
        let granted = login.send(&door, &settings.address).await?;
        if let Some(granted) = &granted {
            learned(&granted.token);
        }
        let lease = granted.as_ref().and_then(Lease::of);
        let own = granted.is_some();
        let token = match (granted, login) {
            (Some(granted), _) => granted.token,
            (None, Login::Token(token)) => token.clone(),
            (None, _) => return Err(Problem::error("vault-login", "there is no token").help("check `vault-method`")),
        };
        let (lease, mounts, asked) = (Mutex::new(lease), Mutex::default(), Mutex::default());
        Ok(Self { settings, door, token, own, lease, mounts, asked })
    }

    /// Revokes the token if it is our own. A failure is not told: the token ends by itself.
    pub async fn log_out(&self) {
        if self.own {
            let revoke = Request { token: Some(&self.token), ..Request::post("auth/token/revoke-self", Vec::new()) };
            let revoked = self.door.send_until(&revoke, Instant::now() + FAREWELL).await;
            let done = revoked.is_ok_and(|answer| answer.is_success());
            tracing::debug!(done, "own Vault token revoked");
        }
    }

    /// Renews our own token when half of its time is over.
    pub(super) async fn keep_alive(&self) {
        let mut lease = self.lease.lock().await;
        let is_due = |lease: &Lease| lease.until.saturating_duration_since(Instant::now()) < lease.length / 2;
        if lease.as_ref().is_some_and(is_due) {
            let renew = Request { token: Some(&self.token), ..Request::post("auth/token/renew-self", Vec::new()) };
            let answer = self.door.send(&renew).await.ok().filter(|answer| answer.is_success());
            // One that cannot be renewed is used to its end.
            *lease = answer.and_then(|answer| Granted::read(&answer)).as_ref().and_then(Lease::of);
        }
    }
}

impl Lease {
    fn of(granted: &Granted) -> Option<Self> {
        let length = Duration::from_secs(granted.lease);
        (granted.renewable && !length.is_zero()).then(|| Self { length, until: Instant::now() + length })
    }
}
