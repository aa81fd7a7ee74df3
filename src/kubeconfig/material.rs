//! Certificates and keys, which a kubeconfig holds as base64 of PEM or names by path.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::merge::Entry;
use super::{Check, FLATTEN, expiry};
use crate::error::text;
use crate::secret::Secret;

/// What a certificate or key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Authority,
    Certificate,
    Key,
}

impl Role {
    /// The field that holds a path; the one that holds base64 ends in `-data`.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Authority => "certificate-authority",
            Self::Certificate => "client-certificate",
            Self::Key => "client-key",
        }
    }

    fn noun(self) -> &'static str {
        if self == Self::Key { "private key" } else { "certificate" }
    }

    /// What is wrong with the PEM text; base64 and armour only, what it encodes is left to kubectl.
    fn fault(self, pem: &str) -> Option<&'static str> {
        let label =
            |label: &str| if self == Self::Key { label.ends_with("PRIVATE KEY") } else { label == "CERTIFICATE" };
        if self == Self::Key && (pem.contains("ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED")) {
            return Some("is locked with a passphrase, which kubectl cannot ask for");
        }
        let mut found = false;
        let mut rest = pem;
        while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
            let Some((name, body)) = begun.split_once("-----") else { return Some("is PEM that was cut off") };
            let Some((body, after)) = body.split_once(&format!("-----END {name}-----")) else {
                return Some("is PEM that was cut off");
            };
            let body: Zeroizing<String> = Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
            let damaged = body.is_empty() || STANDARD.decode(body.as_bytes()).is_err();
            if label(name) && damaged {
                return Some("is damaged PEM");
            }
            found |= label(name);
            rest = after;
        }
        (!found).then_some("is not PEM of the right kind")
    }
}

/// Checks one certificate or key and writes it back in the form kubectl reads; whether the entry has one at all.
pub(super) fn checked(entry: &mut Entry, role: Role, check: &mut Check<'_>) -> bool {
    let field = role.field();
    let data_field = format!("{field}-data");
    let data = check.text(entry, &data_field);
    let path = check.text(entry, field);
    match (data, path) {
        (None, None) => return false,
        (Some(data), path) => {
            if path.is_some() {
                // kubectl refuses both together, while saying that the data counts.
                entry.fields.remove(field);
                let message = text!("{} has both `{field}` and `{data_field}`", entry.title());
                check.warning("kubeconfig-both", message, format!("`{data_field}` counts; remove the other"));
            }
            inline(entry, role, &data_field, &Zeroizing::new(data), check);
        }
        (None, Some(path)) => by_path(entry, role, &path, check),
    }
    true
}

fn inline(entry: &mut Entry, role: Role, field: &str, data: &str, check: &mut Check<'_>) {
    let subject = format!("`{field}` of {}", entry.title());
    let compact: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let Ok(bytes) = STANDARD.decode(compact.as_bytes()).map(Zeroizing::new) else {
        let help = if data.contains("-----BEGIN") {
            "this is PEM as it stands: put base64 of it here (`base64 -w0 FILE`)".to_owned()
        } else {
            format!("it is base64 of a PEM {}: `base64 -w0 FILE`", role.noun())
        };
        return check.error("certificate-base64", text!("{subject} is not base64"), help);
    };
    if omitted(&compact) {
        return check.error("kubeconfig-omitted", text!("{subject} was left out by `kubectl config view`"), OMITTED);
    }
    if examine(&bytes, role, &subject, check) && role == Role::Key {
        check.credentials.push(Secret::new(compact.clone()));
    }
    entry.fields.insert(field.to_owned(), Value::String(compact));
}

fn by_path(entry: &mut Entry, role: Role, path: &str, check: &mut Check<'_>) {
    let field = role.field();
    let Some(path) = check.absolute(entry, field, path) else { return };
    let subject = format!("`{field}` of {}, `{}`,", entry.title(), path.display());
    if !check.files.exists(&path) {
        return check.error("certificate-missing", text!("{subject} does not exist here"), FLATTEN);
    }
    match check.files.read(&path).map(Zeroizing::new) {
        Ok(bytes) => drop(examine(&bytes, role, &subject, check)),
        Err(error) => {
            let message = text!("{subject} cannot be read: {}", error.kind());
            check.error("certificate-unreadable", message, FLATTEN);
        }
    }
    entry.fields.insert(field.to_owned(), Value::String(path.to_string_lossy().into_owned()));
}

/// Whether `bytes` are sound; a key is kept for masking.
fn examine(bytes: &[u8], role: Role, subject: &str, check: &mut Check<'_>) -> bool {
    let pem = str::from_utf8(bytes).ok();
    match pem.map_or(Some("is not PEM text"), |pem| role.fault(pem)) {
        None if role == Role::Key => check.credentials.extend(pem.map(Secret::new)),
        None if role == Role::Certificate => in_time(pem.and_then(expiry::not_after), subject, check),
        None => {}
        Some(fault) => {
            let help = text!("it must be a `-----BEGIN` … `-----END` {}, without a passphrase", role.noun());
            check.error("certificate-pem", text!("{subject} {fault}"), help);
            return false;
        }
    }
    true
}

/// The server only says that it does not know who asks.
fn in_time(not_after: Option<u64>, subject: &str, check: &mut Check<'_>) {
    if let Some(end) = not_after.filter(|end| *end < check.files.now()) {
        let message = text!("{subject} has expired on {}", expiry::day(end));
        let help = text!("renew it and make the kubeconfig anew, or pass {}", check.options.input("kube-token"));
        check.error("certificate-expired", message, help);
    }
}

/// What `kubectl config view` without `--raw` writes in place of credentials.
pub(super) fn omitted(text: &str) -> bool {
    matches!(text, "DATA+OMITTED" | "REDACTED" | "REDACTED+")
}

pub(super) const OMITTED: &str = "take it with `--raw`: `kubectl config view --raw --flatten --minify`";
