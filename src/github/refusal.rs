//! Why there is no comment, and what can be done about it.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::answer::{Answer, reason};
use crate::error::{Problem, Text, text};

/// The longest message of GitHub's that is told; more is a page and no message.
const MESSAGE: usize = 200;

/// Why a request was not carried out, or is not known to have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The token may read at most.
    ReadOnly,
    /// There is no such thing, or the token may not see it.
    NotFound,
    /// The comment is longer than GitHub takes.
    TooLong,
    /// A limit, with how long GitHub asks to wait.
    Limited(Duration),
    /// No answer, or none that tells whether it was done.
    Unanswered(String),
    /// The server's certificate is not trusted.
    Untrusted(String),
    /// The answer leads to another host.
    Elsewhere,
    /// All else, with what GitHub says.
    Refused {
        /// HTTP's.
        status: u16,
        /// GitHub's words; untrusted.
        message: Option<String>,
    },
}

/// An answer that is none of GitHub's.
impl From<serde_json::Error> for Refusal {
    fn from(_: serde_json::Error) -> Self {
        Self::Unanswered("what it answered is not GitHub's".to_owned())
    }
}

impl Refusal {
    pub(super) fn of_transport(error: &octocrab::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if is_of_tls(error) {
                return Self::Untrusted(reason(error));
            }
            cause = error.source();
        }
        Self::Unanswered(reason(error))
    }

    /// What an answer that is no success means.
    pub(super) fn of_answer(answer: &Answer) -> Self {
        let message = answer.message();
        let says = |words: &str| answer.body.to_lowercase().contains(words);
        match answer.status {
            403 if says("resource not accessible by") => Self::ReadOnly,
            404 => Self::NotFound,
            422 if says("too long") => Self::TooLong,
            status => Self::Refused { status, message: message.filter(|text| text.chars().count() <= MESSAGE) },
        }
    }

    /// The finding for the user: a comment that is missing fails nothing.
    pub fn problem(&self, number: u64) -> Problem {
        let failed = |why: Text| {
            let mut told = text!("pull request #{number} got no comment: ");
            told.push(why);
            Problem::warning("comment-failed", told)
        };
        match self {
            Self::ReadOnly => {
                Problem::notice("comment-read-only", text!("pull request #{number} got no comment: the token may not write one"))
                    .help("add to the job or the workflow, with what else it needs:\npermissions:\n  contents: read\n  pull-requests: write")
            }
            Self::NotFound => failed("GitHub does not find it for this token".into()).help(
                "check that `github-token` is for this repository, and may write there: `permissions: pull-requests: write`",
            ),
            Self::TooLong => failed("GitHub refuses even its shortest form as too long".into()),
            Self::Limited(pause) => failed(text!("GitHub asks to wait {} s, which is too long", pause.as_secs()))
                .help("run the job again later; fewer runs at once (`concurrency`) stay below GitHub's limits"),
            Self::Unanswered(why) => failed(text!("GitHub could not be asked, {why}")).help("run the job again"),
            Self::Untrusted(why) => failed(text!("the server's certificate is not trusted, {why}"))
                .help("name the authority that signed it: `ca-bundle`"),
            Self::Elsewhere => failed("GitHub's answer leads to another host, which is not told the token".into())
                .help("check `GITHUB_API_URL`, which the runner sets"),
            Self::Refused { status: 401, .. } => failed("GitHub does not take the token".into())
                .help("give `github-token` a token that has not expired, such as `${{ github.token }}`"),
            Self::Refused { status, message } => {
                let said = message.as_deref().unwrap_or("it says no more");
                failed(text!("GitHub refused it with status {status}: {said}"))
            }
        }
    }
}

/// An I/O error has its cause inside, which is not its source.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inside.is_some_and(|inside| is_of_tls(inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Severity;

    fn of(status: u16, body: &str) -> Refusal {
        Refusal::of_answer(&Answer { status, body: body.to_owned(), ..Answer::default() })
    }

    #[test]
    fn answers_are_told_apart() {
        let message = |text: &str| format!(r#"{{"message": "{text}", "documentation_url": "x"}}"#);
        assert_eq!(of(403, &message("Resource not accessible by integration")), Refusal::ReadOnly);
        assert_eq!(of(403, &message("Resource not accessible by personal access token")), Refusal::ReadOnly);
        assert_eq!(of(404, &message("Not Found")), Refusal::NotFound);
        let long = r#"{"message": "Validation Failed", "errors": [{"code": "custom", "message": "body is too long (maximum is 65536 characters)"}]}"#;
        assert_eq!(of(422, long), Refusal::TooLong);
        assert_eq!(of(422, &message("No")), Refusal::Refused { status: 422, message: Some("No".into()) });
        assert_eq!(of(400, "<html>"), Refusal::Refused { status: 400, message: None });
        assert_eq!(of(400, &message(&"x".repeat(201))), Refusal::Refused { status: 400, message: None });
    }

    #[test]
    fn none_is_an_error_and_the_read_only_one_shows_what_to_add() {
        let all = [
            Refusal::NotFound,
            Refusal::TooLong,
            Refusal::Limited(Duration::from_secs(3600)),
            Refusal::Unanswered("connection refused".into()),
            Refusal::Untrusted("unknown issuer".into()),
            Refusal::Elsewhere,
            Refusal::Refused { status: 401, message: None },
            Refusal::Refused { status: 410, message: Some("gone".into()) },
        ];
        for refusal in all {
            let problem = refusal.problem(5);
            assert_eq!((problem.severity, problem.kind), (Severity::Warning, "comment-failed"), "{problem:?}");
            assert!(problem.message.starts_with("pull request #5 got no comment: "), "{problem:?}");
        }
        let problem = Refusal::ReadOnly.problem(5);
        assert_eq!(problem.severity, Severity::Notice);
        assert!(
            problem
                .help
                .is_some_and(|help| help.contains("\npermissions:\n") && help.contains("\n  pull-requests: write"))
        );
    }
}
