//! Which fields of a kustomization refer to what.

use super::copies::{collect_replacement, collect_variable};
use super::kustomization::{Generated, Reference, ReferenceKind};
use super::node::{Content, Node, documents};

/// Adds the references of one top-level field, its name folded.
pub(super) fn collect_field(name: &str, key: &Node, value: &Node, out: &mut Vec<Reference>) {
    match name {
        "resources" => scalars("resources", value, &ReferenceKind::Resource, out),
        "bases" => scalars("bases", value, &ReferenceKind::Resource, out),
        "components" => scalars("components", value, &ReferenceKind::Component, out),
        "crds" => scalars("crds", value, &ReferenceKind::Configuration, out),
        "configurations" => scalars("configurations", value, &ReferenceKind::NameReferences, out),
        "openapi" => fields_of("openapi.path", value, "path", &ReferenceKind::Configuration, out),
        "replacements" => {
            each(value, |item| collect_replacements(item, out));
        }
        "vars" => each(value, |item| collect_variable(item, out)),
        "patches" => each(value, |item| collect_patch("patches[].path", "patches[].patch", item, out)),
        "patchesjson6902" => {
            each(value, |item| collect_patch("patchesJson6902[].path", "patchesJson6902[].patch", item, out));
        }
        "patchesstrategicmerge" => each(value, |item| {
            let path = ReferenceKind::Patch { targeted: false };
            collect_either("patchesStrategicMerge", item, path, ReferenceKind::InlinePatch, out);
        }),
        "configmapgenerator" => each(value, |item| collect_generator("ConfigMap", item, out)),
        "secretgenerator" => each(value, |item| collect_generator("Secret", item, out)),
        "generators" => collect_plugins("generators", value, out),
        "transformers" => collect_plugins("transformers", value, out),
        "validators" => collect_plugins("validators", value, out),
        "helmcharts" => collect_helm("helmCharts", key, value, out),
        "helmchartinflationgenerator" => collect_helm("helmChartInflationGenerator", key, value, out),
        "helmglobals" => collect_helm("helmGlobals", key, value, out),
        _ => {}
    }
}

fn collect_replacements(item: &Node, out: &mut Vec<Reference>) {
    fields_of("replacements[].path", item, "path", &ReferenceKind::Replacements, out);
    collect_replacement(item, out);
}

fn collect_patch(path: &'static str, patch: &'static str, item: &Node, out: &mut Vec<Reference>) {
    let targeted = named(item, "target").any(Node::is_present);
    fields_of(path, item, "path", &ReferenceKind::Patch { targeted }, out);
    fields_of(patch, item, "patch", &ReferenceKind::InlinePatch, out);
}

fn collect_generator(kind: &'static str, item: &Node, out: &mut Vec<Reference>) {
    let name = item.text_at(&["name"]).unwrap_or_default().to_owned();
    let (files, envs, env, literals) = match kind {
        "Secret" => {
            ("secretGenerator[].files", "secretGenerator[].envs", "secretGenerator[].env", "secretGenerator[].literals")
        }
        _ => (
            "configMapGenerator[].files",
            "configMapGenerator[].envs",
            "configMapGenerator[].env",
            "configMapGenerator[].literals",
        ),
    };
    let generated = Generated { kind, name };
    named(item, "files").for_each(|value| {
        each(value, |source| {
            let text = source.text().unwrap_or_default();
            let path = text.split_once('=').map_or(text, |(_, path)| path);
            push(files, path, ReferenceKind::GeneratorFile, source.line, out);
        });
    });
    fields_of(envs, item, "envs", &ReferenceKind::GeneratorEnvironment(generated.clone()), out);
    fields_of(env, item, "env", &ReferenceKind::GeneratorEnvironment(generated.clone()), out);
    fields_of(literals, item, "literals", &ReferenceKind::GeneratorLiteral(generated), out);
}

fn collect_plugins(field: &'static str, value: &Node, out: &mut Vec<Reference>) {
    each(value, |item| collect_either(field, item, ReferenceKind::Plugin, ReferenceKind::InlinePlugin, out));
}

fn collect_helm(field: &'static str, key: &Node, value: &Node, out: &mut Vec<Reference>) {
    if value.is_present() {
        push(field, field, ReferenceKind::Helm, key.line, out);
    }
}

