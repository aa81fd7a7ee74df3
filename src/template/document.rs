//! A template file as documents of nodes, each scalar with the place of its own source text.

use std::collections::BTreeMap;
use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::events::{self, Anchor, Event, Placed, SyntaxError};
use super::span::ScalarSpan;
use crate::error::{Place, Problem, text};

/// Index of a node in its [`SourceFile`].
pub(crate) type NodeId = usize;

/// A YAML node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) content: Content,
    /// Byte offset of its first character, anchor and tag included.
    pub(crate) start: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Scalar(Scalar),
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
    /// Another node, by its anchor.
    Alias(NodeId),
}

#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// The text a YAML reader sees.
    pub(crate) text: String,
    pub(crate) style: ScalarStyle,
    /// A tag of the author's own stands before it.
    pub(crate) tagged: bool,
    /// Bytes of the file that hold the scalar: quotes or block header included, anchor and tag not.
    /// Empty for scalars without a `$`: nobody asks for them.
    pub(crate) source: Range<usize>,
}

/// One template file, read.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    /// Its name in messages.
    pub(crate) name: String,
    /// Its text, without a byte order mark.
    pub(crate) text: String,
    pub(crate) has_byte_order_mark: bool,
    /// Byte offsets.
    line_starts: Vec<usize>,
    pub(crate) nodes: Vec<Node>,
    /// The root node of each document.
    pub(crate) roots: Vec<NodeId>,
}

impl SourceFile {
    /// Reads `text` as YAML 1.2, of which JSON is a part, or else as kubectl does.
    ///
    /// # Errors
    /// What is neither; keys that stand twice.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let file = Self::parse_with(name, text, events::read)?;
        let problems = file.duplicate_keys();
        if problems.is_empty() { Ok(file) } else { Err(problems) }
    }

    /// Reads `text` with libyaml, the ancestor of the reader in kubectl and kustomize. Keys may stand twice.
    pub(crate) fn parse_as_kubectl(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        Self::parse_with(name, text, events::lenient)
    }

    fn parse_with(
        name: &str,
        text: &str,
        read: fn(&str) -> Result<Vec<Placed>, SyntaxError>,
    ) -> Result<Self, Vec<Problem>> {
        let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut file = Self {
            name: name.to_owned(),
            text: bare.to_owned(),
            has_byte_order_mark: bare.len() != text.len(),
            line_starts: [0].into_iter().chain(bare.match_indices('\n').map(|(at, _)| at + 1)).collect(),
            nodes: Vec::new(),
            roots: Vec::new(),
        };
        let mut reader = Reader { file: &mut file, open: Vec::new(), anchors: BTreeMap::new() };
        reader.read(bare, read).map_err(|problem| vec![*problem])?;
        Ok(file)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The node itself, or what its alias stands for.
    pub(crate) fn resolve(&self, id: NodeId) -> NodeId {
        match self.nodes[id].content {
            Content::Alias(target) => target,
            _ => id,
        }
    }

    pub(crate) fn scalar(&self, id: NodeId) -> Option<&Scalar> {
        match &self.nodes[self.resolve(id)].content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn place(&self, id: NodeId) -> Place {
        self.place_of(self.nodes[id].start)
    }

    /// Line and column of a byte offset.
    pub(crate) fn place_of(&self, offset: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Place::new(&self.name, line, column)
    }

    /// The value of `key` in the mapping `id`.
    pub(crate) fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        let Content::Mapping(pairs) = &self.nodes[self.resolve(id)].content else { return None };
        pairs.iter().find(|(k, _)| self.scalar(*k).is_some_and(|scalar| scalar.text == key)).map(|(_, value)| *value)
    }

    /// kustomize takes the first of two equal keys and kubectl the last, both without a word.
    fn duplicate_keys(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut keys: Vec<(&str, NodeId)> = Vec::new();
        for node in &self.nodes {
            let Content::Mapping(pairs) = &node.content else { continue };
            keys.clear();
            keys.extend(pairs.iter().filter_map(|(key, _)| Some((self.scalar(*key)?.text.as_str(), *key))));
            // Equal ones stand beside each other then, in the order of the text.
            keys.sort_by_key(|(text, _)| *text);
            let twice = keys.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[0].0 != "<<");
            let mut twice: Vec<_> = twice.map(|pair| (pair[0].1, pair[1].1)).collect();
            twice.sort_by_key(|(_, second)| *second);
            problems.extend(twice.into_iter().map(|(first, second)| self.duplicate_key(first, second)));
        }
        problems
    }

    fn duplicate_key(&self, first: NodeId, second: NodeId) -> Problem {
        let key = self.scalar(second).map_or("", |scalar| &scalar.text);
        let text = text!("key `{key}` stands twice in one mapping, first in line {}", self.place(first).line);
        Problem::error("duplicate-key", text)
            .at(self.place(second))
            .help("remove one of them: kustomize would take the first, kubectl the last")
    }
}

