//! Texts with much of what commands and files treat in a special way.

use fastrand::Rng;

const PIECES: [&str; 40] = [
    "%",
    "%25",
    "%0A",
    "%0D",
    "%3A",
    "\n",
    "\r",
    "\r\n",
    ":",
    "::",
    ",",
    "=",
    "==",
    "<<",
    "##[",
    "]",
    ";",
    " ",
    "\t",
    "\"",
    "'",
    "\\",
    "&",
    "<",
    "é",
    "😀",
    "\u{a0}",
    "\u{feff}",
    "\u{2028}",
    "\u{200b}",
    "\u{85}",
    "***",
    "error",
    "::debug::",
    "stop-commands",
    "ghadelimiter_",
    "EOF",
    "a",
    "secret",
    "{\n  \"a\": 1\n}\n",
];

/// How many calls of a kind are tried.
pub(crate) const ROUNDS: usize = 300;

/// The generator of this run; `what` keeps those of several tests apart.
pub(crate) fn rng(what: u64) -> Rng {
    let seed = match std::env::var("RUNNER_SEED") {
        Ok(seed) => seed.parse().expect("RUNNER_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("RUNNER_SEED={seed}");
    Rng::with_seed(seed.wrapping_add(what))
}

/// Text of up to twelve pieces; every eighth is long.
pub(crate) fn text(rng: &mut Rng) -> String {
    let most = if rng.u8(..8) == 0 { 2000 } else { 12 };
    (0..rng.usize(..=most)).map(|_| PIECES[rng.usize(..PIECES.len())]).collect()
}

/// Text in one line that is not empty.
pub(crate) fn line(rng: &mut Rng) -> String {
    format!("{}x", text(rng).replace(['\n', '\r'], ""))
}

/// A name as outputs have it.
pub(crate) fn name(rng: &mut Rng) -> String {
    let letters = [rng.alphabetic(), rng.alphanumeric(), ['-', '_', '.'][rng.usize(..3)], rng.alphanumeric()];
    letters.iter().collect()
}
