//! What there is to type: subcommands and flags. Inputs take their help and value names from the table of inputs.

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::names::{self, Input};
use super::vault::VaultFlags;
use super::{Colour, CommandLine, Raw};

const ABOUT: &str = "Deploy Kubernetes manifests with ${VAR} placeholders without leaking a secret";

const EXAMPLES: &str = "\
Examples:
  # fill the template of `staging` from the environment
  secret-patch render staging

  # look at it, with values from a dotenv file
  secret-patch render staging --env-file demo.env -o - --show-values

  # do template, overlays and workflows agree?
  secret-patch check

  # what would an apply do?
  secret-patch apply staging --dry-run

  # values from sops, without a prompt
  secret-patch apply prod --env-file <(sops -d prod.env) --yes

Credentials and values as JSON are better given by environment than by flag,
because every process can see arguments: SECRET_PATCH_KUBE_TOKEN,
SECRET_PATCH_KUBECONFIG, SECRET_PATCH_GITHUB_TOKEN, SECRET_PATCH_SECRETS,
SECRET_PATCH_VARS.
Lists are separated by blanks, commas or line ends, and their flags may be repeated.

Exit codes: 0 done, 1 failed, 2 wrong call.";

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
    Render(Box<Render>),
    /// Check that template, base, overlay, ignore files and workflows agree, without values or cluster
    Check(Box<Check>),
    /// Render, build, check, apply what changed, read it back and wait for workloads
    Apply(Box<Apply>),
    /// Print a completion script
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
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
    environment: Option<String>,
    #[arg(long)]
    root: Option<String>,
    #[arg(long)]
    template: Vec<String>,
    #[arg(short, long)]
    output: Option<String>,
    #[arg(long)]
    overlay: Option<String>,
    #[arg(long)]
    kinds: Vec<String>,
    #[arg(long)]
    nonsensitive: Vec<String>,
    #[arg(long)]
    keep_placeholders: Vec<String>,
    #[arg(long)]
    allow_empty: Vec<String>,
    #[arg(long)]
    allow_default: Vec<String>,
    #[arg(long)]
    allow_remote: bool,
    #[arg(long, help_heading = "Output")]
    format: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    pub(super) environment: String,
    #[command(flatten)]
    pub(super) rendering: Rendering,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    #[command(flatten)]
    pub(super) comment: Comment,
    /// Apply without asking
    #[arg(short, long)]
    pub(super) yes: bool,
}

/// Template and values. Help and value names come from the table of inputs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Template and values")]
pub(super) struct Rendering {
    #[arg(long)]
    root: Option<String>,
    #[arg(long)]
    template: Vec<String>,
    #[arg(short, long)]
    output: Option<String>,
    #[arg(long)]
    overlay: Option<String>,
    #[arg(long)]
    secrets: Option<String>,
    #[arg(long)]
    vars: Option<String>,
    #[arg(long)]
    env_file: Option<String>,
    #[arg(long)]
    nonsensitive: Vec<String>,
    #[arg(long)]
    keep_placeholders: Vec<String>,
    #[arg(long)]
    allow_empty: Vec<String>,
    #[arg(long)]
    allow_default: Vec<String>,
    #[arg(long)]
    prefer: Vec<String>,
    #[arg(long)]
    trusted_repositories: Vec<String>,
    #[arg(long, help_heading = "Output")]
    format: Option<String>,
    #[command(flatten)]
    vault: VaultFlags,
    #[arg(long, help_heading = "Values from Vault")]
    ca_bundle: Option<String>,
}

/// Build and cluster. Help and value names come from the table of inputs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Build and cluster")]
pub(super) struct Cluster {
    #[arg(long)]
    kinds: Vec<String>,
    #[arg(long)]
    kubeconfig: Option<String>,
    #[arg(long)]
    context: Option<String>,
    #[arg(long)]
    kube_token: Option<String>,
    #[arg(long)]
    allow_exec: bool,
    #[arg(long)]
    allow_remote: bool,
    #[arg(long)]
    force_conflicts: Vec<String>,
    #[arg(long)]
    take_over: bool,
    #[arg(long)]
    prune: bool,
    #[arg(long)]
    rollout: Option<String>,
    #[arg(long)]
    on_failed_rollout: Option<String>,
    #[arg(long)]
    timeout: Option<String>,
    #[arg(long)]
    dry_run: bool,
}

