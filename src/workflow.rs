//! The one door to the runner: workflow commands, file commands, and text that can be neither.
//!
//! The grammar is that of actions/runner (`ActionCommand.cs`, `FileCommandManager.cs`), the bytes are those of `@actions/core`.

#![expect(clippy::disallowed_types, reason = "an edge: appends to the runner's own files")]

mod console;
pub mod log;
pub mod panics;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::error::Severity;
use crate::mask::{Masked, joins_to_the_left};
use crate::report::{printable_lines, severity_word};
use crate::secret::Secret;

pub use self::console::Console;

/// A step summary above 1 MiB is dropped whole; this leaves room for the final line end the runner adds.
pub const SUMMARY_LIMIT: usize = 1024 * 1024 - 1024;

/// The runner keeps this many annotations of each severity a step.
pub const ANNOTATION_LIMIT: usize = 10;

/// The runner cuts an annotation's message at 4096 characters; ours ends before, at a whole character.
const MESSAGE_LIMIT: usize = 4000;

/// Where an annotation stands and what it is called. The runner does not mask these, so they come masked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// Shown in bold above the message.
    pub title: Option<Masked>,
    /// Relative to the workspace.
    pub file: Option<Masked>,
    /// From 1.
    pub line: Option<usize>,
    /// From 1.
    pub column: Option<usize>,
}

/// `text` as the data of a command.
pub fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// `text` as the data of a command that is shown: a blank keeps it apart from the header where the runner would join them.
fn message(text: &str) -> String {
    let blank = if text.starts_with(joins_to_the_left) { " " } else { "" };
    format!("{blank}{}", escape_data(text))
}

/// `text` as a property of a command.
pub fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Tells the runner to hide `text` from the next line on.
///
/// # Errors
/// Of the writer: then nothing sensitive may be printed.
pub fn add_mask(out: &mut impl Write, text: &Secret) -> io::Result<()> {
    let line = zeroize::Zeroizing::new(format!("::add-mask::{}\n", escape_data(text.expose())));
    out.write_all(line.as_bytes())
}

/// Opens a group; groups do not nest.
///
/// # Errors
/// Of the writer.
pub fn group(out: &mut impl Write, title: &Masked) -> io::Result<()> {
    out.write_all(format!("::group::{}\n", message(title.as_str())).as_bytes())
}

/// Closes the group.
///
/// # Errors
/// Of the writer.
pub fn end_group(out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"::endgroup::\n")
}

/// A line that shows with step debugging only.
///
/// # Errors
/// Of the writer.
pub fn debug(out: &mut impl Write, text: &Masked) -> io::Result<()> {
    out.write_all(format!("::debug::{}\n", message(&harmless(text.as_str()))).as_bytes())
}

/// An annotation: `error`, `warning` or `notice` by severity.
///
/// # Errors
/// Of the writer.
pub fn annotate(out: &mut impl Write, severity: Severity, place: &Properties, text: &Masked) -> io::Result<()> {
    let property = |name: &str, text: &Option<Masked>| {
        text.as_ref()
            .filter(|text| !text.is_empty())
            .map(|text| format!("{name}={}", escape_property(&defuse(text.as_str()))))
    };
    let number = |name: &str, number: Option<usize>| number.filter(|n| *n > 0).map(|n| format!("{name}={n}"));
    let properties: Vec<String> = [
        property("title", &place.title),
        property("file", &place.file),
        number("line", place.line),
        number("col", place.column),
    ]
    .into_iter()
    .flatten()
    .collect();
    let blank = if properties.is_empty() { "" } else { " " };
    let text = defuse(text.as_str());
    let cut = text.char_indices().nth(MESSAGE_LIMIT).map_or(text.len(), |(index, _)| index);
    let line = format!("::{}{blank}{}::{}\n", severity_word(severity), properties.join(","), message(&text[..cut]));
    out.write_all(line.as_bytes())
}

/// Text of others as it may stand in a log: nothing in it moves a cursor, stands there unseen, or is a command.
///
/// In this order: what stands for a character that is not shown must not make a command either.
pub fn harmless(text: &str) -> String {
    defuse(&printable_lines(text).join("\n"))
}

/// `text` with every line unable to be a command: no `::` after leading blanks, no `##[` anywhere, no bare carriage return.
/// A command that is broken up stays readable: `::` gets a `\` before it, `##[` a zero-width space inside.
pub fn defuse(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n").replace("##[", "##\u{200b}[");
    let lines = lines.split('\n').map(|line| {
        // .NET drops a byte order mark at the stream's start, so it counts as a blank here.
        let rest = line.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if rest.starts_with("::") { format!("{}\\{rest}", &line[..line.len() - rest.len()]) } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// One entry of `GITHUB_OUTPUT`.
///
/// # Errors
/// `InvalidInput` where `key` or `value` could end the entry or begin another.
pub fn output_entry(key: &str, value: &Masked, delimiter: &str) -> io::Result<String> {
    let is_plain = !key.is_empty() && !key.contains(['\n', '\r', '=']) && !key.contains("<<");
    if !is_plain || key.contains(delimiter) || value.as_str().contains(delimiter) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("output `{key}` cannot be written safely")));
    }
    Ok(format!("{key}<<{delimiter}\n{value}\n{delimiter}\n"))
}

/// Sets outputs of the step: appends to the file of `GITHUB_OUTPUT`.
///
/// # Errors
/// Of [`output_entry`], the random source and the file; nothing is written then.
pub fn set_outputs(file: &Path, outputs: &[(&str, Masked)]) -> io::Result<()> {
    let mut text = String::new();
    for (key, value) in outputs {
        text.push_str(&output_entry(key, value, &delimiter()?)?);
    }
    append(file, &text)
}

