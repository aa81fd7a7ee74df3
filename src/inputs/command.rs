//! What the program can be asked to do.

use super::Word;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Template and values become the secret patch.
    Render,
    /// Template, base, overlay, ignore files and workflows are compared; no values, no cluster.
    Check,
    /// What an apply would do.
    Diff,
    /// Render, build, check, apply, verify.
    Apply,
    /// Remove the patch that `render` left.
    Cleanup,
    /// Who owns which Secret, and how the ExternalSecrets and stores are.
    EsoInventory,
    /// What moving hand-made Secrets to Vault and External Secrets would take, as a file.
    EsoPlan,
    /// The plan, carried out.
    EsoRun,
    /// Whether ExternalSecrets are really in sync.
    EsoVerify,
}

impl Command {
    /// Whether it reads a template: then the names of its placeholders are asked for.
    pub fn takes_template(self) -> bool {
        matches!(self, Self::Render | Self::Check | Self::Diff | Self::Apply)
    }
}

impl Word for Command {
    const ALL: &'static [Self] = &[
        Self::Render,
        Self::Check,
        Self::Diff,
        Self::Apply,
        Self::Cleanup,
        Self::EsoInventory,
        Self::EsoPlan,
        Self::EsoRun,
        Self::EsoVerify,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Check => "check",
            Self::Diff => "diff",
            Self::Apply => "apply",
            Self::Cleanup => "cleanup",
            Self::EsoInventory => "eso inventory",
            Self::EsoPlan => "eso plan",
            Self::EsoRun => "eso run",
            Self::EsoVerify => "eso verify",
        }
    }
}
