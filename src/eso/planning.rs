//! From what was found to a plan: what moves, what stays and why.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::external::External;
use super::facts::{KeyFacts, SecretFacts};
use super::inventory::Inventory;
use super::moment::go_duration;
use super::naming::{external_secret_name, vault_path};
use super::owner::Owner;
use super::plan::{KeyPlan, LeftOut, Plan, SecretPlan, StoreRef, VERSION};
use super::store::StoreFacts;
use crate::error::{Problem, text};
use crate::object::Object;

/// Seconds between refreshes where nobody says how many.
const REFRESH: u64 = 3600;

/// How the reasons of [`why_left_out`] begin; others are people's own.
const BEGINNINGS: [&str; 7] = [
    "the ExternalSecret ",
    "owned by ",
    "has an owner reference: ",
    "a store logs in with it",
    "holds nothing",
    "the ClusterSecretStore ",
    "the SecretStore ",
];

/// What a plan is made by.
#[derive(Debug, Clone, Copy)]
pub struct PlanFile<'a> {
    /// Path in Vault.
    pub prefix: Option<&'a str>,
    /// Seconds between refreshes, where somebody says so.
    pub refresh: Option<u64>,
    /// `apiVersion` that the server takes ExternalSecrets in.
    pub api_version: &'a str,
}

impl SecretPlan {
    fn of(facts: &SecretFacts, prefix: Option<&str>) -> Self {
        let key = |key: &KeyFacts| KeyPlan { key: key.name.clone(), property: None, encoding: key.encoding };
        Self {
            namespace: facts.namespace.clone(),
            secret: facts.name.clone(),
            path: vault_path(prefix, &facts.namespace, &facts.name),
            external_secret: external_secret_name(&facts.name),
            kind: facts.kind.clone(),
            immutable: facts.immutable,
            labels: facts.labels.iter().cloned().collect(),
            annotations: facts.annotations.iter().cloned().collect(),
            keys: facts.keys.iter().map(key).collect(),
        }
    }

    /// As the ExternalSecret says that an earlier run made for it.
    fn made_by(mut self, external: &External) -> Self {
        self.external_secret.clone_from(&external.name);
        for reference in &external.sources.references {
            self.path.clone_from(&reference.remote.path);
            for key in self.keys.iter_mut().filter(|key| key.key == reference.key) {
                key.property = reference.property.clone().filter(|property| *property != key.key);
                key.encoding = reference.remote.encoding;
            }
        }
        self
    }

    /// With what an earlier plan for the same Secret was edited to say.
    fn edited(mut self, earlier: &Self) -> Self {
        self.path.clone_from(&earlier.path);
        self.external_secret.clone_from(&earlier.external_secret);
        for key in &mut self.keys {
            if let Some(before) = earlier.keys.iter().find(|before| before.key == key.key) {
                key.property.clone_from(&before.property);
            }
        }
        self
    }

    /// What of `live` beside its data and its type is not as the plan says, and would be rewritten.
    pub fn rewrites(&self, live: &Object) -> Vec<String> {
        let facts = SecretFacts::of(live, None);
        let differing = |what: &str, planned: &BTreeMap<String, String>, now: &[(String, String)]| {
            let is_same = |(name, text): &(&String, &String)| now.iter().any(|(is, says)| is == *name && says == *text);
            planned.iter().filter(|one| !is_same(one)).map(|(name, _)| format!("{what} {name}")).collect::<Vec<_>>()
        };
        let mut found = differing("label", &self.labels, &facts.labels);
        found.extend(differing("annotation", &self.annotations, &facts.annotations));
        found.extend((self.immutable != facts.immutable).then(|| "immutable".to_owned()));
        found
    }
}

