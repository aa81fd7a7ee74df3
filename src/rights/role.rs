//! Missing rights as a person reads them and as a Role that can be applied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Need, Verb};
use crate::build::content_hash;

/// The missing rights in one sentence: `create, patch on secrets and list on configmaps in namespace n`.
#[must_use]
pub fn told(missing: &[Need]) -> String {
    let places: Vec<String> = by_place(missing)
        .into_iter()
        .map(|(namespace, needs)| {
            let rules: Vec<String> = rules(&needs).iter().map(Rule::told).collect();
            let place = namespace.map_or("cluster-wide".to_owned(), |name| format!("in namespace `{name}`"));
            format!("{} {place}", rules.join("; "))
        })
        .collect();
    places.join("; ")
}

/// The missing rights as YAML: a Role, a ClusterRole for what is cluster-wide, a `List` where there are several.
///
/// Its name ends in a hash of the rules, so that one never takes the place of another.
#[must_use]
pub fn role(missing: &[Need]) -> String {
    let mut roles: Vec<String> =
        by_place(missing).into_iter().map(|(namespace, needs)| one_role(namespace, &rules(&needs))).collect();
    if roles.len() == 1 {
        return roles.remove(0);
    }
    let items: Vec<String> = roles.iter().map(|role| format!("- {}", role.replace('\n', "\n  "))).collect();
    format!("apiVersion: v1\nkind: List\nitems:\n{}", items.join("\n"))
}

fn by_place(missing: &[Need]) -> BTreeMap<Option<&str>, Vec<&Need>> {
    let mut places: BTreeMap<Option<&str>, Vec<&Need>> = BTreeMap::new();
    for need in missing {
        // A Namespace is asked for beneath its own name; the Role that allows it cannot be there before it.
        let place = need.namespace.as_deref().filter(|_| need.resource != "namespaces");
        places.entry(place).or_default().push(need);
    }
    places
}

fn one_role(namespace: Option<&str>, rules: &[Rule]) -> String {
    let rules: String = rules.iter().map(Rule::yaml).collect();
    let hash = Sha256::digest(&rules);
    let name = format!("secret-patch-{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let namespace = namespace.map(|name| format!("\n  namespace: {}", quoted(name))).unwrap_or_default();
    let head = format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}{namespace}");
    format!("{head}\nrules:{rules}")
}

/// One rule of a Role.
#[derive(Debug, PartialEq, Eq)]
struct Rule<'a> {
    group: &'a str,
    resources: BTreeSet<&'a str>,
    /// Any, if empty.
    names: BTreeSet<&'a str>,
    verbs: BTreeSet<Verb>,
}

impl Rule<'_> {
    fn told(&self) -> String {
        let verbs: Vec<&str> = self.verbs.iter().map(|verb| verb.word()).collect();
        let resources: Vec<String> = self.resources.iter().map(|resource| format!("`{resource}`")).collect();
        format!("{} on {}", verbs.join(", "), resources.join(", "))
    }

    fn yaml(&self) -> String {
        let mut text = format!("\n- apiGroups: [{}]", quoted(self.group));
        text += &format!("\n  resources: {}", flow(self.resources.iter().copied()));
        if !self.names.is_empty() {
            text += &format!("\n  resourceNames: {}", flow(self.names.iter().copied()));
        }
        text + &format!("\n  verbs: {}", flow(self.verbs.iter().map(|verb| verb.word())))
    }
}

/// As few rules as say the same.
fn rules<'a>(needs: &[&'a Need]) -> Vec<Rule<'a>> {
    let mut names: BTreeMap<(&str, &str, Verb), BTreeSet<Option<&str>>> = BTreeMap::new();
    for need in needs {
        names.entry((&need.group, &need.resource, need.verb)).or_default().insert(restricted(need));
    }
    let mut verbs: BTreeMap<(&str, &str, BTreeSet<&str>), BTreeSet<Verb>> = BTreeMap::new();
    for ((group, resource, verb), names) in names {
        // What is needed for any object needs no names.
        let names: Option<BTreeSet<&str>> = names.into_iter().collect();
        verbs.entry((group, resource, names.unwrap_or_default())).or_default().insert(verb);
    }
    let mut rules: Vec<Rule<'_>> = Vec::new();
    for ((group, resource, names), verbs) in verbs {
        let fits = |rule: &&mut Rule<'_>| rule.group == group && rule.names == names && rule.verbs == verbs;
        match rules.iter_mut().find(fits).filter(|rule| rule.names.is_empty()) {
            Some(rule) => drop(rule.resources.insert(resource)),
            None => rules.push(Rule { group, resources: [resource].into(), names, verbs }),
        }
    }
    rules
}

