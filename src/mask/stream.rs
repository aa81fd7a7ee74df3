//! Hiding values in a text that comes in pieces.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{HIDDEN, Masked, Masker};

/// How much is looked at together at least.
const CHUNK: usize = 64 << 10;

/// How far a cut moves to stand between two escapes.
const ESCAPES: usize = 4 << 10;

/// Hides what a [`Masker`] knows in a text of any length; a value may be cut between pieces anywhere.
///
/// What could be the start of a value is held back until more has come.
#[derive(Debug)]
pub struct Redactor {
    masker: Masker,
    held: Zeroizing<Vec<u8>>,
    /// The text before ended in a value, of which so many of the first bytes held are the rest.
    ends: Option<usize>,
    chunk: usize,
}

impl Redactor {
    pub(super) fn new(masker: Masker) -> Self {
        Self { masker, held: Zeroizing::default(), ends: None, chunk: CHUNK }
    }

    /// Takes the next piece; returns what can be shown by now, often nothing.
    pub fn push(&mut self, piece: &[u8]) -> Masked {
        self.held.extend_from_slice(piece);
        let reach = self.masker.engine().reach() + ESCAPES;
        if self.held.len() < 2 * reach + self.chunk {
            return Masked::default();
        }
        let cut = cut_before(&self.held, self.held.len() - reach);
        self.show(cut)
    }

    /// The rest of the text.
    pub fn finish(mut self) -> Masked {
        self.show(self.held.len())
    }

    /// The bytes before `cut`. All values that begin there are held as a whole.
    fn show(&mut self, cut: usize) -> Masked {
        let mut found = self.masker.engine().find(&self.held, &[]);
        let before = self.ends.take();
        join(&mut found, 0..before.unwrap_or_default());
        let mut shown = Vec::with_capacity(cut);
        let mut rest = 0;
        for range in found.into_iter().filter(|range| range.start < cut) {
            shown.extend_from_slice(&self.held[rest..range.start]);
            if range.start > 0 || before.is_none() {
                shown.extend_from_slice(HIDDEN.as_bytes());
            }
            rest = range.end.min(cut);
            self.ends = range.end.checked_sub(cut);
        }
        shown.extend_from_slice(&self.held[rest..cut]);
        self.held.drain(..cut);
        Masked::of_bytes(shown)
    }
}

/// Adds a range that begins at 0 to such as are apart from each other.
fn join(found: &mut Vec<Range<usize>>, first: Range<usize>) {
    if first.is_empty() {
        return;
    }
    let touched = found.iter().take_while(|range| range.start <= first.end).count();
    let end = found[..touched].iter().map(|range| range.end).fold(first.end, usize::max);
    found.splice(..touched, std::iter::once(0..end));
}

/// The last place up to `limit` where a line begins; in one long line a place that is in no character and no escape.
fn cut_before(held: &[u8], limit: usize) -> usize {
    if let Some(end) = memchr::memrchr(b'\n', &held[..limit]) {
        return end + 1;
    }
    let is_sign = |byte: &u8| matches!(byte, b'\\' | b'%' | b'&');
    let mut cut = limit;
    while cut > limit.saturating_sub(ESCAPES) {
        let near = cut.saturating_sub(12);
        match held[near..cut].iter().position(is_sign) {
            Some(sign) => cut = near + sign,
            None => break,
        }
    }
    while cut > 0 && held.get(cut).is_some_and(|byte| byte & 0xc0 == 0x80) {
        cut -= 1;
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn masker(values: &[&str]) -> Masker {
        let masker = Masker::new();
        values.iter().for_each(|value| masker.add(&Secret::new(*value)));
        masker
    }

    fn streamed(masker: &Masker, text: &[u8], pieces: usize) -> String {
        let mut redactor = Redactor { chunk: 100, ..masker.stream() };
        let mut shown = Masked::default();
        for piece in text.chunks(pieces) {
            shown.push(&redactor.push(piece));
        }
        shown.push(&redactor.finish());
        shown.as_str().to_owned()
    }

    #[test]
    fn pieces_read_as_the_whole() {
        let masker = masker(&["hunter2-secret", "päss\"wörd", "abab", "https://example.com/long"]);
        let mut text = String::new();
        for round in 0..4000 {
            text += match round % 9 {
                0 => "some words hunter2-secret\n",
                1 => r#"{"a": "p\u00e4ss\"w\u00f6rd"} "#,
                2 => "ababababab",
                3 => "aHVudGVyMi1zZWNyZXQ=",
                4 => "https://example.com/longhunter2-secret ",
                5 => "https%3A%2F%2Fexample.com%2flong&amp;",
                6 => "päss",
                7 => "\"wörd ",
                _ => "in between ",
            };
        }
        let whole = masker.redact(&text);
        assert!(!whole.as_str().contains("hunter") && whole.as_str().contains("in between"));
        for pieces in [1, 7, 1000, 1 << 20] {
            assert!(streamed(&masker, text.as_bytes(), pieces) == whole.as_str(), "in pieces of {pieces}");
        }
    }

    #[test]
    fn a_value_that_overlaps_itself_for_ever_is_hidden_once() {
        let masker = masker(&["abab"]);
        let text = format!("<{}>", "ab".repeat(100_000));
        assert_eq!(streamed(&masker, text.as_bytes(), 4096), "<***>");
    }

    #[test]
    fn bytes_that_are_no_text_pass() {
        let masker = masker(&["hunter2"]);
        let text = b"\xff\xfe hunter2 \xc3".repeat(10_000);
        assert!(streamed(&masker, &text, 999) == masker.redact_bytes(&text).as_str());
    }
}
