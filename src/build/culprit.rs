//! The entry that kustomize's error speaks of: it says what is wrong, but seldom where.

use super::node::{Node, documents};
use crate::error::{Place, Problem, Text, text};

/// A text that kustomize read.
#[derive(Debug, Clone)]
pub struct Read {
    /// Its file as shown.
    pub file: String,
    /// The line of the file in which the text starts, from 1.
    pub line: usize,
    /// The text.
    pub text: String,
}

/// Top-level fields of a kustomization, for what was misspelt (kustomize 5.8.1).
const FIELDS: [&str; 31] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "components",
    "bases",
    "crds",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "buildMetadata",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "images",
    "replicas",
    "replacements",
    "vars",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "generators",
    "transformers",
    "validators",
    "helmCharts",
    "helmGlobals",
    "configurations",
    "openapi",
];

/// What an error says of its culprit.
#[derive(Debug, PartialEq, Eq)]
enum Clue<'a> {
    /// A field that no kustomization has.
    UnknownField(&'a str),
    /// A field with a value of the wrong type, and the type it should have.
    WrongType(&'a str, &'a str),
    /// The top-level field of a kustomization with a value that kustomize does not know.
    WrongValue(&'a str, &'a str),
    /// A patch for an object that is not there, by kind and name.
    Unmatched(&'a str, &'a str),
    /// An operation of a JSON6902 patch, by its path.
    Operation(&'a str),
    /// An entry of one of these lists, by the name at these keys; and what to do about it.
    Entry(&'static [&'static str], &'static [&'static str], &'a str, &'static str),
}

impl<'a> Clue<'a> {
    fn of(message: &'a str) -> Option<Self> {
        let between = |start: &str, end: &str| Some(message.split_once(start)?.1.split_once(end)?.0);
        if let Some(field) = between("unknown field \"", "\"") {
            return Some(Self::UnknownField(field));
        }
        if let Some((field, wanted)) =
            between("into Go struct field ", " of type ").zip(message.split(" of type ").nth(1))
        {
            return Some(Self::WrongType(field.rsplit('.').next()?, wanted));
        }
        if message.contains("kind should be Kustomization or Component") {
            return Some(Self::WrongValue("kind", "kind: Kustomization"));
        }
        if let Some((_, wanted)) = message.split_once("apiVersion for Kustomization should be ") {
            let known = wanted.starts_with("kustomize.config.k8s.io/v1beta1");
            return known.then_some(Self::WrongValue("apiVersion", "apiVersion: kustomize.config.k8s.io/v1beta1"));
        }
        Self::unmatched(message).or_else(|| Self::operation(message)).or_else(|| Self::entry(message))
    }

    /// `Secret.v1.[noGrp]/app.[noNs]`: a name may hold dots, a namespace none.
    fn unmatched(message: &'a str) -> Option<Self> {
        let (_, id) = message.split_once("no matches for Id ")?;
        let (kind, name) = id.split([';', ' ']).next()?.split_once('/')?;
        Some(Self::Unmatched(kind.split('.').next()?, name.rsplit_once('.')?.0))
    }

    fn operation(message: &'a str) -> Option<Self> {
        let missing = message.split_once("doc is missing path: ").and_then(|(_, rest)| rest.split(": ").next());
        let removed = message.split_once(" for path: '").and_then(|(_, rest)| rest.split('\'').next());
        missing.or(removed).map(Self::Operation)
    }

    fn entry(message: &'a str) -> Option<Self> {
        let after = |start: &str| message.split_once(start).map(|(_, rest)| rest);
        if message.contains("merging from generator ") {
            let name = after("Name:\"")?.split('"').next()?;
            let help = if message.contains("does not exist") {
                "nothing of that name is there to merge into: correct the name, or leave `behavior` out"
            } else {
                "an object of that name is there already: give it another name, or write `behavior: merge`"
            };
            return Some(Self::Entry(&["configMapGenerator", "secretGenerator"], &["name"], name, help));
        }
        if let Some(name) = after("resource with name ").and_then(|rest| rest.split(' ').next()) {
            return Some(Self::Entry(&["replicas"], &["name"], name, "no workload of the build has that name"));
        }
        if let Some(id) = after("nothing selected by ").and_then(|rest| rest.split_once('/')) {
            let name = id.1.split(['.', ':']).next()?;
            let help = "no object of the build has that kind and name: a source is named as the base names it";
            return Some(Self::Entry(&["replacements"], &["source", "name"], name, help));
        }
        let name = after("var '{")?.split(' ').next()?;
        let help = "no object of the build is what `objref` names";
        Some(Self::Entry(&["vars"], &["name"], name, help))
    }

