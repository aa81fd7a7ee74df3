//! Which kubectl talks to which server.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Ending, Kubectl, Launch, errors, unreadable};
use crate::error::{Problem, text};

/// A version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// As it calls itself, such as `v1.37.1`.
    pub name: String,
    /// 1.
    pub major: u32,
    /// The number that the rule about skew counts.
    pub minor: u32,
}

/// The two sides of every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// kubectl.
    pub client: Version,
    /// The API server.
    pub server: Version,
}

impl Versions {
    /// kubectl is made for servers of its own minor version, the one before and the one after.
    #[must_use]
    pub fn skew(&self) -> Option<Problem> {
        let (client, server) = (&self.client, &self.server);
        if client.major == server.major && client.minor.abs_diff(server.minor) <= 1 {
            return None;
        }
        let message =
            text!("kubectl is {}, the server {}: more than one minor version apart", client.name, server.name);
        Some(Problem::error("kubectl-skew", message).help(text!("use kubectl {}.{}", server.major, server.minor)))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    client_version: Raw,
    server_version: Option<Raw>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    major: String,
    minor: String,
    git_version: String,
}

impl Raw {
    /// Managed clusters call their minor version `31+`.
    fn parse(self) -> Option<Version> {
        let number = |text: &str| text.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok();
        Some(Version { major: number(&self.major)?, minor: number(&self.minor)?, name: self.git_version })
    }
}

const VERSION: [&str; 3] = ["version", "-o", "json"];

impl<L: Launch> Kubectl<L> {
    /// Starts what the next [`version`](Self::version) asks.
    pub fn version_ahead(&self) {
        self.launcher.start_ahead(self.call(&VERSION));
    }

    /// Asks kubectl and the server who they are: the first call, so it also shows whether the server can be reached.
    ///
    /// # Errors
    /// Why there was no answer.
    pub async fn version(&self) -> Result<Versions, Problem> {
        let stdout = match self.cluster(&VERSION, Zeroizing::default()).await {
            Ending::Success { stdout, .. } => stdout,
            Ending::Failed { stderr, .. } => return Err(errors::problem(&stderr, None)),
            other => return Err(errors::unfinished(&other)),
        };
        let answer: Option<Answer> = serde_json::from_slice(stdout.expose()).ok();
        answer
            .and_then(|answer| {
                Some(Versions { client: answer.client_version.parse()?, server: answer.server_version?.parse()? })
            })
            .ok_or_else(|| unreadable("kubectl version -o json"))
    }
}
