//! What a run says while it goes on, on a runner or a terminal: the same calls, the right bytes.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{ANNOTATION_LIMIT, Properties, add_mask, annotate, debug, defuse, end_group, group, harmless};
use crate::error::{Problem, Severity, Stage, Text, reason, text};
use crate::inputs::{Colour, Context, FileName, Inputs, Mode};
use crate::mask::{Masked, Masker};
use crate::report::{count, printable, severity_word};
use crate::secret::Secret;

/// All output of a run.
///
/// In action mode everything goes to stdout, commands included, because the runner handles stderr before stdout and
/// masks must come first. On the command line progress and problems go to stderr, the report alone to stdout; in a
/// `run:` step problems are annotations there too.
/// Every line leaves whole and flushed. A failed write is kept for [`Console::finish`]: a closed pipe must not stop a
/// deployment halfway.
#[derive(Debug)]
pub struct Console<O, E> {
    out: O,
    err: E,
    context: Context,
    masker: Masker,
    colour: Colour,
    verbose: bool,
    sends_masks: bool,
    /// Stdout carries the filled template, so the report goes to stderr.
    stdout_is_taken: bool,
    stage: Option<Stage>,
    group_is_open: bool,
    /// Annotations so far: errors, warnings, notices.
    annotations: [usize; 3],
    broken: io::Result<()>,
}

impl<O: Write, E: Write> Console<O, E> {
    /// A console for where the program runs; what `masker` learns later is hidden too.
    pub fn new(context: &Context, masker: Masker, out: O, err: E) -> Self {
        Self {
            out,
            err,
            context: context.clone(),
            masker,
            colour: Colour::Auto,
            verbose: context.debug,
            sends_masks: context.mode == Mode::Action,
            stdout_is_taken: false,
            stage: None,
            group_is_open: false,
            annotations: [0; 3],
            broken: Ok(()),
        }
    }

    /// Follows what the inputs say about output.
    pub fn configure(&mut self, inputs: &Inputs) {
        self.colour = inputs.command_line.colour;
        self.verbose |= inputs.command_line.verbose;
        self.sends_masks |= inputs.command_line.add_masks && self.context.github_actions;
        self.stdout_is_taken = inputs.output == Some(FileName::Standard);
    }

    /// Whether a runner is told what to hide.
    pub fn sends_masks(&self) -> bool {
        self.sends_masks
    }

    /// Tells the runner what to hide of all that the masker has learnt since the last call; nothing without a runner.
    ///
    /// # Errors
    /// Of the stream: then the runner would show the values, so the run must stop.
    pub fn masks(&mut self) -> io::Result<()> {
        if !self.sends_masks {
            return Ok(());
        }
        let masks = self.masker.masks();
        // Never the stream that carries the report: a `run:` step may keep it in a file.
        let stream: &mut dyn Write = if self.is_action() { &mut self.out } else { &mut self.err };
        let mut stream = stream;
        masks.iter().try_for_each(|mask| add_mask(&mut stream, mask))?;
        stream.flush()
    }

    /// What follows belongs to `stage`. Its heading is printed with its first line, so that silent stages stay silent.
    pub fn stage(&mut self, stage: Stage) {
        self.close_group();
        self.stage = Some(stage);
    }

    /// A line of progress; several lines stay several.
    pub fn line(&mut self, text: &Masked) {
        self.open_group();
        let indent = if self.is_action() { "" } else { "  " };
        self.progress(&format!("{indent}{}", harmless(text.as_str()).replace('\n', &format!("\n{indent}"))));
    }

    /// A line that the next one takes the place of; `None` takes it away. Whether there is a terminal to show it.
    pub fn passing(&mut self, text: Option<&Masked>) -> bool {
        if self.is_action() || !self.context.terminals.stderr {
            return false;
        }
        let text = text.map(|text| printable(text.as_str())).unwrap_or_default();
        let written = write!(self.err, "\r\u{1b}[2K{text}").and_then(|()| self.err.flush());
        self.keep(written);
        true
    }

    /// A line for those who want to know more: with `--verbose`, or as a debug command.
    pub fn detail(&mut self, text: &Masked) {
        if self.is_action() {
            let written = debug(&mut self.out, text).and_then(|()| self.out.flush());
            self.keep(written);
        } else if self.verbose {
            self.line(text);
        }
    }

    /// A finding: an annotation while the runner keeps them, else lines as a compiler prints them.
    pub fn problem(&mut self, problem: &Problem) {
        self.close_group();
        if !self.is_action() && !self.context.github_actions {
            let colours = self.context.colours(self.colour, self.context.terminals.stderr);
            let text = self.diagnostic(problem, colours, true);
            return self.progress(&text);
        }
        let count = &mut self.annotations[slot(problem.severity)];
        *count += 1;
        if *count > ANNOTATION_LIMIT {
            let text = self.diagnostic(problem, false, true);
            return self.progress(&text);
        }
        let message = Masked::of_redacted_parts(self.diagnostic(problem, false, false));
        let place = problem.place.as_ref();
        let properties = Properties {
            title: Some(Masked::fixed(problem.kind)),
            file: place.map(|place| Masked::of_redacted_parts(printable(self.masker.redact(&place.file).as_str()))),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
        };
        let mut stream: &mut dyn Write = if self.is_action() { &mut self.out } else { &mut self.err };
        let written = annotate(&mut stream, problem.severity, &properties, &message).and_then(|()| stream.flush());
        self.keep(written);
    }

