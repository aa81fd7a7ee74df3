//! YAML as events with byte offsets, from two parsers.
//!
//! The first knows YAML 1.2 and JSON's escapes. It refuses what libyaml, and with it kubectl, has always taken, such as a closing bracket
//! no deeper than its key; then libyaml's port has the word.

use std::collections::BTreeMap;

use saphyr_parser::ScalarStyle;

/// What a parser saw.
pub(super) enum Event {
    Scalar {
        text: String,
        style: ScalarStyle,
        anchor: Anchor,
        tagged: bool,
    },
    SequenceStart(Anchor),
    MappingStart(Anchor),
    /// The end of either.
    End,
    Alias(usize),
    DocumentStart,
}

/// Number of an anchor, from 1.
pub(super) type Anchor = Option<usize>;

/// An event with the bytes it takes; where they start is exact, where they end is the parser's opinion.
pub(super) struct Placed {
    pub(super) event: Event,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether a block scalar starts with its header, or with its first content line.
    pub(super) starts_at_header: bool,
}

/// Why `text` is not YAML: a sentence, and the byte offset.
pub(super) struct SyntaxError {
    pub(super) message: String,
    pub(super) offset: usize,
}

/// A block scalar that ends with the file has no last line break (YAML 1.2.2, 8.1.1.2), though some parsers add one.
fn without_added_break(mut placed: Vec<Placed>, text: &str) -> Vec<Placed> {
    let last = placed.iter_mut().rfind(|placed| matches!(placed.event, Event::Scalar { .. }));
    if let Some(Placed { event: Event::Scalar { text: value, style, .. }, end, .. }) = last
        && matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
        && *end >= text.len()
        && !text.ends_with('\n')
        && value.ends_with('\n')
    {
        value.pop();
    }
    placed
}

/// Every event of `text`.
pub(super) fn read(text: &str) -> Result<Vec<Placed>, SyntaxError> {
    strict(text).or_else(|error| lenient(text).map_err(|_| error))
}

fn strict(text: &str) -> Result<Vec<Placed>, SyntaxError> {
    let offsets = Offsets::new(text);
    let mut placed = Vec::new();
    let mut parser = saphyr_parser::Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| SyntaxError {
            message: error.info().to_owned(),
            offset: offsets.byte(error.marker().index()),
        })?;
        let anchor = |anchor| Some(anchor).filter(|anchor| *anchor != 0);
        let event = match event {
            saphyr_parser::Event::Scalar(text, style, id, tag) => {
                Event::Scalar { text: text.into_owned(), style, anchor: anchor(id), tagged: tag.is_some() }
            }
            saphyr_parser::Event::SequenceStart(id, _) => Event::SequenceStart(anchor(id)),
            saphyr_parser::Event::MappingStart(id, _) => Event::MappingStart(anchor(id)),
            saphyr_parser::Event::SequenceEnd | saphyr_parser::Event::MappingEnd => Event::End,
            saphyr_parser::Event::Alias(id) => Event::Alias(id),
            saphyr_parser::Event::DocumentStart(_) => Event::DocumentStart,
            _ => continue,
        };
        let (start, end) = (offsets.byte(span.start.index()), offsets.byte(span.end.index()));
        placed.push(Placed { event, start, end, starts_at_header: false });
    }
    Ok(without_added_break(placed, text))
}

/// Every event as libyaml sees it. The port panics at a block scalar that ends without a line break, so that it always gets one.
pub(super) fn lenient(text: &str) -> Result<Vec<Placed>, SyntaxError> {
    use libyaml_safer::EventData;
    let ended = format!("{text}\n");
    let mut input = ended.as_bytes();
    let mut parser = libyaml_safer::Parser::new();
    parser.set_input_string(&mut input);
    let mut anchors = Anchors::default();
    let mut placed = Vec::new();
    for event in parser {
        let event = event.map_err(|error| syntax_error(&error, text))?;
        let data = match event.data {
            EventData::Scalar { anchor, tag, value, style, .. } => Event::Scalar {
                text: value,
                style: style_of(style),
                anchor: anchors.define(anchor),
                tagged: tag.is_some(),
            },
            EventData::SequenceStart { anchor, .. } => Event::SequenceStart(anchors.define(anchor)),
            EventData::MappingStart { anchor, .. } => Event::MappingStart(anchors.define(anchor)),
            EventData::SequenceEnd | EventData::MappingEnd => Event::End,
            EventData::Alias { anchor } => Event::Alias(anchors.of(&anchor)),
            EventData::DocumentStart { .. } => Event::DocumentStart,
            _ => continue,
        };
        let offset = |mark: libyaml_safer::Mark| usize::try_from(mark.index).unwrap_or(usize::MAX).min(text.len());
        let (start, end) = (offset(event.start_mark), offset(event.end_mark));
        placed.push(Placed { event: data, start, end, starts_at_header: true });
    }
    Ok(without_added_break(placed, text))
}

fn syntax_error(error: &libyaml_safer::Error, text: &str) -> SyntaxError {
    let offset = error.problem_mark().map_or(0, |mark| usize::try_from(mark.index).unwrap_or_default()).min(text.len());
    SyntaxError { message: "kubectl's YAML reader does not accept this".to_owned(), offset }
}

fn style_of(style: libyaml_safer::ScalarStyle) -> ScalarStyle {
    match style {
        libyaml_safer::ScalarStyle::SingleQuoted => ScalarStyle::SingleQuoted,
        libyaml_safer::ScalarStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
        libyaml_safer::ScalarStyle::Literal => ScalarStyle::Literal,
        libyaml_safer::ScalarStyle::Folded => ScalarStyle::Folded,
        _ => ScalarStyle::Plain,
    }
}

/// Names of anchors as numbers; a name may be defined again.
#[derive(Default)]
struct Anchors {
    numbers: BTreeMap<String, usize>,
    last: usize,
}

impl Anchors {
    fn define(&mut self, name: Option<String>) -> Anchor {
        let name = name?;
        self.last += 1;
        self.numbers.insert(name, self.last);
        Some(self.last)
    }

    /// 0, which no anchor has, for an alias of nothing.
    fn of(&self, name: &str) -> usize {
        self.numbers.get(name).copied().unwrap_or_default()
    }
}

/// Character indices as byte offsets.
struct Offsets(Option<Vec<usize>>);

impl Offsets {
    fn new(text: &str) -> Self {
        Self((!text.is_ascii()).then(|| text.char_indices().map(|(offset, _)| offset).chain([text.len()]).collect()))
    }

    fn byte(&self, index: usize) -> usize {
        self.0.as_ref().map_or(index, |offsets| offsets.get(index).or(offsets.last()).copied().unwrap_or(index))
    }
}
