//! Server messages without what they echo: field paths and reasons stay, values go.

/// What stands in the place of an echoed value.
const GONE: &str = "…";
/// The most characters of a message that are worth reading.
const LONGEST: usize = 600;

/// How far an echo reaches from its marker.
#[derive(Clone, Copy)]
enum Extent {
    /// One value as Go prints it: a quoted text, JSON, a struct.
    Value,
    /// To the end of the line.
    Line,
    /// To the end of the text.
    Text,
    /// Nothing: what follows is the server's own.
    Nothing,
}

/// What comes before an echo, as seen from API servers 1.35 and 1.36, kubectl 1.37 and kustomize 5.8.
const MARKERS: [(&str, Extent); 20] = [
    ("Invalid value: ", Extent::Value),
    ("Unsupported value: ", Extent::Value),
    ("Duplicate value: ", Extent::Value),
    ("Not found: ", Extent::Value),
    (", got &", Extent::Line),
    (" is missing in '", Extent::Text),
    // What answered instead of an API server may quote the request, and client-go cuts it after 2 KiB.
    ("an error on the server (", Extent::Text),
    ("denied request: ", Extent::Text),
    ("denied the request: ", Extent::Text),
    ("node contents:", Extent::Text),
    ("error found in #", Extent::Text),
    ("\n@@ ", Extent::Text),
    ("map[string]interface {}", Extent::Value),
    ("map[interface {}]interface {}", Extent::Value),
    ("cannot decode !!", Extent::Line),
    ("cannot unmarshal number ", Extent::Line),
    ("unknown anchor ", Extent::Line),
    ("parsing ", Extent::Value),
    ("supported values: ", Extent::Nothing),
    // `must be of type date-time: "…"`
    (": \"", Extent::Value),
];

/// One line of `text` without echoed values, control characters, and the examples of the server's naming rules.
pub(super) fn cut(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(LONGEST));
    let mut rest = text;
    while let Some((at, marker, extent)) = first_marker(rest) {
        // A quote that ends a marker belongs to the value.
        let after = at + marker.trim_end_matches('"').len();
        kept.push_str(&rest[..after]);
        rest = &rest[after..];
        if !matches!(extent, Extent::Nothing) {
            kept.push_str(GONE);
        }
        rest = match extent {
            Extent::Nothing => rest,
            Extent::Value => &rest[value_end(rest)..],
            Extent::Line => rest.find('\n').map_or("", |end| &rest[end..]),
            Extent::Text => "",
        };
    }
    kept.push_str(rest);
    shortened(&one_line(&without_examples(&kept)))
}

fn first_marker(text: &str) -> Option<(usize, &'static str, Extent)> {
    MARKERS
        .iter()
        .filter_map(|&(marker, extent)| Some((text.find(marker)?, marker, extent)))
        .min_by_key(|&(at, marker, _)| (at, std::cmp::Reverse(marker.len())))
}

/// Where the value that `text` starts with ends: before `: ` or a line's end outside of quotes and brackets; in doubt, at the
/// end of the text.
fn value_end(text: &str) -> usize {
    if is_prose(text) {
        return text.find('\n').unwrap_or(text.len());
    }
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '"' | '`' => quote = Some(c),
                '{' | '[' | '(' => depth += 1,
                '}' | ']' | ')' => depth = depth.saturating_sub(1),
                '\n' if depth == 0 => return at,
                ':' if depth == 0 && text[at..].starts_with(": ") => return at,
                _ => {}
            },
        }
    }
    text.len()
}

/// The words of a rule's author (`spec: Invalid value: m is …`), which may quote anything anywhere.
fn is_prose(text: &str) -> bool {
    let word = text.split([' ', ':', ',', '\n']).next().unwrap_or_default();
    let plain =
        !word.contains(['{', '[', '(', '"', '`']) && word.starts_with(|c: char| !c.is_ascii_digit() && c != '-');
    plain && !matches!(word, "null" | "true" | "false" | "<nil>")
}

/// `(e.g. 'example.com', regex used for validation is '…')` helps nobody who reads the rule before it.
fn without_examples(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(" (e.g. ") {
        let Some(end) = rest[start..].find("')") else { break };
        kept.push_str(&rest[..start]);
        rest = &rest[start + end + 2..];
    }
    kept.push_str(rest);
    kept
}

