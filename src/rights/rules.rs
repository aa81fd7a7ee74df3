//! What the server says that a user may do in a namespace.

use serde_json::Value;

use super::Need;

/// The `status` of a SelfSubjectRulesReview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Whether what is not allowed by them is not allowed: some authorizers cannot list what they would allow.
    pub complete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    verbs: Vec<String>,
    groups: Vec<String>,
    resources: Vec<String>,
    /// Any, if empty.
    names: Vec<String>,
}

impl Rules {
    /// Reads `review`, the answered SelfSubjectRulesReview.
    #[must_use]
    pub fn parse(review: &Value) -> Option<Self> {
        let status = review.get("status")?.as_object()?;
        let list = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let rule = |rule: &Value| Rule {
            verbs: list(&rule["verbs"]),
            groups: list(&rule["apiGroups"]),
            resources: list(&rule["resources"]),
            names: list(&rule["resourceNames"]),
        };
        let failed = status.get("evaluationError").and_then(Value::as_str).is_some_and(|error| !error.is_empty());
        let complete = status.get("incomplete").and_then(Value::as_bool) == Some(false) && !failed;
        let rules = status.get("resourceRules").and_then(Value::as_array).into_iter().flatten().map(rule).collect();
        Some(Self { rules, complete })
    }

    /// Whether a rule allows `need`, which is of the namespace that was asked about.
    #[must_use]
    pub fn allow(&self, need: &Need) -> bool {
        let holds = |list: &[String], word: &str| list.iter().any(|item| item == "*" || item == word);
        self.rules.iter().any(|rule| {
            let named = || need.name.as_ref().is_some_and(|name| rule.names.contains(name));
            holds(&rule.verbs, need.verb.word())
                && holds(&rule.groups, &need.group)
                && holds(&rule.resources, &need.resource)
                && (rule.names.is_empty() || named())
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rights::Verb;

    #[test]
    fn a_rule_allows_what_it_names() {
        let review = json!({"status": {"incomplete": false, "resourceRules": [
            {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["secrets", "configmaps"]},
            {"verbs": ["patch"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["app"]},
            {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["*"]}]}});
        let rules = Rules::parse(&review).unwrap();
        assert!(rules.complete);
        let may = |verb, group, resource| rules.allow(&Need::new(verb, group, resource, Some("n")));
        assert!(may(Verb::List, "", "configmaps") && may(Verb::Delete, "apps", "deployments"));
        assert!(!may(Verb::Watch, "", "configmaps") && !may(Verb::Get, "batch", "jobs"));
        assert!(!may(Verb::Patch, "", "secrets"), "a rule for one name is none for all");
        assert!(rules.allow(&Need::new(Verb::Patch, "", "secrets", Some("n")).of("app")));
        assert!(!rules.allow(&Need::new(Verb::Patch, "", "secrets", Some("n")).of("other")));
    }

    #[test]
    fn what_could_not_be_evaluated_is_not_complete() {
        for status in [
            json!({"incomplete": true}),
            json!({"incomplete": false, "evaluationError": "webhook"}),
            json!({"resourceRules": []}),
        ] {
            assert!(!Rules::parse(&json!({"status": status})).unwrap().complete, "{status}");
        }
        assert_eq!(Rules::parse(&json!({"kind": "Status"})), None);
    }
}
