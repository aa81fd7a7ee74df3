//! What there is to type: subcommands and flags. Inputs take their help and value names from the table of inputs.

use clap::builder::StyledStr;
use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::eso::EsoVerb;
use super::groups::{Cluster, Comment, Files, Filling, Rendering, Writing};
use super::help::{ABOUT, EXAMPLES};
use super::names::{self, Input};
use super::{Colour, CommandLine, Raw};

#[derive(Debug, Parser)]
#[command(name = "secret-patch", version, about = ABOUT, after_help = EXAMPLES, arg_required_else_help = true)]
#[command(disable_help_subcommand = true, max_term_width = 120)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) everywhere: Everywhere,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// Flags that are no inputs of the action.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Everywhere {
    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: When,
    /// Tell the runner to mask the values, in a `run:` step of GitHub Actions
    #[arg(long, global = true)]
    add_masks: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Fill the template with values: the secret patch
    Render(Deferred<Render>),
    /// Check that template, base, overlay, ignore files and workflows agree, without values or cluster
    Check(Deferred<Check>),
    /// Show what an apply would do, key by key and without values
    Diff(Deferred<Diff>),
    /// Render, build, check, apply what changed, read it back and wait for workloads
    Apply(Deferred<Apply>),
    /// Remove the patch that `render` left, if nobody has changed it since
    Cleanup(Deferred<Cleanup>),
    /// Move hand-made Secrets to Vault and External Secrets, and watch over them
    Eso {
        /// What to do
        #[command(subcommand)]
        verb: EsoVerb,
    },
    /// Print a completion script
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Flags of a command that are described to clap only once that command is called: a call needs the flags of one.
#[derive(Debug)]
pub(super) struct Deferred<T>(pub(super) Box<T>);

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.defer(|command| {
            // clap takes the comment on a group of flags for what the command does.
            let about = command.get_about().cloned().unwrap_or_default();
            T::augment_args(command).mut_args(with_input).about(about)
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(|flags| Self(Box::new(flags)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

/// Help, value name and default of the input of that name.
fn with_input(arg: clap::Arg) -> clap::Arg {
    let Some(input) = names::find(&arg.get_id().as_str().replace('_', "-")) else { return arg };
    // An expression is the runner's to evaluate.
    let default = input.default.filter(|default| !input.shape.is_empty() && !default.starts_with("${{"));
    let help = match default {
        Some(default) => format!("{} [default: {default}]", input.about),
        None => input.about.to_owned(),
    };
    let arg = arg.help(StyledStr::from(help));
    if input.shape.is_empty() { arg } else { arg.value_name(input.shape) }
}

#[derive(Debug, Args)]
pub(super) struct Render {
    pub(super) environment: String,
    #[command(flatten)]
    pub(super) rendering: Rendering,
    /// Let `-o -` write the values to a terminal
    #[arg(long, help_heading = "Output")]
    pub(super) show_values: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What to check")]
pub(super) struct Check {
    #[arg(help_heading = None)]
    environment: Option<String>,
    #[command(flatten)]
    files: Files,
    #[arg(long)]
    kinds: Vec<String>,
    #[command(flatten)]
    filling: Filling,
    #[arg(long)]
    allow_remote: bool,
    #[arg(long, help_heading = "Output")]
    format: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    pub(super) environment: String,
    #[command(flatten)]
    rendering: Rendering,
    #[command(flatten)]
    cluster: Cluster,
    #[arg(long)]
    base: Option<String>,
    #[command(flatten)]
    comment: Comment,
    /// Exit with 0 where nothing differs, 1 where something does, and 2 where it cannot be told
    #[arg(long, help_heading = "Output")]
    pub(super) exit_code: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What to remove")]
pub(super) struct Cleanup {
    #[arg(help_heading = None)]
    environment: String,
    #[arg(long)]
    root: Option<String>,
    #[arg(short, long)]
    output: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    pub(super) environment: String,
    #[command(flatten)]
    pub(super) rendering: Rendering,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    #[command(flatten)]
    pub(super) writing: Writing,
    #[command(flatten)]
    pub(super) comment: Comment,
    /// Apply without asking
    #[arg(short, long, help_heading = "Build and cluster")]
    pub(super) yes: bool,
}

impl Everywhere {
    pub(super) fn command_line(&self) -> CommandLine {
        let colour = match self.color {
            When::Auto => Colour::Auto,
            When::Always => Colour::Always,
            When::Never => Colour::Never,
        };
        CommandLine { add_masks: self.add_masks, verbose: self.verbose, colour, ..CommandLine::default() }
    }
}

impl Diff {
    pub(super) fn fill(self, raw: &mut Raw) {
        self.rendering.fill(raw);
        self.cluster.fill(raw);
        self.comment.fill(raw);
        raw.set_some(names::BASE, self.base);
    }
}

impl Apply {
    pub(super) fn fill(self, raw: &mut Raw) {
        self.rendering.fill(raw);
        self.cluster.fill(raw);
        self.writing.fill(raw);
        self.comment.fill(raw);
    }
}

impl Cleanup {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set(names::ENVIRONMENT, &self.environment);
        raw.set_some(names::ROOT, self.root);
        raw.set_some(names::OUTPUT, self.output);
    }
}

impl Check {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set_some(names::ENVIRONMENT, self.environment);
        self.files.fill(raw);
        raw.set_list(names::KINDS, &self.kinds);
        self.filling.fill(raw);
        raw.set_flag(names::ALLOW_REMOTE, self.allow_remote);
        raw.set_some(names::FORMAT, self.format);
    }
}

impl Raw {
    pub(super) fn set_some(&mut self, input: Input, text: Option<String>) {
        self.set(input, &zeroize::Zeroizing::new(text.unwrap_or_default()));
    }

    pub(super) fn set_list(&mut self, input: Input, texts: &[String]) {
        self.set(input, &texts.join("\n"));
    }

    pub(super) fn set_flag(&mut self, input: Input, given: bool) {
        self.set(input, if given { "true" } else { "" });
    }
}
