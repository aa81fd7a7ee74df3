//! The plan file: which Secret goes where, without a value. It is reviewed, edited, committed and carried out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::facts::Encoding;
use super::moment::interval;
use super::naming::{is_name, is_path};
use crate::error::{Place, Problem, Text, text};

/// The version of the file that this program writes and reads.
pub(super) const VERSION: u32 = 1;

const HEAD: &str = "\
# Made by `secret-patch eso plan`; names only, no values. `secret-patch eso run` carries it out.
# To be edited: `path`, `externalSecret`, `refresh`, a key's `property` in Vault; a Secret that is taken out stays as it is.
# Planning again over the file keeps that, but for Secrets that were taken out: in `leftOut`, with a `why` of your own, they stay out.
";

/// What moves where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// Of the file's form.
    pub version: u32,
    /// Marks in cluster and Vault what comes from this plan.
    pub id: String,
    /// `apiVersion` of the ExternalSecrets.
    pub api_version: String,
    /// What the ExternalSecrets read.
    pub store: StoreRef,
    /// Where the store reads in Vault.
    pub mount: String,
    /// How often, as Go writes durations.
    pub refresh: String,
    /// What moves.
    pub secrets: Vec<SecretPlan>,
    /// What does not, and why.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
}

/// A store by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreRef {
    /// `ClusterSecretStore` or `SecretStore`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// One Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretPlan {
    /// Its namespace.
    pub namespace: String,
    /// Its name, which stays.
    pub secret: String,
    /// Where in the mount.
    pub path: String,
    /// What makes it from then on.
    pub external_secret: String,
    /// Its type, which stays.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether its data cannot be changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,
    /// Labels that a Secret made anew gets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations that a Secret made anew gets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Its keys.
    pub keys: Vec<KeyPlan>,
}

/// One key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPlan {
    /// In the Secret.
    pub key: String,
    /// In Vault, where that is another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// How its value is kept in Vault.
    #[serde(default, skip_serializing_if = "Encoding::is_text")]
    pub encoding: Encoding,
}

/// A Secret that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub secret: String,
    /// Why.
    pub why: String,
}

impl KeyPlan {
    /// Its name in Vault.
    pub fn property(&self) -> &str {
        self.property.as_deref().unwrap_or(&self.key)
    }
}

impl SecretPlan {
    /// The name of the ExternalSecret and the Secret of the trial.
    pub fn trial(&self) -> (String, String) {
        (format!("{}-eso-check", self.external_secret), format!("{}-eso-check", self.secret))
    }

    /// `namespace/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.secret)
    }
}

impl Plan {
    /// The Secret of this name.
    pub fn find(&self, namespace: &str, secret: &str) -> Option<&SecretPlan> {
        self.secrets.iter().find(|plan| plan.namespace == namespace && plan.secret == secret)
    }

    /// Reads the file `name`.
    ///
    /// # Errors
    /// All that is wrong with it; none quotes what it could not read, for that may be any file.
    pub fn parse(name: &str, yaml: &str) -> Result<Self, Vec<Problem>> {
        let plan: Self = serde_yaml::from_str(yaml).map_err(|error| {
            let text = text!("`{name}` is no plan that this version of the program reads");
            let problem = Problem::error("plan-unreadable", text).help("make it anew with `secret-patch eso plan`");
            let place = error.location().map(|at| Place::new(name, at.line(), at.column()));
            vec![place.into_iter().fold(problem, Problem::at)]
        })?;
        if plan.version != VERSION {
            let text =
                text!("`{name}` is a plan of version {}, and this program reads version {VERSION}", plan.version);
            return Err(vec![Problem::error("plan-version", text).help("make it anew with `secret-patch eso plan`")]);
        }
        let problems = plan.faults();
        if problems.is_empty() { Ok(plan) } else { Err(problems) }
    }

    /// The file.
    pub fn to_yaml(&self) -> String {
        // Names and texts always become YAML.
        format!("{HEAD}{}", serde_yaml::to_string(self).unwrap_or_default())
    }

