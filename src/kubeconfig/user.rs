//! Whether the chosen user has credentials that kubectl can use without asking or running anything.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::context::User;
use super::material::{self, OMITTED, Role, omitted};
use super::merge::{Entry, Origin};
use super::server::Server;
use super::{Check, Fields, plugin};
use crate::error::text;
use crate::secret::Secret;

/// The user with its paths absolute, or made of `kube-token`; `None` where nobody is needed or the user is not there.
pub(super) fn checked(found: User, context: &str, server: Option<&Server>, check: &mut Check<'_>) -> Option<Entry> {
    // `kubectl proxy` and its like: plain http on this machine, to which kubectl sends no credentials.
    let anonymous = server.is_some_and(Server::is_plain_and_local);
    let mut entry = match (check.options.token, found) {
        (Some(token), found) => replaced(found, token, check),
        (None, User::Found(entry)) => entry,
        (None, User::Absent(..)) if anonymous => return None,
        (None, User::Absent(_, mut problem)) => {
            let help = problem.help.take().unwrap_or_default();
            let token = check.options.input("kube-token");
            check.problems.push(problem.help(text!("{help}\nor give a token with {token}")));
            return None;
        }
    };
    let problems = check.problems.len();
    let has_credentials = check.options.token.is_some() || credentials(&mut entry, check);
    if anonymous && has_credentials {
        let message = text!("context `{context}` has credentials for a server that is plain http");
        check.error("server-http", message, "kubectl sends credentials only over https: use the `https://` address");
    }
    if !anonymous && !has_credentials && check.problems.len() == problems {
        without_credentials(&entry, check);
    }
    Some(entry)
}

/// `kube-token` in place of every credential; impersonation stays, for without it the token would do more.
fn replaced(found: User, token: &Secret, check: &mut Check<'_>) -> Entry {
    let name = check.options.input("kube-token");
    let text = token.expose().trim();
    if text.is_empty() {
        let help = "check that the step or secret it comes from has run and is not empty";
        check.error("token-empty", text!("{name} is empty"), help);
    } else if text.starts_with('{') {
        let help = "pass the token in it: add `| jq -r .status.token` to the command";
        check.error("token-invalid", text!("{name} is JSON, not a token"), help);
    } else {
        token_text(text, &name, check);
    }
    let (user, kept) = match found {
        User::Found(entry) => (entry.name, entry.fields),
        User::Absent(name, _) => (name, Fields::new()),
    };
    let kept = kept.into_iter().filter(|(field, _)| field == "as" || field.starts_with("as-"));
    let mut fields: Fields = kept.collect();
    fields.insert("token".to_owned(), json!(text));
    Entry { noun: "user", name: user, fields, origin: Origin::Content }
}

/// Checks each kind of credential; whether there is any.
fn credentials(entry: &mut Entry, check: &mut Check<'_>) -> bool {
    let plugin = plugin::checked(entry, check);
    let token = token(entry, check);
    let file = token_file(entry, check);
    let password = password(entry, check);
    let certificate = certificate(entry, check);
    if (token || file) && password {
        let message = text!("{} has both a token and a username", entry.title());
        check.error("user-ambiguous", message, "kubectl refuses that: keep the token");
    }
    plugin || token || file || password || certificate
}

fn token(entry: &Entry, check: &mut Check<'_>) -> bool {
    let Some(token) = check.text(entry, "token").map(Zeroizing::new) else { return false };
    let subject = format!("`token` of {}", entry.title());
    if omitted(&token) {
        check.error("kubeconfig-omitted", text!("{subject} was left out by `kubectl config view`"), OMITTED);
    } else {
        token_text(&token, &subject, check);
    }
    true
}

fn token_text(token: &str, subject: &str, check: &mut Check<'_>) {
    check.credentials.push(Secret::new(token));
    if token.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let help = "a token is one word: without line break (no `token: |`), quotes or `Bearer ` before it";
        check.error("token-invalid", text!("{subject} holds a blank, line break or control character"), help);
    }
}

fn token_file(entry: &mut Entry, check: &mut Check<'_>) -> bool {
    let Some(path) = check.text(entry, "tokenFile") else { return false };
    let title = entry.title();
    if entry.origin == Origin::Content {
        let message = text!("{title} has a `tokenFile`, but the kubeconfig came as content");
        let help = text!(
            "it would send any file here to the server: pass the token with {}",
            check.options.input("kube-token")
        );
        check.error("token-file", message, help);
        return true;
    }
    let Some(path) = check.absolute(entry, "tokenFile", &path) else { return true };
    let subject = format!("`tokenFile` of {title}, `{}`,", path.display());
    let help = text!("check the path, or pass the token with {}", check.options.input("kube-token"));
    match check.files.read(&path).map(Zeroizing::new) {
        Err(error) => {
            let fault = if check.files.exists(&path) { "cannot be read" } else { "does not exist here" };
            check.error("token-file", text!("{subject} {fault}: {}", error.kind()), help);
        }
        Ok(bytes) => match str::from_utf8(&bytes).map(str::trim) {
            Ok("") => check.error("token-file", text!("{subject} is empty"), help),
            Ok(token) => token_text(token, &subject, check),
            Err(_) => check.error("token-file", text!("{subject} is not text"), help),
        },
    }
    entry.fields.insert("tokenFile".to_owned(), Value::String(path.to_string_lossy().into_owned()));
    true
}

fn password(entry: &Entry, check: &mut Check<'_>) -> bool {
    let username = check.text(entry, "username");
    let password = check.text(entry, "password").map(Zeroizing::new);
    if let Some(password) = &password {
        check.credentials.push(Secret::new(password.as_str()));
        if omitted(password) {
            let message = text!("`password` of {} was left out by `kubectl config view`", entry.title());
            check.error("kubeconfig-omitted", message, OMITTED);
        }
    }
    if username.is_some() {
        let message = text!("{} has a username and password", entry.title());
        let help = "kube-apiserver itself has not read passwords since 1.19; use a token unless a proxy before it does";
        check.warning("user-password", message, help);
    }
    // Without a name kubectl prompts for one.
    username.is_some()
}

fn certificate(entry: &mut Entry, check: &mut Check<'_>) -> bool {
    let certificate = material::checked(entry, Role::Certificate, check);
    let key = material::checked(entry, Role::Key, check);
    if certificate != key {
        let (has, lacks) = if certificate { ("certificate", "key") } else { ("key", "certificate") };
        let message = text!("{} has a client {has}, but no client {lacks}", entry.title());
        check.error("certificate-half", message, format!("add `client-{lacks}-data`: {}", super::FLATTEN));
    }
    certificate || key
}

fn without_credentials(entry: &Entry, check: &mut Check<'_>) {
    let title = entry.title();
    let help = text!(
        "kubectl would prompt for a username and read the manifest as the answer; \
         add a `token` or client certificate to the user, or pass {}",
        check.options.input("kube-token")
    );
    if entry.fields.get("token").is_some_and(|token| token.is_string()) {
        check.error("token-empty", text!("`token` of {title} is empty"), help);
    } else {
        check.error("user-empty", text!("{title} has no credentials"), help);
    }
}
