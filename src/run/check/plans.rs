//! What is checked: the environments of the layout, and what the workflows' steps deploy.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::Run;
use super::super::prepare::overrides;
use super::checkout::Checkout;
use crate::build::{FILE_NAMES, parse_kustomization};
use crate::error::{Place, Problem, text};
use crate::files::{self, Layout, Overlay};
use crate::inputs::{Command, Inputs};
use crate::template::FillRules;
use crate::workflow_files::{Call, Calls};

/// More than any repository has; each is built.
const MOST_PLANS: usize = 100;

/// The files of one environment, as steps or the layout use them.
pub(super) struct Plan {
    pub(super) environment: String,
    pub(super) layout: Layout,
    /// The layout's root, absolute.
    pub(super) root: Option<PathBuf>,
    /// What says how they are read.
    pub(super) inputs: Inputs,
    /// The ways in which steps use them.
    pub(super) calls: Vec<Call>,
    /// Findings about it are wanted; else it only tells which names steps need.
    pub(super) judged: bool,
}

impl Plan {
    pub(super) fn rules(&self) -> FillRules {
        FillRules { keep: self.inputs.keep_placeholders.clone(), allow_empty: self.inputs.allow_empty.clone() }
    }

    /// Whether a step, or nobody, puts the filled template at its path.
    pub(super) fn writes_patch(&self) -> bool {
        self.layout.overlay != Overlay::None || self.calls.iter().any(|call| call.inputs.command == Command::Render)
    }
}

impl<O: Write, E: Write> Run<O, E> {
    pub(super) fn plans(&mut self, checkout: &Checkout, calls: &Calls) -> (Vec<Plan>, Vec<Problem>) {
        let (own, mut problems) = self.own_plans();
        let narrow = self.inputs.root.is_some() || !self.inputs.templates.is_empty() || self.inputs.overlay.is_some();
        let narrow = narrow || !checkout.is_here;
        let mut plans: Vec<Plan> = Vec::new();
        for call in calls.calls.iter().filter(|call| call.inputs.command != Command::Check) {
            let wanted = self.inputs.environment.is_empty() || call.inputs.environment == self.inputs.environment;
            match self.plan_of(checkout, call) {
                Ok(plan) if narrow && !own.iter().any(|own| self.is_beside(own, &plan)) => {}
                Ok(plan) => self.add(&mut plans, plan, wanted),
                Err(_) if narrow || !wanted => {}
                Err(found) => problems.extend(found.into_iter().map(|problem| problem.at(call.place.clone()))),
            }
        }
        for plan in own {
            if !plans.iter().any(|other| self.has_same_files(other, &plan)) {
                problems.extend(no_step(&plan, checkout, calls));
                plans.push(plan);
            }
        }
        problems.extend(self.nothing(&plans, &problems));
        plans.truncate(MOST_PLANS);
        (plans, problems)
    }

    /// The environments of the layout that the inputs name or that is found.
    fn own_plans(&self) -> (Vec<Plan>, Vec<Problem>) {
        let (mut plans, mut problems) = (Vec::new(), Vec::new());
        let environments =
            match (self.inputs.environment.as_str(), files::find_root(Path::new("."), self.inputs.root.as_deref())) {
                ("", Ok(root)) => {
                    let all = files::environments(&root).into_iter();
                    all.filter(|environment| !is_component(&root, environment)).collect()
                }
                ("", Err(problem)) if self.inputs.root.is_some() => return (plans, vec![problem]),
                ("", Err(_)) => Vec::new(),
                (environment, _) => vec![environment.to_owned()],
            };
        for environment in environments {
            let inputs = Inputs { environment: environment.clone(), ..self.inputs.clone() };
            match self.plan_from(Path::new("."), inputs) {
                Ok(plan) => plans.push(Plan { judged: true, ..plan }),
                Err(found) => problems.extend(found),
            }
        }
        (plans, problems)
    }

    fn plan_of(&self, checkout: &Checkout, call: &Call) -> Result<Plan, Vec<Problem>> {
        let start = checkout.here.join(&call.directory);
        let mut inputs = call.inputs.clone();
        // What `render` writes is merged by an overlay all the same, where there is one.
        let renders = inputs.command == Command::Render && inputs.overlay == Some(crate::inputs::Overlay::None);
        if renders {
            inputs.overlay = None;
        }
        let plan = self.plan_from(&start, inputs.clone()).or_else(|problems| {
            if !renders {
                return Err(problems);
            }
            self.plan_from(&start, Inputs { overlay: Some(crate::inputs::Overlay::None), ..inputs })
        })?;
        Ok(Plan { calls: vec![call.clone()], ..plan })
    }

