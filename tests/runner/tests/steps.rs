//! What a step prints, and what of it is shown.

use proptest::prelude::*;
use secret_patch_runner::*;

fn run(stdout: &str) -> Finished {
    Job::new().step("a").run(stdout.as_bytes(), b"")
}

#[test]
fn a_mask_holds_from_the_next_line_on_and_in_later_steps() {
    let mut job = Job::new();
    let first = job.step("a").run(b"hunter2\n::add-mask::hunter2\nhunter2\n", b"");
    assert_eq!(first.log, ["hunter2", "***"]);
    assert_eq!(first.masks, ["hunter2"]);
    let second = job.step("b").run(b"hunter2 aHVudGVyMg==\n::add-mask::hunter2\n", b"");
    assert_eq!((second.log, second.masks), (vec!["*** ***".to_owned()], vec![]));
}

#[test]
fn stderr_is_handled_before_stdout_unless_the_runner_looked_between() {
    let mut job = Job::new();
    assert_eq!(job.step("a").run(b"::add-mask::hunter2\n", b"hunter2").log, ["hunter2"]);
    let mut job = Job::new();
    let pieces: [(Stream, &[u8]); 3] =
        [(Stream::Out, b"::add-mask::hun"), (Stream::Err, b"hunter2\nhun"), (Stream::Out, b"ter2\n")];
    let done = job.step("a").run_interleaved(&pieces);
    assert_eq!(done.log, ["hunter2", "hun"]);
    let pieces: [(Stream, &[u8]); 2] =
        [(Stream::Out, b"::add-mask::correct horse\n"), (Stream::Err, b"correct horse\n")];
    assert_eq!(Job::new().step("a").run_interleaved(&pieces).log, ["***"]);
}

#[test]
fn commands_work_on_stderr_too() {
    let done = Job::new().step("a").run(b"hunter2\n", b"::add-mask::hunter2\n");
    assert_eq!(done.log, ["***"]);
}

#[test]
fn a_bare_carriage_return_starts_a_line_and_so_a_command() {
    let done = run("a\r::error::b\r\n##[warning]c\n");
    assert_eq!(done.log, ["a", "##[error]b", "##[warning]c"]);
}

#[test]
fn titles_and_files_of_annotations_are_not_masked() {
    let done = run("::add-mask::hunter2\n::error title=hunter2,file=hunter2.yml,line=3,col=5::hunter2%0Ais it\n");
    let annotation = &done.annotations[0];
    assert_eq!((annotation.title(), annotation.file()), (Some("hunter2"), Some("hunter2.yml")));
    assert_eq!((annotation.line(), annotation.column()), (Some(3), Some(5)));
    assert_eq!(annotation.message, "***\nis it");
    assert_eq!(done.log, ["##[error]***\nis it"]);
    assert!(!done.failed, "an error annotation fails nothing");
}

#[test]
fn ten_annotations_of_each_kind_are_kept_and_all_are_logged() {
    let printed: String = (0..12).map(|n| format!("::error::{n}\n::warning::{n}\n::notice::{n}\n")).collect();
    let done = run(&printed);
    for kind in [Kind::Error, Kind::Warning, Kind::Notice] {
        assert_eq!(done.annotations.iter().filter(|annotation| annotation.kind == kind).count(), ANNOTATION_LIMIT);
    }
    assert_eq!((done.dropped_annotations, done.log.len()), (6, 36));
}

#[test]
fn a_message_is_masked_before_it_is_cut() {
    let done = run(&format!("::add-mask::hunter2\n::notice::{}hunter2😀\n", "x".repeat(MESSAGE_LIMIT - 4)));
    assert!(done.annotations[0].message.ends_with("x***\u{fffd}"), "the cut may go through a character");
}

#[test]
fn groups_are_headings_of_the_log() {
    assert_eq!(run("::group::a%25b\nx\n::endgroup::y\n").log, ["##[group]a%b", "x", "##[endgroup]"]);
}

#[test]
fn debug_shows_under_step_debug_alone() {
    assert_eq!(run("::debug::a%0Ab\n").log, [""; 0]);
    let mut job = Job::new().with_step_debug();
    let done = job.step("a").run(b"::debug::a%0Ab\n::add-mask::hunter2\n", b"");
    assert_eq!(done.log, ["##[debug]a", "##[debug]b", "::add-mask::***"]);
}

#[test]
fn setting_the_environment_or_path_by_command_fails_the_step() {
    for line in ["::set-env name=a::hunter2", "##[add-path]/hunter2", "::set-env::x"] {
        let done = run(&format!("{line}\nnext\n"));
        assert!(done.failed && !done.cut_off, "{line}");
        assert_eq!(done.errors[0], format!("Unable to process command '{line}' successfully."));
        assert_eq!(done.log.last().unwrap(), "next");
    }
    let mut job = Job::new().with_env("ACTIONS_ALLOW_UNSECURE_COMMANDS", "true");
    let done = job.step("a").run(b"::set-env name=a::b\n::add-path::/x\n::set-env name=node_options::-r\n", b"");
    assert!(!done.failed);
    assert_eq!(job.environment()["a"], "b");
    assert!(!job.environment().contains_key("node_options"));
    assert_eq!(job.path().collect::<Vec<_>>(), ["/x"]);
}

