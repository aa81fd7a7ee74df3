//! Everything an overlay's build would read, walked before kustomize runs, so that nothing outside the checkout gets in.
//!
//! With the load restrictor off (which the layout needs) kustomize opens any path a kustomization names, `/proc` included.

use std::path::{Component, Path, PathBuf};

use crate::error::{Place, Problem, text};

use super::kustomization::{Generated, ReferenceKind};
use super::walker::Walker;

/// What lies at a path, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A regular file that is larger than anything that a build could need.
    TooLarge,
    /// A directory.
    Directory,
    /// A device, pipe or socket.
    Other,
}

/// The files of the checkout, reached by absolute paths.
pub trait Tree {
    /// The text of a file; `name` is what to call it in a problem.
    ///
    /// # Errors
    /// A finding that names the file if it cannot be read or is not UTF-8.
    fn read(&self, path: &Path, name: &str) -> Result<String, Problem>;
    /// What lies there, links followed; `None` if nothing does.
    fn kind(&self, path: &Path) -> Option<FileKind>;
    /// The absolute path with every link resolved; `None` if nothing lies there.
    fn real_path(&self, path: &Path) -> Option<PathBuf>;
}

/// What a walk may touch and must find.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Root of the checkout, absolute: nothing outside it is read.
    pub checkout: &'a Path,
    /// Files and directories in it, absolute, that are not for a build: git's own, the kubeconfig, the env file.
    pub private: &'a [PathBuf],
    /// The secret patch, absolute, which the closure must refer to exactly once; it need not exist yet.
    pub patch: Option<&'a Path>,
    /// Number of documents in the secret patch: more than one cannot go with a `target:`.
    pub patch_documents: usize,
    /// Whether resources may be fetched.
    pub allow_remote: bool,
}

/// A file or text of the closure that may hold placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it lies; for inline content the kustomization.
    pub path: PathBuf,
    /// The same as shown to users: relative to the checkout.
    pub file: String,
    /// Its content if it stands in the kustomization itself, with the line where it starts.
    pub inline: Option<(String, usize)>,
    /// What it is used for.
    pub role: SourceRole,
}

/// How a [`Source`] gets into the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceRole {
    /// As objects.
    Resource,
    /// As patches of objects.
    Patch,
    /// As `KEY=value` of a generated object.
    Pairs(Generated),
}

/// All that a build of the overlay reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// Files and inline texts that become part of the build, in the order in which kustomize reaches them; without the secret patch.
    pub sources: Vec<Source>,
    /// Every kustomization file, the overlay's own first.
    pub kustomizations: Vec<PathBuf>,
    /// Every file there is, sources and kustomizations included, links resolved.
    pub files: Vec<PathBuf>,
    /// Where the secret patch is referred to, and whether with a `target:`.
    pub patch: Option<(Place, ReferenceKind)>,
    /// What is fetched, where that is allowed.
    pub remote: Vec<Remote>,
    /// Objects get in that no source shows: remote ones, and those generated from whole files.
    pub hides_objects: bool,
    /// A kustomization gives objects a prefix or suffix.
    pub renames: bool,
    /// Where objects of a namespaced kind get to.
    pub destination: Destination,
}

/// The namespace that a build gives to its objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Destination {
    /// That in which each is written.
    #[default]
    AsWritten,
    /// The one of the overlay, for all.
    Namespace(String),
    /// Kustomizations beneath the overlay have some.
    Unclear,
}

impl Destination {
    /// Takes in the `namespace` of a kustomization; the overlay's comes first.
    pub(super) fn set(&mut self, namespace: Option<&str>, by_overlay: bool) {
        match namespace {
            Some(namespace) if by_overlay => *self = Self::Namespace(namespace.to_owned()),
            Some(_) if *self == Self::AsWritten => *self = Self::Unclear,
            _ => {}
        }
    }
}

/// Something that kustomize fetches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Where it is referred to.
    pub place: Place,
    /// The reference.
    pub target: String,
    /// Whether kustomize runs git for it.
    pub needs_git: bool,
}

