//! The build: what the overlay refers to is walked, kustomize builds with stand-ins, and the result is checked against the patch.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use serde_json::json;

use super::Run;
use super::foresee::left_over::Ground;
use crate::build::{self, Base, Build, CheckedBuild, Closure, Destination, Read, Scope, SourceRole, Tree as _};
use crate::error::{Failure, Place, Problem, Stage, text};
use crate::files::{Layout, Overlay, PatchFile, git};
use crate::inputs::Mode;
use crate::kubectl::{Fence, Kubectl};
use crate::object::Object;
use crate::patch::PatchObject;
use crate::template::{Filled, holds_placeholder};

/// The objects that would be sent, and what their literals are.
pub(super) struct Built {
    pub(super) checked: CheckedBuild,
    pub(super) literals: Literals,
}

/// What a text of the build is that no placeholder fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literals {
    /// Text of the repository, which everybody may read who reads the report.
    Public,
    /// Perhaps a value that an earlier step wrote into a file, or that kustomize copied.
    Unproven,
}

impl<O: Write, E: Write> Run<O, E> {
    /// The objects that would be sent. kubectl and the server tell their versions meanwhile.
    pub(super) async fn built(
        &mut self,
        layout: &Layout,
        patch_file: Option<&PatchFile>,
        filled: &Filled,
        kubectl: &Kubectl,
    ) -> Result<Built, Failure> {
        let (build, base, literals) = match (&layout.overlay, patch_file) {
            (Overlay::Directory(overlay), Some(patch_file)) => {
                self.kustomized(layout, overlay, patch_file, filled, kubectl).await?
            }
            _ => {
                self.enter(Stage::Build);
                let build = self.template_as_build(layout, filled)?;
                if self.outcome.target.is_some() {
                    self.survey_ahead(kubectl, build.objects());
                    self.greet(kubectl.version().await)?;
                }
                (build, Base::default(), self.literals(layout, None))
            }
        };
        self.enter(Stage::Check);
        let (checked, notices) = build::check(build, &filled.objects, &filled.operations, &base, &self.inputs.kinds);
        self.note(notices);
        let template = layout.templates.first().map(|path| path.display().to_string());
        let at_template = |problem: Problem| match &template {
            Some(template) if problem.kind == "patch-empty" && problem.place.is_none() => {
                problem.at(Place::new(template, 1, 1))
            }
            _ => problem,
        };
        let checked =
            checked.map_err(|problems| Failure::new(Stage::Check, problems.into_iter().map(at_template).collect()))?;
        Ok(Built { checked, literals })
    }

    /// Whether what is no value in the build is text of the repository: every file of it lies there as git has it, and kustomize
    /// was not given values to copy elsewhere.
    fn literals(&self, layout: &Layout, closure: Option<&Closure>) -> Literals {
        let copies = closure.is_some_and(|closure| closure.copies_values(&self.machine));
        let templates = layout.templates.iter().map(|path| self.absolute(path));
        let files = templates.chain(closure.into_iter().flat_map(|closure| closure.files.iter().cloned()));
        let files: Option<Vec<PathBuf>> = files.map(|file| self.machine.real_path(&file)).collect();
        let Some(files) = files.filter(|_| !copies && !self.inputs.allow_remote) else { return Literals::Unproven };
        let repository = files.first().map(|file| git::Repository::find(file));
        match repository {
            Some(Ok(Some(repository))) if repository.holds_as_they_are(&files) => Literals::Public,
            _ => Literals::Unproven,
        }
    }

    /// `overlay: none`.
    pub(super) fn template_as_build(&self, layout: &Layout, filled: &Filled) -> Result<Build, Failure> {
        let failure = |problems| Failure::new(Stage::Build, problems);
        let incomplete = |place: &Place| {
            Problem::error(
                "object-incomplete",
                "this document is no object: it lacks `apiVersion`, `kind` or `metadata.name`",
            )
            .at(place.clone())
            .help("give it these fields, or leave its file out of `template`")
        };
        let incomplete: Vec<Problem> = filled.incomplete.iter().map(incomplete).collect();
        if !incomplete.is_empty() {
            return Err(failure(incomplete));
        }
        if filled.objects.is_empty() {
            let template = layout.templates.first().map(|path| path.display().to_string()).unwrap_or_default();
            let problem = Problem::error("patch-empty", "the template holds no object").at(Place::new(template, 1, 1));
            return Err(failure(vec![problem.help("write the objects to apply into it")]));
        }
        let text = filled.text.expose();
        let parsed = build::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(failure)?;
        Build::from_objects(parsed.objects().to_vec()).map_err(failure)
    }

