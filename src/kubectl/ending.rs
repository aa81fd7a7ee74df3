//! How a kubectl process ended, and what it printed: neither is shown as it is.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

/// How a call ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// Exit code 0.
    Success {
        /// All of it.
        stdout: Output,
        /// Warnings and request lines.
        stderr: Untrusted,
    },
    /// Another exit code.
    Failed {
        /// 1 for nearly everything.
        code: i32,
        /// What was printed before, or beside, the failure.
        stdout: Output,
        /// Why.
        stderr: Untrusted,
    },
    /// Killed by us at its deadline.
    TimedOut {
        /// How long it had.
        deadline: Duration,
        /// What it said until then.
        stderr: Untrusted,
    },
    /// Ended by a signal that was not ours.
    Killed {
        /// Its number; 0 if the system did not tell.
        signal: i32,
        /// What it said until then.
        stderr: Untrusted,
    },
    /// Killed by us because it printed more than is kept.
    TooMuchOutput,
    /// There was no process.
    NotStarted {
        /// The system's reason.
        reason: String,
    },
}

/// A child's stdout: it may hold values, so it is zeroed and never printed.
#[derive(Clone, Default)]
pub struct Output(Zeroizing<Vec<u8>>);

impl Output {
    /// Takes over `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn zeroized(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Each call is a place to review.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({} bytes)", self.0.len())
    }
}

/// Text of a program or server that may echo values and hold anything else: there is no `Display`.
#[derive(Clone, Default)]
pub struct Untrusted(Zeroizing<String>);

impl Untrusted {
    /// Takes over `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, to cut and redact. Each call is a place to review.
    pub fn expose_for_redaction(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({} bytes)", self.0.len())
    }
}
