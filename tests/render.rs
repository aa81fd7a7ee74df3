//! `render` from outside: what is read, what is written and where, what is said, and that no value leaks.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Checkout, Ended, Run, assert_no_leak};

const PATCH: &str = "config/demo-secret-config-patch.yml";
const TEMPLATE_PATH: &str = "config/demo-config-secret.example.yml";

/// Values that must not turn up anywhere but in the patch.
const KEY: &str = "k-7f3a9c \"quoted\" #no-comment: %41 $HOME \\n é";
const WORD: &str = "p4ssw0rd-8d1e77aa";
const CANARIES: [&str; 2] = [KEY, WORD];

const TEMPLATE: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: app-secrets # stays
stringData:
  API_KEY: ${API_KEY}
  DSN: \"postgres://app:${DB_PASSWORD}@db/app\"
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: app-config
data:
  LOG_LEVEL: ${LOG_LEVEL:-info}
";

const FILLED: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: app-secrets # stays
stringData:
  API_KEY: \"k-7f3a9c \\\"quoted\\\" #no-comment: %41 $HOME \\\\n é\"
  DSN: \"postgres://app:p4ssw0rd-8d1e77aa@db/app\"
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: app-config
data:
  LOG_LEVEL: \"info\"
";

/// A checkout with the layout in `root`, such as `docker/k8/`.
fn layout(root: &str) -> Checkout {
    Checkout::empty()
        .file(&format!("{root}{TEMPLATE_PATH}"), TEMPLATE)
        .file(&format!("{root}apps/base/all.yml"), "")
        .file(&format!("{root}apps/overlays/demo/kustomization.yml"), "")
        .file(".gitignore", "*-secret-config-patch.yml\n.env.k8s.*\n")
}

/// One template in the usual layout.
fn template(text: &str) -> Checkout {
    layout("").file(TEMPLATE_PATH, text)
}

trait WithValues {
    fn with_values(self) -> Self;
    fn ends(&self) -> Ended;
}

impl WithValues for Run {
    fn with_values(self) -> Self {
        self.env("API_KEY", KEY).env("DB_PASSWORD", WORD)
    }

    /// Every run of this file ends by itself, without a panic, and shows no value.
    #[track_caller]
    fn ends(&self) -> Ended {
        let ended = self.run();
        assert!(matches!(ended.code, Some(0..=2)), "{ended:?}");
        assert!(!format!("{ended:?}").contains("panicked"), "{ended:?}");
        ended.leaks_nothing(&CANARIES)
    }
}

// --- what is read

#[test]
fn the_layout_is_found_in_each_of_its_places() {
    for root in ["docker/k8/", "k8s/", "deploy/", ""] {
        let checkout = layout(root);
        let ended = checkout.program(&["render", "demo"]).with_values().ends().done();
        assert_eq!(ended.stderr, "", "{root}");
        assert!(
            ended.stdout.ends_with(&format!("Rendered demo: 3 values in 2 objects, written to {root}{PATCH}.\n")),
            "{ended:?}"
        );
        assert_eq!(checkout.read(&format!("{root}{PATCH}")), FILLED);
        checkout.holds_nothing(&CANARIES, &[&format!("{root}{PATCH}")]);
    }
}

#[test]
fn the_first_place_that_holds_config_and_apps_wins() {
    let checkout = layout("deploy/").file("k8s/config/x", "").file("config/x", "").file("apps/x", "");
    checkout.program(&["render", "demo"]).with_values().ends().done();
    assert!(checkout.exists(&format!("deploy/{PATCH}")));
    let ended = checkout.program(&["render", "demo", "--root", "."]).with_values().ends();
    ended.failed(1, &["there is no environment `demo` in `.`"]);
}

#[test]
fn every_path_can_be_given() {
    let checkout = layout("elsewhere/")
        .file("t/b.yml", "b: ${API_KEY}\n")
        .file("t/a.yaml", "a: 1\n")
        .file("t/skip.txt", "x: ${NO}\n");
    checkout.write("t/deeper/c.yml", b"c: ${NO}\n");
    checkout.program(&["render", "demo", "--root", "elsewhere"]).with_values().ends().done();
    assert_eq!(checkout.read(&format!("elsewhere/{PATCH}")), FILLED);

    let given = ["render", "anything", "--template", "t/b.yml", "--template", "t", "-o", "out-secret-config-patch.yml"];
    checkout.program(&given).env("API_KEY", "v").ends().done();
    assert_eq!(checkout.read("out-secret-config-patch.yml"), "b: \"v\"\n---\na: 1\n---\nb: \"v\"\n");

    let absolute = checkout.path().join("t/b.yml").display().to_string();
    let listed = ["render", "x", "--template", &format!("{absolute},t/a.yaml"), "--output=out-secret-config-patch.yml"];
    checkout.program(&listed).env("API_KEY", "w").ends().done();
    assert_eq!(checkout.read("out-secret-config-patch.yml"), "b: \"w\"\n---\na: 1\n");
}

#[test]
fn rendering_needs_no_overlay() {
    let checkout = Checkout::empty()
        .file("config/demo-config-secret.example.yml", TEMPLATE)
        .file("apps/base/x.yml", "")
        .file(".gitignore", "*-secret-config-patch.yml\n");
    checkout.program(&["render", "demo"]).with_values().ends().done();
    assert_eq!(checkout.read(PATCH), FILLED);
    let bare = Checkout::empty().file("all.yml", "a: ${A}\n");
    let ended = bare.program(&["render", "demo", "--template", "all.yml", "-o", "-"]).env("A", "1").ends().done();
    assert_eq!(ended.stdout, "a: 1\n");
    bare.program(&["render", "demo", "--template", "all.yml"])
        .env("A", "1")
        .ends()
        .failed(2, &["no-output", "`--output`"]);
}

#[test]
fn the_only_template_serves_another_overlay_with_a_notice() {
    let checkout = layout("").file("apps/overlays/prod/kustomization.yml", "");
    let ended = checkout.program(&["render", "prod"]).with_values().ends().done();
    assert_eq!(
        ended.stderr,
        "notice[only-template]: `config/prod-config-secret.example.yml` does not exist: `config/demo-config-secret.example.yml`, the only template, serves for `prod`\n"
    );
    assert_eq!(checkout.read("config/prod-secret-config-patch.yml"), FILLED);
}

