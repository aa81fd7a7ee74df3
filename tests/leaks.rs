//! The search for leaks bites: a program that lets a value out, by whichever way and in whichever form, fails its test.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use support::{Checkout, Run};

const VALUE: &str = "pä'ss \"w<o&rd\\ 50%+/x";

/// Each sink, with the shell line that lets `$LEAK` into it.
const SINKS: [(&str, &str); 12] = [
    ("stdout", "printf '%s\\n' \"$LEAK\""),
    ("stderr", "printf '%s\\n' \"$LEAK\" >&2"),
    ("outputs", "printf 'patch<<D\\n%s\\nD\\n' \"$LEAK\" >>\"$GITHUB_OUTPUT\""),
    ("state", "printf 'patch<<D\\n%s\\nD\\n' \"$LEAK\" >>\"$GITHUB_STATE\""),
    ("the step summary", "printf '%s\\n' \"$LEAK\" >>\"$GITHUB_STEP_SUMMARY\""),
    ("an annotation", "printf '::error title=%s::x\\n' \"$LINE\""),
    ("an annotation", "printf '::warning file=%s::x\\n' \"$LINE\""),
    ("an annotation", "printf '::notice::%s\\n' \"$LINE\""),
    ("left-behind", "printf '%s\\n' \"$LEAK\" >left-behind"),
    ("sub/.kube/cache", "mkdir -p sub/.kube; printf '%s\\n' \"$LEAK\" >sub/.kube/cache"),
    ("a child's arguments or environment", "timeout $LONG tail -f /dev/null \"$LEAK\" 2>/dev/null"),
    ("a child's arguments or environment", "OTHER=$LEAK sleep $LONG"),
];

/// The value as somebody may write it.
fn spellings() -> Vec<(&'static str, String)> {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let encoded = STANDARD.encode(format!("postgres://app:{VALUE}@db/app\n"));
    let hex =
        |upper: bool| VALUE.bytes().map(move |byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
    let percent =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    vec![
        ("itself", VALUE.to_owned()),
        ("JSON", json(VALUE)),
        ("JSON twice", json(&json(VALUE))),
        ("JSON of Go", json(VALUE).replace('<', "\\u003c").replace('&', "\\u0026")),
        ("base64", STANDARD.encode(VALUE)),
        ("base64 of a text that holds it", encoded.clone()),
        (
            "base64 in lines",
            encoded.as_bytes().chunks(20).map(|line| format!("{}\n  ", String::from_utf8_lossy(line))).collect(),
        ),
        ("base64 for URLs", URL_SAFE_NO_PAD.encode(format!("x{VALUE}"))),
        ("base64 of its JSON", STANDARD.encode(json(VALUE))),
        ("hexadecimal", hex(false).collect()),
        ("hexadecimal in capitals", hex(true).collect()),
        ("percent", VALUE.bytes().map(percent).collect()),
        ("HTML", VALUE.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;").replace('\'', "&#39;")),
        ("a shell's quotes", VALUE.replace('\'', "'\\''")),
        ("folded", VALUE.replace(' ', "\n    ")),
    ]
}

/// A step of a workflow that runs `line` in place of the program.
fn step(checkout: &Checkout, line: &str, leak: &str) -> Run {
    checkout.write("program", format!("#!/bin/sh\nPATH=/usr/bin:/bin\nunset VALUE\n{line}\n").as_bytes());
    fs::set_permissions(checkout.path().join("program"), fs::Permissions::from_mode(0o755)).expect("executable");
    checkout.write(".runner/state", b"");
    let state = checkout.path().join(".runner/state").display().to_string();
    // The shell puts the words in by itself: in its environment they would be found already.
    checkout.write(".leak", leak.as_bytes());
    let mut run = checkout.action(&[]).env("VALUE", VALUE).env("GITHUB_STATE", &state);
    run.program = checkout.path().join("program");
    run
}

/// What the search says of a run, if it finds anything.
fn found(run: &Run) -> Option<String> {
    let failed = catch_unwind(AssertUnwindSafe(|| run.run())).err()?;
    Some(failed.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[test]
fn a_value_in_any_sink_and_any_form_fails_the_test() {
    let read = "LEAK=$(/bin/cat .leak)\nLINE=$(printf '%s' \"$LEAK\" | sed 's/%/%25/g; s/:/%3A/g; s/,/%2C/g' | tr '\\n' ' ')\n";
    for (sink, line) in SINKS {
        for (form, leak) in spellings() {
            let checkout = Checkout::empty();
            // On a busy machine a short child may be gone before anybody looks.
            let said = ["0.5", "20"]
                .iter()
                .find_map(|long| found(&step(&checkout, &format!("LONG={long}\n{read}{line}"), &leak)));
            let said = said.unwrap_or_else(|| panic!("{form} in {sink} was not found: {line}"));
            assert!(said.contains(sink), "{form} in {sink}: {said}");
        }
    }
}

#[test]
fn what_the_runner_hides_is_no_leak_but_only_where_it_hides() {
    let read = "LEAK=$(/bin/cat .leak)\n";
    let hidden = "echo \"::add-mask::pä'ss \\\"w<o&rd\\\\ 50%25+/x\"\n";
    let checkout = Checkout::empty();
    assert_eq!(found(&step(&checkout, &format!("{read}{hidden}"), VALUE)), None);
    let told =
        found(&step(&checkout, &format!("{read}{hidden}echo \"::error title=$LEAK::x\""), "pä'ss \"w<o&rd\\ 50%25+/x"));
    assert!(told.is_some_and(|said| said.contains("an annotation")));
}

#[test]
fn a_value_that_later_steps_would_print_fails_the_test() {
    let checkout = Checkout::empty().file("template.yml", "a: ${VALUE}\n");
    let said = found(&step(&checkout, ":", "")).expect("found");
    assert!(said.contains("a later step that prints `VALUE`"), "{said}");
}

#[test]
fn a_run_that_is_stopped_is_searched_too() {
    let checkout = Checkout::empty();
    let run = step(&checkout, "cp .leak left-behind\necho >there\nexec sleep 60", VALUE);
    for is_dropped in [false, true] {
        let failed = catch_unwind(AssertUnwindSafe(|| {
            let started = run.start().feed(b"");
            while !checkout.exists("there") {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            if is_dropped { drop(started) } else { drop(started.kill()) }
        }));
        let said = failed.expect_err("found").downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(said.contains("leaked into left-behind"), "{said}");
        for file in ["there", "left-behind"] {
            fs::remove_file(checkout.path().join(file)).expect("removed");
        }
    }
}

#[test]
fn a_step_that_does_nothing_passes() {
    assert_eq!(found(&step(&Checkout::empty(), ":", "")), None);
}
