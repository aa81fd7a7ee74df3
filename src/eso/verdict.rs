//! Whether an ExternalSecret is really in sync: what its own status says, and what it does not.

use std::collections::BTreeSet;

use serde_json::Value;

use super::external::{External, Ready};
use super::moment::Moment;
use super::store::StoreFacts;
use crate::error::{Severity, Text, text};
use crate::object::Object;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How much it weighs: an error fails `eso verify`.
    pub severity: Severity,
    /// A stable word.
    pub kind: &'static str,
    /// What is wrong, to stand behind the ExternalSecret's name.
    pub text: Text,
    /// What to do.
    pub help: &'static str,
}

fn verdict(severity: Severity, kind: &'static str, text: impl Into<Text>, help: &'static str) -> Verdict {
    Verdict { severity, kind, text: text.into(), help }
}

const FORCE: &str =
    "`kubectl annotate externalsecret NAME force-sync=$(date +%s) --overwrite` makes the controller look again";

/// What is wrong with `external` at the time `now`: with a refresh that is older than `max_age` seconds (twice its interval if `None`),
/// or that has not been ready for longer than `patience` seconds.
pub fn judge(
    external: &External,
    store: Option<&StoreFacts>,
    now: Moment,
    max_age: Option<i64>,
    patience: Option<i64>,
) -> Vec<Verdict> {
    let mut found = Vec::new();
    found.extend(store_verdict(external, store));
    match &external.ready {
        None => found.extend(without_status(external, now, patience)),
        Some(ready) if ready.status != "True" => found.push(not_ready(ready, now, patience)),
        Some(ready) => {
            found.extend(trap(ready));
            if !external.is_of_this_spec() {
                found.push(stale_spec(external));
            } else if external.refreshed.is_some() && external.policy == "Periodic" {
                found.extend(old(external, now, max_age));
            }
        }
    }
    if external.interval == Some(0) || external.policy == "CreatedOnce" {
        let text = "it refreshes once and never again: what changes in Vault, or in its own spec, never arrives";
        found.push(verdict(Severity::Warning, "refreshes-once", text, "set `refreshInterval: 1h0m0s`"));
    }
    found
}

fn store_verdict(external: &External, store: Option<&StoreFacts>) -> Option<Verdict> {
    let (kind, name) = (&external.store.kind, &external.store.name);
    let Some(store) = store else {
        let text = text!("its {kind} `{name}` is not there, or may not be read");
        return Some(verdict(
            Severity::Warning,
            "store-missing",
            text,
            "check `secretStoreRef`, and the right to read stores",
        ));
    };
    if store.ready == Some(true) && store.reason == "ValidationUnknown" {
        let text = text!("its {kind} `{name}` says that it is ready, and nobody knows whether it is valid");
        return Some(verdict(Severity::Warning, "store-unknown", text, "compare with Vault: give `vault-url`"));
    }
    (!store.is_valid()).then(|| {
        let text = text!("its {kind} `{name}` is not valid: {}", store.trouble());
        verdict(Severity::Error, "store-invalid", text, "check the store's address, credentials and certificate")
    })
}

fn without_status(external: &External, now: Moment, patience: Option<i64>) -> Option<Verdict> {
    let age = external.created.map_or(0, |created| now.since(created));
    let text = text!("no controller has looked at it for {age} s");
    let help = "check that External Secrets runs, and that its class and namespace are the controller's";
    (age > patience.unwrap_or(0)).then(|| verdict(Severity::Error, "no-status", text, help))
}

fn not_ready(ready: &Ready, now: Moment, patience: Option<i64>) -> Verdict {
    let since = ready.since.map_or(0, |since| now.since(since));
    let text = text!("it is not ready for {since} s: {}: {}", ready.reason, ready.message);
    let severity = if patience.is_some_and(|patience| since <= patience) { Severity::Warning } else { Severity::Error };
    verdict(severity, "not-ready", text, FORCE)
}

