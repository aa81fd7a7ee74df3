//! All that was found: Secrets, ExternalSecrets, stores, and who uses what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::external::External;
use super::facts::SecretFacts;
use super::moment::Moment;
use super::store::StoreFacts;
use super::verdict::judge;
use crate::report::{Cell, Survey, Table, count};

/// What a cluster, or some namespaces of it, hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The `apiVersion` of ExternalSecrets; `None` where the server has none.
    pub api_version: Option<String>,
    /// By namespace and name.
    pub secrets: Vec<SecretFacts>,
    /// By namespace and name.
    pub externals: Vec<External>,
    /// Of both kinds.
    pub stores: Vec<StoreFacts>,
    /// Who uses a Secret, by its namespace and name.
    pub users: BTreeMap<(String, String), BTreeSet<String>>,
    /// Whether all that may use a Secret could be read.
    pub users_known: bool,
}

impl Inventory {
    /// The ExternalSecrets by namespace and name of the Secret they make.
    pub fn targets(externals: &[External]) -> BTreeMap<(String, String), String> {
        let makers = externals.iter().filter(|external| external.creation != "None");
        makers.map(|one| ((one.namespace.clone(), one.target.clone()), one.name.clone())).collect()
    }

    /// Counts stores among those who use Secrets.
    pub fn note_credentials(&mut self) {
        for store in &self.stores {
            let user = format!("{} {}", store.kind, store.name);
            for (namespace, secret) in &store.credentials {
                let Some(namespace) = namespace.as_ref().or(store.namespace.as_ref()) else { continue };
                self.users.entry((namespace.clone(), secret.clone())).or_default().insert(user.clone());
            }
        }
    }

    /// Whether a store logs in with this Secret.
    pub fn is_credential(&self, namespace: &str, name: &str) -> bool {
        self.stores.iter().any(|store| {
            store.credentials.iter().any(|(of, secret)| {
                let place = of.as_deref().or(store.namespace.as_deref());
                secret == name && place.is_none_or(|place| place == namespace)
            })
        })
    }

    /// The store that `external` reads.
    pub fn store_of(&self, external: &External) -> Option<&StoreFacts> {
        self.stores.iter().find(|store| {
            store.kind == external.store.kind
                && store.name == external.store.name
                && store.namespace.as_ref().is_none_or(|namespace| *namespace == external.namespace)
        })
    }

    /// As tables and data, at the time `now`.
    pub fn survey(&self, now: Moment) -> Survey {
        let manual = self.secrets.iter().filter(|secret| secret.owner.is_movable()).count();
        let sentence = format!(
            "Found {} ({manual} made by hand), {} and {}",
            count(self.secrets.len(), "Secret"),
            count(self.externals.len(), "ExternalSecret"),
            count(self.stores.len(), "store"),
        );
        let data = json!({
            "secrets": self.secrets.iter().map(|secret| self.secret_data(secret)).collect::<Vec<_>>(),
            "externalSecrets": self.externals.iter().map(|external| self.external_data(external, now)).collect::<Vec<_>>(),
            "stores": self.stores.iter().map(store_data).collect::<Vec<_>>(),
        });
        Survey { sentence, tables: vec![self.secrets_table(now), self.externals_table(now), self.stores_table()], data }
    }

    fn secrets_table(&self, now: Moment) -> Table {
        let row = |secret: &SecretFacts| {
            let age = Moment::parse(&secret.created).map(|created| now.age(created)).unwrap_or_default();
            vec![
                Cell::name(&secret.namespace),
                Cell::name(&secret.name),
                Cell::name(&secret.kind),
                Cell::words(secret.keys.len().to_string()),
                Cell::words(age),
                Cell::words(secret.owner.to_string()),
                Cell::Names(self.users_of(secret).cloned().collect()),
                Cell::words(self.warnings(secret).join(", ")),
            ]
        };
        let columns = &["Namespace", "Secret", "Type", "Keys", "Age", "Owner", "Used by", "Warnings"];
        Table { title: "Secrets", columns, rows: self.secrets.iter().map(row).collect() }
    }

