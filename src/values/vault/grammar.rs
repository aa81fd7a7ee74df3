//! From the input's text to its lines.

use super::names;
use crate::error::{Problem, Text, text};

const SHAPE: &str = "write `PATH KEY | NAME ;`, such as `secret/data/app password | APP_PASSWORD ;`";

/// One line of the input: a path, what is taken from it, and the name it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where in Vault.
    pub place: Place,
    /// What of it.
    pub selector: Selector,
    /// The name for one key, the prefix of the names for many.
    pub name: Option<String>,
    /// Whether nothing there is fine.
    pub optional: bool,
    /// Whether the values are base64 of what is meant.
    pub base64: bool,
    /// Line of the input, from 1.
    pub line: usize,
}

/// A path with the version that is meant; the latest where there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// With its mount, without a slash at either end; with or without `data/`.
    pub path: String,
    /// A version of KV v2, from 1.
    pub version: Option<u64>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        self.version.map_or(Ok(()), |version| write!(f, "@{version}"))
    }
}

/// What is taken from a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// One key; unquoted, `a.b` may also be the member `b` of the object `a`.
    Key {
        /// Without quotes.
        text: String,
        /// Whether it was quoted.
        quoted: bool,
    },
    /// Every key: `*` gives names in capitals, `**` leaves them as they are.
    Keys {
        /// Whether the names are in capitals.
        capitals: bool,
    },
    /// Every key of every path below: `folder/**`.
    Folder,
}

impl Line {
    /// The one name that this line gives, if it is known without asking Vault.
    pub fn fixed_name(&self) -> Option<String> {
        match &self.selector {
            Selector::Key { text, .. } => Some(self.name.clone().unwrap_or_else(|| names::normalized(text, true))),
            _ => None,
        }
    }
}

