//! What a filled file says about its objects: the entries that the build must hold, and values that would be stored in clear.

use std::collections::BTreeMap;

use super::Asked;
use super::document::Content;
use super::fill::{FilledFile, FilledScalar};
use super::place::Visit;
use super::role::Role;
use crate::error::{Place, Problem, text};
use crate::patch::{Entry, PatchObject, Step};
use crate::secret::Secret;

/// The objects with their entries, read from the filled text.
pub(super) fn of(filled: &FilledFile<'_>) -> Vec<PatchObject> {
    let scalars: BTreeMap<usize, &FilledScalar> = filled.scalars.iter().map(|scalar| (scalar.node, scalar)).collect();
    let mut objects: Vec<Option<PatchObject>> = filled
        .survey
        .objects
        .iter()
        .zip(&filled.reread_survey.objects)
        .map(|(before, after)| {
            let id = after.id.clone()?;
            Some(PatchObject { id, place: before.place.clone(), entries: vec![], nulls: vec![], directives: vec![] })
        })
        .collect();
    for (before, after) in filled.survey.visits.iter().zip(&filled.reread_survey.visits) {
        if let Some(Some(object)) = objects.get_mut(before.object) {
            add(object, filled, &scalars, before, after);
        }
    }
    objects.into_iter().flatten().collect()
}

/// What the operations of JSON6902 patches put in place: they name no object, so these are entries of whatever the overlay's `target` is.
pub(super) fn operations(filled: &FilledFile<'_>) -> Vec<Entry> {
    let scalars: BTreeMap<usize, &FilledScalar> = filled.scalars.iter().map(|scalar| (scalar.node, scalar)).collect();
    let nameless = |visit: &Visit| filled.survey.objects.get(visit.object).is_some_and(|object| object.id.is_none());
    let visits = filled.survey.visits.iter().zip(&filled.reread_survey.visits);
    let found =
        visits.filter(|(before, _)| nameless(before) && before.role != Role::Key).filter_map(|(before, after)| {
            let expansion = &scalars.get(&before.node)?.expansion;
            Some(Entry {
                path: after.path.clone(),
                value: Secret::new(filled.reread.scalar(after.node)?.text.clone()),
                template_text: filled.file.scalar(before.node)?.text.clone(),
                names: [expansion.names.clone(), expansion.defaulted.clone()].concat(),
                place: filled.file.place(before.node),
            })
        });
    found.collect()
}

fn add(
    object: &mut PatchObject,
    filled: &FilledFile<'_>,
    scalars: &BTreeMap<usize, &FilledScalar>,
    before: &Visit,
    after: &Visit,
) {
    let place = filled.file.place(before.node);
    if before.role == Role::Key {
        if let Some(Step::Key(key)) = before.path.last()
            && key.starts_with('$')
            && ["$patch", "$retainKeys", "$setElementOrder", "$deleteFromPrimitiveList"]
                .iter()
                .any(|known| key.starts_with(known))
        {
            object.directives.push((key.clone(), place));
        }
        return;
    }
    let (Some(template), Some(scalar)) = (filled.file.scalar(before.node), filled.reread.scalar(after.node)) else {
        return;
    };
    let is_data = matches!(before.role, Role::SecretText | Role::SecretBase64 | Role::ConfigText | Role::ConfigBase64);
    if is_data && is_null(filled, before) {
        let key = after.path.last().map(step_name).unwrap_or_default();
        object.nulls.push((key, place));
        return;
    }
    let expansion = scalars.get(&before.node).map(|scalar| &scalar.expansion);
    if is_data || expansion.is_some() {
        object.entries.push(Entry {
            path: after.path.clone(),
            value: Secret::new(scalar.text.clone()),
            template_text: template.text.clone(),
            names: expansion
                .map(|expansion| [expansion.names.clone(), expansion.defaulted.clone()].concat())
                .unwrap_or_default(),
            place,
        });
    }
}

fn is_null(filled: &FilledFile<'_>, visit: &Visit) -> bool {
    match &filled.file.node(visit.node).content {
        Content::Scalar(scalar) => {
            scalar.style == saphyr_parser::ScalarStyle::Plain
                && !scalar.tagged
                && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
        }
        _ => false,
    }
}

fn step_name(step: &Step) -> String {
    match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    }
}

/// Where a default of the template stands in a Secret.
pub(super) fn defaults_in_secrets(filled: &FilledFile<'_>) -> Vec<Asked> {
    filled
        .scalars
        .iter()
        .filter(|scalar| scalar.roles.iter().any(|role| role.is_secret()))
        .flat_map(|scalar| {
            scalar.expansion.defaulted.iter().map(|name| Asked {
                name: name.clone(),
                place: super::fill::placeholder_place(filled.file, scalar.node, name),
            })
        })
        .collect()
}

/// Values that a Secret takes and that also go where everybody can read them.
pub(super) fn clear_copies(files: &[FilledFile<'_>]) -> Vec<Problem> {
    let mut in_secret: BTreeMap<&str, Place> = BTreeMap::new();
    let uses = |pick: fn(&Role) -> bool| {
        files.iter().flat_map(move |filled| {
            let chosen =
                filled.scalars.iter().filter(move |scalar| scalar.roles.iter().any(pick) && scalar.expansion.sensitive);
            chosen.flat_map(move |scalar| {
                scalar.expansion.names.iter().map(move |name| (name.as_str(), filled.file.place(scalar.node)))
            })
        })
    };
    for (name, place) in uses(|role| role.is_secret()) {
        in_secret.entry(name).or_insert(place);
    }
    uses(|role| role.is_clear())
        .filter_map(|(name, place)| {
            let secret = in_secret.get(name)?;
            let message = text!("`{name}` goes into a Secret in line {} and is stored in clear here", secret.line);
            Some(
                Problem::warning("stored-in-clear", message)
                    .at(place)
                    .help("take it from the Secret: `valueFrom: {secretKeyRef: …}`, or `envFrom`"),
            )
        })
        .collect()
}
