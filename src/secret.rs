//! A sensitive text: it prints as `***`, is never serialized, and its memory is zeroed.

use std::cmp::Ordering;
use std::fmt;

use zeroize::Zeroizing;

/// A value that must not reach a sink. There is no `Display` and no `Serialize`; [`Secret::expose`] is the one door.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over `text`; its memory is zeroed when the secret is dropped.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Each call is a place to review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Ord for Secret {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_str().cmp(other.0.as_str())
    }
}

impl PartialOrd for Secret {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether text that was given as a path may be printed as one: it is anchored or its last part is one that `is_name` knows, it
/// holds nothing that assigns, quotes or addresses, and no part of it is long enough to be a credential.
///
/// Whoever gives content where a path is asked for would read it in the error.
pub(crate) fn looks_like_path(text: &str, is_name: impl Fn(&str) -> bool) -> bool {
    const LONGEST_PART: usize = 40;
    let anchored = ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start));
    let named = is_name(text.rsplit('/').next().unwrap_or_default());
    (anchored || named)
        && !text.contains(|c: char| c.is_whitespace() || matches!(c, '=' | ':' | '@' | '"' | '\'' | '{'))
        && text.split('/').all(|part| part.len() <= LONGEST_PART)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_no_path() {
        let looks = |text: &str| looks_like_path(text, |name| name.contains('.'));
        for path in [".env", "config/prod.env", "/dev/fd/63", "../keys/client.pem", "~/.kube/config"] {
            assert!(looks(path), "{path}");
        }
        for content in [
            "A=hunter2",
            "A=hunter2\nB=/x.env",
            "URL=postgres://u:hunter2@db/x.y",
            "{\"A\":\"x.y\"}",
            "hunter2",
            "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUV2UUlCQURBTkJna3Foa2lHOXcw",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        ] {
            assert!(!looks(content), "{content}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
        assert_eq!(format!("{:?}", Some(Secret::new(""))), "Some(***)");
    }
}
