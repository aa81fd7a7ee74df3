//! What left the build and is still of this set: looked for in every run, and told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use crate::build;
use crate::changes::{self, LeftOver, Moment, PodTemplates, Set, Spared};
use crate::error::{Failure, Problem, Stage, text};
use crate::inputs::Inputs;
use crate::kubectl::{Holder, Kubectl, Sought, TEMPLATE_HOLDERS};
use crate::object::{Object, ObjectId};
use crate::report::{Change, LeftOverReport, Progress, listed};
use crate::rights::{self, Need, Verb};
use crate::run::foresee::told::inherit_keys;
use crate::run::{Run, Step};
use crate::secret::Secret;

/// Where objects of the set may be that the build lacks.
#[derive(Debug, Clone)]
pub(in crate::run) struct Ground {
    /// The kinds that this run may prune.
    pub(in crate::run) holders: Vec<Holder>,
    /// The namespaces of the build. One that left it altogether is none: another run of the same set may deploy there, under a
    /// kubeconfig with that namespace.
    pub(in crate::run) namespaces: BTreeSet<String>,
}

/// An object to be deleted, with its place in the report.
#[derive(Debug, Clone)]
pub(in crate::run) struct Doomed {
    pub(in crate::run) at: usize,
    pub(in crate::run) left: LeftOver,
}

/// The ground, and what is known of it.
pub(in crate::run) struct Search<'a> {
    pub(in crate::run) kubectl: &'a Kubectl,
    set: &'a Set,
    ground: &'a Ground,
    plan: &'a [Step],
    wanted: Vec<&'a Object>,
}

impl Ground {
    pub(in crate::run) fn of<'a>(inputs: &Inputs, wanted: impl Iterator<Item = &'a Object>, of_context: &str) -> Self {
        let namespaces = wanted.filter_map(|object| rights::namespace_of(object, of_context)).map(str::to_owned);
        Self {
            holders: [Holder::Secret, Holder::ConfigMap]
                .into_iter()
                .filter(|holder| inputs.wants(holder.kind()))
                .collect(),
            namespaces: namespaces.collect(),
        }
    }

    /// Where the objects are that bear the mark of `set`.
    pub(in crate::run) fn sought<'a>(&'a self, set: &'a Set) -> Sought<'a> {
        Sought { set, holders: &self.holders, namespaces: &self.namespaces }
    }

    /// What pruning needs as long as nobody knows what there is to prune.
    pub(in crate::run) fn needs(&self) -> Vec<Need> {
        let of_namespace = |namespace: &String| {
            let need = |verb, group, resource| Need::new(verb, group, resource, Some(namespace));
            let templates = TEMPLATE_HOLDERS.iter().map(|&(group, resource)| need(Verb::List, group, resource));
            let holders = self
                .holders
                .iter()
                .flat_map(|holder| [Verb::List, Verb::Delete].map(|verb| need(verb, "", holder.resource())));
            templates.chain(holders).collect::<Vec<_>>()
        };
        self.namespaces.iter().flat_map(of_namespace).collect()
    }
}

impl<'a> Search<'a> {
    pub(in crate::run) fn of(kubectl: &'a Kubectl, set: &'a Set, ground: &'a Ground, plan: &'a [Step]) -> Self {
        Self { kubectl, set, ground, plan, wanted: plan.iter().map(|step| &step.wanted).collect() }
    }

    /// Which of the objects with these names are left over.
    pub(in crate::run) async fn left(&self, ids: &[ObjectId]) -> Result<Vec<LeftOver>, Vec<Problem>> {
        let found = self.kubectl.metadata(ids).await?;
        Ok(LeftOver::among(found, &self.wanted, self.set, &self.kubectl.namespace))
    }

    /// Who uses them, before this run or now.
    pub(in crate::run) async fn templates(&self, moment: Moment<'_>) -> Result<PodTemplates, Vec<Problem>> {
        let live = self.kubectl.template_holders(&self.ground.namespaces).await?;
        Ok(PodTemplates::of(&live, moment, &self.kubectl.namespace))
    }

