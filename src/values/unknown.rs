//! Values that are not given: numbers stand in for them, so that a template can be filled and compared all the same, and are found
//! again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use super::stand_in::{DIGITS, stand_in};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How long the base64 of a stand-in is.
const ENCODED: usize = DIGITS.div_ceil(3) * 4;

/// The stand-in of each name that may lack a value.
#[derive(Default)]
pub(super) struct Unknown {
    stand_ins: BTreeMap<String, Secret>,
    /// Names that count as not given although the template has a default for them.
    without_default: BTreeSet<String>,
    /// Each stand-in as it is and in base64.
    forms: HashSet<Vec<u8>>,
}

impl Unknown {
    /// With a stand-in for each of `names`.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a String>) -> Self {
        let stand_ins: BTreeMap<String, Secret> =
            names.into_iter().map(|name| (name.clone(), Secret::new(stand_in(name)))).collect();
        let forms = stand_ins
            .values()
            .flat_map(|number| [number.expose().as_bytes().to_owned(), STANDARD.encode(number.expose()).into_bytes()]);
        Self { forms: forms.collect(), stand_ins, without_default: BTreeSet::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stand_ins.is_empty()
    }

    pub(super) fn drop_defaults<'a>(&mut self, names: impl IntoIterator<Item = &'a String>) {
        self.without_default.extend(names.into_iter().cloned());
    }

    pub(super) fn stand_in(&self, name: &str) -> Option<&Secret> {
        self.stand_ins.get(name)
    }

    pub(super) fn has_no_default(&self, name: &str) -> bool {
        self.without_default.contains(name)
    }

    /// Whether a stand-in is part of `text`, as it is or in base64.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let holds = |length: usize| text.as_bytes().windows(length).any(|part| self.forms.contains(part));
        !self.forms.is_empty() && (holds(DIGITS) || holds(ENCODED))
    }

    /// `text` with `${NAME}` or `${NAME@base64}` in the place of each.
    pub(super) fn named(&self, text: &str) -> String {
        self.stand_ins.iter().fold(text.to_owned(), |text, (name, number)| {
            let number = number.expose();
            let text = text.replace(number, &format!("${{{name}}}"));
            text.replace(&STANDARD.encode(number), &format!("${{{name}@base64}}"))
        })
    }
}

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.stand_ins.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_passes_as_text_number_and_base64_and_is_found_again() {
        let names = ["A".to_owned(), "B".to_owned()];
        let unknown = Unknown::of(&names);
        let [a, b] = names.each_ref().map(|name| unknown.stand_in(name).unwrap().expose());
        assert!(a != b && unknown.stand_in("C").is_none());
        for number in [a, b] {
            assert_eq!(number.parse::<u64>().map(|n| n as f64).map(|n| n as u64), number.parse());
            assert!(STANDARD.decode(number).is_ok());
            assert!(unknown.is_in(&format!("postgres://u:{number}@h")) && unknown.is_in(&STANDARD.encode(number)));
        }
        let text = format!("u:{a}@{}", STANDARD.encode(b));
        assert_eq!(unknown.named(&text), "u:${A}@${B@base64}");
        assert!(!unknown.is_in("1234567890123456") && !unknown.is_in(""));
        assert!(!Unknown::of([]).is_in(a));
    }
}
