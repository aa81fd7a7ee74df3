//! Where the keys of an ExternalSecret's Secret come from.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::Encoding;

/// What an ExternalSecret asks its store for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// One key each, by `data`.
    pub references: Vec<Reference>,
    /// Whole paths, by `dataFrom[].extract`; what `data` says comes later and counts.
    pub extracts: Vec<Remote>,
    /// Whether the keys of `references` are those of the Secret, each of them and no other.
    are_all: bool,
    /// Whether keys that the store lacks are left out; otherwise nothing at all is written then.
    pub may_lack: bool,
    /// A field by which the Secret becomes what this program does not work out.
    pub unfollowed: Option<&'static str>,
}

/// Where one key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The key of the Secret.
    pub key: String,
    /// The key at the path; the whole path where there is none.
    pub property: Option<String>,
    /// The path.
    pub remote: Remote,
}

/// A path of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// As the ExternalSecret writes it.
    pub path: String,
    /// A version of the path; the newest where there is none.
    pub version: Option<u64>,
    /// How values are kept there.
    pub encoding: Encoding,
}

impl Sources {
    /// What the `spec` of an ExternalSecret says.
    pub(super) fn of(spec: &Value) -> Self {
        let list = |field: &str| spec[field].as_array().map(Vec::as_slice).unwrap_or_default();
        let (data, from) = (list("data"), list("dataFrom"));
        let template = ["data", "templateFrom"].into_iter().find(|field| !spec["target"]["template"][field].is_null());
        let of_data = data.iter().find_map(|one| unfollowed(one, &one["remoteRef"]).or_else(|| odd_property(one)));
        let may_lack = !matches!(spec["target"]["deletionPolicy"].as_str(), None | Some("Retain"));
        Self {
            references: data.iter().map(Reference::of).collect(),
            extracts: from.iter().map(|one| Remote::of(&one["extract"])).collect(),
            are_all: from.is_empty() && template.is_none() && !may_lack,
            may_lack,
            unfollowed: template.map(|_| "template").or(of_data).or_else(|| from.iter().find_map(odd_extract)),
        }
    }

    /// The Secret's keys, where the spec alone says which they are.
    pub fn keys(&self) -> Option<BTreeSet<&str>> {
        self.are_all.then(|| self.references.iter().map(|reference| reference.key.as_str()).collect())
    }
}

impl Reference {
    fn of(data: &Value) -> Self {
        let property = text(&data["remoteRef"], "property");
        Self {
            key: text(data, "secretKey").to_owned(),
            property: Some(property.to_owned()).filter(|property| !property.is_empty()),
            remote: Remote::of(&data["remoteRef"]),
        }
    }
}

impl Remote {
    /// Path and version: what has to be read.
    pub fn place(&self) -> (&str, Option<u64>) {
        (self.path.as_str(), self.version)
    }

    fn of(reference: &Value) -> Self {
        Self {
            path: text(reference, "key").to_owned(),
            version: text(reference, "version").parse().ok(),
            encoding: if text(reference, "decodingStrategy") == "Base64" { Encoding::Base64 } else { Encoding::Text },
        }
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// What of an entry's `remoteRef` or `extract` is not followed.
fn unfollowed(entry: &Value, reference: &Value) -> Option<&'static str> {
    let version = text(reference, "version");
    [
        ("sourceRef", !entry["sourceRef"].is_null()),
        ("metadataPolicy", text(reference, "metadataPolicy") == "Fetch"),
        ("decodingStrategy", !matches!(text(reference, "decodingStrategy"), "" | "None" | "Base64")),
        ("version", !version.is_empty() && version.parse::<u64>().is_err()),
    ]
    .into_iter()
    .find_map(|(field, is_there)| is_there.then_some(field))
}

/// A whole path as one key, or a property that is an expression.
fn odd_property(data: &Value) -> Option<&'static str> {
    let property = text(&data["remoteRef"], "property");
    (property.is_empty() || property.contains(|c| r"*?#|@!~\()[]{}".contains(c))).then_some("property")
}

fn odd_extract(from: &Value) -> Option<&'static str> {
    let extract = &from["extract"];
    let is_default = matches!(text(extract, "conversionStrategy"), "" | "Default");
    [
        ("find", !from["find"].is_null()),
        ("rewrite", !from["rewrite"].is_null()),
        ("property", !text(extract, "property").is_empty()),
        ("conversionStrategy", !is_default),
    ]
    .into_iter()
    .find_map(|(field, is_there)| is_there.then_some(field))
    .or_else(|| unfollowed(from, extract))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_told_where_nothing_else_makes_some() {
        let data = json!([{"secretKey": "a", "remoteRef": {"key": "p", "property": "x"}}]);
        let keys = |spec: Value| Sources::of(&spec).keys().map(|keys| keys.into_iter().collect::<Vec<_>>().join(","));
        assert_eq!(keys(json!({"data": data})).as_deref(), Some("a"));
        assert_eq!(keys(json!({"data": data, "target": {"template": {"metadata": {}}}})).as_deref(), Some("a"));
        assert_eq!(keys(json!({"data": data, "target": {"template": {"data": {}}}})), None);
        assert_eq!(keys(json!({"data": data, "target": {"deletionPolicy": "Merge"}})), None);
        assert_eq!(keys(json!({"data": data, "dataFrom": [{"extract": {"key": "p"}}]})), None);
    }

    #[test]
    fn what_is_not_followed_is_named() {
        let of_data =
            |remote: Value| Sources::of(&json!({"data": [{"secretKey": "a", "remoteRef": remote}]})).unfollowed;
        assert_eq!(of_data(json!({"key": "p", "property": "x", "version": "2", "decodingStrategy": "Base64"})), None);
        assert_eq!(of_data(json!({"key": "p"})), Some("property"));
        assert_eq!(of_data(json!({"key": "p", "property": "a.#.b"})), Some("property"));
        assert_eq!(of_data(json!({"key": "p", "property": "x", "version": "v2"})), Some("version"));
        assert_eq!(of_data(json!({"key": "p", "property": "x", "decodingStrategy": "Auto"})), Some("decodingStrategy"));
        assert_eq!(of_data(json!({"key": "p", "property": "x", "metadataPolicy": "Fetch"})), Some("metadataPolicy"));
        let of_from = |from: Value| Sources::of(&json!({"dataFrom": [from]})).unfollowed;
        assert_eq!(of_from(json!({"extract": {"key": "p", "conversionStrategy": "Default"}})), None);
        assert_eq!(of_from(json!({"extract": {"key": "p"}, "rewrite": [{}]})), Some("rewrite"));
        assert_eq!(of_from(json!({"find": {}})), Some("find"));
        assert_eq!(of_from(json!({"sourceRef": {"generatorRef": {}}})), Some("sourceRef"));
    }
}
