//! What a run did with each Secret.

use super::owner::Owner;
use super::plan::SecretPlan;
use crate::changes::Set;
use crate::error::{Problem, text};

/// What became of a Secret's values in Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InVault {
    /// Nothing was done.
    Untouched,
    /// They are not there yet, and this run does not write.
    Missing,
    /// They were there already.
    Equal,
    /// They were written, and read back.
    Written,
    /// They were written over something else, as asked, and read back.
    Overwritten,
    /// Something else is there, which a Secret that is in sync gets with its next refresh.
    Ahead,
}

/// What became of its ExternalSecret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// There is none yet, or one that the plan has another wish of by now.
    None,
    /// It was in sync before this run.
    Already,
    /// It is in sync, and the Secret is the same as before, byte by byte.
    Done,
}

/// One Secret of a plan, and how far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// What was to be done.
    pub plan: SecretPlan,
    /// Who owned it before.
    pub before: Option<Owner>,
    /// In Vault.
    pub vault: InVault,
    /// In the cluster.
    pub sync: Sync,
    /// Whether `last-applied-configuration` was taken off it.
    pub stripped: bool,
    /// What this program applied it for, if it did.
    pub set: Option<Set>,
    /// Why it got no further.
    pub problem: Option<Problem>,
}

impl Moved {
    /// Before anything was done.
    pub fn of(plan: &SecretPlan) -> Self {
        Self {
            plan: plan.clone(),
            before: None,
            vault: InVault::Untouched,
            sync: Sync::None,
            stripped: false,
            set: None,
            problem: None,
        }
    }

    /// Whether nothing keeps it from going on.
    pub fn is_well(&self) -> bool {
        self.problem.is_none()
    }

    /// Whether this run changed anything for it.
    pub fn is_changed(&self) -> bool {
        matches!(self.vault, InVault::Written | InVault::Overwritten) || self.sync == Sync::Done || self.stripped
    }

    /// Whether all was done before this run.
    pub fn is_settled(&self) -> bool {
        self.is_well() && self.sync == Sync::Already && self.vault == InVault::Equal && !self.is_changed()
    }

    /// Whether there is anything to be done for it, and nothing in the way.
    pub fn is_movable(&self) -> bool {
        self.is_well() && !self.is_settled() && self.vault != InVault::Ahead
    }

    /// Whether External Secrets makes it.
    pub fn is_in_sync(&self) -> bool {
        self.is_well() && self.sync != Sync::None
    }

    /// Whether its Secret stays as it is when somebody applies its manifest; without a trial, as far as Vault alone tells.
    pub fn may_be_applied(&self, without_trial: bool) -> bool {
        self.is_in_sync() || without_trial && self.is_well() && self.is_kept()
    }

    /// Whether Vault holds what the Secret does.
    pub fn is_kept(&self) -> bool {
        matches!(self.vault, InVault::Equal | InVault::Written | InVault::Overwritten)
    }

    /// What is to be known of one that is well.
    pub fn warning(&self) -> Option<Problem> {
        let SecretPlan { namespace, external_secret, path, .. } = &self.plan;
        let text = text!("Secret `{}` is not what `{path}` in Vault holds, until its next refresh", self.plan.id());
        let help = text!(
            "`kubectl annotate externalsecret {external_secret} -n {namespace} force-sync=$(date +%s) --overwrite` refreshes it now; `overwrite: {path}` writes what the Secret holds to Vault"
        );
        (self.is_well() && self.vault == InVault::Ahead).then(|| Problem::warning("vault-ahead", text).help(help))
    }
}

impl InVault {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Missing => "to be written",
            Self::Equal => "equal",
            Self::Written => "written",
            Self::Overwritten => "overwritten",
            Self::Ahead => "ahead of the Secret",
        }
    }
}

impl Sync {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::None => "not made",
            Self::Already => "in sync before",
            Self::Done => "in sync",
        }
    }
}
