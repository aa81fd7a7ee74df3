//! What lies at a path: keys with values, as Vault wrote them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::secret::Secret;

/// The members of a JSON object, each as the JSON text that Vault sent: a number keeps its digits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document(BTreeMap<String, Secret>);

impl Document {
    /// Reads a JSON object; `None` for anything else.
    pub fn parse(json: &str) -> Option<Self> {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
        Some(Self(members.into_iter().map(|(key, raw)| (key, Secret::new(raw.get()))).collect()))
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// What `key` holds as text, [`None`] where there is no such key or it holds nothing (`null`). Text is text; numbers and booleans are
    /// as they were sent, objects and lists are compact JSON. Unquoted, `a.b` may be the member `b` of the object `a`, `a[0]` a list's first.
    pub fn text(&self, key: &str, quoted: bool) -> Option<Secret> {
        self.json(key, quoted).as_ref().and_then(as_text)
    }

    /// What `key` holds as Vault sent it, `null` included; found as [`Self::text`] finds it.
    pub fn json(&self, key: &str, quoted: bool) -> Option<Secret> {
        let flat = self.0.get(key).cloned();
        if quoted { flat } else { flat.or_else(|| self.nested(key)) }
    }

    fn nested(&self, path: &str) -> Option<Secret> {
        let mut steps = path.split(['.', '[']).map(|step| step.strip_suffix(']').unwrap_or(step));
        let mut value = self.0.get(steps.next()?)?.clone();
        for step in steps {
            value = match step.parse::<usize>() {
                Ok(index) if value.expose().starts_with('[') => {
                    let items: Vec<&RawValue> = serde_json::from_str(value.expose()).ok()?;
                    Secret::new(items.get(index)?.get())
                }
                _ => Self::parse(value.expose())?.0.remove(step)?,
            };
        }
        Some(value)
    }
}

fn as_text(json: &Secret) -> Option<Secret> {
    let json = json.expose();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(json).ok().map(Secret::new),
        b'{' | b'[' => compact(json).map(Secret::new),
        b'n' => None,
        _ => Some(Secret::new(json)),
    }
}

/// Vault's server writes `<`, `>` and `&` as `\u003c` and so on; everyone else writes them as they are.
fn compact(json: &str) -> Option<String> {
    let between = |items: Vec<String>, open, close| format!("{open}{}{close}", items.join(","));
    match json.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
            let member = |(key, raw): (String, &RawValue)| {
                Some(format!("{}:{}", serde_json::to_string(&key).ok()?, compact(raw.get())?))
            };
            Some(between(members.into_iter().map(member).collect::<Option<_>>()?, '{', '}'))
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            Some(between(items.into_iter().map(|raw| compact(raw.get())).collect::<Option<_>>()?, '[', ']'))
        }
        b'"' => serde_json::to_string(&serde_json::from_str::<String>(json).ok()?).ok(),
        _ => Some(json.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str, key: &str) -> Option<String> {
        Document::parse(json)?.text(key, false).map(|text| text.expose().to_owned())
    }

    #[test]
    fn values_are_text_as_vault_sent_them() {
        let json = r#"{"s":"a\"b\nü","n":1.10,"big":12345678901234567890,"t":true,"z":null,"o": {"b": [1, 2.0], "a": "\u003cx\u003e"},"e":""}"#;
        let expected = [
            ("s", Some("a\"b\nü")),
            ("n", Some("1.10")),
            ("big", Some("12345678901234567890")),
            ("t", Some("true")),
            ("z", None),
            ("o", Some(r#"{"a":"<x>","b":[1,2.0]}"#)),
            ("e", Some("")),
            ("none", None),
        ];
        for (key, value) in expected {
            assert_eq!(text(json, key).as_deref(), value, "{key}");
        }
    }

    #[test]
    fn a_dotted_key_is_itself_before_it_is_a_path() {
        let json =
            r#"{"a.b":"flat","a":{"b":"nested","c":{"d":2}},"x":{"y":"deep"},"l":[{"k":"first"}],"k-d.e":"dash"}"#;
        assert_eq!(text(json, "a.b").as_deref(), Some("flat"));
        assert_eq!(text(json, "a.c.d").as_deref(), Some("2"));
        assert_eq!(text(json, "x.y").as_deref(), Some("deep"));
        assert_eq!(text(json, "l[0].k").as_deref(), Some("first"));
        assert_eq!(text(json, "k-d.e").as_deref(), Some("dash"));
        assert_eq!(text(json, "x.z"), None);
        assert_eq!(Document::parse(json).and_then(|document| document.text("x.y", true)), None);
    }

    #[test]
    fn what_is_no_object_is_refused_and_nothing_is_shown() {
        for json in ["", "[]", "1", "{\"a\":", "null"] {
            assert!(Document::parse(json).is_none(), "{json}");
        }
        assert_eq!(format!("{:?}", Document::parse(r#"{"a":"hunter2"}"#)), r#"Some(Document({"a": ***}))"#);
    }
}
