//! What kustomize does to a committed key of a Secret or ConfigMap without a word.

use crate::error::{Problem, text};
use crate::object::Object;

use super::base::BaseKey;
use super::data::{Held, held};
use super::names::{match_name, shown_id};

/// The finding about `key`, if the build shows that it was dropped or changed.
pub(super) fn check_key(objects: &[Object], key: &BaseKey) -> Option<Problem> {
    if key.null { check_null(objects, key) } else { check_date(objects, key) }
}

/// A key without a value that a merge dropped on the way.
fn check_null(objects: &[Object], key: &BaseKey) -> Option<Problem> {
    let object = built_from(objects, key).filter(|object| held(object, &key.key) == Held::Missing)?;
    let text =
        text!("`{}.{}` of `{}` has no value: kustomize drops the key", key.field, key.key, shown_id(&object.id()));
    let help = text!("give `{0}` a value, write `{0}: \"\"`, or remove the line", key.key);
    Some(Problem::error("data-not-string", text).at(key.place.clone()).help(help))
}

/// A date that kustomize turned into a time. If another layer set the key to something else, there is no finding.
fn check_date(objects: &[Object], key: &BaseKey) -> Option<Problem> {
    let date = key.date.as_deref()?;
    let year = date.split_inclusive('-').next()?;
    let became_time = |object: &&Object| match held(object, &key.key) {
        Held::Bytes(bytes) => {
            let is_time = |text: &str| text != date && text.starts_with(year) && text.contains('T');
            str::from_utf8(&bytes).is_ok_and(is_time)
        }
        _ => false,
    };
    let object = built_from(objects, key).filter(became_time)?;
    let text = text!(
        "`{}.{}` of `{}` is a date, not a string: kustomize makes a time of it",
        key.field,
        key.key,
        shown_id(&object.id())
    );
    Some(Problem::error("data-not-string", text).at(key.place.clone()).help(text!("quote it: `{}: \"…\"`", key.key)))
}

/// The built object that `key` went into.
fn built_from<'a>(objects: &'a [Object], key: &BaseKey) -> Option<&'a Object> {
    let of_kind = |object: &&Object| (object.is_secret() || object.is_config_map()) && object.kind() == key.kind;
    let matched = |object: &&Object| match_name(object.name(), &key.name);
    objects.iter().filter(of_kind).filter(|object| matched(object).is_some()).min_by_key(matched)
}
