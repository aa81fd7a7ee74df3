//! What a scalar is for, by the field it stands in.

use crate::patch::Step;

/// What a scalar is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A mapping's key.
    Key,
    /// `stringData` of a Secret.
    SecretText,
    /// `data` of a Secret: base64.
    SecretBase64,
    /// `data` of a ConfigMap.
    ConfigText,
    /// `binaryData` of a ConfigMap: base64.
    ConfigBase64,
    /// `data`, `stringData` or `binaryData` of whatever a JSON6902 patch is applied to.
    PatchedData,
    /// A field that Kubernetes stores as text, readable by everybody who may read the object: an `env` value, an annotation.
    ClearText,
    /// Another field that is known to be text.
    Text,
    /// A field that may be text, a number or a boolean.
    Open,
}

impl Role {
    /// Whether a plain scalar here must become a quoted string.
    pub(crate) fn is_text(self) -> bool {
        self != Self::Open
    }

    /// Whether the value stays inside a Secret.
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Self::SecretText | Self::SecretBase64)
    }

    /// Whether the value would be stored where a Secret's value should not be.
    pub(crate) fn is_clear(self) -> bool {
        matches!(self, Self::ConfigText | Self::ConfigBase64 | Self::ClearText)
    }

    /// Whether it is the value of a key of a Secret or ConfigMap.
    pub(crate) fn is_data(self) -> bool {
        self.is_secret() || matches!(self, Self::ConfigText | Self::ConfigBase64 | Self::PatchedData)
    }

    /// Whether the text must be base64 once filled.
    pub(crate) fn is_base64(self) -> bool {
        matches!(self, Self::SecretBase64 | Self::ConfigBase64)
    }
}

/// Mappings whose every value is text.
const TEXT_MAPPINGS: [&str; 5] = ["labels", "matchLabels", "nodeSelector", "commonLabels", "parameters"];
/// Sequences whose every item is text.
const TEXT_SEQUENCES: [&str; 8] =
    ["args", "command", "literals", "files", "envs", "finalizers", "hosts", "resourceNames"];
/// Fields that are text wherever they stand in Kubernetes' and kustomize's own types.
const TEXT_FIELDS: [&str; 26] = [
    "name",
    "namespace",
    "image",
    "host",
    "hostname",
    "secretName",
    "configMapName",
    "serviceAccountName",
    "apiVersion",
    "kind",
    "key",
    "namePrefix",
    "nameSuffix",
    "newName",
    "newTag",
    "digest",
    "clusterIP",
    "loadBalancerIP",
    "externalName",
    "storageClassName",
    "ingressClassName",
    "schedule",
    "mountPath",
    "subPath",
    "imagePullPolicy",
    "type",
];

/// What the field at `path` is for, in kinds other than Secret and ConfigMap.
pub(super) fn field_role(path: &[Step]) -> Role {
    use Step::{Index, Key};
    match path {
        [.., Key(parent), Key(_)] if is_annotations(parent) => Role::ClearText,
        [.., Key(list), Index(_), Key(field)] if list == "env" && field == "value" => Role::ClearText,
        [.., Key(list), Index(_), Key(field)] if list == "httpHeaders" && field == "value" => Role::Text,
        [.., Key(parent), Key(_)] if TEXT_MAPPINGS.contains(&parent.as_str()) => Role::Text,
        [.., Key(list), Index(_)] if TEXT_SEQUENCES.contains(&list.as_str()) => Role::Text,
        [.., Key(field)] if TEXT_FIELDS.contains(&field.as_str()) => Role::Text,
        _ => Role::Open,
    }
}

fn is_annotations(key: &str) -> bool {
    matches!(key, "annotations" | "commonAnnotations")
}
