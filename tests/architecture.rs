//! The arrows between modules and the house rules that no lint knows, read from the sources themselves.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a test reads the sources, and fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// `main → run → edges → core → leaves`: a module imports its own layer or a lower one, but an edge no other edge.
const LAYERS: [(Layer, &[&str]); 4] = [
    (Layer::Leaf, &["secret", "error", "object", "https"]),
    (
        Layer::Core,
        &[
            "inputs",
            "values",
            "template",
            "patch",
            "build",
            "changes",
            "rights",
            "workflow_files",
            "check",
            "eso",
            "mask",
            "report",
            "kubeconfig",
            "trust",
        ],
    ),
    (Layer::Edge, &["kubectl", "vault", "github", "files", "workflow"]),
    (Layer::Run, &["run"]),
];

/// What reaches the world, in the words of a path or a macro. Core and leaves have none of it.
const WORLD: [&str; 14] = [
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "io::stdin",
    "io::stdout",
    "io::stderr",
    "SystemTime",
    "rustix",
    "tokio",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
];

/// The modules of `std` that do, whatever is taken from them.
const WORLD_OF_STD: [&str; 5] = ["fs", "env", "process", "os", "thread"];

/// What ends a process or a run without a place and a remedy.
const PANICS: [&str; 8] =
    [".unwrap()", ".expect(", "panic!", "todo!", "unimplemented!", "unreachable!", "dbg!", "process::exit"];

/// Most lines that a file has before its tests.
const LONGEST: usize = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Leaf,
    Core,
    Edge,
    Run,
}

fn layer(module: &str) -> Option<Layer> {
    LAYERS.iter().find(|(_, modules)| modules.contains(&module)).map(|(layer, _)| *layer)
}

/// A source file: its modules from the root on (`["files", "git"]`), and what is compiled without `cfg(test)`.
struct Source {
    path: String,
    modules: Vec<String>,
    code: String,
    /// Lines before the tests, comments included.
    lines: usize,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let trimmed = path.trim_end_matches(".rs").trim_end_matches("/mod");
        let modules = trimmed.split('/').map(str::to_owned).collect();
        let code = without_tests(&blanked(text));
        let tests = text.find("#[cfg(test)]\nmod ").or_else(|| text.find("#[cfg(test)]\n#[allow"));
        let lines = text[..tests.unwrap_or(text.len())].lines().count();
        Self { path: path.to_owned(), modules, code, lines }
    }

    fn module(&self) -> &str {
        &self.modules[0]
    }

    /// The modules of the crate's root that the file names, by whichever path.
    fn imports(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for root in ["crate::", "secret_patch::"] {
            for tail in tails(&self.code, root) {
                names.extend(heads(tail));
            }
        }
        // As many `super` as there are modules lead to the root; inside a nested module more would.
        let to_root = "super::".repeat(self.modules.len());
        names.extend(tails(&self.code, &to_root).flat_map(heads));
        names.retain(|name| layer(name).is_some());
        names
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = self.wrong_arrows();
        let told = |what: &str| format!("{}: {what}", self.path);
        if layer(self.module()).is_some_and(|layer| layer <= Layer::Core) {
            let of_std: BTreeSet<String> = tails(&self.code, "std::").flat_map(heads).collect();
            let of_std = WORLD_OF_STD.iter().filter(|name| of_std.contains(**name));
            faults.extend(of_std.map(|name| told(&format!("uses `std::{name}`"))));
            faults.extend(
                WORLD.iter().filter(|word| holds(&self.code, word)).map(|word| told(&format!("uses `{word}`"))),
            );
        }
        faults
            .extend(PANICS.iter().filter(|word| holds(&self.code, word)).map(|word| told(&format!("holds `{word}`"))));
        if self.lines > LONGEST {
            faults.push(told(&format!("has {} lines before its tests", self.lines)));
        }
        faults
    }

    fn wrong_arrows(&self) -> Vec<String> {
        let own = self.module();
        if own == "lib" {
            return Vec::new();
        }
        let told = |what: String| format!("{}: {what}", self.path);
        let others = self.imports().into_iter().filter(|other| other != own);
        if own == "main" {
            let allowed = ["run", "inputs"];
            return others
                .filter(|other| !allowed.contains(&other.as_str()))
                .map(|other| told(format!("imports `{other}`")))
                .collect();
        }
        let Some(here) = layer(own) else { return vec![told(format!("`{own}` has no layer in this test"))] };
        others
            .filter(|other| {
                layer(other).is_some_and(|there| there > here || (there, here) == (Layer::Edge, Layer::Edge))
            })
            .map(|other| told(format!("imports `{other}`")))
            .collect()
    }
}

/// What follows each `path` that begins a path of its own.
fn tails<'a>(code: &'a str, path: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(path).filter_map(move |(at, _)| {
        let before = code[..at].chars().next_back();
        let is_start = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
        is_start.then(|| &code[at + path.len()..])
    })
}

