//! Secrets that are committed: in manifests, dotenv files and kubeconfigs.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::build::node::{Node, documents};
use crate::build::{Closure, SourceRole};
use crate::error::{Place, Problem, text};
use crate::values::parse_env_file;

/// Words that stand where a secret is to be put in.
const STAND_INS: [&str; 14] = [
    "changeme",
    "change-me",
    "change_me",
    "replace",
    "todo",
    "fixme",
    "example",
    "dummy",
    "placeholder",
    "redacted",
    "your-",
    "your_",
    "xxx",
    "***",
];

/// Marks of values that another program fills, decrypts or fetches.
const MARKS: [&str; 11] = ["${", "$(", "{{", "}}", "ENC[", "<path:", "<%", "ref+", "op://", "vault:", "sm://"];

/// Values of Secrets in a manifest that are written out. `allowed` are keys that hold none.
pub fn manifest(file: &str, text: &str, allowed: &BTreeSet<String>) -> Vec<Problem> {
    if !text.contains("Secret") {
        return Vec::new();
    }
    // What is no YAML is a chart's template, or a finding of its own.
    let found = documents(text).unwrap_or_default();
    let mut problems = Vec::new();
    for document in &found {
        let items = document.get("items").map(Node::items).unwrap_or_default();
        let objects = std::iter::once(&**document).chain(items.iter().map(|item| &**item));
        objects.for_each(|object| secret(file, object, allowed, &mut problems));
    }
    problems
}

/// The same of what the overlay's kustomizations hold themselves or take for a `secretGenerator`; `read` gives a file's text.
pub fn literals(closure: &Closure, allowed: &BTreeSet<String>, read: &dyn Fn(&Path) -> Option<String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in &closure.sources {
        match (&source.role, &source.inline) {
            (SourceRole::Pairs(generated), inline) if generated.kind == "Secret" => {
                let (text, first) = match inline {
                    Some((text, line)) => (Some(text.clone()), *line),
                    None => (read(&source.path), 1),
                };
                let text = text.unwrap_or_default();
                for (number, pair) in text.lines().enumerate() {
                    if let Some((key, value)) = pair.split_once('=').filter(|_| !pair.trim_start().starts_with('#'))
                        && is_secret(key.trim(), value, allowed)
                    {
                        let place = Place::new(&source.file, first + number, 1);
                        problems.push(written_out(key.trim(), &format!("Secret {}", generated.name), place));
                    }
                }
            }
            (SourceRole::Resource | SourceRole::Patch, Some((text, line))) => {
                let found = manifest(&source.file, text, allowed).into_iter();
                problems.extend(found.map(|problem| beneath(problem, *line)));
            }
            _ => {}
        }
    }
    problems
}

/// The finding of a text that begins in line `first` of its file.
fn beneath(mut problem: Problem, first: usize) -> Problem {
    if let Some(place) = &mut problem.place {
        place.line += first.saturating_sub(1);
    }
    problem
}

/// A file that is a private key, whatever it is called.
pub fn private_key(file: &str, text: &str) -> Option<Problem> {
    let line = text.lines().position(|line| line.starts_with("-----BEGIN") && line.contains("PRIVATE KEY-----"))?;
    let text = text!("`{file}` is a private key, and everybody who reads the repository knows it");
    let help = "take it out with `git rm --cached`, give it in the workflow, and change it, since the history keeps it";
    Some(Problem::error("secret-committed", text).at(Place::new(file, line + 1, 1)).help(help))
}

fn secret(file: &str, object: &Node, allowed: &BTreeSet<String>, problems: &mut Vec<Problem>) {
    let is_core = object.text_at(&["apiVersion"]).is_none_or(|version| version == "v1");
    let encrypted = object.get("sops").is_some();
    if object.text_at(&["kind"]) != Some("Secret") || !is_core || encrypted {
        return;
    }
    let name = object.text_at(&["metadata", "name"]).unwrap_or_default();
    for field in ["stringData", "data"] {
        for (key, value) in object.get(field).map(Node::pairs).unwrap_or_default() {
            let (Some(key), Some(text)) = (key.text(), value.text()) else { continue };
            let decoded = if field == "data" { decoded(text) } else { None };
            if is_secret(key, text, allowed) && decoded.as_deref().is_none_or(|text| is_secret(key, text, allowed)) {
                problems.push(written_out(key, &format!("Secret {name}"), Place::new(file, value.line, value.column)));
            }
        }
    }
}

fn written_out(key: &str, object: &str, place: Place) -> Problem {
    let text = text!("`{key}` of `{object}` is written out, and everybody who reads the repository knows it");
    let help = text!(
        "write `{key}: \"${{{}}}\"` and give the value in the workflow; change the secret, since the history keeps it\n\
         if it is none, move it to a ConfigMap, or name it: `nonsensitive: {key}`",
        as_name(key)
    );
    Problem::error("secret-committed", text).at(place).help(help)
}

