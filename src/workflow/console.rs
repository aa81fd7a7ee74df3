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
mod tests;