/// Findings of a list (`* a`, `- a`) side by side, everything else with a blank for each line break and control character.
pub(super) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut joined = String::with_capacity(text.len());
    for line in lines {
        let item = line.strip_prefix("* ").or_else(|| line.strip_prefix("- "));
        let follows = joined.is_empty() || joined.ends_with(':');
        joined.push_str(match (item.is_some(), joined.is_empty(), follows) {
            (_, true, _) => "",
            (true, false, false) => "; ",
            _ => " ",
        });
        joined.push_str(item.unwrap_or(line));
    }
    joined.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}{GONE}", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoed_values_go_and_reasons_stay() {
        for (text, expected) in [
            (
                r#"metadata.labels: Invalid value: "HUSH it \"q\" , : now": a valid label must be"#,
                "metadata.labels: Invalid value: …: a valid label must be",
            ),
            (
                r#"spec.selector: Invalid value: {"matchLabels":{"app":"HUSH: } x"}}: field is immutable"#,
                "spec.selector: Invalid value: …: field is immutable",
            ),
            (
                r#"a: Invalid value: core.PodSpec{A:"HUSH: x", B:[]string{"HUSH"}}: field is immutable"#,
                "a: Invalid value: …: field is immutable",
            ),
            (
                r#"spec.e: Unsupported value: "HUSH": supported values: "a", "b""#,
                r#"spec.e: Unsupported value: …: supported values: "a", "b""#,
            ),
            (
                r#".A: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"user":"HUSH"}}"#,
                ".A: expected string, got &…",
            ),
            (
                ".spec.replicas: expected numeric (int or float), got string",
                ".spec.replicas: expected numeric (int or float), got string",
            ),
            (
                r#"unable to decode "STDIN": Object 'Kind' is missing in '{"data":{"A":"HUSH's"}}'"#,
                r#"unable to decode "STDIN": Object 'Kind' is missing in '…"#,
            ),
            (
                "wrong node kind: expected ScalarNode but got MappingNode: node contents:\n{\"password\": \"HUSH\"}",
                "wrong node kind: expected ScalarNode but got MappingNode: node contents:…",
            ),
            (
                r#"map[string]interface {}{"apiVersion":"v1", "stringData":map[string]interface {}{"A":+Inf, "B":"HUSH"}}: json: unsupported value: +Inf"#,
                "map[string]interface {}…: json: unsupported value: +Inf",
            ),
            (
                "map[string]interface {}(nil): yaml: cannot decode !!str `HUSH` as a !!int",
                "map[string]interface {}…: yaml: cannot decode !!…",
            ),
            (
                r#"spec.d: Invalid value: "HUSHd": spec.d in body must be of type date-time: "HUSHd""#,
                "spec.d: Invalid value: …: spec.d in body must be of type date-time: …",
            ),
            ("spec: Invalid value: m is: HUSH", "spec: Invalid value: …"),
            (
                "spec.n: Invalid value: 77777: should be less, <nil>: Invalid value: null: not checked",
                "spec.n: Invalid value: …: should be less, <nil>: Invalid value: …: not checked",
            ),
            (
                r#"Internal error occurred: failed to call webhook: an error on the server ("{\"data\": {\"A\": \"HUSH") has prevented the request from succeeding"#,
                "Internal error occurred: failed to call webhook: an error on the server (…",
            ),
            ("unknown anchor 'HUSH' referenced", "unknown anchor …"),
            (r#"strconv.Atoi: parsing "HUSH": invalid syntax"#, "strconv.Atoi: parsing …: invalid syntax"),
            (r#"an unclosed Invalid value: "HUSH"#, "an unclosed Invalid value: …"),
            (
                "spec: Forbidden: spec is immutable\n@@ -1,6 +1,6 @@\n {\n-  \"HUSH\"",
                "spec: Forbidden: spec is immutable @@ …",
            ),
        ] {
            assert_eq!(cut(text), expected);
        }
    }

    #[test]
    fn several_findings_stand_side_by_side_without_examples() {
        let text = "is invalid: \n* a: Invalid value: \"x\": must be a name (e.g. 'a',  or 'b', regex used for validation is '[a-z](b)?')\n* b: Required value\u{1b}[2J";
        assert_eq!(cut(text), "is invalid: a: Invalid value: …: must be a name; b: Required value [2J");
    }

    #[test]
    fn a_long_message_ends_somewhere() {
        assert_eq!(cut(&"ü".repeat(10_000)).chars().count(), LONGEST + 1);
    }
}
