//! The eleven forms of a value that are masked beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Makes one form of a value; empty means that there is none.
pub type Encoder = fn(&str) -> String;

/// Name and function of every encoder. Lengths in them are in UTF-16 units, as everywhere in .NET.
pub const ENCODERS: [(&str, Encoder); 11] = [
    ("Base64StringEscape", |value| STANDARD.encode(value)),
    ("Base64StringEscapeShift1", |value| base64_without(value, 1)),
    ("Base64StringEscapeShift2", |value| base64_without(value, 2)),
    ("CommandLineArgumentEscape", |value| value.replace('"', "\\\"")),
    ("ExpressionStringEscape", |value| value.replace('\'', "''")),
    ("JsonStringEscape", json),
    ("UriDataEscape", uri),
    ("XmlDataEscape", xml),
    ("TrimDoubleQuotes", trim_double_quotes),
    ("PowerShellPreAmpersandEscape", before_ampersand),
    ("PowerShellPostAmpersandEscape", after_ampersand),
];

/// The last characters of a PowerShell command are masked from this length on.
const SHORTEST_PIECE: usize = 6;

/// Base64 where one or two bytes stand before the value's own: of a value that is too short, of all of it.
fn base64_without(value: &str, first: usize) -> String {
    let bytes = value.as_bytes();
    STANDARD.encode(if bytes.len() > first { &bytes[first..] } else { bytes })
}

/// A JSON string without its quotes: control characters and the line ends of Unicode are escaped, other text is not.
fn json(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{c}' => text.push_str("\\f"),
            '\u{8}' => text.push_str("\\b"),
            '\0'..' ' | '\u{85}' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => text.push(c),
        }
    }
    text
}

/// Percent signs and upper-case hexadecimal for all but RFC 3986's unreserved characters.
fn uri(value: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(escape).collect()
}

fn xml(value: &str) -> String {
    let escapes = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&apos;")];
    escapes.iter().fold(value.to_owned(), |text, (plain, escape)| text.replace(*plain, escape))
}

fn trim_double_quotes(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.filter(|_| utf16_len(value) > 8).unwrap_or_default().to_owned()
}

/// PowerShell colours what follows the last `&`, or one letter after the first `&+`.
fn before_ampersand(value: &str) -> String {
    let end = value.find("&+").map(|at| at + 2).or_else(|| value.rfind('&').map(|at| at + 1));
    piece(&value[..end.unwrap_or(0)])
}

fn after_ampersand(value: &str) -> String {
    let rest = match (value.split_once("&+"), value.rsplit_once('&')) {
        (Some((_, rest)), _) => rest.get(rest.chars().next().map_or(0, char::len_utf8)..),
        (None, Some((_, rest))) => Some(rest),
        (None, None) => None,
    };
    piece(rest.unwrap_or_default())
}

fn piece(text: &str) -> String {
    if utf16_len(text) >= SHORTEST_PIECE { text.to_owned() } else { String::new() }
}

fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(name: &str, value: &str) -> String {
        ENCODERS.iter().find(|(known, _)| *known == name).unwrap().1(value)
    }

    #[test]
    fn base64_keeps_its_padding_and_starts_at_every_byte() {
        assert_eq!(encoded("Base64StringEscape", "{"), "ew==");
        assert_eq!(encoded("Base64StringEscape", "ä"), "w6Q=");
        assert_eq!(encoded("Base64StringEscapeShift1", "ä"), "pA==");
        assert_eq!(encoded("Base64StringEscapeShift2", "ä"), "w6Q=");
        assert_eq!(encoded("Base64StringEscapeShift2", "abc"), "Yw==");
    }

    #[test]
    fn json_escapes_quotes_controls_and_line_ends_only() {
        assert_eq!(
            encoded("JsonStringEscape", "a\"\\\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}"),
            "a\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u001f\u{7f}"
        );
        assert_eq!(encoded("JsonStringEscape", "é<>&/'\u{85}\u{2028}\u{2029}"), "é<>&/'\\u0085\\u2028\\u2029");
    }

    #[test]
    fn the_other_forms_are_as_documented() {
        assert_eq!(encoded("UriDataEscape", "aZ09-_.~ é+/!*'()"), "aZ09-_.~%20%C3%A9%2B%2F%21%2A%27%28%29");
        assert_eq!(encoded("XmlDataEscape", "<&>\"'"), "&lt;&amp;&gt;&quot;&apos;");
        assert_eq!(encoded("CommandLineArgumentEscape", "a\"b\\"), "a\\\"b\\");
        assert_eq!(encoded("ExpressionStringEscape", "a'b"), "a''b");
        assert_eq!(encoded("TrimDoubleQuotes", "\"1234567\""), "1234567");
        assert_eq!(encoded("TrimDoubleQuotes", "\"123456\""), "");
        assert_eq!(encoded("TrimDoubleQuotes", "\"12345678"), "");
    }

    #[test]
    fn pieces_around_ampersands_have_six_units() {
        let pieces =
            |value| (encoded("PowerShellPreAmpersandEscape", value), encoded("PowerShellPostAmpersandEscape", value));
        assert_eq!(pieces("12345&1234"), ("12345&".into(), String::new()));
        assert_eq!(pieces("1234&123456"), (String::new(), "123456".into()));
        assert_eq!(pieces("a&b&cdefgh"), (String::new(), "cdefgh".into()));
        assert_eq!(pieces("a&+😀cdefg&"), (String::new(), "cdefg&".into()));
        assert_eq!(pieces("nothing"), (String::new(), String::new()));
        assert_eq!(pieces("1234😀&"), ("1234😀&".into(), String::new()));
    }
}
