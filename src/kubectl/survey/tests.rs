use serde_json::{Value, json};

use super::super::Ending;
use super::super::fake::{answering, failure, success};
use super::*;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn object(kind: &str, namespace: Option<&str>, name: &str) -> Object {
    let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
    let mut value = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "data": {"A": "HUSH"}});
    if let Some(namespace) = namespace {
        value["metadata"]["namespace"] = json!(namespace);
    }
    Object::parse(value).unwrap()
}

fn objects(kind: &str, count: usize) -> Vec<Object> {
    (0..count).map(|number| object(kind, Some("n"), &format!("s{number}"))).collect()
}

fn answer(objects: &[Object]) -> String {
    json!({"kind": "List", "items": objects.iter().map(Object::as_value).collect::<Vec<_>>()}).to_string()
}

/// As the server itself answers.
fn listed(kind: &str, objects: &[Object]) -> Ending {
    let bare = |object: &Object| {
        let mut value = object.as_value().clone();
        value.as_object_mut().unwrap().retain(|field, _| field != "kind" && field != "apiVersion");
        value
    };
    let items: Vec<Value> = objects.iter().map(bare).collect();
    success(&json!({"kind": format!("{kind}List"), "apiVersion": "v1", "metadata": {}, "items": items}).to_string())
}

fn forbidden(kind: &str) -> Ending {
    failure(&format!(
        "Error from server (Forbidden): {kind} is forbidden: User \"u\" cannot list resource \"{kind}\" in API group \"\" in the namespace \"n\"\n"
    ))
}

fn ids(found: impl IntoIterator<Item = ObjectId>) -> Vec<String> {
    found.into_iter().collect::<BTreeSet<_>>().iter().map(ObjectId::to_string).collect()
}

/// The mark of a set in the namespace `n`.
struct Ground {
    set: Set,
    namespaces: BTreeSet<String>,
}

impl Ground {
    fn new() -> Self {
        Self { set: Set::new("o/n", ".", "demo"), namespaces: BTreeSet::from(["n".to_owned()]) }
    }

    fn sought(&self) -> Sought<'_> {
        Sought { set: &self.set, holders: &[Holder::Secret, Holder::ConfigMap], namespaces: &self.namespaces }
    }
}

#[test]
fn few_objects_are_asked_for_by_name_without_their_content() {
    let wanted = [
        object("Secret", None, "a"),
        object("Secret", Some("m"), "a"),
        object("Namespace", None, "m"),
        object("Secret", Some("m"), "gone"),
    ];
    let found = [object("Secret", Some("m"), "a"), object("Namespace", None, "m")];
    let kubectl = answering([success(&answer(&found))]);
    let live = run(kubectl.get(&wanted)).unwrap();
    assert_eq!(ids(live.into_keys()), ["Namespace m", "Secret m/a"]);
    assert_eq!(kubectl.launcher.words(0), "get -f - -o json --show-managed-fields --ignore-not-found");
    let calls = kubectl.launcher.calls.borrow();
    let input: Value = serde_json::from_slice(&calls[0].input).unwrap();
    assert_eq!(
        input["items"][1],
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "m"}})
    );
    let in_context = run(answering([success(&answer(&[object("Secret", Some("n"), "a")]))]).get(&wanted)).unwrap();
    assert_eq!(ids(in_context.into_keys()), ["Secret a"]);
    assert!(run(answering([success("")]).get(&wanted)).unwrap().is_empty());
    assert!(run(answering([]).get(&[])).unwrap().is_empty());
}

#[test]
fn many_objects_of_a_kind_are_listed_and_the_others_asked_for_by_name() {
    let mut wanted = objects("Secret", 100);
    wanted.extend(objects("Deployment", 20));
    wanted.push(object("Service", Some("n"), "web"));
    let mut there = wanted[..2].to_vec();
    there.push(object("Secret", Some("n"), "of-another"));
    let answers = [listed("Secret", &there), success(&answer(&wanted[100..101])), success(&answer(&wanted[120..]))];
    let kubectl = answering(answers);
    let live = run(kubectl.get(&wanted)).unwrap();
    assert_eq!(ids(live.into_keys()), ["Secret n/s0", "Secret n/s1", "Service n/web", "Deployment n/s0"]);
    assert_eq!(kubectl.launcher.words(0), "get --raw /api/v1/namespaces/n/secrets");
    let some = "get Deployment.v1.apps -n n -o json --show-managed-fields --ignore-not-found";
    assert_eq!(kubectl.launcher.words(1), some);
    assert!(kubectl.launcher.words(2).starts_with("get -f -"));
}

