//! `apply`: render, build, check, compare, write, read back, wait.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::left_over::{Ground, needs_of_pruning};
use super::{Done, Run, Step};
use crate::build;
use crate::changes;
use crate::error::{Failure, Problem, Stage, text};
use crate::files::{Layout, Overlay, PatchFile};
use crate::inputs::Rollout;
use crate::object::{Object, ObjectId};
use crate::patch::PatchObject;
use crate::report::{KeyReport, ObjectReport, Progress, Shown, ValueReport};
use crate::secret::Secret;
use crate::template::{Filled, StandIns};
use crate::values::Values;

impl<O: Write, E: Write> Run<O, E> {
    pub(super) async fn apply(&mut self) -> Done {
        self.enter(Stage::Inputs);
        let layout = self.layout()?;
        self.refuse_foreign_trees(&layout)?;
        let patch_file = self.patch_file_for(&layout)?;
        let set = self.set(&layout)?;
        let kubectl = self.cluster()?;

        self.enter(Stage::Values);
        let template = self.template(&layout).await?;
        let values = self.values(&template).await?;

        self.enter(Stage::Render);
        let filled = self.fill(&template, &values, StandIns::Make)?;
        self.refuse_defaults(&filled)?;

        let checked = self.built(&layout, patch_file.as_ref(), &filled, &kubectl).await?;
        drop(patch_file);
        let objects = checked.into_objects().into_iter().map(changes::clean);
        let wanted: Vec<Object> = objects.map(|object| set.mark(object)).collect();
        self.hide_hashes(&wanted);

        self.enter(Stage::Compare);
        let ground = Ground::of(&self.inputs, wanted.iter(), &kubectl.namespace);
        let marked = kubectl.marked(&set, &ground.holders, &ground.namespaces);
        let (marked, plan) = tokio::join!(marked, self.compare(&kubectl, wanted, &set));
        let mut plan = plan?;
        self.outcome.objects = plan.iter().map(|step| report(step, &filled, &values)).collect();
        let left = self.left_over(&kubectl, &set, &plan, marked).await?;
        let restarts = self.plan_restarts(&kubectl, &mut plan).await?;
        let mut needs = self.needs_beyond_trial(&kubectl, &plan).await;
        needs.extend(needs_of_pruning(&left));
        needs.extend(self.needs_of_restarts(&restarts));
        self.ask_rights(&kubectl, needs).await?;
        if self.inputs.dry_run {
            return Ok(());
        }
        self.confirm(&plan, left.len()).await?;

        self.enter(Stage::Apply);
        self.write(&kubectl, &mut plan).await?;

        self.enter(Stage::Verify);
        let written = self.read_back(&kubectl, &plan).await?;
        if self.inputs.rollout != Rollout::Skip {
            self.enter(Stage::Rollout);
            self.roll_out(&kubectl, &plan, &restarts, &written).await?;
        }

        if !left.is_empty() {
            self.enter(Stage::Prune);
            self.prune(&kubectl, &set, &plan, &left).await?;
        }
        Ok(())
    }

    /// What the server and kubectl say may name a generated object, whose name ends in a hash of its values: weak ones could be guessed.
    fn hide_hashes(&mut self, objects: &[Object]) {
        let hashes = objects.iter().filter_map(|object| build::content_hash(object.kind(), object.name()));
        hashes.for_each(|hash| self.masker.add(&Secret::new(hash)));
    }

    /// Only an overlay needs the patch at its path.
    fn patch_file_for(&mut self, layout: &Layout) -> Result<Option<PatchFile>, Failure> {
        match layout.overlay {
            Overlay::Directory(_) => self.patch_file(layout).map(Some),
            Overlay::None => Ok(None),
        }
    }

    /// A renamed GitHub secret arrives empty, and its default would replace the good value in the cluster.
    fn refuse_defaults(&mut self, filled: &Filled) -> Done {
        let allowed: BTreeSet<&String> = self.inputs.allow_default.iter().collect();
        let problems: Vec<Problem> = filled
            .defaults_in_secrets
            .iter()
            .filter(|asked| !allowed.contains(&asked.name))
            .map(|asked| {
                let name = &asked.name;
                Problem::error(
                    "default-in-secret",
                    text!("`{name}` is not set, and its default would go into a Secret"),
                )
                .at(asked.place.clone())
                .help(text!("set `{name}`, or allow the default: `allow-default: {name}`"))
            })
            .collect();
        self.settle(Stage::Render, problems)
    }
}

fn report(step: &Step, filled: &Filled, values: &Values) -> ObjectReport {
    let sources = sources(&step.change.id, filled, values);
    let keys = step.change.keys.iter().map(|key| KeyReport {
        key: key.key.clone(),
        change: key.change,
        values: sources.get(key.key.as_str()).cloned().unwrap_or_default(),
        shown: Shown::default(),
        moved: None,
    });
    ObjectReport {
        id: build::without_content_hash(&step.change.id),
        change: step.change.change,
        progress: Progress::Planned,
        keys: keys.collect(),
        conflicts: Vec::new(),
    }
}

/// The placeholders behind each key of an object, whose name in the build may have gained a prefix, a suffix and a hash.
fn sources<'a>(id: &ObjectId, filled: &'a Filled, values: &Values) -> BTreeMap<&'a str, Vec<ValueReport>> {
    let same = |object: &&PatchObject| {
        object.id.kind == id.kind && object.id.group == id.group && id.name.contains(&object.id.name)
    };
    let object = filled.objects.iter().filter(same).max_by_key(|object| object.id.name.len());
    // A JSON6902 patch names no object.
    let entries = object.map_or(&filled.operations, |object| &object.entries);
    let entries = entries.iter().filter_map(|entry| Some((entry.data_key()?.1, entry)));
    entries
        .map(|(key, entry)| (key, entry.names.iter().map(|name| super::prepare::value_report(name, values)).collect()))
        .collect()
}