/// The one object for which a right is enough: to read and write one Secret is much less than to read and write all of them,
/// and so it is for what is cluster-wide. The next object is made under the right to create any; a generated name is another
/// the next time.
fn restricted(need: &Need) -> Option<&str> {
    let is_worth_it = need.resource == "secrets" && need.group.is_empty()
        || need.namespace.is_none()
        || need.resource == "namespaces";
    let by_name = matches!(need.verb, Verb::Get | Verb::Patch) && is_worth_it;
    need.name.as_deref().filter(|name| by_name && content_hash("Secret", name).is_none())
}

fn flow<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", words.map(quoted).collect::<Vec<_>>().join(", "))
}

/// JSON's texts are YAML's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(verb: Verb, group: &str, resource: &str, name: &str) -> Need {
        Need::new(verb, group, resource, Some("n")).of(name)
    }

    #[test]
    fn rules_are_merged_and_secrets_named() {
        let missing = [
            need(Verb::Patch, "", "secrets", "b"),
            need(Verb::Patch, "", "secrets", "a"),
            need(Verb::Create, "", "secrets", "a"),
            need(Verb::Create, "", "configmaps", "c"),
            need(Verb::Patch, "apps", "deployments", "d"),
            need(Verb::Patch, "apps", "statefulsets", "s"),
            Need::new(Verb::List, "apps", "statefulsets", Some("n")),
            Need::new(Verb::List, "apps", "deployments", Some("n")),
        ];
        let text = role(&missing);
        let (head, rules) = text.split_once("\nrules:\n").unwrap();
        assert!(
            head.starts_with("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: secret-patch-")
        );
        assert!(head.ends_with("\n  namespace: \"n\""), "{head}");
        assert_eq!(
            rules,
            r#"- apiGroups: [""]
  resources: ["configmaps", "secrets"]
  verbs: ["create"]
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: ["a", "b"]
  verbs: ["patch"]
- apiGroups: ["apps"]
  resources: ["deployments", "statefulsets"]
  verbs: ["list", "patch"]"#
        );
        assert_eq!(
            told(&missing),
            "create on `configmaps`, `secrets`; patch on `secrets`; list, patch on `deployments`, `statefulsets` in namespace `n`"
        );
    }

    #[test]
    fn each_place_has_a_role_and_no_name_tells_a_hash_of_values() {
        let missing = [
            need(Verb::Get, "", "secrets", "app-82fhgmbkt4"),
            Need::new(Verb::Patch, "", "namespaces", Some("n")).of("n"),
            Need::new(Verb::Get, "", "secrets", Some("m")).of("app"),
        ];
        let text = role(&missing);
        assert!(!text.contains("82fhgmbkt4"), "{text}");
        let list: Value = serde_yaml::from_str(&text).unwrap();
        let kinds: Vec<&str> =
            list["items"].as_array().unwrap().iter().map(|role| role["kind"].as_str().unwrap()).collect();
        assert_eq!((&list["kind"], kinds), (&Value::from("List"), vec!["ClusterRole", "Role", "Role"]));
        assert_eq!(list["items"][0]["rules"][0]["resourceNames"][0], "n");
        assert_eq!(list["items"][2]["rules"][0].get("resourceNames"), None);
        let names: BTreeSet<String> =
            list["items"].as_array().unwrap().iter().map(|role| role["metadata"]["name"].to_string()).collect();
        assert_eq!(names.len(), 3);
    }
}
