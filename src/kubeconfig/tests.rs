use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;
use crate::error::Severity;

/// Stands in every place of every kubeconfig here that is secret.
const CANARY: &str = "canary-0123456789";

/// 2026-01-01.
const NOW: u64 = 1_767_225_600;

#[derive(Default)]
struct Machine {
    files: HashMap<PathBuf, Vec<u8>>,
}

impl Machine {
    fn with(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect() }
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.files.keys().any(|file| file != path && file.starts_with(path))
    }
}

impl Files for Machine {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.files.get(path) {
            Some(bytes) => Ok(bytes.clone()),
            None if self.is_directory(path) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(path) || self.is_directory(path)
    }

    fn working_directory(&self) -> &Path {
        Path::new("/repo")
    }

    fn home(&self) -> Option<&Path> {
        Some(Path::new("/home/dev"))
    }

    fn now(&self) -> u64 {
        NOW
    }
}

fn pem(label: &str) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(CANARY))
}

fn encoded(label: &str) -> String {
    STANDARD.encode(pem(label))
}

/// A kubeconfig with one context `staging`, whose cluster and user hold these fields (YAML, flow style without braces).
fn config(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: staging\n\
         contexts:\n- name: staging\n  context: {{cluster: main, user: deployer, namespace: shop}}\n\
         clusters:\n- name: main\n  cluster: {{{cluster}}}\n\
         users:\n- name: deployer\n  user: {{{user}}}\n"
    )
}

const SERVER: &str = "server: 'https://k8s.example:6443'";

fn token() -> String {
    format!("token: {CANARY}")
}

fn good() -> String {
    config(SERVER, &token())
}

fn input(text: impl Into<String>) -> Source {
    Source::Input(Secret::new(text.into()))
}

fn loaded(text: impl Into<String>) -> Kubeconfig {
    load(&input(text), &Options::default(), &Machine::default()).expect("a usable kubeconfig")
}

fn refused(text: impl Into<String>) -> Vec<Problem> {
    refusal(&input(text), &Options::default(), &Machine::default())
}

fn refusal(source: &Source, options: &Options<'_>, files: &Machine) -> Vec<Problem> {
    let problems = load(source, options, files).expect_err("a refusal");
    for problem in &problems {
        let text = format!("{} {}", problem.message, problem.help.as_deref().expect("every problem has a remedy"));
        assert!(!leaks(&text), "a secret in: {text}");
    }
    assert!(problems.iter().any(Problem::is_error), "a refusal without error");
    problems
}

fn leaks(text: &str) -> bool {
    let encoded = STANDARD.encode(CANARY);
    [CANARY, &encoded[..12], &STANDARD.encode(pem("X"))[..16]].iter().any(|secret| text.contains(secret))
}

fn kinds(problems: &[Problem]) -> Vec<&'static str> {
    problems.iter().map(|problem| problem.kind).collect()
}

fn json_of(kubeconfig: &Kubeconfig) -> Value {
    serde_json::from_str(kubeconfig.contents.expose()).expect("JSON")
}

fn exposed(kubeconfig: &Kubeconfig) -> Vec<&str> {
    kubeconfig.credentials.iter().map(Secret::expose).collect()
}

#[test]
fn content_base64_and_paths_are_told_apart_and_give_the_same() {
    let text = good();
    let standard = STANDARD.encode(&text);
    let wrapped: String =
        standard.as_bytes().chunks(76).map(|line| format!("{}\r\n", str::from_utf8(line).unwrap())).collect();
    let as_json = serde_json::to_string(&serde_yaml::from_str::<Value>(&text).unwrap()).unwrap();
    let machine = Machine::with(&[
        ("/repo/kubeconfig", &text),
        ("/repo/some/file", &text),
        ("/home/dev/.kube/config", &text),
        ("/odd: name:x", &text),
        ("/encoded", &standard),
    ]);
    let expected = loaded(text.as_str()).contents;
    for given in [
        format!("\u{feff}\n{text}"),
        format!("---\n{}", text.replace('\n', "\r\n")),
        as_json.clone(),
        format!("  {standard}\n"),
        standard.trim_end_matches('=').to_owned(),
        wrapped,
        URL_SAFE_NO_PAD.encode(&text),
        STANDARD.encode(as_json),
        "kubeconfig".to_owned(),
        "./kubeconfig".to_owned(),
        "some/file".to_owned(),
        "~/.kube/config".to_owned(),
        "/repo/kubeconfig\n".to_owned(),
        "/missing:/repo/kubeconfig".to_owned(),
        "/encoded".to_owned(),
    ] {
        let kubeconfig = load(&input(&*given), &Options::default(), &machine).expect("usable");
        assert_eq!(kubeconfig.contents, expected, "for {given}");
    }
}

