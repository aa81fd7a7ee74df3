//! Strings that are documents themselves: JSON, YAML files and URLs must keep their structure, with exactly the value in its place.

use serde_json::Value;

use super::document::{Content, SourceFile};
use super::emit::{Number, is_printable};
use super::shape::{Broken, Shape, Token, first_token};
use super::url;

/// Whether the string keeps its structure; strings without one always do.
pub(super) fn check(shape: &Shape<'_>) -> Result<(), Broken> {
    if shape.tokens.is_empty() {
        return Ok(());
    }
    let key = shape.block_key.unwrap_or_default();
    let start = shape.text.trim_start();
    let is_json = start.starts_with(['{', '[']) && start.contains('"');
    if is_json || key.ends_with(".json") {
        json(shape)?;
    } else if key.ends_with(".yml") || key.ends_with(".yaml") {
        yaml(shape)?;
    }
    shape.tokens.iter().try_for_each(|token| url::check(shape.text, token))
}

fn json(shape: &Shape<'_>) -> Result<(), Broken> {
    let Ok(mut wanted) = serde_json::from_str::<Value>(shape.text) else { return Ok(()) };
    substitute(&mut wanted, shape.tokens);
    match serde_json::from_str::<Value>(shape.filled) {
        Ok(filled) if filled == wanted => Ok(()),
        _ => Err(Broken { what: "JSON", remedy: "json", name: single_name(shape.tokens) }),
    }
}

fn single_name(tokens: &[Token]) -> Option<String> {
    let (first, rest) = tokens.split_first()?;
    rest.iter().all(|token| token.name == first.name).then(|| first.name.clone())
}

fn substitute(value: &mut Value, tokens: &[Token]) {
    match value {
        Value::String(text) => *text = with_values(text, tokens),
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, tokens)),
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            for (key, mut field) in old {
                substitute(&mut field, tokens);
                fields.insert(with_values(&key, tokens), field);
            }
        }
        Value::Number(number) => {
            let text = number.to_string();
            if let Some((_, token)) = first_token(&text, tokens).filter(|(_, token)| token.word == text) {
                // An unquoted placeholder: whatever JSON value stands in the value stands in its place.
                *value = serde_json::from_str(&token.value).unwrap_or(Value::Null);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn with_values(text: &str, tokens: &[Token]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((at, token)) = first_token(rest, tokens) {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push_str(&token.value);
        rest = rest.get(at + token.word.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn yaml(shape: &Shape<'_>) -> Result<(), Broken> {
    let Ok(wanted) = SourceFile::parse("", shape.text) else { return Ok(()) };
    let broken = || Broken { what: "YAML", remedy: "json", name: single_name(shape.tokens) };
    if !shape.tokens.iter().all(|token| token.value.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))) {
        return Err(broken());
    }
    let filled = SourceFile::parse("", shape.filled).map_err(|_| broken())?;
    let same = wanted.nodes.len() == filled.nodes.len()
        && wanted.roots == filled.roots
        && wanted.nodes.iter().zip(&filled.nodes).all(|(a, b)| same_node(&a.content, &b.content, shape.tokens));
    if same { Ok(()) } else { Err(broken()) }
}

fn same_node(wanted: &Content, filled: &Content, tokens: &[Token]) -> bool {
    match (wanted, filled) {
        (Content::Scalar(a), Content::Scalar(b)) => {
            let text = with_values(&a.text, tokens);
            let whole = first_token(&a.text, tokens).is_some_and(|(_, token)| token.word == a.text);
            let plain = a.style == saphyr_parser::ScalarStyle::Plain;
            let reads_as_text =
                text == a.text || !plain || is_plain_text(&text) || (whole && is_boolean_or_number(&text));
            a.style == b.style && text == b.text && reads_as_text
        }
        (Content::Sequence(a), Content::Sequence(b)) => a == b,
        (Content::Mapping(a), Content::Mapping(b)) => a == b,
        (Content::Alias(a), Content::Alias(b)) => a == b,
        _ => false,
    }
}

fn is_boolean_or_number(text: &str) -> bool {
    matches!(text, "true" | "false") || Number::parse(text).is_some()
}

/// Whether a plain scalar is read as this text by YAML 1.1 and 1.2 readers alike: no null, boolean, number, date or special key.
fn is_plain_text(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words = [
        "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", ".inf", "+.inf", "-.inf",
        ".nan",
    ];
    let first_is_numeric = lower.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let only_numeric = lower
        .chars()
        .all(|c| c.is_ascii_hexdigit() || matches!(c, '+' | '-' | '.' | '_' | ':' | 'x' | 'o' | 't' | 'z' | ' '));
    !(words.contains(&lower.as_str()) || first_is_numeric && only_numeric)
}

#[cfg(test)]
mod tests {
    use super::super::shape::{number_word, word};
    use super::*;

    fn keeps(template: &str, key: Option<&str>, value: &str) -> bool {
        let bare = template.contains(": @");
        let word = if bare { number_word(0) } else { word(0) };
        let text = template.replace('@', &word);
        let filled = template.replace('@', value);
        let tokens = [Token { name: "A".into(), at: template.find('@').unwrap(), word, value: value.into() }];
        check(&Shape { text: &text, filled: &filled, tokens: &tokens, block_key: key }).is_ok()
    }

    #[test]
    fn json_keeps_its_structure_or_is_refused() {
        assert!(keeps(r#"{"a":"@"}"#, None, "plain: # value"));
        for value in ["\"", "\\", "a\nb", "\",\"b\":\""] {
            assert!(!keeps(r#"{"a":"@"}"#, None, value), "{value:?}");
        }
        assert!(keeps(r#"{"a": @}"#, None, "12"));
        assert!(keeps(r#"{"a": @}"#, None, r#"["x"]"#));
        assert!(!keeps(r#"{"a": @}"#, None, "1,\"b\":2"));
        assert!(keeps("{ not json @ }", None, "\""));
    }

    #[test]
    fn a_yaml_file_inside_keeps_its_structure_or_is_refused() {
        let file = "db:\n  password: @\n  # @\n  list: ['@']\n";
        assert!(keeps(file, Some("app.yml"), "s3cret"));
        assert!(keeps("port:  @\n", Some("app.yaml"), "8080"));
        for value in
            ["a: b", "x #y", "no", "~", "1_000", "2024-01-01", "a\nb: c", "&a b", "*a", "[x", "'", "null", " lead"]
        {
            assert!(!keeps(file, Some("app.yml"), value), "{value:?}");
            assert!(keeps(file, Some("notes.txt"), value), "{value:?}");
        }
    }
}
