//! One request: sent again while that may help, never to another host, never for longer than the deadline.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, Response};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::address::Address;
use super::answer::{Answer, Body};
use super::retry;
use super::tls::Tls;
use super::trouble::{Trouble, causes};
use crate::error::{Problem, text};
use crate::secret::Secret;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);
/// Vault refuses requests over 32 MiB; an answer that is longer is not Vault's.
const LONGEST_ANSWER: usize = 48 << 20;

/// How the server is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it is.
    pub address: Address,
    /// Namespace of Vault Enterprise or OpenBao.
    pub namespace: Option<String>,
    /// Whom to trust.
    pub tls: Tls,
    /// How many requests are under way at once; at least one.
    pub concurrency: usize,
    /// How long everything may take, retries included.
    pub deadline: Duration,
}

/// The way to the server.
#[derive(Debug)]
pub(super) struct Door {
    http: Client,
    address: Address,
    permits: Semaphore,
    until: Instant,
}

/// One call of the API.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// Such as `secret/data/app`.
    pub(super) path: &'a str,
    pub(super) query: Vec<(&'static str, String)>,
    /// JSON; may hold credentials.
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
    pub(super) token: Option<&'a Secret>,
}

impl<'a> Request<'a> {
    pub(super) fn get(path: &'a str, token: &'a Secret) -> Self {
        Self { method: Method::GET, path, query: Vec::new(), body: None, token: Some(token) }
    }

    pub(super) fn post(path: &'a str, body: Vec<u8>) -> Self {
        Self { method: Method::POST, path, query: Vec::new(), body: Some(Zeroizing::new(body)), token: None }
    }
}

impl Door {
    /// # Errors
    /// What of the TLS settings cannot be used.
    pub(super) fn new(settings: &Settings) -> Result<Self, Problem> {
        let builder = settings.tls.client()?;
        let builder = builder
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .pool_max_idle_per_host(settings.concurrency)
            .default_headers(headers(settings)?);
        let http = builder.build().map_err(|error| {
            Problem::error("vault-tls", text!("no client for Vault could be made: {}", causes(&error)))
        })?;
        Ok(Self {
            http,
            address: settings.address.clone(),
            permits: Semaphore::new(settings.concurrency.max(1)),
            until: Instant::now() + settings.deadline,
        })
    }

    /// Sends `request` until there is an answer worth having, or the time for everything is over.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Answer, Trouble> {
        self.send_until(request, self.until).await
    }

    /// The same with a time of its own.
    pub(super) async fn send_until(&self, request: &Request<'_>, until: Instant) -> Result<Answer, Trouble> {
        let mut tried = 0;
        loop {
            tried += 1;
            let outcome = self.once(request, until).await;
            tracing::debug!(
                path = request.path,
                tried,
                status = outcome.as_ref().ok().map(|answer| answer.status),
                "Vault"
            );
            let (pause, outcome) = match outcome {
                Ok(answer) if answer.location.is_some() => {
                    return Err(Trouble::Redirect(answer.location.unwrap_or_default()));
                }
                Ok(answer) if retry::is_transient(answer.status) && !is_sealed(&answer) => {
                    (retry::pause(tried, answer.retry_after, retry::jitter()), Ok(answer))
                }
                Ok(answer) => return Ok(answer),
                Err(trouble @ (Trouble::Certificate(_) | Trouble::TooLong)) => return Err(trouble),
                Err(trouble) => (retry::pause(tried, None, retry::jitter()), Err(trouble)),
            };
            if tried >= retry::TRIES || Instant::now() + pause >= until {
                return outcome;
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(&self, request: &Request<'_>, until: Instant) -> Result<Answer, Trouble> {
        let _permit = self.permits.acquire().await;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Trouble::Deadline);
        }
        let mut url = self.address.endpoint(request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let mut builder = self.http.request(request.method.clone(), url).timeout(left.min(PATIENCE));
        if let Some(token) = request.token {
            builder = builder.header(HeaderName::from_static("x-vault-token"), sensitive(token)?);
        }
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.to_vec());
        }
        let response = builder.send().await.map_err(|error| Trouble::of(&error))?;
        whole(response).await
    }
}

async fn whole(mut response: Response) -> Result<Answer, Trouble> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let retry_after = header(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
    let location = header(LOCATION).filter(|_| response.status().is_redirection());
    let status = response.status().as_u16();
    let mut body = Zeroizing::new(Vec::with_capacity(response.content_length().unwrap_or(0).min(1 << 20) as usize));
    while let Some(chunk) = response.chunk().await.map_err(|error| Trouble::of(&error))? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Trouble::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body: Body(body), retry_after, location })
}

/// A sealed server is opened by a person: waiting for that is no retry.
fn is_sealed(answer: &Answer) -> bool {
    answer.status == 503 && answer.refusal().is_some_and(|refusal| refusal.says("is sealed"))
}

fn headers(settings: &Settings) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    headers.insert("x-vault-request", HeaderValue::from_static("true"));
    headers.insert("user-agent", HeaderValue::from_static(concat!("secret-patch/", env!("CARGO_PKG_VERSION"))));
    if let Some(namespace) = &settings.namespace {
        let value = HeaderValue::from_str(namespace).map_err(|_| {
            Problem::error("vault-namespace", "`vault-namespace` holds characters that no namespace has")
                .help("write it as `team/app`")
        })?;
        headers.insert("x-vault-namespace", value);
    }
    Ok(headers)
}

fn sensitive(token: &Secret) -> Result<HeaderValue, Trouble> {
    let mut value = HeaderValue::from_str(token.expose()).map_err(|_| Trouble::TokenShape)?;
    value.set_sensitive(true);
    Ok(value)
}
