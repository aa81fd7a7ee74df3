//! The whole way from a tree to a checked build, on real output of kubectl; and trees that want to trick us.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::cases::{self, NASTY, NASTY_OUTPUT};
use super::node::{Content, Node, documents};
use super::*;
use crate::error::Place;
use crate::patch::{Entry, PatchObject, Step};
use crate::secret::Secret;

const ROOT: &str = "/repo";
const OVERLAY: &str = "/repo/k8/apps/overlays/staging";
const PATCH: &str = "/repo/k8/config/staging-secret-config-patch.yml";
const TEMPLATE: &str = "k8/config/staging-config-secret.example.yml";

/// A tree with what kubectl printed for it.
pub(super) struct Case {
    pub(super) template: &'static str,
    pub(super) files: &'static [(&'static str, &'static str)],
    pub(super) output: &'static str,
}

/// Files by absolute path; links lead from a path to another.
#[derive(Default)]
struct Memory {
    files: BTreeMap<PathBuf, String>,
    links: BTreeMap<PathBuf, PathBuf>,
    devices: Vec<PathBuf>,
    huge: Vec<PathBuf>,
}

impl Memory {
    fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (Path::new(ROOT).join(path), (*text).to_owned())).collect();
        Self { files, ..Self::default() }
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(Path::new(ROOT).join(path), text.to_owned());
        self
    }

    fn link(mut self, path: &str, to: &str) -> Self {
        self.links.insert(Path::new(ROOT).join(path), PathBuf::from(to));
        self
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        let mut real = PathBuf::new();
        for part in path.components() {
            match part {
                std::path::Component::ParentDir => drop(real.pop()),
                part => real.push(part),
            }
            if let Some(to) = self.links.get(&real) {
                real = self.resolve(&real.parent().unwrap().join(to));
            }
        }
        real
    }
}

impl Tree for Memory {
    fn read(&self, path: &Path, name: &str) -> Result<String, Problem> {
        let missing = || Problem::error("unreadable", format!("cannot read {name}"));
        self.files.get(&self.resolve(path)).cloned().ok_or_else(missing)
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        let real = self.resolve(path);
        if self.files.contains_key(&real) {
            Some(FileKind::File)
        } else if self.devices.contains(&real) {
            Some(FileKind::Other)
        } else if self.huge.contains(&real) {
            Some(FileKind::TooLarge)
        } else {
            self.files.keys().any(|file| file.starts_with(&real)).then_some(FileKind::Directory)
        }
    }

    fn real_path(&self, path: &Path) -> Option<PathBuf> {
        self.kind(path).map(|_| self.resolve(path))
    }
}

fn scope() -> Scope<'static> {
    Scope {
        checkout: Path::new(ROOT),
        private: &[],
        patch: Some(Path::new(PATCH)),
        patch_documents: 1,
        allow_remote: false,
    }
}

fn is_placeholder(text: &str) -> bool {
    text.split("${").skip(1).any(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        end > 0 && rest[end..].starts_with('}')
    })
}

fn value_of(name: &str) -> &str {
    match name {
        "A64" => "czNjcjN0LWE=",
        "A" => "s3cr3t-a",
        "B" => "s3cr3t-b",
        "C" => "s3cr3t-c",
        "URL" => "s3cr3t-url",
        "TAG" => "s3cr3t-1.2",
        "MODE" => "s3cr3t-mode",
        "REPLICAS" => "3",
        other => NASTY.iter().find(|(key, _)| *key == other).map_or("", |(_, value)| value),
    }
}

fn patch_of(template: &str) -> Vec<PatchObject> {
    documents(template).unwrap().iter().map(patch_object).collect()
}

fn patch_object(document: &Rc<Node>) -> PatchObject {
    let kind = document.text_at(&["kind"]).unwrap().to_owned();
    let id = ObjectId {
        group: document.text_at(&["apiVersion"]).unwrap().split_once('/').map_or("", |(group, _)| group).to_owned(),
        namespace: document.text_at(&["metadata", "namespace"]).map(str::to_owned),
        name: document.text_at(&["metadata", "name"]).unwrap().to_owned(),
        kind,
    };
    let place = Place::new(TEMPLATE, document.line, 1);
    let mut object = PatchObject { id, place, entries: vec![], nulls: vec![], directives: vec![] };
    gather(document, &mut Vec::new(), &mut object);
    object
}

