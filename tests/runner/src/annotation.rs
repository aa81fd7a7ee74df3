//! What is pinned to a run: errors, warnings and notices.

use crate::command::Properties;
use crate::mounts::Mounts;

/// How grave an annotation is. An error does not fail the step by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `::error::`
    Error,
    /// `::warning::`
    Warning,
    /// `::notice::`
    Notice,
}

impl Kind {
    /// What stands before its message in the log.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Error => "##[error]",
            Self::Warning => "##[warning]",
            Self::Notice => "##[notice]",
        }
    }
}

/// An annotation as it leaves the runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Its severity.
    pub kind: Kind,
    /// Masked, then cut to 4096 UTF-16 units.
    pub message: String,
    /// Title, file and the rest of the header, **not** masked; positions are repaired, the file is seen from the
    /// repository's root.
    pub properties: Properties,
}

impl Annotation {
    /// In clear, whatever is in it.
    pub fn title(&self) -> Option<&str> {
        self.properties.get("title")
    }

    /// In clear, whatever is in it.
    pub fn file(&self) -> Option<&str> {
        self.properties.get("file")
    }

    /// From 1; `None` where it is missing or no number.
    pub fn line(&self) -> Option<i32> {
        number(self.properties.get("line"))
    }

    /// From 1; `None` where it is missing or no number.
    pub fn column(&self) -> Option<i32> {
        number(self.properties.get("col"))
    }
}

/// Completes and drops lines and columns that do not fit together.
pub(crate) fn repair_positions(properties: &mut Properties) {
    let text = |name| properties.get(name).map(str::to_owned);
    let (mut line, end_line) = (text("line"), text("endLine"));
    let (column, end_column) = (text("col"), text("endColumn"));
    let [start, end, start_column, last_column] =
        [&line, &end_line, &column, &end_column].map(|text| number(text.as_deref()));
    let has_column = start_column.is_some() || last_column.is_some();
    let mut has_line = start.is_some();

    if let (Some(text), Some(_), false) = (&end_line, end, has_line) {
        properties.set("line", text.as_str());
        has_line = true;
        line.clone_from(&end_line);
    }
    if let (Some(text), Some(_), None) = (&end_column, last_column, start_column) {
        properties.set("col", text.as_str());
    }
    let mut drop = |names: [&str; 2]| names.iter().for_each(|name| properties.remove(name));
    if has_column && (!has_line || end.is_some() && line != end_line) {
        drop(["col", "endColumn"]);
    }
    // A start that was taken from the end counts as 0 here.
    if has_line && end.is_some_and(|end| end < start.unwrap_or(0)) {
        drop(["line", "endLine"]);
    }
    if last_column.is_some_and(|end| end < start_column.unwrap_or(0)) {
        drop(["col", "endColumn"]);
    }
}

/// The path as seen from the repository's root; one outside of the workspace stays.
pub(crate) fn locate(properties: &mut Properties, mounts: &Mounts, in_container: bool, repository: &str) {
    let Some(file) = properties.get("file").filter(|file| !file.is_empty()) else { return };
    let file = if in_container { mounts.to_host(file) } else { file.to_owned() };
    let below = file.strip_prefix(mounts.workspace()).map(str::to_owned);
    properties.set("file", file);
    let Some(below) = below.filter(|below| below.is_empty() || below.starts_with('/')) else { return };
    if !repository.is_empty() {
        properties.set("repo", repository);
    }
    if below.len() > 1 {
        properties.set("file", &below[1..]);
    }
}

/// .NET's `int.TryParse`: blanks around and a sign are allowed.
fn number(text: Option<&str>) -> Option<i32> {
    text?.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_seen_from_the_workspace() {
        let mounts = Mounts::default();
        for (given, in_container, file, repo) in [
            ("/github/workspace/k8s/a.yml", true, "k8s/a.yml", Some("o/r")),
            ("k8s/a.yml", true, "k8s/a.yml", None),
            ("/github/workspace", true, "/home/runner/work/app/app", Some("o/r")),
            ("/github/workspace2/a", true, "/github/workspace2/a", None),
            ("/etc/passwd", true, "/etc/passwd", None),
            ("/github/workspace/a", false, "/github/workspace/a", None),
            ("/home/runner/work/app/app/a", false, "a", Some("o/r")),
        ] {
            let mut properties: Properties = [("file", given)].into_iter().collect();
            locate(&mut properties, &mounts, in_container, "o/r");
            assert_eq!((properties.get("file"), properties.get("repo")), (Some(file), repo), "{given}");
        }
    }

    #[test]
    fn a_position_is_a_number_with_blanks_and_sign() {
        assert_eq!([Some(" +3 "), Some("x"), Some(""), None].map(number), [Some(3), None, None, None]);
    }
}
