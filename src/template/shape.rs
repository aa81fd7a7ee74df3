//! A filled string beside itself filled with harmless words: what a value must not change.

/// A filled string beside the same string filled with harmless words.
pub(super) struct Shape<'a> {
    /// The string with a unique word in place of each placeholder.
    pub(super) text: &'a str,
    /// The string with the values.
    pub(super) filled: &'a str,
    pub(super) tokens: &'a [Token],
    /// The mapping key that holds the string, where it is a block scalar.
    pub(super) block_key: Option<&'a str>,
}

/// A word in place of a placeholder.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) name: String,
    pub(super) word: String,
    /// Where the word stands in the shape's text.
    pub(super) at: usize,
    pub(super) value: String,
}

/// What would be broken, and by which placeholder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) what: &'static str,
    pub(super) remedy: &'static str,
    /// The placeholder's name, where one is to blame for certain.
    pub(super) name: Option<String>,
}

const NUMBER: &str = "77125390";
const WORD: &str = "qzx";
const DIGITS: usize = 8;

/// A number in place of a placeholder that stands outside quotes.
pub(super) fn number_word(index: usize) -> String {
    format!("{NUMBER}{index:0DIGITS$}")
}

/// A word in place of a placeholder.
pub(super) fn word(index: usize) -> String {
    format!("{WORD}{index:0DIGITS$}xzq")
}

/// The first of the words in `text`: where it stands, and its token.
pub(super) fn first_token<'a>(text: &str, tokens: &'a [Token]) -> Option<(usize, &'a Token)> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let number = rest.find(NUMBER).map(|at| (at, NUMBER));
        let word = rest.find(WORD).map(|at| (at, WORD));
        let (at, prefix) = [number, word].into_iter().flatten().min()?;
        let start = from + at;
        let digits = text.get(start + prefix.len()..start + prefix.len() + DIGITS);
        let token = digits.and_then(|digits| tokens.get(digits.parse::<usize>().ok()?));
        match token.filter(|token| text.get(start..).is_some_and(|rest| rest.starts_with(&token.word))) {
            Some(token) => return Some((start, token)),
            None => from = start + prefix.len(),
        }
    }
}
