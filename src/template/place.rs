//! What each scalar of a template is for: a key, a Secret's value, a field that is text, or a field of unknown type.

use super::document::{Content, NodeId, SourceFile};
use super::role::{Role, field_role};
use crate::error::{Place, Problem};
use crate::object::ObjectId;
use crate::patch::Step;

/// An object of the template.
#[derive(Debug, Clone)]
pub(crate) struct TemplateObject {
    /// `None` for a document without kind or name: a JSON6902 patch, a kustomization.
    pub(crate) id: Option<ObjectId>,
    pub(crate) place: Place,
    /// A document with content that no API server would take for an object.
    pub(crate) incomplete: bool,
}

/// A scalar (or an empty mapping's place) as one object sees it; a scalar that is aliased is seen several times.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) node: NodeId,
    /// Index into [`Survey::objects`].
    pub(crate) object: usize,
    /// From the object's root.
    pub(crate) path: Vec<Step>,
    pub(crate) role: Role,
}

/// Every object of a file and every scalar as its objects see it.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) objects: Vec<TemplateObject>,
    pub(crate) visits: Vec<Visit>,
}

/// Aliases multiply: a file may not unfold into more scalars than this.
const MOST_VISITS: usize = 500_000;
/// Deeper nesting than any Kubernetes object needs.
const MOST_DEPTH: usize = 200;

/// Walks every document of `file`.
pub(crate) fn survey(file: &SourceFile) -> Result<Survey, Vec<Problem>> {
    let mut walk = Walk { file, survey: Survey::default(), kind: Kind::Other, path: Vec::new() };
    for root in &file.roots {
        walk.document(*root).map_err(|problem| vec![*problem])?;
    }
    Ok(walk.survey)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Secret,
    ConfigMap,
    JsonPatch,
    Other,
}

struct Walk<'a> {
    file: &'a SourceFile,
    survey: Survey,
    kind: Kind,
    path: Vec<Step>,
}

type Walked = Result<(), Box<Problem>>;

