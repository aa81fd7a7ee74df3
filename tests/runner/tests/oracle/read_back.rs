//! What `@actions/core` writes, read by the model.

use fastrand::Rng;
use secret_patch_runner::*;
use serde_json::{Value, json};

use crate::corpus::{ROUNDS, line, name, rng, text};
use crate::node::{Answer, Case, ask};

/// Asks about `make`'s case for each round, and hands its answer to `check` with what was asked.
fn rounds<T>(what: u64, make: impl Fn(&mut Rng) -> (Case, T), check: impl Fn(Finished, &Answer, T)) {
    let mut rng = rng(what);
    let (cases, asked): (Vec<Case>, Vec<T>) = (0..ROUNDS).map(|_| make(&mut rng)).unzip();
    for (answer, asked) in ask(&cases).into_iter().zip(asked) {
        let mut job = Job::new().with_env("ACTIONS_ALLOW_UNSECURE_COMMANDS", "true");
        let done = job.step("a").files(answer.files.clone()).run(answer.stdout.as_bytes(), b"");
        check(done, &answer, asked);
    }
}

#[test]
fn masks_arrive_whole_and_line_by_line() {
    let make = |rng: &mut Rng| {
        let value = text(rng);
        (Case::of(json!(["setSecret", value])), value)
    };
    rounds(1, make, |done, answer, value| {
        let mut expected: Vec<String> = Vec::new();
        for mask in std::iter::once(value.as_str()).chain(value.split(['\r', '\n']).map(str::trim)) {
            if !value.trim().is_empty() && !mask.is_empty() && !expected.iter().any(|known| known == mask) {
                expected.push(mask.to_owned());
            }
        }
        assert_eq!(done.masks, expected, "{answer:?}");
        assert_eq!(done.warnings.len(), usize::from(value.trim().is_empty()), "{answer:?}");
        assert!(done.errors.is_empty() && !done.failed, "{answer:?}");
    });
}

#[test]
fn annotations_arrive_with_their_places() {
    let kinds = [("error", Kind::Error), ("warning", Kind::Warning), ("notice", Kind::Notice)];
    let make = |rng: &mut Rng| {
        let (call, kind) = kinds[rng.usize(..3)];
        let (message, title, file) = (text(rng), text(rng), text(rng));
        let (start, column, more) = (rng.i32(0..4), rng.i32(1..4), rng.i32(0..4));
        let place = json!({ "title": title, "file": file, "startLine": start, "startColumn": column, "endColumn": column + more });
        (Case::of(json!([call, message, place])), (kind, message, title, file, start, column, more))
    };
    rounds(2, make, |done, answer, (kind, message, title, file, start, column, more)| {
        let annotation = &done.annotations[0];
        let cut: Vec<u16> = message.encode_utf16().take(MESSAGE_LIMIT).collect();
        assert_eq!((annotation.kind, &annotation.message), (kind, &String::from_utf16_lossy(&cut)), "{answer:?}");
        // The runner drops every `=` at the start of a value: `@actions/core` does not escape them.
        let as_read = |text: &str| Some(text.trim_start_matches('=').to_owned()).filter(|text| !text.is_empty());
        assert_eq!(annotation.title().map(str::to_owned), as_read(&title), "{answer:?}");
        assert_eq!(annotation.file().map(str::to_owned), as_read(&file), "{answer:?}");
        // Line 0 is not written, and then there is no column either.
        let columns = (start > 0).then_some((column, Some((column + more).to_string())));
        assert_eq!(annotation.line(), (start > 0).then_some(start), "{answer:?}");
        assert_eq!(annotation.column(), columns.as_ref().map(|columns| columns.0), "{answer:?}");
        assert_eq!(annotation.properties.get("endColumn").map(str::to_owned), columns.and_then(|columns| columns.1));
        assert!(!done.failed && done.annotations.len() == 1);
    });
}

#[test]
fn blanks_at_the_end_of_the_last_property_are_lost() {
    let calls =
        [json!(["error", "m", { "title": " a \u{a0}" }]), json!(["error", "m", { "title": " a ", "file": "b\n" }])];
    let read = ask(&calls.map(Case::of)).into_iter().map(|answer| {
        let done = Job::new().step("a").run(answer.stdout.as_bytes(), b"");
        (done.annotations[0].title().unwrap().to_owned(), done.annotations[0].file().map(str::to_owned))
    });
    assert_eq!(read.collect::<Vec<_>>(), [(" a".to_owned(), None), (" a ".to_owned(), Some("b\n".to_owned()))]);
}

