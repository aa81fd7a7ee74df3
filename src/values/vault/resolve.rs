//! From the lines and what Vault holds to named values.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Document, Line, Place, Selector, names};
use crate::error::{Problem, text};
use crate::secret::Secret;

/// Something to read, once, however many lines ask for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    /// One path.
    Place(Place),
    /// Every path below one.
    Folder(String),
}

/// Why nothing was read.
#[derive(Debug, Clone)]
pub struct Missing {
    /// Nothing is there, which an `optional` line takes for an answer; otherwise it could not be told.
    pub absent: bool,
    /// What to say.
    pub problem: Problem,
}

/// What each lookup gave: one document for a path; for a folder each with its path below it.
pub type Found = BTreeMap<Lookup, Result<Vec<(String, Document)>, Missing>>;

impl Line {
    /// What this line needs to have read.
    fn lookup(&self) -> Lookup {
        match self.selector {
            Selector::Folder => Lookup::Folder(self.place.path.clone()),
            _ => Lookup::Place(self.place.clone()),
        }
    }

    /// Whether nobody asks for the one name that it gives.
    fn is_unused(&self, asked: &BTreeSet<String>) -> bool {
        self.fixed_name().is_some_and(|name| !asked.contains(&name))
    }
}

/// What must be read for the `asked` names; a line whose name nobody asks for is not read at all.
pub fn lookups(lines: &[Line], asked: &BTreeSet<String>) -> BTreeSet<Lookup> {
    lines.iter().filter(|line| !line.is_unused(asked)).map(Line::lookup).collect()
}

/// The values of the `asked` names, with every problem of every line: errors, and a notice for a line that serves no name.
pub fn resolve(lines: &[Line], asked: &BTreeSet<String>, found: &Found) -> (BTreeMap<String, Secret>, Vec<Problem>) {
    let mut resolved = Resolved::default();
    for line in lines {
        if line.is_unused(asked) {
            resolved.unused(line);
            continue;
        }
        match found.get(&line.lookup()) {
            Some(Ok(documents)) => resolved.take(line, documents, asked),
            Some(Err(missing)) if missing.absent && line.optional => {}
            Some(Err(missing)) => resolved.miss(line, &missing.problem),
            None => {}
        }
    }
    resolved.tell_missed();
    let values = resolved.values.into_iter().map(|(name, (value, _))| (name, value)).collect();
    (values, resolved.problems)
}

#[derive(Default)]
struct Resolved {
    /// With the line that gave it.
    values: BTreeMap<String, (Secret, usize)>,
    /// Why something was not read, with the lines that need it: one lookup may serve several.
    missed: Vec<(Problem, BTreeSet<usize>)>,
    problems: Vec<Problem>,
}

impl Resolved {
    fn take(&mut self, line: &Line, documents: &[(String, Document)], asked: &BTreeSet<String>) {
        let mut used = false;
        for (below, document) in documents {
            for (name, key, quoted) in named(line, below, document) {
                if !asked.contains(&name) {
                    continue;
                }
                used = true;
                match value(line, document, &key, quoted) {
                    Ok(Some(value)) => self.put(name, value, line.line),
                    Ok(None) if line.optional => {}
                    Ok(None) => self.problems.push(no_key(line, document, &key)),
                    Err(problem) => self.problems.push(problem),
                }
            }
        }
        if !used {
            self.unused(line);
        }
    }

    fn put(&mut self, name: String, value: Secret, line: usize) {
        match self.values.get(&name) {
            Some((earlier, first)) if *earlier != value => {
                let text = text!("lines {first} and {line} of `vault-secrets` give `{name}` different values");
                let help = "give one of them another name, or remove it";
                self.problems.push(Problem::error("vault-name-twice", text).help(help));
            }
            _ => {
                self.values.insert(name, (value, line));
            }
        }
    }

