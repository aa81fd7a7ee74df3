//! What a checkout still says of Secrets that moved: objects, generators, and names in the `env:` of workflow steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::node::{Content, Node, documents};
use crate::changes::Set;
use crate::error::Place;
use crate::template::placeholder;
use crate::workflow_files::Call;

/// A file of the checkout.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its path from the checkout on.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// A Secret that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub secret: String,
    /// What this program applied it for; `None` where it did not.
    pub set: Option<Set>,
}

/// A place that still speaks of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remain {
    /// The Secret's namespace.
    pub namespace: String,
    /// The Secret's name.
    pub secret: String,
    /// What stands there.
    pub what: String,
    /// Where.
    pub place: Place,
}

/// The places in `files` and `calls` that have to go, since the next apply would fight with External Secrets over `moved`.
///
/// What other environments have of the same name is left out; the base, which they share, is told as such.
pub fn remains(moved: &[Origin], files: &[Manifest], calls: &[Call]) -> Vec<Remain> {
    let mut found = Vec::new();
    for origin in moved {
        let theirs =
            files.iter().filter(|file| file.text.contains(&origin.secret) && origin.is_applied_from(&file.name));
        found.extend(theirs.flat_map(|file| objects(origin, file)));
    }
    found.extend(variables(moved, files, calls));
    found
}

impl Origin {
    fn parts(&self) -> Option<(&str, &str, &str)> {
        self.set.as_ref().and_then(Set::parts)
    }

    /// Whether the set's environment is built from a file: not one of another environment, and beneath the root.
    fn is_applied_from(&self, file: &str) -> bool {
        let Some((_, root, environment)) = self.parts() else { return true };
        let Some(rest) = beneath(root, file) else { return false };
        let parts: Vec<&str> = rest.split('/').collect();
        let overlay = parts.iter().position(|part| *part == "overlays").and_then(|at| parts.get(at + 1));
        let template = parts.last().and_then(|name| name.split_once("-config-secret.example."));
        let is_of_another = |name: &str| name != environment;
        !overlay.is_some_and(|name| is_of_another(name)) && !template.is_some_and(|(name, _)| is_of_another(name))
    }

    /// Whether `object` is the Secret. One that this program did not apply has to name the namespace.
    fn is(&self, object: &Node) -> bool {
        let namespace = object.text_at(&["metadata", "namespace"]);
        object.text_at(&["kind"]) == Some("Secret")
            && object.text_at(&["metadata", "name"]) == Some(&self.secret)
            && namespace.map_or(self.set.is_some(), |namespace| namespace == self.namespace)
    }

    fn remain(&self, what: String, file: &str, line: usize, column: usize) -> Remain {
        let place = Place::new(file, line, column);
        Remain { namespace: self.namespace.clone(), secret: self.secret.clone(), what, place }
    }
}

/// `file` without `root`; [`None`] where it lies elsewhere.
fn beneath<'a>(root: &str, file: &'a str) -> Option<&'a str> {
    if root == "." { Some(file) } else { file.strip_prefix(root)?.strip_prefix('/') }
}

/// Objects and generators of `file` that make the Secret.
fn objects(origin: &Origin, file: &Manifest) -> Vec<Remain> {
    let shared =
        if file.name.split('/').any(|part| part == "base") { ", in the base that all environments share" } else { "" };
    let mut found = Vec::new();
    for object in all_objects(&file.text) {
        if origin.is(&object) {
            found.push(origin.remain(format!("the object{shared}"), &file.name, object.line, object.column));
        }
        let generators = object.get("secretGenerator").map(Node::items).unwrap_or_default();
        for generator in generators.iter().filter(|one| one.text_at(&["name"]) == Some(&origin.secret)) {
            if origin.set.is_some() {
                found.push(origin.remain(
                    format!("its generator{shared}"),
                    &file.name,
                    generator.line,
                    generator.column,
                ));
            }
        }
    }
    found
}

fn all_objects(text: &str) -> Vec<std::rc::Rc<Node>> {
    // What is no YAML is a chart's template, which nobody here applies.
    let found = documents(text).unwrap_or_default();
    let items = found.iter().flat_map(|document| document.get("items").map(Node::items).unwrap_or_default().to_vec());
    found.iter().cloned().chain(items).collect()
}

/// Entries of `env:` whose names nothing but Secrets that moved asks for, in each environment.
fn variables(moved: &[Origin], files: &[Manifest], calls: &[Call]) -> Vec<Remain> {
    let mut sets: BTreeMap<(&str, &str), Vec<&Origin>> = BTreeMap::new();
    for origin in moved {
        if let Some((_, root, environment)) = origin.parts() {
            sets.entry((root, environment)).or_default().push(origin);
        }
    }
    let of_set = |((_, environment), origins): (&(&str, &str), &Vec<&Origin>)| {
        let calls = calls.iter().filter(|call| call.inputs.environment == *environment);
        let calls: Vec<&Call> = calls.collect();
        let names = names_of(origins, files).into_iter();
        names.flat_map(|(name, origin)| given(&name, origin, &calls)).collect::<Vec<_>>()
    };
    sets.iter().flat_map(of_set).collect()
}

