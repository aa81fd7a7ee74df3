//! What a run of a plan has to be allowed to do: asked before the first write, so that none stops halfway.

use std::io::Write;

use super::super::{Done, Run};
use super::step::Step;
use crate::error::{Failure, Stage};
use crate::eso::{GROUP, Plan, SecretPlan};
use crate::kubectl::Kubectl;
use crate::rights::{Need, Verb};

impl<O: Write, E: Write> Run<O, E> {
    /// Refuses to begin without the rights on ExternalSecrets, trials and what they make.
    pub(super) async fn require_rights(&mut self, kubectl: &Kubectl, plan: &Plan) -> Done {
        let needs = if self.applies_externals() { plan.secrets.iter().flat_map(to_sync).collect() } else { Vec::new() };
        self.require(kubectl, needs).await
    }

    /// Refuses to go on with `steps` without the right to take `last-applied-configuration` off their Secrets.
    pub(super) async fn require_rights_to_strip(&mut self, kubectl: &Kubectl, steps: &[Step<'_>]) -> Done {
        let due = steps.iter().filter(|step| step.in_clear && step.moved.is_well() && self.applies_externals());
        let need = |step: &Step<'_>| need(Verb::Patch, "", "secrets", &step.plan.namespace, &step.plan.secret);
        let needs = due.map(need).collect();
        self.require(kubectl, needs).await
    }

    /// Whether the run writes to the cluster.
    pub(super) fn applies_externals(&self) -> bool {
        !self.inputs.dry_run && !self.inputs.eso.write_only
    }

    async fn require(&mut self, kubectl: &Kubectl, needs: Vec<Need>) -> Done {
        let no_build = [];
        match self.missing_rights(kubectl, &no_build, needs).await {
            Some(problem) => Err(Failure::new(Stage::Inventory, vec![problem])),
            None => Ok(()),
        }
    }
}

fn to_sync(secret: &SecretPlan) -> Vec<Need> {
    let ((trial, made), real) = (secret.trial(), secret.external_secret.clone());
    let external = |verb, name: &str| need(verb, GROUP, "externalsecrets", &secret.namespace, name);
    let mut needs = vec![external(Verb::Delete, &trial), need(Verb::Get, "", "secrets", &secret.namespace, &made)];
    for name in [&trial, &real] {
        needs.extend([Verb::Get, Verb::Create, Verb::Patch].map(|verb| external(verb, name)));
    }
    needs
}

fn need(verb: Verb, group: &str, resource: &str, namespace: &str, name: &str) -> Need {
    Need::new(verb, group, resource, Some(namespace)).of(name)
}
