//! A JSON patch on one object: for what no apply can say.

use serde_json::Value;
use zeroize::Zeroizing;

use super::{Ending, Kubectl, Launch, errors, items, unreadable};
use crate::changes::MANAGER;
use crate::error::Problem;
use crate::object::Object;

/// Whether a call writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It does.
    Really,
    /// The server only tells what would become of the object.
    OnTrial,
}

impl<L: Launch> Kubectl<L> {
    /// Patches the live object that `object` names with the operations of RFC 6902, and returns it as it then is, with its `managedFields`.
    ///
    /// # Errors
    /// Why it was refused; an operation `test` that fails is one reason.
    pub async fn patch(&self, object: &Object, operations: &Value, writes: Writes) -> Result<Object, Problem> {
        let id = object.id();
        let version = object.api_version().rsplit('/').next().unwrap_or_default();
        let resource = format!("{}.{version}.{}", id.kind, id.group);
        let namespace = id.namespace.as_deref().unwrap_or(&self.namespace);
        let manager = format!("--field-manager={MANAGER}");
        let mut words = vec!["patch", &resource, &id.name, "-n", namespace, "--type=json", "--patch-file=/dev/stdin"];
        words.extend([&manager, "-o", "json", "--show-managed-fields"]);
        if writes == Writes::OnTrial {
            words.push("--dry-run=server");
        }
        // Values of JSON always become JSON.
        let input = Zeroizing::new(serde_json::to_vec(operations).unwrap_or_default());
        match self.cluster(&words, input).await {
            Ending::Success { stdout, .. } => {
                let found = items(&stdout).and_then(|found| found.into_iter().next());
                found.ok_or_else(|| unreadable("kubectl patch -o json"))
            }
            Ending::Failed { stderr, .. } => Err(errors::problem(&stderr, Some(&id))),
            other => Err(errors::unfinished(&other)),
        }
    }
}