    /// Whether the culprit stands in a kustomization, rather than in a patch.
    fn is_of_kustomization(&self) -> bool {
        !matches!(self, Self::Unmatched(..) | Self::Operation(_))
    }

    /// The culprit, if `document` holds it.
    fn find(&self, document: &Node) -> Option<(usize, usize)> {
        let place = |node: &Node| (node.line, node.column);
        match self {
            Self::UnknownField(name) | Self::WrongType(name, _) => key(document, name),
            Self::WrongValue(name, _) => document.get(name).map(place),
            Self::Unmatched(kind, name) => {
                let is_it = |object: &Node| {
                    object.text_at(&["kind"]) == Some(kind) && object.text_at(&["metadata", "name"]) == Some(name)
                };
                is_it(document).then(|| place(document))
            }
            Self::Operation(path) => {
                let mut operations = document.items().iter();
                operations.find(|operation| operation.text_at(&["path"]) == Some(path)).map(|found| place(found))
            }
            Self::Entry(lists, keys, name, _) => {
                let mut entries = lists.iter().filter_map(|list| document.get(list)).flat_map(Node::items);
                entries.find(|entry| entry.text_at(keys) == Some(name)).map(|found| place(found))
            }
        }
    }

    fn help(&self) -> Option<Text> {
        match self {
            Self::UnknownField(name) => Some(match near(name) {
                Some(field) => text!("did you mean `{field}`?"),
                None => "kustomize has no such field there: remove it, or look at its indentation".into(),
            }),
            Self::WrongType(name, wanted) => Some(text!("`{name}` takes {}", type_in_words(wanted))),
            Self::WrongValue(_, line) => Some(text!("write `{line}`")),
            // kubectl's edge has said it.
            Self::Unmatched(..) => None,
            Self::Operation(_) => Some("what an operation replaces or removes must be there: `add` makes it".into()),
            Self::Entry(.., help) => Some((*help).into()),
        }
    }
}

/// The first key of that name, however deep.
fn key(node: &Node, name: &str) -> Option<(usize, usize)> {
    let pairs = node.pairs();
    let here = pairs.iter().find(|(key, _)| key.text() == Some(name)).map(|(key, _)| (key.line, key.column));
    here.or_else(|| pairs.iter().find_map(|(_, value)| key(value, name)))
        .or_else(|| node.items().iter().find_map(|item| key(item, name)))
}

fn near(name: &str) -> Option<&'static str> {
    let scored = FIELDS.into_iter().map(|field| (strsim::jaro_winkler(field, name), field));
    scored.filter(|(score, _)| *score > 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, field)| field)
}

fn type_in_words(go: &str) -> &'static str {
    let go = go.split([' ', '\n']).next().unwrap_or_default();
    match go {
        "string" => "a text",
        "bool" => "`true` or `false`",
        "int" | "int32" | "int64" => "a whole number",
        _ if go.starts_with("[]") => "a list",
        _ => "a mapping",
    }
}

