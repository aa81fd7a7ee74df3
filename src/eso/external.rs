//! An ExternalSecret: what it asks for, and what became of it.

use serde_json::Value;

use super::facts::Encoding;
use super::moment::{Moment, interval};
use super::store::condition;
use super::{PLAN_ANNOTATION, StoreRef};
use crate::object::Object;

/// What is told about an ExternalSecret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: u64,
    /// When it was made.
    pub created: Option<Moment>,
    /// What it reads.
    pub store: StoreRef,
    /// The Secret it makes.
    pub target: String,
    /// `Owner`, `Orphan`, `Merge`, `None`, ….
    pub creation: String,
    /// `Periodic`, `OnChange` or `CreatedOnce`.
    pub policy: String,
    /// Seconds between refreshes; zero for one alone.
    pub interval: Option<i64>,
    /// The condition `Ready`; `None` before the controller has looked at it.
    pub ready: Option<Ready>,
    /// The last refresh that went well.
    pub refreshed: Option<Moment>,
    /// `status.syncedResourceVersion`.
    pub synced: String,
    /// `status.binding.name`.
    pub binding: String,
    /// What each key comes from; `None` where whole paths are taken.
    pub references: Option<Vec<Reference>>,
    /// Whole paths, by `dataFrom[].extract.key`.
    pub extracts: Vec<String>,
    /// Whether a template makes the Secret's keys out of others.
    pub is_templated: bool,
    /// The plan it comes from.
    pub plan: Option<String>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// `True` or `False`.
    pub status: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// When the status flipped.
    pub since: Option<Moment>,
}

/// Where one key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The key of the Secret.
    pub key: String,
    /// The path in the store.
    pub path: String,
    /// The key at the path; the whole path where there is none.
    pub property: Option<String>,
    /// How its value is kept there; `None` for ways that this program does not follow.
    pub encoding: Option<Encoding>,
}

impl External {
    /// What `object` tells.
    pub fn of(object: &Object) -> Self {
        let value = object.as_value();
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let moment = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).and_then(Moment::parse);
        let data = value.pointer("/spec/data").and_then(Value::as_array);
        let from = value.pointer("/spec/dataFrom").and_then(Value::as_array);
        let extracts = from.into_iter().flatten();
        let extracts = extracts.filter_map(|one| one.pointer("/extract/key").and_then(Value::as_str));
        Self {
            namespace: object.namespace().unwrap_or_default().to_owned(),
            name: object.name().to_owned(),
            uid: text("/metadata/uid").unwrap_or_default(),
            generation: value.pointer("/metadata/generation").and_then(Value::as_u64).unwrap_or_default(),
            created: moment("/metadata/creationTimestamp"),
            store: StoreRef {
                name: text("/spec/secretStoreRef/name").unwrap_or_default(),
                kind: text("/spec/secretStoreRef/kind").unwrap_or_else(|| "SecretStore".to_owned()),
            },
            target: text("/spec/target/name").filter(|name| !name.is_empty()).unwrap_or_else(|| object.name().into()),
            creation: text("/spec/target/creationPolicy").unwrap_or_else(|| "Owner".to_owned()),
            policy: text("/spec/refreshPolicy").unwrap_or_else(|| "Periodic".to_owned()),
            interval: interval(&text("/spec/refreshInterval").unwrap_or_else(|| "1h0m0s".to_owned())),
            ready: condition(value).map(Ready::of),
            refreshed: moment("/status/refreshTime"),
            synced: text("/status/syncedResourceVersion").unwrap_or_default(),
            binding: text("/status/binding/name").unwrap_or_default(),
            references: from.is_none_or(Vec::is_empty).then(|| data.into_iter().flatten().map(Reference::of).collect()),
            extracts: extracts.map(str::to_owned).collect(),
            is_templated: ["data", "templateFrom"]
                .iter()
                .any(|field| value.pointer(&format!("/spec/target/template/{field}")).is_some()),
            plan: value
                .pointer("/metadata/annotations")
                .and_then(|all| all.get(PLAN_ANNOTATION))
                .and_then(Value::as_str)
                .map(str::to_owned),
        }
    }

    /// Whether it is in sync with its own spec as it is now: that it is ready may be said of an older one.
    pub fn is_synced(&self) -> bool {
        let is_ready = self.ready.as_ref().is_some_and(|ready| {
            // The second is what External Secrets said before version 0.11.
            let says_so = ["secret synced", "secret was synced"];
            ready.status == "True"
                && ready.reason == "SecretSynced"
                && says_so.iter().any(|words| ready.message.eq_ignore_ascii_case(words))
        });
        is_ready && self.is_of_this_spec() && self.binding == self.target
    }

    /// Whether the last refresh was of the spec as it is now.
    pub fn is_of_this_spec(&self) -> bool {
        self.synced.split('-').next().and_then(|generation| generation.parse().ok()) == Some(self.generation)
    }
}

impl Ready {
    fn of(condition: &Value) -> Self {
        let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        let since = condition["lastTransitionTime"].as_str().and_then(Moment::parse);
        Self { status: text("status"), reason: text("reason"), message: text("message"), since }
    }
}

impl Reference {
    fn of(data: &Value) -> Self {
        let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let encoding = match text("/remoteRef/decodingStrategy").as_str() {
            "" | "None" => Some(Encoding::Text),
            "Base64" => Some(Encoding::Base64),
            _ => None,
        };
        Self {
            key: text("/secretKey"),
            path: text("/remoteRef/key"),
            property: Some(text("/remoteRef/property")).filter(|property| !property.is_empty()),
            encoding,
        }
    }
}