/// Names that `origins`, which are of one set, ask for, and nothing else that the set is built from.
fn names_of<'a>(origins: &[&'a Origin], files: &[Manifest]) -> BTreeMap<String, &'a Origin> {
    let (mut own, mut others) = (BTreeMap::new(), BTreeSet::new());
    let is_theirs = |file: &&Manifest| {
        let is_workflow = file.name.starts_with(".github/");
        !is_workflow && file.text.contains("${") && origins.iter().any(|origin| origin.is_applied_from(&file.name))
    };
    for object in files.iter().filter(is_theirs).flat_map(|file| documents(&file.text).unwrap_or_default()) {
        let mut names = BTreeSet::new();
        placeholders(&object, &mut names);
        match origins.iter().find(|origin| origin.is(&object)) {
            Some(origin) => own.extend(names.into_iter().map(|name| (name, *origin))),
            None => others.extend(names),
        }
    }
    own.retain(|name, _| !others.contains(name));
    own
}

/// Where `calls` are given `name`, each place once.
fn given(name: &str, origin: &Origin, calls: &[&Call]) -> Vec<Remain> {
    let mut found: Vec<Remain> = Vec::new();
    for place in calls.iter().filter_map(|call| Some(&call.given.environment.get(name)?.place)) {
        let remain = origin.remain(format!("{name} of the step's env"), &place.file, place.line, place.column);
        if !found.contains(&remain) {
            found.push(remain);
        }
    }
    found
}

fn placeholders(node: &Node, names: &mut BTreeSet<String>) {
    match &node.content {
        Content::Mapping(_) => node.pairs().iter().for_each(|(_, value)| placeholders(value, names)),
        Content::Sequence(_) => node.items().iter().for_each(|item| placeholders(item, names)),
        _ => {
            let parsed = node.text().map(placeholder::parse);
            let found = parsed.iter().flat_map(placeholder::Parsed::placeholders).map(|one| one.name.clone());
            names.extend(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow_files::{WorkflowFile, calls};

    fn file(name: &str, text: &str) -> Manifest {
        Manifest { name: name.to_owned(), text: text.to_owned() }
    }

    fn shown(set: Option<Set>, files: &[Manifest], workflow: &str) -> Vec<String> {
        let origin = Origin { namespace: "dev".into(), secret: "app".into(), set };
        let workflow = WorkflowFile { name: ".github/workflows/deploy.yml".into(), text: workflow.into() };
        let found = remains(&[origin], files, &calls(&[workflow], &|_| None).calls);
        found.into_iter().map(|one| format!("{} {}", one.place, one.what)).collect()
    }

    const SECRET: &str = "kind: Secret\nmetadata: {name: app}\nstringData: {A: \"${A}\", B: \"${B}\"}\n";

    #[test]
    fn what_still_applies_a_secret_of_ours_is_told_by_file_and_line() {
        let map = "kind: ConfigMap\nmetadata: {name: c}\ndata: {B: \"${B}\"}\n---\n";
        let files = [
            file("k8s/config/dev-config-secret.example.yml", &format!("{map}{SECRET}")),
            file("k8s/config/prod-config-secret.example.yml", SECRET),
            file("k8s/apps/base/all.yml", "kind: Secret\nmetadata: {name: app}\n"),
            file("k8s/apps/overlays/prod/more.yml", SECRET),
            file("k8s/apps/overlays/dev/kustomization.yml", "secretGenerator:\n- name: app\n  literals: [A=1]\n"),
            file("elsewhere/all.yml", SECRET),
        ];
        let workflow = "jobs:\n  d:\n    steps:\n    - uses: secret-patch/secret-patch@v0\n      with: {command: apply, environment: dev}\n      env:\n        A: ${{ secrets.A }}\n        B: ${{ secrets.B }}\n";
        let set = Set::new("owner/name", "k8s", "dev");
        assert_eq!(
            shown(Some(set), &files, workflow),
            [
                "k8s/config/dev-config-secret.example.yml:5:1 the object",
                "k8s/apps/base/all.yml:1:1 the object, in the base that all environments share",
                "k8s/apps/overlays/dev/kustomization.yml:2:3 its generator",
                // `B` goes into a ConfigMap too.
                ".github/workflows/deploy.yml:7:9 A of the step's env",
            ]
        );
    }

    #[test]
    fn one_that_others_applied_is_told_where_the_namespace_is_named() {
        let named = "kind: List\nitems:\n- kind: Secret\n  metadata: {name: app, namespace: dev}\n";
        let files = [file("a.yml", SECRET), file("b.yml", named), file("c.yml", "{{ app }}: Secret")];
        assert_eq!(shown(None, &files, ""), ["b.yml:3:3 the object"]);
    }
}
