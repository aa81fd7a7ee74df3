//! Finding every form of every value in one pass over a text.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use zeroize::Zeroizing;

use super::forms::{self, Form};
use crate::secret::Secret;

/// Up to here a table is built in a fraction of the time that an automaton takes, and most runs redact a few lines only.
const FEW: usize = 1_000;

/// The automaton holds this many bytes of a form, the rest is compared: a value of 64 KiB must not cost megabytes.
const PREFIX: usize = 32;

/// What finds the forms.
pub(super) enum Engine {
    /// There is nothing to hide.
    Idle,
    /// Few forms, in a table by their first two bytes.
    Table(Table),
    /// The first [`PREFIX`] bytes of the forms, and by the automaton's pattern the rest of each form with that prefix.
    Automaton { prefixes: AhoCorasick, tails: Vec<Vec<Zeroizing<Vec<u8>>>> },
    /// The forms do not fit into an automaton (beyond 2^31 states): everything is hidden rather than nothing.
    Overwhelmed,
}

impl Engine {
    pub(super) fn new(values: &[Secret]) -> Self {
        let forms: BTreeSet<Form> = values.iter().flat_map(|value| forms::for_text(value.expose())).collect();
        match forms.len() {
            0 => Self::Idle,
            1..=FEW => Self::Table(Table::new(forms)),
            _ => Self::automaton(&forms),
        }
    }

    fn automaton(forms: &BTreeSet<Form>) -> Self {
        let mut tails: BTreeMap<&[u8], Vec<_>> = BTreeMap::new();
        for form in forms {
            let (prefix, tail) = form.as_bytes().split_at(form.len().min(PREFIX));
            tails.entry(prefix).or_default().push(Zeroizing::new(tail.to_vec()));
        }
        // A DFA would take longer to build than it ever saves.
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        match AhoCorasick::builder().kind(kind).match_kind(MatchKind::Standard).build(tails.keys()) {
            Ok(prefixes) => Self::Automaton { prefixes, tails: tails.into_values().collect() },
            Err(_) => Self::Overwhelmed,
        }
    }

    /// Byte ranges to hide, ascending, apart from each other.
    pub(super) fn find(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let found = match self {
            Self::Idle => return Vec::new(),
            Self::Overwhelmed => return vec![(0, text.len())],
            Self::Table(table) => table.find(text),
            Self::Automaton { prefixes, tails } => {
                let mut found: Vec<(usize, usize)> = Vec::new();
                for hit in prefixes.find_overlapping_iter(text) {
                    let tails = tails[hit.pattern().as_usize()].iter();
                    let tail = tails.filter(|tail| text[hit.end()..].starts_with(tail)).map(|tail| tail.len()).max();
                    found.extend(tail.map(|tail| (hit.start(), hit.end() + tail)));
                }
                found
            }
        };
        merged(found)
    }
}

fn merged(mut found: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    found.sort_unstable();
    found.into_iter().fold(Vec::new(), |mut merged: Vec<(usize, usize)>, (start, end)| {
        match merged.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => merged.push((start, end)),
        }
        merged
    })
}

/// Forms in order, and a bit for every pair of bytes that one of them begins with.
pub(super) struct Table {
    forms: Vec<Form>,
    pairs: Box<[u64; 1024]>,
}

impl Table {
    /// No form is shorter than two bytes.
    fn new(forms: BTreeSet<Form>) -> Self {
        let mut pairs = Box::new([0_u64; 1024]);
        for form in &forms {
            if let [first, second, ..] = form.as_bytes() {
                let pair = usize::from(u16::from_be_bytes([*first, *second]));
                pairs[pair / 64] |= 1 << (pair % 64);
            }
        }
        Self { forms: forms.into_iter().collect(), pairs }
    }

    /// The longest form at each place where one begins.
    fn find(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (start, pair) in text.windows(2).enumerate() {
            let bit = usize::from(u16::from_be_bytes([pair[0], pair[1]]));
            if self.pairs[bit / 64] & (1 << (bit % 64)) != 0 {
                let rest = &text[start..];
                let from = self.forms.partition_point(|form| form.as_bytes()[..2] < *pair);
                let same = self.forms[from..].iter().take_while(|form| form.as_bytes().starts_with(pair));
                let longest = same.filter(|form| rest.starts_with(form.as_bytes())).map(|form| form.len()).max();
                found.extend(longest.map(|length| (start, start + length)));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_and_automaton_find_the_same() {
        let values: Vec<Secret> =
            ["hunter2-secret", "abcdef", "defghi", "päss wörd", "line-one\nline-two"].map(Secret::new).into();
        let forms: BTreeSet<Form> = values.iter().flat_map(|value| forms::for_text(value.expose())).collect();
        let (table, automaton) = (Engine::Table(Table::new(forms.clone())), Engine::automaton(&forms));
        for text in
            ["", "h", "xhunter2-secrety", "abcdefghi", "päss wörd line-two aHVudGVyMi1zZWNyZXQ=", "hunter2-secre"]
        {
            assert_eq!(table.find(text.as_bytes()), automaton.find(text.as_bytes()), "{text}");
        }
        assert_eq!(table.find(b"abcdefghi"), [(0, 9)]);
    }
}
