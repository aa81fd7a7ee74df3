//! One scalar's text with its placeholders filled, and what was noticed on the way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::document::NodeId;
use super::placeholder::{Encoding, Parsed, Placeholder, Rule, Segment};
use super::role::Role;
use super::shape::{Token, number_word, word};
use crate::values::Values;

/// What `@uri` escapes: all but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Which names stay, and which may be empty.
#[derive(Debug, Clone, Default)]
pub struct FillRules {
    /// Names and globs (`*`, `?`) of placeholders that stay as they are.
    pub keep: Vec<String>,
    /// Names whose value may be empty.
    pub allow_empty: Vec<String>,
}

impl FillRules {
    /// Whether `name` is somebody else's placeholder.
    pub(crate) fn keeps(&self, name: &str) -> bool {
        self.keep.iter().any(|pattern| matches_glob(pattern.as_bytes(), name.as_bytes()))
    }
}

/// `*` is any text, `?` any character.
fn matches_glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => matches_glob(rest, text),
        (Some((b'*', rest)), Some((_, tail))) => matches_glob(rest, text) || matches_glob(pattern, tail),
        (Some((b'?', rest)), Some((_, tail))) => matches_glob(rest, tail),
        (Some((a, rest)), Some((b, tail))) if a == b => matches_glob(rest, tail),
        _ => false,
    }
}

/// A value that a placeholder lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lack {
    /// No source has the name.
    Unset,
    /// The value is empty.
    Empty,
    /// The template's author says why it must be there.
    Because(String),
}

/// A filled text.
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    pub(crate) text: Zeroizing<String>,
    /// The text with a harmless word for each placeholder of the outermost level.
    pub(crate) shape: String,
    pub(crate) tokens: Vec<Token>,
    /// Each placeholder's source with what was put in its place, `$${` included.
    pub(crate) replaced: Vec<(String, String)>,
    /// Names whose values were put in.
    pub(crate) names: Vec<String>,
    /// Names for which a default of the template was put in.
    pub(crate) defaulted: Vec<String>,
    /// Names of which a stand-in was put in.
    pub(crate) unknown: Vec<String>,
    pub(crate) sensitive: bool,
    pub(crate) lacking: Vec<(String, Lack)>,
    /// Anything but literal text was there to fill.
    pub(crate) touched: bool,
}

/// A scalar with its filled text.
pub(super) struct FilledScalar {
    pub(super) node: NodeId,
    /// It is one placeholder and nothing else.
    pub(super) whole: bool,
    pub(super) expansion: Expansion,
    /// How objects see it: in one way, or in several through aliases.
    pub(super) roles: Vec<Role>,
}

/// Fills `parsed`.
pub(crate) fn expand(parsed: &Parsed, values: &Values, rules: &FillRules) -> Expansion {
    let mut expander = Expander { values, rules, expansion: Expansion::default(), in_quotes: false };
    expander.segments(&parsed.segments, true);
    expander.expansion
}

struct Expander<'a> {
    values: &'a Values,
    rules: &'a FillRules,
    expansion: Expansion,
    /// Whether the text so far has an open double quote on its last line; values do not count.
    in_quotes: bool,
}

