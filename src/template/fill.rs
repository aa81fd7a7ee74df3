//! One file filled: every scalar decided, written where it stands, and the result proved by both readers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::ScalarStyle;

use super::document::{Content, Node, NodeId, Scalar, SourceFile};
use super::emit::{self, Filling};
use super::expand::{Expansion, FillRules, Lack, expand};
use super::place::{Survey, survey};
use super::placeholder;
use super::role::Role;
use super::shape::{Broken, Shape};
use super::structure;
use crate::error::{Place, Problem, text};
use crate::values::Values;

/// A scalar with its filled text.
pub(super) struct FilledScalar {
    pub(super) node: NodeId,
    pub(super) expansion: Expansion,
    /// How objects see it: in one way, or in several through aliases.
    pub(super) roles: Vec<Role>,
}

/// A filled file.
pub(super) struct FilledFile<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) survey: &'a Survey,
    pub(super) scalars: Vec<FilledScalar>,
    pub(super) text: String,
    /// The filled text, read again.
    pub(super) reread: SourceFile,
    pub(super) reread_survey: Survey,
}

/// Fills `file`.
///
/// # Errors
/// Every scalar that cannot be filled, all at once.
pub(super) fn fill<'a>(
    file: &'a SourceFile,
    survey: &'a Survey,
    values: &Values,
    rules: &FillRules,
) -> Result<FilledFile<'a>, Vec<Problem>> {
    let scalars = expand_scalars(file, survey, values, rules);
    let mut problems = Vec::new();
    for scalar in &scalars {
        problems.extend(check(file, survey, scalar));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let text = write(file, &scalars, &|_| None);
    let reread = prove(file, &text, values, rules).map_err(|problem| vec![*problem])?;
    let reread_survey = self::survey(&reread).map_err(|_| vec![not_as_meant(file)])?;
    Ok(FilledFile { file, survey, scalars, text, reread, reread_survey })
}

fn expand_scalars(file: &SourceFile, survey: &Survey, values: &Values, rules: &FillRules) -> Vec<FilledScalar> {
    let mut roles: BTreeMap<NodeId, Vec<Role>> = BTreeMap::new();
    for visit in &survey.visits {
        roles.entry(visit.node).or_default().push(visit.role);
    }
    roles
        .into_iter()
        .filter_map(|(node, roles)| {
            let scalar = file.scalar(node).filter(|scalar| scalar.text.contains('$'))?;
            let parsed = placeholder::parse(&scalar.text);
            let unquoted = parsed.with_unquoted_default().filter(|_| scalar.style == ScalarStyle::Plain);
            let expansion = expand(&unquoted.unwrap_or(parsed), values, rules);
            expansion.touched.then_some(FilledScalar { node, expansion, roles })
        })
        .collect()
}

fn check(file: &SourceFile, survey: &Survey, filled: &FilledScalar) -> Vec<Problem> {
    let place = file.place(filled.node);
    let expansion = &filled.expansion;
    if !expansion.lacking.is_empty() {
        return expansion
            .lacking
            .iter()
            .map(|(name, lack)| lacking(name, lack).at(placeholder_place(file, filled.node, name)))
            .collect();
    }
    let mut problems = Vec::new();
    if filled.roles.contains(&Role::Key) && expansion.sensitive {
        let name = expansion.names.first().map_or("", String::as_str);
        problems.push(
            Problem::error(
                "secret-in-key",
                text!("`{name}` would become part of a mapping key, which every report shows"),
            )
            .at(place.clone())
            .help(text!("write the key as it is, or declare the value harmless: `nonsensitive: {name}`")),
        );
    }
    if filled.roles.contains(&Role::Key) {
        let unknown = expansion.unknown.iter();
        problems.extend(unknown.map(|name| lacking(name, &Lack::Unset).at(placeholder_place(file, filled.node, name))));
    }
    if filled.roles.iter().any(|role| role.is_base64()) && STANDARD.decode(without_breaks(&expansion.text)).is_err() {
        problems.push(not_base64(survey, filled).at(place.clone()));
    }
    let block_key = is_block(file, filled.node).then(|| key_of(survey, filled.node));
    let shape = Shape { text: &expansion.shape, filled: &expansion.text, tokens: &expansion.tokens, block_key };
    if let Err(broken) = structure::check(&shape) {
        let name = broken.name.as_ref().or(expansion.names.first()).map_or("", String::as_str);
        problems.push(broken_structure(&broken, expansion).at(placeholder_place(file, filled.node, name)));
    }
    problems
}