impl Plan {
    /// The plan for all of `inventory` that `store` can serve, with what was edited in an `earlier` one; and what is odd about it.
    pub fn of(
        inventory: &Inventory,
        store: &StoreFacts,
        mount: &str,
        file: PlanFile<'_>,
        earlier: Option<&Self>,
    ) -> (Self, Vec<Problem>) {
        let (mut secrets, mut left_out, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for facts in &inventory.secrets {
            let by_hand = || earlier.and_then(|earlier| earlier.left_out_by_hand(&facts.namespace, &facts.name));
            if let Some(why) = why_left_out(facts, inventory, store).or_else(by_hand) {
                let (namespace, secret) = (facts.namespace.clone(), facts.name.clone());
                left_out.push(LeftOut { namespace, secret, why });
                continue;
            }
            problems.extend(warnings(facts));
            secrets.push(secret_plan(facts, inventory, file.prefix, earlier));
        }
        let asked = file.refresh.map(go_duration);
        let refresh = asked.or_else(|| Some(earlier?.refresh.clone())).unwrap_or_else(|| go_duration(REFRESH));
        let mut plan = Self {
            version: VERSION,
            id: String::new(),
            api_version: file.api_version.to_owned(),
            store: StoreRef { kind: store.kind.clone(), name: store.name.clone() },
            mount: mount.to_owned(),
            refresh,
            secrets,
            left_out,
        };
        plan.id = plan.fingerprint();
        problems.extend(plan.faults());
        problems.extend(plan.taken_names(inventory));
        problems.extend(earlier.and_then(|earlier| plan.new_since(earlier)));
        (plan, problems)
    }

    /// Why somebody took a Secret out of this plan, in words of their own.
    fn left_out_by_hand(&self, namespace: &str, secret: &str) -> Option<String> {
        let left = self.left_out.iter().find(|left| left.namespace == namespace && left.secret == secret)?;
        let is_ours = BEGINNINGS.iter().any(|beginning| left.why.starts_with(beginning));
        (!is_ours).then(|| left.why.clone())
    }

    /// Nobody can tell a Secret that was taken out from one that has come since.
    fn new_since(&self, earlier: &Self) -> Option<Problem> {
        let is_new = |secret: &&SecretPlan| earlier.find(&secret.namespace, &secret.secret).is_none();
        let names: Vec<String> = self.secrets.iter().filter(is_new).map(SecretPlan::id).collect();
        let text = text!("not in the plan before, and planned now: {}", names.join(", "));
        let help = "take out what should stay as it is; in `leftOut`, with a `why` of your own, it stays out when you plan again";
        (!names.is_empty()).then(|| Problem::notice("newly-planned", text).help(help))
    }

    /// Tells the plan from others: the same names give the same. No value goes into it.
    fn fingerprint(&self) -> String {
        let names = serde_json::to_vec(&(&self.store, &self.mount, &self.secrets)).unwrap_or_default();
        Sha256::digest(names).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// ExternalSecrets of others that have a name of the plan's.
    fn taken_names(&self, inventory: &Inventory) -> Vec<Problem> {
        let taken = |secret: &&SecretPlan| {
            inventory.externals.iter().any(|external| {
                external.namespace == secret.namespace
                    && external.name == secret.external_secret
                    && external.target != secret.secret
            })
        };
        let problem = |secret: &SecretPlan| {
            let text = text!("there is another ExternalSecret `{}/{}`", secret.namespace, secret.external_secret);
            Problem::error("name-taken", text).help("edit `externalSecret` in the plan, and plan again over it")
        };
        self.secrets.iter().filter(taken).map(problem).collect()
    }
}

/// What the plan says of a Secret, and an earlier plan, or what came of it, says otherwise.
fn secret_plan(facts: &SecretFacts, inventory: &Inventory, prefix: Option<&str>, earlier: Option<&Plan>) -> SecretPlan {
    let plan = SecretPlan::of(facts, prefix);
    let plan = match of_a_plan(facts, inventory) {
        Some(external) => plan.made_by(external),
        None => plan,
    };
    match earlier.and_then(|earlier| earlier.find(&plan.namespace, &plan.secret)) {
        Some(before) => plan.edited(before),
        None => plan,
    }
}

/// The ExternalSecret that a run of this program made for the Secret: then it stays in the plan.
fn of_a_plan<'a>(facts: &SecretFacts, inventory: &'a Inventory) -> Option<&'a External> {
    let Owner::ExternalSecret(name) = &facts.owner else { return None };
    inventory.externals.iter().find(|external| {
        external.namespace == facts.namespace
            && external.name == *name
            && external.plan.is_some()
            && external.creation == "Orphan"
    })
}

fn why_left_out(facts: &SecretFacts, inventory: &Inventory, store: &StoreFacts) -> Option<String> {
    if of_a_plan(facts, inventory).is_some() && !facts.has_owner_reference {
        return None;
    }
    if let Owner::ExternalSecret(name) = &facts.owner {
        return Some(format!("the ExternalSecret {name} makes it already"));
    }
    if !facts.owner.is_movable() {
        return Some(format!("owned by {}", facts.owner));
    }
    if facts.has_owner_reference {
        return Some("has an owner reference: External Secrets would overwrite what its owner keeps".to_owned());
    }
    if inventory.is_credential(&facts.namespace, &facts.name) {
        return Some("a store logs in with it".to_owned());
    }
    if facts.keys.is_empty() {
        return Some("holds nothing".to_owned());
    }
    if !store.serves(&facts.namespace) {
        return Some(format!("the {} {} serves another namespace", store.kind, store.name));
    }
    None
}