fn gather(node: &Node, path: &mut Vec<Step>, object: &mut PatchObject) {
    let place = Place::new(TEMPLATE, node.line, node.column);
    match &node.content {
        Content::Mapping(pairs) => {
            for (key, value) in pairs {
                let name = key.text().unwrap().to_owned();
                if name.starts_with('$') {
                    object.directives.push((name, Place::new(TEMPLATE, key.line, key.column)));
                    continue;
                }
                path.push(Step::Key(name));
                gather(value, path, object);
                path.pop();
            }
        }
        Content::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Index(index));
                gather(item, path, object);
                path.pop();
            }
        }
        Content::Scalar { text, .. } => {
            let data = path.len() == 2
                && matches!(&path[0], Step::Key(key) if key.to_lowercase().ends_with("data") && key != "metadata");
            if data && !node.is_present() {
                let Step::Key(key) = &path[1] else { unreachable!() };
                return object.nulls.push((key.clone(), place));
            }
            let name =
                text.split_once("${").and_then(|(_, rest)| rest.split_once('}')).map(|(name, _)| name.to_owned());
            if data || name.is_some() {
                let value =
                    name.as_deref().map_or(text.clone(), |name| text.replace(&format!("${{{name}}}"), value_of(name)));
                let names = name.into_iter().collect();
                object.entries.push(Entry {
                    path: path.clone(),
                    value: Secret::new(value),
                    template_text: text.clone(),
                    names,
                    place,
                });
            }
        }
    }
}

/// All four steps; findings and notices as `kind file:line message`.
fn run(case: &Case) -> (Result<CheckedBuild, Vec<String>>, Vec<String>) {
    let patch = patch_of(case.template);
    let tree = Memory::new(case.files);
    let closure = walk(Path::new(OVERLAY), &tree, scope()).unwrap();
    let (base, problems) = collect(&closure, &tree, &is_placeholder);
    assert_eq!(problems, []);
    let (result, notices) = check(parse(case.output).unwrap(), &patch, &[], &base, &[]);
    (result.map_err(|problems| lines(&problems)), lines(&notices))
}

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(line).collect()
}

fn line(problem: &Problem) -> String {
    let text = format!("{problem:?}");
    assert!(!text.contains("s3cr3t") && !text.contains("czNjcjN0"), "a value in {text}");
    let place =
        problem.place.as_ref().map(|place| format!("{}:{}", place.file.rsplit('/').next().unwrap(), place.line));
    format!("{} {} {}", problem.kind, place.unwrap_or_default(), problem.message)
}

fn findings(case: &Case) -> Vec<String> {
    run(case).0.map(|_| ()).expect_err("the build should not pass")
}

