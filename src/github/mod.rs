//! GitHub's API, for the comment on a pull request; the only place that speaks to GitHub.

mod answer;
mod author;
mod call;
mod comments;
mod limits;
mod refusal;
mod sticky;
mod tls;

use std::time::{Duration, Instant};

use crate::error::Problem;
use crate::secret::Secret;

pub use self::call::Client;
pub use self::refusal::Refusal;
pub use self::sticky::{Kept, Missing};

/// All that is to be done for a comment, waiting included, is given up after this. GitHub asks for a minute in the worst case that is worth waiting for.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// How long one request may take, from its first byte to the answer's last.
pub const REQUEST: Duration = Duration::from_secs(20);

/// Where GitHub's API is and who calls it.
#[derive(Debug, Clone)]
pub struct Access<'a> {
    /// Such as `https://api.github.com` or `https://github.example.com/api/v3`.
    pub api_url: &'a str,
    /// Such as `https://api.github.com/graphql`; `None` for the one that belongs to the API's URL.
    pub graphql_url: Option<&'a str>,
    /// Of a workflow, an app or a person.
    pub token: &'a Secret,
    /// PEM of authorities to trust besides the system's.
    pub ca_bundle: Option<&'a str>,
    /// Until when there is time.
    pub deadline: Instant,
    /// How long one request may take.
    pub request: Duration,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    repository: String,
    number: u64,
}

impl Place {
    /// The pull request `number` of `repository` (`owner/name`). Both become a part of paths, so they may not lead anywhere else.
    ///
    /// # Errors
    /// `comment-failed` if that is no repository's name.
    pub fn new(repository: &str, number: u64) -> Result<Self, Problem> {
        let is_name = |name: &str| {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            plain && name.bytes().any(|byte| byte != b'.')
        };
        match repository.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => {
                Ok(Self { repository: repository.to_owned(), number })
            }
            _ => Err(Problem::warning("comment-failed", "`GITHUB_REPOSITORY` is not the name of a repository")),
        }
    }

    fn comments(&self) -> String {
        format!("/repos/{}/issues/{}/comments", self.repository, self.number)
    }

    fn comment(&self, id: u64) -> String {
        format!("/repos/{}/issues/comments/{id}", self.repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_leads_nowhere_else() {
        assert!(Place::new("owner/na-me.x_1", 5).is_ok());
        for repository in ["", "owner", "owner/", "/name", "owner/..", "../name", "owner/a/b", "owner/a?b", "owner/a b"]
        {
            assert!(Place::new(repository, 5).is_err(), "{repository}");
        }
    }
}
