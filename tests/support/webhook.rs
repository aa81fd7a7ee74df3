//! An admission webhook that quotes what it is sent, in clear and as base64, with commands and markup around it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use secret_patch_bed::authority::Authority;
use serde_json::{Value, json};

/// What the webhook does with the quotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Refuses the object with it.
    Denies,
    /// Lets the object pass, and warns with it.
    Warns,
}

/// A running webhook.
pub struct Webhook {
    url: String,
    authority: String,
}

impl Webhook {
    /// Starts one whose certificate is of the authority of the bed in `bed`; it runs until the test's process ends.
    pub fn start(bed: &Path, verdict: Verdict) -> Self {
        let authority = Authority::load(bed).expect("the bed's authority");
        let identity = authority.server("webhook").expect("an identity");
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(vec![certificate], key));
        let config = Arc::new(config.expect("TLS"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://{}/review", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let config = Arc::clone(&config);
                // Whoever hangs up in the middle is not answered.
                std::thread::spawn(move || answer(stream, config, verdict));
            }
        });
        Self { url, authority: authority.certificate().to_owned() }
    }

    /// The configuration that has the server ask it about every Secret and ConfigMap of `namespace`.
    pub fn configuration(&self, namespace: &str) -> Value {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [{
                "name": "quoting.example.org",
                "clientConfig": {"url": self.url, "caBundle": STANDARD.encode(&self.authority)},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets", "configmaps"]}],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "timeoutSeconds": 30,
            }],
        })
    }
}

fn answer(stream: TcpStream, config: Arc<ServerConfig>, verdict: Verdict) -> Option<()> {
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).ok()?, stream));
    let mut length = 0;
    let mut line = String::new();
    while stream.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let review = review(&serde_json::from_slice(&body).ok()?, verdict).to_string();
    let stream = stream.get_mut();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{review}",
        review.len()
    )
    .ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

fn review(asked: &Value, verdict: Verdict) -> Value {
    let object = &asked["request"]["object"];
    let texts = object["data"].as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
    let quoted: Vec<String> = texts.flat_map(|text| [text.to_owned(), other_spelling(object, text)]).collect();
    let quoted = quoted.iter().map(|text| format!("::error title=x::{text} ##[add-matcher]x <!-- @octocat"));
    let mut response = json!({"uid": asked["request"]["uid"], "allowed": verdict == Verdict::Warns});
    match verdict {
        Verdict::Warns => response["warnings"] = quoted.collect(),
        Verdict::Denies => response["status"] = json!({"message": quoted.collect::<Vec<_>>().join("\n")}),
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
}

/// A Secret's value in clear, a ConfigMap's as base64.
fn other_spelling(object: &Value, text: &str) -> String {
    match STANDARD.decode(text) {
        Ok(bytes) if object["kind"] == "Secret" => String::from_utf8_lossy(&bytes).into_owned(),
        _ => STANDARD.encode(text),
    }
}
