//! Env files: `NAME=value` lines as dotenv reads them, without interpolation.
//!
//! Unquoted values are trimmed and end at ` #`; single quotes keep everything; double quotes know `\n \r \t \" \\ \$`.
//! Quoted values may span lines. No library reads this without replacing `$NAME`, which would change passwords.

use std::collections::BTreeMap;

use crate::error::{Place, Problem, Text, text};
use crate::secret::Secret;

/// Reads `text`; `file` names it in messages, which never quote a value.
///
/// # Errors
/// Every line that is not understood, and every name that stands twice.
pub fn parse(file: &str, text: &str) -> Result<BTreeMap<String, Secret>, Vec<Problem>> {
    let mut reader = Reader { file, rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    while !reader.rest.is_empty() {
        let line = reader.line;
        match reader.entry() {
            Ok(None) => {}
            Ok(Some((name, value))) => {
                if values.insert(name.clone(), value).is_some() {
                    problems.push(reader.problem(
                        line,
                        format!("`{name}` stands twice"),
                        "remove one of the two lines",
                    ));
                }
            }
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

struct Reader<'a> {
    file: &'a str,
    rest: &'a str,
    line: usize,
}

type Entry = Option<(String, Secret)>;

impl Reader<'_> {
    /// The next line, or lines where a quoted value spans several; nothing for blank lines and comments.
    fn entry(&mut self) -> Result<Entry, Box<Problem>> {
        let start = self.line;
        let line = self.rest.lines().next().unwrap_or_default();
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            self.skip_line();
            return Ok(None);
        }
        let assignment = line.split_once('=').map(|(name, value)| {
            let name = name.trim();
            (name.strip_prefix("export ").map_or(name, str::trim), value)
        });
        let Some((name, value)) = assignment.filter(|(name, _)| is_name(name)) else {
            self.skip_line();
            return Err(Box::new(self.problem(
                start,
                "not a `NAME=value` line".to_owned(),
                "quote values that span several lines",
            )));
        };
        let value_start = line.len() - value.trim_start().len();
        let text = self.rest.get(value_start..).unwrap_or_default();
        let value = match text.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(name, start, value_start, quote)?,
            Some('#') if value.starts_with('#') => {
                self.skip_line();
                let message =
                    text!("the value of `{name}` begins with `#`, which some take for a comment and some do not");
                return Err(Box::new(self.problem(
                    start,
                    message,
                    "quote the value, or put a blank before the comment",
                )));
            }
            _ => {
                self.skip_line();
                unquoted(value).to_owned()
            }
        };
        Ok(Some((name.to_owned(), Secret::new(value))))
    }

    fn quoted(&mut self, name: &str, start: usize, value_start: usize, quote: char) -> Result<String, Box<Problem>> {
        let text = self.rest.get(value_start + 1..).unwrap_or_default();
        let Some((value, length)) = until_quote(text, quote) else {
            self.rest = "";
            let message = text!("the value of `{name}` has no closing {quote}");
            return Err(Box::new(self.problem(
                start,
                message,
                "close the quote, or use the other kind of quote around it",
            )));
        };
        let after = text.get(length..).unwrap_or_default().lines().next().unwrap_or_default().trim();
        self.line += text.get(..length).unwrap_or_default().matches('\n').count();
        self.rest = text.get(length..).unwrap_or_default();
        self.skip_line();
        if after.is_empty() || after.starts_with('#') {
            Ok(value)
        } else {
            let message = text!("text after the closing quote of `{name}`");
            Err(Box::new(self.problem(start, message, "put the whole value into one pair of quotes")))
        }
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.find('\n').and_then(|newline| self.rest.get(newline + 1..)).unwrap_or_default();
        self.line += 1;
    }

    fn problem(&self, line: usize, message: impl Into<Text>, help: &'static str) -> Problem {
        Problem::error("env-file", message).at(Place::new(self.file, line, 1)).help(help)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn unquoted(value: &str) -> &str {
    let comment = value.char_indices().find(|(at, c)| {
        *c == '#' && value.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
    });
    comment.map_or(value, |(at, _)| value.get(..at).unwrap_or_default()).trim()
}

/// The value up to the closing quote, and how many bytes it takes with that quote.
fn until_quote(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == quote {
            return Some((value, at + 1));
        }
        if character != '\\' || quote == '\'' {
            value.push(character);
            continue;
        }
        match characters.next()?.1 {
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            escaped @ ('"' | '\\' | '$') => value.push(escaped),
            other => value.extend(['\\', other]),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        parse(".env", text).expect("env file")["A"].expose().to_owned()
    }

    #[test]
    fn values_are_read_as_written() {
        for (text, expected) in [
            ("A=b", "b"),
            ("export A = b c  # note", "b c"),
            ("A=b#c", "b#c"),
            ("A=$B${C}", "$B${C}"),
            ("A='b \"$x\" # \\n'", "b \"$x\" # \\n"),
            ("A=\"b\\n\\\"c\\\" \\$d \\e\" # note", "b\n\"c\" $d \\e"),
            ("A=\"-----BEGIN\nx\n-----END\"\nB=1", "-----BEGIN\nx\n-----END"),
            ("\u{feff}A=b\r\n", "b"),
            ("A=", ""),
            ("# c\n\nA= # c", ""),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_value_that_may_be_a_comment_is_refused() {
        let problems = parse(".env", "A=#hunter2\nB=1").expect_err("ambiguous");
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].message.starts_with("the value of `A` begins with `#`")
                && !problems[0].message.contains("hunter2")
        );
    }

    #[test]
    fn every_broken_line_is_named_without_its_text() {
        let problems = parse("x.env", "A=1\nhunter2\nA=hunter2\nB='x' hunter2\nC=\"\nD=hunter2").expect_err("broken");
        let lines: Vec<_> = problems.iter().map(|problem| problem.place.as_ref().map(|place| place.line)).collect();
        assert_eq!(lines, [Some(2), Some(3), Some(4), Some(5)]);
        assert!(!format!("{problems:?}").contains("hunter2"));
    }
}
