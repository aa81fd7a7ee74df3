//! Failures on the way to the server: configuration, credentials, certificates, the network.

use super::call::NO_PORT;
use super::cut::cut;
use super::errors::{Failed, between};
use crate::error::{Problem, text};

pub(super) fn configuration(failed: &Failed<'_>) -> Option<Problem> {
    let body = failed.body;
    if failed.from_server {
        return None;
    }
    if let Some((_, context)) = body.split_once("context was not found for specified context: ") {
        return Some(
            Problem::error("unknown-context", text!("the kubeconfig has no context `{}`", cut(context)))
                .help("`kubectl config get-contexts` lists those it has"),
        );
    }
    let unusable = body.contains("error loading config file") || body.contains("Error in configuration");
    // The file is in memory, and its name says nothing.
    let why = body.split_once("\": ").map_or(body, |(_, why)| why);
    unusable.then(|| {
        Problem::error("kubeconfig", text!("kubectl cannot use the kubeconfig: {}", cut(why)))
            .help("try it with `kubectl --kubeconfig FILE version`")
    })
}

pub(super) fn credentials(failed: &Failed<'_>) -> Option<Problem> {
    let refused = failed.body.starts_with("You must be logged in to the server")
        || failed.body.starts_with("the server has asked for the client to provide credentials")
        || failed.reason == "Unauthorized";
    refused.then(|| {
        Problem::error("unauthorized", "the server does not accept the kubeconfig's credentials (401)").help(
            "the token or client certificate is wrong, expired or of another cluster: make a new kubeconfig, or give a fresh `kube-token`",
        )
    })
}

pub(super) fn exec_plugin(failed: &Failed<'_>) -> Option<Problem> {
    let (_, why) = failed.body.split_once("getting credentials: ").filter(|_| !failed.from_server)?;
    let why = why.lines().next().unwrap_or_default();
    Some(
        Problem::error("exec-plugin", text!("the kubeconfig's credential plugin failed: {}", cut(why)))
            .help("give the token it would print as `kube-token`, or install the plugin and set `allow-exec`"),
    )
}

pub(super) fn certificate(failed: &Failed<'_>) -> Option<Problem> {
    let (_, why) = failed.body.split_once("x509: ").filter(|_| is_of_the_way(failed))?;
    let why = why.lines().next().unwrap_or_default();
    let help = if why.contains("expired or is not yet valid") {
        "renew the API server's certificate, or set the runner's clock"
    } else if why.contains("unknown authority") {
        "put the cluster's CA into the kubeconfig as `certificate-authority-data`"
    } else {
        "use a server address that the certificate names, or set `tls-server-name` in the kubeconfig"
    };
    Some(
        Problem::error("server-certificate", text!("the API server's certificate is not trusted: {}", cut(why)))
            .help(help),
    )
}

/// Where `Program` bars the way.
pub(super) fn redirected(failed: &Failed<'_>) -> Option<Problem> {
    let barred = format!("address {NO_PORT}: invalid port");
    (is_of_the_way(failed) && failed.body.contains(&barred)).then(|| {
        let text = "the API server sends kubectl on to an address with plain http, where secrets would travel in clear";
        Problem::error("server-redirects", text).help(
            "check the kubeconfig's `server`: what stands in front of the API server redirects, perhaps to a login",
        )
    })
}

/// An answer that is no API server's: kubectl shows its beginning, with the request at the end (`… (patch secrets app)`).
pub(super) fn intercepted(failed: &Failed<'_>) -> Option<Problem> {
    const REASONS: [&str; 3] = ["Forbidden", "NotAcceptable", "UnsupportedMediaType"];
    const VERBS: [&str; 5] = ["get", "patch", "post", "put", "delete"];
    let (_, request) = failed.body.strip_suffix(')')?.rsplit_once(" (")?;
    let is_request = VERBS.contains(&request.split(' ').next()?);
    (is_request && REASONS.contains(&failed.reason)).then(|| {
        let text = text!("{} was refused by what stands before the API server ({})", failed.subject(), failed.reason);
        Problem::error("request-intercepted", text).help(
            "have the proxy, gateway or firewall let it through; its words are not shown, since they may quote a value",
        )
    })
}

pub(super) fn unreachable(failed: &Failed<'_>) -> Option<Problem> {
    const SIGNS: [&str; 18] = [
        "connection refused",
        "did you specify the right host or port",
        "no such host",
        "server misbehaving",
        "no route to host",
        "network is unreachable",
        "connection reset by peer",
        "i/o timeout",
        "handshake timeout",
        "context deadline exceeded",
        "Client.Timeout exceeded",
        "http: server gave HTTP response to HTTPS client",
        "proxyconnect",
        "transport connection broken",
        "broken pipe",
        "http2: ",
        "stream error: ",
        "EOF",
    ];
    let line = failed.body.lines().next().unwrap_or_default();
    if !is_of_the_way(failed) || !SIGNS.iter().any(|sign| line.contains(sign)) {
        return None;
    }
    // `Get "https://…": dial tcp …`: the reason stands behind the request.
    let why = line.split_once("\": ").map_or(line, |(_, why)| why);
    let why = between(line, "The connection to the server ", " was refused")
        .map_or_else(|| cut(why), |server| format!("{}: connection refused", cut(server)));
    Some(
        Problem::error("server-unreachable", text!("the API server cannot be reached: {why}"))
            .help("check the kubeconfig's `server`, and that the runner may reach it (VPN, firewall, proxy variables)"),
    )
}

/// What an https port answers to http.
pub(super) fn protocol(failed: &Failed<'_>) -> Option<Problem> {
    failed.body.starts_with("the server rejected our request for an unknown reason").then(|| {
        Problem::error("server-protocol", "the server does not understand what kubectl sends it")
            .help("write the kubeconfig's `server` with `https://`, and check that it is a Kubernetes API server")
    })
}

pub(super) fn busy(failed: &Failed<'_>) -> Option<Problem> {
    const REASONS: [&str; 5] = ["Timeout", "ServerTimeout", "TooManyRequests", "ServiceUnavailable", "InternalError"];
    // Where a proxy answers in the server's place, kubectl has its own words for the status.
    const SIGNS: [&str; 5] = [
        "etcdserver: ",
        "the server is currently unable to handle the request",
        "the server has received too many requests",
        "the server was unable to return a response in the time allotted",
        "an error on the server (",
    ];
    if !REASONS.contains(&failed.reason) && !SIGNS.iter().any(|sign| failed.body.contains(sign)) {
        return None;
    }
    let line = failed.body.lines().next().unwrap_or_default();
    Some(
        Problem::error("server-failed", text!("the API server could not answer: {}", cut(line)))
            .help("run it again; what was written before stays and is not written twice"),
    )
}

/// Not what a server that was reached says about a webhook of its own.
fn is_of_the_way(failed: &Failed<'_>) -> bool {
    !failed.from_server || failed.body.starts_with("Get \"") || failed.body.starts_with("Patch \"")
}
