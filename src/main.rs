//! Builds the real world and hands it to `run`.
fn main() {}