    fn miss(&mut self, line: &Line, why: &Problem) {
        match self.missed.iter_mut().find(|(problem, _)| problem == why) {
            Some((_, lines)) => {
                lines.insert(line.line);
            }
            None => self.missed.push((why.clone(), BTreeSet::from([line.line]))),
        }
    }

    fn tell_missed(&mut self) {
        let told = |(problem, lines): (Problem, BTreeSet<usize>)| {
            let numbers: Vec<String> = lines.iter().map(usize::to_string).collect();
            let lines = if numbers.len() == 1 { "line" } else { "lines" };
            let text = text!("{}, for {lines} {} of `vault-secrets`", problem.message, numbers.join(", "));
            Problem { message: text, ..problem }
        };
        self.problems.extend(std::mem::take(&mut self.missed).into_iter().map(told));
    }

    fn unused(&mut self, line: &Line) {
        let text = text!("line {} of `vault-secrets` gives nothing that the template asks for", line.line);
        self.problems.push(Problem::notice("vault-secrets-unused", text).help("remove it, or name it in the template"));
    }
}

/// Each name that `line` gives to a key of `document`, which lies at `below` its folder.
fn named(line: &Line, below: &str, document: &Document) -> Vec<(String, String, bool)> {
    let prefix = line.name.as_deref().unwrap_or_default();
    let every = |name: &dyn Fn(&String) -> String| document.keys().map(|key| (name(key), key.clone(), true)).collect();
    match &line.selector {
        Selector::Key { text, quoted } => {
            line.fixed_name().map(|name| (name, text.clone(), *quoted)).into_iter().collect()
        }
        Selector::Keys { capitals } => every(&|key| names::normalized(&format!("{prefix}{key}"), *capitals)),
        Selector::Folder => every(&|key| format!("{prefix}{}", names::below_folder(below, key))),
    }
}

fn value(line: &Line, document: &Document, key: &str, quoted: bool) -> Result<Option<Secret>, Problem> {
    let text = document.text(key, quoted);
    if !line.base64 {
        return Ok(text);
    }
    let refuse = |what: &str, help: &'static str| {
        let text = text!("key `{key}` of `{}` in Vault is marked `base64`, and {what}", line.place);
        Problem::error("vault-base64", text).help(help)
    };
    text.map(|text| {
        let compact: String = text.expose().split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(compact).map_err(|_| refuse("is not base64", "leave the mark out"))?;
        String::from_utf8(bytes).map(Secret::new).map_err(|_| {
            refuse("is no text when decoded", "leave the mark out, and put it into the Secret's `data` as it is")
        })
    })
    .transpose()
}

