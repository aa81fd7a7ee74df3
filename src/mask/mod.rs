//! Which strings to hide, and hiding them.

mod engine;
mod forms;
mod reading;
mod simple;
mod stream;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use self::engine::Engine;
use self::forms::Form;
pub(crate) use self::simple::joins_to_the_left;
pub use self::stream::Redactor;
use crate::error::Text;
use crate::secret::Secret;

/// What stands where a value was.
const HIDDEN: &str = "***";

/// Text in which nothing is left to hide: the only kind that a sink takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Masked(String);

impl Masked {
    /// Text of the program itself.
    pub fn fixed(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// Text put together from the program's own words and parts that went through [`Masker::redact`].
    ///
    /// For the renderers, which redact field by field: hiding in the finished text would also hit their own words,
    /// a JSON report's keys for one.
    pub(crate) fn of_redacted_parts(text: String) -> Self {
        Self(text)
    }

    fn of_bytes(redacted: Vec<u8>) -> Self {
        Self(String::from_utf8(redacted).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// Adds `more` at the end.
    pub fn push(&mut self, more: &Self) {
        self.0.push_str(&more.0);
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Knows every value and credential of the run. Clones share what they know: a value added to one is hidden by all.
#[derive(Clone, Default)]
pub struct Masker(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    values: BTreeSet<Secret>,
    /// Values too simple to hide.
    simple: usize,
    /// Forms the runner was told, or is about to be.
    announced: BTreeSet<Form>,
    /// Built when text is redacted, dropped when a value is added.
    engine: Option<Arc<Engine>>,
}

impl Masker {
    /// A masker that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hides `value` from now on. An empty or known one changes nothing.
    pub fn add(&self, value: &Secret) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if value.expose().trim().is_empty() || known.values.contains(value) {
            return;
        }
        if simple::is_too_simple(value.expose()) {
            known.simple += 1;
        }
        known.values.insert(value.clone());
        known.engine = None;
    }

    /// Makes what the next redaction needs: with thousands of values that takes its time.
    pub fn make_ready(&self) {
        self.engine();
    }

    /// What the runner must be told to mask, in clear: one line each, without line ends, at least four characters.
    /// Each text is handed out once; what is added later comes with a later call.
    pub fn masks(&self) -> Vec<Secret> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let wanted: BTreeSet<Form> = known.values.iter().flat_map(|value| forms::for_runner(value.expose())).collect();
        let fresh: Vec<Form> = wanted.into_iter().filter(|form| !known.announced.contains(form)).collect();
        known.announced.extend(fresh.iter().cloned());
        fresh.iter().map(|form| Secret::new(&**form)).collect()
    }

    /// How many values are too simple to hide, such as `true` or `8080`.
    pub fn too_simple(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).simple
    }

    /// `text` with `***` for every form of every value; forms that overlap or touch become one.
    pub fn redact(&self, text: &str) -> Masked {
        self.redact_bytes(text.as_bytes())
    }

    /// As [`Masker::redact`]; what is not UTF-8 becomes U+FFFD after the values were hidden.
    pub fn redact_bytes(&self, text: &[u8]) -> Masked {
        self.hide(text, &[])
    }

    /// As [`Masker::redact`], but the program's own words stay: if a value equals one of them, `***` in its place would tell the value.
    pub fn redact_text(&self, text: &Text) -> Masked {
        self.hide(text.as_bytes(), text.own())
    }

    fn hide(&self, text: &[u8], spared: &[Range<usize>]) -> Masked {
        let mut hidden = Vec::with_capacity(text.len());
        let mut rest = 0;
        for range in self.engine().find(text, spared) {
            hidden.extend_from_slice(&text[rest..range.start]);
            hidden.extend_from_slice(HIDDEN.as_bytes());
            rest = range.end;
        }
        hidden.extend_from_slice(&text[rest..]);
        Masked::of_bytes(hidden)
    }

    /// The same for a text that comes in pieces.
    pub fn stream(&self) -> Redactor {
        Redactor::new(self.clone())
    }

    fn engine(&self) -> Arc<Engine> {
        if let Some(engine) = &self.0.read().unwrap_or_else(PoisonError::into_inner).engine {
            return Arc::clone(engine);
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let engine = Arc::new(Engine::new(&known.values));
        known.engine = Some(Arc::clone(&engine));
        engine
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masker(***)")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;
    use crate::error::text;

    fn masker(values: &[&str]) -> Masker {
        let masker = Masker::new();
        values.iter().for_each(|value| masker.add(&Secret::new(*value)));
        masker
    }

    #[test]
    fn nothing_known_nothing_hidden() {
        assert_eq!(Masker::new().redact("any text: {\"a\": 1}").as_str(), "any text: {\"a\": 1}");
        assert!(Masker::new().masks().is_empty());
    }

    #[test]
    fn overlapping_and_touching_values_leave_no_rest() {
        let masker = masker(&["abcdef", "defghi", "jklmno"]);
        assert_eq!(masker.redact("x abcdefghi y").as_str(), "x *** y");
        assert_eq!(masker.redact("x abcdefjklmno y").as_str(), "x *** y");
    }

    #[test]
    fn a_long_value_is_hidden_whole_and_only_whole() {
        let base = "https://example-company.internal/path/";
        let long = format!("{base}{}", "s3cr3t".repeat(10_000));
        let masker = masker(&[&long]);
        assert_eq!(masker.redact(&format!("<{long}>")).as_str(), "<***>");
        assert_eq!(masker.redact(&format!("<{base}>")).as_str(), format!("<{base}>"));
    }

    #[test]
    fn a_value_added_to_a_clone_is_hidden_by_all_at_once() {
        let first = masker(&["one-value"]);
        assert_eq!(first.redact("one-value two-value").as_str(), "*** two-value");
        first.clone().add(&Secret::new("two-value"));
        assert_eq!(first.redact("one-value, two-value").as_str(), "***, ***");
    }

    #[test]
    fn thousands_of_values_are_hidden_as_one_is() {
        let values: Vec<String> = (0..2000).map(|n| format!("{n:05}-s3cret-{}", "abcdefghij".repeat(n % 9))).collect();
        let masker = masker(&values.iter().map(String::as_str).collect::<Vec<_>>());
        for value in [&values[0], &values[1234], &values[1999]] {
            assert_eq!(masker.redact(&format!("a line with {value} in it")).as_str(), "a line with *** in it");
        }
    }

    #[test]
    fn masks_are_handed_out_once() {
        let masker = masker(&["hunter2-secret", "hunter2-secret", "true", ""]);
        let masks = masker.masks();
        assert_eq!(masks.len(), 4, "the value and three alignments of its base64");
        assert!(masks.contains(&Secret::new("hunter2-secret")));
        assert!(masker.masks().is_empty());
        masker.add(&Secret::new("another-one"));
        assert_eq!(masker.masks().len(), 4);
        assert_eq!(masker.too_simple(), 1);
    }

    #[test]
    fn bytes_that_are_no_text_do_not_hide_a_value() {
        let masker = masker(&["hunter2"]);
        assert_eq!(masker.redact_bytes(b"\xff\xfehunter2\xff").as_str(), "\u{fffd}\u{fffd}***\u{fffd}");
    }

    #[test]
    fn a_value_is_hidden_however_it_is_written() {
        let value = "pä'ss \"w<o&rd\\ 50%\u{a0}\u{2028}x";
        let masker = masker(&[value]);
        let once = serde_json::to_string(value).unwrap();
        let yaml = value.replace('\\', r"\\").replace('"', "\\\"").replace('\u{a0}', r"\_").replace('\u{2028}', r"\L");
        for text in [
            value.to_owned(),
            once[1..once.len() - 1].to_owned(),
            serde_json::to_string(&once).unwrap()[3..].trim_end_matches(['\\', '"']).to_owned(),
            r#"p\u00e4'ss \"w\u003co\u0026rd\\ 50%\u00a0\u2028x"#.to_owned(),
            r#"p\u00E4\u0027ss \"w\u003Co\u0026rd\\ 50%\u00A0\u2028x"#.to_owned(),
            r#"p\xc3\xa4'ss \"w<o&rd\\ 50%\u00a0\u2028x"#.to_owned(),
            yaml,
            "p%C3%A4%27ss%20%22w%3Co%26rd%5C%2050%25%C2%A0%E2%80%A8x".to_owned(),
            "p%c3%a4'ss+%22w%3co%26rd%5c+50%25%c2%a0%e2%80%a8x".to_owned(),
            value.replace('\'', "''"),
            value.replace('\'', r"'\''"),
            value.replace('\'', r#"'"'"'"#),
            value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;"),
            value.replace('&', "&#x26;").replace('<', "&#60;").replace('"', "&#34;").replace('\'', "&#x27;"),
            value.bytes().map(|byte| format!("{byte:02x}")).collect(),
            value.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ] {
            assert_eq!(masker.redact(&format!("<{text}>")).as_str(), "<***>", "{text}");
        }
    }

    #[test]
    fn base64_of_what_holds_a_value_is_hidden_in_one_line_or_many() {
        let value = "p@ss\"word?>~~";
        let masker = masker(&[value]);
        let inner = [value.to_owned(), "p%40ss%22word%3F%3E~~".to_owned(), "p@ss\\\"word?>~~".to_owned()];
        for (inner, before) in inner.iter().flat_map(|inner| (0..90).map(move |before| (inner, before))) {
            let whole = format!("{}{inner}{}", "x".repeat(before), "y".repeat(70));
            for encoded in [STANDARD.encode(&whole), URL_SAFE.encode(&whole)] {
                let core = &encoded[(before * 8).div_ceil(6)..(before + inner.len()) * 8 / 6];
                let lines = |width: usize, end: &str| {
                    let lines: Vec<&str> =
                        encoded.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
                    lines.join(end)
                };
                let texts =
                    [encoded.clone(), lines(76, "\r\n"), lines(64, "\n"), lines(76, "\n    "), lines(64, "\\n")];
                for text in texts {
                    let joined: String = masker.redact(&text).as_str().replace("\\n", "").split_whitespace().collect();
                    assert!(joined.contains("***") && !joined.contains(core), "{before}: {text}");
                    assert!(joined.len() + core.len() <= encoded.len() + 3, "{before}: {text}");
                }
            }
        }
    }

    #[test]
    fn a_value_that_yaml_folds_is_hidden() {
        let value = "correct horse battery staple ".repeat(6);
        let value = value.trim_end();
        let masker = masker(&[value]);
        for width in 50..90 {
            let (first, second) = value.split_at(value[width..].find(' ').unwrap() + width);
            for text in [format!("key: {first}\n  {}", &second[1..]), format!("key: \"{first}\\\n  \\{second}\"")] {
                assert!(!masker.redact(&text).as_str().contains("horse"), "{text}");
            }
        }
    }

    #[test]
    fn json_keys_and_certificates_are_hidden_in_parts_and_as_a_whole() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n";
        let json = format!(
            "{{\n  \"type\": \"service_account\",\n  \"n\": 1,\n  \"private_key\": {}\n}}\n",
            serde_json::Value::from(pem)
        );
        let masker = masker(&[pem, &json]);
        for text in [
            pem.lines().nth(1).unwrap(),
            &serde_json::Value::from(pem).to_string(),
            &json,
            &pem.replace('\n', "\n    "),
        ] {
            assert!(!masker.redact(text).as_str().contains("MIIE"), "{text}");
        }
        let compact = serde_json::from_str::<serde_json::Value>(&json).unwrap().to_string();
        assert_eq!(masker.redact(&compact).as_str(), "***");
        let ordinary = "{\n  \"n\": 1,\n}\n-----BEGIN PRIVATE KEY-----\nkind: Secret\n";
        assert_eq!(masker.redact(ordinary).as_str(), ordinary);
    }

    /// What docs/security.md says each secret costs the runner.
    #[test]
    fn the_runner_gets_few_masks() {
        for (secrets, most) in [(10, 37), (200, 734), (2000, 7334)] {
            let masker = Masker::new();
            for number in 0..secrets {
                let value =
                    format!("{number:05}-s3cret-{}", "abcdefghij".chars().cycle().take(number % 9).collect::<String>());
                masker.add(&Secret::new(value.as_str()));
                masker.add(&Secret::new(format!(" {value}\n")));
            }
            assert_eq!(masker.masks().len(), most, "{secrets} secrets");
        }
    }

    #[test]
    fn our_own_words_do_not_tell_which_of_them_a_value_is() {
        let masker = masker(&["workload"]);
        let name = String::from("my-workload");
        let told = text!("1 workload is ready: {name}, workload{}", String::from("s"));
        assert_eq!(masker.redact_text(&told).as_str(), "1 workload is ready: my-***, workloads");
        assert_eq!(masker.redact_text(&Text::from(name)).as_str(), "my-***");
        // What begins in our words and ends in others'.
        assert_eq!(masker.redact_text(&text!("work{}", String::from("load"))).as_str(), "***");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", masker(&["hunter2"])), "Masker(***)");
    }
}
