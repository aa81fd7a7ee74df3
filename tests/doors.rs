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

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        2 => "[a-zA-Z0-9 _./+-]{1,20}".prop_map(String::into_bytes),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 1..8),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn every_door_holds_against_any_bytes(bytes in bytes()) {
        doors::DOORS.iter().for_each(|(_, door)| door(&bytes));
    }

    #[test]
    fn every_value_is_hidden_among_any_bytes(value in "[ -~é😀\u{a0}\u{2028}]{8,60}", around in bytes()) {
        let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
        doors::masker(&[&[length], value.as_bytes(), &around].concat());
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
