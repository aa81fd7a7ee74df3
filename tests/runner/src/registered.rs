//! The names that are commands at the moment.

use std::collections::BTreeSet;

/// Every command of the runner.
pub const COMMANDS: [&str; 15] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
];

/// A set of names without regard to case. While commands are stopped it holds the token too.
#[derive(Debug, Clone)]
pub struct Registered(BTreeSet<String>);

impl Registered {
    /// Exactly `names`.
    pub fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|name| upper(name)).collect())
    }

    /// Whether `name` is a command.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(&upper(name))
    }

    pub(crate) fn add(&mut self, name: &str) {
        self.0.insert(upper(name));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(&upper(name));
    }
}

impl Default for Registered {
    fn default() -> Self {
        Self::of(&COMMANDS)
    }
}

/// .NET's invariant upper case: a character stays one character, and `ı` and `ſ` do not become ASCII.
pub(crate) fn upper(text: &str) -> String {
    text.chars()
        .map(|c| {
            let mut upper = c.to_uppercase();
            match (c, upper.next(), upper.next()) {
                ('ı' | 'ſ', ..) | (_, None, _) | (_, _, Some(_)) => c,
                (_, Some(upper), None) => upper,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_beyond_ascii_either_but_no_foreign_letter_makes_a_command() {
        let registered = Registered::of(&["stop-commands", "ÄRGER"]);
        assert!(registered.contains("STOP-Commands") && registered.contains("ärger"));
        assert!(!registered.contains("ſtop-commands"));
        assert_eq!(upper("straße-ı"), "STRAßE-ı");
    }
}
