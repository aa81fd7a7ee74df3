//! What git would ignore, by the rules a teammate has too.
//!
//! Counted are the `.gitignore` of every directory from the toplevel down and the repository's `info/exclude`. Not
//! counted is `core.excludesFile`: the next person who clones the repository does not have it.

use std::path::{Path, PathBuf};

use gix_ignore::glob::Pattern;
use gix_ignore::glob::pattern::{Case, Mode};
use gix_ignore::glob::wildmatch;

/// A line of an ignore file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The ignore file, absolute.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// The line's text.
    pub pattern: String,
}

/// What the rules say of a path: git's last match wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// This rule ignores the path or a directory above it.
    Ignored(Rule),
    /// This rule, with a `!`, takes an earlier one back.
    Kept(Rule),
    /// No rule says anything.
    Unmatched,
}

/// The rules of one ignore file.
struct Rules {
    file: PathBuf,
    text: Vec<u8>,
    /// Length of the part of a path that leads to the file's directory.
    base: usize,
    patterns: Vec<(Pattern, usize)>,
}

impl Rules {
    fn new(file: PathBuf, text: Vec<u8>, base: usize) -> Self {
        let patterns = gix_ignore::parse(&text, false).map(|(pattern, line, _)| (pattern, line)).collect();
        Self { file, text, base, patterns }
    }

    fn last_match(&self, path: &[u8], is_dir: bool, case: Case) -> Option<Verdict> {
        let path = path.get(self.base..)?;
        let (pattern, line) = self.patterns.iter().rev().find(|(pattern, _)| matches(pattern, path, is_dir, case))?;
        let text = self.text.split(|&byte| byte == b'\n').nth(line - 1).unwrap_or_default();
        let text = String::from_utf8_lossy(text).trim_start_matches('\u{feff}').trim_end_matches('\r').to_owned();
        let rule = Rule { file: self.file.clone(), line: *line, pattern: text };
        Some(if pattern.mode.contains(Mode::NEGATIVE) { Verdict::Kept(rule) } else { Verdict::Ignored(rule) })
    }
}

/// Whether `pattern` matches `path`, relative to the directory of the ignore file.
fn matches(pattern: &Pattern, path: &[u8], is_dir: bool, case: Case) -> bool {
    let mut mode = wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
    let by_name = pattern.mode.contains(Mode::NO_SUB_DIR) && !pattern.mode.contains(Mode::ABSOLUTE);
    match pattern.first_wildcard_pos {
        // Git compares the literal beginning and matches the rest on its own, so in `a**/b` the `**` stands at a
        // beginning and spans directories.
        Some(at) if at > 0 && !by_name => {
            let (Some(start), literal) = (path.get(..at), &pattern.text[..at]) else { return false };
            if case == Case::Fold {
                mode |= wildmatch::Mode::IGNORE_CASE;
            }
            let same = if case == Case::Fold { start.eq_ignore_ascii_case(literal) } else { start == literal };
            let fits = is_dir || !pattern.mode.contains(Mode::MUST_BE_DIR);
            same && fits && wildmatch(pattern.text[at..].into(), path[at..].into(), mode)
        }
        _ => {
            let basename = path.iter().rposition(|&byte| byte == b'/').map(|at| at + 1);
            pattern.matches_repo_relative_path(path.into(), basename, Some(is_dir), case, mode)
        }
    }
}

/// The rules that have a say about the files of one directory.
pub struct IgnoreRules {
    /// The way from the toplevel to the directory, ending in `/`; empty for the toplevel itself.
    way: Vec<u8>,
    case: Case,
    /// The deepest file comes last and has the last word.
    files: Vec<Rules>,
    /// What ignores the directory itself or one above it: inside, no rule can take a path back.
    ignored: Option<Rule>,
}

impl IgnoreRules {
    /// The rules for `directory` (relative to `toplevel`, parts separated by `/`). `read` gives an ignore file's bytes, `None` where there
    /// is none.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn of<E>(
        toplevel: &Path,
        exclude: &Path,
        directory: &[u8],
        fold: bool,
        read: impl Fn(&Path) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Self, E> {
        let case = if fold { Case::Fold } else { Case::Sensitive };
        let mut rules = Self { way: Vec::new(), case, files: Vec::new(), ignored: None };
        rules.files.extend(read(exclude)?.map(|text| Rules::new(exclude.to_owned(), text, 0)));
        let mut here = toplevel.to_owned();
        let mut parts = directory.split(|&byte| byte == b'/').filter(|part| !part.is_empty());
        loop {
            let file = here.join(".gitignore");
            rules.files.extend(read(&file)?.map(|text| Rules::new(file, text, rules.way.len())));
            let Some(part) = parts.next() else { return Ok(rules) };
            if let Some(Verdict::Ignored(rule)) = rules.last_match(part, true) {
                rules.ignored = Some(rule);
                return Ok(rules);
            }
            here.push(as_path(part));
            rules.way.extend_from_slice(part);
            rules.way.push(b'/');
        }
    }

    /// What they say of the file `name` in the directory.
    pub fn verdict(&self, name: &[u8]) -> Verdict {
        match &self.ignored {
            Some(rule) => Verdict::Ignored(rule.clone()),
            None => self.last_match(name, false).unwrap_or(Verdict::Unmatched),
        }
    }

    fn last_match(&self, name: &[u8], is_dir: bool) -> Option<Verdict> {
        let path = [&self.way, name].concat();
        self.files.iter().rev().find_map(|rules| rules.last_match(&path, is_dir, self.case))
    }
}

fn as_path(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}