fn kinds(case: &Case) -> Vec<String> {
    findings(case).iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_build_with_every_value_passes() {
    for case in [cases::GOOD, cases::COMPONENT, cases::LIST] {
        let (result, notices) = run(&case);
        let build = result.unwrap();
        assert_eq!(notices, [""; 0]);
        let secret = build.objects().iter().find(|object| object.is_secret()).unwrap();
        assert_eq!(secret.as_value().get("stringData"), None);
        assert_eq!(secret.as_value().pointer("/data/A").unwrap(), "czNjcjN0LWE=");
    }
}

#[test]
fn prefix_suffix_and_namespace_are_followed_and_a_shells_placeholder_is_a_notice() {
    let (result, notices) = run(&cases::PREFIX_SUFFIX_NAMESPACE);
    assert_eq!(result.unwrap().objects().len(), 3);
    assert_eq!(
        notices,
        [
            "placeholder-for-shell app.yml:32 `${…}` in commands and arguments of `k8/apps/base/app.yml` (line 32) stays: a shell fills it at run time"
        ]
    );
}

#[test]
fn an_empty_patch_is_found() {
    assert_eq!(
        kinds(&cases::EMPTY_PATCH),
        ["patch-empty ", "placeholder-left app.yml:7", "placeholder-left app.yml:8", "placeholder-left app.yml:15"]
    );
}

#[test]
fn a_target_that_matches_nothing_is_found() {
    let found = findings(&cases::TARGET_MATCHES_NOTHING);
    assert_eq!(
        found[0],
        "placeholder-left staging-config-secret.example.yml:6 `stringData.A` of `Secret app` is the template's own placeholder text"
    );
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn base_string_data_that_wins_is_found() {
    assert_eq!(
        findings(&cases::BASE_STRING_DATA_WINS),
        [
            "key-overruled staging-config-secret.example.yml:6 `data.A` of the template is without effect: `Secret app` has `stringData.A`, which wins"
        ]
    );
}

#[test]
fn nulls_and_directives_of_the_template_are_found() {
    assert_eq!(kinds(&cases::NULL_IN_TEMPLATE), ["template-null staging-config-secret.example.yml:7"]);
    assert_eq!(kinds(&cases::PATCH_REPLACE), ["template-directive staging-config-secret.example.yml:6"]);
    assert_eq!(
        findings(&cases::PATCH_DELETE),
        [
            "template-directive staging-config-secret.example.yml:5 `$patch` in the template's `Secret app` would delete without a word"
        ]
    );
    assert_eq!(
        findings(&cases::DELETE_WITH_ENTRIES),
        [
            "template-directive staging-config-secret.example.yml:5 `$patch` in the template's `Secret app` would delete without a word",
        ]
    );
}

#[test]
fn a_duplicate_key_is_found() {
    assert_eq!(kinds(&cases::DUPLICATE_KEY), ["value-differs staging-config-secret.example.yml:8"]);
}

#[test]
fn values_that_are_no_strings_are_found_at_the_bases_lines() {
    assert_eq!(
        findings(&cases::UNQUOTED),
        [
            "data-not-string app.yml:11 `stringData.EMPTY` of `Secret app` has no value: kustomize drops the key",
            "data-not-string app.yml:20 `data.LIMIT` of `ConfigMap cfg` is a number, not a string",
            "data-not-string app.yml:10 `stringData.DEBUG` of `Secret app` is a boolean, not a string",
            "data-not-string app.yml:9 `stringData.PORT` of `Secret app` is a number, not a string",
            "data-not-string app.yml:12 `stringData.RATIO` of `Secret app` is a number, not a string",
        ]
    );
}

#[test]
fn a_generators_hash_is_followed_and_never_shown() {
    assert_eq!(
        findings(&cases::GENERATOR_HASH),
        [
            "placeholder-left kustomization.yml:5 `data.LEFT` of `Secret gen-<hash>` is still the base's placeholder: nothing fills it",
            "placeholder-left cfg.env:3 `data.OTHER` of `ConfigMap gencfg-<hash>` is still the base's placeholder: nothing fills it",
        ]
    );
    run(&cases::GENERATOR_MERGE).0.unwrap();
}

#[test]
fn raw_and_encoded_placeholders_in_data_are_found_unless_string_data_replaces_them() {
    let found = findings(&cases::BASE_DATA_RAW);
    assert_eq!(
        found[0],
        "placeholder-left app.yml:8 `data.B` of `Secret app` is still the base's placeholder: nothing fills it"
    );
    assert!(found.iter().all(|line| !line.contains("data.C")), "{found:?}");
}

#[test]
fn a_later_patch_that_wins_is_found() {
    assert_eq!(
        kinds(&cases::LATER_PATCH_WINS),
        ["value-differs staging-config-secret.example.yml:6", "placeholder-left kustomization.yml:12"]
    );
}

#[test]
fn every_placeholder_that_the_template_forgets_is_found_at_its_line() {
    assert_eq!(
        kinds(&cases::KEY_NOT_IN_TEMPLATE),
        [
            "placeholder-left app.yml:8",
            "placeholder-left app.yml:15",
            "placeholder-left app.yml:34",
            "placeholder-left app.yml:39"
        ]
    );
}

#[test]
fn what_kustomizes_own_transformers_change_is_a_notice() {
    let (result, notices) = run(&cases::TRANSFORMED);
    result.unwrap();
    assert_eq!(notices.iter().filter(|line| line.starts_with("transformed")).count(), 2, "{notices:?}");
}

#[test]
fn the_same_name_in_two_namespaces_is_told_apart() {
    assert_eq!(kinds(&cases::TWO_NAMESPACES), ["placeholder-left app.yml:8", "placeholder-left app.yml:9"]);
}

#[test]
fn a_value_that_holds_a_placeholder_is_a_notice_without_its_text() {
    let mut patch = patch_of(cases::SOPS_LIKE_VALUE.template);
    patch[0].entries[1].value = Secret::new("s3cr3t ${X} $(y)");
    let (result, notices) = check(parse(cases::SOPS_LIKE_VALUE.output).unwrap(), &patch, &[], &Base::default(), &[]);
    result.unwrap();
    assert_eq!(lines(&notices), ["dollar-brace  `Secret app` holds `${` in `stringData.B`, which nothing fills"]);
}

#[test]
fn nasty_values_arrive_as_they_are_and_the_one_that_kustomize_spoils_is_found() {
    let mut template = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n".to_owned();
    NASTY.iter().for_each(|(key, _)| template.push_str(&format!("  {key}: ${{{key}}}\n")));
    let (result, _) = check(parse(NASTY_OUTPUT).unwrap(), &patch_of(&template), &[], &Base::default(), &[]);
    // kustomize turns U+0085 into a blank.
    let spoilt = NASTY.iter().find(|(_, value)| value.contains('\u{85}')).unwrap().0;
    let found = result.unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].message,
        format!("`stringData.{spoilt}` of the built `Secret app` is not the template's value")
    );
}

