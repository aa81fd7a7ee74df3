//! Needs the test bed with docker, external-secrets and vault, and the image.
//!
//! What a static program on an empty file system could lack: names are resolved inside the image, and its own authorities are asked for trust.
//! And what holds of the program holds of it there: no value is shown.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secret_patch_bed::authority::SERVER_NAME;
use support::cluster::{bed, random};
use support::eso::{bao, of_vault};
use support::nasty::{CONFIG, SECRET, Scene};
use support::{Checkout, Ended};
use tempfile::TempDir;

const IMAGE: &str = "localhost/secret-patch:act";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const TEMPLATE: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData: {PASSWORD: \"${PASSWORD}\"}\n";
const PATCH: &str = "config/demo-secret-config-patch.yml";
const PASSWORD: &str = "canary: pa55 #1 \"of\" the image";

#[test]
fn the_program_finds_vault_by_name_and_trusts_the_images_authorities_and_those_of_ca_bundle() {
    let network = Network::new();
    let path = format!("t{:x}/app", random());
    bao(&["kv", "put", "-mount=secret", &path, "-"], &serde_json::json!({"k": PASSWORD}).to_string());
    let checkout = Checkout::with(TEMPLATE, "{}\n");
    checkout.commit();
    let (url, values) = (network.url("BED_VAULT_TLS_ADDR"), format!("secret/data/{path} k | PASSWORD"));
    let render = |docker: &[&str], flags: &[&str]| {
        let mount = format!("{}:/workspace", checkout.path().display());
        let docker = [&["-v", &mount, "-w", "/workspace", "-e", "SECRET_PATCH_VAULT_TOKEN"], docker].concat();
        let program = ["render", "demo", "--vault-url", &url, "--vault-secrets", &values];
        network.run(&docker, &[&program, flags].concat()).leaks_nothing(&[PASSWORD])
    };
    render(&[], &[]).failed(1, &["the TLS handshake", "ca-bundle"]);
    assert!(network.asked() > 0, "the name was not asked of the nameserver");
    assert!(!checkout.exists(PATCH));

    fs::copy(network.authority(), checkout.path().join("ca.crt")).expect("copied");
    render(&[], &["--ca-bundle", "ca.crt"]).done();
    assert!(checkout.read(PATCH).contains("canary: pa55"), "the value has not arrived");
    fs::remove_file(checkout.path().join(PATCH)).expect("there");
    // The one file that it reads authorities from.
    render(&["-v", &network.wider_bundle()], &[]).done();
    assert!(checkout.exists(PATCH));
}

#[test]
fn kubectl_finds_the_api_server_by_name_and_trusts_the_images_authorities() {
    let network = Network::new();
    let server = network.url("BED_SERVER");
    let token = fs::read_to_string(format!("{}/admin.token", bed("BED_DIR"))).expect("a file of the bed");
    let version = ["--server", &server, "--token", token.trim(), "get", "--raw", "/version"];
    let kubectl = ["--entrypoint", "/usr/local/bin/kubectl"];
    network.run(&kubectl, &version).failed(1, &["certificate signed by unknown authority"]);
    assert!(network.asked() > 0, "the name was not asked of the nameserver");
    let bundle = network.wider_bundle();
    network.run(&[&kubectl[..], &["-v", &bundle]].concat(), &version).done().said(&["gitVersion"]);
}

#[test]
fn the_image_has_the_public_authorities() {
    let bundle = bundle();
    let certificates: Vec<Vec<u8>> = bundle
        .split("-----BEGIN CERTIFICATE-----")
        .filter_map(|text| text.split_once("-----END CERTIFICATE-----"))
        .map(|(body, _)| STANDARD.decode(body.split_whitespace().collect::<String>()).expect("base64"))
        .collect();
    assert!(certificates.len() >= 100, "{} certificates", certificates.len());
    // Those of most Vaults, registries and GitHub.
    for name in ["ISRG Root X1", "DigiCert Global Root G2", "USERTrust RSA Certification Authority", "Amazon Root CA 1"]
    {
        let has_name = |certificate: &Vec<u8>| certificate.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(certificates.iter().any(has_name), "{name} is missing");
    }
}

#[test]
fn the_image_shows_no_value_whatever_it_is_and_whatever_the_server_answers() {
    let scene = Scene::in_image(IMAGE);
    scene.template(&format!("{SECRET}---\n{CONFIG}"));
    for command in ["render", "diff", "apply", "apply"] {
        scene.run(command).done();
    }
    scene.refuses("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x{n}}\ndata: {A: {b: '{v}'}}\n", &["x0"]);
    let label = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: l{n}, labels: {x: '{v}'}}\n";
    scene.refuses(label, &["l0"]);
}

