//! Which strings to hide, and hiding them.

mod engine;
mod forms;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use self::engine::Engine;
use self::forms::Form;
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
    values: Vec<Secret>,
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
        if forms::is_too_simple(value.expose()) {
            known.simple += 1;
        }
        known.values.push(value.clone());
        known.engine = None;
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
        let mut hidden = Vec::with_capacity(text.len());
        let mut rest = 0;
        for (start, end) in self.engine().find(text) {
            hidden.extend_from_slice(&text[rest..start]);
            hidden.extend_from_slice(HIDDEN.as_bytes());
            rest = end;
        }
        hidden.extend_from_slice(&text[rest..]);
        Masked(String::from_utf8(hidden).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
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
    use super::*;

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
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", masker(&["hunter2"])), "Masker(***)");
    }
}