#[test]
fn what_is_no_kubeconfig_is_refused_by_what_it_is() {
    let machine = Machine::with(&[("/repo/dir/config", "x"), ("/empty.yaml", " \n"), ("/list", "[1]")]);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(good().encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for (given, kind, words) in [
        (String::new(), "kubeconfig-empty", "is empty"),
        (" \n\t".to_owned(), "kubeconfig-empty", "is empty"),
        ("dir".to_owned(), "kubeconfig-directory", "`/repo/dir` is a directory"),
        ("/empty.yaml".to_owned(), "kubeconfig-empty", "`/empty.yaml` is empty"),
        ("/list".to_owned(), "kubeconfig-kind", "not a mapping"),
        ("./missing.yaml".to_owned(), "kubeconfig-missing", "`/repo/missing.yaml` does not exist"),
        ("/a/config:/b/config".to_owned(), "kubeconfig-missing", "none of the files"),
        (CANARY.to_owned(), "kubeconfig-unknown", "neither a kubeconfig, nor base64"),
        (format!("ey.{CANARY}.{CANARY}"), "kubeconfig-unknown", "neither"),
        (STANDARD.encode(format!("{CANARY} {CANARY}")), "kubeconfig-base64", "something that is not a kubeconfig"),
        (STANDARD.encode(STANDARD.encode(good())), "kubeconfig-base64", "encoded twice"),
        (STANDARD.encode(gzip), "kubeconfig-base64", "gzip"),
        (STANDARD.encode(utf16), "kubeconfig-base64", "UTF-16"),
        (STANDARD.encode([0xc3; 40]), "kubeconfig-base64", "binary data"),
        (pem("CERTIFICATE"), "kubeconfig-unknown", "neither"),
        (format!("apiVersion: v1\ntoken: {CANARY}\n  x: '"), "kubeconfig-syntax", "not valid YAML (line"),
        (format!("{{\"token\": \"{CANARY}\""), "kubeconfig-syntax", "not valid YAML"),
        (format!("token: {CANARY}\ntoken: {CANARY}\n"), "kubeconfig-syntax", "not valid YAML"),
        (format!("{}---\n{}", good(), good()), "kubeconfig-syntax", "holds 2 YAML documents"),
        (format!("kind: Secret\nstringData: {{token: {CANARY}}}"), "kubeconfig-kind", "`kind: Config`"),
        (format!("private_key: {CANARY}"), "kubeconfig-entries", "no `contexts`, no `clusters`, no `users`"),
        (format!("contexts: {CANARY}"), "kubeconfig-type", "`contexts` of `--kubeconfig` is not a list"),
        (format!("users: [{{name: 1, user: {CANARY}}}]"), "kubeconfig-type", "an entry in `users`"),
        (format!("current-context: [{CANARY}]"), "kubeconfig-type", "is not a string"),
        ("users: [{name: a}, {name: a}]".to_owned(), "kubeconfig-duplicate", "more than one user `a`"),
    ] {
        let problems = refusal(&input(&*given), &Options::default(), &machine);
        assert_eq!(kinds(&problems), [kind], "for {given}");
        assert!(problems[0].message.contains(words), "{}", problems[0].message);
    }
}

#[test]
fn files_that_are_no_text_are_refused_by_what_they_are() {
    for (bytes, words) in [(vec![0xff, 0xfe, b'a', 0], "UTF-16"), (vec![b'a', 0xc3, 0x28], "binary data")] {
        let machine = Machine { files: HashMap::from([(PathBuf::from("/config"), bytes)]) };
        let problems = refusal(&input("/config"), &Options::default(), &machine);
        assert_eq!(kinds(&problems), ["kubeconfig-encoding"]);
        assert!(problems[0].message.contains(words));
    }
}

#[test]
fn a_list_is_merged_first_wins_and_the_first_current_context_counts() {
    let machine = Machine::with(&[
        ("/a", "users: [{name: deployer, user: {token: first}}]\ncurrent-context: ''"),
        ("/b/config", &config("server: 'https://b:1', certificate-authority: ca.crt", "token: second")),
        ("/b/ca.crt", &pem("CERTIFICATE")),
        ("/c", "current-context: other\nclusters: [{name: main, cluster: {server: 'https://c:1'}}]"),
    ]);
    let source = Source::Environment(Secret::new("/a::/missing:/b/config:/c"));
    let kubeconfig = load(&source, &Options::default(), &machine).expect("usable");
    assert_eq!((kubeconfig.context.as_str(), kubeconfig.server.as_str()), ("staging", "https://b:1"));
    assert_eq!(exposed(&kubeconfig), ["first"]);
    assert_eq!(json_of(&kubeconfig).pointer("/clusters/0/cluster/certificate-authority"), Some(&json!("/b/ca.crt")));
}

#[test]
fn every_unreadable_file_of_a_list_is_told() {
    let machine = Machine::with(&[("/a", "x: ["), ("/d/x", ""), ("/b", &good())]);
    let problems = refusal(&input("/a:/d:/b"), &Options::default(), &machine);
    assert_eq!(kinds(&problems), ["kubeconfig-syntax", "kubeconfig-directory"]);
}

#[test]
fn content_in_the_environment_variable_is_refused_with_the_input_to_use() {
    for content in [good(), STANDARD.encode(good())] {
        let options = Options { action: true, ..Options::default() };
        let problems = refusal(&Source::Environment(Secret::new(content)), &options, &Machine::default());
        assert_eq!(kinds(&problems), ["kubeconfig-content"]);
        assert!(problems[0].help.as_deref().unwrap().contains("input `kubeconfig`"));
    }
}

#[test]
fn the_source_is_the_input_else_the_variable_else_the_default_of_a_command_line() {
    let machine = Machine::default();
    let line = Options::default();
    let action = Options { action: true, ..line };
    let given = Secret::new("./config");
    let empty = Secret::new(" ");
    assert!(matches!(Source::find(Some(&given), Some("/x"), &action, &machine), Ok(Source::Input(_))));
    assert!(matches!(Source::find(Some(&empty), Some("/x"), &action, &machine), Ok(Source::Environment(_))));
    let default = Source::find(None, Some(""), &line, &machine).expect("the default");
    assert!(matches!(&default, Source::Default(path) if path == Path::new("/home/dev/.kube/config")));
    assert_eq!(kinds(&refusal(&default, &line, &machine)), ["kubeconfig-missing"]);
    assert_eq!(Source::find(None, None, &action, &machine).expect_err("none").kind, "kubeconfig-missing");
}

#[test]
fn things_are_called_as_in_the_action_or_on_the_command_line() {
    let text = good().replace("current-context: staging", "");
    let line = &refused(text.as_str())[0];
    assert_eq!(line.message, "`--kubeconfig` has no `current-context`: there is `staging`");
    assert_eq!(line.help.as_deref(), Some("choose one with `--context`"));
    let options = Options { action: true, ..Options::default() };
    let action = &refusal(&input(text), &options, &Machine::default())[0];
    assert_eq!(action.message, "input `kubeconfig` has no `current-context`: there is `staging`");
    assert_eq!(action.help.as_deref(), Some("choose one with input `context`"));
}

#[test]
fn a_context_that_is_not_there_is_answered_with_those_that_are() {
    let text = good().replace("name: staging", "name: arn:aws:eks:eu:1:cluster/staging-a");
    for (asked, meant) in [("staging", true), ("arn:aws:eks:eu:1:cluster/stagin-b", true), ("prod", false)] {
        let options = Options { context: Some(asked), ..Options::default() };
        let problems = refusal(&input(&*text), &options, &Machine::default());
        assert_eq!(kinds(&problems), ["context-unknown"]);
        assert!(problems[0].message.contains(&format!("no context `{asked}`, which `--context` names")));
        assert_eq!(problems[0].help.as_deref().unwrap().starts_with("did you mean `arn:"), meant, "{asked}");
    }
    let problems = refused(text);
    assert!(problems[0].message.contains("which its `current-context` names"), "{}", problems[0].message);
}

#[test]
fn a_chosen_context_takes_the_place_of_the_current_one() {
    let text = good().replace(
        "contexts:\n",
        "contexts:\n- name: prod\n  context: {cluster: main, user: deployer, extensions: [{name: e}]}\n",
    );
    let options = Options { context: Some("prod"), ..Options::default() };
    let kubeconfig = load(&input(text), &options, &Machine::default()).expect("usable");
    assert_eq!((kubeconfig.context.as_str(), &kubeconfig.namespace), ("prod", &None));
    let json = json_of(&kubeconfig);
    assert_eq!(json["current-context"], "prod");
    assert_eq!(json["contexts"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["contexts"][0]["context"]["extensions"][0]["name"], "e");
}

#[test]
fn each_fault_of_cluster_and_user_is_named() {
    let (ca, key) = (encoded("CERTIFICATE"), encoded("PRIVATE KEY"));
    let tests: Vec<(String, String, &[&str])> = vec![
        (String::new(), token(), &["server-missing"]),
        ("server: 6443".into(), token(), &["kubeconfig-type"]),
        ("server: 'http://k8s.example'".into(), token(), &["server-http"]),
        ("server: 'http://localhost:8001'".into(), token(), &["server-http"]),
        ("server: 'k8s.example:6443'".into(), token(), &["server-scheme"]),
        ("server: 'https:// x'".into(), token(), &["server-invalid"]),
        (format!("server: 'https://me:{CANARY}@k8s.example'"), token(), &["server-credentials"]),
        (format!("server: 'https://me:{CANARY}/1@k8s.example'"), token(), &["server-credentials"]),
        (format!("server: 'https://me:x/{CANARY}#1@k8s.example'"), token(), &["server-credentials"]),
        (format!("{SERVER}, insecure-skip-tls-verify: true"), token(), &["server-unverified"]),
        (format!("{SERVER}, insecure-skip-tls-verify: 'yes'"), token(), &["kubeconfig-type"]),
        (format!("{SERVER}, insecure-skip-tls-verify: yes"), token(), &["kubeconfig-type"]),
        (format!("{SERVER}, proxy-url: 'ftp://me:{CANARY}@p'"), token(), &["proxy-invalid"]),
        (format!("{SERVER}, proxy-url: 'http://me:{CANARY}/1@127.0.0.1:9'"), token(), &["proxy-invalid"]),
        (format!("{SERVER}, proxy-url: 'http://me:{CANARY}#1@127.0.0.1:9'"), token(), &["proxy-invalid"]),
        (format!("{SERVER}, certificate-authority: ca.crt"), token(), &["kubeconfig-path"]),
        (format!("{SERVER}, certificate-authority: /no/ca.crt"), token(), &["certificate-missing"]),
        (format!("{SERVER}, certificate-authority-data: '{CANARY}!'"), token(), &["certificate-base64"]),
        (format!("{SERVER}, certificate-authority-data: {}", STANDARD.encode(CANARY)), token(), &["certificate-pem"]),
        (format!("{SERVER}, certificate-authority-data: {key}"), token(), &["certificate-pem"]),
        (format!("{SERVER}, certificate-authority-data: DATA+OMITTED"), token(), &["kubeconfig-omitted"]),
        (SERVER.into(), String::new(), &["user-empty"]),
        (SERVER.into(), format!("password: {CANARY}"), &["user-empty"]),
        (SERVER.into(), "token: ''".into(), &["token-empty"]),
        (SERVER.into(), "token: 12345678".into(), &["kubeconfig-type"]),
        (SERVER.into(), format!("token: \"{CANARY}\\n\""), &["token-invalid"]),
        (SERVER.into(), format!("token: 'Bearer {CANARY}'"), &["token-invalid"]),
        (SERVER.into(), "token: REDACTED".into(), &["kubeconfig-omitted"]),
        (SERVER.into(), "tokenFile: /var/run/token".into(), &["token-file"]),
        (
            SERVER.into(),
            format!("username: me, password: {CANARY}, token: {CANARY}"),
            &["user-password", "user-ambiguous"],
        ),
        (SERVER.into(), format!("client-certificate-data: {ca}"), &["certificate-half"]),
        (SERVER.into(), format!("client-key-data: {key}, token: {CANARY}"), &["certificate-half"]),
        (SERVER.into(), format!("client-certificate-data: {ca}, client-key-data: {ca}"), &["certificate-pem"]),
        (SERVER.into(), format!("client-certificate-data: {ca}, client-key: /no/key"), &["certificate-missing"]),
        (
            SERVER.into(),
            format!("client-certificate-data: {ca}, client-key-data: {}", encoded("ENCRYPTED PRIVATE KEY")),
            &["certificate-pem"],
        ),
        (SERVER.into(), format!("exec: {{command: aws, args: [{CANARY}]}}"), &["exec-refused"]),
        (SERVER.into(), "exec: {}".into(), &["exec-command"]),
        (SERVER.into(), "exec: [1]".into(), &["exec-command"]),
        (SERVER.into(), format!("auth-provider: {{name: gcp, config: {{t: {CANARY}}}}}"), &["auth-provider"]),
    ];
    for (cluster, user, expected) in tests {
        assert_eq!(kinds(&refused(config(&cluster, &user))), expected, "for {cluster} / {user}");
    }
}

#[test]
fn a_context_may_not_name_what_is_not_there() {
    let text = good().replace("name: main", "name: man").replace("name: deployer", "name: ci");
    let problems = refused(text);
    assert_eq!(kinds(&problems), ["cluster-unknown", "user-unknown"]);
    assert!(problems[0].help.as_deref().unwrap().starts_with("did you mean `man`?"));
    assert_eq!(problems[1].message, "context `staging` names user `deployer`, which is not there: there is `ci`");
}

#[test]
fn all_faults_are_told_at_once() {
    let cluster = "server: 'https://127.0.0.1:6443', insecure-skip-tls-verify: true, certificate-authority: /no/ca, proxy-url: 'http://p:1'";
    let user = format!("exec: {{command: /opt/aws}}, token: ' {CANARY}', client-key: /no/key");
    let options = Options { in_container: true, action: true, ..Options::default() };
    let problems = refusal(
        &input(config(&cluster.replace(", proxy-url: 'http://p:1'", ""), &user)),
        &options,
        &Machine::default(),
    );
    assert_eq!(
        kinds(&problems),
        [
            "server-local",
            "server-unverified",
            "certificate-missing",
            "exec-refused",
            "token-invalid",
            "certificate-missing",
            "certificate-half"
        ]
    );
}

#[test]
fn the_server_may_be_this_machine_but_not_the_container() {
    for host in
        ["localhost", "127.0.0.1:6443", "127.9.9.9", "[::1]:6443", "0.0.0.0", "LOCALHOST.", "[::ffff:127.0.0.1]"]
    {
        let text = config(&format!("server: 'https://{host}'"), &token());
        assert_eq!(loaded(text.as_str()).server, format!("https://{host}"));
        let options = Options { in_container: true, ..Options::default() };
        assert_eq!(kinds(&refusal(&input(text), &options, &Machine::default())), ["server-local"], "{host}");
    }
    let options = Options { in_container: true, ..Options::default() };
    for host in ["localhost.example", "10.0.0.1", "127.example", "[2001:db8::1]"] {
        let text = config(&format!("server: 'https://{host}'"), &token());
        assert!(load(&input(text), &options, &Machine::default()).is_ok(), "{host}");
    }
}

#[test]
fn a_proxy_is_warned_of_by_host_alone() {
    let text = config(&format!("{SERVER}, proxy-url: 'http://me:{CANARY}@proxy.example:3128/{CANARY}'"), &token());
    let kubeconfig = loaded(text.as_str());
    assert_eq!(kinds(&kubeconfig.warnings), ["proxy"]);
    assert_eq!(kubeconfig.warnings[0].message, "cluster `main` is reached through the proxy `proxy.example`");
    assert!(exposed(&kubeconfig).contains(&CANARY));
    let options = Options { in_container: true, ..Options::default() };
    let behind = text.replace("k8s.example", "localhost");
    assert!(
        load(&input(behind), &options, &Machine::default()).is_ok(),
        "the proxy's localhost is not the container's"
    );
    let local = text.replace("proxy.example", "localhost");
    assert_eq!(kinds(&refusal(&input(local), &options, &Machine::default())), ["proxy-local"]);
}

#[test]
fn an_auth_provider_is_told_with_what_took_its_place() {
    let user = |name: &str| format!("auth-provider: {{name: {name}, config: {{id-token: {CANARY}}}}}");
    for (name, kept, remedy) in [
        ("gcp", false, "gcloud auth print-access-token"),
        ("azure", false, "kubelogin get-token"),
        ("oidc", true, "pass the id-token as `--kube-token`"),
    ] {
        let refused = refused(config(SERVER, &user(name)));
        assert_eq!(kinds(&refused), ["auth-provider"], "{name}");
        assert_eq!(refused[0].message.contains("no longer has"), !kept, "{name}");
        assert!(refused[0].help.as_ref().unwrap().contains(remedy), "{name}");
        let options = Options { allow_exec: true, ..Options::default() };
        let allowed = load(&input(config(SERVER, &user(name))), &options, &Machine::default());
        assert_eq!(allowed.is_ok(), kept, "{name}");
        assert!(allowed.is_err() || exposed(&allowed.unwrap()).contains(&CANARY));
    }
}

#[test]
fn a_servers_query_is_hidden_and_not_shown() {
    let kubeconfig = loaded(config(&format!("server: 'https://k8s.example/k8s?token={CANARY}'"), &token()));
    assert_eq!((kubeconfig.server.as_str(), kubeconfig.base_path().as_str()), ("https://k8s.example/k8s", "/k8s"));
    assert!(exposed(&kubeconfig).contains(&format!("token={CANARY}").as_str()));
}

#[test]
fn plain_http_on_this_machine_needs_nobody() {
    for user in ["", "user: deployer, "] {
        let text = config("server: 'http://localhost:8001'", "").replace("user: deployer, ", user);
        assert!(loaded(text).credentials.is_empty());
    }
}

#[test]
fn a_plugin_is_named_with_the_way_to_its_token() {
    for (command, line) in [
        ("aws", "aws eks get-token --cluster-name NAME | jq -r .status.token"),
        ("/usr/local/bin/aws-iam-authenticator", "aws eks get-token"),
        ("gke-gcloud-auth-plugin", "gcloud auth print-access-token"),
        ("kubelogin", "kubelogin get-token ARGUMENTS"),
        ("doctl", "doctl ARGUMENTS"),
        ("x; echo", "COMMAND ARGUMENTS"),
    ] {
        let problems =
            refused(config(SERVER, &format!("exec: {{command: '{command}', env: [{{name: A, value: {CANARY}}}]}}")));
        let help = problems[0].help.as_deref().unwrap();
        assert!(help.contains(line) && help.contains("`--kube-token`") && help.contains("`--allow-exec`"), "{help}");
    }
}

#[test]
fn an_allowed_plugin_stays_with_its_secret_variables_known() {
    let exec = |version: &str, command: &str| {
        config(
            SERVER,
            &format!(
                "exec: {{apiVersion: client.authentication.k8s.io/{version}, command: {command}, interactiveMode: Never, \
                 env: [{{name: AWS_PROFILE, value: staging}}, {{name: AWS_SECRET_ACCESS_KEY, value: {CANARY}}}]}}"
            ),
        )
    };
    let options = Options { allow_exec: true, ..Options::default() };
    let machine = Machine::with(&[("/etc/k/config", &exec("v1", "bin/aws"))]);
    let kubeconfig = load(&input("/etc/k/config"), &options, &machine).expect("usable");
    assert!(kubeconfig.uses_exec);
    assert_eq!(exposed(&kubeconfig), [CANARY]);
    assert_eq!(json_of(&kubeconfig)["users"][0]["user"]["exec"]["command"], "/etc/k/bin/aws");
    assert_eq!(kinds(&refusal(&input(exec("v1alpha1", "aws")), &options, &machine)), ["exec-version"]);
    assert_eq!(kinds(&refusal(&input(exec("v1", "bin/aws")), &options, &machine)), ["kubeconfig-path"]);
}

#[test]
fn the_arguments_of_a_plugin_that_hold_secrets_are_known_and_the_others_are_not() {
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never, args: [\
                --cluster-name, production, '--client-secret=abc', --refresh-token, def, --server-id, \
                6dae42f8-4368-4678-94ff-3960e28e3630, -c, \"curl -H 'Authorization: Bearer aB3aB3aB3aB3aB3aB3aB3'\", '--token', --verbose]}";
    let options = Options { allow_exec: true, ..Options::default() };
    let kubeconfig = load(&input(config(SERVER, exec)), &options, &Machine::default()).expect("usable");
    assert_eq!(exposed(&kubeconfig), ["abc", "def", "aB3aB3aB3aB3aB3aB3aB3"]);
}

#[test]
fn a_client_certificate_that_has_expired_is_told_with_its_last_day() {
    let user = |not_after: &str| {
        let data = STANDARD.encode(expiry::tests::pem(not_after));
        config(SERVER, &format!("client-certificate-data: {data}, client-key-data: {}", encoded("EC PRIVATE KEY")))
    };
    assert_eq!(loaded(user("260101000000Z")).credentials.len(), 2);
    let problems = refused(user("251231235959Z"));
    assert_eq!(kinds(&problems), ["certificate-expired"]);
    assert!(problems[0].message.ends_with("has expired on 2025-12-31"), "{}", problems[0].message);
}

#[test]
fn kube_token_takes_the_place_of_every_credential() {
    let token = Secret::new(format!("{CANARY}\n"));
    let options = Options { token: Some(&token), ..Options::default() };
    let exec = config(SERVER, "exec: {command: aws}, as: ci, as-groups: [deployers], client-key: /no, username: x");
    let absent = good().replace("users:", "other:");
    let nobody = absent.replace("user: deployer, ", "");
    for (text, user) in [
        (exec, json!({"name": "deployer", "user": {"as": "ci", "as-groups": ["deployers"], "token": CANARY}})),
        (absent, json!({"name": "deployer", "user": {"token": CANARY}})),
        (nobody, json!({"name": "secret-patch", "user": {"token": CANARY}})),
    ] {
        let kubeconfig = load(&input(text), &options, &Machine::default()).expect("usable");
        assert_eq!(json_of(&kubeconfig)["users"], json!([user]));
        assert_eq!(json_of(&kubeconfig)["contexts"][0]["context"]["user"], user["name"]);
        assert_eq!(exposed(&kubeconfig), [CANARY]);
        assert!(!kubeconfig.uses_exec);
    }
}

#[test]
fn a_kube_token_that_is_none_is_refused() {
    for (token, kind) in [
        (" ".to_owned(), "token-empty"),
        (format!("Bearer {CANARY}"), "token-invalid"),
        (format!("{{\"status\":{{\"token\":\"{CANARY}\"}}}}"), "token-invalid"),
    ] {
        let token = Secret::new(token);
        let options = Options { token: Some(&token), ..Options::default() };
        assert_eq!(kinds(&refusal(&input(good()), &options, &Machine::default())), [kind]);
    }
}

#[test]
fn a_token_file_is_taken_from_a_kubeconfig_that_is_a_file() {
    let text = config(SERVER, "tokenFile: token");
    for (token, expected) in
        [(Some(CANARY), None), (Some(" \n"), Some("is empty")), (None, Some("does not exist here"))]
    {
        let mut machine = Machine::with(&[("/k/config", &text)]);
        machine.files.extend(token.map(|token| (PathBuf::from("/k/token"), format!("{token}\n").into_bytes())));
        match expected {
            None => {
                let kubeconfig = load(&input("/k/config"), &Options::default(), &machine).expect("usable");
                assert_eq!(json_of(&kubeconfig)["users"][0]["user"]["tokenFile"], "/k/token");
                assert_eq!(exposed(&kubeconfig), [CANARY]);
            }
            Some(words) => {
                let problems = refusal(&input("/k/config"), &Options::default(), &machine);
                assert_eq!(kinds(&problems), ["token-file"]);
                assert!(problems[0].message.contains(words), "{}", problems[0].message);
            }
        }
    }
}

#[test]
fn certificates_and_keys_are_checked_kept_and_known_to_the_masker() {
    let (certificate, key) = (encoded("CERTIFICATE"), encoded("RSA PRIVATE KEY"));
    let (start, end) = key.split_at(20);
    let by_data = config(
        &format!("{SERVER}, certificate-authority: /ignored, certificate-authority-data: {certificate}"),
        &format!("client-certificate-data: {certificate}, client-key-data: \"{start}\\n {end}\""),
    );
    let kubeconfig = loaded(by_data);
    assert_eq!(exposed(&kubeconfig), [pem("RSA PRIVATE KEY"), key.clone()]);
    assert_eq!(kinds(&kubeconfig.warnings), ["kubeconfig-both"]);
    let json = json_of(&kubeconfig);
    assert_eq!(json["users"][0]["user"]["client-key-data"], key);
    assert_eq!(json["clusters"][0]["cluster"].get("certificate-authority"), None);

    let by_path = config(SERVER, "client-certificate: ./pki/c.crt, client-key: ../c.key");
    let machine = Machine::with(&[
        ("/k/config", &by_path),
        ("/k/pki/c.crt", &format!("Bag Attributes\n{}", pem("CERTIFICATE"))),
        ("/k/../c.key", &format!("{}{}", pem("EC PARAMETERS"), pem("EC PRIVATE KEY"))),
    ]);
    let kubeconfig = load(&input("/k/config"), &Options::default(), &machine).expect("usable");
    assert!(exposed(&kubeconfig)[0].contains("EC PRIVATE KEY"));
    let user = &json_of(&kubeconfig)["users"][0]["user"];
    assert_eq!((&user["client-certificate"], &user["client-key"]), (&json!("/k/pki/c.crt"), &json!("/k/../c.key")));
}

#[test]
fn damaged_pem_is_not_sent_on() {
    for text in [
        "-----BEGIN CERTIFICATE-----\nYWJj\n",
        "-----BEGIN CERTIFICATE-----\nYW!Jj\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
        "-----BEGIN",
        "",
    ] {
        let text = STANDARD.encode(format!("{text}\n"));
        let problems = refused(config(&format!("{SERVER}, certificate-authority-data: {text}"), &token()));
        assert_eq!(kinds(&problems), ["certificate-pem"]);
    }
}

#[test]
fn a_raw_pem_where_base64_belongs_gets_its_own_remedy() {
    let pem = pem("CERTIFICATE").replace('\n', "\\n");
    let problems = refused(config(&format!("{SERVER}, certificate-authority-data: \"{pem}\""), &token()));
    assert_eq!(kinds(&problems), ["certificate-base64"]);
    assert!(problems[0].help.as_deref().unwrap().starts_with("this is PEM as it stands"));
}

#[test]
fn fields_that_are_not_ours_survive() {
    let text = config(
        &format!(
            "{SERVER}, tls-server-name: k8s, disable-compression: true, extensions: [{{name: e, extension: {{a: 1}}}}]"
        ),
        &format!("{}, as: ci, as-uid: u, as-groups: [g], as-user-extra: {{k: [v]}}, extensions: []", token()),
    );
    let kubeconfig = loaded(text.replace("kind: Config", "kind: Config\nx-base: &base {later: true}"));
    assert_eq!(kubeconfig.namespace.as_deref(), Some("shop"));
    let json = json_of(&kubeconfig);
    let cluster = &json["clusters"][0]["cluster"];
    assert_eq!((&cluster["tls-server-name"], &cluster["disable-compression"]), (&json!("k8s"), &json!(true)));
    assert_eq!(cluster["extensions"][0]["extension"]["a"], 1);
    let user = &json["users"][0]["user"];
    assert_eq!(
        (&user["as"], &user["as-groups"], &user["as-user-extra"]),
        (&json!("ci"), &json!(["g"]), &json!({"k": ["v"]}))
    );
    assert_eq!(json.as_object().unwrap().len(), 6, "nothing of the root but what kubectl needs");
}

#[test]
fn other_contexts_and_their_credentials_are_left_out() {
    let text =
        good().replace("users:\n", "users:\n- name: admin\n  user: {token: admin-secret, exec: {command: sh}}\n");
    let kubeconfig = loaded(text);
    assert!(!kubeconfig.contents.expose().contains("admin"));
    assert!(!kubeconfig.uses_exec);
}

#[test]
fn a_username_and_password_are_kept_with_a_warning() {
    let kubeconfig = loaded(config(SERVER, &format!("username: me, password: {CANARY}")));
    assert_eq!(exposed(&kubeconfig), [CANARY]);
    assert_eq!(kubeconfig.warnings[0].severity, Severity::Warning);
    assert_eq!(kinds(&kubeconfig.warnings), ["user-password"]);
}

#[test]
fn nothing_secret_is_printed_for_debugging() {
    let kubeconfig = loaded(good());
    assert!(!leaks(&format!("{kubeconfig:?} {:?}", input(good()))));
}

#[test]
fn a_missing_file_in_a_container_is_explained_by_the_container() {
    let options = Options { in_container: true, action: true, ..Options::default() };
    let problems = refusal(&input("~/.kube/config"), &options, &Machine::default());
    assert!(problems[0].help.as_deref().unwrap().contains("RUNNER_TEMP"), "{problems:?}");
}

#[test]
fn a_server_may_have_its_api_beneath_a_path() {
    for (server, path) in [
        ("https://127.0.0.1:6443", ""),
        ("https://h/", ""),
        ("https://h/k8s/clusters/c-1", "/k8s/clusters/c-1"),
        ("https://h:1/a/?q=/x", "/a"),
        ("h/a", "/a"),
    ] {
        let kubeconfig = Kubeconfig {
            context: String::new(),
            server: server.to_owned(),
            contents: Secret::new(""),
            credentials: Vec::new(),
            namespace: None,
            uses_exec: false,
            warnings: Vec::new(),
        };
        assert_eq!(kubeconfig.base_path(), path, "{server}");
    }
}
