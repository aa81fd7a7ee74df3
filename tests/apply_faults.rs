//! Needs the test bed.
//!
//! An `apply` whose way to the API server, or kubectl itself, fails: what is told of the cluster is true, and the next run ends in the wanted state.
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
use std::path::PathBuf;

use secret_patch_bed::proxy::{Plan, Proxy};
use serde_json::{Value, json};
use support::cluster::{Namespace, bed};
use support::{Checkout, Run};

const OBJECTS: &str = "apiVersion: v1
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
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  A: ${NUMBER}
";

#[test]
fn explore() {
    let namespace = Namespace::new();
    let checkout = Checkout::with(OBJECTS, OBJECTS);
    checkout.commit();
    let run = |number: u32| {
        checkout
            .program(&["apply", "demo", "--yes", "--nonsensitive", "NUMBER", "--format", "json"])
            .in_namespace(&namespace)
            .env("A", &format!("canary-{number}-of-many"))
            .env("NUMBER", &number.to_string())
    };
    let token = std::fs::read_to_string(format!("{}/admin.token", bed("BED_DIR"))).unwrap();
    let mut number = 1;
    run(1).run().done();
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let canary_url = format!("http://{}", canary.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut client in canary.incoming().flatten() {
            let mut b = [0; 8192];
            let n = client.read(&mut b).unwrap();
            println!("CANARY GOT {}", String::from_utf8_lossy(&b[..n]));
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        }
    });
    let dir = PathBuf::from(bed("BED_DIR"));
    let tls = Proxy::start(&dir, &bed("BED_SERVER"), Plan::parse("* * always status 418", 1).unwrap()).unwrap();
    let path = std::env::var("PLANS").unwrap();
    for plan in std::fs::read_to_string(path).unwrap().split("\n\n") {
        let plan = plan.replace("CANARY", &canary_url).replace("TLSCANARY", tls.url());
        number += 1;
        println!("=================== {plan}");
        let proxy = Proxy::start(&dir, &bed("BED_SERVER"), Plan::parse(&plan, 1).unwrap()).unwrap();
        let mut config = namespace.config();
        config["clusters"][0]["cluster"]["server"] = json!(proxy.url());
        config["users"][0]["user"] = json!({"token": token.trim()});
        let path = namespace.write("through", &config.to_string());
        let clock = std::time::Instant::now();
        let ended = run(number).env("KUBECONFIG", &path).run();
        println!("took {:?} exit {:?}\n{}", clock.elapsed(), ended.code, ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
        println!("{}", report["summary"]);
        for problem in report["problems"].as_array().unwrap() {
            println!("  {problem}");
        }
        for object in report["objects"].as_array().unwrap() {
            println!("  {} {} {}", object["kind"], object["name"], object["progress"]);
        }
        let live: BTreeMap<&str, String> = ["secret/app", "secret/second", "configmap/config"]
            .into_iter()
            .map(|what| (what, namespace.value(what, "A")))
            .collect();
        println!("wanted {number}, live {live:?}");
        for seen in proxy.seen() {
            println!("    {} {} {:?}", seen.method, seen.target, seen.fault);
        }
    }
    println!("TLS canary {:?}", tls.seen());
}