#[test]
fn groups_debug_and_echo_arrive() {
    let make = |rng: &mut Rng| {
        let (group, debug) = (text(rng), text(rng));
        let calls = vec![
            json!(["startGroup", group]),
            json!(["debug", debug]),
            json!(["endGroup"]),
            json!(["setCommandEcho", true]),
        ];
        (Case { calls, ..Case::of(Value::Null) }, (group, debug))
    };
    let mut rng = rng(3);
    let (cases, asked): (Vec<Case>, Vec<_>) = (0..ROUNDS).map(|_| make(&mut rng)).unzip();
    for (answer, (group, debug)) in ask(&cases).iter().zip(asked) {
        let mut job = Job::new().with_step_debug();
        let done = job.step("a").run(format!("::echo::off\n{}::group::x\n", answer.stdout).as_bytes(), b"");
        let mut expected = vec!["::echo::off".to_owned(), "##[debug]Setting echo command value to 'off'".to_owned()];
        expected.push(format!("##[group]{group}"));
        expected.extend(debug.replace("\r\n", "\n").split('\n').map(|line| format!("##[debug]{line}")));
        expected.push("##[endgroup]".to_owned());
        expected.push("##[debug]Setting echo command value to 'on'".to_owned());
        expected.extend(["::group::x".to_owned(), "##[group]x".to_owned()]);
        assert_eq!(done.log, expected, "{answer:?}");
    }
}

#[test]
fn outputs_state_and_environment_arrive_by_file_and_by_command() {
    let make = |rng: &mut Rng| {
        let (key, value) = (format!("k{}", name(rng)), text(rng));
        let calls = ["setOutput", "saveState", "exportVariable"].map(|call| json!([call, key, value])).to_vec();
        let case = Case { calls, ..Case::of(Value::Null) };
        (if rng.bool() { case } else { case.without_files() }, (key, value))
    };
    rounds(4, make, |done, answer, (key, value)| {
        assert!(!done.failed, "{answer:?}");
        assert_eq!((&done.outputs[&key], &done.state[&key]), (&value, &value), "{answer:?}");
        let mut job = Job::new()
            .with_env("ACTIONS_ALLOW_UNSECURE_COMMANDS", "1")
            .with_env("ACTIONS_ALLOW_UNSECURE_COMMANDS", "TRUE");
        job.step("").files(answer.files.clone()).run(answer.stdout.as_bytes(), b"");
        assert_eq!(job.environment()[&key], value, "{answer:?}");
    });
}

#[test]
fn values_that_are_no_text_arrive_as_json() {
    for (value, read) in
        [(json!(true), "true"), (json!(1.5), "1.5"), (json!(null), ""), (json!({"a": ["\n"]}), "{\"a\":[\"\\n\"]}")]
    {
        let answer = ask(&[Case::of(json!(["setOutput", "k", value]))]).remove(0);
        assert_eq!(Job::new().step("a").files(answer.files).run(b"", b"").outputs["k"], read);
    }
}

#[test]
fn paths_and_summaries_arrive() {
    let make = |rng: &mut Rng| {
        let (directory, summary) = (line(rng), text(rng));
        let calls = vec![json!(["addPath", directory]), json!(["summary", summary])];
        (Case { calls, ..Case::of(Value::Null) }, (directory, summary))
    };
    rounds(5, make, |done, answer, (directory, summary)| {
        // A byte order mark at the start of either file is no text.
        let directory = directory.strip_prefix('\u{feff}').unwrap_or(&directory);
        let text: String = lines(summary.as_bytes()).iter().map(|line| format!("{line}\n")).collect();
        let expected = if summary.is_empty() { Summary::None } else { Summary::Shown(text) };
        assert_eq!(done.summary, expected, "{answer:?}");
        let mut job = Job::new();
        job.step("").files(answer.files.clone()).run(b"", b"");
        assert_eq!(job.path().collect::<Vec<_>>(), [directory]);
    });
}

#[test]
fn inputs_of_a_container_arrive_under_their_names() {
    let make = |rng: &mut Rng| {
        let (key, value) = (format!("{} {}", name(rng), name(rng)), text(rng));
        let step = ContainerStep::new(&Job::new()).input(&key, &value);
        let environment = step.environment().unwrap().into_iter().collect();
        (Case { environment, ..Case::of(json!(["getInput", key])) }, value)
    };
    rounds(6, make, |_, answer, value| {
        // Blanks of JavaScript: with the byte order mark and without U+0085.
        let is_blank = |c: char| c == '\u{feff}' || c.is_whitespace() && c != '\u{85}';
        assert_eq!(answer.returned[0].as_str().unwrap(), value.trim_matches(is_blank));
    });
}
