//! Whether the chosen cluster can be reached in safety.

use serde_json::Value;

use super::Check;
use super::material::{self, Role};
use super::merge::Entry;
use super::server::Server;
use crate::error::text;

/// The cluster with its paths absolute, and its address if that is usable.
pub(super) fn checked(mut entry: Entry, check: &mut Check<'_>) -> (Entry, Option<Server>) {
    let proxy = proxy(&entry, check);
    let server = server(&entry, proxy.is_some(), check);
    verification(&mut entry, check);
    material::checked(&mut entry, Role::Authority, check);
    (entry, server)
}

fn server(entry: &Entry, proxied: bool, check: &mut Check<'_>) -> Option<Server> {
    let title = entry.title();
    let Some(text) = check.text(entry, "server") else {
        if entry.fields.get("server").is_none_or(|server| server.is_null() || server == "") {
            let help = "kubectl would fall back to `localhost:8080`; add `server: https://HOST:6443`";
            check.error("server-missing", text!("{title} has no `server`"), help);
        }
        return None;
    };
    let Some(server) = Server::parse(&text) else {
        check.error("server-invalid", text!("`server` of {title} is not a URL"), "write it as `https://HOST:6443`");
        return None;
    };
    check.credentials.extend(server.secrets());
    if server.credentials.is_some() {
        let help = "take `user:password@` out of it: the address is shown and logged";
        check.error("server-credentials", text!("`server` of {title} holds credentials"), help);
    }
    encryption(&server, &title, check);
    if server.is_local() && check.options.in_container && !proxied {
        let message = text!("`server` of {title} is `{}`, which is the container itself", server.address);
        check.error("server-local", message, LOCAL);
    }
    Some(server)
}

fn encryption(server: &Server, title: &str, check: &mut Check<'_>) {
    let address = &server.address;
    match server.scheme.as_deref() {
        Some("https") => {}
        Some("http") if server.is_local() => {}
        Some("http") => {
            let message = text!("`server` of {title} is `http://{address}`: secrets would travel in clear");
            check.error(
                "server-http",
                message,
                "kubectl sends credentials only over https: use the `https://` address",
            );
        }
        _ => {
            let message = text!("`server` of {title}, `{address}`, does not start with `https://`");
            check.error("server-scheme", message, format!("write `https://{address}`; kubectl would take it for http"));
        }
    }
}

const LOCAL: &str = "a container action has its own localhost: use an address that the container can reach, \
                     or run `secret-patch` in a `run:` step on the runner, where the cluster is";

/// The certificate of the server must be checked: no flag allows otherwise.
fn verification(entry: &mut Entry, check: &mut Check<'_>) {
    match entry.fields.get("insecure-skip-tls-verify") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::Bool(true)) => check.error(
            "server-unverified",
            text!("{} has `insecure-skip-tls-verify`: anybody in between could read the secrets", entry.title()),
            "remove it and put the cluster's CA certificate, in base64, into `certificate-authority-data` \
             (if only the name does not match, `tls-server-name` helps)",
        ),
        Some(_) => check.error(
            "kubeconfig-type",
            text!("`insecure-skip-tls-verify` of {} is neither `true` nor `false`", entry.title()),
            "remove it, and keep `certificate-authority-data`",
        ),
    }
}

fn proxy(entry: &Entry, check: &mut Check<'_>) -> Option<Server> {
    let title = entry.title();
    let text = check.text(entry, "proxy-url")?;
    let proxy =
        Server::parse(&text).filter(|proxy| matches!(proxy.scheme.as_deref(), Some("http" | "https" | "socks5")));
    let Some(proxy) = proxy else {
        let help = "kubectl takes `http://`, `https://` and `socks5://`";
        check.error("proxy-invalid", text!("`proxy-url` of {title} is not a proxy's URL"), help);
        return None;
    };
    check.credentials.extend(proxy.secrets());
    if proxy.has_broken_credentials() {
        let help = "write them percent-encoded: `%2F` for `/`, `%3F` for `?`, `%23` for `#`";
        check.error("proxy-invalid", text!("`proxy-url` of {title} holds `/`, `?` or `#` before an `@`"), help);
        return None;
    }
    if proxy.is_local() && check.options.in_container {
        let message = text!("`proxy-url` of {title} is `{}`, which is the container itself", proxy.address);
        check.error("proxy-local", message, LOCAL);
    } else {
        let message = text!("{title} is reached through the proxy `{}`", proxy.host);
        check.warning("proxy", message, "remove `proxy-url` if that is not meant");
    }
    Some(proxy)
}