fn no_key(line: &Line, document: &Document, key: &str) -> Problem {
    const SHOWN: usize = 12;
    let mut keys: Vec<String> = document.keys().take(SHOWN).map(|key| format!("`{key}`")).collect();
    keys.extend((document.keys().count() > SHOWN).then(|| "…".to_owned()));
    let help = match keys.is_empty() {
        true => "nothing is stored there".to_owned(),
        false => format!("it has {}; `optional` at the end of the line lets a key be missing", keys.join(", ")),
    };
    let text = match document.keys().any(|other| other == key) {
        true => text!("the key `{key}` of `{}` in Vault is `null` (line {} of `vault-secrets`)", line.place, line.line),
        false => text!("`{}` in Vault has no key `{key}` (line {} of `vault-secrets`)", line.place, line.line),
    };
    Problem::error("vault-no-key", text).help(help)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn asked(names: &str) -> BTreeSet<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    fn found(entries: &[(Lookup, &[(&str, &str)])]) -> Found {
        let document = |&(below, json): &(&str, &str)| (below.to_owned(), Document::parse(json).expect("an object"));
        entries.iter().map(|(lookup, of)| (lookup.clone(), Ok(of.iter().map(document).collect()))).collect()
    }

    fn place(path: &str) -> Lookup {
        Lookup::Place(Place { path: path.to_owned(), version: None })
    }

    fn run(text: &str, names: &str, found: &Found) -> (Vec<(String, String)>, Vec<String>) {
        let (values, problems) = resolve(&parse(text).expect("lines"), &asked(names), found);
        let values = values.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect();
        (values, problems.into_iter().map(|problem| format!("{}: {}", problem.kind, problem.message)).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn only_what_is_asked_for_is_read_and_given() {
        let text = "s/a k | A ; s/b k | B ; s/c * | C_";
        assert_eq!(lookups(&parse(text).expect("lines"), &asked("A C_X")), [place("s/a"), place("s/c")].into());
        let found =
            found(&[(place("s/a"), &[("", r#"{"k":"1","l":"2"}"#)]), (place("s/c"), &[("", r#"{"x":"3","y":"4"}"#)])]);
        let (values, problems) = run(text, "A C_X", &found);
        assert_eq!(values, pairs(&[("A", "1"), ("C_X", "3")]));
        assert_eq!(
            problems,
            ["vault-secrets-unused: line 1 of `vault-secrets` gives nothing that the template asks for"]
        );
    }

    #[test]
    fn wildcards_and_folders_make_names() {
        let keys = r#"{"secret-key":"1","a.b":"2","Mixed":"3"}"#;
        let found = found(&[
            (place("s/a"), &[("", keys)]),
            (Lookup::Folder("s/team".to_owned()), &[("stripe", keys), ("aws/prod", r#"{"id":"4"}"#)]),
        ]);
        let asked = "P_SECRETKEY P_A__B p_Mixed T_STRIPE_SECRET_KEY T_AWS_PROD_ID";
        let (values, problems) = run("s/a * | P_ ; s/a ** | p_ ; s/team/** | T_", asked, &found);
        let expected = [
            ("P_A__B", "2"),
            ("P_SECRETKEY", "1"),
            ("T_AWS_PROD_ID", "4"),
            ("T_STRIPE_SECRET_KEY", "1"),
            ("p_Mixed", "3"),
        ];
        assert_eq!((values, problems), (pairs(&expected), vec![]));
    }

    #[test]
    fn missing_keys_contradictions_and_bad_base64_are_told_at_once_without_values() {
        let missing = Missing { absent: true, problem: Problem::error("vault-not-found", "`s/gone` is not there") };
        let mut found = found(&[(place("s/a"), &[("", r#"{"k":"hunter2","l":"hunter3","ok":"aGk=","bin":"/w=="}"#)])]);
        found.insert(place("s/gone"), Err(missing));
        let text = "s/a none | A; s/a k | B; s/a l | B; s/a k | C base64; s/a bin | D base64; s/a ok | E base64; s/gone x | F;\ns/gone y | G; s/a no | H optional";
        let (values, problems) = run(text, "A B C D E F G H", &found);
        assert_eq!(values, pairs(&[("B", "hunter2"), ("E", "hi")]));
        let kinds: Vec<&str> = problems.iter().map(|text| text.split(':').next().unwrap_or_default()).collect();
        assert_eq!(kinds, ["vault-no-key", "vault-name-twice", "vault-base64", "vault-base64", "vault-not-found"]);
        assert!(problems[4].ends_with("`s/gone` is not there, for lines 1, 2 of `vault-secrets`"), "{}", problems[4]);
        assert!(!problems.concat().contains("hunter"), "a value is shown");
    }

    #[test]
    fn optional_forgives_absence_and_nothing_else() {
        let refused = Missing { absent: false, problem: Problem::error("vault-forbidden", "`s/b` may not be read") };
        let gone = Missing { absent: true, problem: Problem::error("vault-not-found", "`s/a` is not there") };
        let found: Found = [(place("s/a"), Err(gone)), (place("s/b"), Err(refused))].into();
        let (_, problems) = run("s/a k | A optional; s/b k | B optional", "A B", &found);
        assert_eq!(problems, ["vault-forbidden: `s/b` may not be read, for line 1 of `vault-secrets`"]);
    }
}