/// Saves a value for the action's post stage: appends to the file of `GITHUB_STATE`.
///
/// # Errors
/// As of [`set_outputs`].
pub fn save_state(file: &Path, key: &str, value: Masked) -> io::Result<()> {
    set_outputs(file, &[(key, value)])
}

/// Adds to the step summary. `render` gets the bytes that are left and must not return more.
///
/// # Errors
/// Of the file; `InvalidInput` where the text is too long, since the runner would drop the whole summary.
pub fn add_summary(file: &Path, render: impl FnOnce(usize) -> Masked) -> io::Result<()> {
    let taken = file.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    let room = SUMMARY_LIMIT.saturating_sub(taken);
    let text = render(room);
    if text.as_str().len() > room {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the step summary would exceed 1 MiB"));
    }
    append(file, text.as_str())
}

fn append(file: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(file)?.write_all(text.as_bytes())
}

/// Nobody can guess 128 random bits, so nobody can end the value.
fn delimiter() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    if filled != bytes.len() {
        return Err(io::Error::other("too few random bytes"));
    }
    Ok(bytes.iter().fold("ghadelimiter_".to_owned(), |text, byte| format!("{text}{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> Masked {
        crate::mask::Masker::new().redact(text)
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn commands_are_the_bytes_of_actions_core() {
        assert_eq!(written(|out| add_mask(out, &Secret::new("50%:a,\r\nb"))), "::add-mask::50%25:a,%0D%0Ab\n");
        assert_eq!(written(|out| group(out, &masked("a%b"))), "::group::a%25b\n");
        assert_eq!(written(end_group), "::endgroup::\n");
        assert_eq!(written(|out| debug(out, &masked("a\nb"))), "::debug::a%0Ab\n");
        let none = Properties::default();
        assert_eq!(written(|out| annotate(out, Severity::Error, &none, &masked("m"))), "::error::m\n");
        let all =
            Properties { title: Some(masked("a:b,c%")), file: Some(masked("x.yml")), line: Some(3), column: Some(5) };
        assert_eq!(
            written(|out| annotate(out, Severity::Warning, &all, &masked("m: 1,\n2"))),
            "::warning title=a%3Ab%2Cc%25,file=x.yml,line=3,col=5::m: 1,%0A2\n"
        );
        let zero = Properties { title: Some(masked("")), line: Some(0), ..Properties::default() };
        assert_eq!(written(|out| annotate(out, Severity::Notice, &zero, &masked("m"))), "::notice::m\n");
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let line = written(|out| annotate(out, Severity::Error, &Properties::default(), &masked(&"é".repeat(5000))));
        assert_eq!(line.chars().count(), "::error::\n".len() + MESSAGE_LIMIT);
    }

    #[test]
    fn untrusted_text_cannot_start_a_command() {
        for (text, defused) in [
            ("::set-output name=a::b", "\\::set-output name=a::b"),
            (" \t\u{a0}\u{2003}\u{85}::stop-commands::x", " \t\u{a0}\u{2003}\u{85}\\::stop-commands::x"),
            ("\u{feff}::debug::x", "\u{feff}\\::debug::x"),
            ("a\r::add-mask::b", "a\n\\::add-mask::b"),
            ("a\r\n::add-mask::b\n", "a\n\\::add-mask::b\n"),
            ("see ##[add-matcher]x and ###[error]", "see ##\u{200b}[add-matcher]x and ###\u{200b}[error]"),
            ("std::fs::read", "std::fs::read"),
        ] {
            assert_eq!(defuse(text), defused, "{text:?}");
        }
    }

    #[test]
    fn an_output_cannot_be_broken_out_of() {
        assert_eq!(output_entry("changed", &masked("true"), "D").unwrap(), "changed<<D\ntrue\nD\n");
        for (key, value) in [("a", "x\nD\nb<<D"), ("aD", "x"), ("", "x"), ("a=b", "x"), ("a<<b", "x"), ("a\nb", "x")] {
            assert!(output_entry(key, &masked(value), "D").is_err(), "{key:?} {value:?}");
        }
        let (one, two) = (delimiter().unwrap(), delimiter().unwrap());
        assert!(one != two && one.len() == "ghadelimiter_".len() + 32);
    }

    #[test]
    fn files_are_appended_to_and_the_summary_has_a_limit() {
        let directory = std::env::temp_dir().join(delimiter().unwrap());
        std::fs::create_dir(&directory).unwrap();
        let (output, summary) = (directory.join("output"), directory.join("summary"));
        std::fs::write(&output, "before=1\n").unwrap();
        set_outputs(&output, &[("changed", masked("true")), ("patch", masked("a/b.yml"))]).unwrap();
        let text = std::fs::read_to_string(&output).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines[2], lines[5]), ("before=1", "true", "a/b.yml"));
        assert!(lines[1].starts_with("changed<<ghadelimiter_") && lines[1].ends_with(lines[3]));

        std::fs::write(&summary, "x".repeat(SUMMARY_LIMIT - 10)).unwrap();
        let mut room = 0;
        let refused = add_summary(&summary, |left| {
            room = left;
            masked("eleven bytes")
        });
        assert!(room == 10 && refused.is_err());
        add_summary(&summary, |_| masked("nine more")).unwrap();
        assert!(std::fs::read_to_string(&summary).unwrap().ends_with("xnine more"));
        std::fs::remove_dir_all(directory).unwrap();
    }
}
