//! The shapes in which a value may turn up in text: pure functions of one value.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Deref;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};
use zeroize::Zeroizing;

/// One text to look for or to announce; zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Form(Zeroizing<String>);

impl Form {
    fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    fn with_capacity(bytes: usize) -> Self {
        Self::new(String::with_capacity(bytes))
    }
}

impl Deref for Form {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Ord for Form {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_str().cmp(other.0.as_str())
    }
}

impl PartialOrd for Form {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Fewer characters than this are not hidden: the log would be unreadable and nothing is gained.
const SHORTEST: usize = 4;

/// Fewer digits than this are a port, a count or a year, not a secret.
const SHORTEST_NUMBER: usize = 6;

/// Words that are configuration and stand in every log.
const COMMON_WORDS: [&str; 44] = [
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
];

/// Whether hiding `text` would only make logs unreadable: too short, a small number, a common word, PEM armour, bare punctuation.
pub(super) fn is_too_simple(text: &str) -> bool {
    let text = text.trim();
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

/// What the runner must be told about `value`: its lines, and the base64 that the runner does not derive itself.
///
/// Never a text of several lines: the runner would register each line without a minimum length, braces included.
pub(super) fn for_runner(value: &str) -> BTreeSet<Form> {
    let mut forms: BTreeSet<Form> = lines(value).map(Form::new).collect();
    let whole = value.trim();
    if !is_too_simple(whole) {
        forms.extend(base64_cores(whole, &STANDARD_NO_PAD));
    }
    forms
}

/// Every form of `value` that is hidden in text which the runner does not cover.
pub(super) fn for_text(value: &str) -> BTreeSet<Form> {
    let mut forms = BTreeSet::new();
    for part in [value, value.trim()].into_iter().chain(lines(value)) {
        if is_too_simple(part) {
            continue;
        }
        forms.insert(Form::new(part));
        forms.extend(quoted(part));
    }
    let whole = value.trim();
    if !is_too_simple(whole) {
        forms.extend(base64_cores(whole, &STANDARD_NO_PAD));
        forms.extend(base64_cores(whole, &URL_SAFE_NO_PAD));
        forms.extend(percent_encoded(whole));
        forms.extend(hexadecimal(whole));
    }
    forms.retain(|text| text.len() >= SHORTEST);
    forms
}

/// Whether the runner would not find the end of a command's header before `c`: it seeks `::` by the rules of language, where a combining
/// character belongs to what stands before it. A byte order mark is not part of what a program prints later.
fn joins_to_the_left(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark || c.general_category() == GeneralCategory::Format
}

/// The lines of `value` that are worth hiding, trimmed as the runner trims them.
fn lines(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(['\r', '\n'])
        .map(|line| line.trim().trim_start_matches(joins_to_the_left))
        .filter(|line| !is_too_simple(line))
}

/// Base64 of any text that holds `value`, at each of the three alignments, without the characters its neighbours take part in.
fn base64_cores(value: &str, alphabet: &impl base64::Engine) -> Vec<Form> {
    let cores = (0..3).map(|offset| {
        let mut bytes = Zeroizing::new(vec![0_u8; offset]);
        bytes.extend_from_slice(value.as_bytes());
        let encoded = Zeroizing::new(alphabet.encode(&*bytes));
        // A character carries six bits: whole ones of the value start at the first multiple of six past the
        // neighbour's bits and end at the last one before the value's end.
        let first = (offset * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        Form::new(&encoded[first..last])
    });
    cores.filter(|core| core.len() >= SHORTEST).collect()
}

/// Inside JSON (once and twice), a shell's quotes and YAML's single quotes.
fn quoted(text: &str) -> Vec<Form> {
    // Most values hold nothing that any of them would write differently.
    let is_plain = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"\"'\\<>&$`/".contains(&byte);
    if text.bytes().all(is_plain) {
        return Vec::new();
    }
    let mut forms = Vec::new();
    for style in [JsonStyle::Plain, JsonStyle::Html, JsonStyle::Ascii] {
        let once = json_escaped(text, style);
        forms.push(json_escaped(&once, style));
        forms.push(once);
    }
    forms.push(Form::new(text.replace('\'', r"'\''")));
    forms.push(Form::new(text.replace('\'', "''")));
    forms.push(backslashed(text, "\\\"$`"));
    forms.push(backslashed(text, "\\\""));
    forms
}

fn backslashed(text: &str, special: &str) -> Form {
    let mut out = Form::with_capacity(text.len() + 8);
    for c in text.chars() {
        if special.contains(c) {
            out.0.push('\\');
        }
        out.0.push(c);
    }
    out
}

/// Which characters a JSON writer escapes besides those it must.
#[derive(Clone, Copy, PartialEq, Eq)]
enum JsonStyle {
    Plain,
    /// Go's `encoding/json`: `<`, `>`, `&`, U+2028 and U+2029 too.
    Html,
    /// Python's `json`: everything outside ASCII too.
    Ascii,
}

/// `text` as it stands between the quotes of a JSON string.
fn json_escaped(text: &str, style: JsonStyle) -> Form {
    let mut out = Form::with_capacity(text.len() * 2);
    for c in text.chars() {
        match c {
            '"' => out.0.push_str("\\\""),
            '\\' => out.0.push_str("\\\\"),
            '\n' => out.0.push_str("\\n"),
            '\r' => out.0.push_str("\\r"),
            '\t' => out.0.push_str("\\t"),
            '\u{8}' => out.0.push_str("\\b"),
            '\u{c}' => out.0.push_str("\\f"),
            c if c < ' ' => push_unicode_escape(&mut out.0, c),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if style == JsonStyle::Html => push_unicode_escape(&mut out.0, c),
            c if style == JsonStyle::Ascii && !c.is_ascii() => push_unicode_escape(&mut out.0, c),
            c => out.0.push(c),
        }
    }
    out
}

fn push_unicode_escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// `%xx` in both cases, and with `+` for a blank as forms write it.
fn percent_encoded(text: &str) -> Vec<Form> {
    let encode = |upper: bool, plus: bool| {
        let mut out = Form::with_capacity(text.len() * 3);
        for byte in text.bytes() {
            let _ = match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    write!(out.0, "{}", char::from(byte))
                }
                b' ' if plus => write!(out.0, "+"),
                _ if upper => write!(out.0, "%{byte:02X}"),
                _ => write!(out.0, "%{byte:02x}"),
            };
        }
        out
    };
    vec![encode(true, false), encode(false, false), encode(true, true), encode(false, true)]
}

fn hexadecimal(text: &str) -> [Form; 2] {
    let mut lower = Form::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        let _ = write!(lower.0, "{byte:02x}");
    }
    let upper = Form::new(lower.to_uppercase());
    [lower, upper]
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn holds(forms: &BTreeSet<Form>, text: &str) -> bool {
        forms.iter().any(|form| text.contains(&**form))
    }

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
    fn base64_of_any_text_around_the_value_holds_a_core_of_it() {
        let forms = for_runner("hunter2-secret");
        assert_eq!(forms.len(), 4);
        for (before, after) in
            [("", ""), ("", "\n"), ("u:", "@h/db"), ("user:", ""), ("a", "bc"), ("ab", "c"), ("abc", "d")]
        {
            let encoded = STANDARD.encode(format!("{before}hunter2-secret{after}"));
            assert!(holds(&forms, &encoded), "{before:?} {after:?}");
        }
    }