/// The comment on a pull request. Help and value names come from the table of inputs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comment on a pull request")]
pub(super) struct Comment {
    #[arg(long)]
    comment: Option<String>,
    #[arg(long)]
    comment_key: Option<String>,
    #[arg(long)]
    github_token: Option<String>,
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

impl Rendering {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set_some(names::ROOT, self.root);
        raw.set_list(names::TEMPLATE, &self.template);
        raw.set_some(names::OUTPUT, self.output);
        raw.set_some(names::OVERLAY, self.overlay);
        raw.set_some(names::SECRETS, self.secrets);
        raw.set_some(names::VARS, self.vars);
        raw.set_some(names::ENV_FILE, self.env_file);
        raw.set_list(names::NONSENSITIVE, &self.nonsensitive);
        raw.set_list(names::KEEP_PLACEHOLDERS, &self.keep_placeholders);
        raw.set_list(names::ALLOW_EMPTY, &self.allow_empty);
        raw.set_list(names::ALLOW_DEFAULT, &self.allow_default);
        raw.set_list(names::PREFER, &self.prefer);
        raw.set_list(names::TRUSTED_REPOSITORIES, &self.trusted_repositories);
        raw.set_some(names::FORMAT, self.format);
        self.vault.fill(raw);
        raw.set_some(names::CA_BUNDLE, self.ca_bundle);
    }
}

impl Check {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set_some(names::ENVIRONMENT, self.environment);
        raw.set_some(names::ROOT, self.root);
        raw.set_list(names::TEMPLATE, &self.template);
        raw.set_some(names::OUTPUT, self.output);
        raw.set_some(names::OVERLAY, self.overlay);
        raw.set_list(names::KINDS, &self.kinds);
        raw.set_list(names::NONSENSITIVE, &self.nonsensitive);
        raw.set_list(names::KEEP_PLACEHOLDERS, &self.keep_placeholders);
        raw.set_list(names::ALLOW_EMPTY, &self.allow_empty);
        raw.set_list(names::ALLOW_DEFAULT, &self.allow_default);
        raw.set_flag(names::ALLOW_REMOTE, self.allow_remote);
        raw.set_some(names::FORMAT, self.format);
    }
}

impl Cluster {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set_list(names::KINDS, &self.kinds);
        raw.set_some(names::KUBECONFIG, self.kubeconfig);
        raw.set_some(names::CONTEXT, self.context);
        raw.set_some(names::KUBE_TOKEN, self.kube_token);
        raw.set_flag(names::ALLOW_EXEC, self.allow_exec);
        raw.set_flag(names::ALLOW_REMOTE, self.allow_remote);
        raw.set_list(names::FORCE_CONFLICTS, &self.force_conflicts);
        raw.set_flag(names::TAKE_OVER, self.take_over);
        raw.set_flag(names::PRUNE, self.prune);
        raw.set_some(names::ROLLOUT, self.rollout);
        raw.set_some(names::ON_FAILED_ROLLOUT, self.on_failed_rollout);
        raw.set_some(names::TIMEOUT, self.timeout);
        raw.set_flag(names::DRY_RUN, self.dry_run);
    }
}

impl Comment {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set_some(names::COMMENT, self.comment);
        raw.set_some(names::COMMENT_KEY, self.comment_key);
        raw.set_some(names::GITHUB_TOKEN, self.github_token);
    }
}

impl Raw {
    pub(super) fn set_some(&mut self, input: Input, text: Option<String>) {
        self.set(input, &zeroize::Zeroizing::new(text.unwrap_or_default()));
    }

    fn set_list(&mut self, input: Input, texts: &[String]) {
        self.set(input, &texts.join("\n"));
    }

    pub(super) fn set_flag(&mut self, input: Input, given: bool) {
        self.set(input, if given { "true" } else { "" });
    }
}
