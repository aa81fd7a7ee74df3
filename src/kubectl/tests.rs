use std::time::Duration;

use serde_json::{Value, json};

use super::fake::{answering, failure, success};
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

fn secrets(count: usize) -> Vec<Object> {
    (0..count).map(|number| object("Secret", Some("n"), &format!("s{number}"))).collect()
}

fn answer(objects: &[Object]) -> String {
    json!({"kind": "List", "items": objects.iter().map(Object::as_value).collect::<Vec<_>>()}).to_string()
}

fn anything(objects: &[Object]) -> Vec<Expected> {
    vec![Expected::Anything; objects.len()]
}

fn input(call: &Call) -> Value {
    serde_json::from_slice(&call.input).unwrap()
}

fn line(path: &str, status: &str) -> String {
    format!(
        "I1122 15:34:36.234251   20347 round_trippers.go:632] \"Response\" verb=\"PATCH\" url=\"https://h:1/api/v1/namespaces/n/{path}?fieldManager=secret-patch&force=false\" status=\"{status}\" milliseconds=10\n"
    )
}

#[test]
fn kubectl_is_looked_for_beside_us_then_in_the_path_and_never_in_the_checkout() {
    let root = std::env::temp_dir().join(format!("find-{}", std::process::id()));
    for directory in ["own", "listed"] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
        std::fs::write(root.join(directory).join("kubectl"), "").unwrap();
    }
    let allow = |directory: &str| {
        std::fs::set_permissions(root.join(directory).join("kubectl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let own = root.join("own/secret-patch");
    let path = std::env::join_paths([Path::new("."), Path::new(""), &root.join("listed")]).unwrap();
    assert_eq!(find(Some(&own), Some(&path)).unwrap_err().kind, "kubectl-missing");
    allow("listed");
    assert_eq!(find(Some(&own), Some(&path)).unwrap(), root.join("listed/kubectl"));
    allow("own");
    assert_eq!(find(Some(&own), Some(&path)).unwrap(), root.join("own/kubectl"));
    assert!(find(None, None).is_err());
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn versions_more_than_a_minor_apart_are_refused() {
    let versions = |server: &str| {
        let text = json!({"clientVersion": {"major": "1", "minor": "37", "gitVersion": "v1.37.1"},
            "serverVersion": {"major": "1", "minor": server, "gitVersion": format!("v1.{server}.0-eks-1")}});
        run(answering([success(&text.to_string())]).version()).unwrap()
    };
    assert_eq!(versions("36+").server.minor, 36);
    assert_eq!(versions("38").skew(), None);
    let skew = versions("35+").skew().unwrap();
    assert_eq!((skew.kind, skew.is_error()), ("kubectl-skew", true));
    assert_eq!(skew.message, "kubectl is v1.37.1, the server v1.35+.0-eks-1: more than one minor version apart");
    let client_only = json!({"clientVersion": {"major": "1", "minor": "37", "gitVersion": "v1.37.1"}}).to_string();
    assert_eq!(run(answering([success(&client_only)]).version()).unwrap_err().kind, "kubectl-answer");
    let refused = failure("The connection to the server h:1 was refused - did you specify the right host or port?");
    assert_eq!(run(answering([refused]).version()).unwrap_err().kind, "server-unreachable");
}

#[test]
fn a_build_gets_no_kubeconfig() {
    let kubectl = answering([success("kind: X\n")]);
    let fence = Fence { files: vec!["/a".into()], network: false };
    let (yaml, warnings) = run(kubectl.kustomize(Path::new("-odd"), fence.clone())).unwrap();
    assert_eq!((yaml.expose(), warnings.len()), (&b"kind: X\n"[..], 0));
    assert_eq!(kubectl.launcher.words(0), "kustomize --load-restrictor LoadRestrictionsNone -- -odd");
    let call = &kubectl.launcher.calls.borrow()[0];
    assert_eq!((call.reach, call.fence.as_ref()), (Reach::Files, Some(&fence)));
}

#[test]
fn what_is_sent_holds_nothing_of_the_servers() {
    let mut secret = object("Secret", Some("n"), "a");
    secret.as_value_mut()["metadata"]["resourceVersion"] = json!("1");
    secret.as_value_mut()["status"] = json!({});
    let kubectl = answering([success("secret/a\n")]);
    let applied = run(kubectl.apply(&[secret], &[Expected::Anything], Conflicts::Refuse));
    assert_eq!(applied.written, [Written::Done]);
    let calls = kubectl.launcher.calls.borrow();
    assert_eq!(input(&calls[0])["items"], json!([object("Secret", Some("n"), "a").as_value()]));
    assert_eq!(
        kubectl.launcher.words(0),
        "apply --server-side --field-manager=secret-patch --validate=ignore -f - -o name -v=6"
    );
}

#[test]
fn what_is_expected_is_sent_and_what_was_otherwise_is_told_without_a_problem() {
    let objects = [
        object("Secret", Some("n"), "a"),
        object("ConfigMap", Some("n"), "a"),
        object("Secret", Some("n"), "b"),
        object("Secret", Some("n"), "c"),
    ];
    let expected = [Expected::Absent, Expected::Version("7".to_owned()), Expected::Absent, Expected::Anything];
    let stderr = [
        &line("secrets/a", "409 Conflict"),
        &line("configmaps/a", "409 Conflict"),
        &line("secrets/b", "201 Created"),
        &line("secrets/c", "200 OK"),
        "Apply failed with 1 conflict: conflict with \"other\": .data.A\n",
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes\nPlease review\n",
    ].concat();
    let kubectl = answering([failure(&stderr)]);
    let applied = run(kubectl.apply(&objects, &expected, Conflicts::Refuse));
    assert_eq!(applied.written, [Written::Refused, Written::Outdated, Written::Done, Written::Done]);
    let told: Vec<_> =
        applied.problems.iter().map(|problem| (problem.kind, problem.message.split('`').nth(1).unwrap())).collect();
    assert_eq!(told, [("conflict", "Secret n/a")]);
    let sent = input(&kubectl.launcher.calls.borrow()[0]);
    let versions: Vec<_> =
        sent["items"].as_array().unwrap().iter().map(|item| item["metadata"].get("resourceVersion").cloned()).collect();
    assert_eq!(versions, [Some(json!("1")), Some(json!("7")), Some(json!("1")), None]);
}

#[test]
fn a_partial_failure_is_told_object_by_object() {
    let objects = [
        object("Secret", Some("n"), "a"),
        object("ConfigMap", Some("n"), "a"),
        object("Foo", Some("n"), "f"),
        object("Secret", Some("n"), "b"),
    ];
    let log = "I1122 15:36:10.971991   24871 helpers.go:247] server response object: {\n  \"kind\": \"Status\",\n  \"message\": \"HUSH\"\n}\n";
    let stderr = [
        &line("secrets/a", "409 Conflict"),
        &line("configmaps/a", "200 OK"),
        &line("secrets/b", "403 Forbidden"),
        log,
        "unable to recognize no matches for kind \"Foo\" in version \"v1\"\nApply failed with 1 conflict: conflict with \"other\": .data.A\nPlease review the fields above\n* advice\n",
        "Error from server (Forbidden): secrets \"b\" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0\n",
    ].concat();
    let applied = run(answering([failure(&stderr)]).apply(&objects, &anything(&objects), Conflicts::Refuse));
    assert_eq!(applied.written, [Written::Refused, Written::Done, Written::Refused, Written::Refused]);
    let told: Vec<_> =
        applied.problems.iter().map(|problem| (problem.kind, problem.message.split('`').nth(1).unwrap())).collect();
    assert_eq!(told, [("unknown-kind", "Foo n/f"), ("conflict", "Secret n/a"), ("quota-exceeded", "Secret n/b")]);
}

#[test]
fn an_apply_that_is_killed_tells_what_is_not_known() {
    let objects = secrets(3);
    let stderr =
        Untrusted::new([line("secrets/s0", "200 OK"), line("secrets/s1", "422 Unprocessable Entity")].concat());
    let timed_out = Ending::TimedOut { deadline: Duration::from_secs(9), stderr };
    let applied = run(answering([timed_out]).apply(&objects, &anything(&objects), Conflicts::Refuse));
    assert_eq!(applied.written, [Written::Done, Written::Refused, Written::Unknown]);
    assert_eq!(applied.problems.last().unwrap().kind, "kubectl-timeout");
}

#[test]
fn a_request_without_an_answer_is_not_known_whatever_kubectl_calls_it() {
    let objects = secrets(3);
    for said in ["error: malformed HTTP status code \"2\"\n", "error: something new\n"] {
        let stderr = [line("secrets/s0", "200 OK"), line("secrets/s1", ""), line("secrets/s2", "200 OK"), said.into()];
        let applied =
            run(answering([failure(&stderr.concat())]).apply(&objects, &anything(&objects), Conflicts::Refuse));
        assert_eq!(applied.written, [Written::Done, Written::Unknown, Written::Done]);
        assert_eq!(applied.problems.len(), 1);
        let alone = line("secrets/s0", "") + said;
        let applied =
            run(answering([failure(&alone)]).apply(&objects[..1], &anything(&objects[..1]), Conflicts::Refuse));
        assert_eq!(applied.written, [Written::Unknown]);
    }
}

#[test]
fn a_dry_run_whose_answers_are_lost_twice_is_no_dry_run() {
    let objects = secrets(1);
    let stderr = line("secrets/s0", "200 OK") + "error: unexpected EOF\n";
    let kubectl = answering([failure(&stderr), failure(&stderr)]);
    let dry_run = run(kubectl.dry_run(&objects, Conflicts::Refuse)).unwrap();
    assert_eq!((dry_run.problems[0].kind, dry_run.problems.len()), ("server-unreachable", 1));
    let kubectl = answering([failure(&stderr), success(&answer(&objects))]);
    let dry_run = run(kubectl.dry_run(&objects, Conflicts::Refuse)).unwrap();
    assert!(dry_run.problems.is_empty() && dry_run.answers[0].is_some());
}

#[test]
fn a_server_that_goes_away_in_the_middle_leaves_the_rest_unknown() {
    let objects = secrets(2);
    let stderr = line("secrets/s0", "200 OK") + "Unable to connect to the server: EOF\n";
    let applied = run(answering([failure(&stderr)]).apply(&objects, &anything(&objects), Conflicts::Refuse));
    assert_eq!(applied.written, [Written::Done, Written::Unknown]);
    assert_eq!(applied.problems.len(), 1);
}

#[test]
fn a_dry_run_answers_for_each_object() {
    let objects = secrets(3);
    let kubectl = answering([success(&answer(&objects))]);
    let dry_run = run(kubectl.dry_run(&objects, Conflicts::Force)).unwrap();
    assert!(dry_run.answers.iter().all(Option::is_some));
    assert_eq!(
        kubectl.launcher.words(0),
        "apply --server-side --field-manager=secret-patch --validate=ignore -f - --dry-run=server -o json --show-managed-fields -v=6 --force-conflicts"
    );
    let short = run(answering([success(&answer(&objects[..2]))]).dry_run(&objects, Conflicts::Refuse));
    assert_eq!(short.unwrap_err().kind, "kubectl-answer");
}

#[test]
fn a_dry_run_that_is_refused_in_part_asks_again_for_the_rest() {
    let objects = secrets(3);
    let stderr = [line("secrets/s0", "200 OK"), line("secrets/s1", "409 Conflict"), line("secrets/s2", "200 OK")]
        .concat()
        + "error: Apply failed with 1 conflict: conflict with \"other\": .data.A\n";
    let rest = [objects[0].clone(), objects[2].clone()];
    let kubectl = answering([failure(&stderr), success(&answer(&rest))]);
    let dry_run = run(kubectl.dry_run(&objects, Conflicts::Refuse)).unwrap();
    assert_eq!(dry_run.answers, [Some(objects[0].clone()), None, Some(objects[2].clone())]);
    assert_eq!(dry_run.problems.len(), 1);
    assert!(dry_run.problems[0].message.starts_with("`Secret n/s1` has fields"));
}

#[test]
fn errors_that_cannot_be_told_apart_are_asked_for_one_by_one() {
    let objects = secrets(2);
    let stderr =
        [line("secrets/s0", "403 Forbidden"), line("secrets/s1", "403 Forbidden")].concat() + "error: something\n";
    let one = |name: &str| {
        failure(&format!("Error from server (Forbidden): secrets \"{name}\" is forbidden: exceeded quota: q"))
    };
    let dry_run =
        run(answering([failure(&stderr), one("s0"), one("s1")]).dry_run(&objects, Conflicts::Refuse)).unwrap();
    assert_eq!(dry_run.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), ["quota-exceeded"; 2]);
}

#[test]
fn a_rollout_that_fails_tells_the_condition() {
    let live = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 3}, "status": {"readyReplicas": 1, "conditions": [
        {"type": "Progressing", "status": "True", "message": "m"},
        {"type": "ReplicaFailure", "status": "True", "message": "pods \"d-5b8478b8-z58xf\" is forbidden: exceeded quota: q"}]}});
    let kubectl = answering([failure("error: timed out waiting for the condition"), success(&live.to_string())]);
    let report = run(kubectl.rollout_status(&object("Deployment", Some("n"), "d"), Duration::from_secs(60)));
    assert!(!report.ready);
    assert_eq!(
        report.detail,
        "1 of 3 pods ready: pods \"d-<hash>-z58xf\" is forbidden: exceeded quota: q; not ready in time"
    );
    assert_eq!(kubectl.launcher.words(0), "rollout status Deployment.v1.apps/d -n n --timeout=60s");
}