/// A collection that is being read.
struct Open {
    id: NodeId,
    /// The key that waits for its value.
    key: Option<NodeId>,
}

struct Reader<'a> {
    file: &'a mut SourceFile,
    open: Vec<Open>,
    anchors: BTreeMap<usize, NodeId>,
}

impl Reader<'_> {
    fn read(&mut self, text: &str, read: fn(&str) -> Result<Vec<Placed>, SyntaxError>) -> Result<(), Box<Problem>> {
        let events = read(text).map_err(|error| Box::new(self.syntax_problem(text, &error)))?;
        events.into_iter().try_for_each(|placed| self.take(placed, text))
    }

    fn take(&mut self, placed: Placed, text: &str) -> Result<(), Box<Problem>> {
        let Placed { event, start, end, starts_at_header } = placed;
        match event {
            Event::Scalar { text: value, style, anchor, tagged } => {
                let source = if value.contains('$') {
                    let span = ScalarSpan { range: start..end, style, starts_at_header };
                    span.source(text, &value).ok_or_else(|| Box::new(self.lost_scalar(start)))?
                } else {
                    0..0
                };
                self.add(Content::Scalar(Scalar { text: value, style, tagged, source }), anchor, start);
            }
            Event::SequenceStart(anchor) => self.begin(Content::Sequence(Vec::new()), anchor, start),
            Event::MappingStart(anchor) => self.begin(Content::Mapping(Vec::new()), anchor, start),
            Event::End => {
                self.open.pop();
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).copied() {
                Some(target) if !self.open.iter().any(|open| open.id == target) => {
                    self.add(Content::Alias(target), None, start);
                }
                _ => return Err(Box::new(self.alias_problem(start))),
            },
            Event::DocumentStart => self.anchors.clear(),
        }
        Ok(())
    }

    fn begin(&mut self, content: Content, anchor: Anchor, start: usize) {
        let id = self.add(content, anchor, start);
        self.open.push(Open { id, key: None });
    }

    fn add(&mut self, content: Content, anchor: Anchor, start: usize) -> NodeId {
        let id = self.file.nodes.len();
        self.file.nodes.push(Node { content, start });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
        let Some(parent) = self.open.last_mut() else {
            self.file.roots.push(id);
            return id;
        };
        match &mut self.file.nodes[parent.id].content {
            Content::Sequence(items) => items.push(id),
            Content::Mapping(pairs) => match parent.key.take() {
                Some(key) => pairs.push((key, id)),
                None => parent.key = Some(id),
            },
            Content::Scalar(_) | Content::Alias(_) => {}
        }
        id
    }

    fn syntax_problem(&self, text: &str, error: &SyntaxError) -> Problem {
        let place = self.file.place_of(error.offset);
        let line = text.lines().nth(place.line - 1).unwrap_or_default();
        let help = if line.contains("{{") {
            "`{{ … }}` is a Go template: render it to plain YAML first"
        } else if line.contains("${") && line.replace("${", "").contains(['[', '{', ':']) {
            "inside `[…]` and `{…}`, and before `: `, a placeholder needs quotes: \"${NAME}\""
        } else {
            "a template is YAML or JSON before it is filled; mend this line"
        };
        Problem::error("template-syntax", text!("not YAML: {}", error.message)).at(place).help(help)
    }

    fn alias_problem(&self, start: usize) -> Problem {
        Problem::error("template-syntax", "an alias of an anchor that is not complete before it")
            .at(self.file.place_of(start))
            .help("an anchor must stand in the same document, before its alias, and not contain it")
    }

    fn lost_scalar(&self, start: usize) -> Problem {
        Problem::error("template-syntax", "this scalar is written in a way that cannot be filled safely")
            .at(self.file.place_of(start))
            .help("write it in double quotes on one line, or as a block scalar with `|`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Vec<String> {
        let file = SourceFile::parse("t.yml", text).expect("YAML");
        file.nodes
            .iter()
            .filter_map(|node| match &node.content {
                Content::Scalar(scalar) if !scalar.source.is_empty() => {
                    Some(file.text[scalar.source.clone()].to_owned())
                }
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_scalars_source_is_exact_in_every_style() {
        let text = "a: ${A} # tail\nb: &x \"q ${B}\"   # c\nc: 'it''s ${C}'\nd: |  # h | x\n  l ${D}\n\ne: >-\n  f ${E}\n  t\n\
                    f: plain\n  multi ${F}\n  # comment\ng: !t &an ${G} # c\n? ${H}\n: x\n";
        assert_eq!(
            sources(text),
            [
                "${A}",
                "\"q ${B}\"",
                "'it''s ${C}'",
                "|  # h | x\n  l ${D}\n\n",
                ">-\n  f ${E}\n  t\n",
                "plain\n  multi ${F}",
                "${G}",
                "${H}"
            ]
        );
    }

    #[test]
    fn sources_are_exact_after_wide_characters_and_without_a_final_newline() {
        assert_eq!(sources("é: \"ü ${A}\"\nb: |\n  😀 ${B}"), ["\"ü ${A}\"", "|\n  😀 ${B}"]);
        assert_eq!(sources("\u{feff}a: ${A}\r\nb: |\r\n  ${B}\r\n  x\r\n"), ["${A}", "|\r\n  ${B}\r\n  x\r\n"]);
        assert_eq!(sources("{\"a\": \"b ${A}\",\n\t\"c\": [\"${B}\"]}"), ["\"b ${A}\"", "\"${B}\""]);
        assert_eq!(
            sources("- |\n ${A}\n# c\n- b: |2\n\n     ${B}\n    # c\n- &k !!str\n  ${C}\n"),
            ["|\n ${A}\n", "|2\n\n     ${B}\n    # c\n", "${C}"]
        );
    }

    #[test]
    fn a_duplicate_key_is_refused_with_both_lines() {
        let problems = SourceFile::parse("t.yml", "a: 1\nb:\n  c: 1\n  'c': 2\n").expect_err("duplicate");
        assert_eq!(problems[0].message, "key `c` stands twice in one mapping, first in line 3");
        assert_eq!(problems[0].place, Some(Place::new("t.yml", 4, 3)));
    }

    #[test]
    fn broken_yaml_is_refused_with_its_line_and_a_remedy() {
        let problems = SourceFile::parse("t.yml", "a: b\nc: [${A}, b]\n").expect_err("flow");
        assert_eq!(problems[0].place.as_ref().map(|place| place.line), Some(2));
        assert!(problems[0].help.as_deref().is_some_and(|help| help.contains("needs quotes")));
        assert!(SourceFile::parse("t.yml", "a: *nope\n").is_err());
        assert!(SourceFile::parse("t.yml", "a: &a [*a]\n").is_err());
    }
}