#[test]
fn kinds_are_filtered_after_the_check() {
    let build = || parse(cases::GOOD.output).unwrap();
    let patch = patch_of(cases::GOOD.template);
    let (result, notices) = check(build(), &patch, &[], &Base::default(), &["secret".to_owned(), "Ingress".to_owned()]);
    assert_eq!(result.unwrap().objects().len(), 1);
    assert_eq!(lines(&notices), ["kind-unknown  `kinds` names `Ingress`, but the build has no such object"]);
    let wrong = cases::TARGET_MATCHES_NOTHING;
    let (result, _) = check(parse(wrong.output).unwrap(), &patch, &[], &Base::default(), &["Deployment".to_owned()]);
    assert!(result.is_err());
}

#[test]
fn the_filled_template_is_the_build_without_an_overlay() {
    let objects =
        parse("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {A: x}\n").unwrap().objects().to_vec();
    let (result, notices) = check(Build::from_objects(objects.clone()).unwrap(), &[], &[], &Base::default(), &[]);
    assert_eq!((result.unwrap().into_parts().0, notices.len()), (objects.clone(), 0));
    let twice = Build::from_objects([objects.clone(), objects].concat()).unwrap_err();
    assert_eq!(twice[0].message, "`ConfigMap a` is in the build 2 times: the last one would win");
}

#[test]
fn string_data_wins_over_data_and_the_type_stays() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\ndata: {A: eA==, B: eQ==}\nstringData: {A: z}\n";
    let (result, _) = check(Build { overlay: false, ..parse(text).unwrap() }, &[], &[], &Base::default(), &[]);
    let objects = result.unwrap().into_parts().0;
    assert_eq!(objects[0].as_value()["data"], serde_json::json!({"A": "eg==", "B": "eQ=="}));
    assert_eq!(objects[0].as_value()["type"], "kubernetes.io/tls");
    assert_eq!(objects[0].as_value().get("stringData"), None);
}

#[test]
fn what_is_no_object_is_named_without_its_text() {
    let refused = |text: &str| lines(&parse(text).unwrap_err());
    assert_eq!(
        refused("kind: Secret\nmetadata: {name: a}\n"),
        ["object-incomplete  document 1 of the build (`Secret a`) has no `apiVersion`"]
    );
    assert_eq!(
        refused("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret, metadata: {generateName: a-}}]\n"),
        ["object-incomplete  item 1 of document 1 of the build (`Secret`) has `generateName`, which cannot be applied"]
    );
    assert_eq!(
        refused("a: b\na: s3cr3t\n"),
        ["build-unreadable  document 1 of the build is not valid YAML or repeats a key (line 1)"]
    );
    assert_eq!(refused("a: !x s3cr3t\n"), ["build-unreadable  document 1 of the build holds a tagged value"]);
    let number = parse("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {1: x, true: y}}\n").unwrap();
    assert_eq!(number.objects()[0].as_value()["metadata"]["annotations"], serde_json::json!({"1": "x", "true": "y"}));
}

#[test]
fn bad_base64_and_illegal_keys_are_found() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {A: 'no base64!', 'b c': eA==, ..x: eA==, W: \"eA=\\n=\"}\n";
    let (result, _) = check(Build { overlay: false, ..parse(text).unwrap() }, &[], &[], &Base::default(), &[]);
    let kinds: Vec<_> = result.unwrap_err().iter().map(|problem| (problem.kind, problem.message.to_string())).collect();
    assert_eq!(
        kinds,
        [
            ("data-not-base64", "`data.A` of `Secret a` is not base64".to_owned()),
            ("data-key", "`b c` cannot be a key of `Secret a`".to_owned()),
            ("data-key", "`..x` cannot be a key of `Secret a`".to_owned()),
        ]
    );
}

