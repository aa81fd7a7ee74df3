//! A token's life: from the login to its end.

use std::sync::Weak;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OnceCell};

use super::client::{Door, Request, Settings};
use super::login::{Granted, Login};
use super::mounts::Mount;
use super::retry;
use crate::error::Problem;
use crate::secret::Secret;

/// How long giving the token back may take: the runner kills a cancelled step soon after.
const FAREWELL: Duration = Duration::from_secs(3);
/// Between two renewals, at least: a token near its last end is granted less and less.
const BREATH: Duration = Duration::from_millis(200);

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

    /// The namespace that is asked.
    pub fn namespace(&self) -> Option<&str> {
        self.settings.namespace.as_deref()
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

    /// Renews our own token in time, whatever else is going on, for as long as somebody has `vault`.
    pub async fn keep_renewed(vault: Weak<Self>) {
        while let Some(vault) = vault.upgrade() {
            vault.keep_alive().await;
            let Some(pause) = vault.until_due().await else { return };
            drop(vault);
            tokio::time::sleep(pause.max(BREATH)).await;
        }
    }

    async fn until_due(&self) -> Option<Duration> {
        self.lease.lock().await.as_ref().map(Lease::until_due)
    }

    /// Renews our own token when half of its time is over.
    pub(super) async fn keep_alive(&self) {
        let mut lease = self.lease.lock().await;
        if !lease.as_ref().is_some_and(|lease| lease.until_due().is_zero()) {
            return;
        }
        let renew = Request { token: Some(&self.token), ..Request::post("auth/token/renew-self", Vec::new()) };
        match self.door.send(&renew).await {
            Ok(answer) if answer.is_success() => *lease = Granted::read(&answer).as_ref().and_then(Lease::of),
            // One that cannot be renewed is used to its end.
            Ok(answer) if !retry::is_transient(answer.status) => *lease = None,
            // Later, perhaps.
            Ok(_) | Err(_) => {}
        }
    }
}

impl Lease {
    fn of(granted: &Granted) -> Option<Self> {
        let length = Duration::from_secs(granted.lease);
        (granted.renewable && !length.is_zero()).then(|| Self { length, until: Instant::now() + length })
    }

    /// Until half of its time is over.
    fn until_due(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now()).saturating_sub(self.length / 2)
    }
}
