//! The inputs of the `eso` commands: their names, their flags and what they become.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::flags::Deferred;
use super::groups::Access;
use super::names::{self, Input};
use super::resolve::Reader;
use super::vault::VaultFlags;
use super::{Command, Raw, Word as _};
use crate::error::text;

/// Where Secrets are looked for.
pub const NAMESPACES: Input =
    Input::new("namespaces", "NAME…", "Namespaces that the `eso` commands look at; else all but those of Kubernetes");
/// Where in Vault.
pub const PREFIX: Input = Input::new(
    "prefix",
    "PATH",
    "Path in Vault that `eso plan` puts Secrets below: with `keybuzz` the Secret `keybuzz-stripe` goes to `keybuzz/stripe`; else the namespace",
);
/// Which store.
pub const STORE: Input = Input::new(
    "store",
    "NAME",
    "ClusterSecretStore or SecretStore that the ExternalSecrets of `eso plan` read; else the only one for Vault",
);
/// How often ExternalSecrets read.
pub const REFRESH: Input = Input::new(
    "refresh",
    "DURATION",
    "How often the ExternalSecrets of `eso plan` read Vault; else as the plan says that is planned again, and `1h` for a new one",
);
/// Which plan.
pub const PLAN: Input = Input::new("plan", "PATH", "Plan file that `eso run` carries out and `eso verify` looks at");
/// Which paths may be overwritten.
pub const OVERWRITE: Input = Input::new(
    "overwrite",
    "PATH…",
    "Paths in Vault, such as `keybuzz/stripe`, that `eso run` overwrites although they hold something else or were deleted",
);
/// Whether nothing is applied.
pub const WRITE_ONLY: Input =
    Input::boolean("write-only", "Let `eso run` write Vault and the manifests, and apply none of them");
/// How fresh.
pub const MAX_AGE: Input = Input::new(
    "max-age",
    "DURATION",
    "How long ago the last refresh of an ExternalSecret may be for `eso verify`; else twice its interval",
);
/// How patient.
pub const NOT_READY_FOR: Input = Input::new(
    "not-ready-for",
    "DURATION",
    "How long an ExternalSecret may be not ready before `eso verify` fails; else not at all",
);

/// What the `eso` commands work on; `None` and empty lists where the user said nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EsoInputs {
    /// Where Secrets are looked for.
    pub namespaces: Vec<String>,
    /// Path in Vault without slashes at its ends.
    pub prefix: Option<String>,
    /// The store's name.
    pub store: Option<String>,
    /// How often ExternalSecrets read; never zero.
    pub refresh: Option<Duration>,
    /// The plan file.
    pub plan: Option<PathBuf>,
    /// Paths in Vault, with the mount or without.
    pub overwrite: Vec<String>,
    /// Whether nothing is applied.
    pub write_only: bool,
    /// How long ago a refresh may be.
    pub max_age: Option<Duration>,
    /// How long an ExternalSecret may be not ready.
    pub not_ready_for: Option<Duration>,
}

impl EsoInputs {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let optional = |reader: &mut Reader, input| reader.text(input).map(|_| reader.duration(input));
        let prefix = reader.text(PREFIX).map(|prefix| prefix.trim_matches('/').to_owned());
        if let Some(prefix) = prefix.as_ref().filter(|prefix| !is_path(prefix)) {
            let help = "write segments of letters, digits, `.`, `_` and `-` between slashes, such as `team/prod`";
            reader.refuse(text!("`prefix` is `{prefix}`"), help);
        }
        Self {
            namespaces: reader.names(NAMESPACES, "-"),
            prefix,
            store: reader.text(STORE),
            refresh: optional(reader, REFRESH),
            plan: reader.text(PLAN).map(PathBuf::from),
            overwrite: reader.list(OVERWRITE),
            write_only: reader.boolean(WRITE_ONLY),
            max_age: optional(reader, MAX_AGE),
            not_ready_for: optional(reader, NOT_READY_FOR),
        }
    }
}

