//! Needs the test bed.
//!
//! A run's comment on its pull request: when there is one, what it says, and that it fails nothing and leaks nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::cluster::{Namespace, bed};
use support::github::{GitHub, WORKFLOW_TOKEN};
use support::{Checkout, Run, assert_no_leak};

const OBJECTS: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData:
  PASSWORD: ${PASSWORD}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  LEVEL: ${LEVEL}
";
const PASSWORD: &str = "p@ss/w\"ord%canary'1";
const CANARIES: [&str; 2] = [PASSWORD, WORKFLOW_TOKEN];
const CREATE: &str = "issues/create-comment";
const LIST: &str = "issues/list-comments";
const UPDATE: &str = "issues/update-comment";

struct Scene {
    namespace: Namespace,
    checkout: Checkout,
    github: GitHub,
}

impl Scene {
    fn new() -> Self {
        Self::of(OBJECTS, OBJECTS)
    }

    fn of(template: &str, base: &str) -> Self {
        let checkout = Checkout::with(template, base);
        checkout.commit();
        Self { namespace: Namespace::new(), checkout, github: GitHub::start() }
    }

    /// The action on this event, as the runner starts it.
    fn on(&self, event: &str, payload: &Value, more: &[(&str, &str)]) -> Run {
        let kubeconfig = fs::read_to_string(self.namespace.kubeconfig()).expect("a file");
        let inputs = [
            ("command", "apply"),
            ("environment", "demo"),
            ("kubeconfig", kubeconfig.as_str()),
            ("nonsensitive", "LEVEL"),
            ("github-token", WORKFLOW_TOKEN),
        ];
        let given: Vec<(&str, &str)> =
            inputs.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| name != other)).collect();
        let run = self.checkout.action(&[given.as_slice(), more].concat());
        run.event(event, &self.checkout.head(), payload).env("PATH", &bed("PATH")).envs(&[
            ("GITHUB_API_URL", &self.github.api_url),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_RUN_ID", "42"),
            ("PASSWORD", PASSWORD),
            ("LEVEL", "verbose"),
        ])
    }

    fn on_pull_request(&self, more: &[(&str, &str)]) -> Run {
        self.on("pull_request", &self.pull_request(), &[more, &[("dry-run", "true")]].concat())
    }

    fn pull_request(&self) -> Value {
        let repository = json!({"id": 1, "full_name": "owner/name", "fork": false});
        json!({
            "action": "synchronize",
            "number": 5,
            "repository": repository,
            "pull_request": {
                "number": 5,
                "head": {"sha": self.checkout.head(), "ref": "topic", "repo": repository},
                "base": {"sha": "2".repeat(40), "ref": "main", "repo": repository},
            },
        })
    }

    fn on_push(&self, more: &[(&str, &str)]) -> Run {
        let payload = json!({"ref": "refs/heads/main", "repository": {"id": 1, "full_name": "owner/name"}});
        self.on("push", &payload, more)
    }

    /// The only comment there is; no sink and no comment holds a canary.
    #[track_caller]
    fn comment(&mut self) -> String {
        let comments = self.github.comments();
        assert_eq!(comments.len(), 1, "{comments:?}");
        assert_no_leak("comment", comments[0].body.as_bytes(), &CANARIES);
        comments[0].body.clone()
    }
}

#[test]
fn a_pull_request_is_told_what_would_change_until_nothing_would() {
    let mut scene = Scene::new();
    let ended = scene.on_pull_request(&[]).run().done().leaks_nothing(&CANARIES);
    assert!(ended.stdout.contains("comment made: https://github.example/owner/name/pull/5#issuecomment-"), "{ended:?}");
    let comment = scene.comment();
    for words in [
        "✅ **Dry run of apply demo: 2 objects would be added; nothing was written.**",
        "<code>Secret app</code>",
        "| <code>PASSWORD</code> | added |  | environment |",
        "[summary of the run](https://github.com/owner/name/actions/runs/42)",
    ] {
        assert!(comment.contains(words), "{words}: {comment}");
    }
    assert!(scene.checkout.summary().contains("Dry run of apply demo: 2 objects would be added"));

    scene.on_pull_request(&[]).env("GITHUB_RUN_ID", "43").run().done().said(&["comment left as it is: "]);
    assert_eq!(scene.comment(), comment, "another run with the same report");

    scene.on_push(&[]).run().done();
    assert_eq!(scene.github.asked(), [LIST, CREATE, LIST, LIST], "a push belongs to no pull request");

    scene.on_pull_request(&[]).run().done().said(&["comment changed: "]).leaks_nothing(&CANARIES);
    let quiet = scene.comment();
    let lines: Vec<&str> = quiet.trim_end().lines().collect();
    assert!(
        lines.len() == 2 && lines[1].starts_with("✅ **Dry run of apply demo: nothing would change.** <sub>"),
        "{quiet}"
    );
    scene.checkout.holds_nothing(&CANARIES, &[".runner/event.json"]);
}

