//! Any bytes at each door of `fuzz/`, in every run of the tests.
#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "each door is called by its name in the list; a test reads files and fails by panicking"
)]

#[path = "../fuzz/doors.rs"]
mod doors;

use proptest::prelude::*;

/// What makes a parser turn: of YAML, of env files, of kubeconfigs, of commands.
const PIECES: [&str; 48] = [
    "${A}",
    "${B:-x}",
    "${C:?m}",
    "${D@json}",
    "${E@base64}",
    "$${",
    "${",
    "}",
    "a: ",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "#",
    " #",
    "&a ",
    "*a",
    "!!binary ",
    "---\n",
    "...\n",
    "%",
    "\\",
    "\\n",
    "\\u0041",
    "kind: Secret\n",
    "data:\n",
    "stringData:\n",
    "A=",
    "export B=",
    "=",
    "::",
    "::error::",
    "::stop-commands::x\n",
    "##[",
    "##[error]",
    "\r",
    "\u{feff}",
    "\u{85}",
    "\u{a0}",
    "https://127.0.0.1:6443",
    "token",
    "<<D\n",
    "-----BEGIN ",
    "\0",
];

/// What one reader counts as a character, a blank or a line end, and another does not; and what writers make of such.
const TRAPS: [&str; 56] = [
    "\u{301}",
    "\u{20dd}",
    "\u{483}",
    "\u{903}",
    "\u{e0100}",
    "\u{200b}",
    "\u{200d}",
    "\u{200f}",
    "\u{202e}",
    "\u{2060}",
    "\u{2066}",
    "\u{ad}",
    "\u{61c}",
    "\u{180e}",
    "\u{e0001}",
    "\u{fffe}",
    "\u{fffd}",
    "\u{feff}",
    "\u{0}",
    "\u{7}",
    "\u{8}",
    "\u{b}",
    "\u{c}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{1680}",
    "\u{2028}",
    "\u{2029}",
    "\u{3000}",
    "\u{1f468}\u{200d}\u{1f469}",
    "\u{1f1e9}\u{1f1ea}",
    "\u{1f3fd}",
    "\u{ac00}\u{11a8}",
    "\u{1100}",
    "\u{0e33}",
    "\u{0600}",
    "\u{d7ff}\u{e000}",
    "ß",
    "ı",
    "\u{fb01}",
    "\r\n",
    "\t",
    "%0A",
    "%0D",
    "%25",
    "%3A%3A",
    "&amp;",
    "&#10;",
    "\\u000a",
    "\\ud83d\\ude00",
    "\\x41",
    "\\\"",
    "***",
    "eyJhIjogImIifQ==",
];

/// Lines of what is often a value.
const LINES: [&str; 16] = [
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----\n",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n",
    "hkiG9w0B\n",
    "{\n",
    "}\n",
    "[\n",
    "],\n",
    "  \"type\": \"service_account\",\n",
    "  \"private_key\": \"-----BEGIN\\nMIIEvQIBADANBgkq\\n\",\n",
    "{\"auths\": {\"r\": {\"auth\": \"dTpwdw==\"}}}",
    "password: hunter2-secret\n",
    "password = 'hunter2 secret'\n",
    "postgres://app:pw%20x@db:5432/app?a=1&b=2",
    "\"quoted value\"",
    "'quoted value'",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let of = |pieces: &'static [&str]| prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec());
    prop_oneof![
        6 => of(&PIECES),
        4 => of(&TRAPS),
        1 => of(&LINES),
        2 => "[a-zA-Z0-9 _./+-]{1,20}".prop_map(String::into_bytes),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 1..8),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

/// Most often one line as people choose them, or what programs make.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => "[ -~é😀\u{a0}\u{2028}]{8,60}".prop_map(String::into_bytes),
        2 => prop::collection::vec(piece(), 1..8).prop_map(|pieces| pieces.concat()),
        1 => prop::collection::vec(prop::sample::select(&LINES[..]), 1..6).prop_map(|lines| lines.concat().into_bytes()),
    ]
}

/// Some in every run; `PROPTEST_CASES=100000 cargo test --test doors` tries as many times over.
fn some() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases * 3, ..default }
}

proptest! {
    #![proptest_config(some())]

    #[test]
    fn every_door_holds_against_any_bytes(bytes in bytes()) {
        doors::DOORS.iter().for_each(|(_, door)| door(&bytes));
    }

    #[test]
    fn every_value_is_hidden_among_any_bytes(value in value(), around in bytes()) {
        let value = &value[..value.len().min(usize::from(u8::MAX))];
        doors::masker(&[&[u8::try_from(value.len()).expect("a byte")], value, &around].concat());
    }
}

/// A door is of use only if `just fuzz` and the repository's own workflow stand before it too.
#[test]
fn every_door_has_its_fuzz_target() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in doors::DOORS {
        let target = std::fs::read_to_string(root.join(format!("fuzz/fuzz_targets/{name}.rs"))).expect("a target");
        assert!(target.contains(&format!("secret_patch_fuzz::{name}(bytes)")), "{name}");
    }
    assert_eq!(std::fs::read_dir(root.join("fuzz/fuzz_targets")).expect("a directory").count(), doors::DOORS.len());
}
