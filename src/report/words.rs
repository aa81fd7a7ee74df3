//! The words that all ways to print a report have in common.

use super::{Change, Progress};
use crate::error::Severity;

impl Change {
    /// The word for it in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a difference is known: what was not compared may be the same.
    pub fn differs(self) -> bool {
        !matches!(self, Self::Unchanged | Self::Unknown)
    }

    /// Every change, in the order of [`Outcome::headline`].
    pub(super) const ALL: [Self; 5] = [Self::Added, Self::Changed, Self::Removed, Self::Unchanged, Self::Unknown];
}

impl Progress {
    /// The word for it in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Failed => "refused",
            Self::Unanswered => "unanswered",
            Self::Restored => "restored",
            Self::NotReached => "not-reached",
        }
    }
}

/// The word for a severity: in reports and diagnostics, and as a workflow command.
pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "notice",
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn count(many: usize, what: &str) -> String {
    if many == 1 { format!("1 {what}") } else { format!("{many} {what}s") }
}

/// `text` on one line, with U+FFFD for what moves a cursor, turns the direction of text, or stands in it unseen.
///
/// Nothing is left out: what was hidden in a text that was cut up would else stand there whole.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if is_unseen(c) { '\u{fffd}' } else { c }).collect()
}

/// Controls, and what Unicode lets a font ignore: marks of direction, joiners, fillers, selectors, tags, annotations.
fn is_unseen(c: char) -> bool {
    let ignored = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    ignored || c.is_control() && c != '\t'
}

/// As [`printable`], line by line; `\n`, `\r\n` and a bare `\r` end one. At least one line.
pub(crate) fn printable_lines(text: &str) -> Vec<String> {
    text.replace("\r\n", "\n").split(['\n', '\r']).map(printable).collect()
}