#[test]
fn a_failed_run_says_so_and_a_mended_one_takes_it_back() {
    let mut scene = Scene::new();
    let mut run = scene.on_pull_request(&[]);
    run.environment.remove("PASSWORD");
    run.run().failed(1, &["comment made: ", "`PASSWORD`"]).leaks_nothing(&CANARIES);
    let comment = scene.comment();
    assert!(comment.contains("❌ **Apply of demo failed at render") && comment.contains("PASSWORD"), "{comment}");
    scene.on_pull_request(&[]).run().done();
    assert!(!scene.comment().contains('❌'));
    assert_eq!(scene.github.asked(), [LIST, CREATE, LIST, LIST, UPDATE]);
}

#[test]
fn each_environment_of_a_matrix_has_its_comment() {
    let mut scene = Scene::new();
    scene.github.fault(LIST, json!({"barrier": 2, "times": 2}));
    scene.checkout.write("template.yml", OBJECTS.as_bytes());
    let inputs = |environment| [("environment", environment), ("template", "template.yml"), ("overlay", "none")];
    let started = ["staging", "prod"].map(|environment| {
        let run = scene.on_pull_request(&inputs(environment));
        run.start().feed(b"")
    });
    for run in started {
        run.wait().done();
    }
    let comments = scene.github.comments();
    assert_eq!(comments.len(), 2);
    for environment in ["staging", "prod"] {
        let told =
            comments.iter().filter(|comment| comment.body.contains(&format!("Dry run of apply {environment}: ")));
        assert_eq!(told.count(), 1, "{environment}");
    }
    scene.on_pull_request(&[&inputs("staging")[..], &[("comment-key", "mine")]].concat()).run().done();
    scene.on_pull_request(&inputs("staging")).run().done();
    assert_eq!(scene.github.comments().len(), 3, "a key of one's own is another comment");
}

#[test]
fn a_token_that_may_not_comment_fails_nothing_and_says_what_to_add() {
    let mut scene = Scene::new();
    let bot = json!({"login": "github-actions[bot]", "id": 41898282, "type": "Bot"});
    scene.github.token("ghs_reader-canary-0123", json!({"user": bot, "app": true, "can": "read"}));
    let reader = [("github-token", "ghs_reader-canary-0123")];
    let ended = scene.on_pull_request(&reader).run().done().leaks_nothing(&["ghs_reader-canary-0123"]);
    let notice = "::notice title=comment-read-only::pull request #5 got no comment: the token may not write one";
    assert!(ended.stdout.contains(notice) && ended.stdout.contains("%0A            pull-requests: write"), "{ended:?}");
    assert!(scene.checkout.summary().contains("pull-requests: write"), "{}", scene.checkout.summary());
    assert!(!ended.stdout.contains("::warning") && !ended.stdout.contains("::error"), "{ended:?}");
    assert_eq!(scene.github.comments(), []);
}

#[test]
fn the_inputs_decide_whether_there_is_a_comment() {
    let mut scene = Scene::new();
    scene.on_pull_request(&[("comment", "never")]).run().done();
    scene.on_pull_request(&[("github-token", "")]).run().done();
    scene.on_push(&[("dry-run", "true")]).run().done();
    scene.on("pull_request", &scene.pull_request(), &[]).run().done();
    assert_eq!(scene.github.asked(), [""; 0], "what was applied is told where that is asked for");
    let ended = scene.on_push(&[("comment", "always")]).run().done();
    assert!(ended.stdout.contains("::notice title=comment-without-pull-request::"), "{ended:?}");
    let ended = scene.on_pull_request(&[("comment", "always"), ("github-token", "")]).run().done();
    assert!(ended.stdout.contains("there is no comment without a token"), "{ended:?}");
    assert_eq!(scene.github.asked(), [""; 0]);
    // Nothing changes, and there is no comment to put right.
    scene.on_pull_request(&[]).run().done();
    assert_eq!(scene.github.comments(), []);
    scene.on("pull_request", &scene.pull_request(), &[("comment", "always")]).run().done();
    assert!(scene.comment().contains("✅ **Nothing to apply: "));
}

