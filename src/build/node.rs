//! YAML as a tree whose every node knows its line: what findings about kustomizations and base files point at.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

/// Deeper than any manifest, far from the end of the stack.
const MAX_DEPTH: usize = 100;
/// More than any mapping merges; aliases can multiply a few lines into more than there is time for.
const MAX_MERGED: usize = 100_000;

/// One node and where it starts (line and column from 1).
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// Carries a tag that can change what it means, such as `!!binary`.
    pub(crate) tagged: bool,
    merged: usize,
}

/// What a node is; aliases are already replaced by what they stand for.
#[derive(Debug)]
pub(crate) enum Content {
    Scalar { text: String, plain: bool },
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<(Rc<Node>, Rc<Node>)>),
}

/// Why a text could not be read, and in which line.
#[derive(Debug)]
pub(crate) struct NodeError {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) reason: &'static str,
}

impl Node {
    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a sequence; none for anything else.
    pub(crate) fn items(&self) -> &[Rc<Node>] {
        match &self.content {
            Content::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The pairs of a mapping, those merged with `<<` included; none for anything else.
    pub(crate) fn pairs(&self) -> Vec<(&Node, &Node)> {
        let mut pairs = Vec::new();
        self.collect_pairs(&mut pairs);
        pairs
    }

    /// The value of the first key `key` of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.pairs().into_iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The text at a chain of mapping keys.
    pub(crate) fn text_at(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().try_fold(self, |node, key| node.get(key))?.text()
    }

    /// Whether a mapping has at least one pair, a sequence at least one item, a scalar any text but that of null.
    pub(crate) fn is_present(&self) -> bool {
        match &self.content {
            Content::Scalar { text, plain } => {
                !(*plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
            }
            Content::Sequence(items) => !items.is_empty(),
            Content::Mapping(pairs) => !pairs.is_empty(),
        }
    }

    /// A plain scalar that YAML 1.1 takes for a date or time, such as `2024-01-31`.
    pub(crate) fn plain_date(&self) -> Option<&str> {
        let Content::Scalar { text, plain: true } = &self.content else { return None };
        let (date, time) = match text.find(['T', 't', ' ']) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text.as_str(), None),
        };
        let lengths = [4..=4, 1..=2, 1..=2];
        let parts: Vec<&str> = date.split('-').collect();
        let is_number = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
        let is_date = parts.len() == lengths.len()
            && parts.iter().zip(lengths).all(|(part, length)| length.contains(&part.len()) && is_number(part));
        let is_time = |time: &str| time.trim_start().starts_with(|c: char| c.is_ascii_digit()) && time.contains(':');
        (is_date && time.is_none_or(is_time)).then_some(text)
    }

    fn is_merge(&self) -> bool {
        self.text() == Some("<<")
    }

    fn merges(&self) -> bool {
        matches!(&self.content, Content::Mapping(pairs) if pairs.iter().any(|(key, _)| key.is_merge()))
    }

    /// How many nodes a merge of this one looks at.
    fn weigh(&self) -> usize {
        match &self.content {
            Content::Scalar { .. } => 1,
            Content::Sequence(items) => items.iter().fold(1, |sum, item| sum.saturating_add(item.merged)),
            Content::Mapping(pairs) => pairs
                .iter()
                .fold(1, |sum, (key, value)| sum.saturating_add(if key.is_merge() { value.merged } else { 1 })),
        }
    }

    fn collect_pairs<'a>(&'a self, pairs: &mut Vec<(&'a Node, &'a Node)>) {
        let Content::Mapping(own) = &self.content else { return };
        for (key, value) in own {
            if key.is_merge() {
                value.collect_pairs(pairs);
                value.items().iter().for_each(|item| item.collect_pairs(pairs));
            } else {
                pairs.push((key, value));
            }
        }
    }
}

/// Reads every document of `text`; one that is empty is left out.
///
/// # Errors
/// The first syntax error.
pub(crate) fn documents(text: &str) -> Result<Vec<Rc<Node>>, NodeError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        builder.take(event, span)?;
    }
    Ok(builder.documents.into_iter().filter(|document| document.is_present()).collect())
}

fn syntax(error: &ScanError) -> NodeError {
    NodeError { line: error.marker().line(), column: error.marker().col() + 1, reason: "is not valid YAML" }
}

