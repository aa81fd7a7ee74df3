//! Values for looking at a template without having any.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{Source, Value, Values};
use crate::secret::Secret;

/// How many digits a stand-in has: a multiple of four is base64, and below 2⁵³ every reader of JSON keeps the number.
pub(super) const DIGITS: usize = 16;

/// A number of 16 digits that is `name`'s own, in every run the same: two builds can be compared. It fits where a text, a number,
/// base64, JSON or a part of a URL is wanted.
pub fn stand_in(name: &str) -> String {
    let digest = Sha256::digest([b"secret-patch unknown ", name.as_bytes()].concat());
    let digits = digest.iter().take(DIGITS).enumerate();
    digits.map(|(at, byte)| char::from(if at == 0 { b'1' + byte % 8 } else { b'0' + byte % 10 })).collect()
}

impl Values {
    /// A stand-in for each of `names`; `shown` are those that are not sensitive, `in_environment` what the step's environment holds.
    pub fn stand_ins(names: &BTreeSet<String>, shown: &BTreeSet<String>, in_environment: BTreeSet<String>) -> Self {
        let value = |name: &String| Value {
            text: Secret::new(stand_in(name)),
            source: Source::Environment,
            sensitive: !shown.contains(name),
        };
        Self {
            values: names.iter().map(|name| (name.clone(), value(name))).collect(),
            in_environment,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_a_number_of_its_own() {
        let numbers: BTreeSet<String> = ["A", "B", "API_KEY", ""].map(stand_in).into();
        assert_eq!(numbers.len(), 4);
        let is_kept =
            |text: &String| text.parse::<u64>().is_ok_and(|number| number >= 10_u64.pow(15) && number < 1 << 53);
        assert!(numbers.iter().all(is_kept), "{numbers:?}");
    }
}
