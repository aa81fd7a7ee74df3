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

/// `text` on one line, without characters that move a cursor, hide text or turn its direction.
pub(crate) fn printable(text: &str) -> String {
    let hides = |c: char| {
        c.is_control() && c != '\t'
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hides(c) { '\u{fffd}' } else { c }).collect()
}

/// As [`printable`], line by line; `\n`, `\r\n` and a bare `\r` end one. At least one line.
pub(crate) fn printable_lines(text: &str) -> Vec<String> {
    text.replace("\r\n", "\n").split(['\n', '\r']).map(printable).collect()
}