    fn externals_table(&self, now: Moment) -> Table {
        let row = |external: &External| {
            let refreshed = external.refreshed.map(|at| now.age(at)).unwrap_or_else(|| "never".to_owned());
            vec![
                Cell::name(&external.namespace),
                Cell::name(&external.name),
                Cell::name(&external.store.name),
                Cell::name(&external.target),
                Cell::words(state(external)),
                Cell::words(refreshed),
                Cell::words(self.verdict_words(external, now).join("; ")),
            ]
        };
        let columns = &["Namespace", "ExternalSecret", "Store", "Secret", "State", "Refreshed", "Warnings"];
        Table { title: "ExternalSecrets", columns, rows: self.externals.iter().map(row).collect() }
    }

    fn stores_table(&self) -> Table {
        let row = |store: &StoreFacts| {
            let place = store
                .vault
                .as_ref()
                .map(|vault| format!("{} {}", vault.server, vault.mount.as_deref().unwrap_or_default()));
            vec![
                Cell::name(&store.kind),
                Cell::name(store.namespace.clone().unwrap_or_default()),
                Cell::name(&store.name),
                Cell::words(place.unwrap_or_else(|| store.provider.clone())),
                Cell::words(if store.is_valid() { "valid".to_owned() } else { store.trouble() }),
            ]
        };
        let columns = &["Kind", "Namespace", "Store", "Reads", "State"];
        Table { title: "Stores", columns, rows: self.stores.iter().map(row).collect() }
    }

    fn users_of(&self, secret: &SecretFacts) -> impl Iterator<Item = &String> {
        self.users.get(&(secret.namespace.clone(), secret.name.clone())).into_iter().flatten()
    }

    fn warnings(&self, secret: &SecretFacts) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if secret.in_clear {
            warnings.push("values in clear in last-applied-configuration");
        }
        if self.users_known && self.users_of(secret).next().is_none() && secret.owner.is_movable() {
            warnings.push("unused");
        }
        warnings
    }

    fn verdict_words(&self, external: &External, now: Moment) -> Vec<String> {
        let verdicts = judge(external, self.store_of(external), now, None, None);
        verdicts.into_iter().map(|verdict| verdict.text.to_string()).collect()
    }

    fn secret_data(&self, secret: &SecretFacts) -> Value {
        json!({
            "namespace": secret.namespace,
            "name": secret.name,
            "type": secret.kind,
            "keys": secret.keys.iter().map(|key| &key.name).collect::<Vec<_>>(),
            "created": secret.created,
            "owner": secret.owner.word(),
            "ownedBy": secret.owner.to_string(),
            "usedBy": self.users_of(secret).collect::<Vec<_>>(),
            "immutable": secret.immutable,
            "warnings": self.warnings(secret),
        })
    }

    fn external_data(&self, external: &External, now: Moment) -> Value {
        json!({
            "namespace": external.namespace,
            "name": external.name,
            "store": {"kind": external.store.kind, "name": external.store.name},
            "secret": external.target,
            "state": state(external),
            "refreshedSecondsAgo": external.refreshed.map(|at| now.since(at)),
            "warnings": self.verdict_words(external, now),
        })
    }
}

/// `SecretSynced`, or what the controller says.
fn state(external: &External) -> String {
    external.ready.as_ref().map_or_else(|| "no status".to_owned(), |ready| ready.reason.clone())
}

fn store_data(store: &StoreFacts) -> Value {
    json!({
        "kind": store.kind,
        "namespace": store.namespace,
        "name": store.name,
        "provider": store.provider,
        "server": store.vault.as_ref().map(|vault| &vault.server),
        "mount": store.vault.as_ref().and_then(|vault| vault.mount.as_ref()),
        "valid": store.is_valid(),
        "reason": store.reason,
        "message": store.message,
    })
}
