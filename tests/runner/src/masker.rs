//! What the runner hides in everything that it shows.

use crate::encoders::ENCODERS;

/// What stands where a value was.
pub const HIDDEN: &str = "***";

/// The masks of one job: they hold for all later lines and steps, and none is ever taken back.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    values: Vec<String>,
    texts: Vec<String>,
}

impl Masker {
    /// Hides `value` and its forms. There is no least length; an empty or known one changes nothing.
    pub fn add(&mut self, value: &str) {
        if value.is_empty() || self.values.iter().any(|known| known == value) {
            return;
        }
        self.values.push(value.to_owned());
        for text in std::iter::once(value.to_owned()).chain(ENCODERS.iter().map(|(_, encode)| encode(value))) {
            if !text.is_empty() && !self.texts.contains(&text) {
                self.texts.push(text);
            }
        }
    }

    /// Hides `value` as a whole and each of its lines, these trimmed: what `add-mask` does.
    pub fn add_with_lines(&mut self, value: &str) {
        self.add(value);
        value.split(['\r', '\n']).map(str::trim).for_each(|line| self.add(line));
    }

    /// What was added, in that order.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// `text` as it is shown: hits are exact, and those that overlap or touch become one.
    pub fn mask(&self, text: &str) -> String {
        let mut hits: Vec<(usize, usize)> = self.texts.iter().flat_map(|mask| hits(text, mask)).collect();
        hits.sort_unstable();
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for (start, end) in hits {
            match ranges.last_mut() {
                Some((_, last)) if start <= *last => *last = end.max(*last),
                _ => ranges.push((start, end)),
            }
        }
        let (mut masked, mut rest) = (String::with_capacity(text.len()), 0);
        for (start, end) in ranges {
            masked.push_str(&text[rest..start]);
            masked.push_str(HIDDEN);
            rest = end;
        }
        masked.push_str(&text[rest..]);
        masked
    }

    /// Whether `text` holds something to hide: then a job output of this value is dropped.
    pub fn hides_in(&self, text: &str) -> bool {
        self.mask(text) != text
    }
}

/// Every place of `mask`, those too that overlap each other.
fn hits(text: &str, mask: &str) -> Vec<(usize, usize)> {
    if mask.len() > text.len() {
        return Vec::new();
    }
    let step = mask.chars().next().map_or(1, char::len_utf8);
    let (mut hits, mut from) = (Vec::new(), 0);
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(mask)) {
        hits.push((from + at, from + at + mask.len()));
        from += at + step;
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(values: &[&str], text: &str) -> String {
        let mut masker = Masker::default();
        values.iter().for_each(|value| masker.add(value));
        masker.mask(text)
    }

    #[test]
    fn hits_that_overlap_or_touch_become_one() {
        assert_eq!(masked(&["aa"], "xaaay"), "x***y");
        assert_eq!(masked(&["abc", "cde"], "xabcdey"), "x***y");
        assert_eq!(masked(&["ab", "cd"], "abcd ab cd"), "*** *** ***");
        assert_eq!(masked(&["abcdef", "bc"], "abcdefg"), "***g");
        assert_eq!(masked(&["é"], "éé"), "***");
    }

    #[test]
    fn one_character_is_hidden_everywhere_and_in_base64() {
        assert_eq!(masked(&["{"], "{}:ew=="), "***}:***");
    }

    #[test]
    fn case_matters_and_words_do_not() {
        assert_eq!(masked(&["Key"], "MonKeys key"), "Mon***s key");
    }

    #[test]
    fn what_is_not_covered_stays() {
        for text in ["68756e74657232", "aHVudGVyMgo=", "hunter\\u0032", "HUNTER2"] {
            assert_eq!(masked(&["hunter2"], text), text);
        }
        assert_eq!(masked(&["a b"], "a+b a%20b"), "a+b ***");
    }

    #[test]
    fn lines_are_trimmed_and_braces_become_masks() {
        let mut masker = Masker::default();
        masker.add_with_lines("{\r\n  \"a\": 1\r\n}\n");
        assert_eq!(masker.values(), ["{\r\n  \"a\": 1\r\n}\n", "{", "\"a\": 1", "}"]);
        assert!(masker.hides_in("{}") && !masker.hides_in("[]"));
    }
}
