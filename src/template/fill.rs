//! One file filled: every scalar decided, written where it stands, and the result proved by both readers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::ScalarStyle;

use super::document::{NodeId, SourceFile};
use super::emit::{self, Filling};
use super::expand::{Expansion, FillRules, FilledScalar, Lack, expand};
use super::place::{Survey, survey};
use super::proof::{not_as_meant, prove};
use super::read::TemplateFile;
use super::role::Role;
use super::shape::{Broken, Shape};
use super::structure;
use crate::error::{Place, Problem, text};
use crate::values::Values;

/// A filled file.
pub(super) struct FilledFile<'a> {
    pub(super) template: &'a TemplateFile,
    /// In the order of the text.
    pub(super) scalars: Vec<FilledScalar>,
    pub(super) text: String,
    /// The filled text, read again.
    pub(super) reread: SourceFile,
    pub(super) reread_survey: Survey,
}

impl FilledFile<'_> {
    /// What was filled in the scalar `node`, if anything was.
    pub(super) fn scalar(&self, node: NodeId) -> Option<&FilledScalar> {
        let found = self.scalars.binary_search_by_key(&node, |scalar| scalar.node);
        found.ok().map(|index| &self.scalars[index])
    }
}

/// Fills `template`.
///
/// # Errors
/// Every scalar that cannot be filled, all at once.
pub(super) fn fill<'a>(
    template: &'a TemplateFile,
    values: &Values,
    rules: &FillRules,
) -> Result<FilledFile<'a>, Vec<Problem>> {
    let file = &template.source;
    let scalars = expand_scalars(template, values, rules);
    let mut problems = Vec::new();
    for scalar in &scalars {
        problems.extend(check(file, &template.survey, scalar));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let text = write(file, &scalars, &|_| None);
    let reread = prove(file, &scalars, &text).map_err(|problem| vec![*problem])?;
    let reread_survey = survey(&reread).map_err(|_| vec![not_as_meant(file)])?;
    Ok(FilledFile { template, scalars, text, reread, reread_survey })
}

fn expand_scalars(template: &TemplateFile, values: &Values, rules: &FillRules) -> Vec<FilledScalar> {
    let mut roles = vec![Vec::new(); template.source.nodes.len()];
    for visit in &template.survey.visits {
        roles[visit.node].push(visit.role);
    }
    let scalars = template.marked.iter().filter_map(|(node, parsed)| {
        let plain = template.source.scalar(*node)?.style == ScalarStyle::Plain;
        let unquoted = parsed.with_unquoted_default().filter(|_| plain);
        let expansion = expand(unquoted.as_ref().unwrap_or(parsed), values, rules);
        let whole = parsed.whole().is_some();
        let roles = std::mem::take(&mut roles[*node]);
        expansion.touched.then_some(FilledScalar { node: *node, whole, expansion, roles })
    });
    scalars.collect()
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
    filled.whole
        && !scalar.tagged
        && scalar.style == ScalarStyle::Plain
        && !filled.roles.iter().any(|role| role.is_text())
}
