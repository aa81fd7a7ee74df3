//! Needs GitHub's description.
//!
//! The comment on a pull request, against a stand-in that holds every call and every answer against that description.
#![allow(clippy::disallowed_methods, clippy::expect_used, reason = "a test makes files, and fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use secret_patch::error::{Problem, Stage};
use secret_patch::github::{Access, Client, Kept, Missing, Place, Refusal};
use secret_patch::mask::Masker;
use secret_patch::report::Outcome;
use secret_patch::report::comment::{Comment, LIMIT, Subject};
use secret_patch::secret::Secret;
use secret_patch_bed::authority::Authority;
use serde_json::{Value, json};
use support::github::{GitHub, WORKFLOW_TOKEN, Written};

const KEY: &str = "owner/name//.//staging in kind";
const CREATE: &str = "issues/create-comment";
const LIST: &str = "issues/list-comments";
const UPDATE: &str = "issues/update-comment";
const DELETE: &str = "issues/delete-comment";

/// A comment of three forms that tells of `many` changes; of none if `many` is 0.
fn comment_of(many: usize, key: &str) -> Comment {
    let masker = Masker::new();
    let comment = Comment::new(&Outcome::default(), Subject { key, run: None }, &masker);
    let form = |detail: &str| {
        let text = format!("{}\n**{many} changes**\n\n{detail}\n\n<sub>run 42</sub>\n", comment.marker);
        masker.redact(&text)
    };
    let details = ["objects and keys, folded and not", "objects and keys", "counts"];
    let forms = if many == 0 { vec![form("one line")] } else { details.map(form).into() };
    Comment { marker: comment.marker.clone(), forms, quiet: many == 0 }
}

fn changes(many: usize) -> Comment {
    comment_of(many, KEY)
}

/// How a run comments.
struct Caller {
    token: Secret,
    ca_bundle: Option<String>,
    patience: Duration,
    request: Duration,
}

impl Caller {
    fn workflow() -> Self {
        Self::with(WORKFLOW_TOKEN)
    }

    fn with(token: &str) -> Self {
        Self {
            token: Secret::new(token),
            ca_bundle: None,
            patience: Duration::from_secs(30),
            request: Duration::from_secs(10),
        }
    }

    async fn keep(&self, github: &GitHub, comment: &Comment) -> Result<Kept, Refusal> {
        self.keep_if(github, comment, Missing::Make).await
    }

    async fn keep_if(&self, github: &GitHub, comment: &Comment, missing: Missing) -> Result<Kept, Refusal> {
        let access = Access {
            api_url: &github.api_url,
            graphql_url: None,
            token: &self.token,
            ca_bundle: self.ca_bundle.as_deref(),
            deadline: Instant::now() + self.patience,
            request: self.request,
        };
        let place = Place::new("owner/name", 5).expect("a place");
        Client::new(&access, place).expect("a client").keep(comment, missing).await
    }
}

fn bodies(comments: &[Written]) -> Vec<&str> {
    comments.iter().map(|comment| comment.body.as_str()).collect()
}

fn form(comment: &Comment) -> &str {
    comment.forms[0].as_str()
}

#[tokio::test]
async fn a_comment_is_made_left_changed_and_replaced_by_one_line() {
    let mut github = GitHub::start();
    let caller = Caller::workflow();
    let page = "https://github.example/owner/name/pull/5#issuecomment-1001".to_owned();
    assert_eq!(caller.keep(&github, &changes(2)).await, Ok(Kept::Made(page.clone())));
    assert_eq!(github.asked(), [LIST, CREATE, LIST]);
    assert_eq!(caller.keep(&github, &changes(2)).await, Ok(Kept::Left(page.clone())));
    assert_eq!(github.asked()[3..], [LIST]);
    assert_eq!(caller.keep(&github, &changes(3)).await, Ok(Kept::Changed(page.clone())));
    assert_eq!(github.asked()[4..], [LIST, UPDATE]);
    assert_eq!(bodies(&github.comments()), [form(&changes(3))]);
    let quiet = changes(0);
    assert_eq!(caller.keep_if(&github, &quiet, Missing::Leave).await, Ok(Kept::Changed(page)));
    assert_eq!(bodies(&github.comments()), [form(&quiet)]);
    assert!(github.requests().iter().all(|request| request["token"] == WORKFLOW_TOKEN));
}

#[tokio::test]
async fn where_nothing_is_to_be_said_no_comment_is_made() {
    let mut github = GitHub::start();
    let quiet = changes(0);
    assert_eq!(Caller::workflow().keep_if(&github, &quiet, Missing::Leave).await, Ok(Kept::None));
    assert_eq!(github.asked(), [LIST]);
    assert!(matches!(Caller::workflow().keep(&github, &quiet).await, Ok(Kept::Made(_))));
}