impl Expander<'_> {
    fn segments(&mut self, segments: &[Segment], outermost: bool) {
        for segment in segments {
            match segment {
                Segment::Literal(text) => self.literal(text, outermost),
                Segment::Escaped => {
                    self.expansion.touched = true;
                    self.literal("${", outermost);
                    self.expansion.replaced.push(("$${".to_owned(), "${".to_owned()));
                }
                Segment::Placeholder(placeholder) if self.rules.keeps(&placeholder.name) => {
                    self.literal(&placeholder.source, outermost);
                }
                Segment::Placeholder(placeholder) => self.placeholder(placeholder, outermost),
            }
        }
    }

    fn literal(&mut self, text: &str, outermost: bool) {
        self.expansion.text.push_str(text);
        if outermost {
            self.expansion.shape.push_str(text);
        }
        let mut escaped = false;
        for character in text.chars() {
            match character {
                '\n' => self.in_quotes = false,
                '"' if !escaped => self.in_quotes = !self.in_quotes,
                _ => {}
            }
            escaped = character == '\\' && !escaped;
        }
    }

    fn placeholder(&mut self, placeholder: &Placeholder, outermost: bool) {
        self.expansion.touched = true;
        if let Some(default) = self.default_of(placeholder) {
            self.expansion.defaulted.push(placeholder.name.clone());
            let start = self.expansion.text.len();
            let replaced = self.expansion.replaced.len();
            // A default is the author's own text, which counts as literal; placeholders inside it do not.
            self.segments(default, outermost);
            if outermost {
                self.expansion.replaced.truncate(replaced);
                let put = self.expansion.text.get(start..).unwrap_or_default().to_owned();
                self.expansion.replaced.push((placeholder.source.clone(), put));
            }
            return;
        }
        let start = self.expansion.text.len();
        let before = self.in_quotes;
        let raw = self.put(placeholder);
        self.in_quotes = before;
        let put = self.expansion.text.get(start..).unwrap_or_default().to_owned();
        if outermost {
            let index = self.expansion.tokens.len();
            let adds_quotes = placeholder.rule == Rule::Encoded(Encoding::Json) && !before;
            let word = if before || adds_quotes { word(index) } else { self.bare_word(index) };
            let shape = if adds_quotes { format!("\"{word}\"") } else { word.clone() };
            let at = self.expansion.shape.len() + usize::from(adds_quotes);
            self.expansion.shape.push_str(&shape);
            let value = raw.unwrap_or_else(|| put.clone());
            self.expansion.tokens.push(Token { name: placeholder.name.clone(), word, at, value });
            self.expansion.replaced.push((placeholder.source.clone(), put));
        }
    }

    /// The default, where it is to be used.
    fn default_of<'p>(&self, placeholder: &'p Placeholder) -> Option<&'p [Segment]> {
        if self.values.has_no_default(&placeholder.name) {
            return None;
        }
        let text = self.values.get(&placeholder.name).map(|value| value.text.expose());
        match (&placeholder.rule, text) {
            (Rule::DefaultIfEmpty(default), None | Some("")) | (Rule::DefaultIfUnset(default), None) => Some(default),
            _ => None,
        }
    }

    /// In JSON only a number can stand outside quotes.
    fn bare_word(&self, index: usize) -> String {
        if self.expansion.shape.trim_start().starts_with(['{', '[']) { number_word(index) } else { word(index) }
    }

    /// Puts the value in; returns what a reader of the string must see there, where that is not what was put in.
    fn put(&mut self, placeholder: &Placeholder) -> Option<String> {
        let name = &placeholder.name;
        let value = self.values.get(name);
        let text = value.map(|value| value.text.expose());
        let may_be_empty =
            self.rules.allow_empty.contains(name) && !matches!(placeholder.rule, Rule::RequiredBecause(_));
        let lacks = text.is_none_or(|text| text.is_empty() && !may_be_empty);
        if let Some(number) = self.values.stand_in(name).filter(|_| lacks) {
            self.expansion.names.push(name.clone());
            self.expansion.unknown.push(name.clone());
            return self.put_value(&placeholder.rule, number.expose());
        }
        match (&placeholder.rule, text) {
            (Rule::RequiredBecause(why), None | Some("")) => self.lack(name, Lack::Because(why.clone())),
            (_, None) => self.lack(name, Lack::Unset),
            (_, Some("")) if !self.rules.allow_empty.contains(name) => self.lack(name, Lack::Empty),
            (rule, Some(text)) => {
                self.expansion.names.push(name.clone());
                self.expansion.sensitive |= value.is_some_and(|value| value.sensitive);
                return self.put_value(rule, text);
            }
        }
        None
    }

    fn put_value(&mut self, rule: &Rule, text: &str) -> Option<String> {
        let out = &mut self.expansion.text;
        match rule {
            Rule::Encoded(Encoding::Json) => {
                let json = serde_json::Value::String(text.to_owned()).to_string();
                let unquoted = json.get(1..json.len() - 1).unwrap_or_default();
                out.push_str(if self.in_quotes { unquoted } else { &json });
                Some(text.to_owned())
            }
            Rule::Encoded(Encoding::Uri) => {
                out.extend(utf8_percent_encode(text, RESERVED));
                None
            }
            Rule::Encoded(Encoding::Base64) => {
                STANDARD.encode_string(text, out);
                None
            }
            _ => {
                out.push_str(text);
                None
            }
        }
    }

    fn lack(&mut self, name: &str, lack: Lack) {
        self.expansion.lacking.push((name.to_owned(), lack));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::placeholder::parse;
    use super::*;
    use crate::values::{Rules, Sources, collect};

    fn filled(text: &str) -> (String, Vec<(String, Lack)>) {
        let environment = [("A", "a\"b"), ("E", ""), ("X", "${A}")].map(|(k, v)| (k.to_owned(), v.into())).into();
        let asked: BTreeSet<String> = ["A", "E", "X", "N"].map(str::to_owned).into();
        let sources = Sources { environment, ..Sources::default() };
        let values = collect(&asked, &BTreeSet::new(), &sources, &Rules::default()).expect("values");
        let rules = FillRules { keep: vec!["KEEP_*".to_owned()], allow_empty: vec![] };
        let expansion = expand(&parse(text), &values, &rules);
        (expansion.text.to_string(), expansion.lacking)
    }

    #[test]
    fn values_defaults_and_escapes_are_put_in_once() {
        for (text, expected) in [
            ("x ${A}!", "x a\"b!"),
            ("${X}", "${A}"),
            ("${N:-d ${A}}", "d a\"b"),
            ("${E:-d}${E:=f}", "df"),
            ("${N-d}", "d"),
            ("$${A}", "${A}"),
            ("${KEEP_X} ${KEEP_Y:-z}", "${KEEP_X} ${KEEP_Y:-z}"),
            ("{\"k\":\"${A@json}\", \"l\": ${A@json}}", "{\"k\":\"a\\\"b\", \"l\": \"a\\\"b\"}"),
            ("${A@uri} ${A@base64}", "a%22b YSJi"),
        ] {
            assert_eq!(filled(text), (expected.to_owned(), vec![]), "{text}");
        }
    }

    #[test]
    fn what_lacks_is_told_apart() {
        assert_eq!(filled("${N}").1, [("N".to_owned(), Lack::Unset)]);
        assert_eq!(filled("${E}${E-x}").1, [("E".to_owned(), Lack::Empty), ("E".to_owned(), Lack::Empty)]);
        assert_eq!(filled("${E:?why}").1, [("E".to_owned(), Lack::Because("why".to_owned()))]);
    }

    #[test]
    fn globs_match_whole_names() {
        assert!(matches_glob(b"DS_*", b"DS_PROMETHEUS") && matches_glob(b"A?", b"AB") && matches_glob(b"*", b"x"));
        assert!(!matches_glob(b"DS_*", b"XDS_") && !matches_glob(b"A?", b"A"));
    }
}
