//! What secret-patch prints, seen by the runner.

use proptest::prelude::*;
use secret_patch::mask::Masker;
use secret_patch::secret::Secret;
use secret_patch::workflow::{add_mask, defuse};
use secret_patch_runner::{COMMANDS, Job, lines};

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "::", "##[", "#", "[", "]", "\r", "\n", "\r\n", " ", "\u{a0}", "\u{feff}", "\u{85}", "\u{2028}", "=", "\\"
        ])
        .prop_map(str::to_owned),
        prop::sample::select(COMMANDS.to_vec()).prop_map(|name| format!("::{name}::")),
        prop::sample::select(COMMANDS.to_vec()).prop_map(|name| format!("##[{name}]")),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn defused_text_is_shown_and_carries_nothing_out(text in text()) {
        let defused = defuse(&text);
        let mut job = Job::new().with_env("ACTIONS_ALLOW_UNSECURE_COMMANDS", "true");
        let done = job.step("a").run(format!("{defused}\n").as_bytes(), b"");
        prop_assert_eq!(done.log, lines(format!("{defused}\n").as_bytes()));
        prop_assert!(!done.failed && done.masks.is_empty() && done.annotations.is_empty() && done.outputs.is_empty());
    }

    #[test]
    fn a_value_is_hidden_by_the_masks_that_are_sent(value in "k8[a-zA-Z0-9 %&+\"'\\\\]{10,20}z", more in "[a-z]{0,3}") {
        let masker = Masker::new();
        masker.add(&Secret::new(value.as_str()));
        let mut sent = Vec::new();
        for mask in masker.masks() {
            add_mask(&mut sent, &mask).unwrap();
        }
        let mut job = Job::new();
        let done = job.step("masks").run(&sent, b"");
        prop_assert!(done.log.is_empty() && done.warnings.is_empty());
        let quoted = serde_json::to_string(&value).unwrap();
        let log = job.step("leak").run(format!("{more}{value}{more}\n{quoted}\n").as_bytes(), b"").log;
        prop_assert_eq!(log, [format!("{more}***{more}"), "\"***\"".to_owned()]);
    }
}