    async fn kustomized(
        &mut self,
        layout: &Layout,
        overlay: &Path,
        patch_file: &PatchFile,
        filled: &Filled,
        kubectl: &Kubectl,
    ) -> Result<(Build, Base, Literals), Failure> {
        self.enter(Stage::Build);
        let failure = |problems| Failure::new(Stage::Build, problems);
        build::check_filled(&filled.objects).map_err(failure)?;
        let closure = self.closure(overlay, patch_file, filled)?;
        let base = self.base(&closure)?;
        let copies = closure.copies_values(&self.machine);
        let patch = if copies { &filled.text } else { &filled.for_build.text };
        let lent = patch_file.lend(patch.expose().as_bytes()).map_err(|problem| failure(vec![problem]))?;
        let overlay = self.absolute(overlay);
        let fence = self.fence(&closure.files, patch_file);
        let cluster = async {
            self.outcome.target.as_ref()?;
            self.survey_ahead(kubectl, &likely(&closure, filled));
            kubectl.version_ahead();
            Some(kubectl.version().await)
        };
        // In this order: the build takes longest, and most.
        let (printed, versions) = tokio::join!(biased; kubectl.kustomize(&overlay, fence), cluster);
        lent.put_back().map_err(|problem| failure(vec![problem]))?;
        if let Some(versions) = versions {
            self.greet(versions)?;
        }
        let (printed, warnings) = printed.map_err(|problem| failure(self.explained(layout, &closure, problem)))?;
        self.note(warnings);
        let text = std::str::from_utf8(printed.expose()).map_err(|_| {
            failure(vec![Problem::error("build-not-utf8", "`kubectl kustomize` printed text that is not UTF-8")])
        })?;
        let mut build = build::parse(text).map_err(failure)?;
        if copies {
            build.had_values();
        } else {
            build.put_in(&filled.for_build.stand_ins);
        }
        Ok((build, base, self.literals(layout, Some(&closure))))
    }

    /// Begins to ask the cluster for what will most likely be compared with it.
    fn survey_ahead(&self, kubectl: &Kubectl, likely: &[Object]) {
        let Some(set) = &self.set else { return };
        let likely: Vec<Object> = likely.iter().filter(|object| self.inputs.wants(object.kind())).cloned().collect();
        let ground = Ground::of(&self.inputs, likely.iter(), &kubectl.namespace);
        kubectl.survey_ahead(&likely, ground.sought(set));
    }

    /// What the build may open: what the walk has seen, and the patch that lies there now.
    pub(super) fn fence(&self, files: &[PathBuf], patch_file: &PatchFile) -> Fence {
        let patch = self.machine.real_path(&self.absolute(Path::new(patch_file.path())));
        Fence { files: files.iter().cloned().chain(patch).collect(), network: self.inputs.allow_remote }
    }

    /// kustomize seldom says where a file is at fault: what is known better takes the place of its words.
    pub(super) fn explained(&self, layout: &Layout, closure: &Closure, problem: Problem) -> Vec<Problem> {
        let read = |path: &Path, file: String| {
            let text = self.machine.read(&self.absolute(path), "").ok()?;
            Some(Read { file, line: 1, text })
        };
        let templates = layout.templates.iter().filter_map(|path| read(path, path.display().to_string()));
        let mut patches: Vec<Read> = templates.collect();
        let slips: Vec<Problem> =
            patches.iter().flat_map(|template| build::template_slips(&template.file, &template.text)).collect();
        if !slips.is_empty() {
            return slips;
        }
        let of_patches = closure.sources.iter().filter(|source| source.role == SourceRole::Patch);
        patches.extend(of_patches.filter_map(|source| match &source.inline {
            Some((text, line)) => Some(Read { file: source.file.clone(), line: *line, text: text.clone() }),
            None => read(&source.path, source.file.clone()),
        }));
        let shown = |path: &Path| self.in_workspace(&path.display().to_string());
        let kustomizations: Vec<Read> =
            closure.kustomizations.iter().filter_map(|path| read(path, shown(path))).collect();
        vec![build::explain(problem, &kustomizations, &patches)]
    }

