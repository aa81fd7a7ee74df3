//! The report for a person at a terminal or in a log. Problems are not in it: they were told when they were found.

use anstyle::{AnsiColor, Style};

use super::rows::{Row, Word, rows, unchanged};
use super::{BaseReport, Change, Outcome, Survey};
use crate::mask::{Masked, Masker};

/// Renders `outcome`, with ANSI colours or without; ends with the sentence, where a terminal's reader looks.
pub fn render(outcome: &Outcome, masker: &Masker, colours: bool) -> Masked {
    let outcome = outcome.redacted(masker);
    let mut text = String::new();
    if let Some(target) = &outcome.target {
        text += &format!("context {}, server {}\n\n", target.context, target.server);
    }
    if let Some(base) = &outcome.base {
        text += &names(base);
    }
    text += &outcome.survey.as_ref().map(Survey::text).unwrap_or_default();
    let (shown, _) = rows(&outcome, true);
    text += &table(&shown, colours);
    let unchanged = unchanged(&outcome);
    if !unchanged.is_empty() {
        text += &format!("{unchanged}\n");
    }
    if !shown.is_empty() || !unchanged.is_empty() {
        text += "\n";
    }
    for rollout in &outcome.rollouts {
        let (word, colour) = if rollout.ready { ("ready", AnsiColor::Green) } else { ("not ready", AnsiColor::Red) };
        text += &format!("{}  {}  {}\n", painted(word, colour, colours, 9), rollout.id, rollout.detail);
    }
    if !outcome.rollouts.is_empty() {
        text += "\n";
    }
    let times = outcome.times();
    if !times.is_empty() {
        text += &format!("{times}\n");
    }
    let bold = if colours { Style::new().bold() } else { Style::new() };
    text += &format!("{bold}{}{bold:#}\n", outcome.headline());
    Masked::of_redacted_parts(text)
}

fn names(base: &BaseReport) -> String {
    let lines = base.sentences().into_iter().map(|(sentence, names)| format!("{sentence} {}\n\n", names.join(", ")));
    lines.collect()
}

fn table(rows: &[Row], colours: bool) -> String {
    let name = |row: &Row| match (&row.object, &row.key) {
        (Some(object), _) => object.clone(),
        (None, key) => format!("  {}", key.as_deref().unwrap_or_default()),
    };
    let rest = |row: &Row| {
        let value = row.value.join(" → ");
        [value, row.detail.clone()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    };
    let with_rest = rows.iter().filter(|row| !rest(row).is_empty());
    let width = with_rest.map(|row| name(row).chars().count()).max().unwrap_or_default();
    let lines = rows.iter().map(|row| {
        let word = match row.word {
            Some(word) => painted(word.text(), colour(word), colours, 9) + "  ",
            None => String::new(),
        };
        let (name, rest) = (name(row), rest(row));
        let line = if rest.is_empty() { name } else { format!("{name:width$}  {rest}") };
        format!("{word}{line}\n")
    });
    lines.collect()
}

fn colour(word: Word) -> AnsiColor {
    match word {
        Word::Change(Change::Added) => AnsiColor::Green,
        Word::Change(Change::Changed) => AnsiColor::Yellow,
        Word::Change(Change::Removed) | Word::Conflict => AnsiColor::Red,
        Word::Change(Change::Unchanged) => AnsiColor::BrightBlack,
        Word::Change(Change::Unknown) | Word::LeftOver => AnsiColor::Magenta,
        Word::Restarts | Word::Restarted => AnsiColor::Cyan,
    }
}

/// `word`, padded outside of the colour.
fn painted(word: &str, colour: AnsiColor, colours: bool, width: usize) -> String {
    let style = if colours { colour.on_default() } else { Style::new() };
    format!("{style}{word}{style:#}{}", " ".repeat(width.saturating_sub(word.chars().count())))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{applied, failed, masker, rendered};
    use super::*;

    #[test]
    fn a_table_then_the_sentence() {
        assert_eq!(
            render(&applied(), &masker(), false).as_str(),
            "\
context kind-staging, server https://127.0.0.1:6443

added      Secret staging/agent-secrets
added        OPENAI_API_KEY  environment
added        DSN             DB_USER (vars), DB_PASSWORD (secrets)
changed    ConfigMap staging/agent-config
changed      LOG_LEVEL       literal
removed      OLD
2 objects and 1 key unchanged

ready      Deployment staging/agent  2 of 2 pods ready

Took 4.2 s: render 3 ms, apply 4.2 s
Applied staging: 1 object added, 1 changed, 2 unchanged, 1 workload ready, with 1 warning.
"
        );
    }

    #[test]
    fn a_failure_says_what_was_and_was_not_done() {
        let text = render(&failed(), &masker(), false);
        assert!(
            text.as_str().contains("added      Secret staging/b  refused\nchanged    Secret staging/c  not-reached\n"),
            "{text}"
        );
        let headline = "Apply of staging failed at apply: 1 object written, 1 refused, 1 not reached.\n";
        assert!(text.as_str().ends_with(headline), "{text}");
    }

    #[test]
    fn what_only_becomes_ours_is_told_and_is_no_change() {
        let mut outcome = applied();
        outcome.objects.retain(|object| object.change == Change::Unchanged);
        outcome.objects[0].taken_over = true;
        (outcome.problems, outcome.rollouts, outcome.stages) = Default::default();
        let text = render(&outcome, &masker(), false);
        assert!(
            text.as_str()
                .contains("unchanged  Secret staging/shared-secrets  taken over\n1 object and 1 key unchanged\n"),
            "{text}"
        );
        let headline =
            |command: &'static str, dry_run: bool| Outcome { command, dry_run, ..outcome.clone() }.headline();
        assert_eq!(headline("apply", false), "Applied staging: 2 objects unchanged, 1 of them taken over.");
        assert_eq!(
            headline("apply", true),
            "Dry run of apply staging: nothing would change, 1 object would be taken over."
        );
        assert_eq!(headline("diff", false), "An apply of staging would take over 1 object; 1 object is unchanged.");
    }

    #[test]
    fn render_compares_with_nothing() {
        assert_eq!(
            render(&rendered(), &masker(), false).as_str(),
            "\
Secret agent-secrets
  OPENAI_API_KEY  environment

Rendered staging: 1 value in 1 object, written to config/staging-secret-config-patch.yml.
"
        );
    }

    #[test]
    fn colours_stand_around_the_word_only() {
        let text = render(&applied(), &masker(), true);
        assert!(text.as_str().contains("\u{1b}[32madded\u{1b}[0m      Secret staging/agent-secrets\n"), "{text:?}");
    }
}