#[test]
fn a_comment_that_fails_does_not_fail_the_deployment() {
    let mut scene = Scene::new();
    let always = [("comment", "always")];
    let run = scene.on("pull_request", &scene.pull_request(), &always);
    scene.github.fault(
        LIST,
        json!({"answer": {"status": 429, "headers": {"retry-after": "3600"}, "body": {"message": "Slow down"}}}),
    );
    let ended = run.run().done().leaks_nothing(&CANARIES);
    assert!(
        ended
            .stdout
            .contains("::warning title=comment-failed::pull request #5 got no comment: GitHub asks to wait 3600 s"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("Applied demo: 2 objects added"), "{ended:?}");
    assert_eq!(scene.namespace.value("secret/app", "PASSWORD"), PASSWORD);
    for (name, value) in [
        ("GITHUB_API_URL", "http://127.0.0.1:1"),
        ("GITHUB_API_URL", "nowhere"),
        ("INPUT_CA-BUNDLE", "no-such-file.pem"),
        ("INPUT_CA-BUNDLE", "-----BEGIN CERTIFICATE-----"),
        ("INPUT_GITHUB-TOKEN", "two words"),
    ] {
        let run = scene.on("pull_request", &scene.pull_request(), &always).env(name, value);
        let ended = run.run().done().leaks_nothing(&[PASSWORD]);
        assert_eq!(ended.stdout.matches("::warning title=").count(), 1, "{name}: {ended:?}");
    }
}

#[test]
fn a_job_that_is_cancelled_while_it_comments_ends_at_once() {
    let mut scene = Scene::new();
    scene.github.fault(LIST, json!({"delay": 60_000, "times": 9}));
    let started = scene.on_pull_request(&[]).start().feed(b"");
    let began = Instant::now();
    while scene.github.asked().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not comment");
        std::thread::sleep(Duration::from_millis(50));
    }
    started.signal("TERM");
    let cancelled = Instant::now();
    let ended = started.wait();
    assert!(cancelled.elapsed() < Duration::from_secs(5), "{:?}", cancelled.elapsed());
    ended.done().said(&["stopped by SIGTERM while commenting"]);
}

#[test]
fn a_step_that_runs_the_program_comments_with_a_token_of_its_own() {
    let mut scene = Scene::new();
    let mut run = scene.on_pull_request(&[]);
    run.environment.retain(|name, _| !name.starts_with("INPUT_"));
    run.arguments = ["apply", "demo", "--dry-run"].map(str::to_owned).into();
    let run = run.env("KUBECONFIG", &scene.namespace.kubeconfig());
    run.clone().env("GITHUB_TOKEN", WORKFLOW_TOKEN).env("GH_TOKEN", WORKFLOW_TOKEN).run().done();
    assert_eq!(scene.github.asked(), [""; 0], "no token is taken that was not given");
    run.env("SECRET_PATCH_GITHUB_TOKEN", WORKFLOW_TOKEN).run().done().leaks_nothing(&CANARIES);
    assert!(scene.comment().contains("Dry run of apply demo: 2 objects would be added"));
}

/// `changed` keys in objects of ten, one ConfigMap among them, and a Deployment that uses the first Secret.
fn many(changed: usize) -> (String, Vec<String>) {
    let names: Vec<String> = (0..changed).map(|number| format!("KEY_{number:03}")).collect();
    let mut template = OBJECTS.to_owned();
    for (number, names) in names.chunks(10).enumerate() {
        template += &format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: app-{number:02}}}\nstringData:\n");
        names.iter().for_each(|name| template += &format!("  {name}: ${{{name}}}\n"));
    }
    (template, names)
}

const WORKLOAD: &str = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: api, envFrom: [{secretRef: {name: app-00}}]}]}
";

/// With `PICTURES`, a directory, comment and summary are put there: `just pictures` draws them.
#[test]
fn it_reads_well_at_every_size() {
    for (changed, said) in [
        (1, "An apply of demo would change 2 objects (2 keys) and restart 1 workload; 2 objects are unchanged"),
        (20, "An apply of demo would change 3 objects (21 keys) and restart 1 workload; 2 objects are unchanged"),
        (500, "An apply of demo would change 51 objects (501 keys) and restart 1 workload; 2 objects are unchanged"),
    ] {
        let (template, names) = many(changed);
        let mut scene = Scene::of(&template, &format!("{template}{WORKLOAD}"));
        let values = |which: &str| {
            names.iter().map(|name| (name.clone(), format!("{which}-value-of-{name}"))).collect::<Vec<_>>()
        };
        let with = |mut run: Run, which: &str| {
            run.environment.extend(values(which));
            run
        };
        with(scene.on_push(&[]), "former").env("LEVEL", "info").run().done();
        let diff = with(scene.on("pull_request", &scene.pull_request(), &[("command", "diff")]), "later");
        let canaries = [values("former"), values("later")].concat();
        let canaries: Vec<&str> = canaries.iter().map(|(_, value)| value.as_str()).chain(CANARIES).collect();
        diff.run().done().leaks_nothing(&canaries).said(&["comment made: "]);
        let (comment, summary) = (scene.comment(), scene.checkout.summary());
        if let Ok(directory) = std::env::var("PICTURES") {
            fs::write(format!("{directory}/comment-{changed}.md"), &comment).expect("written");
            fs::write(format!("{directory}/summary-{changed}.md"), &summary).expect("written");
        }
        assert_no_leak("comment", comment.as_bytes(), &canaries);
        assert_no_leak("summary", summary.as_bytes(), &canaries);
        for text in [&comment, &summary] {
            let sentence = text.lines().find(|line| line.contains("**")).expect("a sentence");
            assert!(sentence.contains(said), "{sentence}");
            assert_eq!(text.matches("<details").count(), text.matches("</details>").count(), "{text}");
            assert!(names.iter().all(|name| text.contains(name.as_str())), "{text}");
            assert!(text.contains("<code>info</code> → <code>verbose</code>"), "{text}");
        }
        assert!(comment.len() < 65_536, "{}", comment.len());
    }
}
