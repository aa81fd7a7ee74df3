//! One line as a workflow command: `##[name k=v;…]data` (v1) or `::name k=v,…::data` (v2).

use crate::registered::{Registered, upper};

/// Escapes of v1 in the order in which they are undone: `%25` last, so that `%250A` is the text `%0A`.
const ESCAPES_V1: [(&str, &str); 5] = [("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%")];
const ESCAPES_DATA: [(&str, &str); 3] = [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")];
const ESCAPES_PROPERTY: [(&str, &str); 5] = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];

/// A command as the runner read it, escapes undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// As it was written; case does not matter.
    pub name: String,
    /// The pairs of the header.
    pub properties: Properties,
    /// What follows the header, not trimmed.
    pub data: String,
}

/// Pairs in their order; names without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(Vec<(String, String)>);

impl Properties {
    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let name = upper(name);
        self.0.iter().find(|(known, _)| upper(known) == name).map(|(_, value)| value.as_str())
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let folded = upper(name);
        match self.0.iter_mut().find(|(known, _)| upper(known) == folded) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((name.to_owned(), value.into())),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let name = upper(name);
        self.0.retain(|(known, _)| upper(known) != name);
    }

    /// Pairs without a name or a value are dropped, and every `=` between name and value.
    fn read(text: &str, separator: char, escapes: &[(&str, &str)]) -> Self {
        let mut properties = Self::default();
        for pair in text.split(separator) {
            let Some((name, value)) = pair.trim_start_matches('=').split_once('=') else { continue };
            let value = value.trim_start_matches('=');
            if !value.is_empty() {
                properties.set(name, unescape(value, escapes));
            }
        }
        properties
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Properties {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(pairs: T) -> Self {
        let mut properties = Self::default();
        for (name, value) in pairs {
            properties.set(name, value);
        }
        properties
    }
}

/// `line` as a command of either kind, v2 first; `None` is plain text.
pub fn parse(line: &str, registered: &Registered) -> Option<Command> {
    parse_v2(line, registered).or_else(|| parse_v1(line, registered))
}

/// `##[name k=v;…]data`, anywhere in the line, but only the first `##[` counts.
pub fn parse_v1(line: &str, registered: &Registered) -> Option<Command> {
    let (_, rest) = split_at_mark(line, "##[")?;
    let (header, data) = rest.split_once(']')?;
    read(header, data, registered, |text| Properties::read(text, ';', &ESCAPES_V1), &ESCAPES_V1)
}

/// `::name k=v,…::data`, at the start of the line or after blanks of any kind. The header ends at the next `::` that no
/// combining character follows: data that starts with one makes the line plain text, so a mask is **shown**.
pub fn parse_v2(line: &str, registered: &Registered) -> Option<Command> {
    let header = line.trim_start().strip_prefix("::")?;
    let (header, data) = split_at_mark(header, "::")?;
    read(header, data, registered, |text| Properties::read(text.trim(), ',', &ESCAPES_PROPERTY), &ESCAPES_DATA)
}

fn read(
    header: &str,
    data: &str,
    registered: &Registered,
    properties: impl FnOnce(&str) -> Properties,
    escapes: &[(&str, &str)],
) -> Option<Command> {
    let (name, rest) = header.split_once(' ').unwrap_or((header, ""));
    registered.contains(name).then(|| Command {
        name: name.to_owned(),
        // Without a name, which a registered empty token makes possible, there are no properties.
        properties: if name.is_empty() { Properties::default() } else { properties(rest) },
        data: unescape(data, escapes),
    })
}

/// The runner seeks with ICU's collation, for which a mark with a combining character after it is another text.
fn split_at_mark<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let mut splits = text.match_indices(mark).map(|(at, _)| (&text[..at], &text[at + mark.len()..]));
    splits.find(|(_, after)| !after.starts_with(is_combining))
}

/// The blocks that hold nothing but such characters; those of single scripts are left out.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

fn unescape(text: &str, escapes: &[(&str, &str)]) -> String {
    escapes.iter().fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(line: &str) -> Option<String> {
        parse(line, &Registered::default()).map(|command| command.data)
    }

    fn properties(line: &str) -> Vec<(String, String)> {
        let command = parse(line, &Registered::default()).unwrap();
        command.properties.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn blanks_of_any_kind_may_stand_before_v2_and_nothing_else() {
        for blanks in ["", " \t", "\u{a0}", "\u{2003}\u{85}\u{3000}\u{2028}"] {
            assert_eq!(data(&format!("{blanks}::debug::x")).as_deref(), Some("x"), "{blanks:?}");
        }
        for text in ["| ", "\u{feff}", "\u{200b}", "\u{1b}[31m", ":"] {
            assert_eq!(data(&format!("{text}::debug::x")), None, "{text:?}");
            assert_eq!(data(&format!("{text}##[debug]x")).as_deref(), Some("x"), "{text:?}");
        }
    }

    #[test]
    fn the_header_ends_at_the_first_end() {
        assert_eq!(data("::debug::a::b").as_deref(), Some("a::b"));
        assert_eq!(data("::debug:::a").as_deref(), Some(":a"));
        assert_eq!(data("::debug a=b::c::d").as_deref(), Some("c::d"));
        assert_eq!(data("##[debug]a]b").as_deref(), Some("a]b"));
        assert_eq!(data("::debug:: a ").as_deref(), Some(" a "));
    }

    #[test]
    fn data_that_starts_with_a_combining_character_is_plain_text() {
        assert_eq!(data("::add-mask::\u{301}hunter2"), None);
        assert_eq!(data("##[add-mask]\u{301}hunter2").as_deref(), Some("\u{301}hunter2"), "v1 seeks `]` as it is");
        assert_eq!(data("::add-mask::e\u{301}").as_deref(), Some("e\u{301}"));
    }

    #[test]
    fn only_the_first_mark_of_v1_counts() {
        assert_eq!(data("##[other]##[debug]x"), None);
        assert_eq!(data("::other::##[debug]x").as_deref(), Some("x"));
    }

    #[test]
    fn names_are_known_in_any_case_and_else_are_text() {
        assert!(data("::DeBug::x").is_some() && data("##[ERROR]x").is_some());
        for text in
            ["::debugs::x", ":: debug::x", "::debug", "::debug:x", "::::x", "##[]x", "##[debug", "std::fs::read"]
        {
            assert_eq!(data(text), None, "{text:?}");
        }
    }

    #[test]
    fn percent_is_unescaped_last() {
        assert_eq!(data("::debug::%250A%25%0a%0A").as_deref(), Some("%0A%%0a\n"));
        assert_eq!(properties("::error file=%253A%3A%2C::"), [("file".to_owned(), "%3A:,".to_owned())]);
    }

    #[test]
    fn properties_without_name_or_value_are_dropped_and_the_last_of_a_name_counts() {
        assert_eq!(properties("::error title=,=x,,b::"), []);
        assert_eq!(properties("::error  a==b=c , a=d::"), [("a".into(), "b=c ".into()), (" a".into(), "d".into())]);
        assert_eq!(properties("::error A=1,b=2,a=3::"), [("A".into(), "3".into()), ("b".into(), "2".into())]);
    }
}