    fn plan_from(&self, start: &Path, inputs: Inputs) -> Result<Plan, Vec<Problem>> {
        let mut given = overrides(&inputs);
        // Given paths start where the step runs.
        let moved =
            |path: PathBuf| if start == Path::new(".") || path == Path::new("-") { path } else { start.join(path) };
        given.root = given.root.map(moved);
        given.templates = given.templates.into_iter().map(moved).collect();
        given.output = given.output.map(moved);
        given.overlay = given.overlay.map(|overlay| match overlay {
            Overlay::Directory(path) => Overlay::Directory(moved(path)),
            Overlay::None => Overlay::None,
        });
        let layout = Layout::find(start, &inputs.environment, &given)?;
        let root = layout.root.as_deref().map(|root| self.absolute(root));
        Ok(Plan { environment: inputs.environment.clone(), layout, root, inputs, calls: Vec::new(), judged: false })
    }

    fn add(&self, plans: &mut Vec<Plan>, plan: Plan, wanted: bool) {
        let same = |other: &&mut Plan| {
            let rules = |plan: &Plan| {
                let Inputs { keep_placeholders, allow_empty, nonsensitive, kinds, allow_remote, .. } = &plan.inputs;
                (keep_placeholders.clone(), allow_empty.clone(), nonsensitive.clone(), kinds.clone(), *allow_remote)
            };
            self.has_same_files(other, &plan) && rules(other) == rules(&plan)
        };
        match plans.iter_mut().find(same) {
            Some(known) => {
                known.judged |= wanted;
                known.calls.extend(plan.calls);
            }
            None => plans.push(Plan { judged: wanted, ..plan }),
        }
    }

    /// Whether both are the same environment of the same files.
    fn has_same_files(&self, a: &Plan, b: &Plan) -> bool {
        let paths = |plan: &Plan| -> Vec<PathBuf> {
            let overlay = match &plan.layout.overlay {
                Overlay::Directory(path) => Some(path),
                Overlay::None => None,
            };
            plan.layout.templates.iter().chain(overlay).map(|path| self.absolute(path)).collect()
        };
        a.environment == b.environment && paths(a) == paths(b)
    }

    /// Whether a step's files belong to the layout that is checked, if only for another environment.
    fn is_beside(&self, own: &Plan, other: &Plan) -> bool {
        let templates = |plan: &Plan| plan.layout.templates.iter().map(|path| self.absolute(path)).collect::<Vec<_>>();
        own.root.is_some() && own.root == other.root && self.inputs.templates.is_empty()
            || own.environment == other.environment && templates(own) == templates(other)
    }

    fn nothing(&self, plans: &[Plan], problems: &[Problem]) -> Option<Problem> {
        if plans.iter().any(|plan| plan.judged) || problems.iter().any(Problem::is_error) {
            return None;
        }
        Some(match files::find_root(Path::new("."), self.inputs.root.as_deref()) {
            Err(problem) => problem,
            Ok(root) => {
                let text = text!("there is no environment in `{}`: neither a template nor an overlay", root.display());
                Problem::error("unknown-environment", text)
                    .help("make a template such as `config/staging-config-secret.example.yml`")
            }
        })
    }
}

/// A directory beside the overlays that others share.
fn is_component(root: &Path, environment: &str) -> bool {
    let overlay = root.join("apps/overlays").join(environment);
    let own_template = root.join(format!("config/{environment}-config-secret.example.yml"));
    let text = FILE_NAMES.iter().find_map(|name| files::read_unlinked(&overlay.join(name)));
    let component = text.is_none_or(|text| parse_kustomization("", &text).is_ok_and(|read| read.component));
    component && !files::is_there(&own_template)
}

/// An environment that no workflow deploys, where they deploy others or do other things; or one that a workflow elsewhere may deploy.
fn no_step(plan: &Plan, checkout: &Checkout, calls: &Calls) -> Vec<Problem> {
    if !calls.unresolved.is_empty() || !checkout.has_workflows() {
        return Vec::new();
    }
    if !calls.elsewhere.is_empty() {
        let notice = |(place, uses): &(Place, String)| {
            let text = text!(
                "whether `{uses}` runs secret-patch for `{}` is not checked: it is a workflow of another repository",
                plan.environment
            );
            Problem::notice("step-unresolved", text).at(place.clone())
        };
        return calls.elsewhere.iter().map(notice).collect();
    }
    let text = text!("no step of the workflows runs secret-patch for `{}`", plan.environment);
    let template = plan.layout.templates.first().map(|path| path.display().to_string()).unwrap_or_default();
    vec![Problem::notice("no-step", text).at(Place::new(template, 1, 1))]
}
