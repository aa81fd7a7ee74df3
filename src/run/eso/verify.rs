//! `eso verify`: whether ExternalSecrets are really in sync: their status, its traps, the Secrets themselves, and Vault.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::{Done, Run};
use super::compare::{Compared, Judged, look_at_secrets};
use super::look::Scope;
use super::now;
use crate::error::{Failure, Problem, Severity, Stage, text};
use crate::eso::{External, Inventory, Moment, Plan, Verdict, judge};
use crate::kubectl::Kubectl;
use crate::report::{Cell, Survey, Table, count};
use crate::vault::Vault;

/// How many Secrets are compared at once.
const AT_ONCE: usize = 50;
/// How long all requests to Vault together may take.
const DEADLINE: Duration = Duration::from_secs(3600);

impl<O: Write, E: Write> Run<O, E> {
    pub(in crate::run) async fn eso_verify(&mut self) -> Done {
        self.enter(Stage::Inputs);
        let plan = self.inputs.eso.plan.is_some().then(|| self.plan_file()).transpose()?;
        let kubectl = self.reach_cluster()?;
        let vault = self.vault_to_compare().await?;
        self.send_masks()?;

        self.enter(Stage::Inventory);
        let scope = match &plan {
            Some(plan) => Scope::Namespaces(namespaces(plan)),
            None => self.scope(&kubectl).await?,
        };
        let inventory = self.look_at_externals(&kubectl, &scope).await?;

        self.enter(Stage::Verify);
        let now = now();
        let externals =
            inventory.externals.iter().filter(|external| plan.as_ref().is_none_or(|plan| is_of(plan, external)));
        let (max_age, patience) = (self.inputs.eso.max_age, self.inputs.eso.not_ready_for);
        let [max_age, patience] =
            [max_age, patience].map(|span| span.and_then(|span| i64::try_from(span.as_secs()).ok()));
        let mut judged: Vec<Judged<'_>> = externals
            .map(|external| {
                let verdicts = judge(external, inventory.store_of(external), now, max_age, patience);
                Judged { external, verdicts, compared: Compared::No }
            })
            .collect();
        let concurrency = self.inputs.vault.concurrency.max(1);
        for some in judged.chunks_mut(AT_ONCE) {
            let failure = |problem| Failure::new(Stage::Verify, vec![problem]);
            look_at_secrets(&kubectl, &inventory, vault.as_deref(), concurrency, some).await.map_err(failure)?;
            explain(&kubectl, some).await;
        }
        let mut problems: Vec<Problem> = plan.iter().flat_map(|plan| not_made(plan, &inventory)).collect();
        self.outcome.survey = Some(survey(&judged, problems.len(), vault.is_some(), now));
        problems
            .extend(judged.iter().flat_map(|one| one.verdicts.iter().map(|verdict| problem(one.external, verdict))));
        self.settle(Stage::Verify, problems)
    }

    async fn vault_to_compare(&mut self) -> Result<Option<Arc<Vault>>, Failure> {
        if self.inputs.vault.url.is_none() && self.of_command_line("VAULT_ADDR").is_none() {
            return Ok(None);
        }
        self.vault_of_inputs(DEADLINE).await.map(Some)
    }
}

fn namespaces(plan: &Plan) -> Vec<String> {
    let names: BTreeSet<&String> = plan.secrets.iter().map(|secret| &secret.namespace).collect();
    names.into_iter().cloned().collect()
}

fn is_of(plan: &Plan, external: &External) -> bool {
    plan.secrets.iter().any(|secret| secret.namespace == external.namespace && secret.external_secret == external.name)
}

