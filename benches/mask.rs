//! How fast text is redacted for 1,000 values, beside a plain copy of it and beside aho-corasick, which finds the same forms as
//! they stand only: `cargo bench --bench mask`. Prints megabytes a second on one core, the best of some rounds.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::time::Instant;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secret_patch::mask::Masker;
use secret_patch::secret::Secret;

const ROUNDS: usize = 5;
const BYTES: usize = 32 << 20;

/// What kubectl and the API server say.
const WORDS: [&str; 16] = [
    "Error from server (NotFound):",
    "secrets \"app\" not found",
    "I0101 12:00:00.123456",
    "request.go:697]",
    "Waited for 1.19s due to client-side throttling,",
    "https://127.0.0.1:6443/api/v1/namespaces/default/configmaps",
    "deployment.apps/web",
    "serverside-applied",
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\"}",
    "aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQ=",
    "is invalid:",
    "metadata.labels:",
    "must be no more than 63 characters",
    "map[string]interface {}",
    "\n",
    "\n",
];

fn main() {
    let mut random = Random(88_172_645_463_325_252);
    let values: Vec<String> = (0..1000).map(|_| random.value()).collect();
    let text = random.text(&WORDS);
    let escaped = random.text(&[&WORDS[..], &["{\\\"name\\\": \\\"app\\\"}"]].concat());

    let copied = speed(&text, |text| text.to_vec().len());
    println!("copied: {copied:.0} MB/s");
    for count in [10, 100, 1000] {
        let masker = Masker::new();
        values[..count].iter().for_each(|value| masker.add(&Secret::new(value.as_str())));
        let began = Instant::now();
        black_box(masker.redact("first"));
        let ready = began.elapsed();
        let whole = speed(&text, |text| masker.redact_bytes(text).as_str().len());
        let streamed = speed(&text, |text| {
            let mut redactor = masker.stream();
            let shown: usize = text.chunks(8192).map(|piece| redactor.push(piece).as_str().len()).sum();
            shown + redactor.finish().as_str().len()
        });
        let with_escapes = speed(&escaped, |text| masker.redact_bytes(text).as_str().len());
        println!(
            "redacted for {count} values: {whole:.0} MB/s whole, {streamed:.0} MB/s in pieces, {with_escapes:.0} MB/s \
             with escapes in every line; ready in {ready:.0?}"
        );
    }
    for (name, kind) in [("DFA", AhoCorasickKind::DFA), ("contiguous NFA", AhoCorasickKind::ContiguousNFA)] {
        let began = Instant::now();
        let automaton = AhoCorasick::builder().kind(Some(kind)).build(forms(&values)).expect("an automaton");
        let ready = began.elapsed();
        let found = speed(&text, |text| automaton.find_overlapping_iter(text).count());
        println!("aho-corasick's {name} for 1000 values: {found:.0} MB/s, ready in {ready:.0?}");
    }
}

/// Megabytes of `text` a second, at best.
fn speed(text: &[u8], work: impl Fn(&[u8]) -> usize) -> f64 {
    let round = |_| {
        let began = Instant::now();
        black_box(work(black_box(text)));
        text.len() as f64 / began.elapsed().as_secs_f64() / 1e6
    };
    (0..ROUNDS).map(round).fold(0.0, f64::max)
}

/// A value, its base64 at three alignments, hexadecimal in both cases: the first 32 bytes of each, or the automaton takes a second.
fn forms(values: &[String]) -> Vec<Vec<u8>> {
    let forms = values.iter().flat_map(|value| {
        let cores = (0..3_usize).map(|offset| {
            let bytes = [&vec![0; offset], value.as_bytes()].concat();
            STANDARD_NO_PAD.encode(&bytes)[(offset * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned()
        });
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        cores.chain([value.clone(), hex.to_uppercase(), hex]).collect::<Vec<_>>()
    });
    forms.map(|form| form.as_bytes()[..form.len().min(32)].to_vec()).collect()
}

/// Xorshift: the same texts in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).expect("below")
    }

    fn value(&mut self) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_!";
        let length = 16 + self.below(24);
        (0..length).map(|_| char::from(LETTERS[self.below(LETTERS.len())])).collect()
    }

    fn text(&mut self, words: &[&str]) -> Vec<u8> {
        let mut text = String::with_capacity(BYTES + 100);
        while text.len() < BYTES {
            if !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(words[self.below(words.len())]);
        }
        text.into_bytes()
    }
}
