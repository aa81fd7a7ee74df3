//! One request to GitHub and its answer: limits obeyed, redirects followed on the same host only, never repeated where that could do it twice.

use std::time::{Duration, Instant};

use octocrab::{Octocrab, OctocrabBuilder};
use reqwest::Url;
use serde_json::{Value, json};

use super::answer::{Answer, reason};
use super::refusal::Refusal;
use super::{Access, Place, limits, tls};
use crate::error::{Problem, text};

/// How often a request is repeated that GitHub did not answer, or answered with a fault of its own.
const REPEATS: u32 = 3;
/// A moved repository is found at its first new place.
const REDIRECTS: usize = 3;

/// What to do; the body of a comment is sent and received as JSON.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    Get,
    Post(&'a Value),
    Patch(&'a Value),
    Delete,
}

impl Request<'_> {
    /// Whether doing it twice is as good as once.
    fn repeats(self) -> bool {
        !matches!(self, Self::Post(_))
    }
}

/// GitHub's API with one token, for one pull request.
pub struct Client {
    pub(super) place: Place,
    rest: Octocrab,
    graphql: Octocrab,
    base: Url,
    /// Whether the token is of an app's installation, as a workflow's own is.
    pub(super) of_app: bool,
    deadline: Instant,
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// A URL that is none, a token that cannot be one, certificates that cannot be read; as warnings, like all problems of a comment.
    pub fn new(access: &Access<'_>, place: Place) -> Result<Self, Problem> {
        let token = access.token.expose();
        // octocrab panics at what cannot stand in a header.
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Problem::warning(
                "github-token-invalid",
                "`github-token` is not a token: it is empty or holds blanks",
            )
            .help("give `${{ github.token }}`, or a token of a GitHub App or a person"));
        }
        let base = url(access.api_url)?;
        let graphql = access.graphql_url.map_or_else(|| graphql_url(access.api_url), str::to_owned);
        let http = tls::client(access.ca_bundle, access.request)?;
        let build = |base: &str| -> octocrab::Result<Octocrab> {
            let builder = OctocrabBuilder::new().personal_token(token).base_uri(base.trim_end_matches('/'))?;
            builder.build_with_reqwest(http.clone())
        };
        let not_built = |error: octocrab::Error| {
            Problem::warning("comment-failed", text!("GitHub cannot be called: {}", reason(&error)))
        };
        Ok(Self {
            place,
            rest: build(base.as_str()).map_err(not_built)?,
            graphql: build(graphql.trim_end_matches("/graphql")).map_err(not_built)?,
            base,
            of_app: token.starts_with("ghs_") || token.starts_with("v1."),
            deadline: access.deadline,
        })
    }

    /// Sends a request to `path` (below the API's URL) until there is an answer that more waiting would not change.
    ///
    /// # Errors
    /// [`Refusal::Limited`], [`Refusal::Unanswered`] and [`Refusal::Elsewhere`]; every other answer is the caller's to judge.
    pub(super) async fn send(&self, path: &str, request: Request<'_>) -> Result<Answer, Refusal> {
        let mut faults = 0;
        loop {
            let answered = self.send_once(path, request).await;
            let fault = match answered {
                Ok(answer) => match limits::pause(&answer) {
                    Some(pause) => {
                        self.wait(pause).await.map_err(|()| Refusal::Limited(pause))?;
                        continue;
                    }
                    None if answer.status < 500 => return Ok(answer),
                    None => Refusal::Unanswered(format!("it answered with status {}", answer.status)),
                },
                Err(refusal @ Refusal::Unanswered(_)) => refusal,
                Err(refusal) => return Err(refusal),
            };
            faults += 1;
            let pause = Duration::from_secs(1 << (faults - 1));
            if faults > REPEATS || !request.repeats() || self.wait(pause).await.is_err() {
                return Err(fault);
            }
        }
    }

    /// Lets `pause` pass, if there is time for it and something more.
    pub(super) async fn wait(&self, pause: Duration) -> Result<(), ()> {
        if Instant::now() + pause >= self.deadline {
            return Err(());
        }
        tracing::debug!(seconds = pause.as_secs(), "waiting for GitHub");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    async fn send_once(&self, path: &str, request: Request<'_>) -> Result<Answer, Refusal> {
        let mut path = path.to_owned();
        for _ in 0..=REDIRECTS {
            let answer = self.within(exchange(&self.rest, &path, request)).await?;
            match &answer.location {
                Some(location) if matches!(answer.status, 301 | 302 | 307 | 308) => path = self.moved(location)?,
                _ => return Ok(answer),
            }
        }
        Err(Refusal::Elsewhere)
    }

    async fn within(&self, exchange: impl Future<Output = Result<Answer, Refusal>>) -> Result<Answer, Refusal> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let late = |_| Refusal::Unanswered("it did not answer in time".to_owned());
        tokio::time::timeout(left, exchange).await.map_err(late)?
    }

    /// The path behind a redirect, if it stays with the API.
    fn moved(&self, location: &str) -> Result<String, Refusal> {
        let url = self.base.join(location).map_err(|_| Refusal::Elsewhere)?;
        let base = self.base.path().trim_end_matches('/');
        if url.origin() != self.base.origin() || !url.path().starts_with(base) {
            return Err(Refusal::Elsewhere);
        }
        Ok(url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())))
    }

    /// The login behind the token, which an app's token does not tell by REST; `None` if it cannot be told.
    pub(super) async fn viewer(&self) -> Option<String> {
        let question = json!({"query": "query { viewer { login } }"});
        let answer = self.within(exchange(&self.graphql, "/graphql", Request::Post(&question))).await.ok()?;
        let answer: Value = serde_json::from_str(&answer.body).ok()?;
        answer.pointer("/data/viewer/login")?.as_str().map(str::to_owned)
    }
}

async fn exchange(client: &Octocrab, path: &str, request: Request<'_>) -> Result<Answer, Refusal> {
    let nothing = None::<&Value>;
    let response = match request {
        Request::Get => client._get(path).await,
        Request::Post(body) => client._post(path, Some(body)).await,
        Request::Patch(body) => client._patch(path, Some(body)).await,
        Request::Delete => client._delete(path, nothing).await,
    };
    let response = response.map_err(|error| Refusal::of_transport(&error))?;
    let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let answer = Answer {
        status: response.status().as_u16(),
        body: String::new(),
        retry_after: header("retry-after"),
        limit_remaining: header("x-ratelimit-remaining"),
        limit_reset: header("x-ratelimit-reset"),
        location: header("location"),
        link: header("link"),
    };
    let body = client.body_to_string(response).await.map_err(|error| Refusal::of_transport(&error))?;
    Ok(Answer { body, ..answer })
}

fn url(text: &str) -> Result<Url, Problem> {
    let parsed = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    parsed.ok_or_else(|| {
        Problem::warning("comment-failed", "`GITHUB_API_URL` is not a URL")
            .help("the runner sets it, such as `https://api.github.com` or `https://github.example.com/api/v3`")
    })
}

/// <https://docs.github.com/enterprise-server/graphql/guides/forming-calls-with-graphql>: beside `v3`, not below it.
fn graphql_url(api_url: &str) -> String {
    let api = api_url.trim_end_matches('/');
    format!("{}/graphql", api.strip_suffix("/v3").unwrap_or(api))
}
