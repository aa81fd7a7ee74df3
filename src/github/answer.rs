//! What came back from GitHub, or why nothing did.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// What GitHub answered, good or bad.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) retry_after: Option<String>,
    pub(super) limit_remaining: Option<String>,
    pub(super) limit_reset: Option<String>,
    pub(super) location: Option<String>,
    pub(super) link: Option<String>,
}

impl Answer {
    /// Whether a list goes on.
    pub(super) fn has_next(&self) -> bool {
        self.link.as_deref().is_some_and(|link| link.contains("rel=\"next\""))
    }

    /// What GitHub says about a refusal.
    pub(super) fn message(&self) -> Option<String> {
        serde_json::from_str::<Value>(&self.body).ok()?["message"].as_str().map(str::to_owned)
    }

    pub(super) fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.body)
    }
}

/// The innermost cause: those around it repeat the URL and say that a request failed.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
