//! Both ways in, as their callers see them.

use super::*;
use crate::values::Source;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect()
}

fn action(pairs: &[(&str, &str)]) -> Result<Request, Failure> {
    let mut environment = environment(pairs);
    environment.insert("GITHUB_ACTIONS".into(), "true".into());
    let arguments = ["secret-patch".into()];
    let context = Context::read(&arguments, &environment, Terminals::default());
    read(&arguments, &environment, &context)
}

fn command_line_with(words: &[&str], pairs: &[(&str, &str)], terminals: Terminals) -> Result<Request, Failure> {
    let environment = environment(pairs);
    let arguments: Vec<OsString> = ["secret-patch"].iter().chain(words).map(OsString::from).collect();
    let context = Context::read(&arguments, &environment, terminals);
    read(&arguments, &environment, &context)
}

fn command_line(words: &[&str]) -> Result<Request, Failure> {
    command_line_with(words, &[], Terminals::default())
}

fn run(request: Result<Request, Failure>) -> (Inputs, Vec<String>) {
    match request {
        Ok(Request::Run { inputs, problems }) => (*inputs, told(&problems)),
        other => panic!("{other:?}"),
    }
}

fn refused(request: Result<Request, Failure>) -> (u8, Vec<String>) {
    let failure = request.unwrap_err();
    (failure.exit_code(), told(&failure.problems))
}

fn told(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|p| format!("{} — {}", p.message, p.help.as_deref().unwrap_or_default())).collect()
}