// Trees: what a build would read.

fn tree(kustomization: &str) -> Memory {
    let patches = "patches:\n- path: ../../../config/staging-secret-config-patch.yml\n";
    Memory::new(&[("k8/apps/overlays/staging/a.yml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")])
        .file("k8/apps/overlays/staging/kustomization.yml", &format!("{kustomization}{patches}"))
        .file(".git/config", "token")
        .file("/proc/self/environ", "TOKEN=x")
        .file("/etc/hostname", "host")
}

fn refusals(tree: &Memory) -> Vec<String> {
    refusals_within(tree, scope())
}

fn refusals_within(tree: &Memory, scope: Scope<'_>) -> Vec<String> {
    walk(Path::new(OVERLAY), tree, scope).map(|_| ()).map_or_else(|problems| lines(&problems), |()| Vec::new())
}

#[test]
fn files_outside_of_the_checkout_are_refused_in_every_field() {
    for text in [
        "resources: [/proc/self/environ]\n",
        "bases: [../../../../../etc]\n",
        "components: [../../../../../etc]\n",
        "configMapGenerator: [{name: x, files: [/proc/self/environ]}]\n",
        "configMapGenerator: [{name: x, files: [k=../../../../../etc/hostname]}]\n",
        "secretGenerator: [{name: x, envs: [/proc/self/environ]}]\n",
        "secretGenerator: [{name: x, env: /proc/self/environ}]\n",
        "configMapGenerator: [{name: x, files: [../../../../.git/config]}]\n",
        "configMapGenerator: [{name: x, files: [link/hostname]}]\n",
        "configMapGenerator: [{name: x, files: [host]}]\n",
        "configurations: [/etc/hostname]\n",
        "crds: [/etc/hostname]\n",
        "openapi: {path: /etc/hostname}\n",
        "replacements: [{path: /etc/hostname}]\n",
        "patchesStrategicMerge: [/etc/hostname]\n",
        "patchesJson6902: [{target: {kind: Secret}, path: /etc/hostname}]\n",
        "generators: [/etc/hostname]\n",
        "transformers: [/etc/hostname]\n",
        "validators: [/etc/hostname]\n",
        // Each of these put the environment of kubectl into a ConfigMap when tried with 1.37.1.
        "CONFIGMAPGENERATOR: [{Name: x, FILES: [/proc/self/environ]}]\n",
        "reſources: [/proc/self/environ]\n",
        "configMapGenerator: [{name: x, <<: {files: [/proc/self/environ]}}]\n",
        "generators: ['{kind: XList, apiVersion: v1, metadata: {name: q}, items: [{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: x}, name: x, FILES: [/proc/self/environ]}]}']\n",
        "generators: [gen.yml]\n",
        // A link is followed before the `..` behind it, but only in an absolute path.
        "configMapGenerator: [{name: x, files: [/repo/k8/apps/overlays/staging/link/../etc/hostname]}]\n",
        "resources: [/repo/k8/apps/overlays/staging/link/../proc/self/environ]\n",
        "configMapGenerator: [{name: x, files: [../../../../meta/config]}]\n",
        "secretGenerator: [{name: x, envs: [../../../../.env.k8s.staging]}]\n",
    ] {
        let tree = tree(text)
            .file("k8/apps/overlays/staging/etc/hostname", "decoy")
            .file("k8/apps/overlays/staging/proc/self/environ", "decoy")
            .file("meta/config", "token")
            .file(".env.k8s.staging", "A=x")
            .file(
                "k8/apps/overlays/staging/gen.yml",
                "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: x}\nname: x\nfiles: [/etc/hostname]\n",
            )
            .link("k8/apps/overlays/staging/link", "/etc")
            .link("k8/apps/overlays/staging/host", "/etc/hostname");
        let private = ["/repo/meta", "/repo/.env.k8s.staging"].map(PathBuf::from);
        let found = refusals_within(&tree, Scope { private: &private, ..scope() });
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with("outside-checkout "), "{text}: {found:?}");
    }
}

#[test]
fn a_text_that_is_an_object_to_one_reader_and_a_path_to_another_is_refused() {
    // Read as an object by kubectl 1.37.1, which then put the file into a ConfigMap; a comment to YAML 1.2.
    let object = "x: y #\u{85}kind: ConfigMapGenerator\u{85}apiVersion: builtin\u{85}metadata: {name: x}\u{85}name: x\u{85}files: [k=/etc/hostname]";
    let escaped = object.replace('\u{85}', "\\N");
    for field in ["generators", "transformers", "validators", "patchesStrategicMerge"] {
        let path = format!("k8/apps/overlays/staging/{object}");
        let found = refusals(&tree(&format!("{field}: [\"{escaped}\"]\n")).file(&path, "{}"));
        let told = format!(
            "kustomization-syntax kustomization.yml:1 an entry of `{field}` is neither plainly a path nor plainly an object"
        );
        assert_eq!(found, [told]);
    }
}

