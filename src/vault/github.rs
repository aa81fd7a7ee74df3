//! The workflow's own identity: GitHub's OIDC token.

use std::time::Duration;

use reqwest::{Client, Url};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::retry;
use super::tls::Tls;
use super::trouble::causes;
use crate::error::{Problem, text};
use crate::secret::Secret;

const PATIENCE: Duration = Duration::from_secs(10);

/// What the runner gives to a job with `permissions: id-token: write`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRequest {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`
    pub url: String,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`
    pub token: Secret,
}

#[derive(Deserialize)]
struct Reply {
    value: Option<String>,
}

/// Asks GitHub for a token for `audience`; the owner's URL where there is none.
///
/// # Errors
/// `github-oidc`: GitHub's service does not answer, or not with a token.
pub async fn identity_token(request: &IdentityRequest, audience: Option<&str>, tls: &Tls) -> Result<Secret, Problem> {
    let failed = |why: &str| {
        let text = text!("GitHub gives no OIDC token: {why}");
        Problem::error("github-oidc", text).help("run it again; https://www.githubstatus.com tells of outages")
    };
    let mut url = Url::parse(&request.url).map_err(|_| failed("`ACTIONS_ID_TOKEN_REQUEST_URL` is no URL"))?;
    url.query_pairs_mut().extend_pairs(audience.map(|audience| ("audience", audience)));
    // A client certificate is for Vault, and GitHub's own certificate is always verified.
    let tls = Tls { identity: None, insecure: false, ..tls.clone() };
    let client = tls.client()?.timeout(PATIENCE).build().map_err(|error| failed(&causes(&error)))?;
    let mut tried = 0;
    loop {
        tried += 1;
        let why = match ask(&client, &url, request).await {
            Ok(token) => return Ok(token),
            Err(Refused { why, again: false }) => return Err(failed(&why)),
            Err(Refused { why, .. }) => why,
        };
        if tried >= retry::TRIES {
            return Err(failed(&why));
        }
        tokio::time::sleep(retry::pause(tried, None, retry::jitter())).await;
    }
}

struct Refused {
    why: String,
    again: bool,
}

async fn ask(client: &Client, url: &Url, request: &IdentityRequest) -> Result<Secret, Refused> {
    let sent = client.get(url.clone()).bearer_auth(request.token.expose()).send().await;
    let answer = sent.map_err(|error| Refused { why: causes(&error), again: true })?;
    let status = answer.status();
    if !status.is_success() {
        let again = retry::is_transient(status.as_u16());
        return Err(Refused { why: format!("it answers {}", status.as_u16()), again });
    }
    let body =
        Zeroizing::new(answer.bytes().await.map_err(|error| Refused { why: causes(&error), again: true })?.to_vec());
    let value = serde_json::from_slice::<Reply>(&body).ok().and_then(|reply| reply.value);
    value.map(Secret::new).ok_or_else(|| Refused { why: "its answer holds none".to_owned(), again: true })
}
