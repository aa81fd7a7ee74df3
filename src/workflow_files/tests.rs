//! Whole workflow files, in the shapes in which people write them.

use super::*;

fn file(name: &str, text: &str) -> WorkflowFile {
    WorkflowFile { name: format!(".github/workflows/{name}"), text: text.to_owned() }
}

fn read(texts: &[(&str, &str)]) -> Calls {
    let files: Vec<WorkflowFile> = texts.iter().map(|(name, text)| file(name, text)).collect();
    calls(&files, &|path| {
        let composite = "name: deploy\nruns:\n  using: composite\n  steps:\n  - uses: o/secret-patch@v0\n";
        match path {
            "action.yml" => Some("name: secret-patch\nruns: {using: docker}\n".to_owned()),
            ".github/actions/deploy/action.yml" => Some(composite.to_owned()),
            ".github/actions/other/action.yaml" => Some("name: other\nruns: {using: node20}\n".to_owned()),
            "tools/fetch.sh" => Some("echo \"API_KEY=$(vault read x)\" >> \"$GITHUB_ENV\"\n".to_owned()),
            "tools/build.sh" => Some("docker build .\n".to_owned()),
            _ => None,
        }
    })
}

/// Each call as `command environment @line [names given]`.
fn told(calls: &Calls) -> Vec<String> {
    let tell = |call: &Call| {
        let mut names: Vec<&str> = call.given.environment.keys().map(String::as_str).collect();
        names.extend(call.given.otherwise.iter().map(String::as_str));
        let at = call.directory.join(call.inputs.root.as_deref().unwrap_or(std::path::Path::new("")));
        let at = at.display();
        format!(
            "{} {} {at} @{} {}",
            call.inputs.command.word(),
            call.inputs.environment,
            call.place.line,
            names.join(",")
        )
    };
    calls.calls.iter().map(tell).collect()
}

fn kinds(calls: &Calls) -> Vec<String> {
    let tell = |problem: &Problem| {
        let place = problem.place.as_ref().unwrap();
        format!("{} @{} {}", problem.kind, place.line, problem.message)
    };
    calls.problems.iter().map(tell).collect()
}

use crate::inputs::Word as _;

#[track_caller]
fn found(text: &str, expected: &[&str]) {
    let calls = read(&[("a.yml", text)]);
    assert_eq!(kinds(&calls), Vec::<String>::new());
    assert_eq!(told(&calls), expected);
}

#[test]
fn the_env_of_workflow_job_and_step_is_given() {
    found(
        "on: push\nenv:\n  W: ${{ vars.W }}\njobs:\n  deploy:\n    env: {J: x}\n    steps:\n    - uses: actions/checkout@v7\n    - uses: o/secret-patch@v0\n      with:\n        command: apply\n        environment: staging\n        kubeconfig: ${{ secrets.K }}\n      env:\n        S: ${{ secrets.S }}\n",
        &["apply staging  @9 J,S,W"],
    );
}

#[test]
fn a_matrix_is_several_calls() {
    found(
        "jobs:\n  deploy:\n    strategy:\n      matrix:\n        include:\n        - {env: staging, root: a/k8s}\n        - {env: prod, root: b/k8s}\n    steps:\n    - uses: o/secret-patch@v0\n      with: {command: apply, environment: '${{ matrix.env }}', root: '${{ matrix.root }}'}\n",
        &["apply staging a/k8s @9 ", "apply prod b/k8s @9 "],
    );
}

#[test]
fn choices_conditions_and_exported_variables_are_followed() {
    found(
        "on:\n  workflow_dispatch:\n    inputs:\n      target: {type: choice, options: [staging, prod]}\njobs:\n  a:\n    steps:\n    - uses: o/secret-patch@v0\n      with: {command: check, environment: '${{ inputs.target }}'}\n  b:\n    steps:\n    - uses: o/secret-patch@v0\n      with: {command: check, environment: \"${{ github.ref == 'refs/heads/main' && 'prod' || 'staging' }}\"}\n  c:\n    steps:\n    - run: |\n        if x; then echo \"TARGET=prod\" >> $GITHUB_ENV; else echo \"TARGET=qa\" >> $GITHUB_ENV; fi\n    - uses: o/secret-patch@v0\n      with: {command: check, environment: '${{ env.TARGET }}'}\n",
        &[
            "check staging  @8 ",
            "check prod  @8 ",
            "check prod  @12 ",
            "check staging  @12 ",
            "check prod  @18 TARGET",
            "check qa  @18 TARGET",
        ],
    );
}

