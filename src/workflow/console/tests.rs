use super::*;
use crate::error::Place;
use crate::inputs::{Environment, Request, Terminals, read};

struct Run {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Run {
    /// What a console for `words` and `pairs` writes when `act` uses it.
    fn of(
        words: &[&str],
        pairs: &[(&str, &str)],
        terminals: Terminals,
        act: impl FnOnce(&mut Console<&mut Vec<u8>, &mut Vec<u8>>),
    ) -> (String, String) {
        let mut run = Self { out: Vec::new(), err: Vec::new() };
        let environment: Environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        let arguments: Vec<_> = ["p"].iter().chain(words).map(std::ffi::OsString::from).collect();
        let context = Context::read(&arguments, &environment, terminals);
        let masker = Masker::new();
        masker.add(&Secret::new("hunter2"));
        let mut console = Console::new(&context, masker, &mut run.out, &mut run.err);
        match read(&arguments, &environment, &context) {
            Ok(Request::Run { inputs, .. }) => console.configure(&inputs),
            other => panic!("{other:?}"),
        }
        act(&mut console);
        console.finish().unwrap();
        (String::from_utf8(run.out).unwrap(), String::from_utf8(run.err).unwrap())
    }

    fn action(act: impl FnOnce(&mut Console<&mut Vec<u8>, &mut Vec<u8>>)) -> (String, String) {
        let pairs = [("GITHUB_ACTIONS", "true"), ("INPUT_COMMAND", "render"), ("INPUT_ENVIRONMENT", "s")];
        Self::of(&[], &pairs, Terminals::default(), act)
    }
}

fn story(console: &mut Console<&mut Vec<u8>, &mut Vec<u8>>) {
    console.masks().unwrap();
    console.stage(Stage::Inputs);
    console.stage(Stage::Render);
    console.line(&Masked::fixed("3 values\n::add-mask::x"));
    console.detail(&Masked::fixed("more"));
    let said = String::from("hunter2\r::stop-commands::x");
    let problem = Problem::error("missing-value", text!("`A` has no value; server said {said}"));
    console.problem(&problem.at(Place::new("a,b.yml", 3, 5)).help("add:\n  A: …"));
    console.stage(Stage::Build);
    console.line(&Masked::fixed("built"));
    console.report(&Masked::fixed("report\n##[error]x\n"));
}

#[test]
fn on_the_runner_all_is_on_stdout_and_only_ours_is_a_command() {
    let (out, err) = Run::action(story);
    assert_eq!(err, "");
    assert_eq!(
        out,
        "::add-mask::aHVudGVyM\n::add-mask::h1bnRlcj\n::add-mask::hunter2\n::add-mask::odW50ZXIy\n\
             ::group::render\n3 values\n\\::add-mask::x\n::debug::more\n::endgroup::\n\
             ::error title=missing-value,file=a%2Cb.yml,line=3,col=5::`A` has no value; server said ***%0A  \\::stop-commands::x\
             %0A  --> a,b.yml:3:5%0A  = help: add:%0A            A: …\n\
             ::group::build\nbuilt\n::endgroup::\nreport\n##\u{200b}[error]x\n"
    );
}

#[test]
fn on_the_command_line_the_report_alone_is_on_stdout() {
    let (out, err) = Run::of(&["render", "s"], &[], Terminals::default(), story);
    assert_eq!(out, "report\n##\u{200b}[error]x\n");
    assert_eq!(
        err,
        "render\n  3 values\n  \\::add-mask::x\n\
             error[missing-value]: `A` has no value; server said ***\n  \\::stop-commands::x\n  --> a,b.yml:3:5\n  = help: add:\n            A: …\n\
             build\n  built\n"
    );
}

#[test]
fn in_a_run_step_problems_are_annotations_beside_the_report() {
    let actions = [("GITHUB_ACTIONS", "true")];
    let act = |console: &mut Console<&mut Vec<u8>, &mut Vec<u8>>| {
        console.line(&Masked::fixed("read"));
        let problem = Problem::error("missing-value", text!("`A` has no value"));
        (0..11).for_each(|_| console.problem(&problem.clone().at(Place::new("a.yml", 3, 5))));
        console.report(&Masked::fixed("report"));
    };
    let (out, err) = Run::of(&["render", "s"], &actions, Terminals::default(), act);
    assert_eq!(out, "report\n");
    let annotation = "::error title=missing-value,file=a.yml,line=3,col=5::`A` has no value%0A  --> a.yml:3:5\n";
    let beyond = "error[missing-value]: `A` has no value\n  --> a.yml:3:5\n1 error more in this log only\n";
    assert_eq!(err, format!("  read\n{}{beyond}", annotation.repeat(10)));
}

#[test]
fn colours_are_for_terminals() {
    let terminal = Terminals { stderr: true, ..Terminals::default() };
    let warn = |console: &mut Console<&mut Vec<u8>, &mut Vec<u8>>| {
        console.problem(&Problem::warning("odd", "a\u{1b}[31mb"));
    };
    assert_eq!(
        Run::of(&["render", "s"], &[], terminal, warn).1,
        "\u{1b}[1m\u{1b}[33mwarning[odd]\u{1b}[0m: a\u{fffd}[31mb\n"
    );
    assert_eq!(Run::of(&["render", "s"], &[("NO_COLOR", "1")], terminal, warn).1, "warning[odd]: a\u{fffd}[31mb\n");
    assert_eq!(Run::of(&["render", "s", "--color", "never"], &[], terminal, warn).1, "warning[odd]: a\u{fffd}[31mb\n");
}

#[test]
fn masks_never_enter_the_stream_of_the_report() {
    let actions = [("GITHUB_ACTIONS", "true")];
    let act = |console: &mut Console<&mut Vec<u8>, &mut Vec<u8>>| {
        console.masks().unwrap();
        console.report(&Masked::fixed("report"));
    };
    let (out, err) = Run::of(&["render", "s", "--add-masks"], &actions, Terminals::default(), act);
    assert_eq!(out, "report\n");
    assert!(err.contains("::add-mask::hunter2\n"));
    let (_, err) = Run::of(&["render", "s"], &actions, Terminals::default(), act);
    assert_eq!(err, "");
}

#[test]
fn beyond_ten_annotations_a_line_says_how_many_more() {
    let (out, _) = Run::action(|console| {
        (0..12).for_each(|_| console.problem(&Problem::error("k", "m")));
        (0..11).for_each(|_| console.problem(&Problem::warning("k", "m")));
    });
    assert_eq!(out.matches("::error title=k::m\n").count(), 10);
    assert_eq!(out.matches("error[k]: m\n").count(), 2);
    assert!(out.ends_with("2 errors, 1 warning more in this log only\n"), "{out}");
}

#[test]
fn the_filled_template_has_stdout_for_itself() {
    let act = |console: &mut Console<&mut Vec<u8>, &mut Vec<u8>>| {
        console.values(&Secret::new("key: hunter2\n")).unwrap();
        console.report(&Masked::fixed("report"));
    };
    let (out, err) = Run::of(&["render", "s", "-o", "-"], &[], Terminals::default(), act);
    assert_eq!((out.as_str(), err.as_str()), ("key: hunter2\n", "report\n"));
    Run::of(&["render", "s"], &[], Terminals::default(), |console| assert!(console.values(&Secret::new("x")).is_err()));
    Run::action(|console| assert!(console.values(&Secret::new("x")).is_err()));
}

#[test]
fn a_closed_pipe_is_told_at_the_end() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let context = Context::read(&["p".into()], &Environment::new(), Terminals::default());
    let mut console = Console::new(&context, Masker::new(), Closed, Vec::new());
    console.report(&Masked::fixed("x"));
    assert_eq!(console.finish().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
