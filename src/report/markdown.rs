//! The report as GitHub Markdown, for the step summary and the comment. What comes from elsewhere can be no Markdown, HTML, mention or link.

use super::inert;
use super::rows::{Row, Word, rows, unchanged};
use super::words::{count, severity_word};
use super::{BaseReport, Outcome, Survey};
use crate::error::Problem;
use crate::mask::{Masked, Masker};

/// How much of an outcome a page shows. A report that is too long loses whole parts; nothing is ever cut in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Everything, the unchanged folded.
    Full,
    /// The objects that change, with their keys.
    Changes,
    /// The objects that change.
    Objects,
    /// How many there are. A few hundred bytes, whatever the outcome.
    Counts,
}

impl Detail {
    /// From the most to the least.
    pub(super) const ALL: [Self; 4] = [Self::Full, Self::Changes, Self::Objects, Self::Counts];
}

/// Renders `outcome` in at most `limit` bytes: without the unchanged, then without its keys, and then without its objects and findings,
/// where it is too long. The last form has a few hundred bytes, whatever the limit.
pub fn render(outcome: &Outcome, masker: &Masker, limit: usize) -> Masked {
    let outcome = outcome.redacted(masker);
    let summary = |detail| page(&outcome, detail, "the log") + &times(&outcome, detail);
    let fits = |text: &String| text.len() <= limit;
    let text = Detail::ALL.into_iter().map(summary).find(fits).unwrap_or_else(|| summary(Detail::Counts));
    Masked::of_redacted_parts(text)
}

/// An outcome without anything to hide as a page; what is left out of it is in `elsewhere`.
pub(super) fn page(outcome: &Outcome, detail: Detail, elsewhere: &str) -> String {
    let mark = if outcome.failed.is_some() { "❌" } else { "✅" };
    let mut text = format!("{mark} **{}**\n\n", escaped(&outcome.headline()));
    if detail == Detail::Counts {
        let findings = count(outcome.problems.len(), "finding");
        return text
            + &format!("The report is too long to be shown here; {findings} and all objects are in {elsewhere}.\n\n");
    }
    if let Some(target) = &outcome.target {
        text += &format!("Context {}, server {}\n\n", code(&target.context), code(&target.server));
    }
    text += &outcome.base.as_ref().map(names).unwrap_or_default();
    text += &outcome.problems.iter().map(finding).collect::<String>();
    text += &outcome.survey.as_ref().map(Survey::markdown).unwrap_or_default();
    text += &objects(outcome, detail, elsewhere);
    if !outcome.rollouts.is_empty() {
        text += "| Workload | State | Seen |\n| --- | --- | --- |\n";
        for rollout in &outcome.rollouts {
            let word = if rollout.ready { "ready" } else { "**not ready**" };
            text += &format!("| {} | {word} | {} |\n", code(&rollout.id.to_string()), escaped(&rollout.detail));
        }
        text += "\n";
    }
    text
}

fn objects(outcome: &Outcome, detail: Detail, elsewhere: &str) -> String {
    let (shown, folded) = rows(outcome, detail != Detail::Objects);
    let mut text = if shown.is_empty() { String::new() } else { table(&shown) };
    if !folded.is_empty() {
        let summary = unchanged(outcome);
        text += &match detail {
            Detail::Full => format!("<details><summary>{summary}</summary>\n\n{}</details>\n\n", table(&folded)),
            _ => format!("{summary}\n\n"),
        };
    }
    if detail == Detail::Objects {
        text += &format!("The keys are left out, the report would be too long: they are in {elsewhere}.\n\n");
    }
    text
}

fn times(outcome: &Outcome, detail: Detail) -> String {
    let times = outcome.times();
    if times.is_empty() || detail == Detail::Counts { String::new() } else { format!("<sub>{times}</sub>\n\n") }
}

fn table(rows: &[Row]) -> String {
    let compares = rows.iter().any(|row| row.word.is_some());
    let has_values = rows.iter().any(|row| !row.value.is_empty());
    let columns = [("Object", true), ("Key", true), ("Change", compares), ("Value", has_values), ("Value from", true)];
    let headings: Vec<&str> = columns.iter().filter(|(_, is_there)| *is_there).map(|(heading, _)| *heading).collect();
    let mut text = format!("| {} |\n|{}\n", headings.join(" | "), " --- |".repeat(headings.len()));
    for row in rows {
        let cells = cells(row).into_iter().zip(columns).filter(|(_, (_, is_there))| *is_there);
        text += &cells.map(|(cell, _)| format!("| {cell} ")).collect::<String>();
        text += "|\n";
    }
    text + "\n"
}

/// Object, key, change, value, and where it is from.
fn cells(row: &Row) -> [String; 5] {
    let name = |name: &Option<String>| name.as_deref().map(code).unwrap_or_default();
    let mut change = row.word.map(|word| word.text().to_owned()).unwrap_or_default();
    let value = row.value.iter().map(|text| code(text)).collect::<Vec<_>>().join(" → ");
    let has_progress = row.object.is_some() && matches!(row.word, Some(Word::Change(_))) && !row.detail.is_empty();
    let mut detail = escaped(&row.detail);
    if has_progress {
        // A blank before its end would keep it from being bold.
        change += &format!(", **{}**", std::mem::take(&mut detail).trim_end());
    }
    [name(&row.object), name(&row.key), change, value, detail]
}