/// Walks everything that a build of `overlay` (an absolute directory) would read.
///
/// # Errors
/// Every reference that is missing, leaves the checkout, enters `.git`, fetches, or runs a program, each with its line; and a
/// secret patch that is not referred to exactly once.
pub fn walk(overlay: &Path, tree: &impl Tree, scope: Scope<'_>) -> Result<Closure, Vec<Problem>> {
    let (closure, problems) = survey(overlay, tree, scope);
    if problems.is_empty() { Ok(closure) } else { Err(problems) }
}

/// As [`walk`], with all that could be reached in spite of the findings: nothing may be built if there are any.
pub fn survey(overlay: &Path, tree: &impl Tree, scope: Scope<'_>) -> (Closure, Vec<Problem>) {
    let mut walker = Walker::new(tree, scope);
    walker.overlay(overlay);
    walker.finish(overlay)
}

/// Where kustomize looks for `target` named in `directory`: a relative path is cleaned by name, an absolute one is left to the
/// system, which follows a link before the `..` behind it.
pub(super) fn joined(directory: &Path, target: &str) -> PathBuf {
    let target = Path::new(target);
    if target.is_absolute() { target.to_owned() } else { normalise(&directory.join(target)) }
}

/// The path without `.` and `..`, as kustomize's own joining leaves it: by name, before links are followed.
pub(super) fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// Where a path that may not exist yet would lie: its directory's links resolved.
pub(super) fn spot(tree: &impl Tree, path: &Path) -> PathBuf {
    match (path.parent().and_then(|parent| tree.real_path(parent)), path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

impl Closure {
    /// Whether a kustomization may take values apart or copy them elsewhere: then kustomize must see the values themselves.
    pub fn copies_values(&self, tree: &impl Tree) -> bool {
        let fields = ["replacements", "vars", "transformers"];
        self.kustomizations.iter().filter_map(|path| tree.read(path, "").ok()).any(|text| {
            let text = text.to_ascii_lowercase();
            fields.iter().any(|field| text.contains(field))
        })
    }
}

impl<T: Tree> Walker<'_, T> {
    fn finish(mut self, overlay: &Path) -> (Closure, Vec<Problem>) {
        if let Some(patch) = self.patch.clone()
            && !self.closure.kustomizations.is_empty()
        {
            self.judge_patch(&patch, overlay);
        }
        self.judge_variables();
        (self.closure, self.problems)
    }

    fn judge_patch(&mut self, patch: &Path, overlay: &Path) {
        let shown = self.shown(patch);
        let mut references = std::mem::take(&mut self.patch_references).into_iter();
        let Some((place, reference)) = references.next() else {
            return self.problems.push(self.unreferenced(patch, overlay));
        };
        for (again, _) in references {
            let text = text!("`{shown}` is already used in `{}:{}`", place.file, place.line);
            self.problems.push(Problem::error("patch-twice", text).at(again).help("remove one of the two"));
        }
        match reference.kind {
            ReferenceKind::Patch { targeted: true } if self.scope.patch_documents > 1 => self.problems.push(
                Problem::error(
                    "patch-target",
                    text!(
                        "`{shown}` has {} documents, which kustomize refuses together with `target`",
                        self.scope.patch_documents
                    ),
                )
                .at(place.clone())
                .help("remove `target:`; each document names the object it patches"),
            ),
            ReferenceKind::Patch { .. } | ReferenceKind::Resource => {}
            _ => self.problems.push(
                Problem::error(
                    "patch-misused",
                    text!("`{}` uses `{shown}` as something else than a patch", reference.field),
                )
                .at(place.clone())
                .help("name it under `patches:` as `- path:`"),
            ),
        }
        self.closure.patch = Some((place, reference.kind));
    }

    fn unreferenced(&self, patch: &Path, overlay: &Path) -> Problem {
        let file = self.closure.kustomizations.first().map(|path| self.shown(path)).unwrap_or_default();
        let overlay = self.tree.real_path(overlay).unwrap_or_else(|| normalise(overlay));
        let path = relative(&overlay, patch);
        let shown = self.shown(patch);
        let text = text!("the overlay does not use `{shown}`: a deploy would send the base's placeholders");
        Problem::error("patch-not-referenced", text)
            .at(Place::new(&file, 1, 1))
            .help(text!("add to `{file}`:\npatches:\n- path: {path}"))
    }
}

/// `../../../config/x.yml`, from one directory to a file.
fn relative(from: &Path, to: &Path) -> String {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| "..".to_owned());
    let down = to.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}
