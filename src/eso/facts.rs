//! A Secret without its values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::owner::{Owner, has_owner_reference};
use crate::changes::LAST_APPLIED;
use crate::object::{Marks, Object};

/// How a value is kept in Vault, whose values are texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As it is.
    #[default]
    Text,
    /// As base64, since it is no text.
    Base64,
}

impl Encoding {
    /// What `value` needs. A zero byte is legal text, and cut off or refused by too much that reads it.
    pub fn of(value: &[u8]) -> Self {
        let is_text = !value.contains(&0) && std::str::from_utf8(value).is_ok();
        if is_text { Self::Text } else { Self::Base64 }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn is_text(&self) -> bool {
        *self == Self::Text
    }
}

/// One key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its name.
    pub name: String,
    /// What its value needs to be kept as text.
    pub encoding: Encoding,
}

/// All that is told about a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFacts {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its type, such as `Opaque`.
    pub kind: String,
    /// Its keys, by name.
    pub keys: Vec<KeyFacts>,
    /// When it was made, as the server writes it.
    pub created: String,
    /// Who owns it.
    pub owner: Owner,
    /// Whether it has an owner reference, a controller's or another.
    pub has_owner_reference: bool,
    /// Whether it holds [`LAST_APPLIED`].
    pub in_clear: bool,
    /// Whether somebody applies it with kubectl, on either side.
    pub is_applied: bool,
    /// Whether its data cannot be changed.
    pub immutable: bool,
    /// Labels that a Secret made anew needs too.
    pub labels: Vec<(String, String)>,
    /// Annotations that a Secret made anew needs too; none that holds a value.
    pub annotations: Vec<(String, String)>,
}

impl SecretFacts {
    /// What `secret` tells. `target_of` is the ExternalSecret whose target it is.
    pub fn of(secret: &Object, target_of: Option<&str>) -> Self {
        let value = secret.as_value();
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let data = bytes(secret);
        let facts = |(name, bytes): (&String, &Zeroizing<Vec<u8>>)| KeyFacts {
            name: name.clone(),
            encoding: Encoding::of(bytes),
        };
        let pairs = |field: &str| {
            let map = value.pointer(&format!("/metadata/{field}")).and_then(Value::as_object);
            let pairs = map.into_iter().flatten().filter_map(|(name, text)| Some((name.clone(), text.as_str()?)));
            pairs.filter(|(name, _)| is_of_people(name)).collect::<Vec<_>>()
        };
        let holds_value = |text: &str| data.iter().any(|(_, bytes)| holds(text, bytes));
        let owned = |(name, text): (String, &str)| (name, text.to_owned());
        let in_clear = value.pointer("/metadata/annotations").and_then(|all| all.get(LAST_APPLIED)).is_some();
        Self {
            namespace: secret.namespace().unwrap_or_default().to_owned(),
            name: secret.name().to_owned(),
            kind: text("/type"),
            keys: data.iter().map(|(name, bytes)| facts((name, bytes))).collect(),
            created: text("/metadata/creationTimestamp"),
            owner: Owner::of(secret, target_of),
            has_owner_reference: has_owner_reference(secret),
            in_clear,
            is_applied: in_clear || Marks(value).is_applied_by("kubectl"),
            immutable: value["immutable"] == true,
            labels: pairs("labels").into_iter().map(owned).collect(),
            annotations: pairs("annotations").into_iter().filter(|(_, text)| !holds_value(text)).map(owned).collect(),
        }
    }
}

/// The bytes of each key, by name. What is no base64 cannot come from a server, and is left out.
pub fn bytes(secret: &Object) -> Vec<(String, Zeroizing<Vec<u8>>)> {
    let data = secret.as_value().get("data").and_then(Value::as_object).into_iter().flatten();
    let decoded =
        |(name, value): (&String, &Value)| Some((name.clone(), Zeroizing::new(STANDARD.decode(value.as_str()?).ok()?)));
    let mut all: Vec<_> = data.filter_map(decoded).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// Labels and annotations that are no tool's own marks.
fn is_of_people(name: &str) -> bool {
    const TOOLS: [&str; 6] = [
        "kubectl.kubernetes.io/",
        "secret-patch.dev/",
        "reconcile.external-secrets.io/",
        "meta.helm.sh/",
        "argocd.argoproj.io/",
        "kustomize.toolkit.fluxcd.io/",
    ];
    !TOOLS.iter().any(|tool| name.starts_with(tool))
}

/// Whether `text` holds the value, as it is or in base64. Values under four bytes do not count: they occur by chance.
fn holds(text: &str, value: &[u8]) -> bool {
    const SHORTEST: usize = 4;
    let value = std::str::from_utf8(value).unwrap_or_default().trim();
    value.len() >= SHORTEST && (text.contains(value) || text.contains(&STANDARD.encode(value)))
}
