//! The shapes in which a value may turn up in text: pure functions of one value.
//!
//! Escapes are not among them: a text is also looked at with its escapes undone (`reading`).

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::reading::{Reading, Undo};
use super::simple::{SHORTEST, announced, is_structure, is_too_simple};

/// One text to look for or to announce; zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Form(Zeroizing<String>);

impl Form {
    fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    fn push_digits(&mut self, byte: u8, digits: &[u8; 16]) {
        self.0.push(digits[usize::from(byte >> 4)].into());
        self.0.push(digits[usize::from(byte & 15)].into());
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

/// What the runner must be told about `value`: its lines, and what the runner does not derive itself.
///
/// Never a text of several lines: the runner would register each line without a minimum length, braces included.
pub(super) fn for_runner(value: &str) -> BTreeSet<Form> {
    let mut forms: BTreeSet<Form> = lines(value).map(Form::new).collect();
    let is_unsent = !forms.iter().any(|line| line.len() >= SHORTEST);
    forms.extend(compact(value).filter(|form| !form.is_empty()));
    let whole = announced(value);
    if !is_too_simple(whole) {
        let [first, others @ ..] = base64_cores(whole);
        // Without padding this is what the runner derives of a value that it knows.
        if !whole.len().is_multiple_of(3) || !forms.contains(&Form::new(whole)) {
            forms.insert(first);
        }
        forms.extend(others);
        // The runner's own JSON has these escaped, which most others do not escape; and it derives none of lines that it is not told.
        let is_derived = !is_unsent && !whole.contains(['\u{85}', '\u{2028}', '\u{2029}']);
        forms.extend(json_escaped(announced(whole)).filter(|_| !is_derived));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// Every form of `value` that is hidden in text which the runner does not cover; some may come twice.
pub(super) fn for_text(value: &str) -> Vec<Form> {
    let whole = announced(value);
    let mut forms = Vec::new();
    let parts = [value, whole, without_quotes(whole)].into_iter().chain(lines(value));
    for part in parts.filter(|part| !is_too_simple(part)) {
        forms.push(Form::new(part));
        forms.extend(respelt(part));
    }
    if !is_too_simple(whole) {
        forms.extend(compact(value));
        forms.extend(encoded(whole));
        // Within JSON or a URL that is encoded in turn.
        for inner in [json_escaped(whole), percent_encoded(whole)].into_iter().flatten() {
            forms.extend(encoded(&inner));
        }
    }
    forms.retain(|text| text.len() >= SHORTEST);
    forms
}

/// The lines of `value` that are worth hiding, as the runner is told them.
fn lines(value: &str) -> impl Iterator<Item = &str> {
    let is_long = announced(value).contains(['\r', '\n']);
    value.split(['\r', '\n']).map(announced).filter(move |line| !(is_too_simple(line) || is_long && is_structure(line)))
}

/// What a program makes of a value that stands in quotes.
fn without_quotes(value: &str) -> &str {
    let inner = ['"', '\''].iter().find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(value)
}

/// JSON of several lines on one.
fn compact(value: &str) -> Option<Form> {
    let is_json = value.trim_start().starts_with(['{', '[']) && value.trim().contains('\n');
    let json: serde_json::Value = serde_json::from_str(value).ok().filter(|_| is_json)?;
    Some(Form::new(json.to_string()))
}

/// With its own escapes undone, in a shell's or YAML's quotes, and with `+` for a blank as web forms write it.
fn respelt(text: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    if text.contains(['\\', '%', '&']) {
        let undone = Undo::ALL.iter().filter_map(|undo| Reading::of(text.as_bytes(), *undo));
        let texts = undone.filter_map(|reading| Some(str::from_utf8(reading.bytes()).ok()?.to_owned()));
        for text in texts {
            forms.extend(lines(&text).map(Form::new));
            forms.push(Form::new(text));
        }
        forms.retain(|form| !is_too_simple(form));
    }
    if text.contains('\'') {
        forms.extend(["''", r"'\''", r#"'"'"'"#].map(|quote| Form::new(text.replace('\'', quote))));
    }
    if text.contains(' ') {
        forms.push(Form::new(text.replace(' ', "+")));
    }
    forms
}

/// Base64 in both alphabets and hexadecimal in both cases.
fn encoded(text: &str) -> impl Iterator<Item = Form> {
    let cores = base64_cores(text);
    let url_safe = cores.clone().into_iter().filter(|core| core.contains(['+', '/']));
    let url_safe = url_safe.map(|core| Form::new(core.replace('+', "-").replace('/', "_")));
    url_safe.collect::<Vec<_>>().into_iter().chain(cores).chain(hexadecimal(text))
}

/// Base64 of any text that holds `value`, at each of the three alignments, without the characters its neighbours take part in.
fn base64_cores(value: &str) -> [Form; 3] {
    [0, 1, 2].map(|offset| {
        let mut bytes = Zeroizing::new(vec![0_u8; offset]);
        bytes.extend_from_slice(value.as_bytes());
        let encoded = Zeroizing::new(STANDARD_NO_PAD.encode(&*bytes));
        // A character carries six bits: whole ones of the value start at the first multiple of six past the
        // neighbour's bits and end at the last one before the value's end.
        let first = (offset * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        Form::new(&encoded[first..last])
    })
}

/// As every writer of JSON does at least; `None` where that changes nothing.
fn json_escaped(text: &str) -> Option<Form> {
    if !text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        return None;
    }
    let quoted = Zeroizing::new(serde_json::Value::from(text).to_string());
    Some(Form::new(quoted.get(1..quoted.len() - 1)?))
}

/// As RFC 3986 has it; `None` where that changes nothing.
fn percent_encoded(text: &str) -> Option<Form> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if text.bytes().all(is_plain) {
        return None;
    }
    let mut out = Form::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        if is_plain(byte) {
            out.0.push(byte.into());
        } else {
            out.0.push('%');
            out.push_digits(byte, b"0123456789ABCDEF");
        }
    }
    Some(out)
}

fn hexadecimal(text: &str) -> [Form; 2] {
    [b"0123456789abcdef", b"0123456789ABCDEF"].map(|digits| {
        let mut out = Form::new(String::with_capacity(text.len() * 2));
        text.bytes().for_each(|byte| out.push_digits(byte, digits));
        out
    })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn holds(forms: &BTreeSet<Form>, text: &str) -> bool {
        forms.iter().any(|form| text.contains(&**form))
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
    fn what_the_runner_derives_is_not_sent() {
        assert_eq!(for_runner("hunter-23").len(), 3);
        assert!(!for_runner("hunter-23").contains(&Form::new(STANDARD.encode("hunter-23"))));
    }

    #[test]
    fn the_runner_never_gets_several_lines_nor_a_bare_brace() {
        let json = "{\n  \"private_key\": \"abcdefgh\",\n  \"n\": 1\n}\n";
        let forms = for_runner(json);
        assert!(forms.iter().all(|form| !form.contains(['\n', '\r']) && form.len() >= SHORTEST));
        assert!(forms.contains(&Form::new("\"private_key\": \"abcdefgh\",")));
        assert!(forms.contains(&Form::new("{\"private_key\":\"abcdefgh\",\"n\":1}")));
        assert!(!forms.contains(&Form::new("\"n\": 1")));
        let pem = "-----BEGIN PRIVATE KEY-----\r\nMIIEvQIBADANBgkq\r\n-----END PRIVATE KEY-----\r\n";
        let forms = for_runner(pem);
        assert!(forms.contains(&Form::new("MIIEvQIBADANBgkq")));
        assert!(forms.iter().all(|form| !form.contains("-----")));
        assert!(holds(&forms, &STANDARD.encode(pem)));
    }

    #[test]
    fn blanks_around_a_simple_value_do_not_make_it_a_mask() {
        for value in [" ab ", "\u{a0}true\n", "8080", "{\n}\n"] {
            assert!(for_runner(value).is_empty(), "{value:?}");
        }
        assert!(for_text("8080").is_empty());
    }

    #[test]
    fn a_plain_value_has_few_forms() {
        assert_eq!(for_text("hunter2-secret").into_iter().collect::<BTreeSet<_>>().len(), 6);
    }

    #[test]
    fn no_value_of_any_length_makes_the_slices_panic() {
        for length in 0..40 {
            let value = "é".repeat(length) + &"z".repeat(length % 5);
            let _ = (for_runner(&value), for_text(&value));
        }
    }
}