fn lacking(name: &str, lack: &Lack) -> Problem {
    match lack {
        Lack::Unset => Problem::error("missing-value", text!("`{name}` is not set")),
        Lack::Empty => Problem::error("empty-value", text!("`{name}` is empty")).help(text!(
            "a GitHub secret that does not exist arrives empty; if it may be empty, say `allow-empty: {name}`"
        )),
        Lack::Because(why) => Problem::error("missing-value", text!("`{name}` is not set: {why}")),
    }
}

fn not_base64(survey: &Survey, filled: &FilledScalar) -> Problem {
    let key = key_of(survey, filled.node);
    let name = filled.expansion.names.first().map_or("NAME", String::as_str);
    Problem::error("not-base64", text!("key `{key}` stands under `data` and is not base64 once it is filled"))
        .help(text!("move it to `stringData`, or write `${{{name}@base64}}`"))
}

fn broken_structure(broken: &Broken, expansion: &Expansion) -> Problem {
    let names: Vec<String> = match &broken.name {
        Some(name) => vec![name.clone()],
        None => expansion.names.clone(),
    };
    let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    let first = names.first().map_or("NAME", String::as_str);
    Problem::error("broken-structure", text!("the value of {listed} would break the {} it stands in", broken.what))
        .help(text!(
            "write `${{{first}@{}}}`: it encodes the value for that place; or let one value hold all of it",
            broken.remedy
        ))
}

fn without_breaks(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect()
}

fn is_block(file: &SourceFile, node: NodeId) -> bool {
    file.scalar(node).is_some_and(|scalar| matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded))
}

/// The last key on the scalar's way.
fn key_of(survey: &Survey, node: NodeId) -> &str {
    let path = survey.visits.iter().find(|visit| visit.node == node).map(|visit| visit.path.as_slice());
    path.unwrap_or_default()
        .iter()
        .rev()
        .find_map(|step| match step {
            crate::patch::Step::Key(key) => Some(key.as_str()),
            crate::patch::Step::Index(_) => None,
        })
        .unwrap_or_default()
}

