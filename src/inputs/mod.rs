//! `INPUT_*`, flags and `GITHUB_*` become [`Inputs`] and [`Context`]: the only place that knows their names.

mod action;
mod cli;
mod command;
mod context;
mod contradictions;
pub mod eso;
mod flags;
mod groups;
mod help;
pub mod names;
mod pull_request;
mod resolve;
pub mod vault;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use self::names::Input;
use crate::error::{Failure, Problem, Stage, text};
use crate::secret::Secret;
use crate::values::Source;

pub use self::command::Command;
pub use self::context::{ActionStage, Colour, Context, Environment, Mode, SAVED_PATCH, Terminals};
pub use self::eso::EsoInputs;
pub use self::pull_request::PullRequest;
pub use self::vault::{VaultInputs, VaultMethod};

/// What happens to workloads after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollout {
    /// Those that use a changed Secret or ConfigMap are restarted, and they and those that changed are awaited.
    Restart,
    /// Those that changed are awaited.
    Wait,
    /// They are left alone.
    Skip,
}

/// What happens to the values after workloads did not become ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailedRollout {
    /// The new ones stay.
    Keep,
    /// Those before are put back, and what uses them is restarted.
    Restore,
}

/// When a pull request gets a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commenting {
    /// On what a dry run would change, and where a comment is to be put right.
    Auto,
    /// On every report.
    Always,
    /// On none.
    Never,
}

/// How the report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    Text,
    /// For a comment or a summary.
    Markdown,
    /// For a program.
    Json,
}

/// A choice that is written as one word.
pub trait Word: Copy + 'static {
    /// Every choice, in the order in which they are documented.
    const ALL: &'static [Self];
    /// The word.
    fn word(self) -> &'static str;
}

macro_rules! words {
    ($choice:ty { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl Word for $choice {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words!(Rollout { Restart = "restart", Wait = "wait", Skip = "none" });
words!(OnFailedRollout { Keep = "keep", Restore = "restore" });
words!(Commenting { Auto = "auto", Always = "always", Never = "never" });
words!(Format { Text = "text", Markdown = "markdown", Json = "json" });

/// A file, or the process's own stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileName {
    /// `-`: stdin or stdout.
    Standard,
    /// As the user wrote it: absolute, or relative to where the program runs.
    Path(PathBuf),
}

/// What merges the patch over the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// `none`: the filled template is the build.
    None,
    /// A kustomize directory.
    Path(PathBuf),
}

/// What one run is asked to do; `None` and empty lists mean the layout's own choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// What to do.
    pub command: Command,
    /// A plain name: letters, digits, `.`, `_`, `-`; never a path. Empty for `check` of all environments and for the `eso` commands.
    pub environment: String,
    /// Where the layout starts.
    pub root: Option<PathBuf>,
    /// What is filled; stdin at most once, and then not `env_file` too.
    pub templates: Vec<FileName>,
    /// Where the patch goes; stdout only where that is no log and, on a terminal, was asked for.
    pub output: Option<FileName>,
    /// What merges the patch; [`Overlay::None`] for `render`, unless one is given.
    pub overlay: Option<Overlay>,
    /// The kinds to apply; empty for all.
    pub kinds: Vec<String>,
    /// The `secrets` input's members.
    pub secrets: BTreeMap<String, Secret>,
    /// The `vars` input's members; not sensitive.
    pub vars: BTreeMap<String, Secret>,
    /// A dotenv file.
    pub env_file: Option<FileName>,
    /// Names of values that may be shown; no globs.
    pub nonsensitive: Vec<String>,
    /// Names and globs (`*`, `?`) of placeholders that stay.
    pub keep_placeholders: Vec<String>,
    /// Names that may be empty.
    pub allow_empty: Vec<String>,
    /// Names whose default may fill a key of a Secret.
    pub allow_default: Vec<String>,
    /// Which source wins, each at most once; empty: a difference is an error.
    pub prefer: Vec<Source>,
    /// `owner/name` of each other repository whose branches and tags count as this one's.
    pub trusted_repositories: Vec<String>,
    /// What is asked of Vault, and as whom.
    pub vault: VaultInputs,
    /// What the `eso` commands work on.
    pub eso: EsoInputs,
    /// A path, the content, or base64 of the content.
    pub kubeconfig: Option<Secret>,
    /// The kubeconfig's context.
    pub context: Option<String>,
    /// The user's bearer token.
    pub kube_token: Option<Secret>,
    /// Whether the kubeconfig's plugins may run.
    pub allow_exec: bool,
    /// Whether the kustomization may name remote resources.
    pub allow_remote: bool,
    /// `Kind/name` of each object whose fields are taken over from other field managers.
    pub force_conflicts: Vec<String>,
    /// Whether objects of another set become ours.
    pub take_over: bool,
    /// Whether Secrets and ConfigMaps of the set that left the build are deleted.
    pub prune: bool,
    /// What happens to workloads.
    pub rollout: Rollout,
    /// What happens to the values if workloads fail; [`OnFailedRollout::Restore`] only with [`Rollout::Restart`].
    pub on_failed_rollout: OnFailedRollout,
    /// How long workloads may take; never zero.
    pub timeout: Duration,
    /// A checkout that `diff` compares with.
    pub base: Option<PathBuf>,
    /// When the pull request gets a comment.
    pub comment: Commenting,
    /// What tells the comment from others.
    pub comment_key: Option<String>,
    /// Who comments.
    pub github_token: Option<Secret>,
    /// PEM, or the path of a file that holds it.
    pub ca_bundle: Option<String>,
    /// Whether the patch outlives the job.
    pub keep_patch: bool,
    /// Whether nothing is written to the cluster.
    pub dry_run: bool,
    /// How the report is printed.
    pub format: Format,
    /// What only the command line has.
    pub command_line: CommandLine,
}

impl Inputs {
    /// Whether `kinds` has objects of `kind` applied.
    pub fn wants(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted.eq_ignore_ascii_case(kind))
    }
}