#[test]
fn stdin_becomes_stdout_and_nothing_else_is_on_it() {
    let checkout = Checkout::empty();
    let run = checkout.program(&["render", "demo", "--template", "-", "-o", "-"]).with_values().stdin(TEMPLATE);
    let ended = run.run().done();
    assert_eq!(ended.stdout, FILLED);
    assert_no_leak("stderr", ended.stderr.as_bytes(), &CANARIES);
    assert!(ended.stderr.ends_with("Rendered demo: 3 values in 2 objects.\n"), "{}", ended.stderr);
    checkout.holds_nothing(&CANARIES, &[]);
    let failed = run.clone().stdin("a: ${NONE}\n").ends().failed(1, &["--> -:1:4", "`NONE` is not set"]);
    assert_eq!(failed.stdout, "");
}

#[test]
fn a_template_keeps_its_bytes_around_what_is_filled() {
    for (text, filled) in [
        ("a: ${A}\r\nb: x # c\r\n", "a: \"v\"\r\nb: x # c\r\n"),
        ("\u{feff}a: ${A}\n", "\u{feff}a: \"v\"\n"),
        ("a:   '${A}'", "a:   \"v\""),
        ("# ${A} in a comment\na: &x \"${A}\"\nb: *x\n", "# ${A} in a comment\na: &x \"v\"\nb: *x\n"),
        ("a: |\n  one ${A}\n  # ${A} is text here\n", "a: |\n  one v\n  # v is text here\n"),
        ("{\"a\": \"${A}\",\t\"b\": [1, \"x${A}y\"]}", "{\"a\": \"v\",\t\"b\": [1, \"xvy\"]}"),
        ("", ""),
        ("# nothing\n", "# nothing\n"),
        ("a: $${A} $A_B ${x%y} $(A)\n", "a: \"${A} $A_B ${x%y} $(A)\"\n"),
    ] {
        let checkout = template(text);
        checkout.program(&["render", "demo"]).env("A", "v").ends().done();
        assert_eq!(checkout.read(PATCH), filled, "{text:?}");
    }
}

#[test]
fn json_and_lists_are_templates_too() {
    let checkout = Checkout::empty().file(".gitignore", "*.out\n").file(
        "all.json",
        r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"K":"${API_KEY}"}}]}"#,
    );
    let ended = checkout.program(&["render", "x", "--template", "all.json", "-o", "p.out"]).with_values().ends().done();
    assert!(ended.stdout.starts_with("Secret s\n  K  API_KEY (environment)\n"), "{ended:?}");
    let patch: serde_json::Value = serde_json::from_str(&checkout.read("p.out")).expect("JSON");
    assert_eq!(patch["items"][0]["stringData"]["K"], KEY);
}

