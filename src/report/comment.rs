//! The comment on a pull request: the summary's words in a form that GitHub takes, and the hidden mark by which it is found again.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::markdown::{Detail, code, escaped, page};
use super::words::printable;
use super::{Change, ObjectReport, Outcome};
use crate::mask::{Masked, Masker};

/// The most bytes that a comment has. GitHub counts to 65,536, in characters by its own words; bytes are safe by any count.
pub const LIMIT: usize = 65_536;

/// Begins the line that follows the report, which no escaped text can hold. What stands there says nothing about the report.
const FOOT: &str = "<sub>";

/// What a comment is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Tells one comment of a pull request from another.
    pub key: &'a str,
    /// Where the run's summary is, such as `https://github.com/owner/name/actions/runs/1`.
    pub run: Option<&'a str>,
}

/// A comment as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The first line of the comment; nobody sees it.
    pub marker: Masked,
    /// The same report, from the fullest form to the shortest, each whole, each with the marker. At least one.
    pub forms: Vec<Masked>,
    /// Whether there is nothing to say: then one line replaces an earlier comment, and none is needed where there was none.
    pub quiet: bool,
}

impl Comment {
    /// The comment on what `outcome` tells.
    pub fn new(outcome: &Outcome, subject: Subject<'_>, masker: &Masker) -> Self {
        let quiet = is_quiet(outcome);
        let outcome = outcome.redacted(masker);
        let marker = marker(subject.key);
        let foot = foot(subject, masker);
        let texts: Vec<String> = if quiet {
            vec![format!("{marker}\n✅ **{}** {foot}\n", escaped(&outcome.headline()))]
        } else {
            let form = |detail| format!("{marker}\n{}{foot}\n", page(&outcome, detail, "the summary of the run"));
            Detail::ALL.map(form).into()
        };
        let mut fitting: Vec<String> = texts.iter().filter(|text| text.len() <= LIMIT).cloned().collect();
        // The shortest has a few hundred bytes; the names in it are the workflow's own.
        if fitting.is_empty() {
            fitting.extend(texts.into_iter().next_back());
        }
        fitting.dedup();
        Self {
            marker: Masked::of_redacted_parts(marker),
            forms: fitting.into_iter().map(Masked::of_redacted_parts).collect(),
            quiet,
        }
    }

    /// Whether `body`, from GitHub, is a comment with this one's marker. Only the beginning counts: further on is text of others.
    pub fn is_marked(&self, body: &str) -> bool {
        body.trim_start().starts_with(self.marker.as_str())
    }
}

/// Whether two comments tell the same report, of whichever run.
pub fn is_same(one: &str, other: &str) -> bool {
    let report = |text: &str| {
        let text = text.replace("\r\n", "\n");
        text.rsplit_once(FOOT).map_or(text.trim_end(), |(report, _)| report.trim_end()).to_owned()
    };
    report(one) == report(other)
}

/// Nothing failed, nothing differs and nothing is to be done; what could not be told may differ.
fn is_quiet(outcome: &Outcome) -> bool {
    let is_same = |object: &ObjectReport| {
        object.change == Change::Unchanged
            && !object.taken_over
            && object.keys.iter().all(|key| key.change == Change::Unchanged)
    };
    let names = outcome.base.as_ref().is_some_and(|base| !base.gained.is_empty() || !base.lost.is_empty());
    let ready = outcome.rollouts.iter().all(|rollout| rollout.ready);
    let stays = outcome.restarts.is_empty() && !outcome.changed() && outcome.objects.iter().all(is_same);
    outcome.failed.is_none() && stays && ready && !names
}

/// A digest, since a key can hold what would end the comment.
fn marker(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    format!("<!-- secret-patch comment {digest} -->")
}

