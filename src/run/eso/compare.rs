//! Secrets that ExternalSecrets make, as they are: changed by somebody, or not what Vault holds.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};

use super::snapshots::{bare, by_name};
use crate::error::{Problem, Severity, Text, text};
use crate::eso::{External, Inventory, StoreFacts, Verdict, bytes, changed_by_hand, expected};
use crate::kubectl::Kubectl;
use crate::object::Object;
use crate::vault::{State, Vault};

/// One ExternalSecret, and what was found out about it.
pub(super) struct Judged<'a> {
    pub(super) external: &'a External,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) compared: Compared,
}

/// How the Secret's bytes and Vault's go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    No,
    Equal,
    Different,
}

/// Compares each ExternalSecret's Secret with what it says of itself, and with Vault where there is one.
///
/// # Errors
/// Why the Secrets cannot be read.
pub(super) async fn look_at_secrets(
    kubectl: &Kubectl,
    inventory: &Inventory,
    vault: Option<&Vault>,
    concurrency: usize,
    judged: &mut [Judged<'_>],
) -> Result<(), Problem> {
    let made = judged.iter().filter(|one| one.external.creation != "None");
    let wanted: Vec<Object> =
        made.filter_map(|one| bare("v1", "Secret", &one.external.namespace, &one.external.target)).collect();
    let read = kubectl.read(&wanted).await;
    if let Some(problem) = read.problems.into_iter().next() {
        return Err(problem);
    }
    let secrets = by_name(read.live.into_values());
    stream::iter(judged.iter_mut())
        .for_each_concurrent(concurrency, |one| {
            let secret = secrets.get(&(one.external.namespace.clone(), one.external.target.clone()));
            look_at_secret(one, secret, inventory.store_of(one.external), vault)
        })
        .await;
    Ok(())
}

async fn look_at_secret(
    one: &mut Judged<'_>,
    secret: Option<&Object>,
    store: Option<&StoreFacts>,
    vault: Option<&Vault>,
) {
    let external = one.external;
    let Some(secret) = secret else {
        if external.creation != "None" && external.refreshed.is_some() {
            let text = text!(
                "its Secret `{}` is not there; it says that it is in sync until the next refresh",
                external.target
            );
            one.verdicts.push(found(
                "secret-missing",
                text,
                "`kubectl annotate externalsecret NAME force-sync=$(date +%s) --overwrite` makes it anew",
            ));
        }
        return;
    };
    if let Some(manager) = external.refreshed.and_then(|refreshed| changed_by_hand(secret, refreshed)) {
        let text = text!("its Secret `{}` was changed by `{manager}` after the last refresh", external.target);
        one.verdicts.push(found(
            "changed-by-hand",
            text,
            "change it in Vault instead; the next refresh overwrites what was changed here",
        ));
    }
    let Some((vault, mount)) = vault.zip(store.and_then(|store| store.vault.as_ref()?.mount.as_deref())) else {
        return;
    };
    match differences(vault, mount, external, secret).await {
        Ok(None) => {}
        Ok(Some(keys)) if keys.is_empty() => one.compared = Compared::Equal,
        Ok(Some(keys)) => {
            one.compared = Compared::Different;
            let text = text!("its Secret `{}` is not what Vault holds, in: {}", external.target, keys.join(", "));
            one.verdicts.push(found(
                "differs-from-vault",
                text,
                "wait for the next refresh, or force one; a Secret changed by hand loses that change then",
            ));
        }
        Err(problem) => {
            let text = text!("it cannot be compared with Vault: {}", problem.message);
            one.verdicts.push(Verdict { severity: severity_of(&problem), ..found("not-compared", text, "") });
        }
    }
}

/// What Vault does not have is an error; what may not be read is not known.
fn severity_of(problem: &Problem) -> Severity {
    if problem.kind == "vault-forbidden" { Severity::Warning } else { Severity::Error }
}

fn found(kind: &'static str, text: impl Into<Text>, help: &'static str) -> Verdict {
    Verdict { severity: Severity::Error, kind, text: text.into(), help }
}

/// The keys in which `secret` is not what Vault has for `external`; `None` where the two cannot be compared key by key.
async fn differences(
    vault: &Vault,
    mount: &str,
    external: &External,
    secret: &Object,
) -> Result<Option<Vec<String>>, Problem> {
    let Some(references) = external.references.as_ref().filter(|all| !all.is_empty() && !external.is_templated) else {
        return Ok(None);
    };
    let followed = references.iter().all(|reference| reference.property.is_some() && reference.encoding.is_some());
    if !followed {
        return Ok(None);
    }
    let live: BTreeMap<String, _> = bytes(secret).into_iter().collect();
    let mut documents = BTreeMap::new();
    let mut different = Vec::new();
    for reference in references {
        let path = below(mount, &reference.path);
        if !documents.contains_key(path) {
            documents.insert(path, vault.kept(mount, path).await?.state);
        }
        let held = match &documents[path] {
            State::Present(held) => expected(reference, held),
            State::Absent | State::Deleted | State::Destroyed => None,
        };
        if held.is_none() || held.as_ref() != live.get(&reference.key) {
            different.push(reference.key.clone());
        }
    }
    let named: BTreeSet<&String> = references.iter().map(|reference| &reference.key).collect();
    // What is merged into a Secret leaves other keys alone.
    if external.creation != "Merge" {
        different.extend(live.keys().filter(|key| !named.contains(key)).cloned());
    }
    Ok(Some(different))
}

/// A key as the store reads it: without the mount and `data/`.
fn below<'a>(mount: &str, path: &'a str) -> &'a str {
    let path = path.strip_prefix(mount).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
    path.strip_prefix("data/").unwrap_or(path)
}