#[test]
fn scripts_are_read_with_their_arguments_and_directories() {
    found(
        "defaults:\n  run:\n    working-directory: infra\njobs:\n  deploy:\n    env:\n      TARGET: staging\n    steps:\n    - run: |\n        set -euo pipefail\n        cd k8s\n        export BUILD=1\n        secret-patch apply \"$TARGET\" --root . --kubeconfig \"$KUBECONFIG\" \\\n          --timeout 5m > log 2>&1\n      env:\n        A: ${{ secrets.A }}\n    - run: for env in staging prod; do secret-patch check \"$env\"; done\n      working-directory: .\n",
        &["apply staging infra/k8s/. @9 A,TARGET,BUILD", "check staging  @17 TARGET", "check prod  @17 TARGET"],
    );
}

#[test]
fn every_way_to_run_the_program_is_known() {
    found(
        "jobs:\n  a:\n    steps:\n    - uses: ./\n      with: {command: render, environment: a}\n    - uses: docker://ghcr.io/o/secret-patch:v1\n      with: {args: apply b --dry-run}\n    - uses: docker://ghcr.io/o/secret-patch:v1\n      with: {command: apply, environment: c}\n    - uses: ./.github/actions/other\n    - uses: o/secret-patch/setup@v0\n    - run: curl -o secret-patch https://x && chmod +x secret-patch && ./secret-patch --version\n",
        &["render a  @4 ", "apply b  @6 ", "apply c  @8 "],
    );
}

#[test]
fn reusable_workflows_know_their_callers() {
    let called = "on:\n  workflow_call:\n    inputs:\n      environment: {type: string}\njobs:\n  deploy:\n    steps:\n    - uses: o/secret-patch@v0\n      with: {command: apply, environment: '${{ inputs.environment }}', secrets: '${{ toJSON(secrets) }}'}\n";
    let caller = "jobs:\n  staging:\n    uses: ./.github/workflows/called.yml\n    with: {environment: staging}\n  others:\n    strategy: {matrix: {env: [qa, prod]}}\n    uses: ./.github/workflows/called.yml\n    with: {environment: '${{ matrix.env }}'}\n    secrets: inherit\n";
    let calls = read(&[("called.yml", called), ("caller.yml", caller)]);
    assert_eq!(told(&calls), ["apply prod  @8 ", "apply qa  @8 ", "apply staging  @8 "]);
    assert!(calls.calls.iter().all(|call| call.given.rest == Rest::Passed));
    let alone = read(&[("called.yml", called)]);
    assert_eq!((alone.calls.len(), alone.unresolved.len()), (0, 1));
}

#[test]
fn what_only_the_run_knows_is_a_notice() {
    for (step, text) in [
        (
            "uses: o/secret-patch@v0\n      with: {command: apply, environment: '${{ needs.a.outputs.e }}'}",
            "${{ needs.a.outputs.e }}",
        ),
        ("run: secret-patch apply \"$(cat env)\"", "$(cat env)"),
        ("run: secret-patch apply staging --root $NOWHERE", "$NOWHERE"),
        ("run: docker run --rm -e A ghcr.io/o/secret-patch:v1 apply staging", "inside of another command"),
        ("uses: ./.github/actions/deploy", "an action made of steps"),
    ] {
        let calls = read(&[("a.yml", &format!("jobs:\n  d:\n    steps:\n    - {step}\n"))]);
        let problems = kinds(&calls);
        assert!(
            problems.len() == 1 && problems[0].starts_with("step-unresolved @4 ") && problems[0].contains(text),
            "{step}: {problems:?}"
        );
        assert_eq!((calls.calls.len(), calls.unresolved.len()), (0, 1), "{step}");
    }
    let remote = read(&[("a.yml", "jobs:\n  d:\n    uses: o/secret-patch/.github/workflows/deploy.yml@v0\n")]);
    assert!(kinds(&remote)[0].starts_with("step-unresolved @3 job `d` calls"), "{:?}", kinds(&remote));
}

#[test]
fn wrong_inputs_are_found_at_their_lines() {
    let text = "jobs:\n  d:\n    steps:\n    - uses: o/secret-patch@v0\n      with:\n        command: aply\n        enviroment: staging\n        format: ${{ inputs.f }}\n    - run: secret-patch apply staging --kind Secret\n";
    let problems = kinds(&read(&[("a.yml", text)]));
    assert_eq!(
        problems,
        [
            "unknown-input @7 there is no input `enviroment`; it is ignored",
            "invalid-input @6 `command` is `aply`",
            "missing-input @4 `environment` is missing",
            "usage @9 there is no flag `--kind`",
        ]
    );
}