#[test]
fn while_commands_are_stopped_a_mask_is_printed_instead_of_set() {
    let mut job = Job::new();
    let done =
        job.step("a").run(b"::stop-commands::token\n::add-mask::hunter2\n::error::x\n::token::\n::error::y\n", b"");
    assert_eq!(done.log, ["::stop-commands::token", "::add-mask::hunter2", "::error::x", "::token::", "##[error]y"]);
    assert_eq!(done.masks, [""; 0]);
    assert_eq!(job.step("b").run(b"::error::z\n::token::\n", b"").log, ["##[error]z", "::token::"]);
    let done = job.step("c").run(b"::stop-commands::token\n::token::\n::token::\n", b"");
    assert_eq!((done.log.len(), done.annotations.len()), (3, 0), "after it has resumed, the token is text");
}

#[test]
fn outputs_by_command_work_still_and_the_file_wins() {
    let files = Files { output: b"b=3\n".to_vec(), ..Files::default() };
    let done = Job::new()
        .step("a")
        .files(files)
        .run(b"::set-output name=a::1\n::set-output name=b::2\n::save-state name=s::4\n", b"");
    assert_eq!((done.outputs["a"].as_str(), done.outputs["b"].as_str(), done.state["s"].as_str()), ("1", "3", "4"));
    assert_eq!(done.warnings.len(), 3, "deprecated");
    assert!(run("::set-output::x\n").failed && run("::save-state name=::x\n").failed);
}

#[test]
fn a_step_without_an_id_has_no_outputs() {
    for id in ["", "__run"] {
        let files = Files { output: b"a=1\n".to_vec(), ..Files::default() };
        assert!(Job::new().step(id).files(files).run(b"::set-output name=b::2\n", b"").outputs.is_empty());
    }
}

#[test]
fn the_runners_own_marks_are_broken_up() {
    assert_eq!(run("x ##[start-action a]\n##[end-action]\n").log, ["x ##[\\start-action a]", "##[\\end-action]"]);
}

#[test]
fn secrets_and_the_token_are_masked_from_the_start() {
    let mut job = Job::new().with_secret(" correct\n  horse \n").with_token("ghs_1");
    let basic = "eC1hY2Nlc3MtdG9rZW46Z2hzXzE=";
    let done = job.step("a").run(format!("correct\nhorse\nghs_1\n{basic}\n").as_bytes(), b"");
    assert_eq!(done.log, ["***"; 4]);
}

/// Text with much of what is special in it.
fn line() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("::".to_owned()),
        Just("##[".to_owned()),
        Just("]".to_owned()),
        Just("\r".to_owned()),
        Just("\u{a0}".to_owned()),
        Just("%0A".to_owned()),
        Just(" ".to_owned()),
        Just("=".to_owned()),
        prop::sample::select(COMMANDS.to_vec()).prop_map(str::to_owned),
        "[a-c]{1,4}",
        any::<char>().prop_filter("ends no line", |c| *c != '\n').prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// Asterisks are left out: they could complete a value with the mark that stands for another.
fn value() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{1,3}", "[a-c&+\"'<>{}%\\\\ äß😀]{1,12}", "[a-c]{1,3}[\r\n]{1,2} [a-c]{1,3}"]
        .prop_filter("not blank", |value: &String| !value.trim().is_empty())
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

proptest! {
    #[test]
    fn no_registered_value_survives_in_the_log(values in prop::collection::vec(value(), 1..4), lines in prop::collection::vec(line(), 0..12)) {
        let mut job = Job::new();
        let masks: String = values.iter().map(|value| format!("::add-mask::{}\n", escape(value))).collect();
        let first = job.step("masks").run(masks.as_bytes(), b"");
        prop_assert_eq!(&first.log, &Vec::<String>::new());
        let printed = lines.iter().zip(values.iter().cycle()).map(|(line, value)| format!("{line}{value}{line}\n")).collect::<String>();
        let summary = printed.clone().into_bytes();
        let done = job.step("leak").files(Files { summary, ..Files::default() }).run(printed.as_bytes(), b"");
        for value in &first.masks {
            prop_assert!(done.log.iter().all(|line| !line.contains(value.as_str())), "{:?} in {:?}", value, done.log);
            prop_assert!(done.annotations.iter().all(|annotation| !annotation.message.contains(value.as_str())));
            if let Summary::Shown(text) = &done.summary {
                prop_assert!(text.lines().all(|line| !line.contains(value.as_str())));
            }
        }
    }

    #[test]
    fn masking_twice_is_masking_once(values in prop::collection::vec(value(), 0..4), text in line()) {
        let mut masker = Masker::default();
        values.iter().for_each(|value| masker.add_with_lines(value));
        let masked = masker.mask(&text);
        prop_assert_eq!(masker.mask(&masked), masked.clone());
        prop_assert!(values.iter().all(|value| !masked.contains(value.as_str())));
    }

    #[test]
    fn any_bytes_can_be_printed_and_written(out: Vec<u8>, err: Vec<u8>, file: Vec<u8>, lines in prop::collection::vec(line(), 0..12)) {
        let files = Files { path: file.clone(), env: file.clone(), summary: file.clone(), state: file.clone(), output: file };
        let printed = [out, lines.join("\n").into_bytes()].concat();
        let mut job = Job::new();
        let done = job.step("a").files(files).run(&printed, &err);
        prop_assert!(done.annotations.len() <= 30);
    }

    #[test]
    fn pieces_of_one_stream_are_the_same_as_all_of_it(lines in prop::collection::vec(line(), 0..8), cut in any::<prop::sample::Index>()) {
        let printed = lines.join("\n").into_bytes();
        let cut = cut.index(printed.len() + 1);
        let pieces = [(Stream::Out, &printed[..cut]), (Stream::Out, &printed[cut..])];
        prop_assert_eq!(Job::new().step("a").run_interleaved(&pieces), Job::new().step("a").run(&printed, b""));
    }
}
