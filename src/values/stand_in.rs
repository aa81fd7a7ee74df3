//! Values for looking at a template without having any.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{Source, Value, Values};
use crate::secret::Secret;

/// The smallest number of 16 digits, and how many of them there are.
const FIRST: u64 = 1_000_000_000_000_000;
const MANY: u64 = 9 * FIRST;

/// A number of 16 digits that is `name`'s own. It fits where a text, a number, base64, JSON or a part of a URL is wanted.
pub fn stand_in(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    (FIRST + number % MANY).to_string()
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
        assert!(numbers.iter().all(|text| text.len() == 16 && !text.starts_with('0') && text.parse::<i64>().is_ok()));
    }
}
