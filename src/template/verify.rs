//! Proof by a second reader: libyaml, the ancestor of the reader in kubectl, must read the template's tree with exactly the filled scalars replaced.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::emit::Number;

/// What a reader may read for a scalar of the template; nothing for one that stays as it is.
pub(super) type Expected<'a> = dyn Fn(&str) -> Vec<String> + 'a;

/// Where the two differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The template itself is not what this reader accepts: line and column from 1.
    Template(usize, usize),
    /// The filled text is not.
    Filled,
    /// Both are read, but not as was meant.
    Tree,
}

/// Reads both and compares them.
pub(super) fn verify(template: &str, filled: &str, expected: &Expected<'_>) -> Result<(), Difference> {
    let wanted = read(template).map_err(|place| Difference::Template(place.0, place.1))?;
    let found = read(filled).map_err(|_| Difference::Filled)?;
    let expected = |text: &str| {
        let mut texts = expected(text);
        if !template.ends_with('\n') {
            // Readers differ on whether a block scalar at the very end of a file ends with a line break.
            texts.extend(texts.clone().into_iter().map(|text| text + "\n"));
        }
        texts
    };
    let same = wanted.len() == found.len() && wanted.iter().zip(&found).all(|(a, b)| same(a, b, &expected));
    if same { Ok(()) } else { Err(Difference::Tree) }
}

/// Every document. JSON is read as JSON: its escapes know more than libyaml's.
fn read(text: &str) -> Result<Vec<Tree>, (usize, usize)> {
    if text.trim_start().starts_with(['{', '['])
        && let Ok(tree) = serde_json::from_str(text)
    {
        return Ok(vec![tree]);
    }
    serde_yaml::Deserializer::from_str(text)
        .map(|document| {
            Tree::deserialize(document)
                .map_err(|error| error.location().map_or((1, 1), |place| (place.line(), place.column())))
        })
        .collect()
}

fn same(wanted: &Tree, found: &Tree, expected: &Expected<'_>) -> bool {
    if let Tree::Text(text) = wanted {
        let texts = expected(text);
        if !texts.is_empty() {
            return texts.iter().any(|text| reads_as(found, text));
        }
    }
    match (wanted, found) {
        (Tree::Sequence(a), Tree::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, expected))
        }
        (Tree::Mapping(a), Tree::Mapping(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.0, &b.0, expected) && same(&a.1, &b.1, expected))
        }
        (Tree::Tagged(a, inner), Tree::Tagged(b, other)) => a == b && same(inner, other, expected),
        _ => wanted == found,
    }
}

/// Whether the scalar is the text, or the number or boolean that the text means.
fn reads_as(found: &Tree, text: &str) -> bool {
    match found {
        Tree::Text(found) => found == text,
        Tree::Boolean(found) => text == if *found { "true" } else { "false" },
        Tree::Integer(found) => {
            Number::parse(text).is_some() && text.parse::<i128>().is_ok_and(|number| number == *found)
        }
        Tree::Float(found) => Number::parse(text).is_some() && text.parse::<f64>().is_ok_and(|number| number == *found),
        // `!!int "5"`: the author's own tag decides how the text is read.
        Tree::Tagged(_, inner) => reads_as(inner, text),
        Tree::Null | Tree::Sequence(_) | Tree::Mapping(_) => false,
    }
}

/// A document as data, with duplicate keys and unresolved merges as they stand.
#[derive(PartialEq)]
enum Tree {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Sequence(Vec<Tree>),
    Mapping(Vec<(Tree, Tree)>),
    Tagged(String, Box<Tree>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Tree, E> {
        Ok(Tree::Integer(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut sequence = Vec::new();
        while let Some(item) = items.next_element()? {
            sequence.push(item);
        }
        Ok(Tree::Sequence(sequence))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut mapping = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            mapping.push(entry);
        }
        Ok(Tree::Mapping(mapping))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Tree, A::Error> {
        let (tag, contents) = data.variant::<String>()?;
        Ok(Tree::Tagged(tag, Box::new(contents.newtype_variant()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(text: &str) -> Vec<String> {
        text.contains("${A}").then(|| text.replace("${A}", "12")).into_iter().collect()
    }

    #[test]
    fn the_template_with_its_scalars_replaced_is_accepted() {
        let template = "a: ${A}\nb: [x, \"y ${A}\"]\n<<: {c: 1}\n---\n!t ${A}\n";
        let filled = "a: 12\nb: [x, \"y 12\"]\n<<: {c: 1}\n---\n!t \"12\"\n";
        assert_eq!(verify(template, filled, &expected), Ok(()));
    }

    #[test]
    fn any_other_difference_is_found() {
        for filled in
            ["a: 13\n", "a: \"12\"\nb: 1\n", "b: \"12\"\n", "a: [12]\n", "a: 12\n---\nx\n", "a: null\n", "a: 12.5\n"]
        {
            assert_eq!(verify("a: ${A}\n", filled, &expected), Err(Difference::Tree), "{filled:?}");
        }
        assert_eq!(verify("a: ${A}\n", "a: \"12\n", &expected), Err(Difference::Filled));
        assert_eq!(verify("a:\n\t- b\n", "", &expected), Err(Difference::Template(2, 1)));
    }
}
