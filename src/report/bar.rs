//! How far something is, as a bar.

use std::fmt;

/// How many of how many, and what happened to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// How many are done.
    pub done: usize,
    /// Of how many.
    pub total: usize,
    /// Such as `in sync`.
    pub what: &'static str,
}

impl Bar {
    /// `[#####               ] 5 of 20 in sync`, for a terminal.
    pub fn drawn(&self) -> String {
        const WIDTH: usize = 20;
        let full = (WIDTH * self.done.min(self.total)).checked_div(self.total).unwrap_or(WIDTH);
        format!("[{:<WIDTH$}] {self}", "#".repeat(full))
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} {}", self.done, self.total, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_much_is_done() {
        let bar = |done, total| Bar { done, total, what: "in sync" }.drawn();
        assert_eq!(bar(0, 8), "[                    ] 0 of 8 in sync");
        assert_eq!(bar(2, 8), "[#####               ] 2 of 8 in sync");
        assert_eq!(bar(8, 8), "[####################] 8 of 8 in sync");
        assert_eq!(bar(0, 0), "[####################] 0 of 0 in sync");
    }
}
