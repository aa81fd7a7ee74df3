//! The placeholder language inside one scalar: what is ours to fill, what is escaped, what stays.

use std::ops::Range;

/// A piece of a scalar's text, in order; together they cover it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Text that stays as it is.
    Literal(String),
    /// `$${`: a literal `${`.
    Escaped,
    /// Something to fill.
    Placeholder(Placeholder),
}

/// `${NAME}` with what may follow the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placeholder {
    /// The name of the value.
    pub(crate) name: String,
    /// What happens when there is no value, or how it is encoded.
    pub(crate) rule: Rule,
    /// Bytes of the scalar's text that it takes, braces included.
    pub(crate) range: Range<usize>,
    /// The placeholder as it was written.
    pub(crate) source: String,
}

/// What follows a placeholder's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    /// `${NAME}`: the value must be there.
    Required,
    /// `${NAME:-default}` and `${NAME:=default}`: when unset or empty.
    DefaultIfEmpty(Vec<Segment>),
    /// `${NAME-default}`: when unset.
    DefaultIfUnset(Vec<Segment>),
    /// `${NAME:?message}`: must be there, with the author's own words when it is not.
    RequiredBecause(String),
    /// `${NAME@json}` and its like.
    Encoded(Encoding),
}

/// How a value is written for the place it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// A JSON string; its quotes are added unless the placeholder stands between quotes.
    Json,
    /// Percent-encoded but for letters, digits and `-._~` (RFC 3986).
    Uri,
    /// Standard base64 with padding.
    Base64,
}

/// A scalar's text taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parsed {
    pub(crate) segments: Vec<Segment>,
    /// Forms that envsubst leaves alone too, such as `${x%y}` or `$(…)`: how many.
    pub(crate) foreign: usize,
    /// `${NAME@word}` with a word that is no encoding: as written.
    pub(crate) unknown_encodings: Vec<String>,
    /// `$NAME` without braces: names and byte offsets.
    pub(crate) bare: Vec<(String, usize)>,
}

impl Parsed {
    /// The placeholder, where the text is nothing but one.
    pub(crate) fn whole(&self) -> Option<&Placeholder> {
        match self.segments.as_slice() {
            [Segment::Placeholder(placeholder)] => Some(placeholder),
            _ => None,
        }
    }

    /// Where the text is one placeholder with a quoted default, as in `key: ${NAME:=""}`: the same without the quotes, which are YAML's.
    pub(crate) fn with_unquoted_default(&self) -> Option<Self> {
        let mut placeholder = self.whole()?.clone();
        let (Rule::DefaultIfEmpty(default) | Rule::DefaultIfUnset(default)) = &mut placeholder.rule else {
            return None;
        };
        let Some(Segment::Literal(first)) = default.first_mut() else { return None };
        let quote = first.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        first.remove(0);
        let Some(Segment::Literal(last)) = default.last_mut() else { return None };
        (last.pop()? == quote).then(|| Self { segments: vec![Segment::Placeholder(placeholder)], ..Self::default() })
    }

    /// Every placeholder, those inside defaults included.
    pub(crate) fn placeholders(&self) -> Vec<&Placeholder> {
        let mut found = Vec::new();
        collect(&self.segments, &mut found);
        found
    }
}

fn collect<'a>(segments: &'a [Segment], found: &mut Vec<&'a Placeholder>) {
    for segment in segments {
        if let Segment::Placeholder(placeholder) = segment {
            found.push(placeholder);
            if let Rule::DefaultIfEmpty(inner) | Rule::DefaultIfUnset(inner) = &placeholder.rule {
                collect(inner, found);
            }
        }
    }
}

/// Takes `text` apart. There is no failure: what is not ours stays.
pub(crate) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    if text.contains('$') {
        Scanner { text, base: 0, parsed: &mut parsed }.scan();
    } else if !text.is_empty() {
        parsed.segments.push(Segment::Literal(text.to_owned()));
    }
    parsed
}

struct Scanner<'a> {
    text: &'a str,
    /// Offset of `text` in the scalar.
    base: usize,
    parsed: &'a mut Parsed,
}