fn foot(subject: Subject<'_>, masker: &Masker) -> String {
    let key = code(&printable(masker.redact(subject.key).as_str()));
    let is_plain =
        |url: &&str| url.starts_with("http") && !url.contains(|c: char| c.is_whitespace() || "()<>\"\\".contains(c));
    let link = subject.run.filter(is_plain).map(|url| format!(" · [summary of the run]({})", masker.redact(url)));
    format!("{FOOT}{key}{}</sub>", link.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{applied, big, failed, hostile, masker};
    use super::super::{BaseReport, Progress, RestartReport};
    use super::*;

    const SUBJECT: Subject<'_> =
        Subject { key: "owner/name//.//staging in kind", run: Some("https://github.com/owner/name/actions/runs/1") };

    fn comment(outcome: &Outcome) -> Comment {
        Comment::new(outcome, SUBJECT, &masker())
    }

    fn unchanged() -> Outcome {
        let mut outcome = applied();
        outcome.objects.retain(|object| object.change == Change::Unchanged);
        outcome.problems.clear();
        outcome
    }

    #[test]
    fn its_foot_holds_no_value() {
        let subject =
            Subject { key: "hunter2 in hunter2", run: Some("https://github.com/owner/hunter2/actions/runs/1") };
        let comment = Comment::new(&applied(), subject, &masker());
        assert!(comment.forms.iter().all(|form| !form.as_str().contains("hunter2") && form.as_str().contains("***")));
    }

    #[test]
    fn it_has_the_summarys_words_without_what_differs_from_run_to_run() {
        let forms = comment(&applied()).forms;
        let lines: Vec<&str> = forms[0].as_str().lines().collect();
        assert_eq!(
            lines[..2],
            [
                "<!-- secret-patch comment 3f85b3990f09aad853b8f27fa65c1c18ca814628d7ca31c3763472e551937cd6 -->",
                "✅ **Applied staging: 1 object added, 1 changed, 2 unchanged, 1 workload ready, with 1 warning.**"
            ]
        );
        assert_eq!(
            lines.last(),
            Some(
                &"<sub><code>owner/name//.//staging in kind</code> · [summary of the run](https://github.com/owner/name/actions/runs/1)</sub>"
            )
        );
        assert!(!forms[0].as_str().contains("Took"), "{}", forms[0]);
        assert!(forms[0].as_str().contains("<details><summary>2 objects and 1 key unchanged</summary>"));
        assert!(
            forms[1].as_str().contains("OPENAI_API_KEY") && !forms[1].as_str().contains("ENV_MODE"),
            "{}",
            forms[1]
        );
    }

    #[test]
    fn nothing_to_say_is_one_line() {
        let comment = comment(&unchanged());
        assert!(comment.quiet && comment.forms.len() == 1);
        let text = comment.forms[0].as_str();
        let line = "✅ **Nothing to apply: all 2 objects of staging are unchanged, 1 workload ready.** <sub>";
        assert!(text.lines().count() == 2 && text.lines().nth(1).is_some_and(|text| text.starts_with(line)), "{text}");
    }

    #[test]
    fn a_failure_or_what_cannot_be_told_is_something_to_say() {
        let mut unknown = unchanged();
        unknown.objects[0].change = Change::Unknown;
        let mut taken_over = unchanged();
        taken_over.objects[0].taken_over = true;
        let mut broken = unchanged();
        broken.rollouts[0].ready = false;
        let restarts = vec![RestartReport {
            id: unchanged().rollouts[0].id.clone(),
            uses: vec![],
            progress: Progress::Planned,
            note: None,
        }];
        let restarting = Outcome { restarts, ..unchanged() };
        let base = Some(BaseReport { gained: vec!["NEW".into()], lost: vec![] });
        let named = Outcome { base, ..unchanged() };
        for outcome in [
            failed(),
            unknown,
            broken,
            restarting,
            taken_over,
            named,
            Outcome { failed: Some(crate::error::Stage::Values), ..unchanged() },
        ] {
            assert!(!comment(&outcome).quiet, "{outcome:?}");
        }
    }

    #[test]
    fn every_form_is_whole_and_small_enough() {
        let full = comment(&applied()).forms;
        assert_eq!(full.len(), 4);
        assert!(full.is_sorted_by(|more, less| more.as_str().len() > less.as_str().len()));
        let forms = comment(&big()).forms;
        assert!(!forms.is_empty() && forms.iter().all(|form| form.as_str().len() <= LIMIT));
        for form in full.iter().chain(&forms) {
            let text = form.as_str();
            assert!(text.starts_with("<!-- secret-patch comment ") && text.ends_with("</sub>\n"), "{text}");
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
            assert_eq!(text.matches("<code>").count(), text.matches("</code>").count());
        }
    }

    #[test]
    fn a_marker_is_a_keys_own_and_stands_at_the_beginning() {
        let one = comment(&applied());
        let other = Comment::new(&applied(), Subject { key: "other --> <b>", run: None }, &masker());
        assert!(one.marker != other.marker && other.marker.as_str().matches("-->").count() == 1);
        let body = one.forms[0].as_str();
        assert!(one.is_marked(body) && !other.is_marked(body));
        assert!(one.is_marked(&body.replace('\n', "\r\n")));
        assert!(!one.is_marked(&format!("> {body}")) && !one.is_marked(&format!("look:\n{body}")));
    }

    #[test]
    fn text_of_others_is_no_marker_no_foot_and_no_link() {
        let hostile = comment(&hostile());
        for form in &hostile.forms {
            let text = form.as_str();
            assert_eq!((text.matches("<!--").count(), text.matches(FOOT).count()), (1, 1), "{text}");
            assert!(!text.contains("hunter2") && !text.contains("@octocat"), "{text}");
        }
        let nasty = Subject { key: "<sub>@octocat <!-- hunter2", run: Some("https://x/)[x](https://evil.example") };
        let text = Comment::new(&applied(), nasty, &masker()).forms[0].as_str().to_owned();
        assert!(!text.contains("evil") && !text.contains("hunter2") && text.matches(FOOT).count() == 1, "{text}");
    }

    #[test]
    fn the_same_report_of_another_run_is_the_same() {
        let first = comment(&applied()).forms[0].as_str().to_owned();
        let later = Subject { run: Some("https://github.com/owner/name/actions/runs/2"), ..SUBJECT };
        let later = Comment::new(&applied(), later, &masker()).forms[0].as_str().to_owned();
        assert!(first != later && is_same(&first, &later) && is_same(&first.replace('\n', "\r\n"), later.trim_end()));
        assert!(!is_same(&first, comment(&failed()).forms[0].as_str()));
        assert!(!is_same(comment(&applied()).forms[1].as_str(), &first));
    }
}