fn names(base: &BaseReport) -> String {
    let lines = base.sentences().into_iter().map(|(sentence, names)| {
        let names: Vec<String> = names.iter().map(|name| code(name)).collect();
        format!("{} {}\n\n", self::sentence(sentence), names.join(", "))
    });
    lines.collect()
}

fn finding(problem: &Problem) -> String {
    let place = problem.place.as_ref().map(|place| format!(" ({})", code(&place.to_string()))).unwrap_or_default();
    let remedy = match problem.help.as_deref() {
        Some(help) if help.contains('\n') => format!("\n\n{}", fenced(help)),
        Some(help) => format!("<br>{}\n", sentence(help)),
        None => "\n".to_owned(),
    };
    format!("**{}**: {}{place}{remedy}\n", severity_word(problem.severity), sentence(&problem.message))
}

/// A sentence of ours: what stands in backticks becomes code, all else is text.
fn sentence(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // Two backticks with nothing between would vanish, and join what stands around them.
    let holds_nothing = parts.iter().skip(1).step_by(2).any(|code| code.is_empty());
    if parts.len().is_multiple_of(2) || holds_nothing {
        return escaped(text);
    }
    let parts = parts.iter().enumerate();
    parts.map(|(index, part)| if index % 2 == 0 { escaped(part) } else { code(part) }).collect()
}

/// As code, where GitHub looks for no mention.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<code>{}</code>", inert::code(text)) }
}

/// As text.
pub(super) fn escaped(text: &str) -> String {
    inert::text(text)
}

/// Several lines as they are, in a fence that is longer than any run of backticks in them.
fn fenced(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}text\n{text}\n{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{applied, big, failed, hostile, masker, rendered};
    use super::*;

    #[test]
    fn the_sentence_comes_first_and_the_unchanged_is_folded() {
        assert_eq!(
            render(&applied(), &masker(), usize::MAX).as_str(),
            "\
✅ **Applied staging: 1 object added, 1 changed, 2 unchanged, 1 workload ready, with 1 warning.**

Context <code>kind-staging</code>, server <code>https&#58;//127.0.0.1:6443</code>

**warning**: <code>TOKEN</code> also goes into a ConfigMap (<code>config/staging.yml:3:5</code>)<br>move it

| Object | Key | Change | Value from |
| --- | --- | --- | --- |
| <code>Secret staging/agent-secrets</code> |  | added |  |
|  | <code>OPENAI_API_KEY</code> | added | environment |
|  | <code>DSN</code> | added | DB_USER (vars), DB_PASSWORD (secrets) |
| <code>ConfigMap staging/agent-config</code> |  | changed |  |
|  | <code>LOG_LEVEL</code> | changed | literal |
|  | <code>OLD</code> | removed |  |

<details><summary>2 objects and 1 key unchanged</summary>

| Object | Key | Change | Value from |
| --- | --- | --- | --- |
| <code>ConfigMap staging/agent-config</code> |  | changed |  |
|  | <code>ENV_MODE</code> | unchanged | literal |
| <code>Secret staging/shared-secrets</code> |  | unchanged |  |
|  | <code>LIVEKIT_API_KEY</code> | unchanged | environment |
| <code>Namespace staging</code> |  | unchanged |  |

</details>

| Workload | State | Seen |
| --- | --- | --- |
| <code>Deployment staging/agent</code> | ready | 2 of 2 pods ready |

<sub>Took 4.2 s: render 3 ms, apply 4.2 s</sub>

"
        );
    }

    #[test]
    fn render_has_no_column_of_changes() {
        let text = render(&rendered(), &masker(), usize::MAX);
        assert!(text.as_str().contains("| Object | Key | Value from |\n"), "{text}");
    }

    #[test]
    fn a_failure_shows_its_errors_with_their_lines() {
        let text = render(&failed(), &masker(), usize::MAX);
        assert!(text.as_str().starts_with("❌ **Apply of staging failed at apply"), "{text}");
        assert!(
            text.as_str().contains("**error**: <code>A</code> is refused\n\n````text\nadd:\n  A: ```\n````\n"),
            "{text}"
        );
        assert!(text.as_str().contains("| added, **refused** |"), "{text}");
    }

    #[test]
    fn names_of_others_stay_text() {
        let text = render(&hostile(), &masker(), usize::MAX);
        let text = text.as_str();
        for mark in [
            "<script",
            "</details><",
            "<!--",
            "@octocat",
            " #1",
            "](",
            "https://",
            "www.",
            "hunter2",
            "\u{1b}",
            "\u{202e}",
        ] {
            assert!(!text.contains(mark), "{mark} in {text}");
        }
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert!(rows.iter().all(|row| row.matches('|').count() == rows[0].matches('|').count()), "{text}");
    }

    #[test]
    fn a_long_report_loses_its_keys_and_then_its_objects() {
        let outcome = big();
        let full = render(&outcome, &masker(), usize::MAX);
        let objects = render(&outcome, &masker(), full.as_str().len() - 1);
        assert!(objects.as_str().contains("The keys are left out") && objects.as_str().contains("name-999"));
        let counts = render(&outcome, &masker(), objects.as_str().len() - 1);
        assert!(counts.as_str().len() < 1000 && counts.as_str().contains("1000 objects added"), "{counts}");
    }
}