#[test]
fn errors_that_no_object_can_be_found_for_are_told_beside_the_objects() {
    let objects = [secrets(1), vec![object("Secret", Some("n"), "b c")]].concat();
    let stderr = [line("secrets/s0", "403 Forbidden"), line("secrets/b%20c", "422 Unprocessable Entity")].concat()
        + "error: something\n";
    let applied = run(answering([failure(&stderr)]).apply(&objects, &anything(&objects), Conflicts::Refuse));
    assert_eq!(applied.written, [Written::Refused; 2]);
    let told: Vec<_> = applied.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(told, ["something", "`Secret n/s0` was not written", "`Secret n/b c` was not written"]);
}

#[test]
fn what_never_started_wrote_nothing_and_a_store_that_gave_up_may_have() {
    let objects = secrets(1);
    let missing = Ending::NotStarted { reason: "no such file".to_owned() };
    assert_eq!(
        run(answering([missing]).apply(&objects, &anything(&objects), Conflicts::Refuse)).written,
        [Written::Refused]
    );
    let apply = |status: &str, said: &str| {
        let stderr = line("secrets/s0", status) + said + "\n";
        let applied = run(answering([failure(&stderr)]).apply(&objects, &anything(&objects), Conflicts::Refuse));
        (applied.written[0], applied.problems[0].kind)
    };
    for (status, said) in [
        ("504 Gateway Timeout", "Error from server (Timeout): Timeout: request did not complete"),
        ("500 Internal Server Error", "Error from server: etcdserver: leader changed"),
        (
            "502 Bad Gateway",
            "Error from server (InternalError): an error on the server (\"\") has prevented the request from succeeding",
        ),
    ] {
        assert_eq!(apply(status, said).0, Written::Unknown, "{status}");
    }
    let webhook = "Error from server (InternalError): Internal error occurred: failed calling webhook \"w.io\": failed to call webhook: Post \"https://w\": EOF";
    assert_eq!(apply("500 Internal Server Error", webhook), (Written::Refused, "admission-unavailable"));
}
