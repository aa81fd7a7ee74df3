//! Into Vault: each path only if it holds nothing yet or the same, with check-and-set, and read back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt as _};

use super::step::Step;
use crate::error::{Problem, text};
use crate::eso::{InVault, Moved, Plan, Sync, differences, to_document};
use crate::secret::Secret;
use crate::vault::{Kept, Put, State, Vault};

/// Custom metadata that tells which plan wrote a path.
const PLAN_MARK: &str = "secret-patch-plan";
/// Custom metadata that tells from where.
const SOURCE_MARK: &str = "secret-patch-source";

/// How Vault is to be written.
pub(super) struct Keeper<'a> {
    pub(super) vault: &'a Vault,
    pub(super) plan: &'a Plan,
    /// Paths that may be overwritten, with the mount or without.
    pub(super) overwrite: &'a [String],
    pub(super) dry_run: bool,
    pub(super) concurrency: usize,
    /// How many were looked at.
    pub(super) done: &'a AtomicUsize,
}

impl Keeper<'_> {
    /// Lets Vault hold what the Secrets of `steps` hold. What keeps a path from that is told in its step.
    ///
    /// # Errors
    /// What keeps every path from it: the server is sealed or not reached.
    pub(super) async fn keep(&self, steps: &mut [Step<'_>]) -> Result<(), Problem> {
        let well = steps.iter_mut().filter(|step| step.moved.is_well());
        let mut ended = stream::iter(well).map(|step| self.keep_one(step)).buffer_unordered(self.concurrency);
        let mut fatal = None;
        while let Some(ended) = ended.next().await {
            fatal = fatal.or(ended.err());
            if fatal.is_some() {
                break;
            }
        }
        fatal.map_or(Ok(()), Err)
    }

    async fn keep_one(&self, step: &mut Step<'_>) -> Result<(), Problem> {
        match self.kept_as(step).await {
            Ok(state) => {
                step.moved.vault = state;
                if state == InVault::Overwritten {
                    // External Secrets has to read it once more.
                    step.moved.sync = Sync::None;
                }
            }
            Err(problem) if is_fatal(&problem) => return Err(problem),
            Err(problem) => step.moved.problem = Some(problem),
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn kept_as(&self, step: &Step<'_>) -> Result<InVault, Problem> {
        let (mount, path) = (self.plan.mount.as_str(), step.plan.path.as_str());
        let wanted = to_document(&step.plan.keys, &step.values).map_err(|keys| {
            let text = text!(
                "Secret `{}` has keys that are no text, and the plan says that they are: {}",
                step.plan.id(),
                keys.join(", ")
            );
            Problem::error("plan-outdated", text).help("plan again: `secret-patch eso plan`")
        })?;
        let is_new = step.moved.sync == Sync::None && !self.dry_run;
        if is_new && self.vault.put(mount, path, &wanted, 0).await? == Put::Done {
            let marks = self.read_back(path, &wanted, Put::Done).await?;
            self.mark(step, marks).await?;
            return Ok(InVault::Written);
        }
        let kept = self.vault.kept(mount, path).await?;
        let state = self.becomes(step, &kept, &wanted)?;
        if matches!(state, InVault::Equal | InVault::Ahead) {
            return Ok(state);
        }
        if self.dry_run {
            return Ok(InVault::Missing);
        }
        let put = self.vault.put(mount, path, &wanted, kept.version).await?;
        let marks = self.read_back(path, &wanted, put).await?;
        self.mark(step, marks).await?;
        Ok(state)
    }

    /// What the path is, or becomes when it is written.
    fn becomes(&self, step: &Step<'_>, kept: &Kept, wanted: &BTreeMap<String, Secret>) -> Result<InVault, Problem> {
        let (mount, path) = (self.plan.mount.as_str(), step.plan.path.as_str());
        match &kept.state {
            State::Absent => Ok(InVault::Written),
            State::Present(held) => match differences(held, wanted) {
                keys if keys.is_empty() => Ok(InVault::Equal),
                _ if self.may_overwrite(path) => Ok(InVault::Overwritten),
                keys if step.moved.sync != Sync::Already => Err(differs(mount, path, &step.moved, &keys)),
                // Vault has become the place where values are changed: the Secret follows with its next refresh.
                keys => match &step.edited_by {
                    None => Ok(InVault::Ahead),
                    Some(editor) => Err(edited(mount, path, &step.moved, editor, &keys)),
                },
            },
            State::Deleted | State::Destroyed if self.may_overwrite(path) => Ok(InVault::Overwritten),
            State::Deleted | State::Destroyed => Err(deleted(mount, path, kept)),
        }
    }

    fn may_overwrite(&self, path: &str) -> bool {
        let below = |name| str::strip_prefix(name, self.plan.mount.as_str())?.strip_prefix('/');
        let mut named = self.overwrite.iter().map(|name| name.trim_matches('/'));
        named.any(|name| name == path || below(name) == Some(path))
    }

    /// The path's custom metadata, which is told of one that holds something and of no other. Also where the write was refused: an
    /// answer that was lost may have been a write of ours.
    async fn read_back(
        &self,
        path: &str,
        wanted: &BTreeMap<String, Secret>,
        put: Put,
    ) -> Result<BTreeMap<String, String>, Problem> {
        let mount = &self.plan.mount;
        let read = self.vault.kept(mount, path).await?;
        let holds = matches!(&read.state, State::Present(held) if differences(held, wanted).is_empty());
        match put {
            _ if holds => Ok(read.marks),
            Put::Outdated => {
                let text = text!("somebody else wrote `{mount}/{path}` in Vault meanwhile");
                Err(Problem::error("vault-race", text).help("look at what it holds, and run again"))
            }
            Put::Done => {
                let text = text!("`{mount}/{path}` in Vault does not hold what was written");
                let help = "nothing was taken from the cluster; look at what Vault holds, and run again";
                Err(Problem::error("vault-read-back", text).help(help))
            }
        }
    }

    /// Tells in custom metadata where the path comes from, beside what others have put there.
    async fn mark(&self, step: &Step<'_>, mut marks: BTreeMap<String, String>) -> Result<(), Problem> {
        marks.insert(PLAN_MARK.to_owned(), self.plan.id.clone());
        marks.insert(SOURCE_MARK.to_owned(), step.plan.id());
        self.vault.mark(&self.plan.mount, &step.plan.path, &marks).await
    }
}

/// What would be said of every path.
fn is_fatal(problem: &Problem) -> bool {
    matches!(
        problem.kind,
        "vault-sealed"
            | "vault-unreachable"
            | "vault-timeout"
            | "vault-certificate"
            | "vault-standby"
            | "vault-failure"
            | "vault-redirect"
    )
}

fn differs(mount: &str, path: &str, moved: &Moved, keys: &[String]) -> Problem {
    let text = text!(
        "`{mount}/{path}` in Vault holds something else than Secret `{}`, in: {}",
        moved.plan.id(),
        keys.join(", ")
    );
    Problem::error("vault-differs", text)
        .help(text!("compare them; `overwrite: {path}` writes a new version over it, or edit `path` in the plan"))
}

fn edited(mount: &str, path: &str, moved: &Moved, editor: &str, keys: &[String]) -> Problem {
    let text = text!(
        "Secret `{}` was changed by `{editor}` after it had moved, and `{mount}/{path}` in Vault holds something else, in: {}",
        moved.plan.id(),
        keys.join(", ")
    );
    Problem::error("changed-by-hand", text)
        .help(text!("the next refresh brings Vault's values back; `overwrite: {path}` writes the Secret's to Vault"))
}

fn deleted(mount: &str, path: &str, kept: &Kept) -> Problem {
    let text = text!("version {} of `{mount}/{path}` in Vault was deleted by somebody", kept.version);
    Problem::error("vault-deleted", text)
        .help(text!("`overwrite: {path}` writes a new version, or `vault kv undelete` brings the old one back"))
}
