//! Flags that several subcommands take: what goes in, what is compared, what is written, what is said on a pull request.

use clap::Args;

use super::Raw;
use super::names;
use super::vault::VaultFlags;

/// Where the files of an environment lie.
#[derive(Debug, Args)]
pub(super) struct Files {
    #[arg(long)]
    root: Option<String>,
    #[arg(long)]
    template: Vec<String>,
    #[arg(short, long)]
    output: Option<String>,
    #[arg(long)]
    overlay: Option<String>,
}

/// How placeholders are filled.
#[derive(Debug, Args)]
pub(super) struct Filling {
    #[arg(long)]
    nonsensitive: Vec<String>,
    #[arg(long)]
    keep_placeholders: Vec<String>,
    #[arg(long)]
    allow_empty: Vec<String>,
    #[arg(long)]
    allow_default: Vec<String>,
}

/// The way to the cluster.
#[derive(Debug, Args)]
pub(super) struct Access {
    #[arg(long)]
    kubeconfig: Option<String>,
    #[arg(long)]
    context: Option<String>,
    #[arg(long)]
    kube_token: Option<String>,
    #[arg(long)]
    allow_exec: bool,
}

/// Template and values. Help and value names come from the table of inputs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Template and values")]
pub(super) struct Rendering {
    #[command(flatten)]
    files: Files,
    #[arg(long)]
    secrets: Option<String>,
    #[arg(long)]
    vars: Option<String>,
    #[arg(long)]
    env_file: Option<String>,
    #[command(flatten)]
    filling: Filling,
    #[arg(long)]
    prefer: Vec<String>,
    #[arg(long)]
    trusted_repositories: Vec<String>,
    #[arg(long, help_heading = "Output")]
    keep_patch: bool,
    #[arg(long, help_heading = "Output")]
    format: Option<String>,
    #[command(flatten)]
    vault: VaultFlags,
}

/// Build and cluster. Help and value names come from the table of inputs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Build and cluster")]
pub(super) struct Cluster {
    #[arg(long)]
    kinds: Vec<String>,
    #[command(flatten)]
    access: Access,
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
}

/// What happens after the writes, and whether there are any. Help and value names come from the table of inputs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Build and cluster")]
pub(super) struct Writing {
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

impl Files {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set_some(names::ROOT, self.root);
        raw.set_list(names::TEMPLATE, &self.template);
        raw.set_some(names::OUTPUT, self.output);
        raw.set_some(names::OVERLAY, self.overlay);
    }
}

impl Filling {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set_list(names::NONSENSITIVE, &self.nonsensitive);
        raw.set_list(names::KEEP_PLACEHOLDERS, &self.keep_placeholders);
        raw.set_list(names::ALLOW_EMPTY, &self.allow_empty);
        raw.set_list(names::ALLOW_DEFAULT, &self.allow_default);
    }
}

impl Access {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set_some(names::KUBECONFIG, self.kubeconfig);
        raw.set_some(names::CONTEXT, self.context);
        raw.set_some(names::KUBE_TOKEN, self.kube_token);
        raw.set_flag(names::ALLOW_EXEC, self.allow_exec);
    }
}

impl Rendering {
    pub(super) fn fill(self, raw: &mut Raw) {
        self.files.fill(raw);
        raw.set_some(names::SECRETS, self.secrets);
        raw.set_some(names::VARS, self.vars);
        raw.set_some(names::ENV_FILE, self.env_file);
        self.filling.fill(raw);
        raw.set_list(names::PREFER, &self.prefer);
        raw.set_list(names::TRUSTED_REPOSITORIES, &self.trusted_repositories);
        raw.set_flag(names::KEEP_PATCH, self.keep_patch);
        raw.set_some(names::FORMAT, self.format);
        self.vault.fill(raw);
    }
}

impl Cluster {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set_list(names::KINDS, &self.kinds);
        self.access.fill(raw);
        raw.set_flag(names::ALLOW_REMOTE, self.allow_remote);
        raw.set_list(names::FORCE_CONFLICTS, &self.force_conflicts);
        raw.set_flag(names::TAKE_OVER, self.take_over);
        raw.set_flag(names::PRUNE, self.prune);
        raw.set_some(names::ROLLOUT, self.rollout);
    }
}

impl Writing {
    pub(super) fn fill(self, raw: &mut Raw) {
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