/// Reads the input.
///
/// # Errors
/// Every line that is not understood, with its number.
pub fn parse(text: &str) -> Result<Vec<Line>, Vec<Problem>> {
    let tokens = tokens(text).map_err(|number| vec![wrong(number, "a quote is not closed", "close it: `\"a.b\"`")])?;
    let entries = tokens.split(|token| token.what == What::End).filter(|entry| !entry.is_empty());
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    for entry in entries {
        match line(entry) {
            Ok(line) => lines.push(line),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(lines) } else { Err(problems) }
}

fn wrong(number: usize, what: &str, help: impl Into<Text>) -> Problem {
    Problem::error("vault-secrets-syntax", text!("line {number} of `vault-secrets`: {what}")).help(help)
}

#[derive(Debug, PartialEq, Eq)]
struct Token {
    what: What,
    line: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Word(Word),
    /// `|`
    Bar,
    /// `;`
    End,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Word {
    text: String,
    quoted: bool,
}

/// Words, bars and ends; the number of the line where a quote stays open is an error.
fn tokens(text: &str) -> Result<Vec<Token>, usize> {
    let mut tokens = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote: Option<(char, usize)> = None;
    let mut line = 1;
    for c in text.chars().chain(['\n']) {
        match c {
            // JSONata, which vault-action reads, has backticks for what is not to be taken apart.
            '"' | '`' if quote.is_none_or(|(opening, _)| opening == c) => {
                quote = if quote.is_some() { None } else { Some((c, line)) };
                word.get_or_insert_default().quoted = true;
            }
            _ if quote.is_none() && (c.is_whitespace() || c == ';' || c == '|') => {
                tokens.extend(word.take().map(|word| Token { what: What::Word(word), line }));
                tokens.extend((c == '|').then_some(Token { what: What::Bar, line }));
                tokens.extend((c == ';').then_some(Token { what: What::End, line }));
            }
            _ => word.get_or_insert_default().text.push(c),
        }
        line += usize::from(c == '\n');
    }
    quote.map_or(Ok(tokens), |(_, line)| Err(line))
}

/// One entry; as in vault-action, its last bar counts.
fn line(entry: &[Token]) -> Result<Line, Problem> {
    let number = entry.first().map_or(1, |token| token.line);
    let bar = entry.iter().rposition(|token| token.what == What::Bar);
    let (left, right) = entry.split_at(bar.unwrap_or(entry.len()));
    let (mut left, mut right) = (words(left), words(right));
    let is_folder = left.first().is_some_and(|path| path.text.ends_with("/**"));
    let marks = match bar {
        Some(_) => marks(&mut right, 1),
        None => marks(&mut left, if is_folder { 1 } else { 2 }),
    };
    let name = match right.as_slice() {
        [] if bar.is_some() => return Err(wrong(number, "there is no name after `|`", SHAPE)),
        [] => None,
        [name] => Some(name.text.clone()),
        _ => return Err(wrong(number, "there is more than a name after `|`", missing_end(entry))),
    };
    let (place, selector) = match left.as_slice() {
        [path] => (path.text.strip_suffix("/**"), Selector::Folder),
        [path, key] => (Some(path.text.as_str()), selector(key)),
        [] => return Err(wrong(number, "there is no path", SHAPE)),
        _ => return Err(wrong(number, "there is more than a path and a key", missing_end(entry))),
    };
    let place = place.ok_or_else(|| wrong(number, "there is no key after the path", SHAPE))?;
    let place = place_of(place).map_err(|what| wrong(number, &what, SHAPE))?;
    if selector == Selector::Folder && place.version.is_some() {
        return Err(wrong(number, "a folder has no version", "leave `@…` out"));
    }
    Ok(Line { place, selector, name, optional: marks.optional, base64: marks.base64, line: number })
}

fn words(tokens: &[Token]) -> Vec<&Word> {
    tokens
        .iter()
        .filter_map(|token| match &token.what {
            What::Word(word) => Some(word),
            What::Bar | What::End => None,
        })
        .collect()
}

/// An entry that goes on in the next line has probably lost its end.
fn missing_end(entry: &[Token]) -> String {
    let first = entry.first().map_or(1, |token| token.line);
    match entry.iter().any(|token| token.line != first) {
        true => format!("end line {first} with `;`"),
        false => SHAPE.to_owned(),
    }
}

#[derive(Debug, Default)]
struct Marks {
    optional: bool,
    base64: bool,
}

/// Takes the marks from the end of `words`, of which the first `least` are something else.
fn marks(words: &mut Vec<&Word>, least: usize) -> Marks {
    let mut marks = Marks::default();
    while let Some(last) = words.last().filter(|_| words.len() > least) {
        match last.text.as_str() {
            "optional" => marks.optional = true,
            "base64" => marks.base64 = true,
            _ => break,
        }
        words.pop();
    }
    marks
}

fn selector(key: &Word) -> Selector {
    match key.text.as_str() {
        "*" if !key.quoted => Selector::Keys { capitals: true },
        "**" if !key.quoted => Selector::Keys { capitals: false },
        text => Selector::Key { text: text.to_owned(), quoted: key.quoted },
    }
}

/// Refused are paths that Vault, a proxy or the client would read as another one.
fn place_of(text: &str) -> Result<Place, String> {
    let text = text.strip_prefix('/').unwrap_or(text);
    let versioned = text.rsplit_once('@').and_then(|(path, version)| Some((path, version.parse().ok()?)));
    let (path, version) = versioned.map_or((text, None), |(path, version)| (path, Some(version)));
    let odd = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
    if path.split('/').any(odd) || path.chars().any(char::is_control) {
        return Err(format!("`{path}` is no path: a segment is empty, `.` or `..`"));
    }
    if !path.contains('/') {
        return Err(format!("`{path}` is a mount without a path"));
    }
    if version == Some(0) {
        return Err("versions count from 1".to_owned());
    }
    Ok(Place { path: path.to_owned(), version })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, Option<String>)> {
        let lines = parse(text).expect("lines");
        lines.iter().map(|line| (line.place.to_string(), line.fixed_name())).collect()
    }

    fn errors(text: &str) -> Vec<String> {
        let shown = |problem: Problem| format!("{} — {}", problem.message, problem.help.unwrap_or_default());
        parse(text).expect_err("errors").into_iter().map(shown).collect()
    }

    #[test]
    fn a_block_of_vault_action_means_the_same() {
        let text = "
            secret/data/keybuzz/stripe secret_key | STRIPE_SECRET_KEY ;
            /secret/data/ci npmToken;secret/data/ci \"other-Secret-dash\" ;
        ";
        let expected = [
            ("secret/data/keybuzz/stripe", "STRIPE_SECRET_KEY"),
            ("secret/data/ci", "NPMTOKEN"),
            ("secret/data/ci", "OTHERSECRETDASH"),
        ];
        let expected = expected.map(|(path, name)| (path.to_owned(), Some(name.to_owned())));
        assert_eq!(names(text), expected);
        assert_eq!(names("  ;; \n ; "), []);
    }

    #[test]
    fn wildcards_folders_versions_and_marks() {
        let text = "kv/a * | P_ ; kv/a ** ; kv/team/** | T_ optional; kv/all/** optional; kv/a@3 \"a.b\" | X base64 optional; kv/a optional; kv/a k base64";
        let lines = parse(text).expect("lines");
        let seen: Vec<_> =
            lines.iter().map(|line| (&line.selector, line.place.version, line.optional, line.base64)).collect();
        let key = |text: &str, quoted| Selector::Key { text: text.to_owned(), quoted };
        assert_eq!(
            seen,
            [
                (&Selector::Keys { capitals: true }, None, false, false),
                (&Selector::Keys { capitals: false }, None, false, false),
                (&Selector::Folder, None, true, false),
                (&Selector::Folder, None, true, false),
                (&key("a.b", true), Some(3), true, true),
                (&key("optional", false), None, false, false),
                (&key("k", false), None, false, true),
            ]
        );
    }

    #[test]
    fn every_wrong_line_is_told_with_its_number_and_remedy() {
        let text = "secret/a\nsecret/b ok ;\nsecret/c k | A\nsecret/d k | B ;\nsecret/../sys x ; | N ;\nsecret/e k | ; secret k;";
        assert_eq!(
            errors(text),
            [
                "line 1 of `vault-secrets`: there is more than a path and a key — end line 1 with `;`".to_owned(),
                "line 3 of `vault-secrets`: there is more than a path and a key — end line 3 with `;`".to_owned(),
                format!(
                    "line 5 of `vault-secrets`: `secret/../sys` is no path: a segment is empty, `.` or `..` — {SHAPE}"
                ),
                format!("line 5 of `vault-secrets`: there is no path — {SHAPE}"),
                format!("line 6 of `vault-secrets`: there is no name after `|` — {SHAPE}"),
                format!("line 6 of `vault-secrets`: `secret` is a mount without a path — {SHAPE}"),
            ]
        );
        assert_eq!(errors("secret/a \"k"), ["line 1 of `vault-secrets`: a quote is not closed — close it: `\"a.b\"`"]);
    }
}
