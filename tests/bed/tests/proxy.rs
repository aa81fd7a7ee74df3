//! The fault proxy before the real API server and the real OpenBao.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use secret_patch_bed::proxy::{Fault, Plan, Proxy, Seen};

/// A proxy in the background with the rules of `$1`; sets `url` and writes its log to `log`.
const PROXY: &str = r#"
set -euo pipefail
cd "$BED_DIR"
proxy() { # RULES, then flags
  printf '%s\n' "$1" >plan; shift
  rm -f log through
  "$BED" proxy --plan plan --kubeconfig through "$@" >log 2>proxy.err &
  while ! [ -s log ]; do sleep 0.05; done
  url=$(head -n 1 log)
}
through() { kubectl --kubeconfig "$BED_DIR/through" "$@"; }
counted() { grep -c "$1" log || true; }
"#;

fn run(parts: &str, script: &str) -> Vec<String> {
    support::run(parts, &format!("{PROXY}{script}")).lines().map(str::to_owned).collect()
}

#[test]
fn kubectl_works_through_a_proxy_without_faults_also_when_it_watches() {
    let script = r#"
        proxy '# none' --seed 1
        through create deployment web --image=web >&2
        through rollout status deployment/web --timeout=60s >&2
        through auth whoami -o jsonpath='{.status.userInfo.username}{"\n"}'
        [ "$(counted 'watch=true')" -ge 1 ] && echo watched
    "#;
    assert_eq!(run("", script), ["bed-admin", "watched"]);
}

#[test]
fn each_fault_is_what_a_client_sees() {
    let script = r#"
        proxy 'GET /api/v1/namespaces/default/configmaps/status always status 500
GET /api/v1/namespaces/default/configmaps/busy 1 status 429 1
GET /api/v1/namespaces/default/configmaps/drop always drop
PATCH /api/v1/namespaces/default/configmaps/cut always cut 0
GET /api/v1/namespaces/default/configmaps/half always cut 400
GET /api/v1/namespaces/default/configmaps/away always redirect https://127.0.0.1:1
GET /api/v1/namespaces/default/configmaps/slow always slow 2000
GET /api/v1/namespaces/default/configmaps/late always latency 1500'
        get() { local began=$(date +%s%N); said=$(through get configmap "$1" -o name 2>&1) && code=0 || code=$?; took=$((($(date +%s%N) - began) / 1000000)); }
        for name in busy cut half away slow late; do kubectl create configmap $name --from-literal=K=$(printf '%01000d' 0) >&2; done
        get status; echo "status $code $said"
        get busy; echo "busy $code $said $((took >= 1000)) $(counted 'configmaps/busy')"
        get drop; echo "drop $code $(grep -o EOF <<<"$said" | head -n 1)"
        get half; echo "half $code $(grep -oi 'unexpected EOF' <<<"$said" | head -n 1)"
        get away; echo "away $code $(grep -o 'server 127.0.0.1:1 was refused' <<<"$said")"
        get slow; echo "slow $code $said $((took >= 500))"
        get late; echo "late $code $said $((took >= 1500))"
        through patch configmap cut -p '{"data":{"K":"new"}}' >/dev/null 2>&1 && echo answered || echo "no answer"
        echo "but done: $(kubectl get configmap cut -o jsonpath={.data.K})"
    "#;
    let expected = [
        "status 1 Error from server: fault of the proxy",
        "busy 0 configmap/busy 1 2",
        "drop 1 EOF",
        "half 1 unexpected EOF",
        "away 1 server 127.0.0.1:1 was refused",
        "slow 0 configmap/slow 1",
        "late 0 configmap/late 1",
        "no answer",
        "but done: new",
    ];
    assert_eq!(run("", script), expected);
}

#[test]
fn a_seed_repeats_its_faults_before_openbao_plain_and_tls() {
    let script = r#"
        export VAULT_CACERT=$BED_DIR/ca.crt VAULT_MAX_RETRIES=0
        faults() { # SERVER SEED
            proxy "* * 30% status 503
* * 20% drop" --to "$1" --seed "$2"
            for n in 1 2 3 4 5 6 7 8 9 10 11 12; do VAULT_ADDR=$url bao kv get kv1/$n >/dev/null 2>&1 || true; done
            grep -o 'status 503$\|drop$\|-$' log | tr '\n' ' '; echo
            kill $!
        }
        for server in "$VAULT_ADDR" "$BED_VAULT_TLS_ADDR"; do faults "$server" 5; done
        faults "$VAULT_ADDR" 6
    "#;
    let faults = run("vault", script);
    assert_eq!(faults[0], faults[1]);
    assert_ne!(faults[0], faults[2]);
    assert!(faults[0].contains("503") && faults[0].contains("drop") && faults[0].contains('-'), "{faults:?}");
}

#[test]
fn from_rust_a_proxy_tells_what_it_saw_and_ends_when_it_is_dropped() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("http://{}", server.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut client in server.incoming().flatten() {
            let _ = client.read(&mut [0; 4096]).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
        }
    });
    let plan = Plan::parse("GET /a 2 status 503 7\nGET /b always cut 40", 0).unwrap();
    let proxy = Proxy::start(Path::new("/no/bed/needed/for/http"), &to, plan).unwrap();
    let address = proxy.url().strip_prefix("http://").unwrap().to_owned();
    let ask = |path: &str| {
        let mut client = TcpStream::connect(&address).unwrap();
        client.write_all(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        said
    };
    assert!(ask("/a?x=1").ends_with("\r\n\r\nhello"));
    assert!(ask("/a").contains("503 Fault\r\nRetry-After: 7\r\n"));
    assert!(ask("/b").ends_with("\r\n\r\nhe"));
    let seen = |target: &str, fault| Seen { method: "GET".to_owned(), target: target.to_owned(), fault };
    let faults = [None, Some(Fault::Status(503, Some(7))), Some(Fault::Cut(40))];
    let expected: Vec<Seen> =
        ["/a?x=1", "/a", "/b"].into_iter().zip(faults).map(|(path, fault)| seen(path, fault)).collect();
    assert_eq!(proxy.seen(), expected);
    drop(proxy);
    assert!(TcpStream::connect(&address).is_err());
}
