//! Which context counts, and the cluster and user it names.

use super::merge::{Entry, Merged};
use super::{Check, Options};
use crate::error::{Problem, text};

/// How many names a message lists.
const LISTED: usize = 20;

/// The context that was asked for, else the current one.
///
/// # Errors
/// `context-missing` or `context-unknown`, with the contexts that exist.
pub(super) fn choose(merged: &Merged, options: &Options<'_>) -> Result<Entry, Problem> {
    let asked = options.context.map(str::trim).filter(|name| !name.is_empty());
    let Some(name) = asked.or(merged.current.as_deref()) else {
        let message = text!("{} has no `current-context`: {}", merged.name, listed(&merged.contexts));
        return Err(
            Problem::error("context-missing", message).help(text!("choose one with {}", options.input("context")))
        );
    };
    merged.contexts.iter().find(|context| context.name == name).cloned().ok_or_else(|| {
        let origin = if asked.is_some() { options.input("context") } else { "its `current-context`".to_owned() };
        let message =
            text!("{} has no context `{name}`, which {origin} names: {}", merged.name, listed(&merged.contexts));
        Problem::error("context-unknown", message).help(match similar(name, &merged.contexts) {
            Some(meant) => text!("did you mean `{meant}`?"),
            None => text!("choose one with {}", options.input("context")),
        })
    })
}

/// The context's cluster; `None`, with the problem told, where it is not there.
pub(super) fn cluster(merged: &Merged, context: &Entry, check: &mut Check<'_>) -> Option<Entry> {
    let name = check.text(context, "cluster");
    named(&merged.clusters, name.as_deref()).or_else(|| {
        check.problems.push(absent(context, "cluster", name.as_deref(), &merged.clusters));
        None
    })
}

/// What a context's `user` leads to.
pub(super) enum User {
    Found(Entry),
    /// The name the context gives it, and the problem that it is unless nobody is needed.
    Absent(String, Problem),
}

/// The context's user; whether it matters that it is not there depends on the server.
pub(super) fn user(merged: &Merged, context: &Entry, check: &mut Check<'_>) -> User {
    let name = check.text(context, "user");
    match named(&merged.users, name.as_deref()) {
        Some(entry) => User::Found(entry),
        None => {
            let problem = absent(context, "user", name.as_deref(), &merged.users);
            User::Absent(name.unwrap_or_else(|| "secret-patch".to_owned()), problem)
        }
    }
}

fn named(entries: &[Entry], name: Option<&str>) -> Option<Entry> {
    entries.iter().find(|entry| Some(entry.name.as_str()) == name).cloned()
}

fn absent(context: &Entry, noun: &str, name: Option<&str>, entries: &[Entry]) -> Problem {
    let kind = if noun == "cluster" { "cluster-unknown" } else { "user-unknown" };
    let Some(name) = name else {
        return Problem::error(kind, text!("{} names no {noun}: {}", context.title(), listed(entries)))
            .help(text!("give the context its `{noun}`"));
    };
    let message = text!("{} names {noun} `{name}`, which is not there: {}", context.title(), listed(entries));
    Problem::error(kind, message).help(match similar(name, entries) {
        Some(meant) => text!("did you mean `{meant}`?"),
        None => "take the whole of it from where it works: `kubectl config view --raw --flatten --minify`".into(),
    })
}

fn listed(entries: &[Entry]) -> String {
    let names: Vec<String> = entries.iter().take(LISTED).map(|entry| format!("`{}`", entry.name)).collect();
    match (names.len(), entries.len()) {
        (0, _) => "there is none".to_owned(),
        (shown, all) if shown < all => format!("there are {} and {} more", names.join(", "), all - shown),
        (1, _) => format!("there is {}", names.join(", ")),
        _ => format!("there are {}", names.join(", ")),
    }
}

/// The one name that holds `name` (`staging` in an ARN), else the nearest within a third of its length.
fn similar<'a>(name: &str, entries: &'a [Entry]) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let mut holding = entries.iter().filter(|entry| entry.name.to_lowercase().contains(&wanted));
    if let (Some(only), None) = (holding.next(), holding.next()) {
        return Some(&only.name);
    }
    entries
        .iter()
        .map(|entry| (strsim::levenshtein(&wanted, &entry.name.to_lowercase()), entry))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (wanted.chars().count() / 3).max(1))
        .map(|(_, entry)| entry.name.as_str())
}
