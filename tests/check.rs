//! `check`: repositories with one thing wrong each, and exactly the findings about it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files, asks git, and fails by panicking"
)]

mod support;

use support::{Checkout, Ended, Run, assert_no_leak};

const TEMPLATE: &str = "config/staging-config-secret.example.yml";
const PROD_TEMPLATE: &str = "config/prod-config-secret.example.yml";
const BASE: &str = "apps/base/all.yml";
const OVERLAY: &str = "apps/overlays/staging/kustomization.yml";
const WORKFLOW: &str = ".github/workflows/deploy.yml";
const IGNORE: &str = ".gitignore";

fn template() -> String {
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n  API_KEY: \"${API_KEY}\"\n  DSN: \"postgres://app:${DB_PASSWORD@uri}@db/app\"\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  LOG_LEVEL: ${LOG_LEVEL:-info}\n".to_owned()
}

fn base() -> String {
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n  API_KEY: ${API_KEY}\n  DSN: ${DSN}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  LOG_LEVEL: ${LOG_LEVEL}\n".to_owned()
}

fn overlay(environment: &str) -> String {
    format!(
        "namespace: {environment}\nresources:\n- ../../base\npatches:\n- path: ../../../config/{environment}-secret-config-patch.yml\n"
    )
}

fn workflow() -> String {
    "name: Deploy\non:\n  push:\n    branches: [main]\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    strategy:\n      matrix:\n        environment: [staging, prod]\n    environment: ${{ matrix.environment }}\n    env:\n      LOG_LEVEL: ${{ vars.LOG_LEVEL }}\n    steps:\n      - uses: actions/checkout@v7\n      - name: Deploy\n        uses: secret-patch/secret-patch@v0\n        with:\n          command: apply\n          environment: ${{ matrix.environment }}\n          kubeconfig: ${{ secrets.KUBECONFIG }}\n        env:\n          API_KEY: ${{ secrets.API_KEY }}\n          DB_PASSWORD: ${{ secrets.DB_PASSWORD }}\n".to_owned()
}

/// A repository in which all agrees.
fn good() -> Checkout {
    Checkout::empty()
        .file(TEMPLATE, &template())
        .file(PROD_TEMPLATE, &template())
        .file(BASE, &base())
        .file("apps/base/kustomization.yml", "resources: [all.yml]\n")
        .file(OVERLAY, &overlay("staging"))
        .file("apps/overlays/prod/kustomization.yml", &overlay("prod"))
        .file(IGNORE, "*-secret-config-patch.yml\n.env.k8s.*\n")
        .file(WORKFLOW, &workflow())
}

/// `text` with one part replaced.
#[track_caller]
fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

fn check(checkout: &Checkout, arguments: &[&str]) -> Run {
    let path = std::env::var("PATH").expect("PATH");
    checkout.program(&[&["check"], arguments].concat()).env("PATH", &path)
}

/// The findings of a run as `severity kind file:line`, in their order.
fn findings(ended: &Ended) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let problems = report["problems"].as_array().expect("findings").iter();
    problems
        .map(|problem| {
            let text = |key: &str| problem[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}:{}", text("severity"), text("kind"), text("file"), problem["line"])
        })
        .collect()
}

#[track_caller]
fn expect(what: &str, checkout: &Checkout, arguments: &[&str], expected: &[&str]) {
    checkout.commit();
    let ended = check(checkout, &[arguments, &["--format", "json"]].concat()).run();
    assert_eq!(findings(&ended), expected, "{what}: {ended:?}");
    let code = i32::from(expected.iter().any(|finding| finding.starts_with("error")));
    assert_eq!(ended.code, Some(code), "{what}: {ended:?}");
    let mut status = std::process::Command::new("git");
    status.args(["status", "--porcelain", "--ignored"]).current_dir(checkout.path());
    assert_eq!(status.output().expect("git").stdout, b"", "{what}: the checkout is as it was");
}

