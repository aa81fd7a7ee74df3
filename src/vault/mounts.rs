//! Which secrets engine stands behind a path, asked once a mount.

use serde::Deserialize;

/// A secrets engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Without a slash at either end.
    pub(super) path: String,
    pub(super) engine: Engine,
}

/// What it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Engine {
    /// Each path has one state.
    Kv1,
    /// Each path has versions.
    Kv2,
    /// Something else by its name, such as `database`.
    Other(String),
    /// We may not ask.
    Unknown,
}

/// The answer of `sys/internal/ui/mounts/PATH`.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    options: Option<Options>,
}

#[derive(Debug, Deserialize)]
struct Options {
    version: Option<String>,
}

impl From<Reply> for Mount {
    fn from(Reply { data }: Reply) -> Self {
        let version = data.options.and_then(|options| options.version);
        let engine = match data.kind.as_str() {
            "kv" if version.as_deref() == Some("2") => Engine::Kv2,
            "kv" | "generic" | "cubbyhole" => Engine::Kv1,
            other => Engine::Other(other.to_owned()),
        };
        Self { path: data.path.trim_matches('/').to_owned(), engine }
    }
}

impl Mount {
    /// What a path as the user wrote it says by itself: `secret/data/app` is KV v2.
    pub(super) fn guessed(path: &str) -> Self {
        let (mount, rest) = path.split_once('/').unwrap_or((path, ""));
        let engine = if rest.starts_with("data/") { Engine::Kv2 } else { Engine::Unknown };
        Self { path: mount.to_owned(), engine }
    }

    /// Whether `path` lies in it.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.below(path).is_some()
    }

    /// `path` without the mount.
    pub(super) fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&self.path)?.strip_prefix('/')
    }

    /// `path` without the mount and, in KV v2, without the `data/` of the API.
    pub(super) fn secret<'a>(&self, path: &'a str) -> Option<&'a str> {
        let below = self.below(path)?;
        Some(if self.engine == Engine::Kv2 { below.strip_prefix("data/").unwrap_or(below) } else { below })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(json: &str) -> Mount {
        Mount::from(serde_json::from_str::<Reply>(json).expect("a reply"))
    }

    #[test]
    fn engines_are_told_by_type_and_version() {
        let kv2 = mount(r#"{"data":{"path":"team/kv/","type":"kv","options":{"version":"2"}}}"#);
        assert_eq!(kv2, Mount { path: "team/kv".to_owned(), engine: Engine::Kv2 });
        assert_eq!(kv2.secret("team/kv/data/a/b"), Some("a/b"));
        assert_eq!(kv2.secret("team/kv/a/b"), Some("a/b"));
        assert!(!kv2.holds("team/kvx/a"));
        assert_eq!(mount(r#"{"data":{"path":"kv1/","type":"kv","options":{"version":"1"}}}"#).engine, Engine::Kv1);
        assert_eq!(mount(r#"{"data":{"path":"cubbyhole/","type":"cubbyhole","options":null}}"#).engine, Engine::Kv1);
        assert_eq!(mount(r#"{"data":{"path":"db/","type":"database"}}"#).engine, Engine::Other("database".to_owned()));
    }

    #[test]
    fn a_path_with_data_tells_its_version_by_itself() {
        assert_eq!(Mount::guessed("secret/data/app").engine, Engine::Kv2);
        assert_eq!(Mount::guessed("secret/app").engine, Engine::Unknown);
    }
}