    #[test]
    fn the_runner_never_gets_several_lines_nor_a_bare_brace() {
        let json = "{\n  \"private_key\": \"abcdefgh\",\n  \"n\": 1\n}\n";
        let forms = for_runner(json);
        assert!(forms.iter().all(|form| !form.contains(['\n', '\r']) && form.len() >= SHORTEST));
        assert!(forms.iter().any(|form| &**form == "\"private_key\": \"abcdefgh\","));
        let pem = "-----BEGIN PRIVATE KEY-----\r\nMIIEvQIBADANBgkq\r\n-----END PRIVATE KEY-----\r\n";
        let forms = for_runner(pem);
        assert!(forms.iter().any(|form| &**form == "MIIEvQIBADANBgkq"));
        assert!(forms.iter().all(|form| !form.contains("-----")));
        assert!(holds(&forms, &STANDARD.encode(pem)));
    }

    #[test]
    fn blanks_around_a_simple_value_do_not_make_it_a_mask() {
        assert!(for_runner(" ab ").is_empty());
        assert!(for_runner("\u{a0}true\n").is_empty());
        assert!(for_runner("8080").is_empty());
        assert!(for_text("8080").is_empty());
    }

    #[test]
    fn text_forms_cover_the_usual_encodings() {
        let value = "pä'ss \"w<o&rd\\\n2nd line";
        let forms = for_text(value);
        let once = serde_json::to_string(value).unwrap();
        let twice = serde_json::to_string(&once).unwrap();
        for text in [
            value.to_owned(),
            once,
            twice,
            r#"p\u00e4'ss \"w<o&rd\\\n2nd line"#.to_owned(),
            r#"pä'ss \"w\u003co\u0026rd\\\n2nd line"#.to_owned(),
            "p%C3%A4%27ss%20%22w%3Co%26rd%5C%0A2nd%20line".to_owned(),
            "p%c3%a4%27ss+%22w%3co%26rd%5c%0a2nd+line".to_owned(),
            value.replace('\'', "''"),
            value.replace('\'', r"'\''"),
            "70c3a427737320".to_owned() + "2277" + "3c6f2672645c0a326e64206c696e65",
            URL_SAFE_NO_PAD.encode(format!("x{value}yy")),
        ] {
            assert!(holds(&forms, &text), "{text}");
        }
    }

    #[test]
    fn no_value_of_any_length_makes_the_slices_panic() {
        for length in 0..40 {
            let value = "é".repeat(length) + &"z".repeat(length % 5);
            let _ = (for_runner(&value), for_text(&value));
        }
    }
}
