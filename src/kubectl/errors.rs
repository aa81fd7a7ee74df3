//! Why kubectl failed, as a problem with its remedy, and without what the server echoed.

use super::cut::{cut, one_line};
use super::requests::Report;
use super::{Ending, Untrusted, connection, refusals};
use crate::error::{Problem, Text, text};
use crate::object::ObjectId;

/// One failure's text, freed of its prefixes.
pub(super) struct Failed<'a> {
    /// What the server or kubectl said, without `Error from server (Reason): `.
    pub(super) body: &'a str,
    /// The reason in the server's parentheses; empty if there is none.
    pub(super) reason: &'a str,
    /// Whether the text comes from the server; only then it may quote what an object holds.
    pub(super) from_server: bool,
    /// The object that was sent, if it was one.
    pub(super) object: Option<&'a ObjectId>,
}

/// Recognises one class of failures.
type Class = fn(&Failed<'_>) -> Option<Problem>;

/// What a failure's text is looked at for, in this order: a server that could not be asked, then what it refused.
const CLASSES: [Class; 21] = [
    connection::configuration,
    connection::credentials,
    connection::exec_plugin,
    connection::intercepted,
    refusals::admission,
    connection::certificate,
    connection::redirected,
    connection::unreachable,
    connection::protocol,
    refusals::conflict,
    refusals::modified,
    refusals::terminating,
    refusals::quota,
    refusals::forbidden,
    refusals::missing_namespace,
    refusals::unknown_kind,
    refusals::too_large,
    refusals::immutable,
    refusals::invalid,
    refusals::denied,
    connection::busy,
];

/// The first failure of a call that sent `object`, or several objects if it is `None`.
pub(super) fn problem(stderr: &Untrusted, object: Option<&ObjectId>) -> Problem {
    let report = Report::parse(stderr);
    failure(report.failures.first().map_or("", String::as_str), object)
}

/// All failures of a read, but for kinds that the server does not know: of these there are no objects.
pub(super) fn all_but_unknown_kinds(stderr: &Untrusted) -> Vec<Problem> {
    let mut problems = all(stderr);
    problems.retain(|problem| problem.kind != "unknown-kind");
    problems
}

/// All failures of a call.
pub(super) fn all(stderr: &Untrusted) -> Vec<Problem> {
    let report = Report::parse(stderr);
    if report.failures.is_empty() {
        return vec![failure("", None)];
    }
    let mut problems: Vec<Problem> = Vec::new();
    for text in &report.failures {
        let problem = failure(text, None);
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    folded(problems)
}

/// What one failure's text means.
pub(super) fn failure(text: &str, object: Option<&ObjectId>) -> Problem {
    let failed = Failed::parse(text, object);
    CLASSES.iter().find_map(|class| class(&failed)).unwrap_or_else(|| other(&failed))
}

/// One missing right is one problem, however many objects it keeps from being read or written.
pub(super) fn folded(problems: Vec<Problem>) -> Vec<Problem> {
    let mut kept: Vec<(Problem, usize)> = Vec::new();
    for problem in problems {
        let same = |other: &Problem| {
            matches!(problem.kind, "forbidden" | "namespace-not-found")
                && other.kind == problem.kind
                && other.help == problem.help
        };
        if let Some((_, more)) = kept.iter_mut().find(|(other, _)| same(other)) {
            *more += 1;
        } else if !kept.iter().any(|(other, _)| *other == problem) {
            // One lost connection says the same of everything that was under way.
            kept.push((problem, 0));
        }
    }
    let told = |(mut problem, more): (Problem, usize)| {
        if more > 0 {
            problem.message.push(text!("; the same for {more} more"));
        }
        problem
    };
    kept.into_iter().map(told).collect()
}

/// `Warning:` lines, each once.
pub(super) fn warnings(stderr: &Untrusted, object: Option<&ObjectId>) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    for text in Report::parse(stderr).warnings {
        // An admission policy's own words may hold the value it looked at.
        let text = match text
            .split_once("' with binding '")
            .and_then(|(policy, rest)| Some((policy, rest.split_once("': ")?.0)))
        {
            Some((policy, binding)) => format!("{policy}' with binding '{binding}'"),
            None => text,
        };
        let mut message = object.map(|id| text!("`{id}`: ")).unwrap_or_default();
        message.push(match cut(&text) {
            words if words.is_empty() => {
                Text::from("the words of a warning are not shown: the server has cut them, and may have cut a value")
            }
            words => words.into(),
        });
        let warning = Problem::warning("server-warning", message);
        if !found.contains(&warning) {
            found.push(warning);
        }
    }
    found
}

/// Why a build failed.
pub(super) fn kustomize(stderr: &Untrusted) -> Problem {
    let report = Report::parse(stderr);
    let text = report.failures.first().map_or("", String::as_str);
    let text = cut(text.strip_prefix("error: ").unwrap_or(text));
    let help = [
        (
            "no matches for Id",
            "give the patch the name and namespace that the base has, before the overlay changes them",
        ),
        ("no 'git' program on path", "refer to files of this checkout: remote bases need git and the network"),
        (
            "unable to find one of 'kustomization.yaml'",
            "name a directory with a kustomization.yml as `overlay`, or `overlay: none`",
        ),
        ("wrong node kind", "quote the value: it was read as a mapping or list where the base has a text"),
        ("unable to parse SM or JSON patch", "the patch is no valid YAML, or lacks `apiVersion` and `kind`"),
    ];
    let help = help.iter().find(|(sign, _)| text.contains(sign)).map(|(_, help)| *help);
    let problem = Problem::error("kustomize-failed", said(text!("kustomize could not build the overlay: "), &text));
    help.map_or_else(|| problem.clone(), |help| problem.clone().help(help))
}

/// A call that did not end by itself, or never began.
pub(super) fn unfinished(ending: &Ending) -> Problem {
    match ending {
        Ending::TimedOut { deadline, stderr } => {
            let problem =
                Problem::error("kubectl-timeout", text!("kubectl had no answer after {}", seconds(*deadline)));
            let seen = Report::parse(stderr).failures;
            problem.help(match seen.first() {
                Some(text) => text!("the last it said: {}", cut(text)),
                None => "check that the runner can reach the API server, and that it is not overloaded".into(),
            })
        }
        Ending::Killed { signal, .. } => {
            Problem::error("kubectl-killed", text!("kubectl was ended by signal {signal}"))
                .help("signal 9 often means that the runner has too little memory")
        }
        Ending::TooMuchOutput => Problem::error("kubectl-output", "kubectl printed more than can be held in memory")
            .help("apply fewer objects at once, with `kinds` or with smaller overlays"),
        Ending::NotStarted { reason } => {
            Problem::error("kubectl-not-started", text!("kubectl could not be started: {}", one_line(reason)))
                .help("check that the file is a kubectl for this system, and may be run")
        }
        Ending::Failed { stderr, .. } => problem(stderr, None),
        Ending::Success { .. } => Problem::error("kubectl-failed", "kubectl ended early"),
    }
}

/// A failure of no known class: its first line.
fn other(failed: &Failed<'_>) -> Problem {
    let line = failed.body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let about = failed.object.map(|id| text!("`{id}`: ")).unwrap_or_default();
    let problem = Problem::error("kubectl-failed", said(about, &cut(line)));
    if failed.from_server {
        problem.help("run it again; if it stays, ask who runs the cluster what the API server logs")
    } else {
        problem
    }
}

/// `about` and what was said about it.
fn said(mut about: Text, words: &str) -> Text {
    about.push(if words.is_empty() { Text::from("it gave no reason") } else { words.to_owned().into() });
    about
}

fn seconds(duration: std::time::Duration) -> String {
    format!("{} s", duration.as_secs())
}

impl<'a> Failed<'a> {
    fn parse(text: &'a str, object: Option<&'a ObjectId>) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("error: ").unwrap_or(text);
        if let Some(rest) = text.strip_prefix("Error from server") {
            let (reason, body) = match rest.strip_prefix(" (").and_then(|rest| rest.split_once("): ")) {
                Some((reason, body)) => (reason, body),
                None => ("", rest.trim_start_matches(": ")),
            };
            return Self { body, reason, from_server: true, object };
        }
        let refused = ["Apply failed with ", "Operation cannot be fulfilled on "];
        let invalid = text.starts_with("The ") && text.contains("\" is invalid: ");
        let from_server = invalid || refused.iter().any(|start| text.starts_with(start));
        let local = ["unable to recognize \"STDIN\": ", "Unable to connect to the server: ", "unable to recognize "];
        let body = local.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        Self { body, reason: "", from_server, object }
    }

    /// `` `Secret n/a` ``, or as the server names it, or `an object`.
    pub(super) fn subject(&self) -> String {
        if let Some(id) = self.object {
            return format!("`{id}`");
        }
        let invalid = self.body.strip_prefix("The ").unwrap_or(self.body).split_once(" is invalid: ");
        let named = invalid.or_else(|| self.body.split_once(" is forbidden: ")).map(|(named, _)| named);
        match named.filter(|named| named.len() < 300 && !named.contains('\n')) {
            Some(named) => format!("`{}`", one_line(&named.replace(['"', '`'], ""))),
            None => "an object".to_owned(),
        }
    }
}

/// The text between the first `start` and the `end` after it.
pub(super) fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
}

#[cfg(test)]
mod tests;
