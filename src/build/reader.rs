//! YAML that two readers understand alike: a reference cannot hide from us and show itself to kustomize.

use std::rc::Rc;

use serde::Deserialize;

use crate::error::{Place, Problem, text};

use super::node::{Content, Node, NodeError, documents};

/// The documents, if a second reader (libyaml, whose port kustomize uses) sees the same ones and none carries a tag.
pub(super) fn trusted_documents(file: &str, text: &str) -> Result<Vec<Rc<Node>>, Vec<Problem>> {
    // kustomize passes over a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let unreadable = |error: NodeError| vec![refusal(file, error.line, error.column, error.reason)];
    let mut others = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = serde_yaml::Value::deserialize(document).map_err(|error| {
            let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
            vec![refusal(file, line, column, "is not valid YAML, or repeats a key")]
        })?;
        others.push(value);
    }
    others.retain(|value| !is_blank(value));
    let found = documents(text).map_err(unreadable)?;
    let same = found.len() == others.len() && found.iter().zip(&others).all(|(node, value)| agree(node, value));
    if same {
        Ok(found)
    } else {
        Err(vec![refusal(file, 1, 1, "reads differently in two YAML readers, or carries tags")])
    }
}

fn is_blank(value: &serde_yaml::Value) -> bool {
    use serde_yaml::Value;
    match value {
        Value::Null => true,
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(pairs) => pairs.is_empty(),
        _ => false,
    }
}

fn agree(node: &Node, value: &serde_yaml::Value) -> bool {
    use serde_yaml::Value;
    if node.tagged {
        return false;
    }
    match (&node.content, value) {
        (Content::Scalar { text, .. }, Value::String(other)) => text == other,
        (Content::Scalar { plain, .. }, Value::Null | Value::Bool(_) | Value::Number(_)) => *plain,
        (Content::Sequence(items), Value::Sequence(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| agree(item, other))
        }
        (Content::Mapping(pairs), Value::Mapping(others)) => {
            pairs.len() == others.len()
                && pairs.iter().zip(others).all(|(pair, other)| agree(&pair.0, other.0) && agree(&pair.1, other.1))
        }
        _ => false,
    }
}

pub(super) fn refusal(file: &str, line: usize, column: usize, reason: &str) -> Problem {
    Problem::error("kustomization-syntax", text!("`{file}` {reason}")).at(Place::new(file, line.max(1), column.max(1)))
}
