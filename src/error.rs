//! What went wrong or deserves a word: where, what and the remedy; never a value.

mod text;

use std::{fmt, io};

pub use self::text::Text;
pub use crate::__text as text;

/// A place in one of the user's files, counted as editors and annotations do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Path as the user would type it: relative to the workspace where the file lies beneath it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Place {
    /// A place by file, line and column (both from 1).
    pub fn new(file: impl Into<String>, line: usize, column: usize) -> Self {
        Self { file: file.into(), line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How much a [`Problem`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing needs to be done.
    Notice,
    /// Probably not what was meant; the run goes on.
    Warning,
    /// The run stops.
    Error,
}

/// One finding. Text is lower case, without a full stop, with the user's name for the thing in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops the run.
    pub severity: Severity,
    /// A stable word for logs and tests, such as `missing-value`.
    pub kind: &'static str,
    /// What is wrong, with where it is wrong if there is no `place`.
    pub message: Text,
    /// The line to look at.
    pub place: Option<Place>,
    /// What to do about it; may have several lines.
    pub help: Option<Text>,
}

impl Problem {
    /// A finding that stops the run.
    pub fn error(kind: &'static str, message: impl Into<Text>) -> Self {
        Self::new(Severity::Error, kind, message)
    }

    /// A finding that is probably not what was meant.
    pub fn warning(kind: &'static str, message: impl Into<Text>) -> Self {
        Self::new(Severity::Warning, kind, message)
    }

    /// A finding that is worth knowing.
    pub fn notice(kind: &'static str, message: impl Into<Text>) -> Self {
        Self::new(Severity::Notice, kind, message)
    }

    fn new(severity: Severity, kind: &'static str, message: impl Into<Text>) -> Self {
        Self { severity, kind, message: message.into(), place: None, help: None }
    }

    /// The same finding at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same finding with its remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<Text>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same finding as a warning: it is told, and does not stop the run.
    #[must_use]
    pub fn as_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// The same finding as a notice: about something that need not be right.
    #[must_use]
    pub fn as_notice(self) -> Self {
        Self { severity: Severity::Notice, ..self }
    }

    /// Whether it stops the run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// An error of the system in the house's words: lower case, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + letters.as_str())
}

/// A part of a run: headings, findings and times belong to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Reading inputs, finding the layout and the kubeconfig.
    Inputs,
    /// Collecting what the placeholders are filled with.
    Values,
    /// Filling the template and writing the patch.
    Render,
    /// Building with kustomize.
    Build,
    /// Checking that the build holds what the patch holds.
    Check,
    /// Comparing with the cluster, dry-run included.
    Compare,
    /// Writing to the cluster.
    Apply,
    /// Reading back what was written.
    Verify,
    /// Waiting for workloads.
    Rollout,
    /// Removing what the run left.
    Cleanup,
    /// Deleting what left the build.
    Prune,
    /// Commenting on the pull request; never fails.
    Comment,
    /// Listing Secrets, ExternalSecrets and stores.
    Inventory,
    /// Deciding what moves where.
    Plan,
    /// Writing to Vault, and reading back.
    Vault,
    /// Letting External Secrets take over.
    Sync,
}

impl Stage {
    /// The stage's name in logs, summary and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Values => "values",
            Self::Render => "render",
            Self::Build => "build",
            Self::Check => "check",
            Self::Compare => "compare",
            Self::Apply => "apply",
            Self::Verify => "verify",
            Self::Rollout => "rollout",
            Self::Cleanup => "cleanup",
            Self::Prune => "prune",
            Self::Comment => "comment",
            Self::Inventory => "inventory",
            Self::Plan => "plan",
            Self::Vault => "vault",
            Self::Sync => "sync",
        }
    }
}

/// Why a run stopped: all problems of the stage where it did, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where it stopped.
    pub stage: Stage,
    /// At least one error.
    pub problems: Vec<Problem>,
    /// Exit code 2 instead of 1: the call itself was wrong.
    pub usage: bool,
}

impl Failure {
    /// A stage that could not be finished.
    pub fn new(stage: Stage, problems: Vec<Problem>) -> Self {
        Self { stage, problems, usage: false }
    }

    /// A call that could not be understood.
    pub fn usage(problems: Vec<Problem>) -> Self {
        Self { stage: Stage::Inputs, problems, usage: true }
    }

    /// A panic, whose words were told where it happened.
    pub fn internal(stage: Stage) -> Self {
        let problem = Problem::error("internal-error", "the program is at fault: it stopped where it must not");
        Self::new(stage, vec![problem.help("please report it, with the line that begins with `internal error`")])
    }

    /// What two steps of one stage give, or all that is wrong with either.
    ///
    /// # Errors
    /// Those of both.
    pub fn of_both<A, B>(one: Result<A, Self>, other: Result<B, Self>) -> Result<(A, B), Self> {
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(failure), Ok(_)) | (Ok(_), Err(failure)) => Err(failure),
            (Err(mut failure), Err(other)) => {
                failure.problems.extend(other.problems);
                failure.usage |= other.usage;
                Err(failure)
            }
        }
    }

    /// 2 for a wrong call, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        if self.usage { 2 } else { 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.stage.name())?;
        for problem in &self.problems {
            write!(f, "; {}", problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