    /// What the build holds, each object with its namespace.
    fn held(&self) -> BTreeMap<ObjectId, &'a Step> {
        let with_namespace = |step: &Step| ObjectId {
            namespace: Some(step.namespace(&self.kubectl.namespace).to_owned()),
            ..step.wanted.id()
        };
        self.plan.iter().map(|step| (with_namespace(step), step)).collect()
    }
}

impl<O: Write, E: Write> Run<O, E> {
    /// Tells what left the build, and returns what of it is to be deleted. `marked` names what bears the mark of the set.
    ///
    /// # Errors
    /// Where it is to be deleted and cannot be found out, or would be everything.
    pub(in crate::run) async fn left_over(
        &mut self,
        kubectl: &Kubectl,
        set: &Set,
        plan: &[Step],
        marked: Result<Vec<ObjectId>, Vec<Problem>>,
    ) -> Result<Vec<Doomed>, Failure> {
        let ground = Ground::of(&self.inputs, plan.iter().map(|step| &step.wanted), &kubectl.namespace);
        let search = Search::of(kubectl, set, &ground, plan);
        let found = self.sorted_out(&search, marked).await;
        match found {
            Ok(doomed) => self.refuse_all(&search, doomed),
            Err(problems) if self.inputs.prune => {
                let failure = Failure::new(Stage::Compare, problems);
                Err(self.with_rights(kubectl, failure, plan).await)
            }
            Err(problems) => {
                self.note(problems.iter().map(not_known));
                Ok(Vec::new())
            }
        }
    }

    async fn sorted_out(
        &mut self,
        search: &Search<'_>,
        marked: Result<Vec<ObjectId>, Vec<Problem>>,
    ) -> Result<Vec<Doomed>, Vec<Problem>> {
        let held = search.held();
        let absent: Vec<ObjectId> = marked?.into_iter().filter(|id| !held.contains_key(id)).collect();
        let hashes = absent.iter().filter_map(|id| build::content_hash(&id.kind, &id.name));
        hashes.for_each(|hash| self.masker.add(&Secret::new(hash)));
        let mut left = search.left(&absent).await?;
        // Which hash ends the new name hangs on values that are not given: it may be the old name.
        let is_open = |id: &ObjectId| held.get(id).is_some_and(|step| step.change.change == Change::Unknown);
        left.retain(|left| !left.successor.as_ref().is_some_and(is_open));
        if left.is_empty() {
            return Ok(Vec::new());
        }
        if !self.inputs.prune {
            self.tell_left(search, &left);
            return Ok(Vec::new());
        }
        let templates = search.templates(Moment::Before(&search.wanted)).await?;
        let mut doomed = Vec::new();
        for left in left {
            let spared = left.spared(&templates);
            let heirs = self.heirs(search, &left);
            self.outcome.left_over.push(report(&left, spared.as_ref(), heirs));
            match spared {
                Some(spared) => self.tell_spared(&left, &spared),
                None => doomed.push(Doomed { at: self.outcome.left_over.len() - 1, left }),
            }
        }
        Ok(doomed)
    }

    /// Tells what left the build where nothing is pruned. Who uses it is not looked up: it stays anyway.
    fn tell_left(&mut self, search: &Search<'_>, left: &[LeftOver]) {
        for left in left {
            let heirs = self.heirs(search, left);
            self.outcome.left_over.push(LeftOverReport { pruned: false, ..report(left, None, heirs) });
        }
        let names: Vec<String> = left.iter().map(|left| format!("`{}`", shown(left))).collect();
        let text = text!("no longer in the build, but still of its set: {}", names.join(", "));
        self.note([Problem::notice("left-over", text).help("`prune: true` deletes what no workload uses any more")]);
    }

