use super::*;

/// The advice that kubectl adds to every 409.
const ADVICE: &str = "
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts";

fn id(kind: &str) -> ObjectId {
    ObjectId { group: String::new(), kind: kind.to_owned(), namespace: Some("n".to_owned()), name: "a".to_owned() }
}

/// As API server 1.36.3 and kubectl 1.37.1 print them; `HUSH` stands where they echo a value.
const SEEN: [(&str, &str, &str, &str); 52] = [
    (
        "Secret",
        "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?",
        "server-unreachable",
        "the API server cannot be reached: 127.0.0.1:1: connection refused",
    ),
    (
        "Secret",
        "E1122 15:34:42.196205   21007 memcache.go:381] \"Couldn't get current server API group list\" err=\"x\"\nerror: unable to recognize \"STDIN\": Get \"https://127.0.0.1:1/api?timeout=32s\": dial tcp 127.0.0.1:1: connect: connection refused",
        "server-unreachable",
        "the API server cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused",
    ),
    (
        "Secret",
        "Unable to connect to the server: dial tcp: lookup nosuch.invalid on 10.255.255.53:53: no such host",
        "server-unreachable",
        "the API server cannot be reached: dial tcp: lookup nosuch.invalid on 10.255.255.53:53: no such host",
    ),
    (
        "Secret",
        "Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout",
        "server-unreachable",
        "the API server cannot be reached: dial tcp 10.0.0.1:443: i/o timeout",
    ),
    (
        "Secret",
        "Unable to connect to the server: net/http: TLS handshake timeout",
        "server-unreachable",
        "the API server cannot be reached: net/http: TLS handshake timeout",
    ),
    (
        "Role",
        "Error from server (Forbidden): roles.rbac.authorization.k8s.io \"a\" is forbidden: user \"carl\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"HUSH\"], Resources:[\"x\"], Verbs:[\"*\"]}",
        "admission-refused",
        "`Role n/a` was refused: user \"carl\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held",
    ),
    (
        "Bar",
        "The Bar \"a\" is invalid: \n* spec.m: Too long: may not be more than 8 bytes\n* spec.num: Invalid value: 77777: spec.num in body should be less than or equal to 3\n* spec.d: Invalid value: \"HUSHd\": spec.d in body must be of type date-time: \"HUSHd\"\n* spec.e: Unsupported value: \"HUSH \\\"q\\\": x\": supported values: \"a\", \"b\"",
        "invalid-object",
        "`Bar n/a` is not valid: spec.m: Too long: may not be more than 8 bytes; spec.num: Invalid value: …: spec.num in body should be less than or equal to 3; spec.d: Invalid value: …: spec.d in body must be of type date-time: …; spec.e: Unsupported value: …: supported values: \"a\", \"b\"",
    ),
    (
        "Bar",
        "The Bar \"a\" is invalid: spec: Invalid value: m is HUSH",
        "invalid-object",
        "`Bar n/a` is not valid: spec: Invalid value: …",
    ),
    (
        "Bar",
        "Error from server (Invalid): Bar.ex.io \"b\" is invalid: [spec.num: Invalid value: 77777: spec.num in body should be less than or equal to 3, spec.e: Unsupported value: \"HUSH \\\"q\\\": x\": supported values: \"a\", \"b\", <nil>: Invalid value: null: some validation rules were not checked]",
        "invalid-object",
        "`Bar n/a` is not valid: [spec.num: Invalid value: …: spec.num in body should be less than or equal to 3, spec.e: Unsupported value: …: supported values: \"a\", \"b\", <nil>: Invalid value: …: some validation rules were not checked]",
    ),
    (
        "StatefulSet",
        "The StatefulSet \"st\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template' and 'minReadySeconds' are forbidden",
        "immutable-field",
        "`StatefulSet n/a` cannot be changed so: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template' and 'minReadySeconds' are forbidden",
    ),
    (
        "Secret",
        "Error from server (BadRequest): the server rejected our request for an unknown reason (get secrets a)",
        "server-protocol",
        "the server does not understand what kubectl sends it",
    ),
    ("Secret", "Unable to connect to the server: EOF", "server-unreachable", "the API server cannot be reached: EOF"),
    (
        "Secret",
        "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "server-certificate",
        "the API server's certificate is not trusted: certificate signed by unknown authority",
    ),
    (
        "Secret",
        "Unable to connect to the server: tls: failed to verify certificate: x509: cannot validate certificate for 10.255.255.1 because it doesn't contain any IP SANs",
        "server-certificate",
        "the API server's certificate is not trusted: cannot validate certificate for 10.255.255.1 because it doesn't contain any IP SANs",
    ),
    (
        "Secret",
        "Unable to connect to the server: tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-22T15:00:00Z is after 2021-01-01T00:00:00Z",
        "server-certificate",
        "the API server's certificate is not trusted: certificate has expired or is not yet valid: current time 2026-11-22T15:00:00Z is after 2021-01-01T00:00:00Z",
    ),
    (
        "Secret",
        "error: You must be logged in to the server (Unauthorized)",
        "unauthorized",
        "the server does not accept the kubeconfig's credentials (401)",
    ),
    (
        "Secret",
        "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
        "unauthorized",
        "the server does not accept the kubeconfig's credentials (401)",
    ),
    (
        "Secret",
        "Error in configuration: context was not found for specified context: nope",
        "unknown-context",
        "the kubeconfig has no context `nope`",
    ),
    (
        "Secret",
        "error: error loading config file \"/dev/fd/3\": json: cannot unmarshal bool into Go struct field ExecConfig.users.user.exec.command of type string",
        "kubeconfig",
        "kubectl cannot use the kubeconfig: json: cannot unmarshal bool into Go struct field ExecConfig.users.user.exec.command of type string",
    ),
    (
        "Secret",
        "Unable to connect to the server: getting credentials: exec: executable nosuchaws not found\n\nIt looks like you are trying to use a client-go credential plugin that is not installed.\n\ninstall it",
        "exec-plugin",
        "the kubeconfig's credential plugin failed: exec: executable nosuchaws not found",
    ),
    (
        "Secret",
        "Error from server (Forbidden): secrets \"a\" is forbidden: User \"alice\" cannot patch resource \"secrets\" in API group \"\" in the namespace \"n\"",
        "forbidden",
        "`Secret n/a`: `alice` may not patch `secrets` in namespace `n` (403)",
    ),
    (
        "Deployment",
        "Error from server (Forbidden): deployments.apps \"a\" is forbidden: User \"alice\" cannot get resource \"deployments\" in API group \"apps\" in the namespace \"n\"",
        "forbidden",
        "`Deployment n/a`: `alice` may not get `deployments` in namespace `n` (403)",
    ),
    (
        "Namespace",
        "Error from server (Forbidden): namespaces \"new\" is forbidden: User \"alice\" cannot patch resource \"namespaces\" in API group \"\" in the namespace \"new\"",
        "forbidden",
        "`Namespace n/a`: `alice` may not patch `namespaces` cluster-wide (403)",
    ),
    (
        "Secret",
        "Error from server (Forbidden): secrets \"a\" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0",
        "quota-exceeded",
        "`Secret n/a`: exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0",
    ),
    (
        "Secret",
        "Error from server (Forbidden): secrets \"a\" is forbidden: unable to create new content in namespace going because it is being terminated",
        "namespace-terminating",
        "`Secret n/a`: the namespace `going` is being deleted",
    ),
    (
        "Secret",
        "Error from server (NotFound): namespaces \"nope\" not found",
        "namespace-not-found",
        "`Secret n/a`: the namespace `nope` does not exist",
    ),
    (
        "Foo",
        "unable to recognize no matches for kind \"Foo\" in version \"ex.io/v1\"",
        "unknown-kind",
        "`Foo n/a`: the server does not know the kind `Foo of ex.io/v1`",
    ),
    (
        "Foo",
        "error: resource mapping not found for name: \"a\" namespace: \"n\" from \"STDIN\": no matches for kind \"Foo\" in version \"ex.io/v1\"\nensure CRDs are installed first",
        "unknown-kind",
        "`Foo n/a`: the server does not know the kind `Foo of ex.io/v1`",
    ),
    (
        "Foo",
        "error: the server doesn't have a resource type \"Foo\" in group \"v1.ex.io\"",
        "unknown-kind",
        "`Foo n/a`: the server does not know the kind `Foo`",
    ),
    (
        "Secret",
        "The Secret \"a\" is invalid: data: Too long: may not be more than 1048576 bytes",
        "object-too-large",
        "`Secret n/a` is too large: may not be more than 1048576 bytes",
    ),
    (
        "Secret",
        "Error from server (RequestEntityTooLarge): Request entity too large: limit is 3145728",
        "object-too-large",
        "`Secret n/a` is too large: Request entity too large: limit is 3145728",
    ),
    (
        "ConfigMap",
        "The ConfigMap \"a\" is invalid: []: Too long: may not be more than 1048576 bytes",
        "object-too-large",
        "`ConfigMap n/a` is too large: may not be more than 1048576 bytes",
    ),
    (
        "Secret",
        "Error from server: failed to create typed patch object (n/a; /v1, Kind=Secret): .data.A: expected string, got &value.valueUnstructured{Value:map[string]interface {}{\"user\":\"HUSH\"}}",
        "invalid-object",
        "`Secret n/a` is not valid: .data.A: expected string, got &…",
    ),
    (
        "Secret",
        "Error from server: failed to create typed patch object (n/a; /v1, Kind=Secret): errors:\n  .data.A: expected string, got &value.valueUnstructured{Value:\"HUSH\"}\n  .data.B: expected string, got &value.valueUnstructured{Value:true}",
        "invalid-object",
        "`Secret n/a` is not valid: .data.A: expected string, got &…; .data.B: expected string, got &…",
    ),
    (
        "Secret",
        "Error from server: failed to convert new object (n/a; /v1, Kind=Secret) to proper version: unable to convert unstructured object to /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 4",
        "invalid-object",
        "`Secret n/a` is not valid: illegal base64 data at input byte 4",
    ),
    (
        "Secret",
        "Error from server: failed to create typed patch object (n/a; /v1, Kind=Secret): .bb: field not declared in schema",
        "invalid-object",
        "`Secret n/a` is not valid: .bb: field not declared in schema",
    ),
    (
        "Secret",
        "The Secret \"a\" is invalid: \n* metadata.labels: Invalid value: \"HUSH it \\\"q\\\" , : now\": a valid label must be an empty string (e.g. 'MyValue',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')\n* metadata.annotations: Invalid value: \"HUSH b\": name part must consist of alphanumeric characters",
        "invalid-object",
        "`Secret n/a` is not valid: metadata.labels: Invalid value: …: a valid label must be an empty string; metadata.annotations: Invalid value: …: name part must consist of alphanumeric characters",
    ),
    (
        "Deployment",
        "Error from server: failed to convert new object (n/a; apps/v1, Kind=Deployment) to proper version: unable to convert unstructured object to apps/v1, Kind=Deployment: quantities must match the regular expression '^([+-]?[0-9.]+)$'",
        "invalid-object",
        "`Deployment n/a` is not valid: quantities must match the regular expression '^([+-]?[0-9.]+)$'",
    ),
    (
        "Secret",
        "The Secret \"a\" is invalid: type: Invalid value: \"HUSH/y\": field is immutable",
        "immutable-field",
        "`Secret n/a` cannot be changed so: type: Invalid value: …: field is immutable",
    ),
    (
        "Secret",
        "The Secret \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
        "immutable-field",
        "`Secret n/a` cannot be changed so: data: Forbidden: field is immutable when `immutable` is set",
    ),
    (
        "Deployment",
        "Error from server (Invalid): Deployment.apps \"a\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"HUSH\"}}: field is immutable",
        "immutable-field",
        "`Deployment n/a` cannot be changed so: spec.selector: Invalid value: …: field is immutable",
    ),
    (
        "Job",
        "The Job \"a\" is invalid: spec.template: Invalid value: {\"labels\":{\"job-name\":\"j\"},\"Spec\":{\"Env\":[{\"Name\":\"A\",\"Value\":\"HUSH: 2\"}]}}: field is immutable",
        "immutable-field",
        "`Job n/a` cannot be changed so: spec.template: Invalid value: …: field is immutable",
    ),
    (
        "PersistentVolumeClaim",
        "The PersistentVolumeClaim \"a\" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests\n@@ -1,6 +1,6 @@\n {\n-  \"HUSH\"\n",
        "immutable-field",
        "`PersistentVolumeClaim n/a` cannot be changed so: spec: Forbidden: spec is immutable after creation except resources.requests @@ …",
    ),
    (
        "Secret",
        "Error from server (Invalid): secrets \"a\" is forbidden: ValidatingAdmissionPolicy 'pol' with binding 'bind' denied request: value is HUSH ::error::x",
        "admission-refused",
        "`Secret n/a` was refused by the admission policy `pol`",
    ),
    (
        "ConfigMap",
        "Error from server: admission webhook \"deny.example.com\" denied the request: \n[require-team] label \"team\" is missing\nsecond line",
        "admission-refused",
        "`ConfigMap n/a` was refused by the admission webhook `deny.example.com`: [require-team] label \"team\" is missing second line",
    ),
    (
        "ConfigMap",
        "Error from server (InternalError): Internal error occurred: failed calling webhook \"down.example.com\": failed to call webhook: Post \"https://127.0.0.1:1/x?timeout=10s\": dial tcp 127.0.0.1:1: connect: connection refused",
        "admission-unavailable",
        "`ConfigMap n/a`: the admission webhook `down.example.com` could not be asked: dial tcp 127.0.0.1:1: connect: connection refused",
    ),
    (
        "Secret",
        "Error from server (InternalError): an error on the server (\"<html>502: {\\\"data\\\":{\\\"A\\\":\\\"HUSH\") has prevented the request from succeeding (patch secrets a)",
        "server-failed",
        "the API server could not answer: an error on the server (…",
    ),
    (
        "Secret",
        "Error from server (Forbidden): <html>\nsecrets \"a\" is forbidden: HUSH: {\"data\":{\"A\":\"HUSH (patch secrets a)",
        "request-intercepted",
        "`Secret n/a` was refused by what stands before the API server (Forbidden)",
    ),
    (
        "Secret",
        "Error from server (InternalError): Internal error occurred: failed calling webhook \"w.io\": failed to call webhook: an error on the server (\"{\\\"A\\\": \\\"HUSH\") has prevented the request from succeeding",
        "admission-unavailable",
        "`Secret n/a`: the admission webhook `w.io` could not be asked: failed to call webhook: an error on the server (…",
    ),
    (
        "Secret",
        "Error from server (Timeout): Timeout: request did not complete within requested timeout",
        "server-failed",
        "the API server could not answer: Timeout: request did not complete within requested timeout",
    ),
    (
        "Secret",
        "error: unable to decode \"STDIN\": Object 'Kind' is missing in '{\"data\":{\"A\":\"HUSH\"}}'",
        "kubectl-failed",
        "`Secret n/a`: unable to decode \"STDIN\": Object 'Kind' is missing in '…",
    ),
    ("Secret", "", "kubectl-failed", "`Secret n/a`: it gave no reason"),
];