#[test]
fn a_chain_of_directories_has_an_end() {
    let mut chain = tree("resources: [../d0]\n");
    for number in 0..1000 {
        let path = format!("k8/apps/overlays/d{number}/kustomization.yml");
        chain = chain.file(&path, &format!("resources: [../d{}]\n", number + 1));
    }
    let found = refusals(&chain);
    assert!(found.len() == 1 && found[0].starts_with("kustomization-depth kustomization.yml:1 `../d63`"), "{found:?}");
}

#[test]
fn what_two_yaml_readers_see_differently_is_refused() {
    for text in [
        "configMapGenerator: [{name: x, files: [!!binary L3Byb2Mvc2VsZi9lbnZpcm9u]}]\n",
        "resources: [a.yml] #\u{85}configMapGenerator: [{name: x, files: [/proc/self/environ]}]\n",
        "resources: [a.yml] #\u{2028}configMapGenerator: [{name: x, files: [/proc/self/environ]}]\n",
        "resources: [a.yml]\nresources: [/etc/hostname]\n",
        "resources: [a.yml]\n---\nresources: [/etc/hostname]\n",
        "resources: [a.yml\n",
    ] {
        let found = refusals(&tree(text));
        assert!(
            found.iter().all(|line| line.starts_with("kustomization-syntax kustomization.yml")),
            "{text}: {found:?}"
        );
        assert_eq!(found.len(), 1, "{text}: {found:?}");
    }
}

#[test]
fn remote_resources_programs_and_helm_are_refused() {
    let kind = |text: &str, scope: Scope<'_>| {
        refusals_within(&tree(text), scope)
            .iter()
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let allowed = Scope { allow_remote: true, ..scope() };
    for text in [
        "resources: [https://example.com/a.yml]\n",
        "resources: [github.com/o/r//d?ref=v1]\n",
        "resources: ['git@github.com:o/r']\n",
        "resources: [HTTPS://example.com/a.yml]\n",
        "components: ['ssh://git@h/o/r']\n",
        "patches: [{path: 'https://example.com/p.yml'}]\n",
        "configMapGenerator: [{name: x, files: ['k=http://169.254.169.254/']}]\n",
    ] {
        // `patches` would stand twice with the tree's own.
        if !text.starts_with("patches") {
            assert_eq!(kind(text, scope()), ["remote-resource"], "{text}");
            assert_eq!(kind(text, allowed), [""; 0], "{text}");
        }
    }
    for text in [
        "resources: ['file:///etc']\n",
        "generators: [https://example.com/g.yml]\n",
        "transformers: ['git::https://h/o/r']\n",
    ] {
        assert_eq!(kind(text, allowed), ["remote-resource"], "{text}");
    }
    for text in [
        "helmCharts: [{name: x}]\n",
        "helmGlobals: {chartHome: x}\n",
        "helmChartInflationGenerator: [{chartName: x}]\n",
    ] {
        assert_eq!(kind(text, allowed), ["helm"], "{text}");
    }
    for text in [
        "transformers: ['{apiVersion: x/v1, kind: X, metadata: {name: x}}']\n",
        "validators: ['{apiVersion: builtin, kind: X, metadata: {name: x, annotations: {config.kubernetes.io/function: \"exec: {path: x}\"}}}']\n",
    ] {
        assert_eq!(kind(text, allowed), ["plugin"], "{text}");
    }
    assert_eq!(
        kind(
            "generators: ['{apiVersion: builtin, kind: HelmChartInflationGenerator, metadata: {name: x}}']\n",
            allowed
        ),
        ["helm"]
    );
}

#[test]
fn plugin_configuration_in_a_directory_may_not_be_changed_on_the_way() {
    let tree = tree("transformers: [t]\n")
        .file("k8/apps/overlays/staging/t/kustomization.yml", "resources: [x.yml]\npatches: [{patch: x}]\n")
        .file(
            "k8/apps/overlays/staging/t/x.yml",
            "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\npath: ../../../../.git/config\n",
        );
    let found = refusals(&tree);
    assert!(found[0].starts_with("plugin kustomization.yml:2"), "{found:?}");
    assert!(
        found[1].starts_with("outside-checkout x.yml:4 `../../../../.git/config` in `path` lies in `.git`"),
        "{found:?}"
    );
}

