//! One of two checkouts that are compared: built without values, a number in the place of each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::build::{self, Origins};
use crate::changes::{self, Sight, Texts};
use crate::error::{Failure, Problem, Stage, text};
use crate::files::{Layout, Overlay, PatchFile, is_there};
use crate::object::{Object, ObjectId, leads_to};
use crate::run::Run;
use crate::run::built::{Built, Literals};
use crate::template::{StandIns, Template};
use crate::values::Values;

/// A checkout before its build.
pub(in crate::run) struct Checkout {
    layout: Layout,
    template: Template,
    /// Names that the template asks for.
    pub(in crate::run) asked: BTreeSet<String>,
    /// Another's, who gets neither values nor a build.
    pub(in crate::run) foreign: bool,
}

impl Checkout {
    /// The same where no overlay is built.
    pub(in crate::run) fn templates_alone(&mut self) {
        self.layout.overlay = Overlay::None;
    }
}

/// A checkout's build, without the hashes in generated names.
#[derive(Default)]
pub(in crate::run) struct Side {
    pub(in crate::run) objects: Vec<Object>,
    pub(in crate::run) origins: Origins,
    /// What may be shown, `${NAME}` in the place of values.
    pub(in crate::run) texts: BTreeMap<ObjectId, Texts>,
}

impl<O: Write, E: Write> Run<O, E> {
    /// What lies in `directory` for the environment; `None`, with a notice, if nothing does there but elsewhere.
    pub(in crate::run) async fn read_checkout(&mut self, directory: &Path) -> Result<Option<Checkout>, Failure> {
        let is_base = !directory.as_os_str().is_empty();
        if is_base && !is_there(directory) {
            let text = text!("`base` is `{}`, which is not there", directory.display());
            let help = "check the base commit out: `actions/checkout` with `ref:` and `path:`";
            return Err(Failure::new(Stage::Inputs, vec![Problem::error("no-base", text).help(help)]));
        }
        let layout = match self.layout_in(directory) {
            Ok(layout) => layout,
            Err(failure) if is_base => {
                let environment = &self.inputs.environment;
                let text = text!("the base has no `{environment}`, so all of it is new");
                self.early.push(Problem::notice("new-environment", text));
                self.early.extend(failure.problems.into_iter().map(Problem::as_notice));
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        };
        let foreign = self.is_foreign(&layout)?;
        if !is_base {
            // The comment is known by it.
            self.set(&layout)?;
        }
        let template = self.template(&layout).await?;
        let asked = template.names(&self.fill_rules());
        Ok(Some(Checkout { layout, template, asked, foreign }))
    }

    /// Whether the tree is another's, which is told.
    fn is_foreign(&mut self, layout: &Layout) -> Result<bool, Failure> {
        let overlay = match &layout.overlay {
            Overlay::Directory(overlay) => Some(overlay),
            Overlay::None => None,
        };
        let paths: Vec<&Path> = layout.templates.iter().chain(overlay).map(AsRef::as_ref).collect();
        let refused = self.foreign_trees(&paths)?;
        let foreign = !refused.is_empty();
        self.early.extend(refused.into_iter().filter(|_| self.outsider.is_none()).map(Problem::as_notice));
        Ok(foreign)
    }

    /// The build of `checkout`.
    pub(in crate::run) async fn side(&mut self, checkout: Checkout, values: &Values) -> Result<Side, Failure> {
        self.enter(Stage::Render);
        let Checkout { layout, template, .. } = checkout;
        let filled = template.fill(values, &self.fill_rules(), StandIns::Make);
        let filled = filled.map_err(|problems| Failure::new(Stage::Render, problems))?;
        let patch_file = match (&layout.overlay, &layout.output) {
            (Overlay::Directory(_), Some(path)) => {
                let (file, problems) = PatchFile::look(path, self.context.workspace.as_deref());
                Some(file.ok_or_else(|| Failure::new(Stage::Render, problems))?)
            }
            _ => None,
        };
        let program = match layout.overlay {
            Overlay::Directory(_) => self.kubectl().map_err(|problem| Failure::new(Stage::Inputs, vec![problem]))?,
            // Nothing is built, and nothing started.
            Overlay::None => PathBuf::new(),
        };
        let kubectl = self.builder(program);
        let Built { checked, literals } = self.built(&layout, patch_file.as_ref(), &filled, &kubectl).await?;
        let (objects, origins) = checked.into_parts();
        let objects: Vec<Object> = objects.into_iter().map(changes::clean).collect();
        let sights = self.sights(&objects, &origins, literals, values);
        let texts = objects.iter().map(|object| {
            let sight = sights.get(&object.id()).cloned().unwrap_or_default();
            (build::without_content_hash(&object.id()), texts(object, sight, literals, values))
        });
        Ok(Side {
            texts: texts.collect(),
            origins: origins.into_iter().map(|(id, found)| (build::without_content_hash(&id), found)).collect(),
            objects: build::without_content_hashes(objects),
        })
    }
}

/// What may be shown of `object`: what is public, and what is public but for values, with their placeholders.
fn texts(object: &Object, sight: Sight, literals: Literals, values: &Values) -> Texts {
    let mut texts = sight.public;
    for (path, text) in changes::texts(object) {
        if !sight.unknown.contains(&path) {
            continue;
        }
        let named = values.with_placeholders(&text);
        let is_data = object.is_secret() && leads_to("data", &path);
        let may_be_shown = if is_data { is_placeholders_alone(&named) } else { literals == Literals::Public };
        if may_be_shown && !values.is_unknown(&named) {
            texts.insert(path, named);
        }
    }
    texts
}

fn is_placeholders_alone(text: &str) -> bool {
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix("${") {
        let Some((_, after)) = inner.split_once('}') else { return false };
        rest = after;
    }
    rest.is_empty()
}
