//! A cluster's or proxy's address, as far as its safety depends on it.

use crate::secret::Secret;

/// The parts of a URL that matter here.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// As it stands in the kubeconfig, without its query.
    pub(super) text: String,
    /// What stands behind `?`: some gateways take a token there.
    pub(super) query: Option<String>,
    /// Lower case, without `://`; `None` where there is none.
    pub(super) scheme: Option<String>,
    /// Without port and brackets, lower case.
    pub(super) host: String,
    /// Host with port, brackets kept: safe to print.
    pub(super) address: String,
    /// `user:password`: all that stands before the last `@`, in the right place or not.
    pub(super) credentials: Option<String>,
}

impl Server {
    /// `None` where there is no host, or a character that no URL holds.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return None;
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_lowercase()), rest),
            None => (None, text),
        };
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials.to_owned()), rest),
            None => (None, rest),
        };
        let address = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = match address.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']')?.0,
            None => address.split(':').next().unwrap_or_default(),
        };
        (!host.is_empty()).then(|| Self {
            text: text.split('?').next().unwrap_or_default().to_owned(),
            query: text.split_once('?').map(|(_, query)| query.to_owned()),
            scheme,
            host: host.to_lowercase(),
            address: address.to_owned(),
            credentials,
        })
    }

    /// What of it must be hidden: user and password together, the password, the query.
    pub(super) fn secrets(&self) -> impl Iterator<Item = Secret> {
        let credentials = self.credentials.as_deref();
        let password = credentials.and_then(|both| Some(both.split_once(':')?.1));
        let all = [credentials, password, self.query.as_deref()].into_iter().flatten();
        all.filter(|text| !text.is_empty()).map(Secret::new)
    }

    /// Whether user or password hold what ends an address: whoever reads it takes their beginning for the host.
    pub(super) fn has_broken_credentials(&self) -> bool {
        self.credentials.as_deref().is_some_and(|both| both.contains(['/', '?', '#']))
    }

    /// Whether the address is this machine's own.
    pub(super) fn is_local(&self) -> bool {
        let host = self.host.trim_end_matches('.');
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback() || ip.is_unspecified())
    }

    /// Plain http on this machine, as `kubectl proxy` serves it: nothing crosses a wire, kubectl sends no credentials.
    pub(super) fn is_plain_and_local(&self) -> bool {
        self.scheme.as_deref() == Some("http") && self.is_local()
    }
}