#[test]
fn missing_files_devices_and_two_kustomizations_are_named_with_their_line() {
    let found = refusals(&tree("resources:\n- a.yml\n- gone.yml\n- ../../none\n"));
    assert_eq!(
        found,
        [
            "missing-file kustomization.yml:3 `gone.yml` in `resources` does not exist",
            "missing-file kustomization.yml:4 `../../none` in `resources` does not exist",
        ]
    );
    let mut with_pipe = tree("resources:\n- pipe\n");
    with_pipe.devices.push(PathBuf::from("/repo/k8/apps/overlays/staging/pipe"));
    assert_eq!(refusals(&with_pipe), ["not-a-file kustomization.yml:2 `pipe` in `resources` is not a regular file"]);
    let mut huge = tree("resources: [huge]\nconfigMapGenerator: [{name: x, files: [huge]}]\n");
    huge.huge.push(PathBuf::from("/repo/k8/apps/overlays/staging/huge"));
    let told = |line: usize, field: &str| {
        format!("too-large kustomization.yml:{line} `huge` in `{field}` is too large for a build")
    };
    assert_eq!(refusals(&huge), [told(1, "resources"), told(2, "configMapGenerator[].files")]);
    let two = tree("resources: [a.yml]\n").file("k8/apps/overlays/staging/Kustomization", "resources: [a.yml]\n");
    assert_eq!(
        refusals(&two),
        [
            "kustomization-ambiguous  `k8/apps/overlays/staging` has `kustomization.yml` and `Kustomization`; kustomize accepts one"
        ]
    );
    let linked = Memory::new(&[("k8/apps/overlays/staging/a.yml", "")])
        .file("/etc/kustomization.yml", "resources: []\n")
        .link("k8/apps/overlays/staging/kustomization.yml", "/etc/kustomization.yml");
    assert!(refusals(&linked)[0].starts_with("outside-checkout "));
}

#[test]
fn cycles_end_and_diamonds_are_walked_once() {
    let cycle =
        tree("resources: [../../base]\n").file("k8/apps/base/kustomization.yml", "resources: [../overlays/staging]\n");
    assert_eq!(
        refusals(&cycle),
        [
            "kustomization-cycle kustomization.yml:1 `../overlays/staging` in `resources` leads back to a directory that refers to it"
        ]
    );
    let diamond = tree("resources: [../../x, ../../y]\n")
        .file("k8/apps/x/kustomization.yml", "resources: [../base]\n")
        .file("k8/apps/y/kustomization.yml", "resources: [../base]\n")
        .file("k8/apps/base/kustomization.yml", "resources: [b.yml, a.yml]\n")
        .file("k8/apps/base/a.yml", "")
        .file("k8/apps/base/b.yml", "");
    let closure = walk(Path::new(OVERLAY), &diamond, scope()).unwrap();
    let files: Vec<&str> = closure.sources.iter().map(|source| source.file.as_str()).collect();
    assert_eq!(files, ["k8/apps/base/b.yml", "k8/apps/base/a.yml"]);
    assert_eq!(closure.kustomizations.len(), 4);
}

#[test]
fn where_objects_get_to_is_known_where_one_namespace_is_given() {
    let destination = |overlay: &str, base: &str| {
        let text = format!("{base}resources: [b.yml]\n");
        let tree = tree(&format!("{overlay}resources: [../../base]\n"))
            .file("k8/apps/base/kustomization.yml", &text)
            .file("k8/apps/base/b.yml", "");
        walk(Path::new(OVERLAY), &tree, scope()).unwrap().destination
    };
    let staging = Destination::Namespace("staging".to_owned());
    assert_eq!(destination("", ""), Destination::AsWritten);
    assert_eq!(destination("namespace: staging\n", ""), staging);
    assert_eq!(destination("namespace: staging\n", "namespace: base\n"), staging);
    assert_eq!(destination("", "namespace: base\n"), Destination::Unclear);
}

