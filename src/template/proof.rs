//! The proof of a filled file: what readers read in it is what was meant.

use std::iter::zip;

use saphyr_parser::ScalarStyle;

use super::document::{Content, Scalar, SourceFile};
use super::expand::FilledScalar;
use crate::error::{Place, Problem, text};

/// Both readers must read the tree of `file` with exactly `scalars` replaced; returns the tree.
pub(super) fn prove(file: &SourceFile, scalars: &[FilledScalar], text: &str) -> Result<SourceFile, Box<Problem>> {
    let reread = SourceFile::parse(&file.name, text).map_err(|problems| {
        let duplicate = problems.into_iter().find(|problem| problem.kind == "duplicate-key");
        Box::new(duplicate.unwrap_or_else(|| not_as_meant(file)))
    })?;
    // What no object sees is not filled; a placeholder left there is not what its author meant.
    let all_seen = scalars.iter().all(|scalar| !scalar.roles.is_empty());
    if !all_seen || !is_filled(file, &reread, scalars) {
        return Err(Box::new(not_as_meant(file)));
    }
    match SourceFile::parse_as_kubectl(&file.name, text) {
        Ok(second) if is_filled(&reread, &second, &[]) => Ok(reread),
        // kubectl reads JSON as JSON, whose escapes know more than libyaml's.
        Err(_) if text.trim_start().starts_with(['{', '[']) && is_json(text) => Ok(reread),
        Err(_) => Err(Box::new(match SourceFile::parse_as_kubectl(&file.name, &file.text) {
            Err(mut problems) if !problems.is_empty() => problems.remove(0),
            _ => not_as_meant(file),
        })),
        Ok(_) => Err(Box::new(not_as_meant(file))),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether `after` is the tree `before` with exactly `scalars` replaced.
fn is_filled(before: &SourceFile, after: &SourceFile, scalars: &[FilledScalar]) -> bool {
    let mut wanted: Vec<Option<&str>> = vec![None; before.nodes.len()];
    for scalar in scalars {
        wanted[scalar.node] = Some(&scalar.expansion.text);
    }
    before.nodes.len() == after.nodes.len()
        && before.roots == after.roots
        && zip(zip(&before.nodes, &after.nodes), wanted).all(|((before, after), wanted)| {
            match (&before.content, &after.content) {
                (Content::Scalar(before), Content::Scalar(after)) => match wanted {
                    Some(text) => reads_as(after, text),
                    None => before.text == after.text && before.style == after.style,
                },
                (Content::Sequence(a), Content::Sequence(b)) => a == b,
                (Content::Mapping(a), Content::Mapping(b)) => a == b,
                (Content::Alias(a), Content::Alias(b)) => a == b,
                _ => false,
            }
        })
}

fn reads_as(scalar: &Scalar, text: &str) -> bool {
    scalar.text == text || scalar.style == ScalarStyle::Plain && same_number(&scalar.text, text)
}

/// `1e3` is written as `1.0e+3`.
fn same_number(a: &str, b: &str) -> bool {
    matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
}

pub(super) fn not_as_meant(file: &SourceFile) -> Problem {
    Problem::error("not-as-meant", text!("`{}` cannot be filled so that every YAML reader reads the same", file.name))
        .at(Place::new(&file.name, 1, 1))
        .help("write the scalars with placeholders in double quotes, each on one line; please report the template as a bug")
}
