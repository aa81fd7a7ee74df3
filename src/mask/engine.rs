//! Finding every form of every value in a text, however the text is written.

use std::num::NonZeroU32;
use std::ops::Range;

use super::forms::{self, Form};
use super::reading::{Reading, Undo, readable};
use crate::secret::Secret;

/// How many escapes deep a text is looked at: JSON in JSON in a URL.
const DEPTH: usize = 3;

/// Where in the whole text a part of a reading comes from.
type Place<'a> = &'a dyn Fn(Range<usize>) -> Range<usize>;

/// What finds the forms.
pub(super) struct Engine {
    /// Ascending, each once.
    forms: Vec<Form>,
    prefixes: Prefixes,
}

impl Engine {
    pub(super) fn new<'a>(values: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms: Vec<Form> = values.into_iter().flat_map(|value| forms::for_text(value.expose())).collect();
        forms.sort_unstable();
        forms.dedup();
        let prefixes = Prefixes::of(&forms);
        Self { forms, prefixes }
    }

    /// The most bytes in which a form can stand, however it is escaped; longer ones may be found in part.
    pub(super) fn reach(&self) -> usize {
        const ESCAPED: usize = 8;
        const MOST: usize = 1 << 20;
        let longest = self.forms.iter().map(|form| form.len()).max().unwrap_or_default();
        (longest * ESCAPED).min(MOST)
    }

    /// Byte ranges to hide, ascending, apart from each other; but for those that lie within one of `spared`.
    pub(super) fn find(&self, text: &[u8], spared: &[Range<usize>]) -> Vec<Range<usize>> {
        if self.forms.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.find_as_it_stands(text, |range| found.push(range));
        for part in readable(text) {
            let place = |range: Range<usize>| part.start + range.start..part.start + range.end;
            self.find_in_readings(&text[part.clone()], DEPTH, &place, &mut found);
        }
        found.retain(|range| !spared.iter().any(|spared| spared.start <= range.start && range.end <= spared.end));
        merged(found)
    }

    fn find_in_readings(&self, text: &[u8], depth: usize, place: Place<'_>, found: &mut Vec<Range<usize>>) {
        for reading in Undo::ALL.iter().filter_map(|undo| Reading::of(text, *undo)) {
            let place = |range| place(reading.origin(range));
            self.find_as_it_stands(reading.bytes(), |range| found.push(place(range)));
            if depth > 1 {
                self.find_in_readings(reading.bytes(), depth - 1, &place, found);
            }
        }
    }

    /// The longest form at each place where one begins.
    fn find_as_it_stands(&self, text: &[u8], mut found: impl FnMut(Range<usize>)) {
        for (start, window) in text.windows(PREFIX).enumerate() {
            let prefix = number(window);
            let hash = hash(prefix);
            if self.prefixes.may_hold(hash)
                && self.prefixes.hold(prefix, hash)
                && let Some(length) = self.longest(&text[start..])
            {
                found(start..start + length);
            }
        }
    }

    /// The length of the longest form that `rest` begins with.
    fn longest(&self, rest: &[u8]) -> Option<usize> {
        let mut rest = rest;
        loop {
            // What `rest` begins with sorts before it, and between the two only what begins the same.
            let after = self.forms.partition_point(|form| form.as_bytes() <= rest);
            let form = self.forms[..after].last()?.as_bytes();
            let same = shared(form, rest);
            if same == form.len() {
                return Some(same);
            }
            if same < PREFIX {
                return None;
            }
            rest = &rest[..same];
        }
    }
}

/// With how many bytes both begin. By whole pieces first: a long value that repeats itself is compared with itself at each of its repeats.
fn shared(one: &[u8], other: &[u8]) -> usize {
    const PIECE: usize = 64;
    let pieces = one.chunks_exact(PIECE).zip(other.chunks_exact(PIECE)).take_while(|(one, other)| one == other).count();
    let start = pieces * PIECE;
    start + one[start..].iter().zip(&other[start..]).take_while(|(one, other)| one == other).count()
}

/// No form is shorter, so each is sought by its first bytes.
const PREFIX: usize = 4;

/// The first bytes of all forms, to be asked for at every byte of a text.
///
/// Faster than an automaton of all forms, and made in a hundredth of the time: most runs hide little text (see `benches/mask.rs`).
struct Prefixes {
    /// A bit for each short hash: one word a form, but no more than stay near the processor.
    filter: Box<[u64]>,
    /// Makes a bit's number of a hash.
    bit_shift: u32,
    /// Each prefix at its long hash or behind it, where others of the same hash are; at most a quarter is taken.
    table: Box<[Option<NonZeroU32>]>,
    /// One form begins with four NUL bytes.
    has_zero: bool,
    /// Makes an index of the table of a hash.
    shift: u32,
}

impl Prefixes {
    fn of(forms: &[Form]) -> Self {
        const MOST_WORDS: usize = 1 << 12;
        let size = (forms.len() * 4).next_power_of_two().max(2);
        let words = forms.len().next_power_of_two().min(MOST_WORDS);
        let mut prefixes = Self {
            filter: vec![0; words].into(),
            bit_shift: 32 - 6 - words.ilog2(),
            table: vec![None; size].into(),
            has_zero: false,
            shift: 32 - size.ilog2(),
        };
        forms.iter().for_each(|form| prefixes.add(number(form.as_bytes())));
        prefixes
    }

    fn add(&mut self, prefix: u32) {
        let hash = hash(prefix);
        let bit = hash >> self.bit_shift;
        self.filter[bit / 64] |= 1 << (bit % 64);
        self.has_zero |= prefix == 0;
        let mut at = hash >> self.shift;
        while self.table[at].is_some_and(|other| other.get() != prefix) {
            at = (at + 1) & (self.table.len() - 1);
        }
        self.table[at] = NonZeroU32::new(prefix);
    }

    #[inline(always)]
    fn may_hold(&self, hash: usize) -> bool {
        let bit = hash >> self.bit_shift;
        self.filter[bit / 64] & 1 << (bit % 64) != 0
    }

    fn hold(&self, prefix: u32, hash: usize) -> bool {
        let mut at = hash >> self.shift;
        while let Some(other) = self.table[at] {
            if other.get() == prefix {
                return true;
            }
            at = (at + 1) & (self.table.len() - 1);
        }
        prefix == 0 && self.has_zero
    }
}

/// 32 bits, of which the upper ones are mixed best (Fibonacci's hash).
#[inline(always)]
fn hash(prefix: u32) -> usize {
    prefix.wrapping_mul(0x9e37_79b9) as usize
}

fn number(text: &[u8]) -> u32 {
    text.first_chunk().map_or(0, |bytes: &[u8; PREFIX]| u32::from_le_bytes(*bytes))
}

fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_unstable_by_key(|range| (range.start, range.end));
    found.into_iter().fold(Vec::new(), |mut merged: Vec<Range<usize>>, range| {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = range.end.max(last.end),
            _ => merged.push(range),
        }
        merged
    })
}
