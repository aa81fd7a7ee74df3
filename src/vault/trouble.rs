//! Why there is no answer, or why the answer is no: told apart, each with its remedy.

use std::error::Error;

use super::address::Address;
use super::answer::{Answer, Refusal};
use crate::error::{Problem, text};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No connection, or one that broke; why.
    Unreachable(String),
    /// The server's certificate is not trusted, or ours is not; why.
    Certificate(String),
    /// No answer in time.
    Timeout,
    /// The time for everything is over.
    Deadline,
    /// Somebody answers that another host should be asked.
    Redirect(String),
    /// An answer longer than any of Vault.
    TooLong,
    /// A token with characters that no header may hold.
    TokenShape,
}

impl Trouble {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let text = causes(error);
        if error.is_timeout() {
            Self::Timeout
        } else if is_about_certificates(error) {
            Self::Certificate(text)
        } else {
            Self::Unreachable(text)
        }
    }

    /// What to say about it.
    pub(super) fn problem(&self, address: &Address) -> Problem {
        match self {
            Self::Unreachable(why) => Problem::error("vault-unreachable", text!("Vault at `{address}` is not reached: {why}"))
                .help("check `vault-url`, and whether this machine or its proxy (`HTTPS_PROXY`, `NO_PROXY`) can reach it"),
            Self::Certificate(why) => {
                Problem::error("vault-certificate", text!("the TLS handshake with Vault at `{address}` fails: {why}"))
                    .help("give the authority that signed its certificate in `ca-bundle`; a server that asks for one wants `vault-client-certificate` and `vault-client-key`")
            }
            Self::Timeout => Problem::error("vault-timeout", text!("Vault at `{address}` does not answer in time"))
                .help("run it again, and look at the server's load and the network between"),
            Self::Deadline => Problem::error("vault-timeout", text!("Vault at `{address}` takes too long for everything that is asked"))
                .help("run it again, ask for fewer paths, or raise `vault-concurrency`"),
            Self::Redirect(to) => Problem::error("vault-redirect", text!("`{address}` redirects to `{}`, and a token is never sent on", host_of(to)))
                .help("write the address that answers itself into `vault-url`"),
            Self::TooLong => Problem::error("vault-answer", text!("the answer of `{address}` is longer than any of Vault"))
                .help("check `vault-url`"),
            Self::TokenShape => Problem::error("vault-token", "the Vault token holds characters that no token has")
                .help("check `vault-token`: one line, without quotes"),
        }
    }
}

/// An error with its causes, without the URL.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut texts = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    texts.dedup();
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

/// Whether TLS is among the causes; an I/O error hides its own from `source`.
fn is_about_certificates(error: &(dyn Error + 'static)) -> bool {
    let hidden = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || hidden.is_some_and(|hidden| is_about_certificates(hidden))
        || error.source().is_some_and(is_about_certificates)
}

/// Scheme and host of a redirect's target: its path may hold anything.
fn host_of(location: &str) -> String {
    let url = reqwest::Url::parse(location);
    url.ok()
        .and_then(|url| Some(format!("{}://{}", url.scheme(), url.host_str()?)))
        .unwrap_or_else(|| "another path".to_owned())
}

/// Why `answer`, which is no success, is no; `None` where that depends on what was asked for.
pub(super) fn general(answer: &Answer, address: &Address) -> Option<Problem> {
    let Some(refusal) = answer.refusal() else {
        let text = text!("`{address}` answers {} and is no Vault", answer.status);
        return Some(
            Problem::error("vault-answer", text)
                .help("check `vault-url`: its host, its port, the path of a proxy in front"),
        );
    };
    if refusal.says("is sealed") {
        return Some(
            Problem::error("vault-sealed", text!("Vault at `{address}` is sealed"))
                .help("unseal it, then run this again"),
        );
    }
    match answer.status {
        429 => Some(
            Problem::error(
                "vault-rate-limit",
                text!("Vault at `{address}` answers that it has too many requests{}", said(&refusal)),
            )
            .help("lower `vault-concurrency`, or raise the quota"),
        ),
        472 | 473 => Some(
            Problem::error("vault-standby", text!("`{address}` is a standby that does not answer for the active node"))
                .help("write the address of the active node, or of the load balancer, into `vault-url`"),
        ),
        412 => Some(
            Problem::error(
                "vault-not-replicated",
                text!("`{address}` has not heard of the token yet{}", said(&refusal)),
            )
            .help("run it again; the replica is behind its primary"),
        ),
        status @ 500..=599 => Some(
            Problem::error("vault-failure", text!("Vault at `{address}` fails with {status}{}", said(&refusal)))
                .help("run it again, and look into the server's log"),
        ),
        _ => None,
    }
}

/// The server's own words, for the end of a sentence.
pub(super) fn said(refusal: &Refusal) -> String {
    let words: Vec<String> =
        refusal.errors.iter().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join("; ")) }
}
