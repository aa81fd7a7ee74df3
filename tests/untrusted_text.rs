//! Text of others in a report: to GitHub's Markdown it is text, whatever stands in it.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use comrak::{Options, markdown_to_html};
use proptest::prelude::*;
use secret_patch::error::{Place, Problem, Severity, Stage};
use secret_patch::mask::Masker;
use secret_patch::object::ObjectId;
use secret_patch::report::comment::{Comment, Subject};
use secret_patch::report::{
    BaseReport, Change, ConflictReport, KeyReport, LeftOverReport, ObjectReport, Outcome, Progress, RestartReport,
    RolloutReport, Shown, Target, ValueReport, json, markdown, text,
};
use secret_patch::workflow::{SUMMARY_LIMIT, harmless};

/// What somebody may write who wants to be seen as somebody else, or to be heard.
const NASTY: [&str; 40] = [
    "|",
    "||",
    "`",
    "```",
    "~~~",
    "\n",
    "\r\n",
    "\r",
    "\\",
    "<!-- secret-patch comment 00 -->",
    "-->",
    "</code>",
    "</details>",
    "<script>",
    "<img src=x onerror=y>",
    "&lt;b&gt;",
    "&#64;octocat",
    "@octocat",
    "@owner/team",
    "a@example.org",
    "#123",
    "GH-123",
    "owner/name#1",
    "80c6e18",
    "80c6e18aeed21724321849de9e5cba72b7b8b6f4",
    "https://evil.example/x",
    "www.evil.example",
    "mailto:a@b.example",
    "[x](https://evil.example)",
    "![x](y)",
    "[^1]",
    "$x$",
    "**b**",
    "__b__",
    "~~s~~",
    ":tada:",
    "> [!NOTE]",
    "- [ ] x",
    "::set-output name=a::b",
    "##[error]x",
];

/// Characters that are not seen, or that turn the text around them.
const UNSEEN: [char; 12] = [
    '\u{0}',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{ad}',
    '\u{200b}',
    '\u{200f}',
    '\u{202e}',
    '\u{2066}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{e0041}',
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(&NASTY[..]).prop_map(str::to_owned),
        1 => prop::sample::select(&UNSEEN[..]).prop_map(String::from),
        2 => "[ -~]{1,6}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// As long, with the same lines, and of no meaning to anybody.
fn tame(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\r') { c } else { 'x' }).collect()
}

/// An outcome that has one of `texts` wherever something comes from elsewhere.
fn outcome(texts: &[String]) -> Outcome {
    let mut next = texts.iter().cycle().cloned();
    let mut text = move || next.next().expect("a cycle");
    let mut value = text();
    let mut id = || ObjectId { group: text(), kind: text(), namespace: Some(text()), name: text() };
    let value_report = |name: &str| ValueReport { name: name.to_owned(), source: "environment", sensitive: false };
    let key = |key: &str, moved: Option<ObjectId>| KeyReport {
        key: key.to_owned(),
        change: Change::Changed,
        values: vec![value_report(key)],
        shown: Shown { before: Some(key.to_owned()), after: Some(key.to_owned()) },
        moved,
    };
    let object = ObjectReport {
        taken_over: false,
        id: id(),
        change: Change::Changed,
        progress: Progress::Failed,
        keys: vec![key(&value, None), key(&value, Some(id()))],
        conflicts: vec![ConflictReport { manager: value.clone(), fields: vec![value.clone()], forced: false }],
    };
    let same = ObjectReport { id: id(), change: Change::Unchanged, ..object.clone() };
    let restart = RestartReport { id: id(), uses: vec![id()], progress: Progress::Planned, note: None };
    let left = LeftOverReport { id: id(), pruned: true, progress: Progress::Planned, note: Some(value.clone()) };
    let rollout = RolloutReport { id: id(), ready: false, detail: value.clone() };
    value += "x";
    let problem = |help: &String| Problem {
        severity: Severity::Error,
        kind: "refused",
        message: value.clone().into(),
        place: Some(Place::new(value.clone(), 1, 1)),
        help: Some(help.clone().into()),
    };
    Outcome {
        command: "apply",
        environment: value.clone(),
        target: Some(Target { context: value.clone(), server: value.clone() }),
        patch: Some(value.clone()),
        values: vec![value_report(&value)],
        objects: vec![object, same],
        compared: true,
        restarts: vec![restart],
        left_over: vec![left],
        base: Some(BaseReport { gained: vec![value.clone()], lost: vec![value.clone()] }),
        rollouts: vec![rollout],
        problems: texts.iter().map(problem).collect(),
        failed: Some(Stage::Apply),
        ..Outcome::default()
    }
}

fn html(page: &str) -> String {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.table = true;
    extension.autolink = true;
    extension.strikethrough = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.alerts = true;
    extension.math_dollars = true;
    extension.math_code = true;
    // GitHub leaves out what may do harm; here it shall be seen.
    options.render.r#unsafe = true;
    markdown_to_html(page, &options)
}

/// The tags and comments of a page, and its text outside of code.
fn read(html: &str) -> (Vec<String>, String) {
    let (mut tags, mut plain, mut depth) = (Vec::new(), String::new(), 0);
    for piece in html.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        match tag.split_whitespace().next().unwrap_or_default() {
            "code" | "pre" => depth += 1,
            "/code" | "/pre" => depth -= 1,
            _ => {}
        }
        // Where text begins and ends, and how it is broken, is its own affair.
        if !["code", "/code", "br", "br /", "wbr"].contains(&tag) {
            tags.push(tag.to_owned());
        }
        // GitHub looks at each piece of text by itself.
        plain += "\n";
        plain += if depth == 0 { text } else { "" };
    }
    (tags, plain.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\""))
}

