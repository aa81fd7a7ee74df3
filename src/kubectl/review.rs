//! What the kubeconfig's user may do, asked of the server's authorizers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::cut::cut;
use super::{Ending, Kubectl, Launch, errors, list, unreadable};
use crate::error::Problem;
use crate::rights::{Need, Resource, Rules, Scope};

/// What a user may not do of what was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// Not allowed, in order.
    pub missing: Vec<Need>,
    /// Neither allowed nor denied, because an authorizer failed, with what it said.
    pub undecided: Vec<(Need, String)>,
    /// As the server calls the user; known where something is missing, if it tells.
    pub user: Option<String>,
}

impl<L: Launch> Kubectl<L> {
    /// Which of `needs` the user lacks. One call where all is allowed by rules that the server can list.
    ///
    /// # Errors
    /// Why the server does not answer such questions.
    pub async fn review(&self, needs: &[Need]) -> Result<Review, Problem> {
        let mut open: BTreeSet<Need> = needs.iter().cloned().collect();
        let namespaces: BTreeSet<String> = open.iter().filter_map(|need| need.namespace.clone()).collect();
        let (rules, user) = self.rules(&namespaces).await;
        let of_place = |need: &Need| need.namespace.as_ref().and_then(|namespace| rules.get(namespace));
        open.retain(|need| !of_place(need).is_some_and(|rules| rules.allow(need)));
        let is_settled = |need: &&Need| of_place(need).is_some_and(|rules| rules.complete);
        let (missing, asked): (Vec<&Need>, Vec<&Need>) = open.iter().partition(is_settled);
        let mut review = Review { missing: missing.into_iter().cloned().collect(), user, ..Review::default() };
        self.ask_each(asked.into_iter().cloned().collect(), &mut review).await?;
        review.missing.sort();
        Ok(review)
    }

    /// How the server's rules name each of its kinds, by group and kind.
    ///
    /// # Errors
    /// Why there was no answer.
    pub async fn resources(&self) -> Result<BTreeMap<(String, String), Resource>, Problem> {
        let stdout = match self.cluster(&["api-resources", "--no-headers"], Default::default()).await {
            Ending::Success { stdout, .. } => stdout,
            Ending::Failed { stdout, .. } if !stdout.expose().is_empty() => stdout,
            Ending::Failed { stderr, .. } => return Err(errors::problem(&stderr, None)),
            other => return Err(errors::unfinished(&other)),
        };
        let text = std::str::from_utf8(stdout.expose()).map_err(|_| unreadable("kubectl api-resources"))?;
        Ok(text.lines().filter_map(resource).collect())
    }

    /// The rules of each namespace and the user's name, as far as the server tells.
    async fn rules(&self, namespaces: &BTreeSet<String>) -> (BTreeMap<String, Rules>, Option<String>) {
        let ask = |namespace| json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}});
        let mut asked: Vec<Value> = namespaces.iter().map(ask).collect();
        asked.push(json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}));
        let (answers, _) = self.answers(&asked).await;
        let of_kind = |kind: &'static str| answers.iter().filter(move |answer| answer["kind"] == kind);
        let user =
            of_kind("SelfSubjectReview").find_map(|answer| answer.pointer("/status/userInfo/username")?.as_str());
        // The answers are in order, and do not say for which namespace they are.
        let rules: Vec<Rules> = of_kind("SelfSubjectRulesReview").filter_map(Rules::parse).collect();
        let rules = if rules.len() == namespaces.len() { rules } else { Vec::new() };
        (namespaces.iter().cloned().zip(rules).collect(), user.map(str::to_owned))
    }

    /// Asks for any object first, which is one question for many needs, and then for the one of each need.
    async fn ask_each(&self, mut open: BTreeSet<Need>, review: &mut Review) -> Result<(), Problem> {
        let any = |need: &Need| Need { name: None, ..need.clone() };
        if open.iter().any(|need| need.name.is_some()) {
            let wide: BTreeSet<Need> = open.iter().map(any).collect();
            let decisions = self.decisions(wide).await?;
            open.retain(|need| decisions.get(&any(need)) != Some(&Decision::Allowed));
        }
        for (need, decision) in self.decisions(open).await? {
            match decision {
                Decision::Allowed => {}
                Decision::Refused => review.missing.push(need),
                Decision::Undecided(why) => review.undecided.push((need, why)),
            }
        }
        Ok(())
    }

    async fn decisions(&self, needs: BTreeSet<Need>) -> Result<BTreeMap<Need, Decision>, Problem> {
        if needs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let asked: Vec<Value> = needs.iter().map(access_review).collect();
        let (answers, failure) = self.answers(&asked).await;
        if let (true, Some(failure)) = (answers.is_empty(), failure) {
            return Err(failure);
        }
        let decision = |need: Need| {
            let asked = access_review(&need);
            let answer = answers.iter().find(|answer| answer["spec"] == asked["spec"]);
            let decision = answer.map_or(Decision::Undecided("no answer".to_owned()), Decision::of);
            (need, decision)
        };
        Ok(needs.into_iter().map(decision).collect())
    }

    /// What the server makes of reviews, which are created and never stored; and why some have no answer.
    async fn answers(&self, asked: &[Value]) -> (Vec<Value>, Option<Problem>) {
        let words = ["create", "-f", "-", "--validate=ignore", "-o", "json"];
        let (stdout, failure) = match self.cluster(&words, list(asked)).await {
            Ending::Success { stdout, .. } => (stdout, None),
            Ending::Failed { stdout, stderr, .. } => (stdout, Some(errors::problem(&stderr, None))),
            other => return (Vec::new(), Some(errors::unfinished(&other))),
        };
        let answers = serde_json::Deserializer::from_slice(stdout.expose()).into_iter::<Value>();
        (answers.map_while(Result::ok).collect(), failure)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    Allowed,
    Refused,
    Undecided(String),
}