#[test]
fn the_patch_must_be_used_exactly_once_and_as_a_patch() {
    let overlay = |text: &str| tree("").file("k8/apps/overlays/staging/kustomization.yml", text);
    let path = "../../../config/staging-secret-config-patch.yml";
    let problems = walk(Path::new(OVERLAY), &overlay("resources: [a.yml]\n"), scope()).unwrap_err();
    assert_eq!(problems[0].kind, "patch-not-referenced");
    assert_eq!(
        problems[0].help.as_deref().unwrap(),
        format!("add to `k8/apps/overlays/staging/kustomization.yml`:\npatches:\n- path: {path}")
    );
    let twice = overlay(&format!("patches:\n- path: {path}\n- path: ./{path}\n"));
    assert!(refusals(&twice)[0].starts_with("patch-twice kustomization.yml:3"));
    let targeted = overlay(&format!("patches:\n- path: {path}\n  target: {{kind: Secret}}\n"));
    assert_eq!(refusals(&targeted), [""; 0]);
    let documents = Scope { patch_documents: 2, ..scope() };
    assert!(refusals_within(&targeted, documents)[0].starts_with("patch-target kustomization.yml:2"));
    let generator = overlay(&format!("configMapGenerator: [{{name: x, files: [{path}]}}]\n"));
    assert!(refusals(&generator)[0].starts_with("patch-misused kustomization.yml:1"));
    assert_eq!(refusals(&overlay(&format!("patchesStrategicMerge: [{path}]\n"))), [""; 0]);
    assert_eq!(refusals(&overlay(&format!("resources: [a.yml, {path}]\n"))), [""; 0]);
}

#[test]
fn a_value_is_never_copied_into_a_name() {
    let replacement = |source: &str, target: &str| {
        format!("- source: {{{source}}}\n  targets:\n  - select: {{kind: ConfigMap}}\n    {target}\n")
    };
    let secret = "kind: Secret, name: app, fieldPath: stringData.A";
    let part = format!("{secret}, options: {{delimiter: '-', index: 1}}");
    let replacements = |text: &str| tree(&format!("resources: [a.yml]\nreplacements:\n{text}"));
    for (source, target, refused) in [
        (secret, "fieldPaths: [metadata.name]", true),
        (part.as_str(), "fieldPaths:\n    - data.x\n    - metadata.namespace", true),
        (secret, "options: {create: true}", true),
        (secret, "fieldPaths: [kind]", true),
        ("name: app, fieldPath: data.A", "fieldPaths: [metadata.name]", true),
        (secret, "fieldPaths: [data.x, metadata.labels.x]", false),
        ("kind: Secret, name: app", "fieldPaths: [metadata.name]", false),
        ("kind: ConfigMap, name: app, fieldPath: data.NAMESPACE", "fieldPaths: [metadata.namespace]", false),
    ] {
        let found = refusals(&replacements(&replacement(source, target)));
        assert_eq!(found.iter().any(|line| line.contains("value-in-name")), refused, "{source} {target}: {found:?}");
    }
    let text = replacement(secret, "fieldPaths: [metadata.name]");
    let inline =
        "apiVersion: builtin\nkind: ReplacementTransformer\nmetadata: {name: t}\nreplacements:\n".to_owned() + &text;
    let indented = inline.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let file = |kustomization: &str, name: &str, text: &str| {
        tree(&format!("resources: [a.yml]\n{kustomization}\n")).file(&format!("k8/apps/overlays/staging/{name}"), text)
    };
    let operation = r#"[{"op": "copy", "from": "/stringData/A", "path": "/metadata/name"}]"#;
    let variable = "vars:\n- name: V\n  objref: {apiVersion: v1, kind: Secret, name: app}\n  fieldref: {fieldpath: stringData.A}\n";
    let names = "varReference:\n- {kind: ConfigMap, path: metadata/name}\n";
    for tree in [
        file("replacements: [{path: r.yaml}]", "r.yaml", &text),
        file("transformers: [t.yaml]", "t.yaml", &inline),
        file(&format!("transformers:\n- |-\n{indented}"), "none", ""),
        file(&format!("patchesJson6902: [{{target: {{kind: Secret}}, patch: '{operation}'}}]"), "none", ""),
        file("patchesJson6902: [{target: {kind: Secret}, path: p.json}]", "p.json", operation),
        file(&format!("configurations: [c.yaml]\n{variable}"), "c.yaml", names),
    ] {
        let found = refusals(&tree);
        assert!(found.iter().any(|line| line.contains("value-in-name")), "{found:?}");
    }
    let found = refusals(&file(variable, "none", ""));
    assert!(!found.iter().any(|line| line.contains("value-in-name")), "{found:?}");
}
