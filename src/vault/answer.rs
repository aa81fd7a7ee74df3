//! What the server says, before anyone has judged it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Body,
    /// Seconds that the server asks to wait before another try.
    pub(super) retry_after: Option<u64>,
    /// Where a redirect points to.
    pub(super) location: Option<String>,
}

/// A body; it may hold values.
pub(super) struct Body(pub(super) Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What an answer that is no success says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) errors: Vec<String>,
    pub(super) warnings: Option<Vec<String>>,
    data: Option<Versioned>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Versioned {
    metadata: Option<BTreeMap<String, serde_json::Value>>,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as `T`; errors of the reader quote what they could not read, so they are dropped.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body.0).ok()
    }

    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body.0).ok()
    }

    /// What a failure says; nothing where it is not Vault that answers.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.read()
    }
}

impl Refusal {
    /// Whether one of the errors or warnings holds `words`.
    pub(super) fn says(&self, words: &str) -> bool {
        self.errors.iter().chain(self.warnings.iter().flatten()).any(|text| text.contains(words))
    }

    /// What became of the version that was asked for, where there was one.
    pub(super) fn gone(&self) -> Option<Gone> {
        let metadata = self.data.as_ref()?.metadata.as_ref()?;
        let destroyed = metadata.get("destroyed").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let version = metadata.get("version").and_then(serde_json::Value::as_u64).unwrap_or(0);
        Some(Gone { version, destroyed })
    }
}

/// A version that was once there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) version: u64,
    /// For good; otherwise it can be undeleted.
    pub(super) destroyed: bool,
}
