//! A SecretStore or ClusterSecretStore.

use serde_json::Value;

use super::references::secrets_of;
use crate::object::Object;

/// What is told about a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFacts {
    /// `ClusterSecretStore` or `SecretStore`.
    pub kind: String,
    /// The namespace of a SecretStore.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The provider's name, such as `vault`.
    pub provider: String,
    /// Where it reads, for Vault.
    pub vault: Option<VaultStore>,
    /// Whether its condition says that it is ready; `None` before the controller has looked at it.
    pub ready: Option<bool>,
    /// The condition's reason, such as `Valid`.
    pub reason: String,
    /// The condition's words.
    pub message: String,
    /// The Secrets that it logs in with, with the namespace where it names one.
    pub credentials: Vec<(Option<String>, String)>,
}

/// Where a store reads in Vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultStore {
    /// Its address as the cluster sees it.
    pub server: String,
    /// The mount; `None` where each key begins with it.
    pub mount: Option<String>,
    /// `v1` or `v2`.
    pub version: String,
    /// The namespace of Vault Enterprise or OpenBao.
    pub namespace: Option<String>,
}

impl StoreFacts {
    /// What `store` tells.
    pub fn of(store: &Object) -> Self {
        let value = store.as_value();
        let provider = value.pointer("/spec/provider").and_then(Value::as_object);
        let (provider, settings) = provider.and_then(|all| all.iter().next()).unzip();
        let ready = condition(value);
        let word = |field: &str| ready.and_then(|ready| ready[field].as_str()).unwrap_or_default().to_owned();
        Self {
            kind: store.kind().to_owned(),
            namespace: store.namespace().map(str::to_owned),
            name: store.name().to_owned(),
            provider: provider.cloned().unwrap_or_default(),
            vault: value.pointer("/spec/provider/vault").map(VaultStore::of),
            ready: ready.map(|ready| ready["status"] == "True"),
            reason: word("reason"),
            message: word("message"),
            credentials: settings.map(credentials).unwrap_or_default(),
        }
    }

    /// Whether it is valid: that it is ready says nothing where it could not be validated.
    pub fn is_valid(&self) -> bool {
        self.ready == Some(true) && self.reason == "Valid"
    }

    /// Why it is not valid, in the controller's own words where it has said some.
    pub fn trouble(&self) -> String {
        match self.ready {
            None => "no controller has looked at it".to_owned(),
            Some(_) if self.message.is_empty() => self.reason.clone(),
            Some(_) => format!("{}: {}", self.reason, self.message),
        }
    }

    /// Whether ExternalSecrets of `namespace` may read it.
    pub fn serves(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|own| own == namespace)
    }
}

impl VaultStore {
    fn of(vault: &Value) -> Self {
        let text = |field: &str| vault[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            server: text("server").unwrap_or_default(),
            mount: text("path").map(|path| path.trim_matches('/').to_owned()),
            version: text("version").unwrap_or_else(|| "v2".to_owned()),
            namespace: text("namespace"),
        }
    }
}

/// The condition `Ready`.
pub(super) fn condition(object: &Value) -> Option<&Value> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array)?;
    conditions.iter().find(|condition| condition["type"] == "Ready")
}

fn credentials(settings: &Value) -> Vec<(Option<String>, String)> {
    let mut found = Vec::new();
    walk(settings, &mut found);
    // What names no namespace that this finds is in the store's own.
    let named: Vec<String> = found.iter().map(|(_, name): &(Option<String>, String)| name.clone()).collect();
    found.extend(secrets_of(settings).into_iter().filter(|name| !named.contains(name)).map(|name| (None, name)));
    found
}

fn walk(value: &Value, found: &mut Vec<(Option<String>, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if key.contains("ecret")
                    && let (Some(name), namespace) = (field["name"].as_str(), field["namespace"].as_str())
                {
                    found.push((namespace.map(str::to_owned), name.to_owned()));
                }
                walk(field, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        _ => {}
    }
}