/// `tls.key` as `TLS_KEY`.
fn as_name(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Whether a text can be a secret: nothing that is to be filled, nothing that anybody would guess.
fn is_secret(key: &str, text: &str, allowed: &BTreeSet<String>) -> bool {
    let text = text.trim();
    let lower = text.to_lowercase();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_simple = text.chars().count() < 4
        || is_number && text.len() < 6
        || matches!(
            lower.as_str(),
            "true" | "false" | "null" | "none" | "localhost" | "production" | "staging" | "development"
        );
    let is_filled = MARKS.iter().any(|mark| text.contains(mark))
        || text.starts_with('<') && text.ends_with('>')
        || STAND_INS.iter().any(|word| lower.contains(word));
    let is_public =
        text.contains("BEGIN CERTIFICATE") && !text.contains("PRIVATE KEY") || text.contains("BEGIN PUBLIC KEY");
    !(is_simple || is_filled || is_public || allowed.contains(key) || allowed.contains(&as_name(key)))
}

fn decoded(text: &str) -> Option<String> {
    let plain: String = text.split_whitespace().collect();
    String::from_utf8(STANDARD.decode(plain).ok()?).ok()
}

/// Whether a file of this name holds values for an environment rather than an example of them.
pub fn is_dotenv(name: &str) -> bool {
    let examples = ["example", "sample", "template", "dist", "default", "demo", "test", "schema"];
    let is_env = name == ".env" || name.starts_with(".env.");
    is_env && !examples.iter().any(|word| name.to_lowercase().contains(word))
}

/// A dotenv file with a value that can be a secret.
pub fn dotenv(file: &str, text: &str) -> Option<Problem> {
    let values = parse_env_file(file, text).unwrap_or_default();
    let allowed = BTreeSet::new();
    let name = values.iter().find(|(name, value)| is_secret(name, value.expose(), &allowed)).map(|(name, _)| name)?;
    let line = text.lines().position(|line| line.contains(name.as_str())).map_or(1, |at| at + 1);
    let text = text!("git tracks `{file}`, a file of values such as `{name}`");
    let help = text!("`git rm --cached {file}` and ignore it; secrets in it stay in the history: change them");
    let problem = if file.contains(".env.k8s.") {
        Problem::error("env-file-committed", text)
    } else {
        Problem::warning("env-file-committed", text)
    };
    Some(problem.at(Place::new(file, line, 1)).help(help))
}

/// Whether a file of this path may be a kubeconfig.
pub fn is_kubeconfig_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    name.contains("kubeconfig")
        || name.contains("kube-config")
        || name.contains("kube_config")
        || path.contains(".kube/")
}

/// A kubeconfig that holds a credential.
pub fn kubeconfig(file: &str, text: &str) -> Option<Problem> {
    if !text.contains("clusters") || !text.contains("users") {
        return None;
    }
    let found = documents(text).ok()?;
    let users = found
        .iter()
        .filter(|config| config.text_at(&["kind"]) == Some("Config"))
        .filter_map(|config| config.get("users"));
    for user in users.flat_map(Node::items).filter_map(|item| item.get("user")) {
        for (key, value) in user.pairs() {
            let (Some(key), Some(text)) = (key.text(), value.text()) else { continue };
            let is_credential = matches!(key, "token" | "password" | "client-key-data" | "id-token" | "refresh-token");
            if is_credential && is_secret(key, text, &BTreeSet::new()) {
                let message = text!("git tracks `{file}`, a kubeconfig with a `{key}`");
                let help = text!(
                    "`git rm --cached {file}`, revoke the credential, and keep the file as a secret of the repository"
                );
                let place = Place::new(file, value.line, value.column);
                return Some(Problem::error("kubeconfig-committed", message).at(place).help(help));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        let allowed = BTreeSet::from(["DB_USER".to_owned()]);
        manifest("s.yml", text, &allowed).into_iter().map(|problem| problem.place.unwrap().line).collect()
    }

    #[test]
    fn written_out_values_of_secrets_are_found() {
        let text = "kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData:\n  A: ${A}\n  B: hunter2\n  C: ''\n  D: 'true'\n  \
                    DB_USER: app\n  E: changeme\n  F: '{{ .Values.f }}'\n  G: ENC[AES256_GCM,x]\n  H: '8080'\ndata:\n  I: aHVudGVyMg==\n  J: JHtKfQ==\n  \
                    tls.crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==\n";
        assert_eq!(found(text), [6, 15]);
        let list = "kind: List\nitems:\n- kind: Secret\n  stringData:\n    A: hunter2\n";
        assert_eq!(found(list), [5]);
        for other in [
            "kind: ConfigMap\ndata: {A: hunter2}\n",
            "kind: Secret\nstringData: {A: hunter2}\nsops: {mac: x}\n",
            "kind: Secret\n{{ x }}",
        ] {
            assert_eq!(found(other), [0; 0], "{other}");
        }
    }

    #[test]
    fn no_finding_holds_a_value() {
        let problems = manifest("s.yml", "kind: Secret\nstringData:\n  A: hunter2\n", &BTreeSet::new());
        assert!(problems.len() == 1 && !format!("{problems:?}").contains("hunter2"));
        let dotenv = dotenv(".env", "# x\nA=\nSECRET=hunter2\n").unwrap();
        assert!(dotenv.place.as_ref().unwrap().line == 3 && !format!("{dotenv:?}").contains("hunter2"));
    }

    #[test]
    fn examples_are_no_secrets() {
        assert!(
            is_dotenv(".env") && is_dotenv(".env.k8s.prod") && !is_dotenv(".env.example") && !is_dotenv("demo.env")
        );
        assert_eq!(dotenv(".env", "NODE_ENV=production\nDEBUG=1\n"), None);
    }

    #[test]
    fn kubeconfigs_with_credentials_are_found() {
        let config = |user: &str| format!("kind: Config\nclusters: []\nusers:\n- name: a\n  user: {user}\n");
        assert_eq!(kubeconfig("k", &config("{token: abcdefgh}")).unwrap().place.unwrap().line, 5);
        assert_eq!(kubeconfig("k", &config("{exec: {command: aws}}")), None);
        assert_eq!(kubeconfig("k", &config("{token: '${TOKEN}'}")), None);
        assert!(
            is_kubeconfig_name("deploy/kubeconfig.prod")
                && is_kubeconfig_name(".kube/config")
                && !is_kubeconfig_name("a/config")
        );
    }
}
