//! Which comments are ours: anybody can write our marker, nobody else can be us.

use super::call::Client;
use super::comments::{Found, User};
use super::refusal::Refusal;

/// Who writes with a workflow's own token.
const WORKFLOW: &str = "github-actions[bot]";
/// What GitHub calls an app's account.
const BOT: &str = "Bot";

/// Who writes with this token.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Author {
    /// By the account's number, which stays when it is renamed.
    Person(u64),
    /// By login, in lower case, with `[bot]`.
    App(String),
}

impl Author {
    fn wrote(&self, comment: &Found) -> bool {
        comment.user.as_ref().is_some_and(|user| match self {
            Self::Person(id) => user.id == *id,
            Self::App(login) => user.kind == BOT && user.login.to_lowercase() == *login,
        })
    }
}

impl Client {
    /// Those of `comments` that were written with this token's account. Asks GitHub only where there is a comment to ask about.
    pub(super) async fn ours(&self, mut comments: Vec<Found>) -> Result<Vec<Found>, Refusal> {
        if !comments.is_empty() {
            let author = self.author(&comments).await?;
            comments.retain(|comment| author.wrote(comment));
        }
        Ok(comments)
    }

    async fn author(&self, comments: &[Found]) -> Result<Author, Refusal> {
        let person = if self.of_app { None } else { self.person().await? };
        if let Some(person) = person {
            return Ok(Author::Person(person.id));
        }
        // An app's own account has no REST address for its token. A workflow's is known, and which of several wrote here is to be asked.
        let mut apps = comments.iter().filter_map(|comment| comment.user.as_ref()).filter(|user| user.kind == BOT);
        let viewer = if apps.all(is_workflow) { None } else { self.viewer().await };
        Ok(Author::App(viewer.map_or_else(|| WORKFLOW.to_owned(), |login| app_login(&login))))
    }
}

fn is_workflow(user: &User) -> bool {
    user.login.eq_ignore_ascii_case(WORKFLOW)
}

fn app_login(login: &str) -> String {
    let login = login.to_lowercase();
    if login.ends_with("[bot]") { login } else { login + "[bot]" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(login: &str, id: u64, kind: &str) -> Found {
        let user = User { id, login: login.into(), kind: kind.into() };
        Found { id: 1, html_url: String::new(), body: None, user: Some(user) }
    }

    #[test]
    fn a_person_is_known_by_number_and_an_app_by_login_and_kind() {
        let person = Author::Person(7);
        assert!(person.wrote(&by("renamed", 7, "User")) && !person.wrote(&by("octocat", 8, "User")));
        let app = Author::App(app_login("My-App"));
        assert!(app.wrote(&by("my-app[bot]", 9, "Bot")));
        assert!(!app.wrote(&by("my-app[bot]", 9, "User")) && !app.wrote(&by("my-app", 9, "Bot")));
        assert!(!app.wrote(&Found { user: None, ..by("", 0, "") }), "a ghost is nobody");
        assert_eq!(app_login("github-actions[bot]"), WORKFLOW);
    }
}
