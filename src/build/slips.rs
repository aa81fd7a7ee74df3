//! Slips in committed objects at which kustomize gives up, or takes one of two, without saying in which file.

use std::collections::{HashMap, HashSet};

use super::base::is_data_field;
use super::data::type_in_words;
use super::node::{Content, Node, documents};
use crate::error::{Place, Problem, text};

/// What is wrong, and where in its source (line and column from 1).
pub(super) struct Slip {
    pub(super) problem: Problem,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Keys that stand twice in `object`, called `name` in findings, and in a core Secret or ConfigMap values that are no scalars.
pub(super) fn slips(object: &Node, name: &str, holds_data: bool) -> Vec<Slip> {
    let mut search = Search { name, found: Vec::new(), seen: HashSet::new() };
    search.node(object, "");
    if holds_data {
        search.data(object);
    }
    search.found
}

/// The slips of every object of a template, whose text kustomize could not build; none if it cannot be read.
pub fn template_slips(file: &str, text: &str) -> Vec<Problem> {
    let documents = documents(text).unwrap_or_default();
    let lists = |document: &'_ Node| document.get("items").map(|items| items.items().to_vec()).unwrap_or_default();
    let items: Vec<_> = documents.iter().flat_map(|document| lists(document)).collect();
    let found = documents.iter().chain(&items).flat_map(|object| {
        let text = |keys: &[&str]| object.text_at(keys).unwrap_or_default();
        let kind = text(&["kind"]);
        let holds_data = matches!(kind, "Secret" | "ConfigMap") && text(&["apiVersion"]) == "v1";
        slips(object, &format!("{kind} {}", text(&["metadata", "name"])), holds_data)
    });
    found.map(|slip| slip.problem.at(Place::new(file, slip.line, slip.column))).collect()
}

struct Search<'a> {
    name: &'a str,
    found: Vec<Slip>,
    /// What aliases stand for is looked at once.
    seen: HashSet<*const Node>,
}

impl Search<'_> {
    fn node(&mut self, node: &Node, path: &str) {
        if !self.seen.insert(std::ptr::from_ref(node)) {
            return;
        }
        match &node.content {
            Content::Scalar { .. } => {}
            Content::Sequence(items) => {
                items.iter().enumerate().for_each(|(at, item)| self.node(item, &format!("{path}[{at}]")));
            }
            Content::Mapping(pairs) => {
                let mut lines: HashMap<&str, usize> = HashMap::new();
                for (key, value) in pairs {
                    let text = key.text().unwrap_or_default();
                    let path = if path.is_empty() { text.to_owned() } else { format!("{path}.{text}") };
                    if let Some(first) = lines.insert(text, key.line).filter(|_| text != "<<") {
                        let message =
                            text!("`{path}` of `{}` stands twice, first in line {first}: one would win", self.name);
                        self.push(key, Problem::error("duplicate-key", message).help("remove one of the two"));
                    }
                    self.node(value, &path);
                }
            }
        }
    }

    fn data(&mut self, object: &Node) {
        let fields = object.pairs().into_iter().filter(|(field, _)| field.text().is_some_and(is_data_field));
        let entries = fields.flat_map(|(field, entries)| entries.pairs().into_iter().map(move |(k, v)| (field, k, v)));
        for (field, key_node, value) in entries {
            let (field, key) = (field.text().unwrap_or_default(), key_node.text().unwrap_or_default());
            if is_no_text(key_node) {
                let message =
                    text!("`{key}` beneath `{field}` of `{}` is read as something else than a text", self.name);
                self.push(key_node, Problem::error("data-key", message).help(text!("quote it: `\"{key}\":`")));
            }
            if value.text().is_some() {
                continue;
            }
            let message = text!("`{field}.{key}` of `{}` is {}, not a string", self.name, type_in_words(value));
            let help = text!("write the value of `{key}` as a block scalar (`{key}: |`)");
            self.push(value, Problem::error("data-not-string", message).help(help));
        }
    }

    fn push(&mut self, node: &Node, problem: Problem) {
        self.found.push(Slip { problem, line: node.line, column: node.column });
    }
}

/// A plain key that YAML takes for a number, boolean, date or nothing.
fn is_no_text(key: &Node) -> bool {
    let Content::Scalar { text, plain: true } = &key.content else { return false };
    // No word that stands for something else begins with a letter and is longer than `false`.
    let is_text = text.len() > "false".len() && text.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_read_otherwise = || serde_yaml::from_str(text).is_ok_and(|value: serde_yaml::Value| !value.is_string());
    !is_text && (key.plain_date().is_some() || is_read_otherwise())
}

#[cfg(test)]
mod tests {
    use super::super::node::documents;
    use super::*;

    fn found(text: &str) -> Vec<(usize, String)> {
        let documents = documents(text).unwrap();
        let slips = slips(&documents[0], "Secret a", true);
        slips.into_iter().map(|slip| (slip.line, slip.problem.message.to_string())).collect()
    }

    #[test]
    fn keys_that_stand_twice_are_found_with_their_lines() {
        let text = "stringData:\n  A: x\n  B: y\n  A: z\nspec:\n- k: 1\n  k: 2\n";
        assert_eq!(
            found(text),
            [
                (4, "`stringData.A` of `Secret a` stands twice, first in line 2: one would win".to_owned()),
                (7, "`spec[0].k` of `Secret a` stands twice, first in line 6: one would win".to_owned()),
            ]
        );
        assert_eq!(found("a: &x {k: v}\nb:\n  <<: *x\n  k: w\nc: *x\n"), []);
    }

    #[test]
    fn values_that_are_no_scalars_are_found() {
        let text = "data:\n  A:\n    b: c\n  D: [e]\n  F: g\n";
        let not = |key: &str, what: &str| format!("`data.{key}` of `Secret a` is {what}, not a string");
        assert_eq!(found(text), [(3, not("A", "a mapping")), (4, not("D", "a list"))]);
    }

    #[test]
    fn keys_that_are_no_texts_are_found() {
        let text = "data:\n  TRUE: a\n  'true': b\n  on: c\n  8080: d\n  ~: e\n  2024-01-01: f\n  0x1F: g\n  a.b: h\n";
        let keys: Vec<usize> = found(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(keys, [2, 5, 6, 7, 8]);
        assert_eq!(found(text)[0].1, "`TRUE` beneath `data` of `Secret a` is read as something else than a text");
    }

    #[test]
    fn a_template_is_searched_as_a_whole() {
        let secret =
            |name: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{8080: x}}\n");
        let list = format!("kind: List\nitems:\n- {}", secret("b").replace('\n', "\n  "));
        let found = template_slips("t.yml", &format!("{}---\n{list}", secret("a")));
        let places: Vec<String> = found.iter().map(|problem| problem.place.as_ref().unwrap().to_string()).collect();
        assert_eq!(places, ["t.yml:4:14", "t.yml:11:16"]);
        assert!(template_slips("t.yml", "{").is_empty());
    }

    #[test]
    fn aliases_that_multiply_are_looked_at_once() {
        let mut text = "a0: &a0 {k: v}\n".to_owned();
        for level in 1..60 {
            text += &format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
        }
        assert_eq!(found(&text), []);
    }
}
