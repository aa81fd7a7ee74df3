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
        let name = entry.fields["auth-provider"].get("name").and_then(Value::as_str).unwrap_or_default();
        let message = text!("{title} has the auth-provider `{}`, which kubectl no longer has", shown(name));
        check.error("auth-provider", message, remedy(if name == "gcp" { "gcloud" } else { name }, check));
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

fn allowed(entry: &mut Entry, command: &str, check: &mut Check<'_>) {
    let title = entry.title();
    let exec = &entry.fields["exec"];
    if exec.get("apiVersion").and_then(Value::as_str) == Some("client.authentication.k8s.io/v1alpha1") {
        let message =
            text!("`exec` of {title} speaks `client.authentication.k8s.io/v1alpha1`, which kubectl no longer does");
        check.error("exec-version", message, "make the kubeconfig anew with a current version of the plugin");
    }
    let variables = exec.get("env").and_then(Value::as_array).into_iter().flatten();
    let secrets = variables.filter_map(|variable| {
        let name = variable.get("name")?.as_str()?.to_uppercase();
        let sensitive = ["SECRET", "TOKEN", "PASSWORD", "KEY"].iter().any(|word| name.contains(word));
        variable.get("value")?.as_str().filter(|value| sensitive && !value.is_empty()).map(Secret::new)
    });
    check.credentials.extend(secrets);
    if !command.contains('/') {
        return;
    }
    if let Some(path) = check.absolute(entry, "exec.command", command) {
        entry.fields["exec"]["command"] = Value::String(path.to_string_lossy().into_owned());
    }
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
    let arguments = if line.contains("ARGUMENTS") { " (with the arguments of its `exec` entry)" } else { "" };
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