/// Ready, and nothing was written all the same.
fn trap(ready: &Ready) -> Option<Verdict> {
    let message = ready.message.to_ascii_lowercase();
    match ready.reason.as_str() {
        "SecretSynced" if message.contains("retained") => {
            let text = "it says that it is ready, but its path in Vault holds no keys: the Secret is kept as it was";
            Some(verdict(Severity::Error, "retained", text, "write the keys to Vault again"))
        }
        "SecretSynced" => None,
        "SecretDeleted" => {
            let text = "it says that it is ready, and has deleted the Secret, since Vault has nothing";
            Some(verdict(
                Severity::Error,
                "deleted",
                text,
                "write the keys to Vault again, and set `deletionPolicy: Retain`",
            ))
        }
        "SecretMissing" => {
            let text = "it says that it is ready, but there is no Secret to merge into";
            Some(verdict(Severity::Error, "missing", text, "make the Secret, or set `creationPolicy: Owner`"))
        }
        other => {
            let text = text!("it says that it is ready, for the reason `{other}`: {}", ready.message);
            Some(verdict(Severity::Warning, "unknown-reason", text, FORCE))
        }
    }
}

fn stale_spec(external: &External) -> Verdict {
    let text = text!("it says that it is ready, but of an older spec than its present one ({})", external.generation);
    verdict(Severity::Error, "stale-spec", text, FORCE)
}

fn old(external: &External, now: Moment, max_age: Option<i64>) -> Option<Verdict> {
    let age = now.since(external.refreshed?);
    let interval = external.interval.filter(|interval| *interval > 0)?;
    // Refreshes come a little late: the controller adds jitter.
    let most = max_age.unwrap_or(interval * 2 + 60);
    (age > most).then(|| {
        let text = text!("it was refreshed {age} s ago, and {most} s are allowed");
        verdict(Severity::Error, "not-fresh", text, "check that External Secrets runs, and reaches Vault")
    })
}

/// What people did to `secret`, the target of `external`, since its last refresh. Where the ExternalSecret does not own the Secret, it says
/// that it is in sync all the same until its next refresh.
pub fn hand_work(external: &External, secret: &Object) -> Option<Verdict> {
    let (name, refreshed) = (&external.target, external.refreshed?);
    let text = match (changed_by_hand(secret, refreshed), odd_keys(external, secret)) {
        (Some(manager), _) => text!("its Secret `{name}` was changed by `{manager}` after the last refresh"),
        (None, keys) if keys.is_empty() => return None,
        // Nobody's name stands beside what is not there any more.
        (None, keys) => text!("keys of its Secret `{name}` were removed or added by hand: {}", keys.join(", ")),
    };
    let help = "change it in Vault instead; the next refresh overwrites what was changed here";
    Some(verdict(Severity::Error, "changed-by-hand", text, help))
}

/// Who changed the data of `secret` after it was `refreshed`: a program that is not External Secrets.
pub fn changed_by_hand(secret: &Object, refreshed: Moment) -> Option<String> {
    let entries = secret.as_value().pointer("/metadata/managedFields").and_then(Value::as_array);
    let is_later = |entry: &&Value| {
        let time = entry["time"].as_str().and_then(Moment::parse);
        time.is_some_and(|time| time > refreshed) && entry.pointer("/fieldsV1/f:data").is_some()
    };
    let mut managers = entries.into_iter().flatten().filter(is_later).filter_map(|entry| entry["manager"].as_str());
    managers.find(|manager| !manager.starts_with("externalsecrets.external-secrets.io/")).map(str::to_owned)
}