/// What GitHub makes a link or a picture of after its Markdown parser, worked out apart from the product.
fn found_by_github(plain: &str) -> Option<String> {
    let word = |c: char| c.is_ascii_alphanumeric();
    let words = plain.split(|c: char| !word(c) && !"@#-_:+/".contains(c));
    let is_found = |text: &str| {
        let after = |mark: char| text.split(mark).skip(1).any(|rest| rest.starts_with(word));
        let issue = text.to_ascii_lowercase();
        let issue = issue.match_indices("gh-").any(|(at, _)| {
            let is_apart = !issue[..at].ends_with(word);
            is_apart && issue[at + 3..].starts_with(|c: char| c.is_ascii_digit())
        });
        let emoji = text.split(':').skip(1).filter(|part| !part.is_empty() && !part.contains('/')).count() > 1
            || text.len() > 2
                && text
                    .strip_prefix(':')
                    .and_then(|text| text.strip_suffix(':'))
                    .is_some_and(|name| !name.contains('/'));
        let commit = text
            .split(|c: char| !word(c))
            .any(|word| (7..=40).contains(&word.len()) && word.chars().all(|c| c.is_ascii_hexdigit()));
        after('@') || after('#') || issue || emoji || commit
    };
    words.map(str::to_owned).find(|text| is_found(text))
}

fn pages(texts: &[String]) -> Vec<String> {
    let (outcome, masker) = (outcome(texts), Masker::new());
    let subject = Subject { key: &texts[0], run: Some("https://github.com/owner/name/actions/runs/1") };
    let comment = Comment::new(&outcome, subject, &masker);
    let mut pages: Vec<String> = comment.forms.iter().map(|form| form.as_str().to_owned()).collect();
    let (marker, _) = pages[0].split_once('\n').expect("a marker");
    let marker = marker.to_owned();
    pages.iter_mut().for_each(|page| *page = page.replacen(&marker, "", 1));
    pages.push(markdown::render(&outcome, &masker, SUMMARY_LIMIT).as_str().to_owned());
    pages
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_page_with_text_of_others_has_the_shape_of_one_without(texts in prop::collection::vec(hostile(), 1..5)) {
        let tamed: Vec<String> = texts.iter().map(|text| tame(text)).collect();
        for (hostile, tame) in pages(&texts).iter().zip(pages(&tamed)) {
            let ((tags, plain), (expected, _)) = (read(&html(hostile)), read(&html(&tame)));
            prop_assert_eq!(&tags, &expected, "{}", hostile);
            prop_assert_eq!(found_by_github(&plain), None, "{}", hostile);
        }
    }

    #[test]
    fn no_text_of_others_is_a_command_or_unseen(texts in prop::collection::vec(hostile(), 1..5)) {
        let (outcome, masker) = (outcome(&texts), Masker::new());
        let said = [harmless(&texts.concat()), text::render(&outcome, &masker, false).as_str().to_owned(), json::render(&outcome, &masker, usize::MAX).as_str().to_owned()];
        for (index, text) in said.iter().enumerate() {
            let lines = || text.split(['\n', '\r']);
            prop_assert!(!text.contains(|c: char| UNSEEN.contains(&c) && !(index == 0 && c == '\u{200b}')), "{text:?}");
            prop_assert!(index > 0 || !lines().any(|line| line.trim_start().starts_with("::")) && !text.contains("##["), "{text:?}");
        }
    }
}
