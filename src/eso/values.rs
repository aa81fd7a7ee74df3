//! A Secret's values as Vault keeps them, and whether the two hold the same.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::facts::Encoding;
use super::plan::KeyPlan;
use crate::secret::Secret;
use crate::values::vault::Document;

/// The document for a Secret's values: every one a text, since Vault's numbers are no longer what they were.
///
/// # Errors
/// The keys whose value is no text although the plan says so.
pub fn to_document(
    keys: &[KeyPlan],
    values: &[(String, Zeroizing<Vec<u8>>)],
) -> Result<BTreeMap<String, Secret>, Vec<String>> {
    let (mut document, mut wrong) = (BTreeMap::new(), Vec::new());
    for key in keys {
        let Some((_, value)) = values.iter().find(|(name, _)| *name == key.key) else { continue };
        let text = match key.encoding {
            Encoding::Base64 => Some(STANDARD.encode(value)),
            Encoding::Text => std::str::from_utf8(value).ok().map(str::to_owned),
        };
        match text {
            Some(text) => drop(document.insert(key.property().to_owned(), Secret::new(text))),
            None => wrong.push(key.key.clone()),
        }
    }
    if wrong.is_empty() { Ok(document) } else { Err(wrong) }
}

/// The keys in which what Vault holds is not what is wanted, those that it has beside them included.
pub fn differences(held: &Document, wanted: &BTreeMap<String, Secret>) -> Vec<String> {
    let keys: BTreeSet<&String> = held.keys().chain(wanted.keys()).collect();
    let differs = |key: &&String| held.text(key, true).as_ref() != wanted.get(*key);
    keys.into_iter().filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, more: &str) -> KeyPlan {
        serde_yaml::from_str(&format!("{{key: {name}{more}}}")).unwrap()
    }

    #[test]
    fn values_become_texts_and_are_compared_byte_by_byte() {
        let values =
            vec![("a".to_owned(), Zeroizing::new(b"one\n".to_vec())), ("b".to_owned(), Zeroizing::new(vec![0, 255]))];
        let keys = [key("a", ", property: x"), key("b", ", encoding: base64")];
        let document = to_document(&keys, &values).unwrap();
        let held = |json: &str| differences(&Document::parse(json).unwrap(), &document);
        assert_eq!(held(r#"{"x": "one\n", "b": "AP8="}"#), Vec::<String>::new());
        assert_eq!(held(r#"{"x": "one", "b": "AP8=", "c": "1"}"#), ["c", "x"]);
        assert_eq!(held("{}"), ["b", "x"]);
        assert_eq!(to_document(&[key("b", "")], &values).unwrap_err(), ["b"]);
    }
}
