//! The steps of a walk: each reference of each kustomization judged, directories entered once.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::{Place, Problem, text};

use super::closure::{Closure, FileKind, Remote, Scope, Source, SourceRole, Tree, joined, normalise, spot};
use super::kustomization::{self, FILE_NAMES, Kustomization, Reference, ReferenceKind};

/// Directories that refer to one another in a row: far more than anybody nests, far from the end of the stack.
const MAX_DEPTH: usize = 64;

/// What is known so far.
pub(super) struct Walker<'a, T: Tree> {
    pub(super) tree: &'a T,
    pub(super) scope: Scope<'a>,
    checkout: PathBuf,
    /// Links resolved.
    private: Vec<PathBuf>,
    pub(super) patch: Option<PathBuf>,
    /// Directories from the overlay to the one being read.
    stack: Vec<PathBuf>,
    /// With the directory that lists it, where it configures plugins.
    visited: HashSet<(PathBuf, Option<PathBuf>)>,
    pub(super) closure: Closure,
    pub(super) patch_references: Vec<(Place, Reference)>,
    pub(super) problems: Vec<Problem>,
    pub(super) secret_variables: Vec<(Place, String)>,
    pub(super) names_by_variables: bool,
}

/// Where a reference stands.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The directory that relative paths start from.
    pub(super) directory: &'a Path,
    /// The file whose lines are meant, as shown.
    pub(super) file: &'a str,
    pub(super) path: &'a Path,
    /// The objects configure plugins instead of going into the build.
    pub(super) plugins: bool,
}

impl<'a, T: Tree> Walker<'a, T> {
    pub(super) fn new(tree: &'a T, scope: Scope<'a>) -> Self {
        Self {
            tree,
            checkout: tree.real_path(scope.checkout).unwrap_or_else(|| normalise(scope.checkout)),
            private: scope.private.iter().map(|path| tree.real_path(path).unwrap_or_else(|| normalise(path))).collect(),
            patch: scope.patch.map(|patch| spot(tree, &normalise(patch))),
            scope,
            stack: Vec::new(),
            visited: HashSet::new(),
            closure: Closure::default(),
            patch_references: Vec::new(),
            problems: Vec::new(),
            secret_variables: Vec::new(),
            names_by_variables: false,
        }
    }

    pub(super) fn overlay(&mut self, overlay: &Path) {
        let path = normalise(overlay);
        match self.confine(&path) {
            Ok(real) if self.tree.kind(&real) == Some(FileKind::Directory) => self.directory(&real, None),
            Ok(_) => {
                let text = text!("overlay `{}` is not a directory", self.shown(&path));
                self.problems.push(Problem::error("overlay-missing", text));
            }
            Err(reason) => {
                let text = text!("overlay `{}` {reason}", self.shown(&path));
                self.problems.push(Problem::error("overlay-missing", text));
            }
        }
    }

    /// Reads a directory's kustomization and all it refers to. `plugins`: the directory whose kustomization lists this one
    /// as configuration of plugins.
    fn directory(&mut self, directory: &Path, plugins: Option<&Path>) {
        if !self.visited.insert((directory.to_owned(), plugins.map(Path::to_owned))) {
            return;
        }
        let Some((path, kustomization)) = self.kustomization(directory) else { return };
        let file = self.shown(&path);
        if plugins.is_some() {
            self.only_resources(&file, &kustomization);
        }
        self.closure.renames |=
            kustomization.fields.iter().any(|(field, _)| matches!(field.as_str(), "nameprefix" | "namesuffix"));
        self.closure.destination.set(kustomization.namespace.as_deref(), self.stack.is_empty());
        self.stack.push(directory.to_owned());
        for reference in &kustomization.references {
            let origin = Origin { directory, file: &file, path: &path, plugins: plugins.is_some() };
            self.reference(origin, reference, plugins.unwrap_or(directory));
        }
        self.stack.pop();
    }