#[test]
fn where_a_list_is_forbidden_objects_are_asked_for_by_name() {
    let wanted = objects("Secret", 100);
    let answers = [forbidden("secrets"), success(&answer(&wanted[..60])), success(&answer(&wanted[60..99]))];
    assert_eq!(run(answering(answers).get(&wanted)).unwrap().len(), 99);
    let down = failure("Unable to connect to the server: EOF");
    assert_eq!(run(answering([down]).get(&wanted)).unwrap_err()[0].kind, "server-unreachable");
}

#[test]
fn a_list_of_all_also_tells_what_bears_the_mark() {
    let ground = Ground::new();
    let wanted = objects("Secret", 100);
    let gone = ground.set.mark(object("Secret", Some("n"), "gone"));
    let mut of_helm = ground.set.mark(object("Secret", Some("n"), "of-helm"));
    of_helm.as_value_mut()["metadata"]["labels"] = json!({"owner": "helm"});
    let others = Set::new("o/n", ".", "other").mark(object("Secret", Some("n"), "of-another"));
    let there = [wanted[0].clone(), gone, of_helm, others];
    let kubectl = answering([listed("Secret", &there), success("ConfigMap old\n")]);
    let found = run(kubectl.survey(&wanted, ground.sought()));
    assert_eq!(ids(found.read.live.into_keys()), ["Secret n/s0"]);
    assert_eq!(ids(found.marked.unwrap()), ["ConfigMap n/old", "Secret n/gone"]);
    assert!(kubectl.launcher.words(1).starts_with("get configmaps -n n "));
}

#[test]
fn marks_that_may_not_be_listed_are_told_once_and_keep_nothing_back() {
    let ground = Ground::new();
    let few = objects("Secret", 2);
    let both = failure(
        "Error from server (Forbidden): secrets is forbidden: User \"u\" cannot list resource \"secrets\" in API group \"\" in the namespace \"n\"\n\
         Error from server (Forbidden): configmaps is forbidden: User \"u\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"n\"\n",
    );
    let found = run(answering([success(&answer(&few)), both]).survey(&few, ground.sought()));
    let kinds: Vec<&str> = found.marked.unwrap_err().iter().map(|problem| problem.kind).collect();
    assert_eq!((found.read.live.len(), kinds), (2, vec!["forbidden", "forbidden"]));

    let many = objects("Secret", 61);
    let answers = [forbidden("secrets"), success(&answer(&many[..60])), success(&answer(&many[60..])), success("")];
    let found = run(answering(answers).survey(&many, ground.sought()));
    assert_eq!((found.read.live.len(), found.marked.unwrap_err()[0].kind), (61, "forbidden"));
    assert_eq!(found.read.notices[0].kind, "slower");
}

#[test]
fn what_a_survey_asks_is_started_ahead_word_for_word() {
    let ground = Ground::new();
    for (count, answers) in [(2, vec![success(""), success("")]), (100, vec![listed("ConfigMap", &[]), success("")])] {
        let kubectl = answering(answers);
        let likely = objects("ConfigMap", count);
        kubectl.survey_ahead(&likely, ground.sought());
        assert_eq!(run(kubectl.survey(&likely, ground.sought())).marked.unwrap(), []);
        let asked: Vec<_> = kubectl.launcher.calls.borrow().iter().map(|call| call.arguments.clone()).collect();
        assert_eq!(*kubectl.launcher.ahead.borrow(), asked);
    }
    let kubectl = answering([]);
    let namespaces: BTreeSet<String> = (0..9).map(|number| number.to_string()).collect();
    kubectl.survey_ahead(&objects("Secret", 1), Sought { namespaces: &namespaces, ..ground.sought() });
    assert_eq!(kubectl.launcher.ahead.borrow().len(), CONCURRENCY);
}
