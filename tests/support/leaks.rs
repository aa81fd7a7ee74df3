//! The search for values in everything that a run leaves behind: streams, the runner's files, files on disk, its children.
//!
//! Every [`Run::run`] is searched, for every value that the test gives it, first as it is and then as the runner shows it.
//! What is meant to be seen is told by `--nonsensitive`, `--output -` and [`Run::showing`].

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Shorter values and forms stand in a log by chance.
pub const SHORTEST: usize = 8;

/// Every way in which a canary could stand in a text, worked out apart from the product.
pub fn forms(canary: &str) -> Vec<String> {
    let lines = canary.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
    let mut forms: Vec<String> = lines.chain([canary, canary.trim()]).flat_map(spellings).collect();
    for inner in spellings(canary.trim()) {
        forms.extend(encodings(&inner));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// With what JSON, YAML, shells, pages and URLs do to some characters.
fn spellings(text: &str) -> Vec<String> {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let inner = |text: &str| text[1..text.len() - 1].to_owned();
    let escaped = |text: &str, is_plain: fn(char) -> bool| -> String {
        let unit = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
        text.chars().map(|c| if is_plain(c) { c.to_string() } else { unit(c) }).collect()
    };
    let once = inner(&json(text));
    let entities = |text: &str, quotes: [&str; 2]| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', quotes[0])
            .replace('\'', quotes[1])
    };
    let percent = |upper: bool, blank: &str| -> String {
        let byte = |byte: u8| match byte {
            b' ' => blank.to_owned(),
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
            _ if upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        };
        text.bytes().map(byte).collect()
    };
    vec![
        text.to_owned(),
        escaped(&once, |c| !"<>&\u{2028}\u{2029}".contains(c)),
        escaped(&once, |c| c.is_ascii()),
        escaped(&once, |c| c.is_ascii()).replace("\\u00", "\\x"),
        inner(&json(&json(text))),
        once,
        text.replace('\'', "''"),
        text.replace('\'', r"'\''"),
        text.replace(['\\', '"', '$', '`'], "\\$0"),
        entities(text, ["&quot;", "&#39;"]),
        entities(text, ["&#34;", "&#39;"]),
        entities(text, ["&quot;", "&apos;"]),
        percent(true, "%20"),
        percent(false, "%20"),
        percent(true, "+"),
        percent(false, "+"),
    ]
}

/// Base64 of any text that holds this one, and hexadecimal.
fn encodings(text: &str) -> Vec<String> {
    let mut all = vec![
        text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        text.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ];
    for before in 0..3 {
        let whole = [vec![b'x'; before], text.as_bytes().to_vec()].concat();
        let (first, last) = ((before * 8).div_ceil(6), whole.len() * 8 / 6);
        all.extend([STANDARD.encode(&whole), URL_SAFE.encode(&whole)].map(|encoded| encoded[first..last].to_owned()));
    }
    all
}

/// A leak fails without showing the value.
#[track_caller]
pub fn assert_no_leak(sink: &str, bytes: &[u8], canaries: &[&str]) {
    assert_eq!(Search::new(canaries).leak(sink, bytes), None);
}

/// All forms of some canaries.
pub struct Search {
    /// Sought in a text as it is.
    whole: Forms,
    /// Without blanks, sought in a text without them.
    joined: Forms,
}

/// Forms by what they begin with: a text is gone through once, however many there are.
#[derive(Default)]
struct Forms {
    /// Which pairs of bytes one begins with; empty where there is no form.
    pairs: Vec<bool>,
    /// With the numbers of canary and form.
    by_start: HashMap<[u8; SHORTEST], Vec<(String, usize, usize)>>,
}

impl Forms {
    fn add(&mut self, form: &str, canary: usize, number: usize) {
        let start = form.as_bytes().first_chunk().expect("at least the shortest");
        self.pairs.resize(1 << 16, false);
        self.pairs[pair(start)] = true;
        self.by_start.entry(*start).or_default().push((form.to_owned(), canary, number));
    }

    /// The numbers of canary and form of the first that stands in `text`.
    fn find(&self, text: &[u8]) -> Option<(usize, usize)> {
        if self.pairs.is_empty() {
            return None;
        }
        text.windows(SHORTEST).enumerate().find_map(|(at, start)| {
            let forms = self.pairs[pair(start)].then(|| self.by_start.get(start)).flatten()?;
            let (_, canary, number) = forms.iter().find(|(form, ..)| text[at..].starts_with(form.as_bytes()))?;
            Some((*canary, *number))
        })
    }
}

fn pair(text: &[u8]) -> usize {
    usize::from(text[0]) << 8 | usize::from(text[1])
}

impl Search {
    pub fn new(canaries: &[&str]) -> Self {
        let (mut whole, mut joined) = (Forms::default(), Forms::default());
        for (canary, text) in canaries.iter().enumerate() {
            for (number, form) in ends(text).into_iter().flat_map(forms).enumerate() {
                whole.add(&form, canary, number);
                let form = without_blanks(&form);
                if form.len() >= 2 * SHORTEST {
                    joined.add(&form, canary, number);
                }
            }
        }
        Self { whole, joined }
    }

    /// Says which canary stands in `bytes`, and how, if one does.
    pub fn leak(&self, sink: &str, bytes: &[u8]) -> Option<String> {
        let sunk = String::from_utf8_lossy(bytes);
        // Folded or wrapped, a form has white space in it.
        let mut joined = vec![without_blanks(&sunk)];
        joined.extend(
            ["\\n", "\\\n"]
                .iter()
                .filter(|fold| sunk.contains(**fold))
                .map(|fold| without_blanks(&sunk.replace(fold, ""))),
        );
        let found = self.whole.find(bytes).or_else(|| joined.iter().find_map(|text| self.joined.find(text.as_bytes())));
        found.map(|(canary, form)| format!("canary {canary} leaked into {sink} in form {form}"))
    }
}

/// Of a long canary its ends, since whoever shows it shows these, and how it begins: that is left where a server cuts it.
fn ends(canary: &str) -> Vec<&str> {
    const END: usize = 256;
    const START: usize = 24;
    let length = canary.chars().count();
    let mut ends = if length <= 8 * END {
        vec![canary]
    } else {
        vec![first(END, canary), &canary[first(length - END, canary).len()..]]
    };
    let is_armour = |line: &&str| line.starts_with("-----");
    let armour: usize = canary.split_inclusive('\n').take_while(is_armour).map(str::len).sum();
    ends.extend((length > 2 * START).then(|| first(START, &canary[armour..])));
    ends
}

fn first(many: usize, text: &str) -> &str {
    &text[..text.char_indices().nth(many).map_or(text.len(), |(end, _)| end)]
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