/// What a plan names and nobody made.
fn not_made(plan: &Plan, inventory: &Inventory) -> Vec<Problem> {
    let is_made = |namespace: &str, name: &str| {
        inventory.externals.iter().any(|one| one.namespace == namespace && one.name == name)
    };
    let missing = plan.secrets.iter().filter(|secret| !is_made(&secret.namespace, &secret.external_secret));
    let problem = |namespace: &str, name: &str| {
        Problem::error("not-made", text!("there is no ExternalSecret `{namespace}/{name}`"))
            .help("carry the plan out: `secret-patch eso run PLAN`")
    };
    missing.map(|secret| problem(&secret.namespace, &secret.external_secret)).collect()
}

fn problem(external: &External, verdict: &Verdict) -> Problem {
    let mut message = text!("ExternalSecret `{}/{}`: ", external.namespace, external.name);
    message.push(verdict.text.clone());
    let problem = match verdict.severity {
        Severity::Error => Problem::error(verdict.kind, message),
        Severity::Warning => Problem::warning(verdict.kind, message),
        Severity::Notice => Problem::notice(verdict.kind, message),
    };
    if verdict.help.is_empty() { problem } else { problem.help(verdict.help) }
}

/// Adds to what is not ready the reason: the condition never says it, the newest warning does.
async fn explain(kubectl: &Kubectl, judged: &mut [Judged<'_>]) {
    for one in judged {
        let (namespace, name) = (&one.external.namespace, &one.external.name);
        let Some(verdict) = one.verdicts.iter_mut().find(|verdict| matches!(verdict.kind, "not-ready" | "retained"))
        else {
            continue;
        };
        if let Some(why) = kubectl.newest_warning(namespace, name).await {
            verdict.text.push(text!("; the newest warning: {why}"));
        }
    }
}

fn survey(judged: &[Judged<'_>], missing: usize, with_vault: bool, now: Moment) -> Survey {
    let is_well = |one: &&Judged<'_>| !one.verdicts.iter().any(|verdict| verdict.severity == Severity::Error);
    let (all, well) = (judged.len() + missing, judged.iter().filter(is_well).count());
    let equal = judged.iter().filter(|one| one.compared == Compared::Equal).count();
    let vault = if with_vault { format!(", {equal} equal to Vault byte by byte") } else { String::new() };
    let sentence = format!("Verified {}: {well} in sync{vault}", count(all, "ExternalSecret"));
    let compared = |one: &Judged<'_>| match one.compared {
        Compared::No => "not compared",
        Compared::Equal => "equal",
        Compared::Different => "different",
    };
    let state =
        |one: &Judged<'_>| one.external.ready.as_ref().map_or("no status", |ready| ready.reason.as_str()).to_owned();
    let row = |one: &Judged<'_>| {
        let refreshed = one.external.refreshed.map_or_else(|| "never".to_owned(), |at| format!("{} ago", now.age(at)));
        let said: Vec<String> = one.verdicts.iter().map(|verdict| verdict.text.to_string()).collect();
        vec![
            Cell::name(&one.external.namespace),
            Cell::name(&one.external.name),
            Cell::name(&one.external.target),
            Cell::words(state(one)),
            Cell::words(refreshed),
            Cell::words(compared(one)),
            Cell::words(if said.is_empty() { "in sync".to_owned() } else { said.join("; ") }),
        ]
    };
    let data = judged.iter().map(|one| {
        let found = one.verdicts.iter().map(|verdict| json!({"kind": verdict.kind, "error": verdict.severity == Severity::Error, "message": verdict.text.as_str()}));
        json!({
            "namespace": one.external.namespace, "name": one.external.name, "secret": one.external.target,
            "state": state(one), "refreshedSecondsAgo": one.external.refreshed.map(|at| now.since(at)),
            "vault": compared(one), "findings": found.collect::<Vec<_>>(),
        })
    });
    let data = json!({"externalSecrets": data.collect::<Vec<_>>()});
    let columns = &["Namespace", "ExternalSecret", "Secret", "State", "Refreshed", "Vault", "Verdict"];
    Survey {
        sentence,
        tables: vec![Table { title: "ExternalSecrets", columns, rows: judged.iter().map(row).collect() }],
        data,
    }
}
