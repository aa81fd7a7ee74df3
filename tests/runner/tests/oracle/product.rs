//! What secret-patch writes is what `@actions/core` writes for the same call.

use secret_patch::error::Severity;
use secret_patch::mask::{Masked, Masker};
use secret_patch::secret::Secret;
use secret_patch::workflow::{self, Properties, defuse};
use serde_json::{Value, json};

use crate::corpus::{ROUNDS, name, rng, text};
use crate::node::{Case, ask};

fn masked(text: &str) -> Masked {
    Masker::new().redact(text)
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Text that may be printed as it is: else secret-patch breaks it up, and cuts what is too long, as it should.
fn harmless(text: String) -> String {
    defuse(&text).chars().take(4000).collect()
}

/// `text` with the blank that secret-patch puts before what the runner would join to the header; then it would be no command.
fn apart(text: &str) -> String {
    // Those of the corpus.
    if text.starts_with(['\u{feff}', '\u{200b}']) { format!(" {text}") } else { text.to_owned() }
}

#[test]
fn commands_are_the_same_bytes() {
    let mut rng = rng(10);
    let (mut cases, mut ours) = (Vec::new(), Vec::new());
    let mut pair = |call: Value, bytes: String| {
        cases.push(Case::of(call));
        ours.push(bytes);
    };
    for _ in 0..ROUNDS {
        let value = text(&mut rng);
        pair(json!(["setSecret", value]), written(|out| workflow::add_mask(out, &Secret::new(value.as_str()))));
        pair(json!(["startGroup", apart(&value)]), written(|out| workflow::group(out, &masked(&value))));
        pair(json!(["endGroup"]), written(workflow::end_group));
        let value = workflow::harmless(&harmless(value));
        pair(json!(["debug", apart(&value)]), written(|out| workflow::debug(out, &masked(&value))));
        let call = |severity, name: &str, place: Value, ours: &Properties| {
            (
                json!([name, apart(&value), place]),
                written(|out| workflow::annotate(out, severity, ours, &masked(&value))),
            )
        };
        let (title, file) = (harmless(text(&mut rng)), harmless(text(&mut rng)));
        let (line, column) = (rng.usize(..3), rng.usize(..3));
        let place = Properties {
            title: Some(masked(&title)),
            file: Some(masked(&file)),
            line: Some(line),
            column: Some(column),
        };
        let theirs = json!({ "title": title, "file": file, "startLine": line, "startColumn": column });
        // Where nothing of a place is set, `@actions/core` leaves a blank, unless there is no place at all.
        let is_empty = title.is_empty() && file.is_empty() && (line, column) == (0, 0);
        let theirs = if is_empty { json!({}) } else { theirs };
        for (severity, name) in
            [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Notice, "notice")]
        {
            let (call, bytes) = call(severity, name, theirs.clone(), &place);
            pair(call, bytes);
        }
    }
    for ((answer, ours), case) in ask(&cases).iter().zip(ours).zip(&cases) {
        assert_eq!(answer.stdout, ours, "{:?}", case.calls);
    }
}

#[test]
fn outputs_and_the_summary_are_the_same_bytes_but_for_the_delimiter() {
    let mut rng = rng(11);
    let temp = tempfile::tempdir().unwrap();
    let (mut cases, mut ours) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (key, value) = (format!("k{}", name(&mut rng)), text(&mut rng));
        let calls = vec![json!(["setOutput", key, value]), json!(["setOutput", "l", key]), json!(["summary", value])];
        cases.push(Case { calls, ..Case::of(Value::Null) });
        let (output, summary) = (temp.path().join(format!("{round}.out")), temp.path().join(format!("{round}.md")));
        workflow::set_outputs(&output, &[(&key, masked(&value)), ("l", masked(&key))]).unwrap();
        workflow::add_summary(&summary, |_| masked(&value)).unwrap();
        ours.push((without_delimiters(&std::fs::read(output).unwrap()), std::fs::read_to_string(summary).unwrap()));
    }
    for (answer, (output, summary)) in ask(&cases).into_iter().zip(ours) {
        assert_eq!(
            (without_delimiters(&answer.files.output), String::from_utf8(answer.files.summary).unwrap()),
            (output, summary)
        );
    }
}

/// `ghadelimiter_` and 128 random bits become `D`, with or without dashes.
fn without_delimiters(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut result = text.to_owned();
    for start in text.match_indices("<<ghadelimiter_").map(|(at, _)| at + 2) {
        let delimiter = text[start..].split('\n').next().unwrap_or_default();
        let random = delimiter.trim_start_matches("ghadelimiter_").replace('-', "");
        if random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            result = result.replace(delimiter, "D");
        }
    }
    result
}
