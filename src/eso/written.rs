//! What External Secrets writes into a Secret of what Vault holds: not always the bytes that Vault has.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::facts::Encoding;
use super::sources::{Reference, Remote, Sources};
use crate::values::vault::Document;

/// Values by key; `None` where External Secrets finds none, or cannot decode it.
pub type Written = BTreeMap<String, Option<Zeroizing<Vec<u8>>>>;

/// The Secret that `sources` make of what `held` says that Vault holds.
pub fn written<'a>(sources: &'a Sources, held: impl Fn(&'a Remote) -> Option<&'a Document>) -> Written {
    let mut all = Written::new();
    for remote in &sources.extracts {
        let Some(document) = held(remote) else { continue };
        all.extend(document.keys().map(|key| (converted(key), extracted(remote, document, key))));
    }
    for reference in &sources.references {
        let value = held(&reference.remote).and_then(|document| referred(reference, document));
        all.insert(reference.key.clone(), value);
    }
    all
}

/// The keys in which `live` is not what is `wanted`, those that it has beside them included, unless the Secret `merges` both.
/// `may_lack` says whether what is not found is left out.
pub fn differing(
    live: &BTreeMap<String, Zeroizing<Vec<u8>>>,
    wanted: &Written,
    may_lack: bool,
    merges: bool,
) -> Vec<String> {
    let differs = |(key, value): &(&String, &Option<Zeroizing<Vec<u8>>>)| match (value, live.get(*key)) {
        (None, None) => !may_lack,
        (wanted, live) => wanted.as_ref() != live,
    };
    let mut keys: Vec<String> = wanted.iter().filter(differs).map(|(key, _)| key.clone()).collect();
    if !merges {
        keys.extend(live.keys().filter(|key| !wanted.contains_key(*key)).cloned());
    }
    keys
}

fn referred(reference: &Reference, document: &Document) -> Option<Zeroizing<Vec<u8>>> {
    let property = reference.property.as_deref()?;
    let is_nested = document.json(property, true).is_none();
    let json = document.json(property, false)?;
    // Below an object it reads all numbers anew but for those of digits alone.
    let is_float = is_nested && json.expose().contains(['.', 'e', 'E']);
    decoded(reference.remote.encoding, text(document, property, json.expose(), is_float)?)
}

fn extracted(remote: &Remote, document: &Document, key: &str) -> Option<Zeroizing<Vec<u8>>> {
    let json = document.json(key, true)?;
    decoded(remote.encoding, text(document, key, json.expose(), true)?)
}

/// The value as text, which is `json` in Vault.
fn text(document: &Document, key: &str, json: &str, is_float: bool) -> Option<Zeroizing<String>> {
    let plain = || document.text(key, false).map(|text| Zeroizing::new(text.expose().to_owned()));
    match json.as_bytes().first()? {
        b'n' => Some(Zeroizing::default()),
        b'{' | b'[' => plain().map(|text| escaped(&text)),
        b'0'..=b'9' | b'-' if is_float => json.parse::<f64>().ok().map(|number| Zeroizing::new(number.to_string())),
        _ => plain(),
    }
}

/// JSON as Go writes it, fit for HTML.
fn escaped(json: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(json.len() + json.len() / 8));
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => text.push(c),
        }
    }
    text
}

/// A key as it may stand in a Secret.
fn converted(key: &str) -> String {
    key.chars().map(|c| if c.is_alphanumeric() || "-._".contains(c) { c } else { '_' }).collect()
}

fn decoded(encoding: Encoding, text: Zeroizing<String>) -> Option<Zeroizing<Vec<u8>>> {
    match encoding {
        Encoding::Text => Some(Zeroizing::new(text.as_bytes().to_vec())),
        Encoding::Base64 => STANDARD.decode(text.as_bytes()).ok().map(Zeroizing::new),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const HELD: &str = r#"{"n": null, "t": "a<b", "o": {"z": "<&>", "a": [1, null]}, "f": 1.10, "big": 12345678901234567890,
        "x": {"n": null, "f": 1.10, "i": 12345678901234567890, "s": "{<}"}, "b": "AP8=", "k/é": true}"#;

    fn texts(spec: Value) -> Vec<(String, Option<String>)> {
        let document = Document::parse(HELD).unwrap();
        let all = written(&Sources::of(&spec), |_| Some(&document));
        let text = |value: Zeroizing<Vec<u8>>| String::from_utf8(value.to_vec()).unwrap();
        all.into_iter().map(|(key, value)| (key, value.map(text))).collect()
    }

    fn property(name: &str) -> Option<String> {
        let remote = json!({"key": "p", "property": name});
        texts(json!({"data": [{"secretKey": "k", "remoteRef": remote}]})).remove(0).1
    }

    #[test]
    fn a_property_is_written_as_external_secrets_does() {
        let cases = [
            ("n", Some("")),
            ("t", Some("a<b")),
            ("o", Some(r#"{"a":[1,null],"z":"\u003c\u0026\u003e"}"#)),
            ("f", Some("1.10")),
            ("big", Some("12345678901234567890")),
            ("x.n", Some("")),
            ("x.f", Some("1.1")),
            ("x.i", Some("12345678901234567890")),
            ("x.s", Some("{<}")),
            ("o.a.0", Some("1")),
            ("none", None),
        ];
        cases.iter().for_each(|(name, wanted)| assert_eq!(property(name).as_deref(), *wanted, "{name}"));
    }

    #[test]
    fn a_whole_path_is_written_key_by_key_and_data_counts() {
        let spec = json!({"dataFrom": [{"extract": {"key": "p"}}],
            "data": [{"secretKey": "t", "remoteRef": {"key": "p", "property": "f"}}]});
        let all: BTreeMap<String, Option<String>> = texts(spec).into_iter().collect();
        let value = |key: &str| all[key].as_deref();
        assert_eq!([value("t"), value("f"), value("big")], [Some("1.10"), Some("1.1"), Some("12345678901234567000")]);
        assert_eq!([value("n"), value("k_é")], [Some(""), Some("true")]);
        assert_eq!(all.len(), 8);
    }

    #[test]
    fn what_differs_is_told_by_key() {
        let value = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
        let live = BTreeMap::from([("a".to_owned(), value("1")), ("extra".to_owned(), value("2"))]);
        let wanted = Written::from([("a".to_owned(), Some(value("1"))), ("gone".to_owned(), None)]);
        assert_eq!(differing(&live, &wanted, false, false), ["gone", "extra"]);
        assert_eq!(differing(&live, &wanted, false, true), ["gone"]);
        assert_eq!(differing(&live, &wanted, true, true), [""; 0]);
    }
}
