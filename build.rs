//! Links the unwinder into the program, as a static build does.
//!
//! Otherwise every start loads `libgcc_s.so` for it, which takes a tenth of a render. A fully static build
//! (`-C target-feature=+crt-static`) has it already.
#![expect(clippy::disallowed_methods, reason = "cargo tells a build script its target by environment")]

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
