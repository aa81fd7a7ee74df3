//! What only External Secrets needs of the cluster: deleting one object of any group, and why the controller is unhappy.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::cut::cut;
use super::requests::Report;
use super::{Ending, Kubectl, Launch, errors};
use crate::error::Problem;
use crate::object::Object;

impl<L: Launch> Kubectl<L> {
    /// Deletes `live`, whose resource is called `plural`, if it is still the same object; that it is gone already is no failure.
    ///
    /// # Errors
    /// Why it was refused, or has no answer.
    pub async fn delete_same(&self, live: &Object, plural: &str) -> Result<(), Problem> {
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": live.uid()}});
        let root = if live.group().is_empty() { "api" } else { "apis" };
        let (version, namespace) = (live.api_version(), live.namespace().unwrap_or(&self.namespace));
        let path = format!("{}/{root}/{version}/namespaces/{namespace}/{plural}/{}", self.base_path, live.name());
        let input = Zeroizing::new(options.to_string().into_bytes());
        match self.cluster(&["delete", "--raw", &path, "-f", "-"], input).await {
            Ending::Success { .. } => Ok(()),
            Ending::Failed { stderr, .. } => {
                let failures = Report::parse(&stderr).failures;
                let said = failures.first().map_or("", String::as_str);
                let is_gone =
                    said.starts_with("Error from server (NotFound)") || said.contains(" in the precondition (");
                if is_gone { Ok(()) } else { Err(errors::problem(&stderr, Some(&live.id()))) }
            }
            other => Err(errors::unfinished(&other)),
        }
    }

    /// The words of the newest warning about the ExternalSecret `name`; `None` where there is none, or none may be read.
    pub async fn newest_warning(&self, namespace: &str, name: &str) -> Option<String> {
        let selector = format!("involvedObject.kind%3DExternalSecret%2CinvolvedObject.name%3D{name}%2Ctype%3DWarning");
        let path = format!("/api/v1/namespaces/{namespace}/events?limit=100&fieldSelector={selector}");
        let events = self.get_raw(&path).await.ok()??;
        let events = events["items"].as_array()?;
        let time = |event: &Value| {
            let times =
                ["lastTimestamp", "eventTime", "firstTimestamp"].map(|field| event[field].as_str().map(str::to_owned));
            times.into_iter().flatten().next()
        };
        let newest = events.iter().max_by_key(|event| time(event))?;
        Some(cut(newest["message"].as_str()?))
    }
}
