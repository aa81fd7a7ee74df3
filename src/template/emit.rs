//! How a filled scalar is written, so that every YAML reader reads back exactly its text.

use std::fmt::Write as _;

use saphyr_parser::ScalarStyle;

use super::document::Scalar;

/// A filled scalar that is to be written.
pub(super) struct Filling<'a> {
    pub(super) scalar: &'a Scalar,
    /// The scalar's source text in the template.
    pub(super) source: &'a str,
    /// What a reader must read.
    pub(super) text: &'a str,
    /// The source text of each placeholder with what it is filled with.
    pub(super) replaced: &'a [(String, String)],
    /// The scalar stands where a number or boolean may be meant, and is one plain placeholder.
    pub(super) may_be_typed: bool,
}

/// The source text that takes the scalar's place.
pub(super) fn emit(filling: &Filling<'_>) -> String {
    let Filling { scalar, source, text, .. } = filling;
    match scalar.style {
        ScalarStyle::Literal => literal(scalar, source, text).unwrap_or_else(|| quoted_block(source, text)),
        ScalarStyle::Folded => folded(filling).unwrap_or_else(|| quoted_block(source, text)),
        ScalarStyle::Plain if filling.may_be_typed => typed(text).unwrap_or_else(|| quoted(text)),
        _ => quoted(text),
    }
}

/// A double-quoted scalar in the place of one of any style.
pub(super) fn quoted_like(scalar: &Scalar, source: &str, text: &str) -> String {
    match scalar.style {
        ScalarStyle::Literal | ScalarStyle::Folded => quoted_block(source, text),
        _ => quoted(text),
    }
}

/// A double-quoted scalar that JSON, YAML 1.1 and YAML 1.2 read alike.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_printable(character) => out.push(character),
            // Everything unprintable lies in the basic plane, so that four digits are enough.
            _ => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
        }
    }
    out.push('"');
    out
}

/// Whether both YAML versions take the character as it is, and neither as a line break.
pub(super) fn is_printable(character: char) -> bool {
    !matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// `true`, `false` or a JSON number as a plain scalar, in the form in which both YAML versions read the same value;
/// `None` where no reader with 64 bits could hold the number.
fn typed(text: &str) -> Option<String> {
    if matches!(text, "true" | "false") {
        return Some(text.to_owned());
    }
    let number = Number::parse(text)?;
    match (number.fraction, number.exponent) {
        (None, None) => (text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()).then(|| text.to_owned()),
        (fraction, exponent) => {
            let digits = number.integer.trim_start_matches('-').len() + fraction.map_or(0, str::len);
            let value: f64 = text.parse().ok()?;
            let exact = digits <= 15 && value.is_finite() && (value != 0.0 || exponent.is_none());
            exact.then(|| format!("{}.{}{}", number.integer, fraction.unwrap_or("0"), exponent_with_sign(exponent)))
        }
    }
}

/// YAML 1.1 wants a sign: `1e3` is a string there, `1.0e+3` a number everywhere.
fn exponent_with_sign(exponent: Option<&str>) -> String {
    match exponent {
        None => String::new(),
        Some(exponent) if exponent.starts_with(['+', '-']) => format!("e{exponent}"),
        Some(exponent) => format!("e+{exponent}"),
    }
}

/// A number by JSON's grammar (RFC 8259), in its parts.
pub(super) struct Number<'a> {
    integer: &'a str,
    fraction: Option<&'a str>,
    exponent: Option<&'a str>,
}

impl<'a> Number<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let (integer, fraction) = match mantissa.split_once('.') {
            Some((integer, fraction)) => (integer, Some(fraction)),
            None => (mantissa, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let whole = integer.strip_prefix('-').unwrap_or(integer);
        let valid = digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
        valid.then_some(Self { integer, fraction, exponent })
    }
}

/// A block scalar's source in its parts.
struct Block<'a> {
    /// `|2- # comment`, without its line break.
    header: &'a str,
    line_break: &'a str,
    /// From the first content line to the last that is not blank, without its line break.
    body: &'a str,
    /// The last line break and the blank lines behind it.
    tail: &'a str,
}

