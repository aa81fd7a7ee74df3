//! How else a text can be read: escapes undone, folded lines joined; and where in the text each byte came from.
//!
//! Programs write one value in more ways than can be listed: which characters they escape differs, and upper or lower case. Undone,
//! all of them read the same.

use std::ops::Range;

use memchr::{memchr, memchr3};
use zeroize::Zeroizing;

/// Fewer bytes before a line break are no line that YAML folded: it does so at 80 columns.
const FOLDED: usize = 40;

/// Fewer digits before a line break are no line that was cut: MIME does so at 76, PEM at 64.
const CUT: usize = 32;

/// What a text's bytes stand for.
pub(super) struct Reading {
    bytes: Zeroizing<Vec<u8>>,
    /// In the order of the text.
    undone: Vec<Undone>,
}

/// A mark that was undone.
struct Undone {
    /// Where it stands in the text.
    mark: Range<usize>,
    /// Where its meaning stands in the reading; may be empty.
    meaning: Range<usize>,
}

impl Reading {
    /// `text` with every mark of this kind undone; `None` if there is none.
    pub(super) fn of(text: &[u8], undo: Undo) -> Option<Self> {
        let mut next = Some(undo.first_mark(text, 0)?);
        let mut reading = Self { bytes: Zeroizing::new(Vec::with_capacity(text.len())), undone: Vec::new() };
        let mut rest = 0;
        while let Some((mark, meaning)) = next {
            reading.bytes.extend_from_slice(&text[rest..mark.start]);
            let start = reading.bytes.len();
            reading.bytes.extend_from_slice(meaning.as_bytes());
            rest = mark.end;
            next = undo.first_mark(text, rest);
            reading.undone.push(Undone { mark, meaning: start..reading.bytes.len() });
        }
        reading.bytes.extend_from_slice(&text[rest..]);
        Some(reading)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The part of the text that these bytes, at least one, stand for.
    pub(super) fn origin(&self, bytes: Range<usize>) -> Range<usize> {
        self.origin_of(bytes.start).start..self.origin_of(bytes.end - 1).end
    }

    fn origin_of(&self, byte: usize) -> Range<usize> {
        let before = self.undone.partition_point(|undone| undone.meaning.start <= byte);
        match before.checked_sub(1).map(|last| &self.undone[last]) {
            None => byte..byte + 1,
            Some(undone) if undone.meaning.contains(&byte) => undone.mark.clone(),
            Some(undone) => {
                let at = undone.mark.end + (byte - undone.meaning.end);
                at..at + 1
            }
        }
    }
}

/// The parts of `text` that can be read in another way: lines with marks, together with those they are folded with.
pub(super) fn readable(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        while rest < text.len() {
            let (mut end, mut is_folded, begin) = (rest, false, rest);
            loop {
                match memchr(b'\n', &text[end..]) {
                    Some(length) => end += length + 1,
                    None => end = text.len(),
                }
                if end == text.len() || !Undo::FOLDS.iter().any(|undo| undo.fold(text, begin, end - 1).is_some()) {
                    break;
                }
                is_folded = true;
            }
            rest = end;
            if is_folded || memchr3(b'\\', b'%', b'&', &text[begin..end]).is_some() {
                return Some(begin..end);
            }
        }
        None
    })
}

/// A way to undo what a writer did to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// Escapes of JSON, YAML, Go, shells and the like: `\"`, `\n`, `\u00e4`, `\xe4`, `\303`.
    Backslashes,
    /// `%e4` and `%E4` of URLs.
    Percent,
    /// `&amp;`, `&#39;`, `&#x27;` of HTML and XML.
    Entities,
    /// Lines of base64 or hexadecimal digits, cut anywhere.
    Cut,
    /// Lines that YAML folds at a blank and indents.
    Folded,
}

/// A mark's place in the bytes of a reading, and what it stands for.
type Mark = (Range<usize>, Meaning);

impl Undo {
    pub(super) const ALL: [Self; 5] = [Self::Backslashes, Self::Percent, Self::Entities, Self::Cut, Self::Folded];
    const FOLDS: [Self; 2] = [Self::Cut, Self::Folded];

    /// The first mark that begins at or behind `from`.
    fn first_mark(self, bytes: &[u8], from: usize) -> Option<Mark> {
        let sign = match self {
            Self::Backslashes => b'\\',
            Self::Percent => b'%',
            Self::Entities => b'&',
            Self::Cut | Self::Folded => b'\n',
        };
        let mut at = from;
        loop {
            at += memchr(sign, &bytes[at..])?;
            let rest = &bytes[at..];
            let found = match self {
                Self::Backslashes => backslash(rest).map(|(length, meaning)| (at..at + length, meaning)),
                Self::Percent => percent(rest).map(|(length, meaning)| (at..at + length, meaning)),
                Self::Entities => entity(rest).map(|(length, meaning)| (at..at + length, meaning)),
                Self::Cut | Self::Folded => self.fold(bytes, from, at),
            };
            if found.is_some() {
                return found;
            }
            at += 1;
        }
    }

