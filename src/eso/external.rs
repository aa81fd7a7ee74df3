//! An ExternalSecret: what it asks for, and what became of it.

use serde_json::Value;

use super::moment::{Moment, interval};
use super::sources::Sources;
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
    /// Where the Secret's keys come from.
    pub sources: Sources,
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

impl External {
    /// What `object` tells.
    pub fn of(object: &Object) -> Self {
        let value = object.as_value();
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let moment = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).and_then(Moment::parse);
        Self {
            namespace: object.namespace().unwrap_or_default().to_owned(),
            name: object.name().to_owned(),
            uid: object.uid().to_owned(),
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
            sources: Sources::of(&value["spec"]),
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
