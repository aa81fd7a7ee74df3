//! What a run leaves to people: what the checkout still says of Secrets that moved, and the other environments.

use std::collections::BTreeSet;
use std::io::Write;

use super::super::Run;
use super::snapshots::{bare, by_name};
use crate::eso::{
    External, Inventory, Manifest, Moved, Neighbour, Origin, Owner, Plan, Remain, other_environment, remains,
};
use crate::files;
use crate::kubectl::Kubectl;

/// How many Secrets are asked for in one call.
const BY_NAME: usize = 50;

impl<O: Write, E: Write> Run<O, E> {
    /// The places of the checkout that still speak of what moved; none where there is no repository.
    pub(super) fn remains(&self, moved: &[Moved]) -> Vec<Remain> {
        let in_sync = moved.iter().filter(|one| one.is_in_sync());
        let origin = |one: &Moved| Origin {
            namespace: one.plan.namespace.clone(),
            secret: one.plan.secret.clone(),
            set: one.set.clone(),
        };
        let origins: Vec<Origin> = in_sync.map(origin).collect();
        let Ok(checkout) = self.checkout() else { return Vec::new() };
        let is_yaml = |name: &&String| name.ends_with(".yml") || name.ends_with(".yaml");
        let tracked = checkout.tracked.iter().flatten().filter(is_yaml);
        let read = |name: &String| {
            let text = files::read_unlinked(&checkout.toplevel.join(name))?;
            Some(Manifest { name: name.clone(), text })
        };
        let manifests: Vec<Manifest> = tracked.filter_map(read).collect();
        remains(&origins, &manifests, &checkout.calls().calls)
    }

    /// Secrets of the same names in the namespaces of other environments that are still made by hand, as far as they may be seen.
    pub(super) async fn neighbours(&self, kubectl: &Kubectl, plan: &Plan) -> Vec<Neighbour> {
        let namespaces = kubectl.all("/api/v1/namespaces").await.ok().flatten().unwrap_or_default();
        let planned: BTreeSet<&str> = plan.secrets.iter().map(|secret| secret.namespace.as_str()).collect();
        let others = namespaces.iter().map(|one| one.name()).filter(|name| !planned.contains(name));
        let mut found = Vec::new();
        for other in others {
            let theirs = plan.secrets.iter().filter(|one| other_environment(&one.namespace, other).is_some());
            let names: Vec<&str> = theirs.map(|one| one.secret.as_str()).collect();
            if !names.is_empty() {
                found.extend(made_by_hand(kubectl, plan, other, &names).await);
            }
        }
        found
    }
}

/// Those of `names` that are made by hand in `namespace`.
async fn made_by_hand(kubectl: &Kubectl, plan: &Plan, namespace: &str, names: &[&str]) -> Vec<Neighbour> {
    let path = format!("/apis/{}/namespaces/{namespace}/externalsecrets", plan.api_version);
    let externals = kubectl.all(&path).await.ok().flatten().unwrap_or_default();
    let externals: Vec<External> = externals.iter().map(External::of).collect();
    let targets = Inventory::targets(&externals);
    let mut found = Vec::new();
    for some in names.chunks(BY_NAME) {
        let wanted: Vec<_> = some.iter().filter_map(|name| bare("v1", "Secret", namespace, name)).collect();
        for (id, secret) in by_name(kubectl.read(&wanted).await.live.into_values()) {
            let owner = Owner::of(&secret, targets.get(&id).map(String::as_str));
            if owner.is_movable() {
                found.push(Neighbour { namespace: id.0, secret: id.1, owner: owner.to_string() });
            }
        }
    }
    found
}