#[test]
fn every_failure_seen_has_its_class_and_no_value() {
    for (kind, stderr, expected, message) in SEEN {
        let problem = problem(&Untrusted::new(stderr), Some(&id(kind)));
        assert_eq!((problem.kind, problem.message.as_str()), (expected, message), "{stderr}");
        assert!(expected == "kubectl-failed" || problem.help.is_some(), "{expected}");
        assert!(!format!("{problem:?}").contains("HUSH"), "{problem:?}");
    }
}

#[test]
fn a_conflict_names_managers_and_fields() {
    let text = format!(
        "error: Apply failed with 3 conflicts: conflicts with \"kubectl\" with subresource \"scale\" using apps/v1:\n- .spec.replicas\nconflicts with \"edit\" using apps/v1:\n- .spec.template.spec.containers[name=\"c\"].image\n- .metadata.labels.app{ADVICE}"
    );
    let found = problem(&Untrusted::new(text), Some(&id("Deployment")));
    assert_eq!(found.kind, "conflict");
    assert_eq!(
        found.message,
        "`Deployment n/a` has fields that others manage, with other values: `kubectl` (subresource scale) owns `.spec.replicas`; \
         `edit` owns `.spec.template.spec.containers[name=\"c\"].image`, `.metadata.labels.app`"
    );
    let text = format!("Apply failed with 1 conflict: conflict with \"other\": .data.A{ADVICE}");
    assert!(problem(&Untrusted::new(text), Some(&id("Secret"))).message.ends_with(": `other` owns `.data.A`"));
    let text = format!(
        "error: Operation cannot be fulfilled on configmaps \"im\": the object has been modified; please apply your changes to the latest version and try again{ADVICE}"
    );
    assert_eq!(problem(&Untrusted::new(text), Some(&id("ConfigMap"))).kind, "object-modified");
}

