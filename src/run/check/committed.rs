//! The tracked files that may hold secrets.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::Run;
use super::checkout::Checkout;
use super::plans::Plan;
use crate::build::Tree as _;
use crate::check;
use crate::error::{Place, Problem, text};
use crate::files;

impl<O: Write, E: Write> Run<O, E> {
    /// Secrets in what git tracks: manifests beneath the roots, and dotenv files and kubeconfigs anywhere.
    pub(super) fn committed(&self, checkout: &Checkout, plans: &[Plan]) -> Vec<Problem> {
        let Some(tracked) = &checkout.tracked else { return Vec::new() };
        let judged = || plans.iter().filter(|plan| plan.judged);
        let allowed: BTreeSet<String> = judged().flat_map(|plan| plan.inputs.nonsensitive.clone()).collect();
        let roots: BTreeSet<PathBuf> = judged().filter_map(|plan| plan.root.clone()).collect();
        let templates: BTreeSet<PathBuf> =
            judged().flat_map(|plan| &plan.layout.templates).map(|path| self.absolute(path)).collect();
        let patches: BTreeSet<PathBuf> =
            judged().filter_map(|plan| plan.layout.output.as_ref()).map(|path| self.absolute(path)).collect();
        let mut problems = Vec::new();
        for file in tracked {
            let path = checkout.toplevel.join(file);
            let is_ours = roots.iter().chain(&templates).any(|root| path.starts_with(root));
            if patches.contains(&path) {
                continue;
            }
            if is_ours && file.ends_with(files::PATCH_SUFFIX) {
                problems.push(patch(file));
            } else {
                problems.extend(finding(file, &path, is_ours, &allowed));
            }
        }
        problems
    }

    /// The text of the file at `path`, links resolved, unless git does not track it: then nobody else knows it.
    pub(super) fn committed_text(&self, checkout: &Checkout, path: &Path) -> Option<String> {
        let toplevel = self.machine.real_path(&checkout.toplevel)?;
        let file = path.strip_prefix(toplevel).ok()?.to_str()?.to_owned();
        let is_tracked = checkout.tracked.as_ref().is_none_or(|tracked| tracked.binary_search(&file).is_ok());
        if is_tracked { self.machine.read(path, &file).ok() } else { None }
    }
}

fn finding(file: &str, path: &Path, is_ours: bool, allowed: &BTreeSet<String>) -> Vec<Problem> {
    let name = file.rsplit('/').next().unwrap_or_default();
    let is_manifest = [".yml", ".yaml", ".json"].iter().any(|ending| file.ends_with(ending));
    if check::is_dotenv(name) {
        files::read_unlinked(path).and_then(|text| check::dotenv(file, &text)).into_iter().collect()
    } else if is_ours && is_manifest {
        let Some(text) = files::read_unlinked(path) else { return Vec::new() };
        let mut problems = check::manifest(file, &text, allowed);
        problems.extend(check::kubeconfig(file, &text));
        problems
    } else if check::is_kubeconfig_name(file) {
        files::read_unlinked(path).and_then(|text| check::kubeconfig(file, &text)).into_iter().collect()
    } else {
        Vec::new()
    }
}

fn patch(file: &str) -> Problem {
    let help = text!("`git rm --cached {file}`; if it ever held values, they are in the history: change them");
    Problem::error("tracked", text!("git tracks `{file}`, a filled template")).at(Place::new(file, 1, 1)).help(help)
}
