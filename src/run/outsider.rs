//! Pull requests whose jobs are given nothing: those of forks and of Dependabot. What needs no access is done all the same.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::{Done, Run};
use crate::error::{Failure, Problem, Severity, text};
use crate::files;
use crate::inputs::{Command, PullRequest, Word as _};

/// The events of which GitHub gives an outsider's job no secrets, no token that may write and no OIDC token.
const EVENTS: [&str; 3] = ["pull_request", "pull_request_review", "pull_request_review_comment"];

/// Who opened the pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outsider {
    Fork,
    Dependabot,
}

impl Outsider {
    fn of(payload: &Value) -> Option<Self> {
        if PullRequest::of_event(payload)?.from_fork {
            return Some(Self::Fork);
        }
        let author = payload.pointer("/pull_request/user/login").and_then(Value::as_str);
        (author == Some("dependabot[bot]")).then_some(Self::Dependabot)
    }

    fn told(self) -> &'static str {
        match self {
            Self::Fork => "this pull request comes from a fork",
            Self::Dependabot => "this pull request is Dependabot's",
        }
    }
}

impl<O: Write, E: Write> Run<O, E> {
    /// Whose job this is, if it was given no access and its command only looks.
    pub(super) fn outsider(&self) -> Result<Option<Outsider>, Failure> {
        let looks =
            self.inputs.command == Command::Diff || self.inputs.command == Command::Apply && self.inputs.dry_run;
        let event = self.context.event_name.as_deref().filter(|_| self.context.github_actions);
        if !looks || !event.is_some_and(|event| EVENTS.contains(&event)) {
            return Ok(None);
        }
        let payload = self.context.event_file.as_deref().and_then(|file| files::read_if_there(file).ok().flatten());
        let payload: Option<Value> = payload.and_then(|text| serde_json::from_str(&text).ok());
        let Some(outsider) = payload.as_ref().and_then(Outsider::of) else { return Ok(None) };
        // Some organisations send secrets to forks: their trees get none all the same.
        let given_nothing = !self.has_access() || !self.foreign_trees(&[Path::new(".")])?.is_empty();
        Ok(Some(outsider).filter(|_| given_nothing))
    }

    fn has_access(&self) -> bool {
        let by_environment = self.environment.get("KUBECONFIG").is_some_and(|path| !path.is_empty());
        self.inputs.kubeconfig.is_some() || self.inputs.kube_token.is_some() || by_environment
    }

    /// What can be told without a cluster and without values: what `check` finds, and what changes in `base`. Never a failure: nobody
    /// deploys from here, and whoever opened the pull request can do nothing about it.
    pub(super) async fn look_without_access(&mut self, outsider: Outsider) -> Done {
        let base = self.inputs.base.clone();
        let what = match &base {
            Some(_) => "the checks and the diff with the base are made",
            None => "the checks alone are made, and with `base` a diff as well",
        };
        let who = outsider.told();
        let text = text!(
            "{who}: GitHub gives its job no secrets, no OIDC token and no token that may write; {what}, without values"
        );
        self.early.push(Problem::notice("no-access", text));
        self.inputs.vault.secrets.clear();
        let checked = self.check().await;
        self.note_as_warnings(checked);
        let compared = match base {
            Some(base) => {
                let compared = self.diff_with_base(&base).await;
                self.note_as_warnings(compared)
            }
            None => false,
        };
        self.outcome.command = if compared { Command::Diff.word() } else { Command::Check.word() };
        Ok(())
    }

    /// Whether there was no failure.
    fn note_as_warnings(&mut self, done: Done) -> bool {
        let Err(failure) = done else { return true };
        let early = std::mem::take(&mut self.early);
        self.note(early);
        let warning = |problem: Problem| match problem.severity {
            Severity::Error => Problem { severity: Severity::Warning, ..problem },
            _ => problem,
        };
        self.note(failure.problems.into_iter().map(warning));
        false
    }
}
