//! From what was found to a plan: what moves, what stays and why.

use sha2::{Digest as _, Sha256};

use super::external::External;
use super::facts::{Encoding, KeyFacts, SecretFacts};
use super::inventory::Inventory;
use super::moment::go_duration;
use super::naming::{external_secret_name, vault_path};
use super::owner::Owner;
use super::plan::{EncodingWord, KeyPlan, LeftOut, Plan, SecretPlan, StoreRef, VERSION};
use super::store::StoreFacts;
use crate::error::{Problem, text};

/// What a plan is made by.
#[derive(Debug, Clone, Copy)]
pub struct PlanFile<'a> {
    /// Path in Vault.
    pub prefix: Option<&'a str>,
    /// Seconds between refreshes.
    pub refresh: u64,
    /// `apiVersion` that the server takes ExternalSecrets in.
    pub api_version: &'a str,
}

impl SecretPlan {
    fn of(facts: &SecretFacts, prefix: Option<&str>) -> Self {
        let key = |key: &KeyFacts| KeyPlan {
            key: key.name.clone(),
            property: None,
            encoding: match key.encoding {
                Encoding::Text => EncodingWord::Text,
                Encoding::Base64 => EncodingWord::Base64,
            },
        };
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
        for reference in external.references.iter().flatten() {
            self.path.clone_from(&reference.path);
            for key in self.keys.iter_mut().filter(|key| key.key == reference.key) {
                key.property = reference.property.clone().filter(|property| *property != key.key);
                key.encoding = match reference.encoding {
                    Some(Encoding::Base64) => EncodingWord::Base64,
                    _ => EncodingWord::Text,
                };
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
            if let Some(why) = why_left_out(facts, inventory, store) {
                let (namespace, secret) = (facts.namespace.clone(), facts.name.clone());
                left_out.push(LeftOut { namespace, secret, why });
                continue;
            }
            problems.extend(warnings(facts));
            let made = of_a_plan(facts, inventory);
            let plan = SecretPlan::of(facts, file.prefix);
            let plan = match made {
                Some(external) => plan.made_by(external),
                None => plan,
            };
            let before = earlier.and_then(|earlier| earlier.find(&plan.namespace, &plan.secret));
            secrets.push(match before {
                Some(before) => plan.edited(before),
                None => plan,
            });
        }
        let mut plan = Self {
            version: VERSION,
            id: String::new(),
            api_version: file.api_version.to_owned(),
            store: StoreRef { kind: store.kind.clone(), name: store.name.clone() },
            mount: mount.to_owned(),
            refresh: go_duration(file.refresh),
            secrets,
            left_out,
        };
        plan.id = plan.fingerprint();
        problems.extend(plan.faults());
        problems.extend(plan.taken_names(inventory));
        (plan, problems)
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
    } else if facts.in_clear {
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