    /// What no plan may hold.
    pub(super) fn faults(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut fault = |kind, text: Text, help: &'static str| problems.push(Problem::error(kind, text).help(help));
        if interval(&self.refresh).is_none_or(|seconds| seconds <= 0) {
            let help = "write it as `1h0m0s`; an ExternalSecret that refreshes once never notices a repair";
            fault("plan-refresh", text!("`refresh` of the plan is `{}`", self.refresh), help);
        }
        let (mut secrets, mut paths, mut names) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        for secret in &self.secrets {
            let id = secret.id();
            if ![&secret.namespace, &secret.secret, &secret.external_secret].into_iter().all(|name| is_name(name)) {
                fault(
                    "plan-name",
                    text!("Secret `{id}` or its ExternalSecret has no Kubernetes name"),
                    "names are of lower-case letters, digits, `-` and `.`",
                );
            }
            if let Err(why) = is_path(&self.mount, &secret.path) {
                fault(
                    "plan-path",
                    text!("the path `{}` for Secret `{id}` {why}", secret.path),
                    "edit `path` in the plan",
                );
            }
            if let Some(other) = paths.insert(&secret.path, id.clone()) {
                let text = text!("Secrets `{other}` and `{id}` would share the path `{}`", secret.path);
                fault(
                    "path-collision",
                    text,
                    "edit `path` of one in the plan, or plan namespaces apart with `namespaces` and `prefix`",
                );
            }
            if !secrets.insert(id.clone()) {
                fault("plan-twice", text!("Secret `{id}` is in the plan twice"), "take one out");
            }
            if !names.insert((&secret.namespace, &secret.external_secret)) {
                let text =
                    text!("two ExternalSecrets would be called `{}/{}`", secret.namespace, secret.external_secret);
                fault("name-collision", text, "edit `externalSecret` of one in the plan");
            }
            let mut properties = BTreeSet::new();
            for key in secret.keys.iter().filter(|key| !properties.insert(key.property())) {
                let text = text!("two keys of Secret `{id}` would be `{}` in Vault", key.property());
                fault("key-collision", text, "edit `property` of one in the plan");
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let secret = |name: &str, path: &str| SecretPlan {
            namespace: "dev".into(),
            secret: name.into(),
            path: path.into(),
            external_secret: format!("{name}-secrets"),
            kind: "Opaque".into(),
            immutable: false,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            keys: vec![
                KeyPlan { key: "a".into(), property: None, encoding: Encoding::Text },
                KeyPlan { key: "b".into(), property: Some("c".into()), encoding: Encoding::Base64 },
            ],
        };
        Plan {
            version: 1,
            id: "0123".into(),
            api_version: "external-secrets.io/v1".into(),
            store: StoreRef { kind: "ClusterSecretStore".into(), name: "vault".into() },
            mount: "secret".into(),
            refresh: "1h0m0s".into(),
            secrets: vec![secret("x", "app/x"), secret("y", "app/y")],
            left_out: vec![LeftOut { namespace: "dev".into(), secret: "z".into(), why: "owned by Helm".into() }],
        }
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let yaml = plan().to_yaml();
        assert!(yaml.contains("  - key: b\n    property: c\n    encoding: base64\n"), "{yaml}");
        assert_eq!(Plan::parse("p", &yaml).unwrap(), plan());
    }

    #[test]
    fn collisions_of_paths_names_and_keys_are_refused_all_at_once() {
        let mut wrong = plan();
        wrong.refresh = "0s".into();
        wrong.secrets[1].path = "app/x".into();
        wrong.secrets[1].external_secret = "x-secrets".into();
        wrong.secrets[1].keys[0].property = Some("c".into());
        let kinds: Vec<&str> =
            Plan::parse("p", &wrong.to_yaml()).unwrap_err().iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, ["plan-refresh", "path-collision", "name-collision", "key-collision"]);
    }

    #[test]
    fn another_file_is_refused_without_a_word_of_it() {
        let problems = Plan::parse(
            "p",
            "apiVersion: v1\nkind: Secret\nstringData: {A: hunter2hunter2}\nversion: hunter2hunter2\n",
        )
        .unwrap_err();
        assert_eq!(problems[0].kind, "plan-unreadable");
        assert!(!format!("{problems:?}").contains("hunter2"), "a value is told");
    }
}