/// The file of authorities in the image.
fn bundle() -> String {
    let directory = TempDir::new().expect("a directory");
    let script = format!(
        r#"set -eu
        id=$(docker create {IMAGE}) && trap 'docker rm "$id" >/dev/null' EXIT
        docker cp "$id:{BUNDLE}" "$1/bundle" >/dev/null"#
    );
    let copied = Command::new("sh").args(["-c", &script, "sh"]).arg(directory.path()).status().expect("sh");
    assert!(copied.success());
    fs::read_to_string(directory.path().join("bundle")).expect("text")
}

/// A nameserver that knows the bed's servers, and containers that ask it and no other.
struct Network {
    directory: TempDir,
    questions: Arc<Mutex<usize>>,
}

impl Network {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let [high, low, ..] = random().to_ne_bytes();
        let address = format!("127.53.{high}.{}", low.max(1));
        let socket = UdpSocket::bind((address.as_str(), 53)).expect("port 53 of an address of loopback");
        fs::write(directory.path().join("resolv.conf"), format!("nameserver {address}\n")).expect("written");
        let questions = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&questions);
        std::thread::spawn(move || {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                let Some((answer, is_ours)) = answer(&packet[..length]) else { continue };
                *counted.lock().unwrap_or_else(PoisonError::into_inner) += usize::from(is_ours);
                let _ = socket.send_to(&answer, from);
            }
        });
        Self { directory, questions }
    }

    /// How often the name was asked for.
    fn asked(&self) -> usize {
        *self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The URL of a server of the bed, by the name that its certificate has.
    fn url(&self, variable: &str) -> String {
        let port = bed(variable).rsplit_once(':').expect("a port").1.to_owned();
        format!("https://{SERVER_NAME}:{port}")
    }

    /// The bed's own authority.
    fn authority(&self) -> String {
        format!("{}/vault/ca.crt", bed("BED_DIR"))
    }

    /// A mount of the image's authorities with the bed's in the place of the image's alone.
    fn wider_bundle(&self) -> String {
        let file = self.directory.path().join("bundle.crt");
        let authority = fs::read_to_string(self.authority()).expect("a certificate");
        fs::write(&file, format!("{}\n{authority}", bundle())).expect("written");
        format!("{}:{BUNDLE}:ro", file.display())
    }

    fn run(&self, flags: &[&str], arguments: &[&str]) -> Ended {
        let resolver = format!("{}:/etc/resolv.conf:ro", self.file("resolv.conf").display());
        let mut docker = Command::new("docker");
        docker.args(["run", "--rm", "--network", "host", "-v", &resolver]).args(flags).arg(IMAGE).args(arguments);
        docker.env("SECRET_PATCH_VAULT_TOKEN", of_vault("token/reader")).stdin(Stdio::null());
        let output = docker.output().expect("docker");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        Path::new(self.directory.path()).join(name)
    }
}

/// What is answered to a packet, and whether it asks for the servers' name: an address of loopback if it asks for that, nothing else.
fn answer(question: &[u8]) -> Option<(Vec<u8>, bool)> {
    let (header, rest) = question.split_at_checked(12)?;
    let end = rest.iter().position(|byte| *byte == 0)? + 1;
    let (name, kind) = (rest.get(..end)?, rest.get(end..end + 4)?);
    let wanted: Vec<u8> = SERVER_NAME
        .split('.')
        .flat_map(|label| [vec![u8::try_from(label.len()).unwrap_or(0)], label.as_bytes().to_vec()].concat())
        .chain([0])
        .collect();
    let is_ours = name.eq_ignore_ascii_case(&wanted);
    let has_address = is_ours && kind == [0, 1, 0, 1];
    // An answer to a recursive query; NXDOMAIN for other names.
    let flags = [0x81, if is_ours { 0x80 } else { 0x83 }];
    let counts = [0, 1, 0, u8::from(has_address), 0, 0, 0, 0];
    let mut packet = [&header[..2], &flags, &counts, name, kind].concat();
    if has_address {
        // The name by its place, type A, class IN, no time to live, four bytes.
        packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    Some((packet, is_ours))
}