    /// The line break at `at` with the next line's indentation, if somebody may have put both in. Its line begins at `from` or later.
    fn fold(self, bytes: &[u8], from: usize, at: usize) -> Option<Mark> {
        let (line, next) = (&bytes[from..at], &bytes[at + 1..]);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let indentation = next.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let follows = *next.get(indentation)?;
        let is_so = match self {
            Self::Cut => is_digit(&follows) && line.len() >= CUT && line.iter().rev().take(CUT).all(is_digit),
            _ => {
                indentation > 0
                    && follows != b'\n'
                    && line.iter().rev().take(FOLDED).filter(|byte| **byte != b'\n').count() == FOLDED
            }
        };
        let end = at + 1 + indentation;
        // Between double quotes a break behind a backslash is no blank.
        match line.strip_suffix(b"\\") {
            Some(line) if is_so => Some((from + line.len()..end, Meaning::default())),
            _ if !is_so => None,
            _ if self == Self::Cut => Some((from + line.len()..end, Meaning::default())),
            _ => Some((from + line.len()..end, Meaning::byte(b' '))),
        }
    }
}

/// Of base64, of its URL-safe alphabet, or hexadecimal.
fn is_digit(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte)
}

/// What one mark stands for: nothing, a byte, or a character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Meaning {
    bytes: [u8; 4],
    length: usize,
}