    /// Asks a person on the terminal; the answer is typed behind it.
    pub fn question(&mut self, text: &Masked) {
        self.close_group();
        let written = self.err.write_all(harmless(text.as_str()).as_bytes()).and_then(|()| self.err.flush());
        self.keep(written);
    }

    /// The report, when the run ends: on stdout, unless that carries the filled template.
    pub fn report(&mut self, text: &Masked) {
        self.close_group();
        let text = defuse(text.as_str().trim_end_matches('\n'));
        if self.stdout_is_taken { self.progress(&text) } else { self.write(Stream::Out, &text) }
    }

    /// Help, version or completions, to stderr where the call was wrong.
    pub fn print(&mut self, text: &Masked, code: u8) {
        let text = text.as_str().trim_end_matches('\n');
        match code {
            0 => self.write(Stream::Out, text),
            // The arguments are told, and a script may have taken them from anywhere.
            _ => self.write(Stream::Err, &defuse(text)),
        }
    }

    /// The filled template on stdout: the one place where values leave the program in clear, by `--output -` only.
    ///
    /// # Errors
    /// `PermissionDenied` under Actions or where the inputs did not ask for it; else of the stream.
    pub fn values(&mut self, template: &Secret) -> io::Result<()> {
        if self.context.github_actions || !self.stdout_is_taken {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.out.write_all(template.expose().as_bytes())?;
        self.out.flush()
    }

    /// Closes what is open and says how many findings are no annotations, and on stderr what could not be said.
    ///
    /// # Errors
    /// The first failed write of the run.
    pub fn finish(mut self) -> io::Result<()> {
        self.close_group();
        let beyond = |count: usize| count.saturating_sub(ANNOTATION_LIMIT);
        let [errors, warnings, notices] = self.annotations.map(beyond);
        if errors + warnings + notices > 0 {
            let parts = [(errors, "error"), (warnings, "warning"), (notices, "notice")];
            let parts = parts.into_iter().filter(|(many, _)| *many > 0).map(|(many, word)| count(many, word));
            let text = text!("{} more in this log only", parts.collect::<Vec<_>>().join(", "));
            self.progress(&text);
        }
        if let Err(error) = &self.broken
            // Who closes a pipe knows, and wants to hear no more.
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let text = text!("not all that was to be said could be written: {}", reason(error));
            let text = self.diagnostic(&Problem::error("output-not-written", text), false, true);
            let _ = writeln!(self.err, "{text}");
        }
        self.broken
    }

    fn is_action(&self) -> bool {
        self.context.mode == Mode::Action
    }

    fn open_group(&mut self) {
        let Some(stage) = self.stage.take() else { return };
        if self.is_action() {
            let written = group(&mut self.out, &Masked::fixed(stage.name()));
            self.keep(written);
            self.group_is_open = true;
        } else {
            let heading = if self.colours_progress() { Style::new().bold() } else { Style::new() };
            self.progress(&format!("{heading}{}{heading:#}", stage.name()));
        }
    }

    fn close_group(&mut self) {
        if std::mem::take(&mut self.group_is_open) {
            let written = end_group(&mut self.out);
            self.keep(written);
        }
    }

    fn colours_progress(&self) -> bool {
        !self.is_action() && self.context.colours(self.colour, self.context.terminals.stderr)
    }

    /// `error[kind]: message`, `  --> place`, `  = help: …`; every part redacted, printable, and unable to be a command.
    fn diagnostic(&self, problem: &Problem, colours: bool, head: bool) -> String {
        let style = |colour: AnsiColor| if colours { colour.on_default().bold() } else { Style::new() };
        let severity = style(match problem.severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Notice => AnsiColor::Cyan,
        });
        let frame = style(AnsiColor::Blue);
        let clean = |text: &Text, indent: &str| {
            harmless(self.masker.redact_text(text).as_str()).replace('\n', &format!("\n{indent}"))
        };
        let mut text = String::new();
        if head {
            text = format!("{severity}{}[{}]{severity:#}: ", severity_word(problem.severity), problem.kind);
        }
        text += &clean(&problem.message, "  ");
        if let Some(place) = &problem.place {
            text += &format!(
                "\n  {frame}-->{frame:#} {}:{}:{}",
                clean(&place.file.clone().into(), "  "),
                place.line,
                place.column
            );
        }
        if let Some(help) = &problem.help {
            text += &format!("\n  {frame}={frame:#} help: {}", clean(help, "          "));
        }
        text
    }

    fn progress(&mut self, text: &str) {
        self.write(if self.is_action() { Stream::Out } else { Stream::Err }, text);
    }

    fn write(&mut self, stream: Stream, text: &str) {
        let stream: &mut dyn Write = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        let written = stream.write_all(format!("{text}\n").as_bytes()).and_then(|()| stream.flush());
        self.keep(written);
    }

    fn keep(&mut self, written: io::Result<()>) {
        if self.broken.is_ok() {
            self.broken = written;
        }
    }
}

enum Stream {
    Out,
    Err,
}

fn slot(severity: Severity) -> usize {
    match severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Notice => 2,
    }
}

#[cfg(test)]
mod tests {
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
            let environment: Environment =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
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
        assert_eq!(
            Run::of(&["render", "s", "--color", "never"], &[], terminal, warn).1,
            "warning[odd]: a\u{fffd}[31mb\n"
        );
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
        Run::of(&["render", "s"], &[], Terminals::default(), |console| {
            assert!(console.values(&Secret::new("x")).is_err())
        });
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
}
