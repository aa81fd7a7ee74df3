//! What is left for the other environments: Secrets of the same names in namespaces that differ by the environment's word alone.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::Plan;

/// Words for environments, as they stand in the names of namespaces and in paths.
const ENVIRONMENTS: [&str; 18] = [
    "dev",
    "development",
    "demo",
    "int",
    "integration",
    "live",
    "preprod",
    "preview",
    "prod",
    "production",
    "qa",
    "sandbox",
    "stage",
    "staging",
    "stg",
    "test",
    "testing",
    "uat",
];

/// A Secret that is made by hand, as that of the plan was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub secret: String,
    /// Who owns it.
    pub owner: String,
}

/// The word by which `other` is the namespace of another environment than `namespace`: `prod` for `api-prod` beside `api-dev`.
pub fn other_environment<'a>(namespace: &str, other: &'a str) -> Option<&'a str> {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (namespace.split('-').collect(), other.split('-').collect());
    let mut different = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs);
    let (word, other_word) = different.next()?;
    let is_alone = ours.len() == theirs.len() && different.next().is_none();
    (is_alone && ENVIRONMENTS.contains(word) && ENVIRONMENTS.contains(other_word)).then_some(*other_word)
}

/// The command that plans what is left, for each environment.
pub fn next_plans(plan: &Plan, left: &[Neighbour]) -> Vec<(String, String)> {
    let mut environments: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for neighbour in left {
        let planned = plan.secrets.iter().map(|secret| secret.namespace.as_str());
        let word = planned.into_iter().find_map(|namespace| other_environment(namespace, &neighbour.namespace));
        environments.entry(word.unwrap_or_default()).or_default().insert(&neighbour.namespace);
    }
    let command = |(word, namespaces): (&str, BTreeSet<&str>)| {
        let namespaces = namespaces.into_iter().collect::<Vec<_>>().join(",");
        let prefix = prefix(plan, word).map(|prefix| format!(" --prefix {prefix}")).unwrap_or_default();
        let command = format!("secret-patch eso plan --namespaces {namespaces}{prefix} -o eso-plan-{word}.yaml");
        (word.to_owned(), command)
    };
    environments.into_iter().map(command).collect()
}

/// Where the paths of the environment `word` would begin: beside those of the plan, or below them.
fn prefix(plan: &Plan, word: &str) -> Option<String> {
    let mut parents = plan.secrets.iter().map(|secret| secret.path.rsplit_once('/').map(|(parent, _)| parent));
    let parent = parents.next()??;
    if !parents.all(|other| other == Some(parent)) {
        return None;
    }
    let (above, last) = parent.rsplit_once('/').map_or(("", parent), |(above, last)| (above, last));
    let is_environment = ENVIRONMENTS.contains(&last) && !above.is_empty();
    Some(if is_environment { format!("{above}/{word}") } else { format!("{parent}/{word}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_differs_by_the_word_of_an_environment_is_a_neighbour() {
        assert_eq!(other_environment("keybuzz-api-dev", "keybuzz-api-prod"), Some("prod"));
        assert_eq!(other_environment("dev-api", "staging-api"), Some("staging"));
        for other in ["keybuzz-api-dev", "keybuzz-web-prod", "keybuzz-api-web", "keybuzz-api", "keybuzz-api-prod-eu"] {
            assert_eq!(other_environment("keybuzz-api-dev", other), None, "{other}");
        }
    }

    #[test]
    fn the_next_plan_goes_below_its_own_prefix() {
        let plan = |path: &str| {
            let yaml = format!(
                "{{version: 1, id: i, apiVersion: v, store: {{kind: SecretStore, name: s}}, mount: secret, refresh: 1h0m0s,
                  secrets: [{{namespace: api-dev, secret: app, path: {path}, externalSecret: app-secrets, type: Opaque, keys: []}}]}}"
            );
            Plan::parse("p", &yaml).unwrap()
        };
        let left = [Neighbour { namespace: "api-prod".into(), secret: "app".into(), owner: "manual".into() }];
        let command = |path: &str| next_plans(&plan(path), &left).remove(0).1;
        let begin = "secret-patch eso plan --namespaces api-prod";
        assert_eq!(command("shop/app"), format!("{begin} --prefix shop/prod -o eso-plan-prod.yaml"));
        assert_eq!(command("shop/dev/app"), format!("{begin} --prefix shop/prod -o eso-plan-prod.yaml"));
        assert_eq!(command("app"), format!("{begin} -o eso-plan-prod.yaml"));
    }
}