/// Vault drops `.` and `..` silently, and joins what two slashes keep apart.
fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.split('/').all(|part| !part.is_empty() && part.chars().all(plain) && !part.chars().all(|c| c == '.'))
}

#[derive(Debug, Subcommand)]
pub(super) enum EsoVerb {
    /// Every Secret and who owns it, every ExternalSecret and store and how it is
    Inventory(Deferred<Inventory>),
    /// Write a plan, without values, that moves hand-made Secrets to Vault and ExternalSecrets
    Plan(Deferred<Plan>),
    /// Carry the plan out, in place and without a gap; killed anywhere, another run goes on
    Run(Deferred<Carry>),
    /// Check that ExternalSecrets are really in sync, and with Vault where that is given
    Verify(Deferred<Verify>),
}

#[derive(Debug, Args)]
pub(super) struct Inventory {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    place: Place,
    #[arg(long)]
    prefix: Option<String>,
    #[arg(long)]
    store: Option<String>,
    #[arg(long)]
    refresh: Option<String>,
    #[arg(short, long)]
    output: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Carry {
    plan: String,
    #[command(flatten)]
    place: Place,
    #[arg(short, long)]
    output: Option<String>,
    #[arg(long)]
    overwrite: Vec<String>,
    #[arg(long)]
    write_only: bool,
    #[arg(long)]
    timeout: Option<String>,
    #[arg(long)]
    dry_run: bool,
    /// Write without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    vault: VaultFlags,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    plan: Option<String>,
    #[command(flatten)]
    place: Place,
    #[arg(long)]
    max_age: Option<String>,
    #[arg(long)]
    not_ready_for: Option<String>,
    #[command(flatten)]
    vault: VaultFlags,
}

/// The cluster. Help and value names come from the table of inputs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
struct Place {
    #[arg(long)]
    namespaces: Vec<String>,
    #[command(flatten)]
    access: Access,
    #[arg(long, help_heading = "Output")]
    format: Option<String>,
}

impl EsoVerb {
    pub(super) fn fill(self, raw: &mut Raw) {
        match self {
            Self::Inventory(Deferred(inventory)) => {
                raw.set(names::COMMAND, Command::EsoInventory.word());
                inventory.place.fill(raw);
            }
            Self::Plan(Deferred(plan)) => {
                raw.set(names::COMMAND, Command::EsoPlan.word());
                plan.place.fill(raw);
                raw.set_some(PREFIX, plan.prefix);
                raw.set_some(STORE, plan.store);
                raw.set_some(REFRESH, plan.refresh);
                raw.set_some(names::OUTPUT, plan.output);
            }
            Self::Run(Deferred(run)) => run.fill(raw),
            Self::Verify(Deferred(verify)) => {
                raw.set(names::COMMAND, Command::EsoVerify.word());
                raw.set_some(PLAN, verify.plan);
                verify.place.fill(raw);
                raw.set_some(MAX_AGE, verify.max_age);
                raw.set_some(NOT_READY_FOR, verify.not_ready_for);
                verify.vault.fill(raw);
            }
        }
    }
}

impl Carry {
    fn fill(self, raw: &mut Raw) {
        raw.set(names::COMMAND, Command::EsoRun.word());
        raw.set(PLAN, &self.plan);
        self.place.fill(raw);
        raw.set_some(names::OUTPUT, self.output);
        raw.set_list(OVERWRITE, &self.overwrite);
        raw.set_flag(WRITE_ONLY, self.write_only);
        raw.set_some(names::TIMEOUT, self.timeout);
        raw.set_flag(names::DRY_RUN, self.dry_run);
        raw.command_line.yes = self.yes;
        self.vault.fill(raw);
    }
}

impl Place {
    fn fill(self, raw: &mut Raw) {
        raw.set_list(NAMESPACES, &self.namespaces);
        self.access.fill(raw);
        raw.set_some(names::FORMAT, self.format);
    }
}
