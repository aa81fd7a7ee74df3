//! What the overlay refers to, what it builds, and whether template and base agree.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::Run;
use super::checkout::Checkout;
use super::plans::Plan;
use crate::build::{self, Base, Closure, Scope};
use crate::check::{self, Sides};
use crate::error::{Place, Problem, text};
use crate::files::{Overlay, PatchFile};
use crate::inputs::Command;
use crate::kubectl::Kubectl;
use crate::template::{Filled, holds_placeholder};

/// What an overlay is made of, and how it may be built.
struct Build<'a> {
    plan: &'a Plan,
    directory: &'a Path,
    filled: &'a Filled,
    closure: Closure,
    base: Base,
}

impl<O: Write, E: Write> Run<O, E> {
    /// What builds without a cluster; a notice where there is no kubectl.
    pub(super) fn builder_if_there(&self, found: &mut Vec<Problem>) -> Option<Kubectl> {
        match self.kubectl() {
            Ok(program) => Some(self.builder(program)),
            Err(problem) => {
                let text = text!("{}: what the overlays build is not checked", problem.message);
                found.push(Problem { help: problem.help, ..Problem::notice(problem.kind, text) });
                None
            }
        }
    }

    /// Findings about the overlay, or about the template where it is the build itself, and what the base holds.
    pub(super) async fn check_overlay(
        &mut self,
        checkout: &Checkout,
        plan: &Plan,
        filled: &Filled,
        patch_file: Option<&PatchFile>,
        kubectl: Option<&Kubectl>,
    ) -> (Vec<Problem>, Base) {
        let Overlay::Directory(directory) = &plan.layout.overlay else {
            return (self.check_template_as_build(plan, filled), Base::default());
        };
        let (closure, base, mut problems) = self.check_closure(checkout, plan, directory, filled);
        let walked = !problems.iter().any(Problem::is_error);
        let fetches = !closure.remote.is_empty() && !self.inputs.allow_remote;
        let build = Build { plan, directory, filled, closure, base };
        problems.extend(match (kubectl, patch_file) {
            (Some(kubectl), Some(patch_file)) if walked && !fetches => {
                self.check_build(&build, patch_file, kubectl).await
            }
            _ => build.by_files(walked),
        });
        problems.extend(build.sides().new_keys());
        (problems, build.base)
    }

    /// `overlay: none`: the filled template is what would be applied, unless it is rendered for something else.
    fn check_template_as_build(&self, plan: &Plan, filled: &Filled) -> Vec<Problem> {
        let renders = !plan.calls.is_empty() && plan.calls.iter().all(|call| call.inputs.command == Command::Render);
        if renders {
            return Vec::new();
        }
        match self.template_as_build(&plan.layout, filled) {
            Ok(build) => checked(build, plan, filled, &Base::default()),
            Err(failure) => failure.problems,
        }
    }

    fn check_closure(
        &self,
        checkout: &Checkout,
        plan: &Plan,
        overlay: &Path,
        filled: &Filled,
    ) -> (Closure, Base, Vec<Problem>) {
        let patch = plan.layout.output.as_deref().map(|path| self.absolute(path));
        let scope = Scope {
            checkout: &checkout.toplevel,
            private: &checkout.private,
            patch: patch.as_deref(),
            patch_documents: filled.objects.len(),
            allow_remote: plan.inputs.allow_remote,
        };
        let (closure, mut problems) = build::survey(&self.absolute(overlay), &self.machine, scope);
        let rules = plan.rules();
        let (base, notices) = build::collect(&closure, &self.machine, &|text| holds_placeholder(text, &rules));
        problems.extend(notices);
        problems.extend(closure.remote.iter().filter(|remote| remote.needs_git).map(|remote| {
            let text = text!("`{}` needs git, which the action's image does not have", remote.target);
            Problem::warning("remote-needs-git", text).at(remote.place.clone()).help("copy it into the repository")
        }));
        let allowed = plan.inputs.nonsensitive.iter().cloned().collect();
        problems.extend(check::literals(&closure, &allowed, &|path| self.committed_text(checkout, path)));
        problems.extend(closure.files.iter().filter_map(|path| {
            let shown = self.in_workspace(&path.display().to_string());
            check::private_key(&shown, &self.committed_text(checkout, path)?)
        }));
        (closure, base, problems)
    }

    async fn check_build(&mut self, build: &Build<'_>, patch_file: &PatchFile, kubectl: &Kubectl) -> Vec<Problem> {
        let Build { plan, directory, filled, closure, base } = build;
        let copies = closure.copies_values(&self.machine);
        let patch = if copies { &filled.text } else { &filled.for_build.text };
        let lent = match patch_file.lend(patch.expose().as_bytes()) {
            Ok(lent) => lent,
            Err(problem) => {
                let text = text!("what the overlay builds is not checked: {}", problem.message);
                let mut problems = build.by_files(true);
                problems.push(at_overlay(Problem::notice(problem.kind, text), closure, &plan.layout.templates));
                return problems;
            }
        };
        let printed = kubectl.kustomize(&self.absolute(directory), self.fence(&closure.files, patch_file)).await;
        let mut problems: Vec<Problem> = lent.put_back().err().into_iter().collect();
        match printed {
            Ok((printed, warnings)) => {
                problems.extend(warnings);
                problems.extend(match build::parse(&String::from_utf8_lossy(printed.expose())) {
                    Ok(mut parsed) => {
                        if !copies {
                            parsed.put_in(&filled.for_build.stand_ins);
                        }
                        checked(parsed, plan, filled, base)
                    }
                    Err(found) => found,
                });
            }
            Err(problem) => {
                // kustomize does not say where the fault lies: what the files tell takes the place of its words.
                let known = build.by_files(true);
                let is_known = known.iter().any(|problem| problem.kind == "object-missing");
                problems.extend(if is_known { known } else { self.explained(&plan.layout, closure, problem) });
            }
        }
        problems.into_iter().map(|problem| at_overlay(problem, closure, &plan.layout.templates)).collect()
    }
}

impl Build<'_> {
    fn sides(&self) -> Sides<'_> {
        Sides { template: &self.filled.objects, base: &self.base, closure: &self.closure }
    }

    /// What the files tell without a build; `walked`: all of them could be read.
    fn by_files(&self, walked: bool) -> Vec<Problem> {
        let mut problems = if walked { self.sides().missing_objects() } else { Vec::new() };
        problems.extend(self.sides().unfilled());
        problems
    }
}

fn checked(build: build::Build, plan: &Plan, filled: &Filled, base: &Base) -> Vec<Problem> {
    let (result, mut problems) = build::check(build, &filled.objects, &filled.operations, base, &plan.inputs.kinds);
    problems.extend(result.err().unwrap_or_default());
    problems
}

/// What kustomize or its output is blamed for stands where the patch is used, if nowhere else.
fn at_overlay(problem: Problem, closure: &Closure, templates: &[PathBuf]) -> Problem {
    let place = match (&problem.place, &closure.patch, templates.first()) {
        (Some(_), ..) | (None, None, None) => return problem,
        (None, Some((place, _)), _) => place.clone(),
        (None, None, Some(template)) => Place::new(template.display().to_string(), 1, 1),
    };
    problem.at(place)
}