impl Decision {
    fn of(answer: &Value) -> Self {
        let status = &answer["status"];
        let error = status["evaluationError"].as_str().unwrap_or_default();
        if status["allowed"] == true {
            Self::Allowed
        } else if status["denied"] == true || error.is_empty() {
            Self::Refused
        } else {
            Self::Undecided(cut(error))
        }
    }
}

fn access_review(need: &Need) -> Value {
    let mut attributes = json!({"verb": need.verb.word(), "resource": need.resource});
    let optional = [
        ("group", Some(need.group.as_str()).filter(|group| !group.is_empty())),
        ("namespace", need.namespace.as_deref()),
        ("name", need.name.as_deref()),
    ];
    for (field, text) in optional.into_iter().filter_map(|(field, text)| Some((field, text?))) {
        attributes[field] = json!(text);
    }
    json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}})
}

/// `deployments   deploy   apps/v1   true   Deployment`, where the second column may be empty.
fn resource(line: &str) -> Option<((String, String), Resource)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [plural, .., version, namespaced, kind] = words.as_slice() else { return None };
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let scope = if *namespaced == "true" { Scope::Namespaced } else { Scope::Cluster };
    Some(((group.to_owned(), (*kind).to_owned()), Resource { plural: (*plural).to_owned(), scope }))
}

#[cfg(test)]
mod tests {
    use super::super::fake::{answering, failure, success};
    use super::*;
    use crate::rights::Verb;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn need(verb: Verb, name: &str) -> Need {
        Need::new(verb, "", "secrets", Some("n")).of(name)
    }

    fn rules(incomplete: bool, verbs: &[&str]) -> String {
        let rule = json!({"verbs": verbs, "apiGroups": [""], "resources": ["secrets"]});
        let status = json!({"incomplete": incomplete, "resourceRules": [rule]});
        let user = json!({"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "jane"}}});
        format!("{}\n{user}\n", json!({"kind": "SelfSubjectRulesReview", "spec": {}, "status": status}))
    }

    fn access(need: &Need, status: Value) -> String {
        let mut review = access_review(need);
        review["status"] = status;
        review.to_string()
    }

    #[test]
    fn what_complete_rules_say_needs_no_further_question() {
        let needs = [need(Verb::Get, "a"), need(Verb::Patch, "b"), need(Verb::Get, "a")];
        let kubectl = answering([success(&rules(false, &["get"]))]);
        let review = run(kubectl.review(&needs)).unwrap();
        assert_eq!((review.missing, review.user.as_deref()), (vec![need(Verb::Patch, "b")], Some("jane")));
        assert_eq!(kubectl.launcher.words(0), "create -f - --validate=ignore -o json");
        assert_eq!(run(answering([success(&rules(false, &["*"]))]).review(&needs)).unwrap().missing, []);
    }

    #[test]
    fn what_rules_leave_open_is_asked_first_for_any_object_and_then_for_each() {
        let needs = [need(Verb::Patch, "a"), need(Verb::Patch, "b"), need(Verb::Delete, "a"), need(Verb::Create, "a")];
        let any = |verb| Need::new(verb, "", "secrets", Some("n"));
        let (yes, no) = (json!({"allowed": true}), json!({"allowed": false}));
        let broken = json!({"allowed": false, "evaluationError": "webhook: timeout"});
        let wide = [
            access(&any(Verb::Patch), no.clone()),
            access(&any(Verb::Delete), no.clone()),
            access(&any(Verb::Create), yes.clone()),
        ];
        let each = [access(&needs[0], yes), access(&needs[1], no), access(&needs[2], broken)];
        let kubectl = answering([success(&rules(true, &["get"])), success(&wide.concat()), success(&each.concat())]);
        let review = run(kubectl.review(&needs)).unwrap();
        assert_eq!(review.missing, [need(Verb::Patch, "b")]);
        assert_eq!(review.undecided, [(need(Verb::Delete, "a"), "webhook: timeout".to_owned())]);
        let asked =
            |call: usize| -> Value { serde_json::from_slice(&kubectl.launcher.calls.borrow()[call].input).unwrap() };
        assert_eq!((asked(1)["items"].as_array().unwrap().len(), asked(2)["items"].as_array().unwrap().len()), (3, 3));
    }

    #[test]
    fn a_server_that_answers_nothing_is_no_refusal() {
        let forbidden = "Error from server (Forbidden): selfsubjectaccessreviews.authorization.k8s.io is forbidden: User \"u\" cannot create resource \"selfsubjectaccessreviews\" in API group \"authorization.k8s.io\" at the cluster scope";
        let mute = || failure(forbidden);
        assert_eq!(run(answering([mute(), mute()]).review(&[need(Verb::Get, "a")])).unwrap_err().kind, "forbidden");
    }

    #[test]
    fn kinds_are_read_from_the_table_of_resources() {
        let table = "deployments   deploy   apps/v1   true   Deployment\nnamespaces   ns   v1   false   Namespace\nwidgets   example.com/v1   true   Widget\n";
        let resources = run(answering([success(table)]).resources()).unwrap();
        let found = |group: &str, kind: &str| resources[&(group.to_owned(), kind.to_owned())].clone();
        assert_eq!(
            found("apps", "Deployment"),
            Resource { plural: "deployments".to_owned(), scope: Scope::Namespaced }
        );
        assert_eq!(found("", "Namespace").scope, Scope::Cluster);
        assert_eq!(found("example.com", "Widget").plural, "widgets");
    }
}
