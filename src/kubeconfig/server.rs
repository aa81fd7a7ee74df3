//! A cluster's or proxy's address, as far as its safety depends on it.

/// The parts of a URL that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// As it stands in the kubeconfig.
    pub(super) text: String,
    /// Lower case, without `://`; `None` where there is none.
    pub(super) scheme: Option<String>,
    /// Without port and brackets, lower case.
    pub(super) host: String,
    /// Host with port, brackets kept: safe to print.
    pub(super) address: String,
    /// `user:password` before an `@`.
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
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (credentials, address) = match authority.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials.to_owned()), address),
            None => (None, authority),
        };
        let host = match address.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']')?.0,
            None => address.split(':').next().unwrap_or_default(),
        };
        (!host.is_empty()).then(|| Self {
            text: text.to_owned(),
            scheme,
            host: host.to_lowercase(),
            address: address.to_owned(),
            credentials,
        })
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