#[test]
fn a_repository_that_agrees_is_clean() {
    let checkout = good();
    expect("all", &checkout, &[], &[]);
    expect("one", &checkout, &["prod"], &[]);
    let ended = check(&checkout, &[]).run().done();
    assert!(
        ended.stdout.ends_with("Checked prod, staging: all agrees, and nothing secret is committed.\n"),
        "{ended:?}"
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn the_example_is_clean() {
    let checkout = Checkout::example();
    expect("the example", &checkout, &[], &[]);
}

#[test]
fn each_broken_repository_gives_its_findings_and_no_others() {
    let deploy = workflow();
    let mut wrong = String::new();
    for (what, file, text, expected) in [
        (
            "a name that the step lacks",
            WORKFLOW,
            with(&deploy, "          DB_PASSWORD: ${{ secrets.DB_PASSWORD }}\n", ""),
            &["error env-missing .github/workflows/deploy.yml:22", "error env-missing .github/workflows/deploy.yml:22"]
                [..],
        ),
        (
            "a name that is empty",
            WORKFLOW,
            with(&deploy, "${{ secrets.API_KEY }}", "''"),
            &["error env-empty .github/workflows/deploy.yml:23"],
        ),
        (
            "a name in vain",
            WORKFLOW,
            format!("{deploy}          OLD_KEY: ${{{{ secrets.OLD_KEY }}}}\n"),
            &["warning env-unused .github/workflows/deploy.yml:25"],
        ),
        (
            "a value written into the workflow",
            WORKFLOW,
            with(&deploy, "${{ secrets.API_KEY }}", "hunter2-hunter2"),
            &["warning literal-in-workflow .github/workflows/deploy.yml:23"],
        ),
        (
            "an environment that only the run knows",
            WORKFLOW,
            with(
                &deploy,
                "          environment: ${{ matrix.environment }}",
                "          environment: ${{ github.ref_name }}",
            ),
            &["notice step-unresolved .github/workflows/deploy.yml:16"],
        ),
        (
            "an environment that nothing deploys",
            WORKFLOW,
            with(&deploy, "[staging, prod]", "[staging]"),
            &["notice no-step config/prod-config-secret.example.yml:1"],
        ),
        (
            "an environment that does not exist",
            WORKFLOW,
            with(&deploy, "[staging, prod]", "[staging, prod, qa]"),
            &["error unknown-environment .github/workflows/deploy.yml:16"],
        ),
        (
            "an input that does not exist",
            WORKFLOW,
            with(&deploy, "          kubeconfig:", "          kube-config:"),
            &["warning unknown-input .github/workflows/deploy.yml:21"],
        ),
        (
            "a workflow that is no YAML",
            ".github/workflows/other.yml",
            "jobs: [\n".to_owned(),
            &["warning workflow-unreadable .github/workflows/other.yml:2"],
        ),
        (
            "an object that the base lacks",
            TEMPLATE,
            with(&template(), "name: app", "name: apps"),
            &[
                "error placeholder-left apps/base/all.yml:6",
                "error placeholder-left apps/base/all.yml:7",
                "warning environments-differ config/prod-config-secret.example.yml:6",
                "error object-missing config/staging-config-secret.example.yml:1",
                "warning environments-differ config/staging-config-secret.example.yml:6",
            ],
        ),
        (
            "a key that the base does not list",
            TEMPLATE,
            with(&template(), "  DSN:", "  NEW: ${API_KEY}\n  DSN:"),
            &[
                "warning environments-differ config/staging-config-secret.example.yml:7",
                "notice key-not-in-base config/staging-config-secret.example.yml:7",
            ],
        ),
        (
            "a placeholder of the base that nothing fills",
            BASE,
            with(&base(), "  DSN:", "  MORE: ${MORE}\n  DSN:"),
            &["error placeholder-left apps/base/all.yml:7", "error placeholder-left apps/base/all.yml:7"],
        ),
        (
            "a template that is no YAML",
            TEMPLATE,
            "a: [".to_owned(),
            &["error template-syntax config/staging-config-secret.example.yml:1"],
        ),
        (
            "a value that would break its URL",
            TEMPLATE,
            with(&template(), "LOG_LEVEL: ${LOG_LEVEL:-info}", "LOG_LEVEL: \"$LOG_LEVEL ${LOG_LEVEL}\""),
            &["error bare-name config/staging-config-secret.example.yml:14"],
        ),
        (
            "a default that would go into a Secret",
            TEMPLATE,
            with(&template(), "${API_KEY}", "${API_KEY:-none}${EXTRA:-x}"),
            &["error default-in-secret .github/workflows/deploy.yml:22"],
        ),
        (
            "a patch that the overlay does not use",
            OVERLAY,
            "resources:\n- ../../base\n".to_owned(),
            &["error patch-not-referenced apps/overlays/staging/kustomization.yml:1"],
        ),
        (
            "a file that is missing",
            OVERLAY,
            with(&overlay("staging"), "- ../../base\n", "- ../../base\n- extra.yml\n"),
            &["error missing-file apps/overlays/staging/kustomization.yml:4"],
        ),
        (
            "a remote base",
            OVERLAY,
            with(&overlay("staging"), "- ../../base\n", "- ../../base\n- https://github.com/o/r//base?ref=v1\n"),
            &["error remote-resource apps/overlays/staging/kustomization.yml:4"],
        ),
        (
            "a patch that git does not ignore",
            IGNORE,
            ".env.k8s.*\n".to_owned(),
            &["error not-ignored .gitignore:1", "error not-ignored .gitignore:1"],
        ),
        (
            "an image that takes the patch in",
            "Dockerfile",
            "FROM scratch\nCOPY . .\n".to_owned(),
            &["error not-dockerignored Dockerfile:2", "error not-dockerignored Dockerfile:2"],
        ),
        (
            "an ignore file that forgets the patch",
            ".dockerignore",
            "target\nsrc\n".to_owned(),
            &["warning not-dockerignored .dockerignore:2", "warning not-dockerignored .dockerignore:2"],
        ),
        (
            "a Secret that is written out",
            "apps/base/more.yml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData:\n  KEY: hunter2-hunter2\n".to_owned(),
            &["error secret-committed apps/base/more.yml:5"],
        ),
        (
            "a literal of a generator",
            OVERLAY,
            format!("{}secretGenerator:\n- name: g\n  literals: [\"PASSWORD=hunter2-hunter2\"]\n", overlay("staging")),
            &["error secret-committed apps/overlays/staging/kustomization.yml:8"],
        ),
        (
            "a dotenv file",
            ".env",
            "# values\nTOKEN=hunter2-hunter2\n".to_owned(),
            &["warning env-file-committed .env:2"],
        ),
        (
            "a kubeconfig",
            "ops/kubeconfig.yml",
            "apiVersion: v1\nkind: Config\nclusters: []\nusers:\n- name: a\n  user:\n    token: hunter2-hunter2\n"
                .to_owned(),
            &["error kubeconfig-committed ops/kubeconfig.yml:7"],
        ),
    ] {
        let checkout = good().file(file, &text);
        checkout.commit();
        let ended = check(&checkout, &["--format", "json"]).run();
        if findings(&ended) != expected {
            wrong += &format!("{what}: {ended:?}\n  found {:#?}\n", findings(&ended));
        }
        assert_no_leak(what, format!("{}{}", ended.stdout, ended.stderr).as_bytes(), &["hunter2-hunter2"]);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_tracked_patch_is_found_and_stays_as_it_is() {
    let checkout = good()
        .file("config/staging-secret-config-patch.yml", "a: 1\n")
        .file("config/old-secret-config-patch.yml", "b: 2\n");
    checkout.git(&["add", "-f", "config"]);
    let expected = [
        "error tracked config/old-secret-config-patch.yml:1",
        "error tracked config/staging-secret-config-patch.yml:1",
    ];
    expect("a tracked patch", &checkout, &[], &expected);
    assert_eq!(checkout.read("config/staging-secret-config-patch.yml"), "a: 1\n");
}

#[test]
fn all_findings_come_at_once() {
    let checkout = good()
        .file(
            WORKFLOW,
            &with(
                &workflow(),
                "          API_KEY: ${{ secrets.API_KEY }}\n",
                "          API_KEYS: ${{ secrets.API_KEY }}\n",
            ),
        )
        .file(BASE, &with(&base(), "  DSN:", "  MORE: ${MORE}\n  DSN:"))
        .file(
            "apps/base/more.yml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData: {KEY: hunter2-hunter2}\n",
        )
        .file(".dockerignore", "target\n")
        .file(IGNORE, "\n");
    expect(
        "everything",
        &checkout,
        &["staging"],
        &[
            "warning not-dockerignored .dockerignore:1",
            "error env-missing .github/workflows/deploy.yml:22",
            "warning env-unused .github/workflows/deploy.yml:23",
            "error not-ignored .gitignore:1",
            "error placeholder-left apps/base/all.yml:7",
            "error secret-committed apps/base/more.yml:4",
        ],
    );
    let ended = check(&checkout, &["staging"]).run().failed(1, &["`API_KEYS` there is unused: is `API_KEY` meant?"]);
    assert!(ended.stdout.ends_with("Checked staging: 4 errors, 2 warnings.\n"), "{ended:?}");
}

#[test]
fn without_kubectl_the_files_are_compared_as_they_are() {
    let broken = good()
        .file(TEMPLATE, &with(&template(), "name: app", "name: apps"))
        .file(BASE, &with(&base(), "  DSN:", "  MORE: ${MORE}\n  DSN:"));
    broken.commit();
    let ended = broken.program(&["check", "staging", "--format", "json"]).env("PATH", "/nonexistent").run();
    assert_eq!(
        findings(&ended),
        [
            "notice kubectl-missing -:null",
            "error placeholder-left apps/base/all.yml:6",
            "error placeholder-left apps/base/all.yml:7",
            "error placeholder-left apps/base/all.yml:8",
            "error object-missing config/staging-config-secret.example.yml:1",
        ],
        "{ended:?}"
    );
    let ended = good().program(&["check", "--format", "json"]).run();
    assert_eq!(findings(&ended), ["notice kubectl-missing -:null"]);
}

#[test]
fn other_ways_to_give_values_are_understood() {
    let step = |fields: &str| {
        let (before, _) = workflow()
            .split_once("        env:\n          API_KEY")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .expect("env");
        format!("{before}{fields}")
    };
    for (what, text, expected) in [
        ("all secrets", step("          secrets: ${{ toJSON(secrets) }}\n"), &[][..]),
        (
            "secrets by name",
            step("          secrets: '{\"API_KEY\": \"${{ secrets.A }}\"}'\n"),
            &["error env-missing .github/workflows/deploy.yml:16", "error env-missing .github/workflows/deploy.yml:16"],
        ),
        ("an env file of the checkout", step("          env-file: values.env\n"), &[]),
        (
            "an env file that a step makes",
            step("          env-file: made.env\n"),
            &["notice env-unresolved .github/workflows/deploy.yml:16"],
        ),
        (
            "a run step",
            with(
                &workflow(),
                "        uses: secret-patch/secret-patch@v0\n        with:\n          command: apply\n          environment: ${{ matrix.environment }}\n          kubeconfig: ${{ secrets.KUBECONFIG }}\n",
                "        run: secret-patch apply ${{ matrix.environment }} --yes\n",
            ),
            &[],
        ),
        (
            "a run step for others too",
            with(
                &with(
                    &workflow(),
                    "        uses: secret-patch/secret-patch@v0\n        with:\n          command: apply\n          environment: ${{ matrix.environment }}\n          kubeconfig: ${{ secrets.KUBECONFIG }}\n",
                    "        run: |\n          ./build.sh\n          secret-patch apply ${{ matrix.environment }} --yes\n",
                ),
                "          API_KEY:",
                "          FOR_BUILD: x\n          API_KEY:",
            ),
            &[],
        ),
        (
            "placeholders that stay",
            with(&workflow(), "          kubeconfig:", "          keep-placeholders: DB_*\n          kubeconfig:"),
            &[
                "warning env-unused .github/workflows/deploy.yml:25",
                "notice dollar-brace apps/overlays/prod/kustomization.yml:5",
                "notice dollar-brace apps/overlays/staging/kustomization.yml:5",
            ],
        ),
        (
            "Vault",
            step(
                "          vault-secrets: |\n            secret/data/app key | API_KEY ;\n            secret/data/app password | DB_PASSWORD\n",
            ),
            &[],
        ),
        ("a folder of Vault", step("          vault-secrets: secret/data/app **\n"), &[]),
        (
            "values for a check",
            with(&workflow(), "command: apply", "command: check"),
            &[
                "warning env-unused .github/workflows/deploy.yml:23",
                "warning env-unused .github/workflows/deploy.yml:24",
                "notice no-step config/prod-config-secret.example.yml:1",
                "notice no-step config/staging-config-secret.example.yml:1",
            ],
        ),
    ] {
        let checkout = good().file(WORKFLOW, &text).file("values.env", "API_KEY=\nDB_PASSWORD=\n");
        expect(what, &checkout, &[], expected);
    }
}

#[test]
fn a_diff_step_needs_what_an_apply_needs() {
    let diff = with(&workflow(), "command: apply", "command: diff");
    expect("clean", &good().file(WORKFLOW, &diff), &[], &[]);
    let broken = with(&diff, "          DB_PASSWORD: ${{ secrets.DB_PASSWORD }}\n", "          IN_VAIN: x\n");
    let expected = [
        "notice env-missing .github/workflows/deploy.yml:22",
        "notice env-missing .github/workflows/deploy.yml:22",
        "warning env-unused .github/workflows/deploy.yml:24",
    ];
    expect("broken", &good().file(WORKFLOW, &broken), &[], &expected);
}

#[test]
fn a_workflow_of_another_repository_may_deploy_and_is_told() {
    let calls = "on: push\njobs:\n  deploy:\n    uses: owner/platform/.github/workflows/deploy.yml@v1\n    with: {environment: staging}\n";
    let expected = ["notice step-unresolved .github/workflows/deploy.yml:4"];
    expect("alone", &good().file(WORKFLOW, calls), &["staging"], &expected);
    expect("beside a step", &good().file(".github/workflows/lint.yml", calls), &[], &[]);
}

#[test]
fn what_a_generator_takes_and_a_kustomization_holds_is_looked_through() {
    let generator = |more: &str| format!("{}secretGenerator:\n- name: g\n{more}", overlay("staging"));
    let key = "-----BEGIN PRIVATE KEY-----\nhunter2-hunter2\n-----END PRIVATE KEY-----\n";
    for (what, file, text, kustomization, expected) in [
        (
            "a key",
            "apps/overlays/staging/tls.key",
            key,
            generator("  files: [tls.key]\n"),
            "error secret-committed apps/overlays/staging/tls.key:1",
        ),
        (
            "pairs",
            "apps/overlays/staging/pairs.txt",
            "# all\nPASSWORD=hunter2-hunter2\n",
            generator("  envs: [pairs.txt]\n"),
            "error secret-committed apps/overlays/staging/pairs.txt:2",
        ),
        (
            "an inline patch",
            "apps/overlays/staging/none.txt",
            "",
            format!(
                "{}- patch: |\n    apiVersion: v1\n    kind: Secret\n    metadata: {{name: app}}\n    stringData: {{MORE: hunter2-hunter2}}\n",
                overlay("staging")
            ),
            "error secret-committed apps/overlays/staging/kustomization.yml:10",
        ),
    ] {
        let checkout = good().file(file, text).file(OVERLAY, &kustomization);
        checkout.commit();
        let ended = check(&checkout, &["staging", "--format", "json"]).run();
        assert!(findings(&ended).contains(&expected.to_owned()), "{what}: {:#?}", findings(&ended));
        assert_no_leak(what, format!("{}{}", ended.stdout, ended.stderr).as_bytes(), &["hunter2-hunter2"]);
    }
}

#[test]
fn a_secret_is_found_wherever_the_overlay_takes_it_from() {
    let secret = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData:\n  KEY: postgres://app:hunter2-hunter2@db.example.com/app\n"
        )
    };
    let checkout = Checkout::empty()
        .file("deployment/t.yml", &template())
        .file("deployment/base/kustomization.yml", "resources: [all.yml]\n")
        .file("deployment/base/all.yml", &format!("{}---\n{}", base(), secret("in-the-base")))
        .file(
            "deployment/over/kustomization.yml",
            "resources: [../base, ../../shared/committed.yml, ../../shared/local.yml]\npatches:\n- path: ../test-secret-config-patch.yml\n",
        )
        .file("shared/committed.yml", &secret("beside-it"))
        .file("shared/local.yml", &secret("not-committed"))
        .file(IGNORE, "*-secret-config-patch.yml\nlocal.yml\n");
    checkout.commit();
    let paths = [
        "--template",
        "deployment/t.yml",
        "--overlay",
        "deployment/over",
        "--output",
        "deployment/test-secret-config-patch.yml",
    ];
    let ended = check(&checkout, &[&["test", "--format", "json"], &paths[..]].concat()).run();
    let expected =
        ["error secret-committed deployment/base/all.yml:20", "error secret-committed shared/committed.yml:5"];
    assert_eq!(findings(&ended), expected, "{ended:?}");
    assert_no_leak("output", format!("{}{}", ended.stdout, ended.stderr).as_bytes(), &["hunter2-hunter2"]);
}

#[test]
fn the_documented_workflow_is_clean_beside_a_deploy() {
    let docs = include_str!("../docs/checks.md");
    let (_, rest) = docs.split_once("```yaml\n").expect("a workflow");
    let (documented, _) = rest.split_once("```").expect("its end");
    let checkout = good().file(".github/workflows/check.yml", documented);
    expect("the documented workflow", &checkout, &[], &[]);
}

#[test]
fn a_checkout_that_cannot_be_written_to_is_checked_by_its_files() {
    let checkout = good();
    checkout.commit();
    let read_only = |bits: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(checkout.path().join("config"), std::fs::Permissions::from_mode(bits)).expect("set");
    };
    read_only(0o555);
    let ended = check(&checkout, &["--format", "json"]).run();
    read_only(0o755);
    let found = findings(&ended);
    // Root may write all the same.
    assert!(found.is_empty() || found.iter().all(|finding| finding.starts_with("notice ")), "{ended:?}");
    assert_eq!(ended.code, Some(0));
}

#[test]
fn teams_without_kustomize_are_checked_too() {
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {A: \"${A}\"}\n";
    let checkout = Checkout::empty()
        .file("k8s/a.yml", manifest)
        .file("k8s/b.yml", "kind: ConfigMap\nmetadata: {name: b}\ndata: {B: \"${B}\"}\n")
        .file(WORKFLOW, "on: push\njobs:\n  d:\n    runs-on: x\n    steps:\n    - uses: actions/checkout@v7\n    - uses: o/secret-patch@v0\n      with: {command: apply, environment: prod, template: k8s, overlay: none}\n      env:\n        A: ${{ secrets.A }}\n        B: ${{ vars.B }}\n");
    expect("no apiVersion", &checkout, &[], &["error object-incomplete k8s/b.yml:1"]);
}

#[test]
fn the_directory_and_the_root_narrow_what_is_checked() {
    let two = good()
        .file("other/config/qa-config-secret.example.yml", &template())
        .file("other/apps/overlays/qa/kustomization.yml", "resources: [none.yml]\n");
    two.commit();
    expect("the whole", &two, &[], &[]);
    expect(
        "another root",
        &two,
        &["--root", "other"],
        &[
            "error missing-file other/apps/overlays/qa/kustomization.yml:1",
            "error patch-not-referenced other/apps/overlays/qa/kustomization.yml:1",
            "notice no-step other/config/qa-config-secret.example.yml:1",
        ],
    );
    let mut below = check(&two, &["--format", "json", "staging"]);
    below.directory = two.path().join("apps");
    let ended = below.clone().run();
    assert_eq!(findings(&ended), ["error no-root -:null"], "{ended:?}");
    below.arguments = ["check", "staging", "--root", "..", "--format", "json"].map(str::to_owned).into();
    assert_eq!(findings(&below.run()), Vec::<String>::new());
}

#[test]
fn the_action_annotates_files_and_lines_and_writes_the_summary() {
    let checkout = good().file(WORKFLOW, &with(&workflow(), "          DB_PASSWORD: ${{ secrets.DB_PASSWORD }}\n", ""));
    checkout.commit();
    let path = std::env::var("PATH").expect("PATH");
    let ended = checkout.action(&[("command", "check")]).env("PATH", &path).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stdout.contains("::error title=env-missing,file=.github/workflows/deploy.yml,line=22,col=9::"),
        "{ended:?}"
    );
    let summary = checkout.summary();
    assert!(summary.starts_with("❌ **Checked prod, staging: 2 errors.**\n"), "{summary}");
    assert!(summary.contains("<code>DB&#95;PASSWORD</code>") || summary.contains("DB_PASSWORD"), "{summary}");
}

#[test]
fn hostile_workflows_do_no_harm() {
    let outside = tempfile::tempdir().expect("a directory");
    std::fs::write(
        outside.path().join("secret.yml"),
        "jobs: {x: {steps: [{run: secret-patch apply canary-outside}]}}\n",
    )
    .expect("written");
    let checkout = good().file(
        ".github/workflows/hostile.yml",
        "jobs:\n  x:\n    steps:\n    - uses: o/secret-patch@v0\n      with: {command: apply, environment: ../../../etc, root: /etc}\n    - uses: o/secret-patch@v0\n      with: {command: apply, environment: a, template: /etc/passwd, overlay: /proc/self}\n    - uses: ./../../..\n      with: {command: apply, environment: staging, root: ../../..}\n    - run: 'secret-patch apply \"::add-mask::x\"'\n",
    );
    std::os::unix::fs::symlink(outside.path().join("secret.yml"), checkout.path().join(".github/workflows/link.yml"))
        .expect("a link");
    checkout.commit();
    let ended = check(&checkout, &["--format", "json"]).run();
    assert_eq!(ended.code, Some(1));
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!all.contains("canary-outside") && !all.contains("root:x:0") && !all.contains("panicked"), "{ended:?}");
}