/// Gives what kustomize said the place of its culprit and a remedy: in the `kustomizations`, the overlay's own first, or in the `patches`.
/// Where it cannot be told, that is the overlay's beginning.
pub fn explain(mut problem: Problem, kustomizations: &[Read], patches: &[Read]) -> Problem {
    let clue = Clue::of(&problem.message);
    let texts = if clue.as_ref().is_some_and(Clue::is_of_kustomization) { kustomizations } else { patches };
    let found = clue.as_ref().and_then(|clue| {
        texts.iter().find_map(|read| {
            let documents = documents(&read.text).ok()?;
            let (line, column) = documents.iter().find_map(|document| clue.find(document))?;
            Some(Place::new(&read.file, read.line - 1 + line, column))
        })
    });
    let help = clue.as_ref().filter(|_| found.is_some()).and_then(Clue::help);
    problem.help = help.or(problem.help).or_else(|| {
        Some("`kubectl kustomize --load-restrictor LoadRestrictionsNone` builds the same on your machine".into())
    });
    problem.place = found.or_else(|| kustomizations.first().map(|overlay| Place::new(&overlay.file, 1, 1)));
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUSTOMIZATION: &str = "\
resource: [x.yml]
namePrefix: [a]
kind: Foo
patches:
- path: p.yml
  optons: {}
replicas:
- {name: web, count: 2}
configMapGenerator:
- name: cfg
  behavior: merge
replacements:
- source: {kind: ConfigMap, name: nope, fieldPath: data.A}
";
    const PATCHES: &str = "\
kind: Secret
metadata: {name: other}
---
kind: Secret
metadata:
  name: app
---
- {op: add, path: /a, value: 1}
- op: replace
  path: /spec/nope/x
";

    fn explained(message: &str) -> String {
        let read = |file: &str, line, text: &str| [Read { file: file.to_owned(), line, text: text.to_owned() }];
        let problem = Problem::error("kustomize-failed", format!("kustomize could not build the overlay: {message}"));
        let problem = explain(problem, &read("k.yml", 1, KUSTOMIZATION), &read("p.yml", 11, PATCHES));
        let place = problem.place.map(|place| place.to_string()).unwrap_or_default();
        format!("{place} {}", problem.help.unwrap_or_default())
    }

    /// What kustomize 5.8.1 says.
    #[test]
    fn every_known_error_has_its_entry_and_a_remedy() {
        for (message, expected) in [
            ("invalid Kustomization: json: unknown field \"resource\"", "k.yml:1:1 did you mean `resources`?"),
            (
                "invalid Kustomization: json: unknown field \"optons\"",
                "k.yml:6:3 kustomize has no such field there: remove it, or look at its indentation",
            ),
            (
                "invalid Kustomization: json: cannot unmarshal array into Go struct field Kustomization.namePrefix of type string",
                "k.yml:2:1 `namePrefix` takes a text",
            ),
            (
                "Failed to read kustomization file under /c/overlays/staging: kind should be Kustomization or Component",
                "k.yml:3:7 write `kind: Kustomization`",
            ),
            (
                "replace operation does not apply: doc is missing path: /spec/nope/x: missing value",
                "p.yml:19:3 what an operation replaces or removes must be there: `add` makes it",
            ),
            (
                "error in remove for path: '/spec/nope/x': Unable to remove nonexistent key: nope: missing value",
                "p.yml:19:3 what an operation replaces or removes must be there: `add` makes it",
            ),
            (
                "resource with name web does not match a config with the following GVK [Deployment.[noVer].[noGrp]]",
                "k.yml:8:3 no workload of the build has that name",
            ),
            (
                "merging from generator &{0x2c89e6f16340 <nil>}: id resid.ResId{Gvk:resid.Gvk{Group:\"\", Version:\"v1\", Kind:\"ConfigMap\", isClusterScoped:false}, Name:\"cfg\", Namespace:\"\"} does not exist; cannot merge or replace",
                "k.yml:10:3 nothing of that name is there to merge into: correct the name, or leave `behavior` out",
            ),
            (
                "nothing selected by ConfigMap.[noVer].[noGrp]/nope.[noNs]:data.A",
                "k.yml:13:3 no object of the build has that kind and name: a source is named as the base names it",
            ),
            (
                "it is something else",
                "k.yml:1:1 `kubectl kustomize --load-restrictor LoadRestrictionsNone` builds the same on your machine",
            ),
        ] {
            assert_eq!(explained(message), expected, "{message}");
        }
    }

    #[test]
    fn a_patch_without_its_object_keeps_the_remedy_it_has() {
        let id = "Secret.v1.[noGrp]/app.[noNs]";
        let message =
            format!("no resource matches strategic merge patch \"{id}\": no matches for Id {id}; failed to find");
        assert_eq!(explained(&message).split(" ").next(), Some("p.yml:14:1"));
        let named = "no matches for Id Deployment.v1.apps/my.app.prod; failed to find";
        assert_eq!(Clue::of(named), Some(Clue::Unmatched("Deployment", "my.app")));
    }
}