    /// Where the keys of a Secret that became a ConfigMap are now, or the other way round; marks them there.
    fn heirs(&mut self, search: &Search<'_>, left: &LeftOver) -> Option<String> {
        let keys = left.keys();
        let found = inherit_keys(&mut self.outcome.objects, &shown(left), &keys, &search.kubectl.namespace);
        let (names, places): (Vec<String>, BTreeSet<String>) =
            found.into_iter().map(|(key, id)| (key, id.to_string())).unzip();
        let which = match names.as_slice() {
            [] => return None,
            all if all.len() == keys.len() => "its keys are".to_owned(),
            [only] => format!("its key {only} is"),
            some => format!("its keys {} are", listed(some)),
        };
        Some(format!("{which} now in {}", listed(&Vec::from_iter(places))))
    }

    fn tell_spared(&mut self, left: &LeftOver, spared: &Spared) {
        // What is only remembered is as it should be.
        if !matches!(spared, Spared::RememberedBy(_)) {
            let text = text!("`{}` is no longer in the build, and stays: {}", shown(left), why(spared));
            self.note([Problem::notice("left-over", text)]);
        }
    }

    /// A build without any Secret and ConfigMap is more often a template that was lost than one that was emptied.
    fn refuse_all(&mut self, search: &Search<'_>, doomed: Vec<Doomed>) -> Result<Vec<Doomed>, Failure> {
        if doomed.is_empty() || search.wanted.iter().any(|object| object.is_secret() || object.is_config_map()) {
            return Ok(doomed);
        }
        self.outcome.left_over.iter_mut().for_each(|report| report.pruned = false);
        let all = crate::report::count(doomed.len(), "object");
        let set = search.set;
        let text = text!("the build has no Secret and no ConfigMap, and `prune` would delete {all} of the set `{set}`");
        let help = "look whether the template or the overlay lost its documents; what shall go all the same, delete with `kubectl delete`";
        Err(Failure::new(Stage::Compare, vec![Problem::error("prune-all", text).help(help)]))
    }
}

fn not_known(why: &Problem) -> Problem {
    let text = text!("what left the build is not known: {}", why.message);
    Problem::notice("left-over-unknown", text)
}

/// The rights to delete `doomed`; finding it took the others.
pub(in crate::run) fn needs_of_pruning(doomed: &[Doomed]) -> Vec<Need> {
    let need = |doomed: &Doomed| {
        let live = &doomed.left.live;
        Need::new(Verb::Delete, "", resource(live), live.namespace()).of(live.name())
    };
    doomed.iter().map(need).collect()
}

/// The plural of a Secret or ConfigMap.
pub(in crate::run) fn resource(live: &Object) -> &'static str {
    if live.is_secret() { Holder::Secret.resource() } else { Holder::ConfigMap.resource() }
}

/// Why an object stays.
pub(in crate::run) fn why(spared: &Spared) -> String {
    match spared {
        Spared::KeptBy(owner) => format!("it is kept by {owner}"),
        Spared::UsedBy(user) => match changes::template_owner(user) {
            Some(owner) => format!("a {} of `{owner}` uses it", user.kind),
            None => format!("`{user}` uses it"),
        },
        Spared::RememberedBy(history) => {
            let owner = changes::template_owner(history).unwrap_or(&history.name);
            format!("a {} of `{owner}` may go back to it", history.kind)
        }
    }
}

fn shown(left: &LeftOver) -> ObjectId {
    build::without_content_hash(&left.live.id())
}

fn report(left: &LeftOver, spared: Option<&Spared>, heirs: Option<String>) -> LeftOverReport {
    let successor = left.successor.as_ref().map(|_| "its generator has made another".to_owned());
    let reasons: Vec<String> =
        spared.map(|spared| why(spared).replace('`', "")).or(successor).into_iter().chain(heirs).collect();
    LeftOverReport {
        id: shown(left),
        pruned: spared.is_none(),
        progress: Progress::Planned,
        note: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}
