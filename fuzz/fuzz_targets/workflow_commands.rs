#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| secret_patch_fuzz::workflow_commands(bytes));