/// The first names of a path or of each path of a group: `a::b` gives `a`, `{a, b::{c, d}}` gives `a` and `b`.
fn heads(tail: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = tail.strip_prefix('{') else { return vec![name(tail)] };
    let (mut depth, mut starts, mut found) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts = true,
            c if starts && !c.is_whitespace() => {
                found.push(name(&group[at..]));
                starts = false;
            }
            _ => {}
        }
    }
    found
}

/// Whether `word` stands in `code` as a whole path, macro or call.
fn holds(code: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let (before, after) = (code[..at].chars().next_back(), code[at + word.len()..].chars().next());
        let starts = !word.starts_with(is_name) || !before.is_some_and(is_name);
        starts && (!word.ends_with(is_name) || !after.is_some_and(is_name))
    })
}

/// `text` with comments and the insides of strings and characters as blanks, line ends kept.
fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let blank = |out: &mut String, part: &str| out.extend(part.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    while at < bytes.len() {
        let rest = &text[at..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string(rest).filter(|_| !ends_in_name(&out)) {
            length
        } else if rest.starts_with('"') {
            quoted(rest, '"')
        } else if is_character(rest) {
            quoted(rest, '\'')
        } else {
            let c = rest.chars().next().unwrap_or_default();
            out.push(c);
            at += c.len_utf8();
            continue;
        };
        blank(&mut out, &rest[..length]);
        at += length;
    }
    out
}

fn ends_in_name(text: &str) -> bool {
    text.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// The length of the raw string that `rest` begins with.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let count = hashes.chars().take_while(|c| *c == '#').count();
    let inside = hashes[count..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(count));
    let before = rest.len() - inside.len();
    Some(before + inside.find(&end)? + end.len())
}

/// The length of what `rest` begins with up to the `quote` that ends it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = true;
    for (at, c) in rest.char_indices() {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

/// A character, and not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut next = rest.strip_prefix('\'').unwrap_or_default().chars();
    matches!((next.next(), next.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

/// `code` (blanked) without the items behind `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        out += &rest[..at];
        rest = &rest[at + MARK.len()..];
        let mut depth = 0;
        let end = rest.char_indices().find(|(_, c)| {
            depth += match c {
                '{' | '[' | '(' => 1,
                '}' | ']' | ')' => -1,
                _ => 0,
            };
            depth == 0 && matches!(c, ';' | '}')
        });
        rest = end.map_or("", |(end, _)| &rest[end + 1..]);
    }
    out + rest
}

fn all_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { all_files(&path) } else { vec![path] }).collect()
}

/// Every source file that is compiled without `cfg(test)`.
fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts: Vec<(String, String)> = Vec::new();
    for path in all_files(&src) {
        let name = path.strip_prefix(&src).expect("beneath src").display().to_string();
        texts.push((name, fs::read_to_string(&path).expect("UTF-8")));
    }
    texts.sort();
    let tests: BTreeSet<String> = texts.iter().flat_map(|(path, text)| test_files(path, text)).collect();
    let sources = texts.iter().filter(|(path, _)| !tests.contains(path)).map(|(path, text)| Source::new(path, text));
    sources.collect()
}

/// The files that `path` declares as modules for tests only.
fn test_files(path: &str, text: &str) -> Vec<String> {
    let directory = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let declared = text.match_indices("#[cfg(test)]").filter_map(|(at, mark)| {
        let item = text[at + mark.len()..].trim_start();
        let (name, _) = item
            .trim_start_matches("pub(super) ")
            .trim_start_matches("pub(crate) ")
            .strip_prefix("mod ")?
            .split_once(';')?;
        (!name.contains(' ')).then(|| format!("{directory}/{name}.rs"))
    });
    declared.collect()
}

/// What one small file would be blamed for.
fn faults(path: &str, text: &str) -> Vec<String> {
    Source::new(path, text).faults().iter().map(|fault| fault.split_once(": ").expect("a path").1.to_owned()).collect()
}

