//! Where a scalar's own source text stands.
//!
//! The parser's spans include anchors, tags and trailing comments, and leave out a block scalar's header.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

/// A scalar's bytes as a parser sees them.
pub(super) struct ScalarSpan {
    pub(super) range: Range<usize>,
    pub(super) style: ScalarStyle,
    /// Whether a block scalar's range starts at its header (or the properties before it) rather than at its first content line.
    pub(super) starts_at_header: bool,
}

impl ScalarSpan {
    /// The bytes that hold the scalar itself; `None` where that cannot be told for certain.
    pub(super) fn source(self, text: &str, value: &str) -> Option<Range<usize>> {
        let start = self.range.start;
        match self.style {
            ScalarStyle::Plain => plain(text, self.range, value),
            ScalarStyle::SingleQuoted => {
                let start = after_properties(text, start)?;
                Some(start..single_quoted_end(text, start)?)
            }
            ScalarStyle::DoubleQuoted => {
                let start = after_properties(text, start)?;
                Some(start..double_quoted_end(text, start)?)
            }
            ScalarStyle::Literal | ScalarStyle::Folded if self.starts_at_header => {
                let start = after_properties(text, start)?;
                let line_end = start + text.get(start..)?.find('\n')?;
                Some(start..end_of_content(text, line_end, self.range.end))
            }
            ScalarStyle::Literal => block(text, self.range, '|'),
            ScalarStyle::Folded => block(text, self.range, '>'),
        }
    }
}

/// Steps over `&anchor` and `!tag`, and over blanks, comments and line breaks between them.
fn after_properties(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let first = rest.chars().next()?;
        at += match first {
            '&' | '!' => rest.find(char::is_whitespace)?,
            '#' => rest.find('\n')?,
            _ if first.is_whitespace() => first.len_utf8(),
            _ => return Some(at),
        };
    }
}

/// A plain scalar on one line equals its value; one over several lines ends where the parser says, less what follows its last word.
fn plain(text: &str, span: Range<usize>, value: &str) -> Option<Range<usize>> {
    let start = after_properties(text, span.start)?;
    if text.get(start..)?.starts_with(value) {
        return Some(start..start + value.len());
    }
    let source = text.get(start..span.end)?.trim_end();
    let words = source.split_whitespace().eq(value.split_whitespace());
    words.then(|| start..start + source.len())
}

fn single_quoted_end(text: &str, start: usize) -> Option<usize> {
    let mut characters = text.get(start..)?.strip_prefix('\'')?.char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        if character == '\'' && characters.next_if(|(_, next)| *next == '\'').is_none() {
            return Some(start + 1 + offset + 1);
        }
    }
    None
}

fn double_quoted_end(text: &str, start: usize) -> Option<usize> {
    let mut characters = text.get(start..)?.strip_prefix('"')?.char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '"' => return Some(start + 1 + offset + 1),
            _ => {}
        }
    }
    None
}

/// From the header (`|2-`, with its comment) to the end of the last content line, given a span that starts at the first content line.
fn block(text: &str, span: Range<usize>, indicator: char) -> Option<Range<usize>> {
    let mut line_start = text.get(..span.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    loop {
        let line_end = line_start.checked_sub(1)?;
        line_start = text.get(..line_end)?.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text.get(line_start..line_end)?;
        if !line.trim().is_empty() {
            let header = header(line, indicator)?;
            return Some(line_start + header..end_of_content(text, line_start + line.len(), span.end));
        }
    }
}

/// The parser's end may lie behind the indentation of the next line.
fn end_of_content(text: &str, from: usize, end: usize) -> usize {
    if end >= text.len() {
        return text.len();
    }
    let content = text.get(from..end).unwrap_or_default();
    content.rfind('\n').map_or(end, |newline| from + newline + 1)
}

/// The offset of a block scalar's header in its line.
fn header(line: &str, indicator: char) -> Option<usize> {
    line.match_indices(indicator).map(|(offset, _)| offset).find(|offset| {
        let before = line.get(..*offset).unwrap_or_default();
        let after = line.get(offset + 1..).unwrap_or_default();
        let modifiers = after.find(|c: char| !matches!(c, '+' | '-' | '1'..='9')).unwrap_or(after.len());
        let rest = after.get(modifiers..).unwrap_or_default();
        let comment = rest.trim_start();
        before.chars().next_back().is_none_or(char::is_whitespace)
            && modifiers <= 2
            && (comment.is_empty() || (comment.starts_with('#') && comment.len() < rest.len()))
    })
}