#[test]
fn a_missing_right_is_told_as_the_rule_that_gives_it() {
    let text = "Error from server (Forbidden): deployments.apps is forbidden: User \"alice\" cannot list resource \"deployments\" in API group \"apps\" in the namespace \"n\"";
    let found = problem(&Untrusted::new(text), None);
    assert_eq!(found.message, "`deployments.apps`: `alice` may not list `deployments` in namespace `n` (403)");
    assert_eq!(
        found.help.unwrap(),
        "bind a Role in namespace `n` with this rule to it:\n- apiGroups: [\"apps\"]\n  resources: [\"deployments\"]\n  verbs: [\"get\", \"create\", \"patch\", \"list\"]"
    );
}

#[test]
fn a_read_passes_over_kinds_that_the_server_does_not_know() {
    let unknown = "error: unable to recognize no matches for kind \"Foo\" in version \"ex.io/v1\"";
    assert!(all_but_unknown_kinds(&Untrusted::new(unknown)).is_empty());
    let both = format!(
        "{unknown}\nError from server (Forbidden): secrets \"a\" is forbidden: User \"u\" cannot get resource \"secrets\" in API group \"\" in the namespace \"n\""
    );
    assert_eq!(all_but_unknown_kinds(&Untrusted::new(both)).len(), 1);
    assert_eq!(all_but_unknown_kinds(&Untrusted::new("")).len(), 1);
}