/// Where `${name` stands in the file; the scalar's own place if it is not written in one piece.
pub(super) fn placeholder_place(file: &SourceFile, node: NodeId, name: &str) -> Place {
    let place = file.place(node);
    let Some(scalar) = file.scalar(node) else { return place };
    let source = file.text.get(scalar.source.clone()).unwrap_or_default();
    let needle = format!("${{{name}");
    let found = source.match_indices(&needle).find(|(at, _)| {
        !source
            .get(at + needle.len()..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    });
    found.map_or(place, |(at, _)| file.place_of(scalar.source.start + at))
}

/// The file's text with each filled scalar, or the word that stands in for it, written in its place.
pub(super) fn write(
    file: &SourceFile,
    scalars: &[FilledScalar],
    stand_in: &dyn Fn(&FilledScalar) -> Option<String>,
) -> String {
    let mut pieces: Vec<_> = scalars
        .iter()
        .filter_map(|filled| file.scalar(filled.node).map(|scalar| (scalar, filled)))
        .map(|(scalar, filled)| {
            let source = file.text.get(scalar.source.clone()).unwrap_or_default();
            if let Some(word) = stand_in(filled) {
                return (scalar.source.clone(), emit::quoted_like(scalar, source, &word));
            }
            let filling = Filling {
                scalar,
                source,
                text: &filled.expansion.text,
                replaced: &filled.expansion.replaced,
                may_be_typed: may_be_typed(file, filled),
            };
            (scalar.source.clone(), emit::emit(&filling))
        })
        .collect();
    pieces.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(file.text.len() * 2);
    let mut at = 0;
    for (range, piece) in pieces {
        out.push_str(file.text.get(at..range.start).unwrap_or_default());
        out.push_str(&piece);
        at = range.end;
    }
    out.push_str(file.text.get(at..).unwrap_or_default());
    out
}

fn may_be_typed(file: &SourceFile, filled: &FilledScalar) -> bool {
    let Some(scalar) = file.scalar(filled.node) else { return false };
    let whole = placeholder::parse(&scalar.text).whole().is_some();
    whole && !scalar.tagged && scalar.style == ScalarStyle::Plain && !filled.roles.iter().any(|role| role.is_text())
}

/// Both readers must read the template's tree with exactly the filled scalars replaced.
fn prove(file: &SourceFile, text: &str, values: &Values, rules: &FillRules) -> Result<SourceFile, Box<Problem>> {
    let reread = SourceFile::parse(&file.name, text).map_err(|problems| {
        let duplicate = problems.into_iter().find(|problem| problem.kind == "duplicate-key");
        Box::new(duplicate.unwrap_or_else(|| not_as_meant(file)))
    })?;
    let expected = |template: &str| readings(template, values, rules);
    if !same_nodes(&file.nodes, &reread.nodes, &expected) {
        return Err(Box::new(not_as_meant(file)));
    }
    match SourceFile::parse_as_kubectl(&file.name, text) {
        Ok(second) if same_nodes(&reread.nodes, &second.nodes, &|_| Vec::new()) => Ok(reread),
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

/// What a reader may read for a scalar of the template; nothing for one that stays as it is.
fn readings(template: &str, values: &Values, rules: &FillRules) -> Vec<String> {
    if !template.contains('$') {
        return Vec::new();
    }
    let parsed = placeholder::parse(template);
    let unquoted = parsed.with_unquoted_default();
    let readings = [Some(parsed), unquoted].into_iter().flatten().map(|parsed| expand(&parsed, values, rules));
    readings.filter(|expansion| expansion.touched).map(|expansion| expansion.text.to_string()).collect()
}

/// Whether both trees are the same but for what is `expected` in place of the first one's scalars.
fn same_nodes(before: &[Node], after: &[Node], expected: &dyn Fn(&str) -> Vec<String>) -> bool {
    before.len() == after.len()
        && before.iter().zip(after).all(|(before, after)| match (&before.content, &after.content) {
            (Content::Scalar(before), Content::Scalar(after)) => same_scalar(before, after, expected),
            (Content::Sequence(a), Content::Sequence(b)) => a == b,
            (Content::Mapping(a), Content::Mapping(b)) => a == b,
            (Content::Alias(a), Content::Alias(b)) => a == b,
            _ => false,
        })
}

fn same_scalar(before: &Scalar, after: &Scalar, expected: &dyn Fn(&str) -> Vec<String>) -> bool {
    let wanted = expected(&before.text);
    if wanted.is_empty() {
        return before.text == after.text && before.style == after.style;
    }
    let number = |text: &String| after.style == ScalarStyle::Plain && same_number(&after.text, text);
    wanted.iter().any(|text| *text == after.text || number(text))
}

/// `1e3` is written as `1.0e+3`.
fn same_number(a: &str, b: &str) -> bool {
    matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
}

fn not_as_meant(file: &SourceFile) -> Problem {
    Problem::error("not-as-meant", text!("`{}` cannot be filled so that every YAML reader reads the same", file.name))
        .at(Place::new(&file.name, 1, 1))
        .help("write the scalars with placeholders in double quotes, each on one line; please report the template as a bug")
}