    fn closure(&self, overlay: &Path, patch_file: &PatchFile, filled: &Filled) -> Result<Closure, Failure> {
        let failure = |problems| Failure::new(Stage::Build, problems);
        let overlay = self.absolute(overlay);
        let mut private = self.private_files.clone();
        let checkout = match git::Repository::find(&overlay) {
            Ok(Some(repository)) => {
                private.extend(repository.directories().map(Path::to_owned));
                repository.toplevel().to_owned()
            }
            Ok(None) => self.checkout_without_git(&overlay),
            Err(problem) => return Err(failure(vec![problem])),
        };
        let patch = self.absolute(Path::new(patch_file.path()));
        let scope = Scope {
            checkout: &checkout,
            private: &private,
            patch: Some(&patch),
            patch_documents: filled.objects.len(),
            allow_remote: self.inputs.allow_remote,
        };
        let closure = build::walk(&overlay, &self.machine, scope).map_err(failure)?;
        self.refuse_foreign_files(&closure)?;
        Ok(closure)
    }

    /// What the sources hold: read before anything is built of them.
    fn base(&mut self, closure: &Closure) -> Result<Base, Failure> {
        let rules = self.fill_rules();
        let (base, notices) = build::collect(closure, &self.machine, &|text| holds_placeholder(text, &rules));
        self.settle(Stage::Build, notices)?;
        Ok(base)
    }

    /// What stands for the checkout where git has none: the base, the workspace, or where the program runs.
    fn checkout_without_git(&self, path: &Path) -> PathBuf {
        let base = self.inputs.base.as_deref().map(|base| self.absolute(base)).filter(|base| path.starts_with(base));
        base.or(self.context.workspace.clone()).unwrap_or_else(|| self.machine.working_directory.clone())
    }

    /// The first answer of the cluster.
    fn greet(&mut self, versions: Result<crate::kubectl::Versions, Problem>) -> Result<(), Failure> {
        let versions = versions.map_err(|problem| Failure::new(Stage::Build, vec![problem]))?;
        let target = self.outcome.target.as_ref();
        let (context, server) = target.map_or(("", ""), |target| (&target.context, &target.server));
        let text = text!(
            "context {context} at {server}, Kubernetes {}, kubectl {}",
            versions.server.name,
            versions.client.name
        );
        self.say(text);
        let skew = versions.skew().map(|skew| match self.context.mode {
            Mode::CommandLine => skew,
            Mode::Action => skew.help(text!(
                "the action has one kubectl: take the `setup` action with `kubectl: false` and the program, in a `run:` step of a runner with kubectl {}.{} (docs/workflows.md)",
                versions.server.major,
                versions.server.minor
            )),
        });
        self.settle(Stage::Build, skew.into_iter().collect())
    }

    /// `path` from the working directory on, without `.` and `..`.
    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        let mut absolute = PathBuf::new();
        for component in self.machine.working_directory.join(path).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => {
                    absolute.pop();
                }
                other => absolute.push(other),
            }
        }
        absolute
    }

    /// `path` relative to the workspace, or as the user gave it where that is impossible.
    pub(super) fn in_workspace(&self, path: &str) -> String {
        let absolute = self.absolute(Path::new(path));
        let workspace = self.context.workspace.as_deref().unwrap_or(&self.machine.working_directory);
        absolute.strip_prefix(workspace).map_or_else(|_| path.to_owned(), |relative| relative.display().to_string())
    }
}

/// What becomes of the template's Secrets and ConfigMaps if the overlay does no more than give them a namespace; none where even
/// that is not sure, or so long in the making that an early answer would be old.
fn likely(closure: &Closure, filled: &Filled) -> Vec<Object> {
    let namespace = match &closure.destination {
        _ if !closure.remote.is_empty() => return Vec::new(),
        Destination::Unclear => return Vec::new(),
        Destination::AsWritten => None,
        Destination::Namespace(namespace) => Some(namespace),
    };
    let bare = |patch: &PatchObject| {
        let metadata = json!({"name": patch.id.name, "namespace": namespace.or(patch.id.namespace.as_ref())});
        Object::parse(json!({"apiVersion": "v1", "kind": patch.id.kind, "metadata": metadata})).ok()
    };
    filled.objects.iter().filter(|patch| patch.holds_data()).filter_map(bare).collect()
}
