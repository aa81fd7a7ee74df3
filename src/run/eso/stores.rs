//! The stores of a cluster, also where they may not be listed.

use super::look::{Listed, Scope, list};
use crate::error::{Problem, text};
use crate::eso::StoreFacts;
use crate::kubectl::Kubectl;
use crate::object::Object;

/// The stores of both kinds; those of the whole cluster also where only some namespaces may be seen. Where a list is refused, the
/// store that is `named` is read by its name.
pub(super) async fn stores(
    kubectl: &Kubectl,
    scope: &Scope,
    api_version: &str,
    named: Option<&str>,
) -> Result<Listed<StoreFacts>, Problem> {
    let root = format!("/apis/{api_version}");
    let of = |store: Object| Some(StoreFacts::of(&store));
    let (own, of_cluster) = tokio::join!(
        list(kubectl, &root, "secretstores", scope, of),
        list(kubectl, &root, "clustersecretstores", &Scope::Everywhere, of)
    );
    let (mut all, of_cluster) = (own?, of_cluster?);
    if let (Some(_), Some(name)) = (&of_cluster.refused, named) {
        all.found.extend(by_name(kubectl, &format!("{root}/clustersecretstores/{name}")).await?);
    }
    if let (Some(_), Some(name), Scope::Namespaces(namespaces)) = (&all.refused, named, scope) {
        for namespace in namespaces {
            all.found.extend(by_name(kubectl, &format!("{root}/namespaces/{namespace}/secretstores/{name}")).await?);
        }
    }
    all.found.extend(of_cluster.found);
    all.refused = all.refused.or(of_cluster.refused);
    Ok(all)
}

/// The store at `path`; `None` for one that is not there or may not be read.
async fn by_name(kubectl: &Kubectl, path: &str) -> Result<Option<StoreFacts>, Problem> {
    match kubectl.get_raw(path).await {
        Ok(found) => Ok(found.and_then(|store| Object::parse(store).ok()).map(|store| StoreFacts::of(&store))),
        Err(problem) if problem.kind == "forbidden" => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// That there may be more stores than those found.
pub(super) fn not_listed(stores: &Listed<StoreFacts>) -> Option<Problem> {
    let (problem, _) = stores.refused.as_ref()?;
    let told = Problem::notice("not-listed", text!("there may be other stores: {}", problem.message));
    Some(problem.help.iter().fold(told, |told, help| told.help(help.clone())))
}