impl Walk<'_> {
    fn document(&mut self, root: NodeId) -> Walked {
        let kind = self.text(root, "kind");
        let members = if kind == "Template" { "objects" } else { "items" };
        let items = self.file.get(root, members).map(|items| self.file.resolve(items));
        match items.map(|items| &self.file.node(items).content) {
            Some(Content::Sequence(items)) if kind == "Template" || kind.ends_with("List") => {
                self.around(root, members)?;
                items.iter().try_for_each(|item| self.document(*item))
            }
            _ if self.is_json_patch(root) => self.json_patch(root),
            _ => self.object(root, kind),
        }
    }

    /// What a list holds beside its members.
    fn around(&mut self, root: NodeId, members: &str) -> Walked {
        let Content::Mapping(pairs) = &self.file.node(self.file.resolve(root)).content else { return Ok(()) };
        self.kind = Kind::Other;
        self.survey.objects.push(TemplateObject { id: None, place: self.file.place(root), incomplete: false });
        self.path.clear();
        let is_members = |key: NodeId| self.file.scalar(key).is_some_and(|scalar| scalar.text == members);
        let others: Vec<_> = pairs.iter().filter(|(key, _)| !is_members(*key)).copied().collect();
        others.into_iter().try_for_each(|(key, value)| self.pair(key, value))
    }

    fn object(&mut self, root: NodeId, kind: String) -> Walked {
        let api_version = self.text(root, "apiVersion");
        let core = !api_version.contains('/');
        self.kind = match kind.as_str() {
            "Secret" if core => Kind::Secret,
            "ConfigMap" if core => Kind::ConfigMap,
            _ => Kind::Other,
        };
        let metadata = self.file.get(root, "metadata");
        let meta = |key: &str| metadata.map(|metadata| self.text(metadata, key)).unwrap_or_default();
        let name = meta("name");
        let id = (!kind.is_empty() && !name.is_empty()).then(|| ObjectId {
            group: api_version.split_once('/').map_or("", |(group, _)| group).to_owned(),
            kind,
            namespace: Some(meta("namespace")).filter(|namespace| !namespace.is_empty()),
            name,
        });
        let blank = match &self.file.node(self.file.resolve(root)).content {
            Content::Scalar(scalar) => matches!(scalar.text.as_str(), "" | "~" | "null"),
            _ => false,
        };
        let incomplete = !blank && (id.is_none() || api_version.is_empty());
        self.survey.objects.push(TemplateObject { id, place: self.file.place(root), incomplete });
        self.path.clear();
        self.visit(root)
    }

    /// A JSON6902 patch: a sequence of operations, each with `op` and `path`.
    fn is_json_patch(&self, root: NodeId) -> bool {
        let Content::Sequence(items) = &self.file.node(root).content else { return false };
        !items.is_empty()
            && items.iter().all(|item| self.file.get(*item, "op").is_some() && self.file.get(*item, "path").is_some())
    }

    fn json_patch(&mut self, root: NodeId) -> Walked {
        let Content::Sequence(items) = &self.file.node(root).content else { return Ok(()) };
        self.kind = Kind::JsonPatch;
        self.survey.objects.push(TemplateObject { id: None, place: self.file.place(root), incomplete: true });
        for item in items {
            let pointer = self.text(*item, "path");
            let Content::Mapping(pairs) = &self.file.node(self.file.resolve(*item)).content else { continue };
            for (key, value) in pairs {
                let is_value = self.file.scalar(*key).is_some_and(|scalar| scalar.text == "value");
                self.path = if is_value { pointer_steps(&pointer) } else { vec![Step::Key("op".to_owned())] };
                self.visit(*value)?;
            }
        }
        Ok(())
    }

    fn visit(&mut self, id: NodeId) -> Walked {
        let resolved = self.file.resolve(id);
        if self.survey.visits.len() > MOST_VISITS || self.path.len() > MOST_DEPTH {
            return Err(Box::new(
                Problem::error("template-too-deep", "the document unfolds into too many values or levels")
                    .at(self.file.place(id))
                    .help("write it with fewer aliases or levels"),
            ));
        }
        match &self.file.node(resolved).content {
            Content::Scalar(_) => self.record(resolved, self.role()),
            Content::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.push(Step::Index(index));
                    self.visit(*item)?;
                    self.path.pop();
                }
            }
            Content::Mapping(pairs) => {
                for (key, value) in pairs {
                    self.pair(*key, *value)?;
                }
            }
            Content::Alias(_) => {}
        }
        Ok(())
    }

    fn pair(&mut self, key: NodeId, value: NodeId) -> Walked {
        let name = self.file.scalar(key).map(|scalar| scalar.text.clone());
        if name.as_deref() == Some("<<") {
            return self.merge(value);
        }
        self.path.push(Step::Key(name.unwrap_or_default()));
        self.keys(key);
        self.visit(value)?;
        self.path.pop();
        Ok(())
    }

    /// `<<: *anchor` or `<<: [*a, *b]`: the pairs stand in this mapping.
    fn merge(&mut self, value: NodeId) -> Walked {
        match &self.file.node(self.file.resolve(value)).content {
            Content::Sequence(items) => items.iter().try_for_each(|item| self.visit(*item)),
            _ => self.visit(value),
        }
    }

    /// Every scalar of a key counts as a key, also where a whole mapping is one.
    fn keys(&mut self, key: NodeId) {
        let resolved = self.file.resolve(key);
        match &self.file.node(resolved).content {
            Content::Scalar(_) => self.record(resolved, Role::Key),
            Content::Sequence(items) => items.iter().for_each(|item| self.keys(*item)),
            Content::Mapping(pairs) => pairs.iter().for_each(|(key, value)| {
                self.keys(*key);
                self.keys(*value);
            }),
            Content::Alias(_) => {}
        }
    }

    fn record(&mut self, node: NodeId, role: Role) {
        let object = self.survey.objects.len().saturating_sub(1);
        self.survey.visits.push(Visit { node, object, path: self.path.clone(), role });
    }

    fn role(&self) -> Role {
        let first = match self.path.first() {
            Some(Step::Key(key)) => key.as_str(),
            _ => "",
        };
        match (self.kind, first) {
            (Kind::Secret, "stringData") => Role::SecretText,
            (Kind::Secret, "data") => Role::SecretBase64,
            (Kind::ConfigMap, "data") => Role::ConfigText,
            (Kind::ConfigMap, "binaryData") => Role::ConfigBase64,
            (Kind::JsonPatch, "data" | "stringData" | "binaryData") => Role::PatchedData,
            _ => field_role(&self.path),
        }
    }

    fn text(&self, mapping: NodeId, key: &str) -> String {
        self.file
            .get(mapping, key)
            .and_then(|value| self.file.scalar(value))
            .map(|scalar| scalar.text.clone())
            .unwrap_or_default()
    }
}