impl Scanner<'_> {
    fn scan(&mut self) {
        let mut literal = 0;
        let mut at = 0;
        while let Some(found) = self.text.get(at..).and_then(|rest| rest.find('$')) {
            let dollar = at + found;
            let rest = self.text.get(dollar..).unwrap_or_default();
            if rest.starts_with("$${") {
                self.literal(literal..dollar);
                self.parsed.segments.push(Segment::Escaped);
                at = dollar + 3;
                literal = at;
            } else if let Some(placeholder) = self.placeholder(rest, dollar) {
                self.literal(literal..dollar);
                at = placeholder.range.end - self.base;
                literal = at;
                self.parsed.segments.push(Segment::Placeholder(placeholder));
            } else {
                at = dollar + self.foreign(rest, dollar);
            }
        }
        self.literal(literal..self.text.len());
    }

    fn literal(&mut self, range: Range<usize>) {
        if let Some(text) = self.text.get(range).filter(|text| !text.is_empty()) {
            self.parsed.segments.push(Segment::Literal(text.to_owned()));
        }
    }

    /// Notes what is not ours at a `$`, and returns how many bytes to step over.
    fn foreign(&mut self, rest: &str, dollar: usize) -> usize {
        let after = &rest[1..];
        if let Some(unknown) = unknown_encoding(rest) {
            self.parsed.unknown_encodings.push(unknown.to_owned());
        }
        if after.starts_with(['{', '(']) {
            self.parsed.foreign += 1;
            return 2;
        }
        let name = name_of(after);
        if !name.is_empty() {
            self.parsed.bare.push((name.to_owned(), self.base + dollar));
        }
        1 + name.len()
    }

    /// The placeholder at the start of `rest`, if what stands there is ours.
    fn placeholder(&mut self, rest: &str, dollar: usize) -> Option<Placeholder> {
        let inner = rest.strip_prefix("${")?;
        let name = name_of(inner);
        if name.is_empty() {
            return None;
        }
        let tail = inner.get(name.len()..)?;
        let (operator, close) = Operator::at(tail)?;
        let body = tail.get(operator.len()..close)?;
        let body_offset = self.base + dollar + 2 + name.len() + operator.len();
        let length = 2 + name.len() + close + 1;
        let rule = match operator {
            Operator::None => Rule::Required,
            Operator::Encoded(encoding) => Rule::Encoded(encoding),
            Operator::IfEmpty => Rule::DefaultIfEmpty(self.default(body, body_offset)),
            Operator::IfUnset => Rule::DefaultIfUnset(self.default(body, body_offset)),
            Operator::Because => Rule::RequiredBecause(body.to_owned()),
        };
        let start = self.base + dollar;
        let source = rest.get(..length)?.to_owned();
        Some(Placeholder { name: name.to_owned(), rule, range: start..start + length, source })
    }

    fn default(&mut self, body: &str, offset: usize) -> Vec<Segment> {
        let mut inner = Parsed::default();
        Scanner { text: body, base: offset, parsed: &mut inner }.scan();
        self.parsed.foreign += inner.foreign;
        self.parsed.bare.append(&mut inner.bare);
        inner.segments
    }
}

#[derive(Clone, Copy)]
enum Operator {
    None,
    IfEmpty,
    IfUnset,
    Because,
    Encoded(Encoding),
}

impl Operator {
    /// The operator at the start of `tail` (the text after the name) and the offset of the closing brace.
    fn at(tail: &str) -> Option<(Self, usize)> {
        let fixed = [
            ("}", Self::None),
            ("@json}", Self::Encoded(Encoding::Json)),
            ("@uri}", Self::Encoded(Encoding::Uri)),
            ("@base64}", Self::Encoded(Encoding::Base64)),
        ];
        if let Some((text, operator)) = fixed.into_iter().find(|(text, _)| tail.starts_with(text)) {
            return Some((operator, text.len() - 1));
        }
        let open = [(":-", Self::IfEmpty), (":=", Self::IfEmpty), (":?", Self::Because), ("-", Self::IfUnset)];
        let (text, operator) = open.into_iter().find(|(text, _)| tail.starts_with(text))?;
        closing_brace(tail.get(text.len()..)?).map(|close| (operator, text.len() + close))
    }

    fn len(self) -> usize {
        match self {
            Self::None => 0,
            Self::IfUnset => 1,
            Self::IfEmpty | Self::Because => 2,
            Self::Encoded(Encoding::Json) => 5,
            Self::Encoded(Encoding::Uri) => 4,
            Self::Encoded(Encoding::Base64) => 7,
        }
    }
}

