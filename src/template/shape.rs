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

/// A number in place of a placeholder that stands outside quotes.
pub(super) fn number_word(index: usize) -> String {
    format!("77125390{index:07}")
}

/// A word in place of a placeholder.
pub(super) fn word(index: usize) -> String {
    format!("qzx{index:06}xzq")
}