#[tokio::test]
async fn ours_is_found_among_three_hundred_and_the_forged_ones_are_not_touched() {
    let mut github = GitHub::start();
    let old = changes(1);
    let mallory = || json!({"login": "mallory", "id": 666, "type": "User"});
    let forged = [
        github.seed(mallory(), form(&old)),
        github.seed(json!({"login": "github-actions[bot]", "id": 667, "type": "User"}), form(&old)),
        github.seed(Value::Null, form(&old)),
    ];
    github.crowd(296);
    let ours = github.seed(json!({}), form(&old));
    let late = github.seed(mallory(), &changes(7).marker.to_string());
    let quoting = github.seed(json!({}), &format!("> {}", form(&old)));
    let before = github.comments();
    assert_eq!(before.len(), 302);
    let kept = Caller::workflow().keep(&github, &changes(2)).await;
    assert!(matches!(kept, Ok(Kept::Changed(page)) if page.ends_with(&ours.to_string())));
    let after = github.comments();
    for (before, after) in before.iter().zip(&after) {
        let is_ours = before.id == ours;
        assert_eq!(before == after, !is_ours, "{}", before.id);
        assert!(!is_ours || after.body == form(&changes(2)));
    }
    assert_eq!(after.len(), 302);
    assert!(forged.iter().chain([&late, &quoting]).all(|id| after.iter().any(|comment| comment.id == *id)));
    assert_eq!(github.asked(), [LIST, LIST, LIST, LIST, UPDATE]);
}

#[tokio::test]
async fn a_persons_token_knows_its_person() {
    let mut github = GitHub::start();
    let person = json!({"login": "octocat", "id": 583231, "type": "User"});
    github.token("ghp_person-token-0123456789", json!({"user": person, "app": false, "can": "write"}));
    github.seed(json!({}), form(&changes(1)));
    let caller = Caller::with("ghp_person-token-0123456789");
    assert!(matches!(caller.keep(&github, &changes(1)).await, Ok(Kept::Made(_))), "the workflow's is not the person's");
    assert!(matches!(caller.keep(&github, &changes(2)).await, Ok(Kept::Changed(_))));
    assert_eq!(bodies(&github.comments()), [form(&changes(1)), form(&changes(2))]);
    let me = "users/get-authenticated";
    assert_eq!(github.asked(), [LIST, me, CREATE, LIST, me, LIST, me, UPDATE]);
}

#[tokio::test]
async fn an_apps_token_knows_its_app() {
    for mut github in [GitHub::start(), GitHub::enterprise()] {
        let user = json!({"login": "deployer[bot]", "id": 77, "type": "Bot"});
        github.token("ghs_app-token-0123456789", json!({"user": user, "app": true, "can": "write"}));
        let other = github.seed(json!({"login": "other[bot]", "id": 78, "type": "Bot"}), form(&changes(1)));
        let caller = Caller::with("ghs_app-token-0123456789");
        assert!(matches!(caller.keep(&github, &changes(1)).await, Ok(Kept::Made(_))));
        assert!(matches!(caller.keep(&github, &changes(2)).await, Ok(Kept::Changed(_))));
        let comments = github.comments();
        assert_eq!((comments.len(), comments[0].id, comments[0].body.as_str()), (2, other, form(&changes(1))));
        assert_eq!((comments[1].login.as_str(), comments[1].body.as_str()), ("deployer[bot]", form(&changes(2))));
        assert_eq!(github.asked().iter().filter(|asked| *asked == "graphql/viewer").count(), 3);
    }
}

#[tokio::test]
async fn a_token_that_reads_only_is_told_and_writes_nothing() {
    let mut github = GitHub::start();
    let bot = json!({"login": "github-actions[bot]", "id": 41898282, "type": "Bot"});
    github.token("ghs_reader", json!({"user": bot, "app": true, "can": "read"}));
    github.token("ghs_nobody", json!({"user": bot, "app": true, "can": "nothing"}));
    assert_eq!(Caller::with("ghs_reader").keep(&github, &changes(1)).await, Err(Refusal::ReadOnly));
    github.seed(json!({}), form(&changes(1)));
    assert_eq!(Caller::with("ghs_reader").keep(&github, &changes(2)).await, Err(Refusal::ReadOnly));
    assert_eq!(Caller::with("ghs_nobody").keep(&github, &changes(2)).await, Err(Refusal::NotFound));
    let stranger = Caller::with("ghs_stranger").keep(&github, &changes(2)).await;
    assert_eq!(stranger, Err(Refusal::Refused { status: 401, message: Some("Bad credentials".into()) }));
    assert_eq!(github.asked().len(), 6);
}