/// A collection that is not closed yet.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Rc<Node>>,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Rc<Node>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), NodeError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let content = Content::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                self.add(Rc::new(node(content, span, tag.as_deref())), anchor)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(target) => self.add(target, 0),
                None => return Err(at(span, "has an alias inside of what it stands for")),
            },
            Event::SequenceStart(anchor, tag) => {
                self.start(node(Content::Sequence(Vec::new()), span, tag.as_deref()), anchor, span)?;
            }
            Event::MappingStart(anchor, tag) => {
                self.start(node(Content::Mapping(Vec::new()), span, tag.as_deref()), anchor, span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mut node, anchor, .. }) = self.open.pop() {
                    node.merged = node.weigh();
                    if node.merged > MAX_MERGED && node.merges() {
                        return Err(NodeError { line: node.line, column: node.column, reason: "merges too much" });
                    }
                    self.add(Rc::new(node), anchor);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, node: Node, anchor: usize, span: Span) -> Result<(), NodeError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(at(span, "is nested too deeply"));
        }
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    fn add(&mut self, node: Rc<Node>, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return;
        };
        match &mut open.node.content {
            Content::Mapping(pairs) => match open.key.take() {
                Some(key) => pairs.push((key, node)),
                None => open.key = Some(node),
            },
            Content::Sequence(items) => items.push(node),
            Content::Scalar { .. } => {}
        }
    }
}

fn node(content: Content, span: Span, tag: Option<&Tag>) -> Node {
    let is_plain_type = |tag: &Tag| tag.is_yaml_core_schema() && matches!(tag.suffix.as_str(), "str" | "map" | "seq");
    let is_non_specific = |tag: &Tag| tag.handle.is_empty() && tag.suffix == "!";
    let tagged = tag.is_some_and(|tag| !is_plain_type(tag) && !is_non_specific(tag));
    Node { content, line: span.start.line(), column: span.start.col() + 1, tagged, merged: 1 }
}

fn at(span: Span, reason: &'static str) -> NodeError {
    NodeError { line: span.start.line(), column: span.start.col() + 1, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_keys_and_aliases_are_seen() {
        let documents = documents("a: &x\n  k: 1\nb:\n  <<: *x\n  l: 2\nc:\n  <<: [*x, {m: 3}]\n").unwrap();
        let keys = |name: &str| -> Vec<String> {
            let node = documents[0].get(name).unwrap();
            node.pairs().iter().map(|(key, _)| key.text().unwrap().to_owned()).collect()
        };
        assert_eq!(keys("b"), ["k", "l"]);
        assert_eq!(keys("c"), ["k", "m"]);
    }

    #[test]
    fn merges_that_multiply_end() {
        let mut text = "a0: &a0 {k: v}\n".to_owned();
        for level in 1..60 {
            text += &format!("a{level}: &a{level}\n  <<: [*a{0}, *a{0}]\n", level - 1);
        }
        assert_eq!(documents(&text).unwrap_err().reason, "merges too much");
        let flat = format!("a: &a {{k: v}}\nb:\n  c: 1\n{}", "  <<: *a\n".repeat(100));
        assert_eq!(documents(&flat).unwrap()[0].get("b").unwrap().pairs().len(), 101);
    }

    #[test]
    fn places_count_from_one() {
        let documents = documents("---\n# c\na:\n- b: x\n").unwrap();
        let item = &documents[0].get("a").unwrap().items()[0];
        assert_eq!((item.get("b").unwrap().line, item.get("b").unwrap().column), (4, 6));
    }

    #[test]
    fn plain_dates_are_known() {
        let text = "- 2024-01-31\n- 2024-1-2T10:00:00Z\n- 2024-01-31 10:00:00\n- '2024-01-31'\n- 2024-01-31-release\n- 2024-01-31 is\n- 1-2-3\n";
        let documents = documents(text).unwrap();
        let dates: Vec<usize> =
            documents[0].items().iter().filter(|n| n.plain_date().is_some()).map(|n| n.line).collect();
        assert_eq!(dates, [1, 2, 3]);
    }

    #[test]
    fn deep_nesting_is_refused_not_run() {
        assert!(documents(&"[".repeat(50_000)).is_err());
        assert_eq!(documents(&"- ".repeat(50_000)).unwrap_err().reason, "is nested too deeply");
        assert!(documents("a: &x [*x]").is_err());
    }
}