fn warnings(facts: &SecretFacts) -> Vec<Problem> {
    let id = format!("{}/{}", facts.namespace, facts.name);
    let mut problems = Vec::new();
    if let Owner::Ours(set) = &facts.owner {
        let text = text!("Secret `{id}` is applied by this program, for `{set}`");
        problems.push(Problem::warning("still-applied", text).help(
            "take it out of template, base and the workflow's `env:` after the run, and before the next apply: the two would fight",
        ));
    } else if facts.is_applied {
        let text = text!("somebody applies Secret `{id}` with `kubectl apply`, from a manifest that holds its values");
        problems.push(Problem::warning("still-applied", text).help(
            "take it out of that manifest or kustomization before the run: the next apply would bring the old values back; do not apply with `--prune`",
        ));
    }
    if facts.immutable {
        let text = text!("Secret `{id}` is immutable: what changes in Vault later will not reach it");
        problems.push(
            Problem::warning("immutable", text).help("delete it when that is wanted: the next refresh makes it anew"),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::changes::LAST_APPLIED;

    fn secret(name: &str, metadata: serde_json::Value) -> Object {
        let mut metadata = metadata;
        metadata["name"] = name.into();
        metadata["namespace"] = "n".into();
        Object::parse(json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": {"a": "MQ=="}}))
            .unwrap()
    }

    fn planned(names: &[&str], refresh: Option<u64>, earlier: Option<&Plan>) -> (Plan, Vec<String>) {
        let secrets = names.iter().map(|name| SecretFacts::of(&secret(name, json!({})), None)).collect();
        let inventory = Inventory { secrets, ..Inventory::default() };
        let store = json!({"apiVersion": "v", "kind": "ClusterSecretStore", "metadata": {"name": "s"}});
        let store = StoreFacts::of(&Object::parse(store).unwrap());
        let file = PlanFile { prefix: None, refresh, api_version: "v" };
        let (plan, problems) = Plan::of(&inventory, &store, "secret", file, earlier);
        (plan, problems.into_iter().map(|problem| format!("{}: {}", problem.kind, problem.message)).collect())
    }

    #[test]
    fn planning_again_keeps_the_refresh_and_tells_what_comes_in() {
        let (mut plan, none) = planned(&["kept", "taken-out", "stays"], None, None);
        assert_eq!((plan.refresh.as_str(), none.len()), ("1h0m0s", 0));
        plan.refresh = "30m0s".to_owned();
        plan.secrets.retain(|secret| secret.secret == "kept");
        let left = |secret: &str, why: &str| LeftOut { namespace: "n".into(), secret: secret.into(), why: why.into() };
        plan.left_out = vec![left("stays", "the payments team keeps it"), left("kept", "owned by Helm x")];

        let (again, told) = planned(&["kept", "taken-out", "stays"], None, Some(&plan));
        assert_eq!(again.refresh, "30m0s");
        let names: Vec<&str> = again.secrets.iter().map(|secret| secret.secret.as_str()).collect();
        assert_eq!(names, ["kept", "taken-out"]);
        assert_eq!(again.left_out, [left("stays", "the payments team keeps it")]);
        assert_eq!(told, ["newly-planned: not in the plan before, and planned now: n/taken-out"]);
        assert_eq!(planned(&["kept"], Some(60), Some(&plan)).0.refresh, "1m0s");
    }

    #[test]
    fn a_secret_that_is_applied_with_kubectl_is_told_on_whichever_side_it_is_merged() {
        let applied = |metadata| warnings(&SecretFacts::of(&secret("s", metadata), None)).len();
        let by = |operation: &str| json!({"managedFields": [{"manager": "kubectl", "operation": operation}]});
        assert_eq!([by("Apply"), by("Update"), json!({})].map(applied), [1, 0, 0]);
        assert_eq!(applied(json!({"annotations": {LAST_APPLIED: "{}"}})), 1);
    }

    #[test]
    fn what_a_run_would_rewrite_is_named() {
        let marked = |team: &str| json!({"labels": {"team": team}, "annotations": {"note": "x"}});
        let plan = SecretPlan::of(&SecretFacts::of(&secret("s", marked("a")), None), None);
        let none: [&str; 0] = [];
        assert_eq!(plan.rewrites(&secret("s", marked("a"))), none);
        assert_eq!(plan.rewrites(&secret("s", json!({"labels": {"team": "b"}}))), ["label team", "annotation note"]);
        let frozen = SecretPlan { immutable: true, ..plan };
        assert_eq!(frozen.rewrites(&secret("s", marked("a"))), ["immutable"]);
    }
}
