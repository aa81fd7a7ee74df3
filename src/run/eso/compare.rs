//! Secrets that ExternalSecrets make, as they are: changed by somebody, or not what Vault holds.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures_util::stream::{self, StreamExt as _};

use super::snapshots::{bare, by_name};
use crate::error::{Problem, Severity, Text, text};
use crate::eso::{
    External, Inventory, Remote, Sources, StoreFacts, VaultStore, Verdict, bytes, differing, hand_work, written,
};
use crate::kubectl::Kubectl;
use crate::object::Object;
use crate::values::vault::Document;
use crate::vault::{Kv, Vault};

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
    one.verdicts.extend(hand_work(external, secret));
    let Some((vault, store)) = vault.zip(store.and_then(|store| store.vault.as_ref())) else { return };
    if let Some(why) = why_not(vault, store, &external.sources) {
        let text = text!("it is not compared with Vault: {why}");
        one.verdicts.push(Verdict { severity: Severity::Notice, ..found("not-compared", text, "") });
        return;
    }
    match differences(vault, store, external, secret).await {
        Ok(keys) if keys.is_empty() => one.compared = Compared::Equal,
        Ok(keys) => {
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

/// What may not be read is not known.
fn severity_of(problem: &Problem) -> Severity {
    if problem.kind == "vault-forbidden" { Severity::Warning } else { Severity::Error }
}

fn found(kind: &'static str, text: impl Into<Text>, help: &'static str) -> Verdict {
    Verdict { severity: Severity::Error, kind, text: text.into(), help }
}

/// Why a Secret that `sources` make out of `store` is not to be compared with what `vault` shows.
fn why_not(vault: &Vault, store: &VaultStore, sources: &Sources) -> Option<Text> {
    let namespace = |of: Option<&str>| match of.unwrap_or_default().trim_matches('/') {
        "" => Text::from("the root namespace"),
        name => text!("the namespace `{name}`"),
    };
    let (read, shown) = (namespace(store.namespace.as_deref()), namespace(vault.namespace()));
    if read != shown {
        return Some(text!("its store reads {read} of Vault, and `vault-namespace` asks for {shown}"));
    }
    if store.mount.is_none() {
        return Some("its store names no `path`".into());
    }
    sources.unfollowed.map(|field| text!("what its `{field}` does is not followed"))
}

/// The keys in which `secret` is not what External Secrets makes of what Vault has for `external`.
async fn differences(
    vault: &Vault,
    store: &VaultStore,
    external: &External,
    secret: &Object,
) -> Result<Vec<String>, Problem> {
    let sources = &external.sources;
    let mut documents = BTreeMap::new();
    for remote in sources.extracts.iter().chain(sources.references.iter().map(|reference| &reference.remote)) {
        if let Entry::Vacant(place) = documents.entry(remote.place()) {
            place.insert(held(vault, store, remote).await?);
        }
    }
    let wanted = written(sources, |remote| documents.get(&remote.place()).and_then(Option::as_ref));
    let live = bytes(secret).into_iter().collect();
    // What is merged into a Secret leaves other keys alone.
    Ok(differing(&live, &wanted, sources.may_lack, external.creation == "Merge"))
}

/// What Vault holds where External Secrets reads `remote`.
async fn held(vault: &Vault, store: &VaultStore, remote: &Remote) -> Result<Option<Document>, Problem> {
    let mount = store.mount.as_deref().unwrap_or_default();
    let path = remote.path.strip_prefix(mount).and_then(|rest| rest.strip_prefix('/'));
    if store.version == "v1" {
        return vault.held(mount, path.unwrap_or(&remote.path), Kv::Plain).await;
    }
    // Behind the mount, and there alone, `data/` is the API's.
    let path = path.map_or(remote.path.as_str(), |path| path.strip_prefix("data/").unwrap_or(path));
    vault.held(mount, path, Kv::Versions(remote.version)).await
}
