//! What is written twice says the same: `action.yml`, the README and the examples against the program.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test reads and, if asked to, writes the docs, and fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use secret_patch::inputs::names::{ALL, Input};
use serde_json::Value;
use support::Checkout;

const START: &str = "<!-- inputs -->\n";
const END: &str = "<!-- /inputs -->";

/// The outputs in the order in which they are set.
const OUTPUTS: [&str; 5] = ["patch", "changed", "changed-objects", "changed-keys", "report"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of the repository with this ending: not what is ignored or built.
fn files(ending: &str) -> Vec<PathBuf> {
    fn collect(directory: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry")) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().expect("a type").is_dir() {
                let ours = !["target", "node_modules"].contains(&name.as_str())
                    && (name == ".github" || !name.starts_with('.'));
                if ours {
                    collect(&entry.path(), ending, found);
                }
            } else if name.ends_with(ending) {
                found.push(entry.path());
            }
        }
    }
    let mut found = Vec::new();
    collect(root(), ending, &mut found);
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).expect("in the repository").display().to_string()
}

// --- action.yml

#[test]
fn action_yml_declares_the_programs_inputs_in_its_order() {
    let action: serde_yaml::Value = serde_yaml::from_str(&read("action.yml")).expect("YAML");
    let declared = action["inputs"].as_mapping().expect("inputs").iter().map(|(name, input)| {
        let description = input["description"].as_str().unwrap_or_default();
        assert!(description.ends_with('.') && description.len() > 20, "{name:?}: {description:?}");
        for key in input.as_mapping().expect("an input").keys() {
            assert!(["description", "default"].contains(&key.as_str().expect("text")), "{name:?}: {key:?}");
        }
        (name.as_str().expect("text"), input.get("default").map(|default| default.as_str().expect("text")))
    });
    let table = ALL.iter().map(|input| (input.name, input.default));
    assert_eq!(declared.collect::<Vec<_>>(), table.collect::<Vec<_>>());
}

#[test]
fn action_yml_declares_the_outputs_that_are_set() {
    let action: serde_yaml::Value = serde_yaml::from_str(&read("action.yml")).expect("YAML");
    let declared = action["outputs"].as_mapping().expect("outputs").iter().map(|(name, output)| {
        assert!(output["description"].as_str().is_some_and(|text| text.ends_with('.')), "{name:?}");
        name.as_str().expect("text")
    });
    assert_eq!(declared.collect::<Vec<_>>(), OUTPUTS);
    let checkout = Checkout::with("a: 1\n", "");
    checkout.action(&[("command", "render"), ("environment", "demo")]).run().done();
    let text = checkout.outputs();
    let set: Vec<&str> =
        text.lines().filter_map(|line| line.split_once("<<ghadelimiter_")).map(|(name, _)| name).collect();
    assert_eq!(set, OUTPUTS);
    assert_eq!(action["runs"]["using"].as_str(), Some("docker"));
}

// --- docs/report.md