/// `${NAME@word}` at the start of `rest`, unless it is one of the shell's own, such as `${NAME@Q}`.
fn unknown_encoding(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix("${")?;
    let name = name_of(inner);
    let word = inner.get(name.len()..)?.strip_prefix('@')?;
    let word = word.get(..word.find('}')?)?;
    let is_shell = matches!(word, "U" | "u" | "L" | "Q" | "E" | "P" | "A" | "K" | "a" | "k");
    let is_word = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '@');
    (!name.is_empty() && is_word && !is_shell).then(|| rest.get(..name.len() + word.len() + 4)).flatten()
}

/// The offset of the brace that closes a default. Braces inside it pair up, so that `${A:-{}}` has the default `{}`;
/// where they do not, the first closing brace counts, as in a shell.
fn closing_brace(body: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, character) in body.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(offset),
            '}' => depth -= 1,
            _ => {}
        }
    }
    body.find('}')
}

/// The longest name at the start of `text`: letters, digits and `_`, not starting with a digit.
fn name_of(text: &str) -> &str {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return "";
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        parse(text).placeholders().into_iter().map(|placeholder| placeholder.name.clone()).collect()
    }

    fn is_literal(parsed: &Parsed) -> bool {
        parsed.segments.iter().all(|segment| matches!(segment, Segment::Literal(_)))
    }

    fn rule(text: &str) -> Rule {
        parse(text).whole().expect("one placeholder").rule.clone()
    }

    #[test]
    fn a_name_in_braces_is_a_placeholder() {
        assert_eq!(names("a ${A}${b_2} ${_C}"), ["A", "b_2", "_C"]);
        assert_eq!(parse("x${A}").placeholders()[0].range, 1..5);
    }

    #[test]
    fn defaults_may_hold_placeholders_and_paired_braces() {
        assert_eq!(names("${A:-x${B-y${C}}z}"), ["A", "B", "C"]);
        assert_eq!(rule("${A:-{}}"), Rule::DefaultIfEmpty(vec![Segment::Literal("{}".into())]));
        assert_eq!(rule("${A:=}"), Rule::DefaultIfEmpty(vec![]));
        assert_eq!(parse("${A:-{}").segments.len(), 1);
        assert_eq!(rule("${A:?say why}"), Rule::RequiredBecause("say why".into()));
        assert_eq!(rule("${A@json}"), Rule::Encoded(Encoding::Json));
    }

    #[test]
    fn an_escaped_placeholder_is_text() {
        let parsed = parse("$${A} ${B}");
        assert_eq!(parsed.segments[0], Segment::Escaped);
        assert_eq!(parsed.segments[1], Segment::Literal("A} ".into()));
        assert_eq!(names("$${A} ${B}"), ["B"]);
    }

    #[test]
    fn what_envsubst_leaves_alone_stays() {
        for text in [
            "${1}",
            "${x%y}",
            "${#x}",
            "${a.b}",
            "${x:9200}",
            "$(x)",
            "${",
            "${A",
            "${A:-x",
            "${A@Q}",
            "${A:+x}",
            "${A^^}",
        ] {
            let parsed = parse(text);
            assert!(is_literal(&parsed), "{text}");
            assert_eq!(parsed.foreign, 1, "{text}");
        }
        assert_eq!(names("${x%${Y}}"), ["Y"]);
    }

    #[test]
    fn bare_names_are_noted_with_their_offsets() {
        let parsed = parse("$A $$B $1 $? a$ $é");
        assert_eq!(parsed.bare, [("A".to_owned(), 0), ("B".to_owned(), 4)]);
        assert!(is_literal(&parsed));
    }

    #[test]
    fn segments_cover_the_text() {
        for text in ["", "a", "é${A}ü", "${A:-${B}}", "$", "$$", "$$$${A}", "a${b.c}${D}e"] {
            let covered: String = parse(text)
                .segments
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(text) => text.clone(),
                    Segment::Escaped => "$${".to_owned(),
                    Segment::Placeholder(placeholder) => placeholder.source.clone(),
                })
                .collect();
            assert_eq!(covered, text);
        }
    }
}