#[test]
fn the_sources_keep_the_arrows_and_the_rules() {
    let sources = sources();
    assert!(sources.len() > 60, "{} files were found", sources.len());
    let faults: Vec<String> = sources.iter().flat_map(Source::faults).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn lib_lists_every_module_and_this_test_knows_each() {
    let sources = sources();
    let library = sources.iter().find(|source| source.path == "lib.rs").expect("lib.rs");
    let listed: BTreeSet<&str> = tails(&library.code, "pub mod ").filter_map(|tail| tail.split(';').next()).collect();
    let found: BTreeSet<&str> =
        sources.iter().map(Source::module).filter(|name| !["lib", "main"].contains(name)).collect();
    assert_eq!(listed, found);
    let known: BTreeSet<&str> = LAYERS.iter().flat_map(|(_, modules)| modules.iter().copied()).collect();
    assert_eq!(listed, known);
}

#[test]
fn contributing_tells_the_same_arrows() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTRIBUTING.md")).expect("readable");
    let arrows = text.lines().find(|line| line.starts_with("main → run → ")).expect("the arrows");
    for (step, layer) in arrows.split(" → ").skip(2).zip([Layer::Edge, Layer::Core, Layer::Leaf]) {
        let (_, list) = step.split_once('(').expect("a list");
        let told: BTreeSet<&str> = list.trim_end_matches(')').split(", ").collect();
        let known = LAYERS.iter().filter(|(other, _)| *other == layer).flat_map(|(_, modules)| modules.iter().copied());
        assert_eq!(told, known.collect::<BTreeSet<_>>());
    }
}

#[test]
fn an_arrow_that_points_up_or_across_is_found() {
    for (path, text, fault) in [
        ("template/fill.rs", "use crate::run::World;", "imports `run`"),
        ("values/mod.rs", "use crate::{error::Problem, files::{Layout, git}};", "imports `files`"),
        ("files/read.rs", "fn f() { crate::kubectl::call() }", "imports `kubectl`"),
        ("files/git/mod.rs", "use super::super::workflow::Console;", "imports `workflow`"),
        ("secret.rs", "use super::mask::Masker;", "imports `mask`"),
        ("error.rs", "use crate::report;", "imports `report`"),
        ("kubectl/mod.rs", "pub use crate::workflow::defuse;", "imports `workflow`"),
        ("main.rs", "use secret_patch::kubectl::Kubectl;", "imports `kubectl`"),
        ("helpers.rs", "", "`helpers` has no layer in this test"),
    ] {
        assert_eq!(faults(path, text), [fault], "{path}: {text}");
    }
    for (path, text) in [
        ("run/apply.rs", "use crate::{kubectl, files, inputs, error};"),
        ("files/mod.rs", "use crate::build::Tree; use crate::error::Problem; use super::files::x;"),
        ("template/mod.rs", "use crate::values::Values; // crate::run\nconst X: &str = \"crate::run\";"),
        ("template/mod.rs", "#[cfg(test)]\nmod tests { use crate::run::World; }"),
        ("template/fill.rs", "use super::place; use my_crate::run; use other::crate_::run;"),
        ("secret.rs", "use zeroize::Zeroizing; #[cfg(test)] use crate::run;"),
    ] {
        assert_eq!(faults(path, text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn a_hand_on_the_world_or_a_way_to_panic_is_found() {
    for (path, text, fault) in [
        ("mask/mod.rs", "use std::fs;", "uses `std::fs`"),
        ("mask/mod.rs", "fn f() { println!(\"x\") }", "uses `println!`"),
        ("values/mod.rs", "fn f() { std::env::var(\"X\") }", "uses `std::env`"),
        ("changes/mod.rs", "use std::{collections::{BTreeMap}, fs::File};", "uses `std::fs`"),
        ("object.rs", "use rustix::fs::open;", "uses `rustix`"),
        ("kubectl/mod.rs", "fn f() { x.unwrap() }", "holds `.unwrap()`"),
        ("run/mod.rs", "fn f<'a>(x: &'a str) { x.expect(\"y\") }", "holds `.expect(`"),
        ("run/mod.rs", "fn f() { let q = '\"'; panic!(\"y\") }", "holds `panic!`"),
        ("files/mod.rs", "#[cfg(test)]\nuse super::x;\nfn f() { todo!() }", "holds `todo!`"),
    ] {
        assert_eq!(faults(path, text), [fault], "{path}: {text}");
    }
    for (path, text) in [
        ("files/mod.rs", "use std::fs; fn f() { x.unwrap_or(1).expect_err(2) }"),
        ("mask/mod.rs", "/// `std::fs`, .unwrap()\nconst A: &str = r#\"panic!() \"std::env\" \"#;"),
        ("mask/mod.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n fn g() { x.unwrap(); if y { panic!(\"}\") } }\n}"),
        ("mask/mod.rs", "fn sprint!() {} use std::fmt; use mystd::fs;"),
    ] {
        assert_eq!(faults(path, text), [""; 0], "{path}: {text}");
    }
    let long = "x;\n".repeat(LONGEST + 1);
    assert_eq!(faults("mask/mod.rs", &long), ["has 301 lines before its tests"]);
    assert_eq!(faults("mask/mod.rs", &format!("x;\n#[cfg(test)]\nmod tests {{\n{long}}}\n")), [""; 0]);
    assert_eq!(test_files("files/mod.rs", "#[cfg(test)]\nmod kill;\nmod read;"), ["files/kill.rs"]);
    assert_eq!(test_files("build/check.rs", "#[cfg(test)]\nmod tests;"), ["build/check/tests.rs"]);
}