#[tokio::test]
async fn a_report_of_any_size_arrives_whole() {
    let mut github = GitHub::start();
    for many in [1, 20, 500, 5000] {
        let finding = |n| Problem::warning("clear-copy", format!("`NAME_{n}` also goes into a ConfigMap"));
        let outcome =
            Outcome { failed: Some(Stage::Check), problems: (0..many).map(finding).collect(), ..Outcome::default() };
        let comment = Comment::new(&outcome, Subject { key: KEY, run: None }, &Masker::new());
        Caller::workflow().keep(&github, &comment).await.expect("kept");
        let comments = github.comments();
        assert_eq!(comments.len(), 1);
        assert!(comments[0].body.len() <= LIMIT && comments[0].body.ends_with("</sub>\n"), "{many}");
    }
}

#[tokio::test]
async fn what_github_finds_too_long_comes_shorter() {
    let mut github = GitHub::start();
    let too_long = json!({"message": "Validation Failed", "errors": [{"code": "unprocessable", "message": "body is too long (maximum is 65536 characters)"}], "documentation_url": "x"});
    github.fault(CREATE, json!({"times": 2, "answer": {"status": 422, "body": too_long}}));
    let comment = changes(3);
    assert!(matches!(Caller::workflow().keep(&github, &comment).await, Ok(Kept::Made(_))));
    assert_eq!(bodies(&github.comments()), [comment.forms[2].as_str()]);
    github.fault(UPDATE, json!({"times": 9, "answer": {"status": 422, "body": too_long}}));
    assert_eq!(Caller::workflow().keep(&github, &changes(4)).await, Err(Refusal::TooLong));
    assert_eq!(bodies(&github.comments()), [comment.forms[2].as_str()]);
}