fn printed(request: Result<Request, Failure>) -> (String, u8) {
    match request {
        Ok(Request::Print { text, code }) => (text, code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_ways_give_the_same_inputs() {
    let (from_action, problems) = run(action(&[
        ("INPUT_COMMAND", "apply"),
        ("INPUT_ENVIRONMENT", " staging\n"),
        ("INPUT_ROOT", "deploy"),
        ("INPUT_TEMPLATE", "a.yml, b.yml\nc"),
        ("INPUT_OVERLAY", "none"),
        ("INPUT_KINDS", "Secret,ConfigMap"),
        ("INPUT_SECRETS", r#"{"A": "1", "B": "two\nlines"}"#),
        ("INPUT_VARS", "{}"),
        ("INPUT_NONSENSITIVE", "LOG_LEVEL ENV_MODE"),
        ("INPUT_KEEP-PLACEHOLDERS", "spring_*"),
        ("INPUT_PREFER", "secrets environment"),
        ("INPUT_KUBE-TOKEN", "t0k3n"),
        ("INPUT_ALLOW-EXEC", "TRUE"),
        ("INPUT_TIMEOUT", "1h30m"),
        ("INPUT_ROLLOUT", "none"),
        ("INPUT_DRY-RUN", "false"),
        ("INPUT_FORMAT", ""),
        ("INPUT_ENTRYPOINT", "/x"),
        ("INPUT_ARGS", ""),
    ]));
    assert_eq!(problems, Vec::<String>::new());
    let words = "apply staging --root deploy --template a.yml --template b.yml,c --overlay none --kinds Secret --kinds ConfigMap \
        --nonsensitive LOG_LEVEL,ENV_MODE --keep-placeholders spring_* --prefer secrets,environment --allow-exec \
        --timeout 1h30m --rollout none --yes";
    let variables = [("SECRET_PATCH_KUBE_TOKEN", "t0k3n"), ("SECRET_PATCH_SECRETS", r#"{"A":"1","B":"two\nlines"}"#)];
    let (from_flags, problems) =
        run(command_line_with(&words.split_whitespace().collect::<Vec<_>>(), &variables, Terminals::default()));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(from_action, from_flags);
    assert_eq!(from_action.timeout, Duration::from_secs(5400));
    assert_eq!(from_action.secrets["B"].expose(), "two\nlines");
    assert_eq!(from_action.prefer, [Source::Secrets, Source::Environment]);
    assert!(from_action.allow_exec && from_action.command_line.yes);
}

#[test]
fn empty_inputs_are_the_defaults() {
    let inputs: Vec<String> = names::ALL.iter().map(|input| format!("INPUT_{}", input.name.to_uppercase())).collect();
    let mut pairs: Vec<(&str, &str)> = inputs.iter().map(|name| (name.as_str(), " ")).collect();
    pairs[0].1 = "render";
    pairs[1].1 = "staging";
    let (empty, problems) = run(action(&pairs));
    let (unset, _) = run(action(&pairs[..2]));
    assert_eq!(empty, unset);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(empty.timeout, Duration::from_secs(300));
    assert_eq!((empty.rollout, empty.format, empty.dry_run), (Rollout::Restart, Format::Text, false));
}

#[test]
fn act_writes_underscores() {
    let pairs = [
        ("INPUT_COMMAND", "apply"),
        ("INPUT_ENVIRONMENT", "e"),
        ("INPUT_KUBE_TOKEN", "t0k3n"),
        ("INPUT_KUBE-TOKEN", ""),
    ];
    let (inputs, problems) = run(action(&pairs));
    assert_eq!(inputs.kube_token, Some(Secret::new("t0k3n")));
    assert!(problems.is_empty());
}

#[test]
fn an_unknown_input_is_a_warning_without_its_value() {
    let pairs =
        [("INPUT_COMMAND", "apply"), ("INPUT_ENVIRONMENT", "e"), ("INPUT_KUBETOKEN", "t0k3n"), ("INPUT_XYZZY", "v")];
    let (_, problems) = run(action(&pairs));
    assert_eq!(
        problems,
        [
            "there is no input `kubetoken`; it is ignored — did you mean `kube-token`?",
            "there is no input `xyzzy`; it is ignored — "
        ]
    );
}

#[test]
fn all_problems_come_at_once_and_none_shows_a_secret() {
    let (code, problems) = refused(action(&[
        ("INPUT_COMMAND", "aply"),
        ("INPUT_ENVIRONMENT", "../prod"),
        ("INPUT_SECRETS", "{\"A\": hunter2}"),
        ("INPUT_VARS", "{\"A\": [\"hunter2\"]}"),
        ("INPUT_NONSENSITIVE", "LOG_* $(x)"),
        ("INPUT_PREFER", "vars,enviroment,vars"),
        ("INPUT_ALLOW-EXEC", "yes"),
        ("INPUT_TIMEOUT", "5"),
        ("INPUT_ROLLOUT", "restarts"),
        ("INPUT_ON-FAILED-ROLLOUT", "undo"),
        ("INPUT_ENV-FILE", "-"),
        ("INPUT_OUTPUT", "-"),
    ]));
    assert_eq!(code, 1);
    assert_eq!(
        problems,
        [
            "`command` is `aply` — did you mean `apply`?",
            "input `secrets` is not a JSON object (line 1, column 7) — write `secrets: ${{ toJSON(secrets) }}`",
            "field `A` of input `vars` is not text — write `vars: ${{ toJSON(vars) }}`",
            "`nonsensitive` holds `LOG_*` — name each one: a glob would also take in what is added later",
            "`nonsensitive` holds `$(x)`, which is no name — names are separated by blanks, commas or line ends",
            "`prefer` names `enviroment` — did you mean `environment`?",
            "`prefer` names `vars` twice — name each source once, the one that wins first",
            "`allow-exec` is `yes` — write `true` or `false`",
            "`rollout` is `restarts` — did you mean `restart`?",
            "`on-failed-rollout` is `undo` — write `keep` or `restore`",
            "`timeout` is `5` — write a number and a unit, such as `90s`, `5m` or `1h`, above zero and up to `24h`",
            "`-` is stdin, and a step of the action has none — name a file in the workspace",
            "`output` is `-`, which would write the values into the job's log — leave `output` out, or name a file",
        ]
    );
    assert!(!problems.join("").contains("hunter2"));
}

#[test]
fn an_action_without_inputs_says_which_are_missing() {
    let (code, problems) = refused(action(&[]));
    assert_eq!(code, 1);
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("`command` is missing — add `command:` below `with:`"), "{problems:?}");
}

#[test]
fn values_go_to_stdout_only_where_nobody_reads_over_the_shoulder() {
    let words = ["render", "staging", "-o", "-"];
    assert_eq!(run(command_line(&words)).0.output, Some(FileName::Standard));
    let terminal = Terminals { stdout: true, ..Terminals::default() };
    assert!(refused(command_line_with(&words, &[], terminal)).1[0].contains("--show-values"));
    let shown = ["render", "staging", "-o", "-", "--show-values"];
    assert!(run(command_line_with(&shown, &[], terminal)).0.command_line.show_values);
    assert!(refused(command_line_with(&shown, &[("GITHUB_ACTIONS", "true")], terminal)).1[0].contains("log"));
    assert!(refused(command_line(&["apply", "staging", "-o", "-"])).1[0].contains("needs the secret patch in a file"));
}

#[test]
fn render_asks_for_no_overlay() {
    assert_eq!(run(command_line(&["render", "s"])).0.overlay, Some(Overlay::None));
    assert_eq!(run(command_line(&["apply", "s"])).0.overlay, None);
    let pairs = [("INPUT_COMMAND", "render"), ("INPUT_ENVIRONMENT", "s"), ("INPUT_OVERLAY", "x")];
    assert_eq!(run(action(&pairs)).0.overlay, Some(Overlay::Path("x".into())));
}

#[test]
fn masks_are_for_the_runner_only() {
    assert!(refused(command_line(&["render", "staging", "--add-masks"])).1[0].contains("not GitHub Actions"));
    let actions = [("GITHUB_ACTIONS", "true")];
    let (inputs, _) = run(command_line_with(&["render", "staging", "--add-masks"], &actions, Terminals::default()));
    assert!(inputs.command_line.add_masks);
}

#[test]
fn stdin_is_read_once() {
    assert_eq!(run(command_line(&["render", "s", "--template", "-"])).0.templates, [FileName::Standard]);
    let (code, problems) = refused(command_line(&["render", "s", "--template", "-", "--env-file", "-"]));
    assert_eq!(code, 2);
    assert!(problems[0].contains("only once"));
}

#[test]
fn a_path_with_blanks_stands_in_quotes() {
    let given = "\"my app.yml\", 'it, too.yml' it's.yml \"open.yml \"half\".yml \"\" -";
    let paths =
        ["my app.yml", "it, too.yml", "it's.yml", "\"open.yml", "\"half\".yml"].map(|path| FileName::Path(path.into()));
    let (inputs, _) = run(command_line(&["render", "s", "--template", given]));
    assert_eq!(inputs.templates, [&paths[..], &[FileName::Standard]].concat());
}

#[test]
fn credentials_in_arguments_are_warned_about() {
    let (inputs, problems) =
        run(command_line(&["apply", "s", "--kube-token", "t0k3n", "--kubeconfig", "~/.kube/config"]));
    assert_eq!(inputs.kube_token, Some(Secret::new("t0k3n")));
    assert_eq!(
        problems,
        [
            "`--kube-token` on the command line can be read by every process of this machine — set `SECRET_PATCH_KUBE_TOKEN` instead"
        ]
    );
    let (_, problems) = run(command_line(&["apply", "s", "--kubeconfig", "apiVersion: v1\nkind: Config"]));
    assert!(problems[0].contains("SECRET_PATCH_KUBECONFIG"));
}

#[test]
fn a_flag_beats_its_variable() {
    let variables = [("SECRET_PATCH_KUBECONFIG", "b")];
    let words = ["apply", "s", "--kubeconfig", "a"];
    let (inputs, _) = run(command_line_with(&words, &variables, Terminals::default()));
    assert_eq!(inputs.kubeconfig, Some(Secret::new("a")));
}

#[test]
fn wrong_calls_are_told_without_quoting_arguments() {
    for (words, told) in [
        (&["rendr", "staging"][..], "there is no command `rendr` — did you mean `render`?"),
        (&["render"], "`<ENV>` is missing — see `secret-patch --help`"),
        (&["render", "staging", "hunter2"], "there is an argument too many — see `secret-patch --help`"),
        (&["apply", "s", "--kubetoken=hunter2"], "there is no flag `--kubetoken` — did you mean `--kube-token`?"),
        (&["apply", "s", "--kube-token"], "`--kube-token` needs a value — see `secret-patch --help`"),
        (
            &["apply", "s", "--context", "a", "--context", "b"],
            "`--context` is given more than once — see `secret-patch --help`",
        ),
        (
            &["render", "s", "--color", "hunter2"],
            "`--color` is given a value that it does not take — write one of auto, always, never",
        ),
        (
            &["render", "s", "--verbose=hunter2"],
            "`--verbose` is given a value that it does not take — see `secret-patch --help`",
        ),
    ] {
        assert_eq!(refused(command_line(words)), (2, vec![told.to_owned()]), "{words:?}");
    }
}

#[test]
fn help_comes_from_the_table() {
    let verbs: [&[&str]; 5] = [&["apply"], &["diff"], &["eso", "plan"], &["eso", "run"], &["eso", "verify"]];
    let helps = verbs.map(|verb| printed(command_line(&[verb, &["--help"]].concat())));
    assert!(helps.iter().all(|(_, code)| *code == 0));
    let help = helps.map(|(help, _)| help).join("\n");
    for input in names::ALL.iter().filter(|input| !["command", "environment"].contains(&input.name)) {
        // The plan is an argument.
        assert!(input.name == "plan" || help.contains(&format!("--{}", input.name)), "{}", input.name);
        let words: Vec<&str> = help.split_whitespace().collect();
        let about: Vec<&str> = input.about.split_whitespace().collect();
        assert!(words.windows(about.len()).any(|window| window == about), "{}", input.about);
    }
    assert!(help.contains("[default: 5m]") && !help.contains('\u{1b}'));
    let (help, code) = printed(command_line(&[]));
    assert!(code == 2 && help.contains("Examples:"));
    assert!(printed(command_line(&["--version"])).0.starts_with("secret-patch "));
    assert!(printed(command_line(&["completions", "bash"])).0.contains("--kube-token"));
}

#[test]
fn help_opens_with_what_the_command_does() {
    for (verb, opening) in [
        (&["render"][..], "Fill the template"),
        (&["check"], "Check that"),
        (&["diff"], "Show what an apply would do"),
        (&["apply"], "Render, build, check, apply"),
        (&["cleanup"], "Remove the patch"),
        (&["eso"], "Move hand-made Secrets"),
        (&["eso", "inventory"], "Every Secret"),
        (&["eso", "plan"], "Write a plan"),
        (&["eso", "run"], "Carry the plan out"),
        (&["eso", "verify"], "Check that ExternalSecrets"),
    ] {
        let (help, _) = printed(command_line(&[verb, &["--help"]].concat()));
        assert!(help.starts_with(opening), "{verb:?}\n{help}");
        assert!(!help.contains("[default: ${{"), "{verb:?}\n{help}");
    }
}

#[test]
fn help_has_each_flag_under_its_heading() {
    for (verb, heading, entry) in [
        ("check", "Arguments:", "[ENV]"),
        ("cleanup", "Arguments:", "<ENV>"),
        ("diff", "Output:", "--exit-code"),
        ("apply", "Build and cluster:", "--yes"),
        ("apply", "Vault:", "--vault-url"),
        ("apply", "Vault:", "--ca-bundle"),
    ] {
        let (help, _) = printed(command_line(&[verb, "--help"]));
        let section = help.split("\n\n").find(|section| section.starts_with(heading));
        assert!(section.is_some_and(|section| section.contains(entry)), "{verb} {entry}\n{help}");
    }
}

#[test]
fn durations_have_units_and_bounds() {
    for (text, seconds) in
        [("90s", Some(90)), ("5m", Some(300)), ("1h", Some(3600)), ("1h1m1s", Some(3661)), ("24h", Some(86_400))]
    {
        let (inputs, _) = run(command_line(&["apply", "s", "--timeout", text]));
        assert_eq!(Some(inputs.timeout.as_secs()), seconds);
    }
    for text in ["0s", "5", "m", "5 m", "5d", "-5m", "25h", "99999999999999999999h", "٣m"] {
        assert_eq!(refused(command_line(&["apply", "s", &format!("--timeout={text}")])).0, 2, "{text}");
    }
}

#[test]
fn action_yml_declares_the_inputs_of_the_table() {
    let action: serde_yaml::Value = serde_yaml::from_str(include_str!("../../action.yml")).unwrap();
    let declared = action["inputs"].as_mapping().unwrap().iter().map(|(name, input)| {
        assert!(input.get("required").is_none(), "{name:?}: the runner does not enforce it, the program says more");
        (name.as_str().unwrap(), input.get("default").map(|default| default.as_str().unwrap()))
    });
    let table = names::ALL.iter().map(|input| (input.name, input.default));
    assert_eq!(declared.collect::<Vec<_>>(), table.collect::<Vec<_>>());
}