#[test]
fn names_from_elsewhere_are_counted() {
    let rest = |step: &str| {
        let text = format!(
            "jobs:\n  d:\n    steps:\n{step}\n    - uses: o/secret-patch@v0\n      with: {{command: apply, environment: a}}\n"
        );
        let calls = read(&[("a.yml", &text)]);
        let given = calls.calls.last().unwrap().given.clone();
        (given.otherwise.into_iter().collect::<Vec<_>>().join(","), given.rest)
    };
    assert_eq!(rest("    - run: echo \"A=$(x)\" >> \"$GITHUB_ENV\""), ("A".to_owned(), Rest::Nothing));
    assert!(matches!(rest("    - run: sops -d x.env >> $GITHUB_ENV").1, Rest::Unknown(_)));
    let (names, vault) =
        rest("    - uses: hashicorp/vault-action@v3\n      with: {secrets: 'secret/data/ci key | API_KEY'}");
    assert!(names.contains("API_KEY") && matches!(vault, Rest::Unknown(why) if why.contains("vault-action")));
    assert_eq!(rest("    - run: ./fetch.sh prod\n      working-directory: tools").0, "API_KEY");
    for (step, by) in [
        ("run: ./fetch.sh prod\n      working-directory: tools", "tools/fetch.sh"),
        ("run: bash made-by-the-job.sh", "made-by-the-job.sh"),
        (
            "uses: oNaiPs/secrets-to-env-action@v1\n      with: {secrets: '${{ toJSON(secrets) }}'}",
            "onaips/secrets-to-env-action",
        ),
        ("uses: o/fetch@v1\n      with: {token: '${{ secrets.FETCH_TOKEN }}'}", "o/fetch"),
        (
            "uses: actions/github-script@v8\n      with: {script: \"core.exportVariable('API_KEY', x)\"}",
            "exportVariable",
        ),
    ] {
        let expected = Rest::Unknown(format!("`{by}` in step 1 of job `d`"));
        assert_eq!(rest(&format!("    - {step}")).1, expected, "{step}");
    }
    for step in [
        "run: ./tools/build.sh",
        "run: ./secret-patch --version",
        "uses: o/secret-patch@v0\n      with: {command: check, environment: a, kube-token: '${{ secrets.T }}'}",
        "uses: docker/login-action@v3\n      with: {password: '${{ secrets.REGISTRY }}'}",
        "uses: o/comment@v1\n      with: {token: '${{ secrets.GITHUB_TOKEN }}'}",
    ] {
        assert_eq!(rest(&format!("    - {step}")).1, Rest::Nothing, "{step}");
    }
    assert_eq!(
        rest("    - run: echo GITHUB_ENVIRONMENT").1,
        Rest::Unknown("`GITHUB_ENV` in step 1 of job `d`".to_owned())
    );
}

#[test]
fn a_checkout_beside_others_is_found() {
    let at = |checkout: &str, with: &str| {
        let text = format!(
            "jobs:\n  d:\n    steps:\n    - uses: actions/checkout@v7\n      with: {{{checkout}}}\n    - uses: o/secret-patch@v0\n      with: {{command: check, environment: a{with}}}\n"
        );
        let calls = read(&[("a.yml", &text)]);
        (told(&calls), kinds(&calls).len())
    };
    assert_eq!(at("path: app", ", root: app/k8s"), (vec!["check a k8s @6 ".to_owned()], 0));
    assert_eq!(at("fetch-depth: 0", ", root: ./k8s"), (vec!["check a ./k8s @6 ".to_owned()], 0));
    assert_eq!(at("repository: o/other, path: m", ", root: m/k8s"), (vec![], 1));
    assert_eq!(at("repository: o/other", ""), (vec![], 1));
    assert_eq!(at("path: app", ""), (vec![], 1));
}

#[test]
fn own_names_are_used_by_the_step_or_in_vain() {
    let text = "jobs:\n  d:\n    steps:\n    - uses: o/secret-patch@v0\n      with:\n        command: apply\n        environment: a\n        kubeconfig: ${{ env.KUBE }}\n      env:\n        KUBE: x\n        RUST_LOG: debug\n        FREE: y\n";
    let calls = read(&[("a.yml", text)]);
    let own: Vec<(&str, bool)> = calls.calls[0].own.iter().map(|v| (v.name.as_str(), v.used)).collect();
    assert_eq!(own, [("KUBE", true), ("RUST_LOG", true), ("FREE", false)]);
    assert_eq!(calls.calls[0].env_place.line, 9);
}

#[test]
fn hostile_files_end_soon() {
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for level in 1..40 {
        bomb += &format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
    }
    bomb += "jobs:\n  d:\n    steps:\n    - uses: o/secret-patch@v0\n      with: {command: check, environment: a, kinds: *a39}\n      env: *a39\n      x: *a39\n";
    let job = |name: usize| format!("  d{name}:\n    steps:\n{}", "    - run: secret-patch check a\n".repeat(1000));
    let many = format!("jobs:\n{}", (0..5).map(job).collect::<String>());
    let large = format!("jobs: {{}}\n#{}", "x".repeat(MOST_BYTES));
    let started = std::time::Instant::now();
    let calls = read(&[("a.yml", &bomb), ("b.yml", &many), ("c.yml", &large), ("d.yml", "a: [")]);
    assert!(started.elapsed().as_secs() < 20);
    assert_eq!(calls.calls.len(), MOST_CALLS);
    assert!(kinds(&calls).iter().any(|text| text.starts_with("workflow-unreadable")));
}