#[test]
fn values_are_read_from_each_source() {
    let checkout = template("a: ${FROM_ENV}\nb: ${FROM_SECRETS}\nc: ${FROM_VARS}\nd: ${FROM_FILE}\n")
        .file("x.env", "export FROM_FILE='d # 4'\nUNUSED=1\n");
    let run = checkout.program(&["render", "demo", "--env-file", "x.env", "--format", "json"]);
    let run =
        run.env("FROM_ENV", "1e3x").env("SECRET_PATCH_SECRETS", r#"{"FROM_SECRETS": "two\nlines", "UNUSED": "u"}"#);
    let ended = run.env("SECRET_PATCH_VARS", r#"{"FROM_VARS": "three"}"#).ends().done();
    assert_eq!(checkout.read(PATCH), "a: \"1e3x\"\nb: \"two\\nlines\"\nc: \"three\"\nd: \"d # 4\"\n");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let values: Vec<String> = report["values"].as_array().expect("a list").iter().map(ToString::to_string).collect();
    assert_eq!(
        values,
        [
            r#"{"name":"FROM_ENV","source":"environment","sensitive":true}"#,
            r#"{"name":"FROM_FILE","source":"env-file","sensitive":true}"#,
            r#"{"name":"FROM_SECRETS","source":"secrets","sensitive":true}"#,
            r#"{"name":"FROM_VARS","source":"vars","sensitive":false}"#,
        ]
    );
    // A value as an argument works, with a warning that every process sees it.
    let seen = checkout.program(&[
        "render",
        "demo",
        "--vars",
        "{}",
        "--secrets",
        r#"{"FROM_ENV":"p4ssw0rd-8d1e77aa","FROM_SECRETS":"x","FROM_VARS":"y","FROM_FILE":"z"}"#,
    ]);
    seen.ends().done().said(&["warning[visible-argument]", "`SECRET_PATCH_SECRETS`"]);
}

// --- env files

#[test]
fn the_default_env_file_is_read_only_where_git_ignores_it() {
    let checkout = layout("").file(".env.k8s.demo", &format!("API_KEY='{}'\nDB_PASSWORD={WORD}\n", "from the file"));
    checkout.program(&["render", "demo"]).ends().done();
    assert!(checkout.read(PATCH).contains("API_KEY: \"from the file\""));

    let checkout = checkout.file(".gitignore", "*-secret-config-patch.yml\n");
    let ended = checkout.program(&["render", "demo"]).ends();
    ended.failed(
        1,
        &[
            "warning[env-file-not-ignored]: `.env.k8s.demo` is not read",
            "`--env-file .env.k8s.demo`",
            "`API_KEY` is not set",
        ],
    );
    checkout.program(&["render", "demo", "--env-file", ".env.k8s.demo"]).ends().done();
}

#[test]
fn under_actions_the_default_env_file_is_not_read() {
    let checkout = layout("").file(".env.k8s.demo", &format!("API_KEY=x\nDB_PASSWORD={WORD}\n"));
    let step = checkout.program(&["render", "demo"]).env("GITHUB_ACTIONS", "true");
    step.ends().failed(1, &["`API_KEY` is not set", "`DB_PASSWORD` is not set"]);
    let action = checkout.action(&[("command", "render"), ("environment", "demo")]);
    action.ends().failed(1, &["`API_KEY` is not set", "`DB_PASSWORD` is not set"]);
}

#[test]
fn an_env_file_may_be_a_pipe_or_stdin() {
    let checkout = layout("");
    let lines = format!("API_KEY=piped\nDB_PASSWORD={WORD}\n");
    checkout.program(&["render", "demo", "--env-file", "-"]).stdin(&lines).ends().done();
    assert!(checkout.read(PATCH).contains("API_KEY: \"piped\""));
    // As a shell does for `<(sops -d …)`.
    let script = format!(
        "exec '{}' render demo --env-file <(printf 'API_KEY=substituted\\nDB_PASSWORD={WORD}\\n')",
        env!("CARGO_BIN_EXE_secret-patch")
    );
    let done =
        Command::new("bash").args(["-c", &script]).env_clear().current_dir(checkout.path()).output().expect("bash");
    assert!(done.status.success(), "{done:?}");
    assert!(checkout.read(PATCH).contains("API_KEY: \"substituted\""));
    checkout.program(&["render", "demo", "--env-file", "-", "--template", "-"]).ends().failed(2, &["stdin-twice"]);
}

#[test]
fn a_broken_env_file_is_told_by_line_without_its_text() {
    let checkout = layout("").file("x.env", "API_KEY=\"p4ssw0rd-8d1e77aa\nB=1\nDB_PASSWORD\n");
    checkout.program(&["render", "demo", "--env-file", "x.env"]).ends().failed(1, &["x.env:1:"]);
    checkout.write("x.env", format!("{WORD}\nA=1\nA={WORD}\n").as_bytes());
    checkout.program(&["render", "demo", "--env-file", "x.env"]).ends().failed(1, &["x.env:1:", "x.env:3:"]);
    checkout
        .program(&["render", "demo", "--env-file", "none.env"])
        .ends()
        .failed(1, &["`none.env` does not exist", "help"]);
    checkout.program(&["render", "demo", "--env-file", "config"]).ends().failed(1, &["`config` is a directory"]);
}

/// Whoever waits for `sops` or a prompt can still stop the run.
#[test]
fn a_signal_ends_a_run_that_waits_for_its_input() {
    let checkout = layout("");
    for (round, name) in ["INT", "TERM", "INT", "TERM", "INT", "TERM"].iter().enumerate() {
        let mut started = checkout.program(&["render", "demo", "--env-file", "-"]).start();
        std::thread::sleep(Duration::from_millis(150));
        started.signal(name);
        let since = Instant::now();
        while !started.has_ended() {
            assert!(since.elapsed() < Duration::from_secs(5), "round {round}: SIG{name} did not end it");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

// --- where the patch goes

#[test]
fn the_patch_has_mode_0600_and_replaces_an_earlier_one_whole() {
    let checkout = layout("").file(PATCH, &"earlier and longer\n".repeat(1000));
    let path = checkout.path().join(PATCH);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("mode");
    checkout.program(&["render", "demo"]).with_values().ends().done();
    assert_eq!((checkout.mode(PATCH), checkout.read(PATCH).as_str()), (0o600, FILLED));
    let beside: Vec<_> = fs::read_dir(checkout.path().join("config")).expect("config").collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
}

#[test]
fn a_failed_run_leaves_the_earlier_patch_alone() {
    let checkout = layout("").file(PATCH, "earlier\n");
    checkout
        .program(&["render", "demo"])
        .ends()
        .failed(1, &["Render of demo failed at render: no secret patch was written."]);
    assert_eq!(checkout.read(PATCH), "earlier\n");
}

/// Renders to `output`, which must be refused with this kind and these words.
#[track_caller]
fn refused(checkout: &Checkout, output: &str, words: &[&str]) {
    let ended = checkout.program(&["render", "demo", "-o", output]).with_values().ends();
    let ended = ended.failed(1, words);
    assert!(ended.stderr.contains("help: "), "{ended:?}");
    checkout.holds_nothing(&CANARIES, &[]);
}

#[test]
fn a_patch_that_could_be_committed_is_refused() {
    let checkout = layout("").file(PATCH, "earlier\n");
    checkout.git(&["add", "-f", PATCH]);
    refused(&checkout, PATCH, &["error[tracked]", "git rm --cached"]);
    assert_eq!(checkout.read(PATCH), "earlier\n");

    let checkout = layout("").file(".gitignore", "other\n");
    refused(&checkout, PATCH, &["error[not-ignored]", "*-secret-config-patch.yml"]);
    let checkout = layout("").file("config/.gitignore", "!*.yml\n");
    refused(&checkout, PATCH, &["error[not-ignored]", "`!*.yml` takes back"]);
    // What one user's own configuration ignores, the next one commits.
    let checkout = layout("").file(".gitignore", "").file("mine", "*\n");
    checkout.git(&["config", "core.excludesFile", &checkout.path().join("mine").display().to_string()]);
    refused(&checkout, PATCH, &["error[not-ignored]"]);
}

#[test]
fn rules_may_stand_in_info_exclude_and_in_deeper_ignore_files() {
    let checkout = layout("").file(".gitignore", "").file(".git/info/exclude", "*-secret-config-patch.yml\n");
    checkout.program(&["render", "demo"]).with_values().ends().done();
    let checkout = layout("").file(".gitignore", "").file("config/.gitignore", "/*-secret-*.yml\n");
    checkout.program(&["render", "demo"]).with_values().ends().done();
    assert_eq!(checkout.read(PATCH), FILLED);
}

#[test]
fn a_worktree_follows_its_own_index_and_the_shared_rules() {
    let checkout = layout("").file(".gitignore", "").file(".git/info/exclude", "*-secret-config-patch.yml\n");
    checkout.commit();
    checkout.git(&["worktree", "add", "-q", "tree"]);
    let mut run = checkout.program(&["render", "demo"]).with_values();
    run.directory = checkout.path().join("tree");
    run.ends().done();
    assert_eq!(checkout.read(&format!("tree/{PATCH}")), FILLED);
    let add = Command::new("git").args(["add", "-f", PATCH]).current_dir(&run.directory).status().expect("git");
    assert!(add.success());
    run.ends().failed(1, &["error[tracked]"]);
}

#[test]
fn without_a_repository_a_notice_says_so() {
    let checkout = layout("");
    fs::remove_dir_all(checkout.path().join(".git")).expect("removed");
    let ended = checkout.program(&["render", "demo"]).with_values().ends().done();
    assert!(ended.stderr.starts_with("notice[no-git-repository]: "), "{ended:?}");
    assert_eq!((checkout.read(PATCH).as_str(), checkout.mode(PATCH)), (FILLED, 0o600));
}

#[test]
fn no_link_leads_the_patch_elsewhere() {
    let outside = tempfile::tempdir().expect("a directory");
    let checkout = layout("").file("real/x", "");
    symlink(outside.path().join("stolen"), checkout.path().join(PATCH)).expect("link");
    refused(&checkout, PATCH, &["error[link]"]);
    symlink(outside.path(), checkout.path().join("away")).expect("link");
    refused(&checkout, "away/x-secret-config-patch.yml", &["error[link]"]);
    symlink("real", checkout.path().join("near")).expect("link");
    refused(&checkout, "near/x-secret-config-patch.yml", &["error[link]"]);
    assert_eq!(fs::read_dir(outside.path()).expect("listed").count(), 0);
}

#[test]
fn a_place_that_is_none_for_a_file_is_refused() {
    let checkout = layout("").file("config/d-secret-config-patch.yml/x", "");
    refused(&checkout, "config/d-secret-config-patch.yml", &["error[not-a-file]", "a directory"]);
    refused(&checkout, "none/at/all-secret-config-patch.yml", &["error[missing-directory]", "mkdir -p none/at`"]);
    refused(&checkout, ".git/x-secret-config-patch.yml", &["error[inside-git]"]);
    refused(&checkout, "config/../.git/hooks/x-secret-config-patch.yml", &["error[inside-git]"]);
    refused(&checkout, "/dev/null", &["error["]);
    assert!(!checkout.exists("none"));
}

#[test]
fn values_reach_stdout_only_where_nobody_keeps_them() {
    let checkout = layout("");
    let run = checkout.program(&["render", "demo", "-o", "-"]).with_values();
    run.clone().env("GITHUB_ACTIONS", "true").ends().failed(2, &["would write the values into the job's log"]);
    let shown = run.on_terminal();
    assert_eq!(shown.code, Some(2), "{shown:?}");
    shown.leaks_nothing(&CANARIES).said(&["`--show-values`"]);
    let shown = checkout.program(&["render", "demo", "-o", "-", "--show-values"]).with_values().on_terminal().done();
    assert!(shown.stdout.starts_with(FILLED), "{shown:?}");
}

// --- wrong inputs: one clear error, a remedy, an exit code, and no value

#[test]
fn each_wrong_input_has_its_own_error_and_remedy() {
    let checkout = || layout("").file("text.yml", "a: 1\n");
    let latin = checkout();
    latin.write(TEMPLATE_PATH, b"a: \xe9${API_KEY}\n");
    let utf16 = checkout();
    utf16.write(TEMPLATE_PATH, b"\xff\xfea\0:\0");
    let directory = layout("").file("dir/x.txt", "");
    let no_root = Checkout::empty();
    let cases: [(&Checkout, &[&str], i32, &[&str]); 24] = [
        (&checkout(), &["--template", "none.yml"], 1, &["error[missing-file]: `none.yml` does not exist"]),
        (&checkout(), &["--template", "text.yml/x"], 1, &["error[missing-file]: `text.yml/x` does not exist"]),
        (&latin, &[], 1, &["error[not-utf8]", "offset 3", "iconv -f ISO-8859-1"]),
        (&utf16, &[], 1, &["error[not-utf8]", "iconv -f UTF-16"]),
        (&directory, &["--template", "dir"], 1, &["error[no-manifests]: `dir` holds no `*.yml`"]),
        (&checkout(), &["--template", "/dev/zero"], 1, &["error[not-a-file]: `/dev/zero` is a device"]),
        (&no_root, &[], 1, &["error[no-root]", "`docker/k8`, `k8s`, `deploy` and `.`", "actions/checkout"]),
        (&checkout(), &["--root", "none"], 1, &["error[no-root]: the root `none` is not a directory"]),
        (&checkout(), &["--root", "text.yml"], 1, &["error[no-root]: the root `text.yml` is not a directory"]),
        (&checkout(), &["--format", "xml"], 2, &["`format` is `xml`", "`text` or `markdown` or `json`"]),
        (&checkout(), &["--prefer", "keychain"], 2, &["`prefer` names `keychain`"]),
        (&checkout(), &["--prefer", "vars vars"], 2, &["`prefer` names `vars` twice"]),
        (&checkout(), &["--nonsensitive", "LOG_*"], 2, &["`nonsensitive` holds `LOG_*`"]),
        (&checkout(), &["--keep-placeholders", "${X}"], 2, &["`keep-placeholders` holds `${X}`"]),
        (&checkout(), &["--secrets", "p4ssw0rd-8d1e77aa"], 2, &["input `secrets` is not a JSON object"]),
        (&checkout(), &["--secrets", r#"{"A": {"B": "p4ssw0rd-8d1e77aa"}}"#], 2, &["field `A` of input `secrets`"]),
        (&checkout(), &["--vars", "[]"], 2, &["input `vars` is not a JSON object"]),
        (&checkout(), &["--add-masks"], 2, &["this is not GitHub Actions"]),
        (&checkout(), &["--tempalte", "x"], 2, &["there is no flag `--tempalte`", "did you mean `--template`?"]),
        (&checkout(), &["--template"], 2, &["`--template` needs a value"]),
        (&checkout(), &["p4ssw0rd-8d1e77aa"], 2, &["there is an argument too many"]),
        (&checkout(), &["--root", "a", "--root", "b"], 2, &["`--root` is given more than once"]),
        (&checkout(), &["--verbose=p4ssw0rd-8d1e77aa"], 2, &["`--verbose` is given a value"]),
        (&checkout(), &["--color", "p4ssw0rd-8d1e77aa"], 2, &["`--color`", "auto, always, never"]),
    ];
    for (checkout, arguments, code, words) in cases {
        let all: Vec<&str> = ["render", "demo"].iter().chain(arguments).copied().collect();
        let ended = checkout.program(&all).with_values().ends().failed(code, words);
        assert!(ended.stderr.contains("  = help: "), "no remedy: {ended:?}");
        assert_eq!(ended.stderr.matches("error[").count(), 1, "one error: {ended:?}");
        assert_eq!(ended.stdout.is_empty(), code == 2, "{ended:?}");
        assert!(!checkout.exists(PATCH), "{arguments:?}");
    }
}

#[test]
fn a_name_that_is_none_for_an_environment_leads_nowhere() {
    let checkout = layout("").file("secret-config-secret.example.yml", TEMPLATE);
    for name in ["../secret", "..", ".", "a/b", "/etc/passwd", "a\\b", "de mo", "x\ny", "ä/ö", &"../".repeat(60)] {
        let ended = checkout.program(&["render", name]).with_values().ends();
        assert_eq!(ended.code, Some(1), "{name:?}: {ended:?}");
        assert!(ended.stderr.starts_with("error[environment-name]"), "{ended:?}");
    }
    checkout.program(&["render", "-o=x/y"]).with_values().ends().failed(2, &["error["]);
    checkout.program(&["render", ""]).ends().failed(2, &["`environment` is missing"]);
    checkout.program(&["render", &"x".repeat(151)]).ends().failed(1, &["longer than 150 bytes"]);
    checkout.holds_nothing(&CANARIES, &[]);
}

#[test]
fn an_unknown_environment_lists_those_that_exist() {
    let checkout =
        layout("").file("apps/overlays/prod/kustomization.yml", "").file("config/test-config-secret.example.yml", "");
    let ended = checkout.program(&["render", "dem"]).with_values().ends().failed(1, &[]);
    assert_eq!(
        ended.stderr,
        "error[unknown-environment]: there is no environment `dem` in `.`\n  = help: did you mean `demo`? there are: `demo`, `prod`, `test`\n"
    );
    let ended = checkout.program(&["render", "prod"]).ends();
    ended.failed(1, &["error[no-template]", "`demo-config-secret.example.yml`, `test-config-secret.example.yml`"]);
}

#[test]
fn fifty_missing_values_are_told_at_once_with_the_lines_to_add() {
    let names: Vec<String> = (0..50).map(|number| format!("MISSING_{number:02}")).collect();
    let lines: String = names.iter().map(|name| format!("  {name}: x-${{{name}}}\n")).collect();
    let checkout = template(&format!("kind: Secret\nstringData:\n{lines}  TWICE: ${{MISSING_07}}\n"));
    let ended = checkout.program(&["render", "demo"]).env("MISSING_03", "").ends().failed(1, &[]);
    assert_eq!(ended.stderr.matches("error[missing-value]").count(), 50, "{ended:?}");
    assert_eq!(ended.stderr.matches("error[empty-value]: `MISSING_03` is empty").count(), 1);
    for (number, name) in names.iter().enumerate() {
        assert!(ended.stderr.contains(&format!("--> {TEMPLATE_PATH}:{}:17\n", number + 3)), "{name}: {ended:?}");
        assert_eq!(
            ended.stderr.matches(&format!("  {name}: ${{{{ secrets.{name} }}}}\n")).count(),
            1,
            "{name}: {ended:?}"
        );
    }
    assert_eq!(ended.stderr.matches("add to the step (").count(), 1);
}

#[test]
fn malformed_templates_are_told_by_file_and_line() {
    for (text, place) in [
        ("a: 1\nb: [${API_KEY}\nc: d\n", ":3:1"),
        ("a:\n\tb: 2\n", ":2:"),
        ("a: ${API_KEY}\na: 2\n", ":2:1"),
        ("a: \"open ${API_KEY}\n", ":1:4"),
        ("a: *none\n", ":1:4"),
        ("{\"a\": ${API_KEY}", ":1:"),
        ("a: b: c\n", ":1:"),
        ("- a\nb: c\n", ":2:1"),
    ] {
        let checkout = template(text);
        let ended = checkout.program(&["render", "demo"]).with_values().ends();
        let ended = ended.failed(1, &[&format!("  --> {TEMPLATE_PATH}{place}")]);
        assert!(ended.stderr.contains("  = help: "), "{text:?}: {ended:?}");
        assert!(!checkout.exists(PATCH));
    }
    // Several files: all of them at once, each with its own name.
    let checkout = Checkout::empty().file("a.yml", "a: [\n").file("b.yml", "ok: 1\n").file("c.yml", "x\ny: 1\n");
    let ended = checkout.program(&["render", "x", "--template", "a.yml b.yml c.yml none.yml", "-o", "-"]).ends();
    ended.failed(1, &["`none.yml` does not exist"]);
    let ended = checkout.program(&["render", "x", "--template", "a.yml b.yml c.yml", "-o", "-"]).ends();
    ended.failed(1, &["--> a.yml:", "--> c.yml:2:"]);
}

#[test]
fn the_runners_names_are_never_filled_and_are_told_once() {
    let checkout = template("a: ${GITHUB_TOKEN}\nb: ${PATH} ${INPUT_X}\nc: ${GITHUB_CLIENT_SECRET}\n");
    let run = checkout.program(&["render", "demo"]).env("GITHUB_TOKEN", WORD).env("PATH", WORD).env("INPUT_X", WORD);
    let ended = run.env("GITHUB_CLIENT_SECRET", "mine").ends().failed(1, &[]);
    for name in ["GITHUB_TOKEN", "PATH", "INPUT_X"] {
        assert_eq!(ended.stderr.matches(&format!("error[reserved-name]: `{name}`")).count(), 1, "{ended:?}");
    }
    assert_eq!(ended.stderr.matches("error[").count(), 3, "{ended:?}");
    // Not set, they are refused for the same reason: setting them would not help.
    let ended = checkout.program(&["render", "demo"]).env("GITHUB_CLIENT_SECRET", "mine").ends().failed(1, &[]);
    assert_eq!(ended.stderr.matches("error[").count(), 3, "{ended:?}");
    assert!(!ended.stderr.contains("secrets.PATH"), "{ended:?}");
    let kept = checkout.program(&["render", "demo", "--keep-placeholders", "GITHUB_TOKEN,PATH INPUT_*"]);
    kept.env("GITHUB_CLIENT_SECRET", "mine").ends().done();
    assert_eq!(checkout.read(PATCH), "a: ${GITHUB_TOKEN}\nb: ${PATH} ${INPUT_X}\nc: \"mine\"\n");
}

#[test]
fn a_bare_name_that_envsubst_would_have_filled_is_an_error() {
    let checkout = template("a: $API_KEY and $HOST\nb: $HOSTNAME\n");
    let ended = checkout.program(&["render", "demo"]).with_values().env("HOSTNAME", "h").ends().failed(1, &[]);
    assert_eq!(
        ended.stderr,
        format!(
            "error[bare-name]: `$API_KEY` is not filled: only `${{API_KEY}}` is\n  --> {TEMPLATE_PATH}:1:4\n  \
             = help: write `${{API_KEY}}`, or keep it as text: `keep-placeholders: API_KEY`\n"
        )
    );
    checkout.program(&["render", "demo", "--keep-placeholders", "API_KEY"]).with_values().ends().done();
    checkout.program(&["render", "demo"]).ends().done();
    assert_eq!(checkout.read(PATCH), "a: $API_KEY and $HOST\nb: $HOSTNAME\n");
}

#[test]
fn two_sources_that_differ_contradict_until_one_is_preferred() {
    let checkout = template("a: ${API_KEY}\n").file("x.env", "API_KEY=from-the-file\n");
    let run = |more: &[&str]| {
        let all: Vec<&str> = ["render", "demo", "--env-file", "x.env"].iter().chain(more).copied().collect();
        checkout.program(&all)
    };
    let ended = run(&[]).env("API_KEY", WORD).ends().failed(1, &["in environment and another in env-file"]);
    assert!(ended.stderr.contains("`prefer: environment` or `prefer: env-file`"), "{ended:?}");
    assert_no_leak("stderr", ended.stderr.as_bytes(), &["from-the-file"]);
    run(&["--prefer", "env-file"]).env("API_KEY", WORD).ends().done();
    assert_eq!(checkout.read(PATCH), "a: \"from-the-file\"\n");
    run(&["--prefer", "secrets,environment"]).env("API_KEY", WORD).ends().done();
    assert_eq!(checkout.read(PATCH), format!("a: \"{WORD}\"\n"));
    // The same value twice, or an empty variable, contradicts nothing.
    run(&[]).env("API_KEY", "from-the-file").ends().done();
    run(&[]).env("API_KEY", "").ends().done();
    assert_eq!(checkout.read(PATCH), "a: \"from-the-file\"\n");
}

#[test]
fn defaults_and_empty_values_follow_the_shell() {
    let checkout = template("a: ${A:-d ${B}}\nb: ${A-unset}\nc: ${A:=}x\nd: ${B@base64}\n");
    checkout
        .program(&["render", "demo"])
        .env("B", "b")
        .env("A", "")
        .ends()
        .failed(1, &["empty-value", "`allow-empty: A`"]);
    checkout.program(&["render", "demo"]).env("B", "b").ends().done();
    assert_eq!(checkout.read(PATCH), "a: \"d b\"\nb: \"unset\"\nc: \"x\"\nd: \"Yg==\"\n");
    checkout.program(&["render", "demo", "--allow-empty", "A"]).env("B", "b").env("A", "").ends().done();
    assert_eq!(checkout.read(PATCH), "a: \"d b\"\nb: \"\"\nc: \"x\"\nd: \"Yg==\"\n");
    let why = template("a: ${A:?ask the payments team}\n");
    why.program(&["render", "demo"]).ends().failed(1, &["`A` is not set: ask the payments team"]);
}

#[test]
fn a_value_that_would_break_what_it_stands_in_is_refused_with_the_encoding() {
    let checkout = template(
        "stringData:\n  J: '{\"password\": \"${API_KEY}\"}'\n  U: postgres://u:${API_KEY}@h/d\nkind: Secret\n",
    );
    let ended = checkout.program(&["render", "demo"]).with_values().ends();
    ended.failed(1, &["`${API_KEY@json}`", "`${API_KEY@uri}`", ":2:21", ":3:19"]);
    let data = template("kind: Secret\napiVersion: v1\nmetadata: {name: s}\ndata:\n  K: ${API_KEY}\n");
    data.program(&["render", "demo"])
        .with_values()
        .ends()
        .failed(1, &["error[not-base64]", "`stringData`", "`${API_KEY@base64}`"]);
}

#[test]
fn what_is_no_utf8_in_the_call_or_the_environment_is_told_and_only_if_asked_for() {
    let checkout = template("a: ${API_KEY}\n");
    let bad = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let run = checkout.program(&["render", "demo"]).env("API_KEY", "v");
    run.start_with(|command| command.env("OTHER", bad).env(bad, "x")).feed(b"").wait().done();
    let value = run.start_with(|command| command.env("API_KEY", bad)).feed(b"").wait();
    value.failed(1, &["the value of `API_KEY` in the environment is not UTF-8"]);
    run.start_with(|command| command.arg(bad)).feed(b"").wait().failed(2, &[]);
}

#[test]
fn no_template_makes_it_panic() {
    let deep = "[".repeat(20_000);
    let nested = format!("{}${{A}}", "a:\n".repeat(3)) + &"- ".repeat(5_000);
    let aliases = format!("a: &a [x]\n{}", (0..40).map(|n| format!("a{n}: &b{n} [*a, *a]\n")).collect::<String>());
    for text in [
        "\0",
        "---",
        "...",
        "[",
        "]",
        "{",
        "? ",
        "- - - x",
        "&a *a",
        "*a",
        "!!binary x",
        "%YAML 9.9\n---\na",
        "%TAG",
        "a: |9\n x",
        "\u{feff}",
        "\u{2028}",
        "${",
        "$",
        "$$",
        "${}",
        "${A",
        "${A:-",
        "${A:-${B:-${C",
        "a: ${A:-\"x}",
        "'",
        "\"\\x",
        "\"\\ud800\"",
        "a: >-\n",
        "\u{85}a: b",
        "a:\t${A}",
        "!<${A}> x",
        "? ${A}\n: ${A}",
        "<<: *x",
        "<<: {a: 1}\na: ${A}",
        "a: 2024-13-45T${A}",
        "--- ${A}\n--- ${A}\n...",
        &deep,
        &nested,
        &aliases,
    ] {
        let checkout = template(text);
        let ended = checkout.program(&["render", "demo"]).env("A", "1").ends();
        assert!(matches!(ended.code, Some(0 | 1)), "{:?}: {ended:?}", &text[..text.len().min(40)]);
    }
}

// --- what is said

#[test]
fn a_run_that_did_its_work() {
    let checkout = layout("");
    let ended = checkout.program(&["render", "demo"]).with_values().ends().done();
    assert_eq!(
        ended.timeless(),
        (
            "\
Secret app-secrets
  API_KEY    environment
  DSN        DB_PASSWORD (environment)
ConfigMap app-config
  LOG_LEVEL  default

Took …
Rendered demo: 3 values in 2 objects, written to config/demo-secret-config-patch.yml.
"
            .to_owned(),
            String::new()
        )
    );
}

#[test]
fn a_run_that_lacks_a_value() {
    let checkout = layout("");
    let ended = checkout.program(&["render", "demo"]).env("API_KEY", KEY).ends().failed(1, &[]);
    assert_eq!(
        ended.timeless(),
        (
            "Took …\nRender of demo failed at render: no secret patch was written.\n".to_owned(),
            "\
error[missing-value]: `DB_PASSWORD` is not set
  --> config/demo-config-secret.example.yml:7:24
  = help: add to the step (on the command line: export them, or use `--env-file`):
            env:
              DB_PASSWORD: ${{ secrets.DB_PASSWORD }}
          or keep what something else fills later: `keep-placeholders: DB_PASSWORD`, or `$${DB_PASSWORD}` in the template
"
            .to_owned()
        )
    );
}

#[test]
fn a_wrong_call() {
    let ended = layout("").program(&["rendr", "demo"]).ends().failed(2, &[]);
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("", "error[usage]: there is no command `rendr`\n  = help: did you mean `render`?\n")
    );
}

#[test]
fn the_example_renders_as_its_readme_says() {
    let checkout = Checkout::example();
    let ended = checkout.program(&["render", "staging", "--env-file", "demo.env"]).run().done();
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.ends_with(
        "Rendered staging: 11 values in 5 objects, written to docker/k8/config/staging-secret-config-patch.yml.\n"
    ));
    checkout.program(&["render", "prod", "--env-file", "demo.env"]).run().done();
}

#[test]
fn a_report_can_be_json_or_markdown() {
    let checkout = layout("");
    let json = checkout.program(&["render", "demo", "--format", "json"]).with_values().ends().done();
    let report: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(
        (&report["result"], &report["patch"], &report["changed"]),
        (&"done".into(), &PATCH.into(), &false.into())
    );
    let failed = checkout.program(&["render", "demo", "--format", "json"]).env("API_KEY", KEY).ends().failed(1, &[]);
    let report: serde_json::Value = serde_json::from_str(&failed.stdout).expect("JSON");
    assert_eq!((&report["result"], &report["failedStage"]), (&"failed".into(), &"render".into()));
    assert_eq!((&report["problems"][0]["kind"], &report["problems"][0]["line"]), (&"missing-value".into(), &7.into()));
    let markdown = checkout.program(&["render", "demo", "--format", "markdown"]).with_values().ends().done();
    assert!(markdown.stdout.starts_with("✅ **Rendered demo: 3 values in 2 objects"), "{markdown:?}");
}

#[test]
fn logs_for_developers_hide_values_too() {
    let checkout = layout("");
    let ended = checkout.program(&["render", "demo", "-v"]).with_values().env("RUST_LOG", "trace").ends().done();
    assert!(ended.stderr.contains("entered"), "{ended:?}");
}

#[test]
fn a_reader_that_left_is_no_panic() {
    let checkout = layout("");
    let run = checkout.program(&["render", "demo"]).with_values();
    for closed in ["1", "2", "0"] {
        let line = format!("exec '{}' render demo {closed}>&-", env!("CARGO_BIN_EXE_secret-patch"));
        let done = Command::new("sh")
            .args(["-c", &line])
            .env_clear()
            .envs(&run.environment)
            .current_dir(checkout.path())
            .output()
            .expect("sh");
        assert!(matches!(done.status.code(), Some(0 | 1)), "{done:?}");
        assert_eq!(checkout.read(PATCH), FILLED);
        fs::remove_file(checkout.path().join(PATCH)).expect("written");
    }
    let (read, write) = std::io::pipe().expect("a pipe");
    let started = run.start_with(|command| command.stdout(write));
    drop(read);
    let code = started.wait().code;
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
    assert_eq!(checkout.read(PATCH), FILLED);
}

#[test]
fn names_from_files_move_no_cursor_and_start_no_command() {
    let checkout = Checkout::empty()
        .file("a\u{1b}[31m\n::stop-commands::x.yml", "a: ${API_KEY}\n")
        .file("b.yml", "\"k\\n::set-output name=a::b ##[add-mask]x\": ${API_KEY}\n");
    for step in [false, true] {
        let run = checkout.program(&["render", "x", "--template", ".", "--output", "-"]);
        let mut ended = run.ends().failed(1, &["missing-value"]);
        if step {
            ended = checkout.program(&["render", "x", "--template", "."]).env("GITHUB_ACTIONS", "true").ends();
        }
        for line in format!("{}\n{}", ended.stdout, ended.stderr).split(['\n', '\r']) {
            let ours = step && line.starts_with("::error title=");
            let foreign = line.trim_start().starts_with("::") && !ours;
            assert!(!foreign && !line.contains("##[") && !line.contains('\u{1b}'), "{line:?}");
        }
    }
}

// --- the program itself

#[test]
fn help_names_every_input_with_its_words_and_default() {
    let checkout = Checkout::empty();
    let plain = |arguments: &[&str]| checkout.program(arguments).ends().done();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let [render, diff, apply] = ["render", "diff", "apply"].map(|verb| plain(&[verb, "--help"]));
    let of_eso =
        ["namespaces", "prefix", "store", "refresh", "plan", "overwrite", "write-only", "max-age", "not-ready-for"];
    let others = |name: &str| name != "command" && !of_eso.contains(&name);
    for input in secret_patch::inputs::names::ALL.iter().filter(|input| others(input.name)) {
        let of_cluster = [
            "kinds",
            "kubeconfig",
            "context",
            "kube-token",
            "allow-exec",
            "allow-remote",
            "force-conflicts",
            "take-over",
            "prune",
            "rollout",
            "on-failed-rollout",
            "timeout",
            "base",
            "comment",
            "comment-key",
            "github-token",
            "dry-run",
        ];
        let of_writes = ["on-failed-rollout", "timeout", "dry-run"];
        let has = [
            (&apply.stdout, input.name != "base"),
            (&diff.stdout, !of_writes.contains(&input.name)),
            (&render.stdout, !of_cluster.contains(&input.name)),
        ];
        for (help, has) in has {
            let flag = if input.name == "environment" { "<ENV>".to_owned() } else { format!("--{} ", input.name) };
            assert_eq!(help.contains(&flag), has, "{flag}\n{help}");
            assert!(!has || words(help).contains(&words(input.about)), "{}\n{help}", input.name);
        }
        // An expression is the runner's to evaluate.
        let default = input.default.filter(|default| !input.shape.is_empty() && !default.starts_with("${{"));
        if let Some(default) = default {
            assert!(words(&apply.stdout).contains(&format!("[default: {default}]")), "{}", input.name);
        }
    }
    let top = plain(&["--help"]);
    for word in
        ["render", "apply", "completions", "Exit codes: 0 done, 1 failed, 2 wrong call", "SECRET_PATCH_KUBE_TOKEN"]
    {
        assert!(top.stdout.contains(word), "{word}\n{}", top.stdout);
    }
    assert_eq!(plain(&["-h"]).stdout, top.stdout);
    for help in [&top, &render, &apply] {
        assert!(help.stderr.is_empty() && !help.stdout.contains('\u{1b}'), "{help:?}");
        assert!(help.stdout.lines().all(|line| line.chars().count() <= 100), "{}", help.stdout);
    }
    let none = checkout.program(&[]).ends().failed(2, &["Usage:", "Examples:"]);
    assert_eq!(none.stdout, "");
}

#[test]
fn version_and_completions_are_printed() {
    let checkout = Checkout::empty();
    for flag in ["--version", "-V"] {
        let ended = checkout.program(&[flag]).ends().done();
        assert_eq!(
            (ended.stdout.as_str(), ended.stderr.as_str()),
            (concat!("secret-patch ", env!("CARGO_PKG_VERSION"), "\n"), "")
        );
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = checkout.program(&["completions", shell]).ends().done();
        for word in ["render", "apply", "kube-token", "env-file"] {
            assert!(script.stdout.contains(word), "{shell}: {word}");
        }
    }
    let script = checkout.program(&["completions", "bash"]).ends().done().stdout;
    fs::write(checkout.path().join("c.sh"), script).expect("written");
    assert!(Command::new("bash").args(["-n", "c.sh"]).current_dir(checkout.path()).status().expect("bash").success());
    checkout.program(&["completions", "nonsense"]).ends().failed(2, &["write one of"]);
}

#[test]
fn colours_are_for_terminals_unless_said_otherwise() {
    let checkout = layout("");
    // A warning is in colour, so is the last sentence.
    let run = |more: &[&str]| {
        let all: Vec<&str> = ["render", "demo", "--secrets", "{}"].iter().chain(more).copied().collect();
        checkout.program(&all).with_values()
    };
    let coloured = |ended: Ended| {
        ended.done().leaks_nothing(&CANARIES).said(&["visible-argument", "Rendered demo"]).stdout.contains('\u{1b}')
    };
    let piped = |run: Run| {
        let ended = run.run();
        assert_eq!(ended.stdout.contains('\u{1b}'), ended.stderr.contains('\u{1b}'), "{ended:?}");
        coloured(ended)
    };
    assert!(!piped(run(&[])));
    assert!(piped(run(&["--color", "always"])));
    assert!(piped(run(&[]).env("CLICOLOR_FORCE", "1")));
    assert!(!piped(run(&[]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")));
    assert!(!piped(run(&["--color", "never"]).env("CLICOLOR_FORCE", "1")));
    assert!(coloured(run(&[]).on_terminal()));
    assert!(!coloured(run(&[]).env("NO_COLOR", "1").on_terminal()));
    assert!(!coloured(run(&[]).env("TERM", "dumb").on_terminal()));
    assert!(!coloured(run(&["--color", "never"]).on_terminal()));
    assert!(coloured(run(&["--color", "always"]).env("NO_COLOR", "1").on_terminal()));
    assert!(checkout.program(&["--help"]).on_terminal().stdout.contains('\u{1b}'));
}

// --- the search for leaks itself

#[test]
fn the_search_finds_each_form_of_a_value() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let hex: String = WORD.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut texts = vec![WORD.to_owned(), format!("x{WORD}y"), hex];
    texts.extend(["", "a", "ab", "abc"].map(|before| STANDARD.encode(format!("{before}{WORD}{before}"))));
    for text in texts {
        let ended = Ended { code: Some(0), stdout: String::new(), stderr: text.clone() };
        let found = std::panic::catch_unwind(|| ended.leaks_nothing(&CANARIES));
        assert!(found.is_err(), "{text}");
    }
    let quoted = serde_json::Value::from(KEY).to_string();
    assert!(std::panic::catch_unwind(|| assert_no_leak("x", quoted.as_bytes(), &CANARIES)).is_err());
    let checkout = layout("").file("left/behind", WORD);
    assert!(std::panic::catch_unwind(|| checkout.holds_nothing(&CANARIES, &["config"])).is_err());
    checkout.holds_nothing(&CANARIES, &["left"]);
}
