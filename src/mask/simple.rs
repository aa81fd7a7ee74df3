//! What is not worth hiding, because it stands in every log.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Fewer characters than this are not hidden: the log would be unreadable and nothing is gained.
pub(super) const SHORTEST: usize = 4;

/// Fewer digits than this are a port, a count or a year, not a secret.
const SHORTEST_NUMBER: usize = 6;

/// A line of a longer text that is one word of fewer letters than this is a keyword: `done`, `users`.
const SHORTEST_WORD: usize = 8;

/// Words that are configuration and stand in every log.
const COMMON_WORDS: [&str; 50] = [
    "true",
    "false",
    "null",
    "none",
    "yes",
    "no",
    "on",
    "off",
    "enabled",
    "disabled",
    "undefined",
    "default",
    "auto",
    "dev",
    "development",
    "develop",
    "test",
    "testing",
    "stage",
    "staging",
    "preprod",
    "preview",
    "sandbox",
    "demo",
    "prod",
    "production",
    "local",
    "localhost",
    "live",
    "canary",
    "main",
    "master",
    "trace",
    "debug",
    "info",
    "notice",
    "warn",
    "warning",
    "error",
    "fatal",
    "critical",
    "verbose",
    "silent",
    "info,warn",
    "json",
    "text",
    "http",
    "https",
    "utf-8",
    "127.0.0.1",
];

/// Whether the runner would not find the end of a command's header before `c`: it seeks `::` by the rules of language, where a combining
/// character belongs to what stands before it. A byte order mark is not part of what a program prints later.
pub(crate) fn joins_to_the_left(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark || c.general_category() == GeneralCategory::Format
}

/// `text` as the runner is told it, which drops blanks at both ends.
pub(super) fn announced(text: &str) -> &str {
    text.trim_end().trim_start_matches(|c: char| c.is_whitespace() || joins_to_the_left(c))
}

/// Whether hiding `text` would only make logs unreadable: too short, a small number, a common word, PEM armour, bare punctuation.
pub(super) fn is_too_simple(text: &str) -> bool {
    let text = announced(text);
    let is_number = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
    text.chars().count() < SHORTEST
        || (is_number && text.chars().filter(char::is_ascii_digit).count() < SHORTEST_NUMBER)
        || COMMON_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        || is_pem_armour(text)
        || !text.chars().any(char::is_alphanumeric) && text.chars().all(|c| "{}[](),:;\"'-=_*.# \t".contains(c))
}

fn is_pem_armour(line: &str) -> bool {
    (line.starts_with("-----BEGIN ") || line.starts_with("-----END "))
        && line.ends_with("-----")
        && !line.contains('\n')
}

/// Whether a line of a longer text only gives it its structure: a key without a value worth hiding, a section, a keyword.
pub(super) fn is_structure(line: &str) -> bool {
    let line = line.trim().trim_end_matches(',').trim_start_matches("- ");
    let is_section = line.starts_with('[') && line.ends_with(']') && !line.contains(['"', ',']);
    let is_keyword = line.len() < SHORTEST_WORD && line.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_section
        || is_keyword
        || pair(line).is_some_and(|(key, scalar)| matches!(key, "apiVersion" | "kind") || is_too_simple(scalar))
}

/// `key: scalar`, `"key": "scalar"` and `key = scalar` without their quotes.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, scalar) =
        line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))).or_else(|| line.split_once('='))?;
    let [key, scalar] = [key, scalar].map(|text| text.trim().trim_matches(['"', '\'']));
    let is_name = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
    is_name.then_some((key, scalar))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_every_log_is_too_simple() {
        for text in [
            "",
            "  ",
            "abc",
            "8080",
            "12345",
            "1.25",
            "-3000",
            "true",
            "NULL",
            "staging",
            "Info",
            "{",
            "}",
            "],",
            "{{}}",
            "----",
            "-----BEGIN PRIVATE KEY-----",
            "-----END RSA PRIVATE KEY-----",
            " abc ",
            "127.0.0.1",
            "\u{feff}-----",
        ] {
            assert!(is_too_simple(text), "{text:?}");
        }
        for text in
            ["abcd", "123456", "hunter2", "p@s#", "пароль", "stagingX", "~!@$", "-----BEGIN X-----\nsecretsecret"]
        {
            assert!(!is_too_simple(text), "{text:?}");
        }
    }

    #[test]
    fn lines_that_only_give_structure() {
        for line in [
            "apiVersion: v1",
            "kind: Config",
            "clusters:",
            "- name: production",
            "preferences: {}",
            "  \"version\": 1,",
            "\"debug\": false,",
            "\"keys\": [",
            "port=5432",
            "ttl = 300",
            "[database]",
            "done",
            "else",
        ] {
            assert!(is_structure(line), "{line:?}");
        }
        for line in [
            "password: hunter2",
            "\"private_key\": \"abcdefgh\",",
            "PASSWORD=hunter2",
            "hunter2",
            "MIIEvQIBADANBgkq",
            "correct horse",
            "[\"hunter2\"]",
            "set -euo pipefail",
        ] {
            assert!(!is_structure(line), "{line:?}");
        }
    }
}
