//! Credential plugins: programs that a kubeconfig makes kubectl run.

use serde_json::Value;

use super::Check;
use super::merge::Entry;
use crate::error::text;
use crate::secret::Secret;

/// Checks `exec` and `auth-provider`; whether the user has a plugin that kubectl may run.
pub(super) fn checked(entry: &mut Entry, check: &mut Check<'_>) -> bool {
    let title = entry.title();
    let present = |field: &str| entry.fields.get(field).is_some_and(|value| !value.is_null());
    let (exec, provider) = (present("exec"), present("auth-provider"));
    if provider {
        auth_provider(entry, check);
    }
    if !exec {
        return provider;
    }
    let command = entry.fields["exec"].get("command").and_then(Value::as_str).unwrap_or_default().to_owned();
    if command.is_empty() {
        let help = "name the program in `command`, or use `token`";
        check.error("exec-command", text!("`exec` of {title} has no `command`"), help);
    } else if check.options.allow_exec {
        allowed(entry, &command, check);
    } else {
        let message = text!("{title} makes kubectl run `{}` for its credentials", shown(&command));
        let help =
            text!("{}\nor allow the program with {}", remedy(&command, check), check.options.input("allow-exec"));
        check.error("exec-refused", message, help);
    }
    true
}

/// What kubectl had before it had `exec`; of these it still has one.
fn auth_provider(entry: &Entry, check: &mut Check<'_>) {
    let provider = &entry.fields["auth-provider"];
    let name = provider.get("name").and_then(Value::as_str).unwrap_or_default();
    let title = entry.title();
    if name != "oidc" {
        let message = text!("{title} has the auth-provider `{}`, which kubectl no longer has", shown(name));
        let plugin = match name {
            "gcp" => "gke-gcloud-auth-plugin",
            "azure" => "kubelogin",
            other => other,
        };
        check.error("auth-provider", message, remedy(plugin, check));
        return;
    }
    let config = provider.get("config").and_then(Value::as_object);
    let config = config.into_iter().flatten().filter(|(key, _)| names_secret(key));
    check.credentials.extend(config.filter_map(|(_, value)| value.as_str()).map(Secret::new));
    if !check.options.allow_exec {
        let message = text!("{title} makes kubectl ask its `oidc` issuer for its credentials");
        let [token, allow] = ["kube-token", "allow-exec"].map(|name| check.options.input(name));
        let help = text!("pass the id-token as {token}, as an earlier step gets it\nor allow it with {allow}");
        check.error("auth-provider", message, help);
    }
}

fn allowed(entry: &mut Entry, command: &str, check: &mut Check<'_>) {
    let title = entry.title();
    let exec = &entry.fields["exec"];
    if exec.get("apiVersion").and_then(Value::as_str) == Some("client.authentication.k8s.io/v1alpha1") {
        let message =
            text!("`exec` of {title} speaks `client.authentication.k8s.io/v1alpha1`, which kubectl no longer does");
        check.error("exec-version", message, "make the kubeconfig anew with a current version of the plugin");
    }
    check.credentials.extend(variables(exec));
    check.credentials.extend(arguments(exec));
    if !command.contains('/') {
        return;
    }
    if let Some(path) = check.absolute(entry, "exec.command", command) {
        entry.fields["exec"]["command"] = Value::String(path.to_string_lossy().into_owned());
    }
}

/// The secrets among the plugin's variables, by name or by look.
fn variables(exec: &Value) -> Vec<Secret> {
    let variables = exec.get("env").and_then(Value::as_array).into_iter().flatten();
    let values = variables.filter_map(|variable| {
        let value = variable.get("value")?.as_str().filter(|value| !value.is_empty())?;
        (names_secret(variable.get("name")?.as_str()?) || looks_secret(value)).then(|| Secret::new(value))
    });
    values.collect()
}

/// The secrets among the plugin's arguments, which it may repeat when it fails: what stands behind `--…token` and its like, in the same
/// argument or the next, and words that look like one.
fn arguments(exec: &Value) -> Vec<Secret> {
    let arguments = exec.get("args").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut secrets = Vec::new();
    let mut is_awaited = false;
    for argument in arguments {
        let (flag, value) = match argument.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => (flag, Some(value)),
            _ if argument.starts_with('-') => (argument, None),
            _ => ("", Some(argument)),
        };
        if let Some(value) = value.filter(|_| is_awaited || names_secret(flag)) {
            secrets.push(Secret::new(value));
        }
        let words = argument.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ',' | ';'));
        secrets.extend(words.filter(|word| looks_secret(word)).map(Secret::new));
        is_awaited = value.is_none() && names_secret(flag);
    }
    secrets
}

fn names_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    ["SECRET", "TOKEN", "PASSWORD", "PASSPHRASE", "CREDENTIAL", "KEY"].iter().any(|word| name.contains(word))
}

/// Long, and of small and capital letters and digits, as no name of a cluster, account or profile is.
fn looks_secret(word: &str) -> bool {
    let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
    word.len() >= 20 && has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit)
}

/// How to get the token that the plugin would get.
fn remedy(command: &str, check: &Check<'_>) -> String {
    let line = match command.rsplit('/').next().unwrap_or_default() {
        "aws" | "aws-iam-authenticator" => "aws eks get-token --cluster-name NAME | jq -r .status.token".to_owned(),
        "gcloud" | "gke-gcloud-auth-plugin" => "gcloud auth print-access-token".to_owned(),
        "kubelogin" => "kubelogin get-token ARGUMENTS | jq -r .status.token".to_owned(),
        name if !name.is_empty() && shown(name) == name => format!("{name} ARGUMENTS | jq -r .status.token"),
        _ => "COMMAND ARGUMENTS | jq -r .status.token".to_owned(),
    };
    let arguments = if line.contains("ARGUMENTS") { " (with the arguments of its entry)" } else { "" };
    format!(
        "get a token in an earlier step, mask it, and pass it as {}:\n`{line}`{arguments}",
        check.options.input("kube-token")
    )
}

/// A program's name, or a word for what is none: nothing else of a plugin's entry is ever shown.
fn shown(command: &str) -> &str {
    let name = command.rsplit('/').next().unwrap_or_default();
    let plain = name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if plain && !name.is_empty() { name } else { "a program" }
}