/// The steps of a JSON pointer (RFC 6901).
fn pointer_steps(pointer: &str) -> Vec<Step> {
    pointer
        .split('/')
        .skip(1)
        .map(|step| match step.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(step.replace("~1", "/").replace("~0", "~")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(text: &str) -> Vec<(String, Role)> {
        let file = SourceFile::parse("t.yml", text).expect("YAML");
        let survey = survey(&file).expect("survey");
        survey
            .visits
            .iter()
            .filter(|visit| file.scalar(visit.node).is_some_and(|scalar| scalar.text.contains('$')))
            .map(|visit| (file.scalar(visit.node).expect("scalar").text.clone(), visit.role))
            .collect()
    }

    #[test]
    fn data_of_secrets_and_config_maps_is_told_from_other_fields() {
        let text = "kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData:\n  A: $A\ndata:\n  B: $B\ntype: $T\n---\n\
                    kind: ConfigMap\napiVersion: v1\nmetadata: {name: '$N'}\ndata: {C: '$C'}\n---\n\
                    kind: SealedSecret\napiVersion: bitnami.com/v1\nmetadata: {name: x}\nspec: {data: {D: '$D'}}\n";
        let expected = [
            ("$A", Role::SecretText),
            ("$B", Role::SecretBase64),
            ("$T", Role::Text),
            ("$N", Role::Text),
            ("$C", Role::ConfigText),
            ("$D", Role::Open),
        ];
        assert_eq!(roles(text), expected.map(|(text, role)| (text.to_owned(), role)));
    }

    #[test]
    fn env_values_labels_and_arguments_are_text() {
        let text = "kind: Deployment\nspec:\n  replicas: $R\n  template:\n    metadata: {annotations: {a: $An}, labels: {b: $L}}\n    spec:\n      containers:\n\
                    \x20     - args: [$A]\n        env:\n        - {name: X, value: $E}\n        ports: [{containerPort: $P}]\n";
        let expected = [
            ("$R", Role::Open),
            ("$An", Role::ClearText),
            ("$L", Role::Text),
            ("$A", Role::Text),
            ("$E", Role::ClearText),
            ("$P", Role::Open),
        ];
        assert_eq!(roles(text), expected.map(|(text, role)| (text.to_owned(), role)));
    }

    #[test]
    fn an_alias_is_seen_where_it_stands_and_where_it_is_used() {
        let text = "kind: Secret\nmetadata: {name: a}\nx: &v $V\nstringData:\n  A: *v\n  *v : z\n  <<: &m\n    M: $M\n";
        let expected = [("$V", Role::Open), ("$V", Role::SecretText), ("$V", Role::Key), ("$M", Role::SecretText)];
        assert_eq!(roles(text), expected.map(|(text, role)| (text.to_owned(), role)));
    }

    #[test]
    fn lists_and_json_patches_are_looked_into() {
        let list = "kind: List\nitems:\n- kind: Secret\n  metadata: {name: a}\n  stringData: {A: $A}\n";
        assert_eq!(roles(list), [("$A".to_owned(), Role::SecretText)]);
        let template = "kind: Template\nmessage: $M\nobjects:\n- kind: ConfigMap\n  data: {A: $A}\nlabels: {l: $L}\n";
        let expected = [("$M", Role::Open), ("$L", Role::Text), ("$A", Role::ConfigText)];
        assert_eq!(roles(template), expected.map(|(text, role)| (text.to_owned(), role)));
        let patch = "- op: replace\n  path: /data/A\n  value: $A\n- {op: add, path: /spec/replicas, value: $R}\n";
        assert_eq!(roles(patch), [("$A".to_owned(), Role::PatchedData), ("$R".to_owned(), Role::Open)]);
    }
}
