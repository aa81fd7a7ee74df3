//! What a filled file says about its objects: the entries that the build must hold, and values that would be stored in clear.

use std::collections::BTreeMap;
use std::iter::zip;

use super::Asked;
use super::document::Content;
use super::fill::FilledFile;
use super::place::Visit;
use super::role::Role;
use crate::error::{Place, Problem, text};
use crate::patch::{Entry, PatchObject, Step};
use crate::secret::Secret;

/// The objects with their entries, read from the filled text.
pub(super) fn of(filled: &FilledFile<'_>) -> Vec<PatchObject> {
    let survey = &filled.template.survey;
    let mut objects: Vec<Option<PatchObject>> = zip(&survey.objects, &filled.reread_survey.objects)
        .map(|(before, after)| {
            let id = after.id.clone()?;
            Some(PatchObject { id, place: before.place.clone(), entries: vec![], nulls: vec![], directives: vec![] })
        })
        .collect();
    for (before, after) in zip(&survey.visits, &filled.reread_survey.visits) {
        if let Some(Some(object)) = objects.get_mut(before.object) {
            add(object, filled, before, after);
        }
    }
    objects.into_iter().flatten().collect()
}

/// What the operations of JSON6902 patches put in place: they name no object, so these are entries of whatever the overlay's `target` is.
pub(super) fn operations(filled: &FilledFile<'_>) -> Vec<Entry> {
    let survey = &filled.template.survey;
    let nameless = |visit: &Visit| survey.objects.get(visit.object).is_some_and(|object| object.id.is_none());
    zip(&survey.visits, &filled.reread_survey.visits)
        .filter(|(before, _)| nameless(before) && before.role != Role::Key)
        .filter(|(before, _)| filled.scalar(before.node).is_some())
        .filter_map(|(before, after)| entry(filled, before, after))
        .collect()
}

/// Notes what a scalar of `object` is to the build.
fn add(object: &mut PatchObject, filled: &FilledFile<'_>, before: &Visit, after: &Visit) {
    let place = || filled.template.source.place(before.node);
    let in_data = before.role.is_data() && before.role != Role::PatchedData;
    if before.role == Role::Key {
        object.directives.extend(directive(before).map(|key| (key.to_owned(), place())));
    } else if in_data && is_null(filled, before) {
        let key = after.path.last().map(step_name).unwrap_or_default();
        object.nulls.push((key, place()));
    } else if in_data || filled.scalar(before.node).is_some() {
        object.entries.extend(entry(filled, before, after));
    }
}

/// The key, if it is a directive of a strategic merge patch.
fn directive(key: &Visit) -> Option<&str> {
    let known = ["$patch", "$retainKeys", "$setElementOrder", "$deleteFromPrimitiveList"];
    match key.path.last() {
        Some(Step::Key(key)) => known.iter().any(|known| key.starts_with(known)).then_some(key),
        _ => None,
    }
}

/// A scalar as the build must hold it.
fn entry(filled: &FilledFile<'_>, before: &Visit, after: &Visit) -> Option<Entry> {
    let expansion = filled.scalar(before.node).map(|scalar| &scalar.expansion);
    Some(Entry {
        path: after.path.clone(),
        value: Secret::new(filled.reread.scalar(after.node)?.text.clone()),
        template_text: filled.template.source.scalar(before.node)?.text.clone(),
        names: expansion.map(|expansion| [&expansion.names[..], &expansion.defaulted].concat()).unwrap_or_default(),
        place: filled.template.source.place(before.node),
    })
}

fn is_null(filled: &FilledFile<'_>, visit: &Visit) -> bool {
    match &filled.template.source.node(visit.node).content {
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
                place: super::fill::placeholder_place(&filled.template.source, scalar.node, name),
            })
        })
        .collect()
}

/// Sensitive values in the name or namespace of an object, which are no secret to whoever sees kubectl run.
pub(super) fn naming_values(files: &[FilledFile<'_>]) -> Vec<Problem> {
    let visits = files.iter().flat_map(|filled| filled.template.survey.visits.iter().map(move |visit| (filled, visit)));
    let warning = |(filled, visit): (&FilledFile<'_>, &Visit)| {
        let [Step::Key(metadata), Step::Key(field)] = visit.path.as_slice() else { return None };
        let names = metadata == "metadata" && matches!(field.as_str(), "name" | "namespace") && visit.role != Role::Key;
        let expansion = &filled.scalar(visit.node).filter(|scalar| names && scalar.expansion.sensitive)?.expansion;
        let values = expansion.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let text = text!("the object's {field} holds {values}: it stands in kubectl's arguments and in URLs");
        let help = text!("a name is no secret: list it in `nonsensitive`, or write it in the template");
        let problem = Problem::warning("value-in-name", text).at(filled.template.source.place(visit.node));
        Some(problem.help(help))
    };
    visits.filter_map(warning).collect()
}

/// Values that a Secret takes and that also go where everybody can read them.
pub(super) fn clear_copies(files: &[FilledFile<'_>]) -> Vec<Problem> {
    let mut in_secret: BTreeMap<&str, Place> = BTreeMap::new();
    let uses = |pick: fn(&Role) -> bool| {
        files.iter().flat_map(move |filled| {
            let chosen =
                filled.scalars.iter().filter(move |scalar| scalar.roles.iter().any(pick) && scalar.expansion.sensitive);
            chosen.flat_map(move |scalar| {
                scalar
                    .expansion
                    .names
                    .iter()
                    .map(move |name| (name.as_str(), filled.template.source.place(scalar.node)))
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