#[test]
fn warnings_are_told_once_and_policies_without_their_words() {
    let text = "Warning: \nWarning: Validation failed for ValidatingAdmissionPolicy 'pol' with binding 'bindw': value is HUSH ::error::x\nWarning: v1 Endpoints is deprecated\nWarning: v1 Endpoints is deprecated\n# Warning: 'commonLabels' is deprecated. Please use 'labels' instead.";
    let found: Vec<String> =
        warnings(&Untrusted::new(text), None).into_iter().map(|problem| problem.message.to_string()).collect();
    assert_eq!(
        found,
        [
            "the words of a warning are not shown: the server has cut them, and may have cut a value",
            "Validation failed for ValidatingAdmissionPolicy 'pol' with binding 'bindw'",
            "v1 Endpoints is deprecated",
            "'commonLabels' is deprecated. Please use 'labels' instead."
        ]
    );
}

#[test]
fn a_build_that_fails_shows_no_value() {
    for (text, help) in [
        (
            "error: wrong node kind: expected ScalarNode but got MappingNode: node contents:\n{\"password\": \"HUSH\"}",
            "quote the value",
        ),
        (
            "error: map[string]interface {}{\"stringData\":map[string]interface {}{\"A\":+Inf, \"B\":\"HUSH\"}}: json: unsupported value: +Inf",
            "",
        ),
        (
            "error: no resource matches strategic merge patch \"Secret.v1.[noGrp]/b.[noNs]\": no matches for Id Secret.v1.[noGrp]/b.[noNs]; failed to find unique target",
            "give the patch the name",
        ),
        (
            "error: trouble configuring builtin PatchTransformer with config: `\npath: p.yml\n`: unable to parse SM or JSON patch from [path: \"p.yml\"]",
            "the patch is no valid YAML",
        ),
    ] {
        let found = kustomize(&Untrusted::new(text));
        assert_eq!(found.kind, "kustomize-failed");
        assert!(!format!("{found:?}").contains("HUSH"), "{found:?}");
        assert!(found.help.unwrap_or_default().starts_with(help), "{text}");
    }
}