impl<'a> Block<'a> {
    fn parse(source: &'a str) -> Option<Self> {
        let newline = source.find('\n')?;
        let header = source.get(..newline)?;
        let (header, line_break) = header.strip_suffix('\r').map_or((header, "\n"), |header| (header, "\r\n"));
        let content = source.get(newline + 1..)?;
        let end = content.trim_end_matches([' ', '\t', '\r', '\n']).len();
        let end = content.get(end..)?.find(['\r', '\n']).map_or(content.len(), |rest| end + rest);
        Some(Self { header, line_break, body: content.get(..end)?, tail: content.get(end..)? })
    }

    /// Blanks before each content line, given what a reader makes of the block.
    fn indentation(&self, text: &str) -> Option<usize> {
        let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let source_line = self.body.lines().find(|line| !line.trim().is_empty())?;
        let read_line = text.lines().find(|line| !line.trim().is_empty())?;
        blanks(source_line).checked_sub(blanks(read_line)).filter(|indentation| *indentation > 0)
    }

    fn comment(&self) -> &'a str {
        self.header.find('#').and_then(|at| self.header.get(at..)).unwrap_or_default()
    }
}

/// A literal block again, where the filled text fits into one with the same header.
fn literal(scalar: &Scalar, source: &str, text: &str) -> Option<String> {
    let block = Block::parse(source)?;
    let indentation = block.indentation(&scalar.text)?;
    let body = text.trim_end_matches('\n');
    let same_tail = text.len() - body.len() == scalar.text.len() - scalar.text.trim_end_matches('\n').len();
    let first = body.lines().find(|line| !line.is_empty())?;
    let has_indicator = block.header.get(1..).unwrap_or_default().starts_with(|c: char| c.is_ascii_digit())
        || block.header.get(2..).unwrap_or_default().starts_with(|c: char| c.is_ascii_digit());
    let fits = same_tail
        && body.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
        && !first.starts_with('\t')
        && (has_indicator || !first.starts_with(' '))
        && body.split('\n').all(|line| line.is_empty() || !line.trim().is_empty());
    if !fits {
        return None;
    }
    let lines: Vec<String> = body
        .split('\n')
        .map(|line| if line.is_empty() { String::new() } else { format!("{:indentation$}{line}", "") })
        .collect();
    Some(format!("{}{}{}{}", block.header, block.line_break, lines.join(block.line_break), block.tail))
}

/// A folded block again, where nothing that is filled in could be folded or would start a line of its own.
fn folded(filling: &Filling<'_>) -> Option<String> {
    let block = Block::parse(filling.source)?;
    let mut body = block.body.to_owned();
    for (placeholder, value) in filling.replaced {
        let fits = !value.is_empty() && value.chars().all(|c| !c.is_whitespace() && is_printable(c));
        if !fits || !body.contains(placeholder.as_str()) {
            return None;
        }
    }
    body = replace_in_order(&body, filling.replaced)?;
    Some(format!("{}{}{body}{}", block.header, block.line_break, block.tail))
}

/// Replaces each placeholder once, in order, never looking into what was put in.
fn replace_in_order(body: &str, replaced: &[(String, String)]) -> Option<String> {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    for (placeholder, value) in replaced {
        let (before, after) = rest.split_once(placeholder.as_str())?;
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// A double-quoted scalar in a block's place, its comment and the blank lines behind it kept.
fn quoted_block(source: &str, text: &str) -> String {
    let Some(block) = Block::parse(source) else { return quoted(text) };
    let comment = block.comment();
    let blank = if comment.is_empty() { "" } else { " " };
    format!("{}{blank}{comment}{}", quoted(text), block.tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_escapes_what_any_reader_would_change() {
        assert_eq!(
            quoted("a\"b\\c\n\r\t\u{0}\u{85}\u{2028}\u{feff}é😀 # : "),
            r#""a\"b\\c\n\r\t\u0000\u0085\u2028\ufeffé😀 # : ""#
        );
    }

    #[test]
    fn only_what_every_reader_takes_for_the_same_number_is_plain() {
        for (text, expected) in [
            ("3", Some("3")),
            ("-0", Some("-0")),
            ("true", Some("true")),
            ("1.10", Some("1.10")),
            ("1e3", Some("1.0e+3")),
            ("-2.5E-7", Some("-2.5e-7")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("18446744073709551616", None),
            ("0.12345678901234567890", None),
            ("1e999", None),
            ("007", None),
            ("+1", None),
            ("0x1F", None),
            ("1_000", None),
            ("True", None),
            ("null", None),
            (".5", None),
            ("5.", None),
            ("", None),
        ] {
            assert_eq!(typed(text).as_deref(), expected, "{text}");
        }
    }
}
