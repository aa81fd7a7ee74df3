//! The manifests of a run, for git: of what may be applied, and of nothing else.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use super::super::Run;
use crate::error::{Problem, text};
use crate::eso::{self, Moved, Owner, Plan, SecretPlan, Sync};
use crate::files;
use crate::inputs::FileName;

/// Where the manifests go unless the inputs say otherwise.
const DIRECTORY: &str = "external-secrets";

impl<O: Write, E: Write> Run<O, E> {
    /// Writes a file for each ExternalSecret that takes nothing from its Secret when it is applied; their names, and what kept one
    /// from being written.
    pub(super) fn write_manifests(&mut self, plan: &Plan, moved: &[Moved]) -> (Vec<String>, Vec<Problem>) {
        let (mut written, mut of_refused, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        if self.inputs.dry_run {
            return (written, problems);
        }
        let is_twice = has_names_twice(plan);
        for one in moved {
            let path = self.manifest_path(&one.plan, is_twice);
            let (file, name) = (self.absolute(&path), path.display().to_string());
            if one.may_be_applied(self.inputs.eso.write_only) {
                let yaml = serde_yaml::to_string(&eso::real(plan, &one.plan)).unwrap_or_default();
                match files::write_text(&file, &yaml) {
                    Ok(_) => written.push(name),
                    Err(problem) => problems.push(problem),
                }
            } else if would_take_over(one) && files::read_text(&file).is_ok() {
                of_refused.push(name);
            }
        }
        if !of_refused.is_empty() {
            let text = text!("files of an earlier run, for Secrets that were refused: {}", of_refused.join(", "));
            let help = "do not apply them: the Secrets would get what Vault holds in place of their values";
            self.note([Problem::warning("manifest-of-refused", text).help(help)]);
        }
        (written, problems)
    }

    fn manifest_path(&self, secret: &SecretPlan, is_twice: bool) -> PathBuf {
        let directory = match &self.inputs.output {
            Some(FileName::Path(path)) => path.clone(),
            _ => PathBuf::from(DIRECTORY),
        };
        let name = format!("{}.yaml", secret.external_secret);
        // The same name in two namespaces is two files.
        if is_twice { directory.join(&secret.namespace).join(name) } else { directory.join(name) }
    }
}

fn has_names_twice(plan: &Plan) -> bool {
    let mut names = BTreeSet::new();
    plan.secrets.iter().any(|secret| !names.insert(&secret.external_secret))
}

/// Whether the manifest of a Secret that was refused would change who makes it.
fn would_take_over(one: &Moved) -> bool {
    !one.is_well() && one.sync == Sync::None && !matches!(one.before, Some(Owner::ExternalSecret(_)))
}