#[test]
fn a_right_that_many_objects_need_is_told_once() {
    let line = |name: &str, verb: &str| {
        format!(
            "Error from server (Forbidden): secrets \"{name}\" is forbidden: User \"u\" cannot {verb} resource \"secrets\" in API group \"\" in the namespace \"n\"\n"
        )
    };
    let text = [line("a", "get"), line("b", "get"), line("c", "watch"), line("d", "get")].concat();
    let found: Vec<String> =
        all_but_unknown_kinds(&Untrusted::new(text)).into_iter().map(|problem| problem.message.to_string()).collect();
    assert_eq!(
        found,
        [
            "`secrets a`: `u` may not get `secrets` in namespace `n` (403); the same for 2 more",
            "`secrets c`: `u` may not watch `secrets` in namespace `n` (403)"
        ]
    );
}

/// A value that is a word of ours, `refused` for one, hides none of it.
#[test]
fn what_is_said_about_a_refusal_is_our_own() {
    let answers = [
        "Error from server (Invalid): secrets \"a\" is forbidden: ValidatingAdmissionPolicy 'pol' with binding 'b' denied request: no",
        "Error from server: admission webhook \"hook\" denied the request: no",
        "Error from server (NotFound): namespaces \"n\" not found",
        "",
    ];
    for text in answers {
        let message = problem(&Untrusted::new(text), Some(&id("ConfigMap"))).message;
        let own: String = message.own().iter().map(|own| &message[own.clone()]).collect();
        for word in message.split(['`', ' ', ':']).filter(|word| ["was", "refused", "exist", "reason"].contains(word)) {
            assert!(own.contains(word), "`{word}` is not ours in {message}");
        }
        assert!(own.len() > 8, "{message}");
    }
}