/// Flags that are no inputs of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// Write to the cluster without asking; always so in action mode.
    pub yes: bool,
    /// Exit with 1 where something differs, and with 2 where something fails.
    pub exit_code: bool,
    /// Let values go to a terminal.
    pub show_values: bool,
    /// Send `::add-mask::` lines from a `run:` step.
    pub add_masks: bool,
    /// Say more.
    pub verbose: bool,
    /// Whether colours are wanted.
    pub colour: Colour,
}

/// What a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A command to run, with what was odd about its inputs (no errors).
    Run {
        /// What to do.
        inputs: Box<Inputs>,
        /// Warnings and notices.
        problems: Vec<Problem>,
    },
    /// Text of the program itself: help or version (exit 0, stdout), help on a call without arguments (exit 2, stderr), completions.
    Print {
        /// To print as it is; with ANSI colours where the stream takes them.
        text: String,
        /// Exit code.
        code: u8,
    },
}

/// Reads what is asked for. `arguments` begin with the program's name.
///
/// # Errors
/// All problems of the inputs at once, never with a sensitive value; exit code 1 in action mode, 2 on the command line.
pub fn read(arguments: &[OsString], environment: &Environment, context: &Context) -> Result<Request, Failure> {
    let failure = |problems| match context.mode {
        Mode::Action => Failure::new(Stage::Inputs, problems),
        Mode::CommandLine => Failure::usage(problems),
    };
    let raw = match context.mode {
        Mode::Action => action::read(environment, context.stage),
        Mode::CommandLine => match cli::read(arguments, environment, context).map_err(failure)? {
            cli::Call::Run(raw) => raw,
            cli::Call::Print { text, code } => return Ok(Request::Print { text, code }),
        },
    };
    let (inputs, problems) = resolve::resolve(raw, context);
    match inputs {
        Some(inputs) if !problems.iter().any(Problem::is_error) => {
            Ok(Request::Run { inputs: Box::new(inputs), problems })
        }
        _ => Err(failure(problems)),
    }
}

fn not_utf8(name: &str) -> Problem {
    Problem::error("input-not-utf8", text!("`{name}` is not UTF-8")).help("write it as UTF-8")
}

/// Inputs as they were typed, by name, with what was odd about them; trimmed, never empty.
#[derive(Debug, Default)]
struct Raw {
    texts: BTreeMap<&'static str, Secret>,
    command_line: CommandLine,
    problems: Vec<Problem>,
}

impl Raw {
    /// Notes what was given for `input`; blank text is as nothing.
    fn set(&mut self, input: Input, text: &str) {
        if !text.trim().is_empty() {
            self.texts.insert(input.name, Secret::new(text.trim()));
        }
    }
}

#[cfg(test)]
mod tests;
