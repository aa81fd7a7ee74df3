//! What has to be so before a plan is carried out: the API, the store, the mount, and what is there already.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::super::Run;
use super::look::api_version;
use super::snapshots::by_name;
use crate::error::{Failure, Problem, Stage, text};
use crate::eso::{Plan, StoreFacts};
use crate::kubectl::Kubectl;
use crate::object::Object;
use crate::vault::Vault;

/// What is there of External Secrets before the run.
pub(super) struct Ground {
    /// By namespace and name.
    pub(super) externals: BTreeMap<(String, String), Object>,
}

impl<O: Write, E: Write> Run<O, E> {
    /// What has to be so before anything is written: the API, the store, the mount; and the ExternalSecrets that are there.
    pub(super) async fn ground(&mut self, kubectl: &Kubectl, vault: &Vault, plan: &Plan) -> Result<Ground, Failure> {
        let failure = |problem| Failure::new(Stage::Inventory, vec![problem]);
        let served = api_version(kubectl).await.map_err(failure)?;
        if served.as_ref() != Some(&plan.api_version) {
            let serves =
                served.map_or_else(|| "nothing of External Secrets".to_owned(), |version| format!("`{version}`"));
            let text = text!("the plan is for `{}`, and the cluster serves {serves}", plan.api_version);
            return Err(failure(Problem::error("api-version", text).help("install External Secrets, or plan again")));
        }
        vault.require_versions(&plan.mount).await.map_err(failure)?;
        let namespaces: BTreeSet<&str> = plan.secrets.iter().map(|secret| secret.namespace.as_str()).collect();
        let mut externals = BTreeMap::new();
        for namespace in &namespaces {
            let path = format!("/apis/{}/namespaces/{namespace}/externalsecrets", plan.api_version);
            let found = kubectl.all(&path).await.map_err(failure)?.unwrap_or_default();
            externals.extend(by_name(found));
        }
        let problems = self.store_problems(kubectl, plan, &namespaces).await.map_err(failure)?;
        self.settle(Stage::Inventory, problems)?;
        Ok(Ground { externals })
    }

    /// A store that is not valid serves nobody, and one of another mount would serve something else.
    async fn store_problems(
        &self,
        kubectl: &Kubectl,
        plan: &Plan,
        namespaces: &BTreeSet<&str>,
    ) -> Result<Vec<Problem>, Problem> {
        let (name, root) = (&plan.store.name, format!("/apis/{}", plan.api_version));
        let paths: Vec<String> = match plan.store.kind.as_str() {
            "ClusterSecretStore" => vec![format!("{root}/clustersecretstores/{name}")],
            _ => namespaces.iter().map(|one| format!("{root}/namespaces/{one}/secretstores/{name}")).collect(),
        };
        let mut problems = Vec::new();
        for path in paths {
            let found = match kubectl.get_raw(&path).await {
                Ok(found) => found,
                Err(problem) if problem.kind == "forbidden" => {
                    let text = text!(
                        "the {} `{name}` may not be read, so only the trial shows whether it is valid",
                        plan.store.kind
                    );
                    problems.push(Problem::notice("store-unseen", text));
                    continue;
                }
                Err(problem) => return Err(problem),
            };
            let store = found.and_then(|store| Object::parse(store).ok()).map(|store| StoreFacts::of(&store));
            problems.extend(store_problem(plan, store.as_ref(), self.inputs.eso.write_only || self.inputs.dry_run));
        }
        Ok(problems)
    }
}

fn store_problem(plan: &Plan, store: Option<&StoreFacts>, is_not_used: bool) -> Option<Problem> {
    let (kind, name) = (&plan.store.kind, &plan.store.name);
    let Some(store) = store else {
        return Some(
            Problem::error("store-missing", text!("there is no {kind} `{name}`")).help("make it, or plan again"),
        );
    };
    let mount = store.vault.as_ref().and_then(|vault| vault.mount.as_deref());
    if mount != Some(plan.mount.as_str()) {
        let text = text!(
            "the {kind} `{name}` reads the mount `{}`, and the plan writes to `{}`",
            mount.unwrap_or_default(),
            plan.mount
        );
        return Some(Problem::error("store-mount", text).help("plan again"));
    }
    if store.is_valid() || is_not_used {
        return None;
    }
    let text = text!("the {kind} `{name}` is not valid: {}", store.trouble());
    Some(
        Problem::error("store-invalid", text)
            .help("nothing was done; check its address, credentials and certificate, and that External Secrets runs"),
    )
}
