//! For any template of the generator and any values: reading the output gives the template's tree with exactly the filled scalars replaced.
#![expect(clippy::disallowed_methods, reason = "how many cases there are is told by environment")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use secret_patch::template::{FillRules, StandIns, Template};
use secret_patch::values::{Rules, Sources, collect};
use serde_yaml::Value;

const NAMES: [&str; 3] = ["A", "B_2", "c"];

/// A scalar as pieces: literal text, or the index of a name.
#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Name(usize),
    Escaped,
}

#[derive(Debug, Clone, Copy)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
    LiteralStripped,
    Folded,
}

#[derive(Debug, Clone)]
enum Tree {
    Scalar(Vec<Piece>, Style),
    Sequence(Vec<Tree>),
    Mapping(Vec<Tree>),
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        3 => "[a-z][a-z ,.é😀-]{0,8}[a-z]".prop_map(Piece::Text),
        3 => (0..NAMES.len()).prop_map(Piece::Name),
        1 => Just(Piece::Escaped),
    ]
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![
        Just(Style::Plain),
        Just(Style::Single),
        Just(Style::Double),
        Just(Style::Literal),
        Just(Style::LiteralStripped),
        Just(Style::Folded),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = (prop::collection::vec(piece(), 1..4), style()).prop_map(|(pieces, style)| Tree::Scalar(pieces, style));
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Tree::Sequence),
            prop::collection::vec(inner, 1..4).prop_map(Tree::Mapping),
        ]
    })
}

/// Values as nasty as an environment can hold, and now and then a number or boolean.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::collection::vec(prop_oneof![
            Just("\""), Just("'"), Just("\\"), Just("\n"), Just("\r"), Just("\t"), Just(" "), Just("#"), Just(": "), Just("- "), Just("%"),
            Just("$"), Just("${A}"), Just("$${"), Just("{"), Just("}"), Just("["), Just("]"), Just("&a"), Just("*a"), Just("!t"), Just("|"),
            Just(">"), Just("`"), Just("@"), Just("\u{85}"), Just("\u{a0}"), Just("\u{2028}"), Just("\u{feff}"), Just("\u{7f}"), Just("\u{1}"),
            Just("😀"), Just("é"), Just("---\n"), Just("...\n"), Just("a"), Just("7"), Just("\n\n"), Just("  "),
        ], 1..12).prop_map(|pieces| pieces.concat()),
        1 => prop_oneof![Just("no"), Just("~"), Just("null"), Just("1e3"), Just("0x1F"), Just("2024-01-01"), Just("true"), Just("12"), Just("1.5"), Just("="), Just("<<")]
            .prop_map(str::to_owned),
        1 => "[^\\x00]{1,40}",
    ]
}

/// The scalar's text in the template.
fn template_text(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Name(index) => format!("${{{}}}", NAMES[*index]),
            Piece::Escaped => "$${x}".to_owned(),
        })
        .collect()
}

fn filled_text(pieces: &[Piece], values: &[String]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Name(index) => values[*index].clone(),
            Piece::Escaped => "${x}".to_owned(),
        })
        .collect()
}

fn write_tree(out: &mut String, tree: &Tree, indent: usize) {
    let pad = " ".repeat(indent);
    match tree {
        Tree::Scalar(pieces, style) => {
            let text = template_text(pieces);
            let _ = match style {
                Style::Plain => writeln!(out, " {text} # note ${{NOT_ASKED}}"),
                Style::Single => writeln!(out, " '{}'", text.replace('\'', "''")),
                Style::Double => writeln!(out, " \"{text}\""),
                Style::Literal => writeln!(out, " | # ${{NOT_ASKED}}\n{pad}  {text}\n{pad}  # {text}"),
                Style::LiteralStripped => writeln!(out, " |-\n{pad}  {text}\n"),
                Style::Folded => writeln!(out, " >\n{pad}  {text}\n{pad}  end"),
            };
        }
        Tree::Sequence(items) => {
            out.push('\n');
            for item in items {
                let _ = write!(out, "{pad}-");
                write_tree(out, item, indent + 2);
            }
        }
        Tree::Mapping(items) => {
            out.push('\n');
            for (index, item) in items.iter().enumerate() {
                let _ = write!(out, "{pad}k{index}:");
                write_tree(out, item, indent + 2);
            }
        }
    }
}

fn same(tree: &Tree, read: &Value, values: &[String]) -> bool {
    match (tree, read) {
        (Tree::Scalar(pieces, style), read) => {
            let text = filled_text(pieces, values);
            let expected = match style {
                Style::Literal => format!("{text}\n# {text}\n"),
                Style::Folded => format!("{text} end\n"),
                _ => text,
            };
            match read {
                Value::String(read) => *read == expected,
                Value::Bool(read) => {
                    expected == read.to_string()
                        && matches!((style, pieces.as_slice()), (Style::Plain, [Piece::Name(_)]))
                }
                Value::Number(read) => {
                    matches!((style, pieces.as_slice()), (Style::Plain, [Piece::Name(_)]))
                        && expected.parse::<f64>().ok() == read.as_f64()
                }
                _ => false,
            }
        }
        (Tree::Sequence(items), Value::Sequence(read)) => {
            items.len() == read.len() && items.iter().zip(read).all(|(item, read)| same(item, read, values))
        }
        (Tree::Mapping(items), Value::Mapping(read)) => {
            items.len() == read.len()
                && items.iter().zip(read).enumerate().all(|(index, (item, (key, read)))| {
                    key.as_str() == Some(&format!("k{index}")) && same(item, read, values)
                })
        }
        _ => false,
    }
}

/// 2000 cases, or as many as `PROPTEST_CASES` says, which the default configuration reads.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 2_000 };
    ProptestConfig { cases, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_output_is_the_template_with_its_scalars_replaced(
        tree in prop::collection::vec(tree(), 1..4).prop_map(Tree::Mapping),
        values in [value(), value(), value()],
        crlf in any::<bool>(),
    ) {
        let mut text = String::new();
        write_tree(&mut text, &tree, 0);
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let names: BTreeSet<String> = NAMES.map(str::to_owned).into();
        let environment = NAMES.into_iter().zip(&values).map(|(name, value)| (name.to_owned(), value.into())).collect();
        let given = collect(&names, &BTreeSet::new(), &Sources { environment, ..Sources::default() }, &Rules::default()).expect("values");
        let template = Template::parse([("t.yml", text.as_str())]).expect("a template");
        let filled = template.fill(&given, &FillRules::default(), StandIns::None);
        prop_assert!(filled.is_ok(), "{text}\n{:?}", filled.err());
        let filled = filled.map(|filled| filled.text.expose().to_owned()).unwrap_or_default();
        let read: Value = serde_yaml::from_str(&filled).expect("YAML");
        prop_assert!(same(&tree, &read, &values), "{text}\n---\n{filled}\n{read:?}");
        prop_assert_eq!(filled.matches("# note ${NOT_ASKED}").count(), text.matches("# note ${NOT_ASKED}").count());
    }
}