/// Keys that a Secret in sync would have, or not have.
fn odd_keys(external: &External, secret: &Object) -> Vec<String> {
    let Some(told) = external.sources.keys().filter(|_| external.is_synced()) else { return Vec::new() };
    let live = secret.as_value()["data"].as_object();
    let live: BTreeSet<&str> = live.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    // What is merged into a Secret leaves other keys alone.
    let others = live.difference(&told).filter(|_| external.creation != "Merge");
    told.difference(&live).chain(others).map(|key| (*key).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-01-07T12:00:00Z";

    fn kinds(status: Value, spec: Value) -> Vec<&'static str> {
        let external = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": {"name": "e", "namespace": "n", "generation": 2, "creationTimestamp": "2026-01-07T11:59:00Z"},
            "spec": spec, "status": status});
        let store = json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": {"name": "s", "namespace": "n"},
            "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Valid"}]}});
        let store = StoreFacts::of(&Object::parse(store).unwrap());
        let external = External::of(&Object::parse(external).unwrap());
        let found = judge(&external, Some(&store), Moment::parse(NOW).unwrap(), None, None);
        found.into_iter().map(|verdict| verdict.kind).collect()
    }

    fn status(status: &str, reason: &str, message: &str, synced: &str, refreshed: &str) -> Value {
        json!({"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-01-07T11:00:00Z"}],
            "syncedResourceVersion": synced, "refreshTime": refreshed, "binding": {"name": "e"}})
    }

    #[test]
    fn ready_alone_is_not_believed() {
        let fine = "2026-01-07T11:30:00Z";
        let spec = || json!({"refreshInterval": "1h0m0s", "secretStoreRef": {"name": "s"}});
        let none: [&str; 0] = [];
        assert_eq!(kinds(status("True", "SecretSynced", "secret synced", "2-x", fine), spec()), none);
        assert_eq!(kinds(status("True", "SecretSynced", "secret synced", "1-x", fine), spec()), ["stale-spec"]);
        assert_eq!(
            kinds(status("True", "SecretSynced", "secret synced", "2-x", "2026-01-07T09:00:00Z"), spec()),
            ["not-fresh"]
        );
        assert_eq!(
            kinds(status("True", "SecretSynced", "secret retained due to DeletionPolicy=Retain", "2-x", fine), spec()),
            ["retained"]
        );
        assert_eq!(kinds(status("True", "SecretDeleted", "secret deleted", "2-x", fine), spec()), ["deleted"]);
        assert_eq!(kinds(status("False", "SecretSyncedError", "could not get", "1-x", fine), spec()), ["not-ready"]);
        assert_eq!(kinds(json!({}), spec()), ["no-status"]);
        let once = json!({"refreshInterval": "0s", "secretStoreRef": {"name": "s"}});
        assert_eq!(kinds(status("True", "SecretSynced", "secret synced", "2-x", fine), once), ["refreshes-once"]);
    }

    #[test]
    fn a_key_that_was_removed_or_added_is_seen_without_vault() {
        let found = |target: Value, message: &str, data: Value| {
            let references =
                ["a", "b"].map(|key| json!({"secretKey": key, "remoteRef": {"key": "p", "property": key}}));
            let external = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
                "metadata": {"name": "e", "namespace": "n", "generation": 2}, "spec": {"target": target, "data": references},
                "status": status("True", "SecretSynced", message, "2-x", NOW)});
            let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "e", "namespace": "n"}, "data": data});
            let external = External::of(&Object::parse(external).unwrap());
            let verdict = hand_work(&external, &Object::parse(secret).unwrap());
            verdict.map(|verdict| verdict.text.as_str().rsplit(": ").next().unwrap().to_owned())
        };
        let orphan = || json!({"creationPolicy": "Orphan"});
        assert_eq!(found(orphan(), "secret synced", json!({"a": "", "b": ""})), None);
        assert_eq!(found(orphan(), "secret synced", json!({"a": "", "c": ""})).as_deref(), Some("b, c"));
        assert_eq!(
            found(json!({"creationPolicy": "Merge"}), "secret synced", json!({"a": "", "b": "", "c": ""})),
            None
        );
        assert_eq!(found(orphan(), "secret retained due to DeletionPolicy=Retain", json!({"a": ""})), None);
    }
}
