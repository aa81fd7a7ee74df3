//! Needs the test bed.
//!
//! An `apply` whose way to the API server, or whose kubectl, fails: what it tells of the cluster is true, and the next run
//! ends in the wanted state.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use secret_patch_bed::authority::Authority;
use secret_patch_bed::proxy::{Plan, Proxy, Seen};
use serde_json::{Value, json};
use support::cluster::{Namespace, bed, random};
use support::{Checkout, Ended, Run, assert_no_leak};

const OBJECTS: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  A: ${NUMBER}
---
apiVersion: v1
kind: Secret
metadata: {name: app}
stringData:
  A: ${A}
---
apiVersion: v1
kind: Secret
metadata: {name: second}
stringData:
  A: ${A}
";
const COUNT: u64 = 3;
const PATCH: &str = "config/demo-secret-config-patch.yml";
const BEFORE: &str = "# what a developer left here\n";
const NOTHING: &str = "nothing was written to the cluster";

/// What each object holds, by kind and name.
type State = BTreeMap<String, String>;

/// A deployment of number 1, over which others are applied.
struct Scene {
    namespace: Namespace,
    checkout: Checkout,
}

impl Scene {
    fn new() -> Self {
        let scene =
            Self { namespace: Namespace::new(), checkout: Checkout::with(OBJECTS, OBJECTS).file(PATCH, BEFORE) };
        scene.checkout.commit();
        scene.run(1).run().done();
        scene
    }

    fn run(&self, number: u64) -> Run {
        let arguments = ["apply", "demo", "--yes", "--nonsensitive", "NUMBER", "--format", "json"];
        let run = self.checkout.program(&arguments).in_namespace(&self.namespace);
        run.env("A", &canary(number)).env("NUMBER", &number.to_string())
    }

    /// A kubeconfig for `server` with a token: a proxy cannot pass a client certificate.
    fn kubeconfig(&self, server: &str) -> String {
        let mut config = self.namespace.config();
        config["clusters"][0]["cluster"]["server"] = json!(server);
        config["users"][0]["user"] = json!({"token": token()});
        self.namespace.write("through", &config.to_string())
    }

    /// Applies `number` through `proxy`.
    fn through(&self, proxy: &Proxy, number: u64) -> Run {
        self.run(number).env("KUBECONFIG", &self.kubeconfig(proxy.url()))
    }

    fn live(&self) -> State {
        let list: Value =
            serde_json::from_str(&self.namespace.kubectl(&["get", "secrets,configmaps", "-o", "json"])).unwrap();
        let items = list["items"].as_array().unwrap().iter();
        let name =
            |item: &Value| format!("{} {}", item["kind"].as_str().unwrap(), item["metadata"]["name"].as_str().unwrap());
        items.filter_map(|item| Some((name(item), item["data"]["A"].as_str()?.to_owned()))).collect()
    }

    /// Applies 2 with these faults on the way: it fails at `stage` and tells no untruth, and the next run puts all right.
    #[track_caller]
    fn fails_at(&self, stage: &str, rules: &str) -> Told {
        let proxy = proxy(rules, 1);
        let told = self.told(&self.through(&proxy, 2).run());
        assert!(proxy.seen().iter().any(|seen| seen.fault.is_some()), "no request met `{rules}`");
        told.failed(stage);
        self.put_right(2);
        told
    }

    /// What a run of 2 over 1 told, which is held against what the cluster has.
    #[track_caller]
    fn told(&self, ended: &Ended) -> Told {
        self.told_of(ended, &state(1), 2)
    }

    #[track_caller]
    fn told_of(&self, ended: &Ended, before: &State, number: u64) -> Told {
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no report: {ended:?}"));
        let told = Told { report, code: ended.code, log: ended.stderr.clone() };
        told.is_true(before, &self.live(), &state(number));
        let canaries = [token(), canary(number), canary(number - 1)];
        let canaries: Vec<&str> = canaries.iter().map(String::as_str).collect();
        assert_no_leak("stdout", ended.stdout.as_bytes(), &canaries);
        assert_no_leak("stderr", ended.stderr.as_bytes(), &canaries);
        self.checkout.holds_nothing(&canaries, &[]);
        assert_eq!(self.checkout.read(PATCH), BEFORE);
        told
    }