impl Meaning {
    fn byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], length: 1 }
    }

    fn character(c: char) -> Self {
        let mut bytes = [0; 4];
        let length = c.encode_utf8(&mut bytes).len();
        Self { bytes, length }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The length and meaning of the escape that `rest` begins with.
fn backslash(rest: &[u8]) -> Option<(usize, Meaning)> {
    let simple = |c: char| Some((2, Meaning::character(c)));
    match rest.get(1)? {
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'v' => simple('\u{b}'),
        b'a' => simple('\u{7}'),
        b'e' => simple('\u{1b}'),
        // YAML's own.
        b'_' => simple('\u{a0}'),
        b'N' => simple('\u{85}'),
        b'L' => simple('\u{2028}'),
        b'P' => simple('\u{2029}'),
        b'u' => utf16(rest),
        b'U' => Some((10, Meaning::character(char::from_u32(number(rest.get(2..10)?, 16)?)?))),
        b'x' => hexadecimal(rest),
        b'0'..=b'3' => match rest.get(1..4).and_then(|digits| number(digits, 8)) {
            Some(byte) => Some((4, Meaning::byte(u8::try_from(byte).ok()?))),
            None if rest[1] == b'0' => simple('\0'),
            None => None,
        },
        byte if byte.is_ascii_punctuation() || *byte == b' ' => simple(char::from(*byte)),
        _ => None,
    }
}

/// `\u00e4`, or two of them for a character beyond U+FFFF.
fn utf16(rest: &[u8]) -> Option<(usize, Meaning)> {
    let unit = |at: usize| number(rest.get(at..at + 4)?, 16).and_then(|unit| u16::try_from(unit).ok());
    let first = unit(2)?;
    let second = if rest.get(6..8) == Some(b"\\u") { unit(8) } else { None };
    match char::decode_utf16([first]).next()? {
        Ok(c) => Some((6, Meaning::character(c))),
        Err(_) => Some((12, Meaning::character(char::decode_utf16([first, second?]).next()?.ok()?))),
    }
}

/// `\xc3\xa4` is UTF-8 as Go writes it, `\xe4` by itself the character of that number.
fn hexadecimal(rest: &[u8]) -> Option<(usize, Meaning)> {
    let byte = |at: usize| {
        let escape = rest.get(at..at + 4).filter(|escape| escape.starts_with(b"\\x"))?;
        u8::try_from(number(&escape[2..], 16)?).ok()
    };
    let mut meaning = Meaning::default();
    while let Some(next) = byte(meaning.length * 4).filter(|_| meaning.length < 4) {
        meaning.bytes[meaning.length] = next;
        meaning.length += 1;
        if str::from_utf8(meaning.as_bytes()).is_ok() {
            return Some((meaning.length * 4, meaning));
        }
    }
    Some((4, Meaning::character(byte(0)?.into())))
}

fn percent(rest: &[u8]) -> Option<(usize, Meaning)> {
    Some((3, Meaning::byte(u8::try_from(number(rest.get(1..3)?, 16)?).ok()?)))
}

fn entity(rest: &[u8]) -> Option<(usize, Meaning)> {
    const NAMED: [(&[u8], char); 6] =
        [(b"amp", '&'), (b"lt", '<'), (b"gt", '>'), (b"quot", '"'), (b"apos", '\''), (b"nbsp", '\u{a0}')];
    let length = rest.iter().take(12).position(|byte| *byte == b';')?;
    let name = &rest[1..length];
    let c = match name {
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        _ => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((length + 1, Meaning::character(c)))
}

/// The number that is written with these digits and nothing else.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let text = str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    u32::from_str_radix(text, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(text: &str, undo: Undo) -> String {
        match Reading::of(text.as_bytes(), undo) {
            Some(reading) => String::from_utf8_lossy(reading.bytes()).into_owned(),
            None => "as it is".to_owned(),
        }
    }

    #[test]
    fn escapes_of_many_languages_are_undone() {
        for (text, plain) in [
            (r#"a\"b\\c\/d\'e\$f\`g\ h"#, r#"a"b\c/d'e$f`g h"#),
            (r"a\nb\rc\td\be\ff\vg\ah\ei", "a\nb\rc\td\u{8}e\u{c}f\u{b}g\u{7}h\u{1b}i"),
            (r"\u00e4\u00E4\ud83e\udd80\U0001f980\u003c", "ää🦀🦀<"),
            (r"\xc3\xa4 \xe4\x41 \303\244 \0", "ä äA ä \0"),
            (r"\_\N\L\P", "\u{a0}\u{85}\u{2028}\u{2029}"),
            (r"\\u00e4", r"\u00e4"),
        ] {
            assert_eq!(undone(text, Undo::Backslashes), plain, "{text}");
        }
        for text in [r"\d", r"\u12", r"\ud83e", r"\x4", "\\", r"\U00ffffff", r"\u+123", r"\8"] {
            assert_eq!(undone(text, Undo::Backslashes), "as it is", "{text}");
        }
    }

    #[test]
    fn escapes_of_urls_and_pages_are_undone() {
        assert_eq!(undone("%e4%C3%A4%25%zz%4", Undo::Percent).replace('\u{fffd}', "?"), "?ä%%zz%4");
        assert_eq!(undone("&amp;&lt;&#39;&#x27;&#X1f980;&quot;&no;&", Undo::Entities), "&<''🦀\"&no;&");
        assert_eq!(undone("100% & more", Undo::Percent), "as it is");
        assert_eq!(undone("100% & more", Undo::Entities), "as it is");
    }

    #[test]
    fn folded_lines_are_joined() {
        let line = "QUJD".repeat(19);
        assert_eq!(
            undone(&format!("k: {line}\r\n  {line}\nQQ==\n\nx"), Undo::Cut),
            format!("k: {line}{line}QQ==\n\nx")
        );
        assert_eq!(undone("QUJD\nQUJD\n", Undo::Cut), "as it is");
        let words = "word ".repeat(17);
        let words = words.trim_end();
        assert_eq!(
            undone(&format!("a: {words}\n  and more\nb: c"), Undo::Folded),
            format!("a: {words} and more\nb: c")
        );
        assert_eq!(undone(&format!("a: \"{words}\\\n  \\ more\""), Undo::Folded), format!("a: \"{words}\\ more\""));
        assert_eq!(undone(&format!("{words}\nand more"), Undo::Folded), "as it is");
    }

    #[test]
    fn every_byte_knows_its_origin() {
        let text = r#"x "p\u00e4\"q" \n"#;
        let reading = Reading::of(text.as_bytes(), Undo::Backslashes).unwrap();
        for (meaning, origin) in [("x \"p", "x \"p"), ("pä\"q", r#"p\u00e4\"q"#), ("\n", r"\n"), ("q\" ", "q\" ")] {
            let at = str::from_utf8(reading.bytes()).unwrap().find(meaning).unwrap();
            assert_eq!(&text[reading.origin(at..at + meaning.len())], origin);
        }
    }

    #[test]
    fn only_lines_with_marks_are_read_again() {
        let long = "A".repeat(76);
        let text = format!("plain\na\\nb\nplain\n{long}\n{long}\nA=\n\n50%\n");
        let parts: Vec<&str> = readable(text.as_bytes()).map(|part| &text[part]).collect();
        assert_eq!(parts, ["a\\nb\n", &format!("{long}\n{long}\nA=\n"), "50%\n"]);
    }
}
