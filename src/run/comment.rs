//! The comment on the pull request: what the run found, after everything else, and never a reason to fail.

use std::io::Write;
use std::time::Instant;

use serde_json::Value;

use super::{Run, signal};
use crate::error::{Problem, Severity, Stage, text};
use crate::files;
use crate::github::{Access, Client, Kept, Missing, PATIENCE, Place, REQUEST, Refusal};
use crate::inputs::{Command, Commenting, PullRequest};
use crate::report::comment::{Comment, Subject};

/// Where the API is if the runner does not say so.
const API: &str = "https://api.github.com";

impl<O: Write, E: Write> Run<O, E> {
    /// Comments on the pull request that the run belongs to, if it belongs to one and the inputs want it.
    pub(super) async fn comment(&mut self) {
        if !self.is_to_comment() {
            return;
        }
        let (Some(request), Some(key)) = (self.pull_request(), self.comment_key()) else { return };
        self.enter(Stage::Comment);
        let subject = Subject { key: &key, run: self.context.run_url.as_deref() };
        let comment = Comment::new(&self.outcome, subject, &self.masker);
        let told = tokio::select! {
            told = self.keep(&comment, request) => told,
            (name, _) = signal() => Err(Problem::warning("comment-failed", text!("stopped by {name} while commenting"))),
        };
        match told {
            Ok(Kept::Made(page)) => self.say(text!("comment made: {page}")),
            Ok(Kept::Changed(page)) => self.say(text!("comment changed: {page}")),
            Ok(Kept::Left(page)) => self.say(text!("comment left as it is: {page}")),
            Ok(Kept::None) => {}
            Err(problem) => self.note([problem]),
        }
    }

    /// Whether the command and the inputs ask for a comment.
    fn is_to_comment(&self) -> bool {
        let (reports, only_tells) = match self.inputs.command {
            Command::Render | Command::Check | Command::Cleanup => (false, false),
            Command::EsoInventory | Command::EsoPlan | Command::EsoRun | Command::EsoVerify => (false, false),
            Command::Diff => (true, true),
            Command::Apply => (true, self.inputs.dry_run),
        };
        let is_asked = match self.inputs.comment {
            Commenting::Never => false,
            Commenting::Auto => only_tells && self.inputs.github_token.is_some(),
            Commenting::Always => true,
        };
        reports && is_asked && self.outsider.is_none()
    }

    /// The pull request of the event; that there is none is worth a word only where a comment was asked for.
    fn pull_request(&mut self) -> Option<PullRequest> {
        let payload = self.context.event_file.as_deref().and_then(|file| files::read_if_there(file).ok().flatten());
        let payload: Option<Value> = payload.and_then(|text| serde_json::from_str(&text).ok());
        let request = payload.as_ref().and_then(PullRequest::of_event);
        if request.is_none() && self.inputs.comment == Commenting::Always {
            let text = "there is no comment, since the event that started this run belongs to no pull request";
            self.note([Problem::notice("comment-without-pull-request", text)]);
        }
        request
    }

    /// What tells the comment from others; `None` where the run ended before that was known.
    fn comment_key(&self) -> Option<String> {
        let known = || {
            let set = self.set.as_ref()?;
            match &self.outcome.target {
                Some(target) => Some(format!("{set} in {}", target.context)),
                // Without a cluster there is no context to tell apart.
                None => self.outcome.base.as_ref().map(|_| set.to_string()),
            }
        };
        self.inputs.comment_key.clone().or_else(known)
    }

    async fn keep(&self, comment: &Comment, request: PullRequest) -> Result<Kept, Problem> {
        let token = self.inputs.github_token.as_ref().ok_or_else(|| {
            Problem::warning("comment-failed", "there is no comment without a token").help("give `github-token`")
        })?;
        let place = Place::new(self.context.repository.as_deref().unwrap_or_default(), request.number)?;
        let ca_bundle = self.inputs.ca_bundle.as_deref().map(|given| self.pem("ca-bundle", given)).transpose();
        let ca_bundle = ca_bundle.map_err(|problem| Problem { severity: Severity::Warning, ..problem })?;
        let access = Access {
            api_url: self.context.api_url.as_deref().unwrap_or(API),
            graphql_url: self.context.graphql_url.as_deref(),
            token,
            ca_bundle: ca_bundle.as_deref(),
            deadline: Instant::now() + PATIENCE,
            request: REQUEST,
        };
        let always = self.inputs.comment == Commenting::Always;
        let missing = if comment.quiet && !always { Missing::Leave } else { Missing::Make };
        Client::new(&access, place)?.keep(comment, missing).await.map_err(|refusal| refused(&refusal, request))
    }
}

fn refused(refusal: &Refusal, request: PullRequest) -> Problem {
    if *refusal == Refusal::ReadOnly && request.from_fork {
        let text = text!("pull request #{} comes from a fork, for which GitHub lets nobody comment", request.number);
        return Problem::notice("comment-read-only", text).help("see the step summary, which tells the same");
    }
    refusal.problem(request.number)
}