/// Adds the references of an object that configures a plugin. Lists such as `kind: PatchTransformerList` are opened, as kustomize does.
pub(super) fn collect_plugin(object: &Node, out: &mut Vec<Reference>) {
    let kind = object.text_at(&["kind"]).unwrap_or_default();
    let items: Vec<&Node> = named(object, "items").collect();
    if kind.ends_with("List") && !items.is_empty() {
        items.iter().for_each(|items| each(items, |item| collect_plugin(item, out)));
        return;
    }
    let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
    let function = annotations.is_some_and(|annotations| {
        annotations.pairs().iter().any(|(key, _)| key.text().is_some_and(|name| name.ends_with("/function")))
    });
    if function || named(object, "apiVersion").any(|version| version.text() != Some("builtin")) {
        return push("apiVersion", kind, ReferenceKind::Program, object.line, out);
    }
    match kind {
        "HelmChartInflationGenerator" => push("kind", kind, ReferenceKind::Helm, object.line, out),
        "ConfigMapGenerator" => collect_generator("ConfigMap", object, out),
        "SecretGenerator" => collect_generator("Secret", object, out),
        _ => {
            collect_patch("path", "patch", object, out);
            named(object, "paths").for_each(|value| {
                each(value, |item| {
                    let path = ReferenceKind::Patch { targeted: false };
                    collect_either("paths", item, path, ReferenceKind::InlinePatch, out);
                });
            });
            fields_of("targetFilePath", object, "targetFilePath", &ReferenceKind::Configuration, out);
            named(object, "replacements").for_each(|value| {
                each(value, |item| collect_replacements(item, out));
            });
        }
    }
}

fn collect_either(
    field: &'static str,
    item: &Node,
    path: ReferenceKind,
    inline: ReferenceKind,
    out: &mut Vec<Reference>,
) {
    let text = item.text().unwrap_or_default();
    let kind = match () {
        () if is_inline(text) => inline,
        () if is_plain_path(text) => path,
        () => ReferenceKind::Unclear,
    };
    push(field, text, kind, item.line, out);
}

/// Whether no YAML reader can take the text for an object: that needs a bracket, or more than one line. A file can be called so
/// too, and its content be harmless.
fn is_plain_path(text: &str) -> bool {
    !text.contains(['{', '[', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

fn fields_of(field: &'static str, item: &Node, key: &str, kind: &ReferenceKind, out: &mut Vec<Reference>) {
    named(item, key).for_each(|value| scalars(field, value, kind, out));
}

fn scalars(field: &'static str, value: &Node, kind: &ReferenceKind, out: &mut Vec<Reference>) {
    each(value, |item| push(field, item.text().unwrap_or_default(), kind.clone(), item.line, out));
}

fn push(field: &'static str, target: &str, kind: ReferenceKind, line: usize, out: &mut Vec<Reference>) {
    if !target.is_empty() {
        out.push(Reference { field, target: target.to_owned(), kind, line });
    }
}

/// The items of a sequence, or the one node that stands where a sequence is wanted.
pub(super) fn each(value: &Node, mut visit: impl FnMut(&Node)) {
    match &value.content {
        Content::Sequence(items) => items.iter().for_each(|item| visit(item)),
        _ if value.is_present() => visit(value),
        _ => {}
    }
}

/// All values of the fields that Go takes for `name`.
pub(super) fn named<'a>(node: &'a Node, name: &str) -> impl Iterator<Item = &'a Node> {
    let wanted = fold(name);
    node.pairs().into_iter().filter(move |(key, _)| key.text().is_some_and(|text| fold(text) == wanted)).map(|(_, v)| v)
}

/// Whether kustomize takes this entry of a list for objects rather than for a path.
fn is_inline(text: &str) -> bool {
    documents(text).is_ok_and(|found| {
        found.iter().any(|document| named(document, "kind").next().is_some() || !document.items().is_empty())
    })
}

/// Go's JSON decoder matches field names regardless of case, with Unicode's two look-alikes of ASCII letters.
pub(super) fn fold(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            'ſ' => 's',
            '\u{212a}' => 'k',
            _ => c.to_ascii_lowercase(),
        })
        .collect()
}