#[tokio::test]
async fn limits_are_waited_out() {
    let mut github = GitHub::start();
    let limited = |status: u16, headers: Value| {
        let body = json!({"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."});
        json!({"answer": {"status": status, "headers": headers, "body": body}})
    };
    let reset = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() + 1;
    github.fault(LIST, limited(429, json!({"retry-after": "1"})));
    github.fault(CREATE, limited(403, json!({"retry-after": "1"})));
    github.fault(CREATE, limited(403, json!({"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset.to_string()})));
    let began = Instant::now();
    assert!(matches!(Caller::workflow().keep(&github, &changes(1)).await, Ok(Kept::Made(_))));
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(github.asked(), [LIST, LIST, CREATE, CREATE, CREATE, LIST]);
    assert_eq!(github.comments().len(), 1);
}

#[tokio::test]
async fn a_limit_that_lasts_is_not_waited_for() {
    let mut github = GitHub::start();
    let began = Instant::now();
    let body = json!({"message": "You have exceeded a secondary rate limit."});
    github.fault(LIST, json!({"answer": {"status": 403, "body": body}}));
    let kept = Caller::workflow().keep(&github, &changes(1)).await;
    assert_eq!(kept, Err(Refusal::Limited(Duration::from_secs(60))), "GitHub does not say how long, so a minute");
    github.fault(LIST, json!({"answer": {"status": 429, "headers": {"retry-after": "3600"}, "body": body}}));
    let kept = Caller::workflow().keep(&github, &changes(1)).await;
    assert_eq!(kept, Err(Refusal::Limited(Duration::from_secs(3600))));
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(github.asked(), [LIST, LIST]);
}

#[tokio::test]
async fn a_comment_whose_answer_is_lost_is_not_sent_twice() {
    let lost = [
        json!({"lose": true}),
        json!({"then": {"status": 502, "body": "<html>Bad Gateway</html>"}}),
        json!({"then": {"status": 201, "body": "<html>"}}),
        json!({"delay": 60_000}),
    ];
    for fault in lost {
        let mut github = GitHub::start();
        github.fault(CREATE, fault.clone());
        let caller = Caller { request: Duration::from_secs(3), ..Caller::workflow() };
        let kept = caller.keep(&github, &changes(1)).await;
        assert!(matches!(kept, Ok(Kept::Made(_))), "{fault}: {kept:?}");
        assert_eq!(github.asked(), [LIST, CREATE, LIST], "{fault}");
        assert_eq!(bodies(&github.comments()), [form(&changes(1))], "{fault}");
    }
}

#[tokio::test]
async fn a_comment_that_did_not_arrive_is_sent_once_more() {
    for fault in [json!({"drop": true}), json!({"answer": {"status": 503, "body": ""}})] {
        let mut github = GitHub::start();
        github.fault(CREATE, fault.clone());
        assert!(matches!(Caller::workflow().keep(&github, &changes(1)).await, Ok(Kept::Made(_))), "{fault}");
        assert_eq!(github.asked(), [LIST, CREATE, LIST, CREATE, LIST], "{fault}");
        assert_eq!(github.comments().len(), 1);
    }
    let mut github = GitHub::start();
    github.fault(CREATE, json!({"drop": true, "times": 9}));
    let kept = Caller::workflow().keep(&github, &changes(1)).await;
    assert!(matches!(kept, Err(Refusal::Unanswered(_))), "{kept:?}");
    assert_eq!(github.asked(), [LIST, CREATE, LIST, CREATE, LIST]);
}

#[tokio::test]
async fn what_can_be_repeated_is_repeated() {
    let mut github = GitHub::start();
    github.seed(json!({}), form(&changes(1)));
    github.fault(LIST, json!({"answer": {"status": 500, "body": ""}}));
    github.fault(UPDATE, json!({"lose": true}));
    assert!(matches!(Caller::workflow().keep(&github, &changes(2)).await, Ok(Kept::Changed(_))));
    assert_eq!(github.asked(), [LIST, LIST, UPDATE, UPDATE]);
    assert_eq!(bodies(&github.comments()), [form(&changes(2))]);
}

#[tokio::test]
async fn a_server_that_hangs_or_is_gone_is_given_up() {
    let mut github = GitHub::start();
    github.fault(LIST, json!({"delay": 60_000, "times": 9}));
    let hasty = Caller { patience: Duration::from_secs(2), ..Caller::workflow() };
    let began = Instant::now();
    assert_eq!(hasty.keep(&github, &changes(1)).await, Err(Refusal::Unanswered("it did not answer in time".into())));
    assert!(began.elapsed() < Duration::from_secs(10));
    github.api_url = "http://127.0.0.1:1".into();
    let kept = hasty.keep(&github, &changes(1)).await;
    assert!(matches!(&kept, Err(Refusal::Unanswered(why)) if why.contains("refused")), "{kept:?}");
}

#[tokio::test]
async fn a_moved_repository_is_followed_and_another_host_is_not() {
    let mut github = GitHub::start();
    let moved = format!("{}/repositories/1296269/issues/5/comments", github.api_url);
    github.fault(LIST, json!({"move": format!("{moved}?per_page=100&page=1"), "status": 301}));
    github.fault(CREATE, json!({"move": moved, "status": 307}));
    assert!(matches!(Caller::workflow().keep(&github, &changes(1)).await, Ok(Kept::Made(_))));
    assert_eq!(github.asked(), [LIST, LIST, CREATE, CREATE, LIST]);

    let mut elsewhere = GitHub::start();
    for (on, status) in [(LIST, 301), (LIST, 302), (LIST, 307), (LIST, 308)] {
        github.fault(
            on,
            json!({"move": format!("{}/repos/owner/name/issues/5/comments", elsewhere.api_url), "status": status}),
        );
        assert_eq!(Caller::workflow().keep(&github, &changes(2)).await, Err(Refusal::Elsewhere), "{status}");
    }
    github.fault(UPDATE, json!({"move": format!("{}/x", elsewhere.api_url)}));
    assert_eq!(Caller::workflow().keep(&github, &changes(2)).await, Err(Refusal::Elsewhere));
    github.fault(LIST, json!({"move": moved.replace("page=1", "page=2"), "times": 99}));
    assert_eq!(Caller::workflow().keep(&github, &changes(2)).await, Err(Refusal::Elsewhere), "in circles");
    assert_eq!(elsewhere.asked(), [""; 0]);
}

#[tokio::test]
async fn an_enterprise_server_is_called_below_its_path() {
    let mut github = GitHub::enterprise();
    let caller = Caller::workflow();
    assert!(github.api_url.ends_with("/api/v3"));
    assert!(matches!(caller.keep(&github, &changes(1)).await, Ok(Kept::Made(_))));
    github.fault(LIST, json!({"move": "/api/v3/repositories/1296269/issues/5/comments", "status": 301}));
    assert!(matches!(caller.keep(&github, &changes(2)).await, Ok(Kept::Changed(_))));
    github.fault(LIST, json!({"move": "/login", "status": 302}));
    assert_eq!(caller.keep(&github, &changes(2)).await, Err(Refusal::Elsewhere));
    github.api_url += "/";
    assert!(matches!(caller.keep(&github, &changes(2)).await, Ok(Kept::Left(_))));
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::create(directory.path()).expect("an authority");
    let server = authority.server("github").expect("a certificate");
    let (key, certificate) = (directory.path().join("key"), directory.path().join("certificate"));
    std::fs::write(&key, server.key).expect("written");
    std::fs::write(&certificate, server.certificate).expect("written");
    let mut github = GitHub::enterprise_with_tls(&key, &certificate);
    let kept = Caller::workflow().keep(&github, &changes(1)).await;
    assert!(matches!(kept, Err(Refusal::Untrusted(_))), "{kept:?}");
    let bundle = std::fs::read_to_string(directory.path().join("ca.crt")).expect("a bundle");
    let caller = Caller { ca_bundle: Some(bundle), ..Caller::workflow() };
    assert!(matches!(caller.keep(&github, &changes(1)).await, Ok(Kept::Made(_))));
    assert_eq!(github.asked(), [LIST, CREATE, LIST]);
}

#[tokio::test]
async fn two_runs_at_once_leave_one_comment_for_one_key_and_two_for_two() {
    let mut github = GitHub::start();
    github.fault(LIST, json!({"barrier": 2, "times": 2}));
    let (one, other) = (changes(1), changes(2));
    let (caller, another) = (Caller::workflow(), Caller::workflow());
    let kept = tokio::join!(caller.keep(&github, &one), another.keep(&github, &other));
    assert!(kept.0.is_ok() && kept.1.is_ok(), "{kept:?}");
    assert_eq!(github.asked().iter().filter(|asked| *asked == CREATE).count(), 2, "both saw none");
    assert_eq!(github.comments().len(), 1);

    let mut github = GitHub::start();
    github.fault(LIST, json!({"barrier": 2, "times": 2}));
    let staging = comment_of(1, "owner/name//.//staging in kind");
    let prod = comment_of(1, "owner/name//.//prod in kind");
    let kept = tokio::join!(caller.keep(&github, &staging), another.keep(&github, &prod));
    assert!(matches!(kept, (Ok(Kept::Made(_)), Ok(Kept::Made(_)))), "{kept:?}");
    let comments = github.comments();
    assert_eq!(comments.len(), 2);
    assert!([&staging, &prod].iter().all(|comment| bodies(&comments).contains(&form(comment))));
    assert!(!github.asked().contains(&DELETE.to_owned()));
}

#[tokio::test]
async fn what_a_killed_run_left_twice_is_one_again() {
    let mut github = GitHub::start();
    let first = github.seed(json!({}), form(&changes(1)));
    let theirs = github.seed(json!({"login": "mallory", "id": 666, "type": "User"}), form(&changes(1)));
    github.seed(json!({}), form(&changes(2)));
    assert!(matches!(Caller::workflow().keep(&github, &changes(3)).await, Ok(Kept::Changed(_))));
    assert_eq!(github.comments().iter().map(|comment| comment.id).collect::<Vec<_>>(), [first, theirs]);
    assert_eq!(github.comments()[0].body, form(&changes(3)));
}

#[tokio::test]
async fn a_comment_that_is_deleted_meanwhile_is_made_anew() {
    let mut github = GitHub::start();
    github.seed(json!({}), form(&changes(1)));
    let gone = json!({"message": "Not Found", "documentation_url": "x", "status": "404"});
    github.fault(UPDATE, json!({"answer": {"status": 404, "body": gone}}));
    let kept = Caller::workflow().keep(&github, &changes(2)).await;
    assert!(kept.is_ok(), "{kept:?}");
    assert_eq!(bodies(&github.comments()), [form(&changes(2))]);
}

#[test]
fn a_token_or_an_address_that_is_none_is_a_warning() {
    let place = || Place::new("owner/name", 5).expect("a place");
    let token = Secret::new("ghs_x");
    fn access<'a>(api_url: &'a str, token: &'a Secret) -> Access<'a> {
        Access {
            api_url,
            graphql_url: None,
            token,
            ca_bundle: None,
            deadline: Instant::now() + Duration::from_secs(1),
            request: Duration::from_secs(1),
        }
    }
    for text in ["", "a b", "a\nb", "ä"] {
        let token = Secret::new(text);
        let problem = Client::new(&access("https://api.github.com", &token), place()).err().expect("refused");
        assert_eq!(problem.kind, "github-token-invalid");
    }
    for url in ["", "api.github.com", "file:///x", "https://"] {
        let problem = Client::new(&access(url, &token), place()).err().expect("refused");
        assert!(problem.message.contains("GITHUB_API_URL") && !problem.is_error(), "{problem:?}");
    }
}