    /// The one kustomization file of a directory.
    fn kustomization(&mut self, directory: &Path) -> Option<(PathBuf, Kustomization)> {
        let shown = self.shown(directory);
        let names: Vec<&str> =
            FILE_NAMES.into_iter().filter(|name| self.tree.kind(&directory.join(name)).is_some()).collect();
        let [name] = names.as_slice() else {
            self.problems.push(if names.is_empty() {
                Problem::error("kustomization-missing", text!("`{shown}` has no kustomization file"))
                    .help(text!("create `{shown}/kustomization.yml`"))
            } else {
                let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
                Problem::error("kustomization-ambiguous", text!("`{shown}` has {list}; kustomize accepts one"))
                    .help("keep one of them")
            });
            return None;
        };
        let path = directory.join(name);
        let file = self.shown(&path);
        let read = match self.confine(&path) {
            Ok(real) if self.tree.kind(&real) == Some(FileKind::File) => {
                let text = self.tree.read(&real, &file).map_err(|p| vec![p]);
                self.closure.files.push(real);
                text
            }
            Ok(_) => Err(vec![Problem::error("not-a-file", text!("`{file}` is not a regular file"))]),
            Err(reason) => Err(vec![Problem::error("outside-checkout", text!("`{file}` {reason}"))]),
        };
        match read.and_then(|text| kustomization::parse(&file, &text)) {
            Ok(kustomization) => {
                self.closure.kustomizations.push(path.clone());
                Some((path, kustomization))
            }
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    pub(super) fn reference(&mut self, origin: Origin<'_>, reference: &Reference, plugin_root: &Path) {
        let place = Place::new(origin.file, reference.line, 1);
        match &reference.kind {
            ReferenceKind::Helm => self.problems.push(
                Problem::error("helm", text!("`{}` would make kustomize run helm", reference.target))
                    .at(place)
                    .help("render the chart with `helm template` and list the result under `resources`"),
            ),
            ReferenceKind::Program => self.problems.push(
                Problem::error(
                    "plugin",
                    text!("`{}` would make kustomize run a program or container", reference.target),
                )
                .at(place)
                .help("only builtin generators, transformers and validators (`apiVersion: builtin`) are allowed"),
            ),
            ReferenceKind::Unclear => {
                let text = text!("an entry of `{}` is neither plainly a path nor plainly an object", reference.field);
                self.problems.push(Problem::error("kustomization-syntax", text).at(place));
            }
            ReferenceKind::GeneratorLiteral(generated) => {
                self.source(origin, reference, origin.path, SourceRole::Pairs(generated.clone()));
            }
            ReferenceKind::ValueInName | ReferenceKind::SecretVariable => self.copied(place, reference),
            _ if reference.is_remote() => self.remote(&place, reference, origin.plugins),
            ReferenceKind::InlinePatch | ReferenceKind::InlinePlugin => self.inline(origin, reference),
            _ => self.path(origin, reference, plugin_root, &place),
        }
    }

    fn remote(&mut self, place: &Place, reference: &Reference, plugins: bool) {
        // A fetched plugin configuration or local repository could name any file of this machine.
        let never = plugins
            || matches!(reference.kind, ReferenceKind::Plugin | ReferenceKind::InlinePlugin)
            || reference.target.to_lowercase().contains("file://");
        if self.scope.allow_remote && !never {
            let (target, needs_git) = (reference.target.clone(), reference.needs_git());
            self.closure.remote.push(Remote { place: place.clone(), target, needs_git });
            self.closure.hides_objects = true;
            return;
        }
        let help = if never {
            "copy it into the repository"
        } else if reference.needs_git() {
            "copy it into the repository: it needs git, which the action's image does not have"
        } else {
            "copy it into the repository, or set `allow-remote` (the action's image has no git: only single files over https can be fetched)"
        };
        let text = text!("`{}` in `{}` is remote", reference.target, reference.field);
        self.problems.push(Problem::error("remote-resource", text).at(place.clone()).help(help));
    }

    fn path(&mut self, origin: Origin<'_>, reference: &Reference, plugin_root: &Path, place: &Place) {
        let joined = joined(origin.directory, &reference.target);
        if self.patch.is_some() && self.patch == Some(spot(self.tree, &joined)) {
            return self.patch_references.push((place.clone(), reference.clone()));
        }
        let real = match self.confine(&joined) {
            Ok(real) => real,
            Err(reason) => return self.problems.push(refused(reference, place, reason)),
        };
        let kind = self.tree.kind(&real);
        let wants_directory = reference.kind == ReferenceKind::Component;
        let takes_directory =
            matches!(reference.kind, ReferenceKind::Resource | ReferenceKind::Plugin) || wants_directory;
        match kind {
            Some(FileKind::Directory) if takes_directory => {
                self.subdirectory(origin, reference, &real, plugin_root, place)
            }
            Some(FileKind::File) if !wants_directory => self.file(origin, reference, &real, plugin_root),
            Some(FileKind::TooLarge) => {
                let text = text!("`{}` in `{}` is too large for a build", reference.target, reference.field);
                self.problems.push(Problem::error("too-large", text).at(place.clone()));
            }
            _ => {
                let wanted = if wants_directory { "a directory" } else { "a regular file" };
                let text = text!("`{}` in `{}` is not {wanted}", reference.target, reference.field);
                self.problems.push(Problem::error("not-a-file", text).at(place.clone()));
            }
        }
    }

    fn subdirectory(
        &mut self,
        origin: Origin<'_>,
        reference: &Reference,
        real: &Path,
        plugin_root: &Path,
        place: &Place,
    ) {
        if self.stack.iter().any(|open| open.starts_with(real)) {
            let text =
                text!("`{}` in `{}` leads back to a directory that refers to it", reference.target, reference.field);
            return self.problems.push(Problem::error("kustomization-cycle", text).at(place.clone()));
        }
        if self.stack.len() >= MAX_DEPTH {
            let text =
                text!("`{}` in `{}` is nested deeper than {MAX_DEPTH} directories", reference.target, reference.field);
            return self.problems.push(Problem::error("kustomization-depth", text).at(place.clone()));
        }
        let plugins = origin.plugins || reference.kind == ReferenceKind::Plugin;
        self.directory(real, plugins.then_some(plugin_root));
    }

    fn file(&mut self, origin: Origin<'_>, reference: &Reference, real: &Path, plugin_root: &Path) {
        self.closure.files.push(real.to_owned());
        match &reference.kind {
            ReferenceKind::Plugin => self.plugin_file(real, plugin_root),
            ReferenceKind::Resource if origin.plugins => self.plugin_file(real, plugin_root),
            ReferenceKind::Resource => self.source(origin, reference, real, SourceRole::Resource),
            ReferenceKind::Patch { .. } => self.patch_source(origin, reference, real),
            ReferenceKind::GeneratorEnvironment(generated) => {
                self.source(origin, reference, real, SourceRole::Pairs(generated.clone()));
            }
            ReferenceKind::GeneratorFile => self.closure.hides_objects = true,
            ReferenceKind::Replacements => self.replacement_file(real),
            ReferenceKind::NameReferences => self.configuration_file(real),
            _ => {}
        }
    }

    pub(super) fn source(&mut self, origin: Origin<'_>, reference: &Reference, path: &Path, role: SourceRole) {
        let inline = matches!(reference.kind, ReferenceKind::InlinePatch | ReferenceKind::GeneratorLiteral(_))
            .then(|| (reference.target.clone(), reference.line));
        let file = if inline.is_some() { origin.file.to_owned() } else { self.shown(path) };
        let source = Source { path: path.to_owned(), file, inline, role };
        if !self.closure.sources.contains(&source) {
            self.closure.sources.push(source);
        }
    }

    /// The real path, if it lies in the checkout and outside of `.git`.
    fn confine(&self, path: &Path) -> Result<PathBuf, &'static str> {
        let real = self.tree.real_path(path);
        let judged = real.clone().unwrap_or_else(|| spot(self.tree, path));
        let mut system = ["/proc", "/dev", "/sys"].iter().filter(|root| !self.checkout.starts_with(root));
        let system = system.any(|root| judged.starts_with(root) || path.starts_with(root));
        let Some(inner) = judged.strip_prefix(&self.checkout).ok().filter(|_| !system) else {
            return Err("lies outside of the checkout");
        };
        if inner.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git")) {
            return Err("lies in `.git`");
        }
        if self.private.iter().any(|private| judged.starts_with(private)) {
            return Err("is not for a build: it belongs to git, or holds credentials or values");
        }
        real.ok_or("does not exist")
    }

    pub(super) fn shown(&self, path: &Path) -> String {
        let shown = path.strip_prefix(&self.checkout).unwrap_or(path).display().to_string();
        if shown.is_empty() { ".".to_owned() } else { shown }
    }
}

fn refused(reference: &Reference, place: &Place, reason: &str) -> Problem {
    let kind = match reason {
        "does not exist" => "missing-file",
        _ => "outside-checkout",
    };
    Problem::error(kind, text!("`{}` in `{}` {reason}", reference.target, reference.field)).at(place.clone())
}