    #[track_caller]
    fn put_right(&self, number: u64) {
        self.run(number).run().done();
        assert_eq!(self.live(), state(number));
        assert_eq!(self.namespace.versions().len() as u64, COUNT);
    }
}

fn canary(number: u64) -> String {
    format!("canary-number-{number}-of-many")
}

fn token() -> String {
    fs::read_to_string(format!("{}/admin.token", bed("BED_DIR"))).expect("a file").trim().to_owned()
}

fn state(number: u64) -> State {
    use base64::Engine as _;
    let secret = base64::engine::general_purpose::STANDARD.encode(canary(number));
    let pairs = [("ConfigMap config", number.to_string()), ("Secret app", secret.clone()), ("Secret second", secret)];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

fn proxy(rules: &str, seed: u64) -> Proxy {
    proxy_with(rules, seed, |_| {})
}

fn proxy_with(rules: &str, seed: u64, tell: impl Fn(&Seen) + Send + Sync + 'static) -> Proxy {
    let plan = Plan::parse(rules, seed).expect("rules");
    Proxy::start_with(&PathBuf::from(bed("BED_DIR")), &bed("BED_SERVER"), plan, tell).expect("a proxy")
}

/// What a run told.
#[derive(Debug)]
struct Told {
    report: Value,
    code: Option<i32>,
    log: String,
}

impl Told {
    fn summary(&self) -> &str {
        self.report["summary"].as_str().expect("a sentence")
    }

    /// How far each object got.
    fn progress(&self) -> BTreeMap<String, &str> {
        let objects = self.report["objects"].as_array().expect("objects").iter();
        let text = |value: &'_ Value| value.as_str().expect("a string").to_owned();
        objects
            .map(|object| {
                // `null`: nothing is to be done about it.
                let progress = object["progress"].as_str().unwrap_or("unchanged");
                (format!("{} {}", text(&object["kind"]), text(&object["name"])), progress)
            })
            .collect()
    }

    fn errors(&self) -> Vec<&Value> {
        let problems = self.report["problems"].as_array().expect("problems").iter();
        problems.filter(|problem| problem["severity"] == "error").collect()
    }

    #[track_caller]
    fn is_true(&self, before: &State, live: &State, wanted: &State) {
        let progress = self.progress();
        for (name, live) in live {
            let (old, new) = (live == &before[name], live == &wanted[name]);
            assert!(old || new, "`{name}` holds neither the old nor the new value");
            let fits = match progress.get(name).copied() {
                Some("done") => new,
                Some("unanswered") => true,
                Some("refused" | "not-reached") | None => old,
                Some("planned" | "unchanged") => old,
                Some(other) => panic!("`{other}`"),
            };
            assert!(fits, "`{name}` is told as {:?}, and new is {new}: {self:?}", progress.get(name));
        }
        let many = |word: &str| progress.values().filter(|progress| **progress == word).count();
        if self.code == Some(0) {
            assert_eq!((live, self.report["result"].as_str()), (wanted, Some("done")), "{self:?}");
        } else {
            assert_eq!((self.code, self.report["result"].as_str()), (Some(1), Some("failed")), "{self:?}");
            assert!(!self.errors().is_empty(), "{self:?}");
            for error in self.errors() {
                assert!(error["help"].is_string(), "no remedy: {error}");
                let line =
                    format!("error[{}]: {}", error["kind"].as_str().unwrap(), error["message"].as_str().unwrap());
                assert_eq!(self.log.matches(&line).count(), 1, "{self:?}");
            }
            let unanswered = match many("unanswered") {
                0 => String::new(),
                many => format!(", {many} not answered"),
            };
            let sentence = match many("done") + many("refused") + many("unanswered") {
                0 => NOTHING.to_owned(),
                _ => {
                    let (done, plural) = (many("done"), if many("done") == 1 { "" } else { "s" });
                    let (refused, missed) = (many("refused"), many("not-reached"));
                    format!("{done} object{plural} written, {refused} refused{unanswered}, {missed} not reached")
                }
            };
            assert!(self.summary().contains(&sentence), "{self:?}");
        }
        assert!(!self.log.contains("panicked"), "{self:?}");
    }

    #[track_caller]
    fn failed(&self, stage: &str) {
        assert_eq!((self.code, self.report["failedStage"].as_str()), (Some(1), Some(stage)), "{self:?}");
    }

    /// One error of this kind.
    #[track_caller]
    fn for_one_reason(&self, kind: &str) {
        let kinds: Vec<&str> = self.errors().iter().map(|error| error["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, [kind], "{self:?}");
    }

    #[track_caller]
    fn wrote(&self, config: &str, app: &str, second: &str) {
        let expected = [("ConfigMap config", config), ("Secret app", app), ("Secret second", second)];
        assert_eq!(self.progress(), expected.map(|(name, word)| (name.to_owned(), word)).into(), "{self:?}");
    }
}

/// Of a page in the place of its answer kubectl shows the beginning, which may end within a value.
#[test]
fn a_page_that_quotes_the_request_is_not_shown() {
    let value = "sk-canary-of-a-long-value-".repeat(200);
    for (status, kind) in [(500, "server-failed"), (502, "server-failed"), (403, "request-intercepted")] {
        for command in ["diff", "apply"] {
            let scene = Scene::new();
            let proxy = proxy(&format!("PATCH */secrets/app always quote {status}"), 1);
            let kubeconfig = scene.kubeconfig(proxy.url());
            let words: &[&str] = if command == "apply" { &["apply", "demo", "--yes"] } else { &["diff", "demo"] };
            let run = scene.checkout.program(words).in_namespace(&scene.namespace).env("KUBECONFIG", &kubeconfig);
            let run = run.env("A", &value).env("NUMBER", "2");
            run.run().failed(1, &[kind]);
            assert!(proxy.seen().iter().any(|seen| seen.fault.is_some()), "no request met the rule");
        }
    }
}

#[test]
fn latency_on_every_request_changes_nothing() {
    let scene = Scene::new();
    scene.through(&proxy("* * always latency 60", 1), 2).run().done();
    assert_eq!(scene.live(), state(2));
}

#[test]
fn slow_answers_change_nothing() {
    let scene = Scene::new();
    scene.through(&proxy("* * always slow 60000", 1), 2).run().done();
    assert_eq!(scene.live(), state(2));
}

#[test]
fn a_busy_server_is_asked_again_after_the_time_that_it_names() {
    let scene = Scene::new();
    let rules = "GET */secrets/app 1 status 429 1\nPATCH */configmaps/config 1 status 503 1\nPATCH */secrets/app 2 status 429 1";
    let (proxy, clock) = (proxy(rules, 1), Instant::now());
    scene.through(&proxy, 2).run().done();
    assert!(clock.elapsed() >= Duration::from_secs(3));
    assert_eq!(proxy.seen().iter().filter(|seen| seen.fault.is_some()).count(), 3);
    assert_eq!(scene.live(), state(2));
}

#[test]
fn a_server_that_stays_busy_at_the_first_request_is_told() {
    let told = Scene::new().fails_at("build", "* * always status 503 0");
    told.for_one_reason("server-failed");
    assert!(told.summary().contains(NOTHING));
}

#[test]
fn a_server_that_stays_busy_when_the_live_objects_are_read_is_told() {
    for status in [429, 503] {
        let told = Scene::new().fails_at("compare", &format!("GET */secrets/* always status {status} 0"));
        assert!(told.summary().contains(NOTHING), "{told:?}");
        assert_eq!(told.errors().len(), 1, "{told:?}");
    }
}

#[test]
fn a_server_that_stays_busy_at_the_dry_run_is_told() {
    for status in [429, 503] {
        let told = Scene::new().fails_at("compare", &format!("PATCH */secrets/app always status {status} 0"));
        assert!(told.summary().contains(NOTHING), "{told:?}");
        assert_eq!(told.errors().len(), 1, "{told:?}");
        told.wrote("planned", "planned", "planned");
    }
}

#[test]
fn a_server_that_stays_busy_at_the_apply_is_told() {
    for status in [429, 503] {
        let told = Scene::new().fails_at("apply", &format!("PATCH */secrets/app 2- status {status} 0"));
        told.wrote("done", "refused", "done");
        assert_eq!(told.errors().len(), 1, "{told:?}");
    }
}

#[test]
fn an_error_at_the_second_write_of_a_batch_leaves_the_others_written_and_itself_open() {
    for status in [500, 502] {
        let told = Scene::new().fails_at("apply", &format!("PATCH */secrets/app 2 status {status}"));
        // Nobody knows how far the server, or the one behind a gateway, had come.
        told.wrote("done", "unanswered", "done");
        assert!(told.errors()[0]["message"].as_str().unwrap().contains("`Secret app`"), "{told:?}");
        assert_eq!(told.errors().len(), 1, "{told:?}");
    }
}

#[test]
fn an_error_when_all_is_read_back_does_not_undo_what_was_written() {
    let told = Scene::new().fails_at("verify", "GET */secrets/app 2- status 500");
    told.wrote("done", "done", "done");
}

#[test]
fn a_write_that_never_arrived_is_not_known() {
    let told = Scene::new().fails_at("apply", "PATCH */secrets/app 2 drop");
    told.wrote("done", "unanswered", "done");
    told.for_one_reason("server-unreachable");
}

#[test]
fn a_write_whose_answer_never_arrived_is_not_known() {
    for bytes in [0, 1, 10, 30, 60] {
        let told = Scene::new().fails_at("apply", &format!("PATCH */secrets/app 2 cut {bytes}"));
        told.wrote("done", "unanswered", "done");
        told.for_one_reason("server-unreachable");
    }
}

#[test]
fn a_server_that_goes_away_between_dry_run_and_apply_has_nothing() {
    let scene = Scene::new();
    let wrapper = scene.namespace.wrapper(
        "case \"$*\" in *dry-run*) ;; apply*) : >\"$calls/waits\"; while ! [ -e \"$calls/go\" ]; do /bin/sleep 0.05; done ;; esac",
    );
    let proxy = proxy("", 1);
    let run = scene.through(&proxy, 2).through(&wrapper);
    let ended = std::thread::scope(|scope| {
        let run = scope.spawn(|| run.run());
        let deadline = Instant::now() + Duration::from_secs(20);
        while !wrapper.calls.join("waits").exists() {
            assert!(Instant::now() < deadline, "no call of kubectl applies");
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(proxy);
        fs::write(wrapper.calls.join("go"), "").expect("written");
        run.join().expect("ended")
    });
    let told = scene.told(&ended);
    told.failed("apply");
    told.for_one_reason("server-unreachable");
    assert!(told.summary().contains("0 objects written"), "{told:?}");
    assert_eq!(scene.live(), state(1));
    scene.put_right(2);
}

#[test]
fn a_kubectl_that_is_killed_in_the_middle_leaves_no_doubt_unsaid() {
    for (rules, kill_at) in [("", "config"), ("", "app"), ("PATCH */secrets/app 2 latency 300", "app"), ("", "second")]
    {
        let scene = Scene::new();
        let wrapper =
            scene.namespace.wrapper("case \"$*\" in *dry-run*) ;; apply*) echo $$ >\"$calls/process\" ;; esac");
        let process = wrapper.calls.join("process");
        let proxy = proxy_with(rules, 1, move |seen| {
            let (path, query) = seen.target.split_once('?').unwrap_or_default();
            if seen.method == "PATCH" && !query.contains("dryRun") && path.ends_with(&format!("/{kill_at}")) {
                let process = fs::read_to_string(&process).expect("a file");
                assert!(Command::new("kill").args(["-KILL", process.trim()]).status().expect("kill").success());
            }
        });
        let told = scene.told(&scene.through(&proxy, 2).through(&wrapper).run());
        told.failed("apply");
        told.for_one_reason("kubectl-killed");
        match kill_at {
            "config" => told.wrote("unanswered", "unanswered", "unanswered"),
            "app" => told.wrote("done", "unanswered", "unanswered"),
            _ => told.wrote("done", "done", "unanswered"),
        }
        scene.put_right(2);
    }
}

#[test]
fn a_redirect_to_a_host_that_is_not_trusted_carries_nothing_there() {
    let elsewhere = tempfile::TempDir::new().expect("a directory");
    Authority::create(elsewhere.path()).expect("an authority of its own");
    let no_faults = Plan::parse("", 1).expect("rules");
    let other = Proxy::start(elsewhere.path(), &bed("BED_SERVER"), no_faults).expect("another host");
    for (stage, requests) in [("build", "* * always"), ("compare", "PATCH * always"), ("apply", "PATCH * 4-")] {
        let told = Scene::new().fails_at(stage, &format!("{requests} redirect {}", other.url()));
        assert!(told.summary().contains(NOTHING) || told.summary().contains("0 objects written"), "{told:?}");
        told.for_one_reason("server-certificate");
    }
    assert_eq!(other.seen(), []);
}

#[test]
fn a_redirect_to_plain_http_is_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    // A name that Go does not take for this machine's own.
    let other = format!("http://localhost.:{}", listener.local_addr().expect("an address").port());
    listener.set_nonblocking(true).expect("a listener that can be asked");
    for (stage, requests) in [("build", "* * always"), ("compare", "PATCH * always"), ("apply", "PATCH * 4-")] {
        let told = Scene::new().fails_at(stage, &format!("{requests} redirect {other}"));
        assert!(told.summary().contains(NOTHING) || told.summary().contains("0 objects written"), "{told:?}");
        told.for_one_reason("server-redirects");
    }
    assert_eq!(listener.accept().expect_err("a visit").kind(), ErrorKind::WouldBlock);
}

/// How many rounds of chance there are; more under SOAK.
fn rounds() -> u64 {
    std::env::var("SOAK").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6)
}

/// Applies 2, 3 and so on, each with faults of the round's seed, and each after that without: a printed seed gives the same.
fn by_chance(rules: impl Fn(u64) -> String) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(random);
    println!("SEED={seed}");
    let scene = Scene::new();
    for number in 2..rounds() + 2 {
        let seed = seed.wrapping_add(number);
        let rules = rules(seed);
        println!("round {number}, seed {seed}: {rules}");
        let proxy = proxy(&rules, seed);
        let before = scene.live();
        let ended = scene.through(&proxy, number).run();
        for seen in proxy.seen().iter().filter(|seen| seen.fault.is_some()) {
            println!("  {seen:?}");
        }
        scene.told_of(&ended, &before, number);
        scene.put_right(number);
    }
}

#[test]
fn an_answer_cut_at_any_byte_leaves_nothing_untrue_said() {
    by_chance(|seed| {
        // All of an answer's head is within 400 bytes; discovery has some 10 kB.
        let bytes = [seed / 7 % 400, seed / 7 % 10_000][usize::from(seed % 3 == 0)];
        match seed % 4 {
            0 => format!("* * {} cut {bytes}", 1 + seed / 5 % 21),
            1 => format!("PATCH * {} cut {bytes}", 1 + seed / 5 % COUNT),
            _ => format!("PATCH * {} cut {bytes}", COUNT + 1 + seed / 5 % COUNT),
        }
    });
}

#[test]
fn a_storm_of_faults_leaves_nothing_untrue_said() {
    const FAULTS: [&str; 8] =
        ["status 429 1", "status 500", "status 503 0", "drop", "cut 0", "cut 200", "slow 5000", "latency 200"];
    by_chance(|seed| {
        // By number, not by per cent: what is drawn for a path changes with the namespace's name.
        let mut hasher = DefaultHasher::new();
        let mut next = |below: u64| {
            seed.hash(&mut hasher);
            hasher.finish() % below
        };
        let rules = (0..1 + next(5)).map(|_| format!("* * {} {}", 1 + next(24), FAULTS[next(8) as usize]));
        rules.collect::<Vec<_>>().join("\n")
    });
}
