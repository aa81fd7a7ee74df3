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
const STAND_INS: [&str; 2] = ["todo", "fixme"];

/// What such words begin or end with, as in `REPLACEME` and `AKIAIOSFODNN7EXAMPLE`.
const STAND_IN_PARTS: [&str; 7] = ["changeme", "replace", "example", "dummy", "placeholder", "redacted", "xxx"];

/// What texts of several words hold that stand where a secret is to be put in.
const STAND_IN_PHRASES: [&str; 5] = ["change-me", "change_me", "your-", "your_", "***"];

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

/// The same of all that the overlay is made of: files, wherever they lie, what its kustomizations hold themselves, and what they
/// take for a `secretGenerator`. `read` gives the text of a file that is committed.
pub fn literals(closure: &Closure, allowed: &BTreeSet<String>, read: &dyn Fn(&Path) -> Option<String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in &closure.sources {
        let text = match &source.inline {
            Some((text, first)) => Some((text.clone(), *first)),
            None => read(&source.path).map(|text| (text, 1)),
        };
        let Some((text, first)) = text else { continue };
        let found = match &source.role {
            SourceRole::Pairs(generated) if generated.kind == "Secret" => {
                pairs(&source.file, &text, &generated.name, allowed)
            }
            SourceRole::Pairs(_) => Vec::new(),
            SourceRole::Resource | SourceRole::Patch => manifest(&source.file, &text, allowed),
        };
        problems.extend(found.into_iter().map(|problem| beneath(problem, first)));
    }
    problems
}

/// Values that are written out in the `KEY=value` lines of the generated Secret `name`.
fn pairs(file: &str, text: &str, name: &str, allowed: &BTreeSet<String>) -> Vec<Problem> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with('#'));
    let pairs = lines.filter_map(|(number, line)| Some((number, line.split_once('=')?)));
    pairs
        .map(|(number, (key, value))| (number, key.trim(), value))
        .filter(|(_, key, value)| is_secret(key, value, allowed))
        .map(|(number, key, _)| written_out(key, &format!("Secret {name}"), Place::new(file, number, 1)))
        .collect()
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
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_simple = text.chars().count() < 4
        || is_number && text.len() < 6
        || matches!(
            text.to_lowercase().as_str(),
            "true" | "false" | "null" | "none" | "localhost" | "production" | "staging" | "development"
        );
    let passwords = passwords(text);
    let is_filled = if passwords.is_empty() { is_stand_in(text) } else { passwords.into_iter().all(is_stand_in) };
    let is_public =
        text.contains("BEGIN CERTIFICATE") && !text.contains("PRIVATE KEY") || text.contains("BEGIN PUBLIC KEY");
    !(is_simple || is_filled || is_public || allowed.contains(key) || allowed.contains(&as_name(key)))
}

/// Whether something else is to come in the text's place.
fn is_stand_in(text: &str) -> bool {
    let lower = text.to_lowercase();
    let is_word = |word: &str| {
        STAND_INS.contains(&word) || STAND_IN_PARTS.iter().any(|part| word.starts_with(part) || word.ends_with(part))
    };
    MARKS.iter().any(|mark| text.contains(mark))
        || text.starts_with('<') && text.ends_with('>')
        || STAND_IN_PHRASES.iter().any(|phrase| lower.contains(phrase))
        || lower.split(|c: char| !c.is_alphanumeric()).any(is_word)
}

/// The `password` of each `scheme://user:password@host` in a text: host and user may be examples, and it a secret.
fn passwords(text: &str) -> Vec<&str> {
    let authorities = text.split("://").skip(1).filter_map(|rest| rest.split(['/', '?', '#', '\n']).next());
    authorities.filter_map(|authority| Some(authority.rsplit_once('@')?.0.split_once(':')?.1)).collect()
}

fn decoded(text: &str) -> Option<String> {
    let plain: String = text.split_whitespace().collect();
    String::from_utf8(STANDARD.decode(plain).ok()?).ok()
}

/// Whether a file of this name holds values for an environment rather than an example of them.
pub fn is_dotenv(name: &str) -> bool {
    let examples = ["example", "sample", "template", "dist", "schema"];
    let others = ["default", "demo", "test"];
    let name = name.to_lowercase();
    // `test` and `demo` are environments like any other where the program itself looks for the file.
    match name.strip_prefix(".env.k8s.") {
        Some(rest) => !examples.iter().any(|ending| rest == *ending || rest.ends_with(&format!(".{ending}"))),
        None => {
            let is_env = name == ".env" || name.starts_with(".env.");
            is_env && !examples.iter().chain(&others).any(|word| name.contains(word))
        }
    }
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
    fn a_stand_in_is_a_word_of_its_own() {
        let is_secret = |text: &str| is_secret("KEY", text, &BTreeSet::new());
        for text in [
            "Mastodon-9f8e7d6c5b",
            "todoist-9f8e7d6c5b",
            "postgres://app:s3cr3t-Pa55@db.example.com:5432/app",
            "postgres://app:s3cr3t-Pa55@${DB_HOST}/app",
            "amqp://example:s3cr3t-Pa55@mq, amqp://example:changeme@mq",
        ] {
            assert!(is_secret(text), "{text}");
        }
        for text in [
            "changeme",
            "change-me-please",
            "REPLACE_WITH_TOKEN",
            "replaceme",
            "to be replaced",
            "# TODO: ask",
            "your-password-here",
            "sk_live_xxxxxxxx",
            "AKIAIOSFODNN7EXAMPLE",
            "https://hooks.example.com/a",
            "postgres://app:changeme@db.internal/app",
            "postgres://app:${PASSWORD}@db.internal/app",
            "postgres://app:<password>@db.internal/app",
        ] {
            assert!(!is_secret(text), "{text}");
        }
    }

    #[test]
    fn examples_are_no_secrets() {
        for name in [".env", ".env.prod", ".env.k8s.prod", ".env.k8s.test", ".env.k8s.demo", ".env.k8s.example-shop"] {
            assert!(is_dotenv(name), "{name}");
        }
        for name in
            [".env.example", ".env.test", "demo.env", ".env.k8s.example", ".env.k8s.prod.example", ".env.k8s.sample"]
        {
            assert!(!is_dotenv(name), "{name}");
        }
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