/// Every field of `value` by its path, such as `objects.keys.change`; of a list those of its first item.
fn fields(value: &Value, path: &str) -> BTreeSet<String> {
    match value {
        Value::Object(object) => {
            let name = |key: &str| format!("{path}.{key}").trim_start_matches('.').to_owned();
            object.iter().flat_map(|(key, value)| fields(value, &name(key)).into_iter().chain([name(key)])).collect()
        }
        Value::Array(list) => list.first().map(|item| fields(item, path)).unwrap_or_default(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn the_documented_report_has_the_fields_of_the_programs() {
    let page = read("docs/report.md");
    let block = page.split("```jsonc\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a report");
    let plain: String = block.lines().map(|line| line.split(" // ").next().unwrap_or_default()).collect();
    let documented = fields(&serde_json::from_str(&plain).expect("JSON with comments"), "");
    let template = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: \"${A}\"}\n";
    let checkout = Checkout::with(template, "").file("demo.env", "A=value-of-a\n");
    let ended = checkout.program(&["render", "demo", "--env-file", "demo.env", "--format", "json"]).run().done();
    let there = fields(&serde_json::from_str(&ended.stdout).expect("JSON"), "");
    let missing: Vec<&String> = there.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/report.md lacks {missing:?}");
    let gone: Vec<&String> = documented.difference(&there).filter(|name| !name.contains('.')).collect();
    assert!(gone.is_empty(), "the report has no {gone:?}");
}

// --- docs/errors.md

#[test]
fn every_word_of_the_errors_page_is_the_programs() {
    let page = read("docs/errors.md");
    let first_cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let words: Vec<&str> =
        first_cells.flat_map(|cell| cell.split(['`', ',', ' '])).filter(|word| !word.is_empty()).collect();
    assert!(words.len() > 40, "{words:?}");
    let sources: String =
        files(".rs").into_iter().filter(|path| path.starts_with(root().join("src"))).map(read).collect();
    let unknown: Vec<&&str> = words.iter().filter(|word| !sources.contains(&format!("\"{word}\""))).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

// --- README

fn row(input: &Input) -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let default = match (input.name, input.default) {
        ("command" | "environment", _) => "required".to_owned(),
        (_, Some(default)) => format!("`{}`", cell(default)),
        (_, None) => String::new(),
    };
    format!("| `{}` | {default} | {} |\n", input.name, cell(input.about))
}

fn inputs_table() -> String {
    let rows: String = ALL.iter().map(row).collect();
    format!("| Input | Default | |\n| --- | --- | --- |\n{rows}")
}

/// The README with the program's table between its marks.
fn with_inputs_table(readme: &str) -> String {
    let (before, rest) = readme.split_once(START).expect("`<!-- inputs -->` on a line of its own");
    let (_, after) = rest.split_once(END).expect("`<!-- /inputs -->`");
    format!("{before}{START}{}{END}{after}", inputs_table())
}

/// With `UPDATE_DOCS=1` the README is put right instead.
#[test]
fn the_readmes_table_of_inputs_is_the_programs() {
    let readme = read("README.md");
    let expected = with_inputs_table(&readme);
    if readme != expected && std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(root().join("README.md"), expected).expect("written");
        return;
    }
    let table = inputs_table();
    assert!(readme == expected, "UPDATE_DOCS=1 cargo test --test docs writes this table into README.md:\n{table}");
}

#[test]
fn the_readme_names_every_output() {
    let readme = read("README.md");
    for output in OUTPUTS {
        assert!(readme.contains(&format!("`{output}`")), "{output}");
    }
}

// --- command lines

/// The lines of shell in a text: of Markdown those in code blocks and between backticks, of others those of `run:` steps.
fn command_lines(text: &str, markdown: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.replace("\\\n", " ").lines() {
        let trimmed = line.trim_start();
        if markdown && trimmed.starts_with("```") {
            fenced = !fenced;
        } else if markdown && !fenced {
            found.extend(line.split('`').skip(1).step_by(2).filter_map(call));
        } else if !markdown || fenced {
            found.extend(call(trimmed.trim_start_matches("- ").trim_start_matches("run: ").trim_start_matches("$ ")));
        }
    }
    found
}

/// The call of the program that a line begins with: without a prompt, a way to it, variables, a comment and what follows.
fn call(line: &str) -> Option<String> {
    const WAYS: [&str; 4] = ["cargo run --quiet --", "cargo run -q --", "cargo run --", "secret-patch"];
    let mut rest = line.trim();
    while let Some((first, more)) = rest.split_once(' ')
        && first
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    {
        rest = more.trim_start();
    }
    let way = |rest: &str| {
        WAYS.iter().find_map(|way| rest.strip_prefix(way).filter(|tail| tail.starts_with(' ')).map(str::to_owned))
    };
    let tail = way(rest).or_else(|| {
        let (program, tail) = rest.split_once(' ')?;
        program.ends_with("/secret-patch").then(|| format!(" {tail}"))
    })?;
    let ends = [" #", " | ", " && ", " ; ", " > ", " 2> "].iter().filter_map(|end| tail.find(end)).min();
    Some(tail[..ends.unwrap_or(tail.len())].trim().to_owned())
}

/// The words of a call as a shell takes them; `<(…)`, `$(…)` and `${{ … }}` stay one.
fn words(call: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut depth) = (Vec::new(), String::new(), None, 0);
    for c in call.chars() {
        match c {
            '\'' | '"' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            c if c.is_whitespace() && quote.is_none() && depth == 0 => words.extend(Some(std::mem::take(&mut word))),
            c => {
                depth += i32::from("({".contains(c)) - i32::from(")}".contains(c));
                word.push(c);
            }
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Whether the program takes the words: with `--help` behind them it reads them all and does nothing.
fn problem_with(call: &str) -> Option<String> {
    let words = words(call);
    // A mention such as `secret-patch render …` or `secret-patch apply ENV [flags]` is no command line.
    if words.iter().any(|word| word.contains(['…', '['])) {
        return None;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_secret-patch"));
    // clap stops at `--help`, so flags are looked for in the help, and the words then parsed in an empty directory.
    // `eso` has commands of its own.
    let verbs = if words.first().is_some_and(|verb| verb == "eso") { 2 } else { 1 };
    let help = command.env_clear().args(words.iter().take(verbs)).arg("--help").output().expect("ended");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for word in words.iter().skip(1).filter(|word| word.starts_with("--") && word.len() > 2) {
        let flag = word.split('=').next().unwrap_or_default();
        if !help.split_whitespace().any(|known| known.trim_end_matches(',') == flag) && flag != "--help" {
            return Some(format!("there is no flag `{flag}`"));
        }
    }
    let checkout = Checkout::empty();
    let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = checkout
        .program(&arguments)
        .env("GITHUB_ACTIONS", if call.contains("--add-masks") { "true" } else { "" })
        .run();
    (ended.code == Some(2) && !arguments.is_empty()).then_some(ended.stderr)
}

#[test]
fn every_documented_command_line_is_taken() {
    let mut calls = Vec::new();
    for path in files(".md").into_iter().filter(|path| !name(path).starts_with("CHANGELOG")) {
        calls.extend(command_lines(&read(&path), true).into_iter().map(|call| (name(&path), call)));
    }
    for path in files(".yml").into_iter().chain(files("justfile")) {
        calls.extend(command_lines(&read(&path), false).into_iter().map(|call| (name(&path), call)));
    }
    let help = Command::new(env!("CARGO_BIN_EXE_secret-patch")).arg("--help").env_clear().output().expect("ended");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    calls.extend(command_lines(&help, false).into_iter().map(|call| ("--help".to_owned(), call)));
    assert!(calls.len() >= 6, "{calls:?}");
    let wrong =
        calls.iter().filter_map(|(file, call)| Some(format!("{file}: secret-patch {call}\n{}", problem_with(call)?)));
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Every `with:` of a documented step names inputs that there are.
#[test]
fn every_documented_step_uses_inputs_that_there_are() {
    for path in files(".md").into_iter().chain(files(".yml")) {
        for (line, input) in step_inputs(&read(&path)) {
            assert!(ALL.iter().any(|known| known.name == input), "{}:{line}: there is no input `{input}`", name(&path));
        }
    }
}

/// The keys below `with:` of the steps that use this action, with their lines.
fn step_inputs(text: &str) -> Vec<(usize, String)> {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let (mut found, mut step, mut with) = (Vec::new(), None, None);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (depth, key) = (indent(line), line.trim_start_matches([' ', '-']));
        if let Some(uses) = key.strip_prefix("uses: ") {
            step = (uses.contains("/secret-patch@") || uses.trim() == "./").then_some(depth);
            with = None;
        } else if step.is_some_and(|step| depth < step) {
            (step, with) = (None, None);
        } else if step == Some(depth) {
            with = key.starts_with("with:").then_some(());
        } else if step.is_some() && with.is_some() && step.is_some_and(|step| depth == step + 2) {
            found.extend(key.split_once(':').map(|(name, _)| (number + 1, name.to_owned())));
        }
    }
    found
}

// --- the other texts

#[test]
fn the_changelog_has_a_place_for_what_comes_next() {
    let changelog = read("CHANGELOG.md");
    let sections: Vec<&str> = changelog.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(sections.first(), Some(&"## [Unreleased]"));
    let version = env!("CARGO_PKG_VERSION");
    let released = sections.iter().any(|section| section.starts_with(&format!("## [{version}]")));
    assert!(released || sections.len() == 1, "{version} is not in CHANGELOG.md");
}

/// The targets of the links in a Markdown text, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        if !fenced {
            let inline =
                plain.match_indices("](").filter_map(|(at, mark)| plain[at + mark.len()..].split([')', ' ']).next());
            found.extend(inline.map(str::to_owned));
            let reference = plain.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
            found.extend(reference.and_then(|(_, target)| target.split_whitespace().next()).map(str::to_owned));
            for attribute in ["href=\"", "src=\""] {
                let targets =
                    plain.match_indices(attribute).filter_map(|(at, mark)| plain[at + mark.len()..].split('"').next());
                found.extend(targets.map(str::to_owned));
            }
        }
    }
    found
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for path in files(".md") {
        for link in links(&read(&path)).iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().expect("a directory").join(file) };
            let has_heading = || read(&target).lines().any(|line| line.starts_with('#') && anchor(line) == fragment);
            if !target.exists() || !fragment.is_empty() && name(&target).ends_with(".md") && !has_heading() {
                wrong.push(format!("{}: {link}", name(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The tests that a page names, as `tests/file.rs::name`.
fn named_tests(text: &str) -> Vec<(String, String)> {
    let parts = text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(".rs::"));
    parts.map(|(file, test)| (format!("{file}.rs"), test.to_owned())).collect()
}

#[test]
fn every_promise_of_security_has_tests_that_there_are() {
    let page = read("docs/security.md");
    let promises =
        page.split("## What is promised").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("promises");
    let rows = promises.lines().filter(|line| line.starts_with("| ")).skip(1);
    let untested: Vec<&str> = rows.filter(|row| named_tests(row).is_empty()).collect();
    assert!(untested.is_empty(), "{untested:#?}");
    for (file, test) in named_tests(&page) {
        let text = read(&file);
        let before = text.split(&format!("fn {test}(")).next().filter(|before| before.len() < text.len());
        assert!(before.is_some_and(|before| before.trim_end().ends_with("#[test]")), "{file} has no test `{test}`");
    }
}

#[test]
fn the_repository_speaks_of_itself_alone() {
    for path in [".md", ".yml", ".toml", "justfile", "Dockerfile"].iter().flat_map(|ending| files(ending)) {
        let text = read(&path);
        for word in ["/home/", "/root/", "TODO", "FIXME"] {
            assert!(!text.contains(word), "{}: {word}", name(&path));
        }
    }
}

// --- these readers themselves

#[test]
fn wrong_samples_are_found() {
    let text = "Run `FOO=1 secret-patch render staging -o -` or\n```sh\n$ secret-patch apply prod \\\n  --yes # now\ncargo run -- render x | less\nsecret-patch\n```\n";
    assert_eq!(command_lines(text, true), ["render staging -o -", "apply prod    --yes", "render x"]);
    assert_eq!(
        words("apply 'a b' --env-file <(sops -d x.env) --yes"),
        ["apply", "a b", "--env-file", "<(sops -d x.env)", "--yes"]
    );
    for wrong in [
        "rendr staging",
        "render",
        "render x --overlay-directory y",
        "apply x --timeout",
        "apply x --timeout 5",
        "render a b",
        "render x --yes",
    ] {
        assert!(problem_with(wrong).is_some(), "{wrong}");
    }
    for right in [
        "render staging --env-file demo.env -o - --show-values",
        "apply prod --env-file <(sops -d prod.env) --yes",
        "render … | x",
        "--version",
    ] {
        assert_eq!(problem_with(right), None, "{right}");
    }
    let step = "- uses: owner/secret-patch@v1\n  env:\n    A: b\n  with:\n    command: apply\n    secrets: |\n      x: y\n    kube-tokn: x\n- uses: a/b@v1\n  with:\n    x: y\n";
    let names: Vec<String> = step_inputs(step).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["command", "secrets", "kube-tokn"]);
    assert_eq!(links("a [b](c.md#d \"t\") `[x](y)` [r]: no\n[r]: e.md\n```\n[z](w)\n```\n"), ["c.md#d", "e.md"]);
    assert_eq!(anchor("## What's `new` in 1.0?"), "whats-new-in-10");
    let readme = "a\n\n<!-- inputs -->\nold\n<!-- /inputs -->\n\nb\n";
    let right = format!("a\n\n<!-- inputs -->\n{}<!-- /inputs -->\n\nb\n", inputs_table());
    assert_eq!((with_inputs_table(readme), with_inputs_table(&right)), (right.clone(), right.clone()));
    assert!(inputs_table().contains("| `timeout` | `5m` | How long to wait for workloads, or for the ExternalSecrets of `eso run`, such as `90s`, `5m`, `1h` |\n"));
}
