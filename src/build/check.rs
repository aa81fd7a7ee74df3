//! The one way from a build to a [`CheckedBuild`].

use std::collections::BTreeSet;

use crate::error::{Problem, text};
use crate::object::Object;
use crate::patch::{Entry, PatchObject};

use super::arrival::check_arrival;
use super::base::Base;
use super::characters::check_characters;
use super::clear::clear_copies;
use super::data::check_data;
use super::left::check_left;
use super::names::Index;
use super::operations::check_operations;
use super::origins::origins;
use super::{Build, CheckedBuild};

/// Checks that the build holds what the patch holds (`patch`: its objects, `operations`: what its JSON6902 patches put in place), and nothing that the server would refuse or take for something else.
///
/// `kinds` (empty: all) says which objects to keep; it is applied last, so that a finding about others is not lost.
/// The second part of the result is notices and warnings, whether the check passed or not.
///
/// # Errors
/// Every entry of the patch that did not arrive, every placeholder of the base that is still there, every key or value of a
/// Secret or ConfigMap that the server would refuse, and every directive of the template that deletes; never a value.
pub fn check(
    build: Build,
    patch: &[PatchObject],
    operations: &[Entry],
    base: &Base,
    kinds: &[String],
) -> (Result<CheckedBuild, Vec<Problem>>, Vec<Problem>) {
    let directives: Vec<Problem> = patch.iter().flat_map(check_directives).collect();
    if !directives.is_empty() {
        // What else is missing is their doing.
        return (Err(directives), Vec::new());
    }
    let index = Index::new(build.objects());
    let mut arrival = check_arrival(&index, patch);
    let mut problems = Vec::new();
    if build.has_overlay() {
        problems.extend(check_empty(patch).filter(|_| operations.is_empty()));
    }
    problems.append(&mut arrival.problems);
    problems.extend(check_operations(build.objects(), operations));
    problems.extend(patch.iter().flat_map(check_nulls));
    check_left(&index, base, &mut arrival, patch);
    problems.append(&mut arrival.problems);
    problems.extend(check_data(build.objects(), &arrival.owners, base));
    problems.extend(check_characters(build.objects(), &arrival.owners, base));
    let mut notices = arrival.notices;
    if !problems.is_empty() {
        return (Err(problems), notices);
    }
    let mut origins = origins(build.objects(), &arrival.owners, operations);
    notices.extend(clear_copies(build.objects(), &build.copies, patch, &mut origins));
    let there: BTreeSet<String> = build.objects().iter().map(|object| format!("`{}`", object.kind())).collect();
    let objects = keep_kinds(build, kinds, &mut notices);
    if objects.is_empty() && !kinds.is_empty() {
        let there: Vec<String> = there.into_iter().collect();
        let problem = Problem::error("kinds-match-nothing", "no object of the build is of a kind that `kinds` names")
            .help(text!("kinds are written as in manifests, in the singular; there are {}", there.join(", ")));
        return (Err(vec![problem]), notices);
    }
    (Ok(CheckedBuild::new(objects, origins)), notices)
}

/// kustomize takes an empty patch without a word and builds the base's placeholders.
fn check_empty(patch: &[PatchObject]) -> Option<Problem> {
    let place = patch.first().map(|object| object.place.clone());
    if patch.iter().any(|object| !object.entries.is_empty()) {
        return None;
    }
    let problem = Problem::error(
        "patch-empty",
        "the template fills nothing: it has no placeholder and no Secret or ConfigMap key",
    )
    .help("write the objects and keys to fill into it, or set `overlay: none`");
    Some(match place {
        Some(place) => problem.at(place),
        None => problem,
    })
}

fn check_nulls(object: &PatchObject) -> Vec<Problem> {
    let id = &object.id;
    let nulls = object.nulls.iter().filter(|_| object.holds_data()).map(|(key, place)| {
        Problem::error("template-null", text!("`{key}: null` in the template's `{id}` would delete the key"))
            .at(place.clone())
            .help(text!("give `{key}` a value, or remove the line; for an empty value write `{key}: \"\"`"))
    });
    nulls.collect()
}

fn check_directives(object: &PatchObject) -> Vec<Problem> {
    let id = &object.id;
    let directives = object.directives.iter().filter(|_| object.holds_data()).map(|(directive, place)| {
        let text = text!("`{directive}` in the template's `{id}` would delete without a word");
        Problem::error("template-directive", text)
            .at(place.clone())
            .help("the template may only add and change; delete in the base or in a patch of its own")
    });
    directives.collect()
}

fn keep_kinds(build: Build, kinds: &[String], notices: &mut Vec<Problem>) -> Vec<Object> {
    let is = |object: &Object, kind: &String| object.kind().eq_ignore_ascii_case(kind);
    for kind in kinds.iter().filter(|kind| !build.objects().iter().any(|object| is(object, kind))) {
        notices
            .push(Problem::warning("kind-unknown", text!("`kinds` names `{kind}`, but the build has no such object")));
    }
    let all = kinds.is_empty();
    build.objects.into_iter().filter(|object| all || kinds.iter().any(|kind| is(object, kind))).collect()
}
