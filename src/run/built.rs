//! The build: what the overlay refers to is walked, kustomize builds with stand-ins, and the result is checked against the patch.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use super::Run;
use crate::build::{self, Base, Build, CheckedBuild, Closure, Scope, Tree as _};
use crate::error::{Failure, Place, Problem, Stage, text};
use crate::files::{Layout, Overlay, PatchFile, git};
use crate::kubectl::{Fence, Kubectl};
use crate::template::{Filled, holds_placeholder};

impl<O: Write, E: Write> Run<O, E> {
    /// The objects that would be sent. kubectl and the server tell their versions meanwhile.
    pub(super) async fn built(
        &mut self,
        layout: &Layout,
        patch_file: Option<&PatchFile>,
        filled: &Filled,
        kubectl: &Kubectl,
    ) -> Result<CheckedBuild, Failure> {
        let (build, base) = match (&layout.overlay, patch_file) {
            (Overlay::Directory(overlay), Some(patch_file)) => {
                self.kustomized(layout, overlay, patch_file, filled, kubectl).await?
            }
            _ => {
                self.enter(Stage::Build);
                self.greet(kubectl.version().await)?;
                (self.template_as_build(layout, filled)?, Base::default())
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
        checked.map_err(|problems| Failure::new(Stage::Check, problems.into_iter().map(at_template).collect()))
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
    ) -> Result<(Build, Base), Failure> {
        self.enter(Stage::Build);
        let failure = |problems| Failure::new(Stage::Build, problems);
        let (closure, base) = self.closure(overlay, patch_file, filled)?;
        let copies = closure.copies_values(&self.machine);
        let patch = if copies { &filled.text } else { &filled.for_build.text };
        let lent = patch_file.lend(patch.expose().as_bytes()).map_err(|problem| failure(vec![problem]))?;
        let overlay = self.absolute(overlay);
        let fence = self.fence(&closure.files, patch_file);
        let (versions, printed) = tokio::join!(kubectl.version(), kubectl.kustomize(&overlay, fence));
        lent.put_back().map_err(|problem| failure(vec![problem]))?;
        self.greet(versions)?;
        let (printed, warnings) = printed.map_err(|problem| failure(self.explained(layout, problem)))?;
        self.note(warnings);
        let text = std::str::from_utf8(printed.expose()).map_err(|_| {
            failure(vec![Problem::error("build-not-utf8", "`kubectl kustomize` printed text that is not UTF-8")])
        })?;
        let mut build = build::parse(text).map_err(failure)?;
        if !copies {
            build.put_in(&filled.for_build.stand_ins);
        }
        Ok((build, base))
    }

    /// What the build may open: what the walk has seen, and the patch that lies there now.
    pub(super) fn fence(&self, files: &[PathBuf], patch_file: &PatchFile) -> Fence {
        let patch = self.machine.real_path(&self.absolute(Path::new(patch_file.path())));
        Fence { files: files.iter().cloned().chain(patch).collect(), network: self.inputs.allow_remote }
    }

    /// kustomize does not say where a patch is at fault: what is known better takes the place of its words.
    pub(super) fn explained(&self, layout: &Layout, problem: Problem) -> Vec<Problem> {
        let slips = layout.templates.iter().filter_map(|path| {
            let text = self.machine.read(&self.absolute(path)).ok()?;
            Some(build::template_slips(&path.display().to_string(), &text))
        });
        let slips: Vec<Problem> = slips.flatten().collect();
        if slips.is_empty() { vec![problem] } else { slips }
    }

    fn closure(&mut self, overlay: &Path, patch_file: &PatchFile, filled: &Filled) -> Result<(Closure, Base), Failure> {
        let failure = |problems| Failure::new(Stage::Build, problems);
        let overlay = self.absolute(overlay);
        let mut private = self.private_files.clone();
        let checkout = match git::Repository::find(&overlay) {
            Ok(Some(repository)) => {
                private.extend(repository.directories().map(Path::to_owned));
                repository.toplevel().to_owned()
            }
            Ok(None) => self.context.workspace.clone().unwrap_or_else(|| self.machine.working_directory.clone()),
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
        let rules = self.fill_rules();
        let (base, notices) = build::collect(&closure, &self.machine, &|text| holds_placeholder(text, &rules));
        self.settle(Stage::Build, notices)?;
        Ok((closure, base))
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
        self.settle(Stage::Build, versions.skew().into_iter().collect())
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
