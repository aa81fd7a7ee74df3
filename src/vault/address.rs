//! Where the server is.

use std::fmt;

use reqwest::Url;

use crate::error::{Problem, text};

const HELP: &str = "write it as `https://vault.example.com:8200`, a path in front of `/v1` included if there is one";

/// The server's URL without `/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// Reads `text`.
    ///
    /// # Errors
    /// `vault-url` where it is no `http` or `https` URL, or holds a user, a password, a query or a fragment.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |what: &str| Problem::error("vault-url", text!("`vault-url` {what}")).help(HELP);
        let url = Url::parse(text.trim_end_matches('/')).map_err(|_| wrong("is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("is no `http` or `https` URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds a user or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("holds a query or a fragment"));
        }
        Ok(Self(url))
    }

    /// The URL of an endpoint such as `secret/data/app`: its segments are taken as they are, so that `?`, `#` and `%` are characters of a path.
    pub(super) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path.split('/'));
        }
        url
    }

    /// Whether what is sent can be read on the way.
    pub fn is_in_clear(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let is_here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        self.0.scheme() == "http" && !is_here
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_stand_below_the_base_and_keep_odd_characters() {
        let endpoint = |base: &str, path: &str| Address::parse(base).expect("an address").endpoint(path).to_string();
        assert_eq!(endpoint("https://v:8200", "secret/data/a"), "https://v:8200/v1/secret/data/a");
        assert_eq!(endpoint("https://v/vault/", "secret/data/a"), "https://v/vault/v1/secret/data/a");
        assert_eq!(endpoint("http://v", "s/a?b#c%2F d"), "http://v/v1/s/a%3Fb%23c%252F%20d");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "vault",
            "vault:8200",
            "ftp://v",
            "https://",
            "https://u:p@v",
            "https://v?x=1",
            "https://v#x",
            "unix:///run/v",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn plain_http_to_another_machine_is_in_clear() {
        let clear = |text: &str| Address::parse(text).expect("an address").is_in_clear();
        assert!(clear("http://vault:8200") && !clear("http://127.0.0.1:8200") && !clear("https://vault"));
    }
}
