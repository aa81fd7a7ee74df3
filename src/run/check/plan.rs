//! One environment's files: read, filled with stand-ins, and compared with the steps that use them.

use std::collections::BTreeSet;
use std::io::Write;

use super::super::Run;
use super::checkout::Checkout;
use super::plans::Plan;
use crate::build::Base;
use crate::check::{self, Asking, Keys};
use crate::error::{Place, Problem, text};
use crate::files;
use crate::inputs::{Command, FileName};
use crate::kubectl::Kubectl;
use crate::template::{Asked, Filled, StandIns, Template};
use crate::values::{Values, parse_env_file, stand_in};
use crate::workflow_files::{Call, Rest};

/// What came of a plan.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) problems: Vec<Problem>,
    /// `None` where the template could not be read.
    pub(super) asking: Option<Asking>,
    /// `None` where it could not be filled.
    pub(super) keys: Option<Keys>,
}

impl<O: Write, E: Write> Run<O, E> {
    pub(super) async fn check_plan(&mut self, checkout: &Checkout, plan: &Plan, kubectl: Option<&Kubectl>) -> Checked {
        let mut checked = Checked { problems: plan.layout.notices.clone(), ..Checked::default() };
        let (patch_file, found) = self.check_place(checkout, plan);
        checked.problems.extend(found);
        let template = match self.template(&plan.layout).await {
            Ok(template) => template,
            Err(failure) => {
                checked.problems.extend(failure.problems);
                return checked;
            }
        };
        let names = template.names(&plan.rules());
        let filled = template.fill(&stand_ins(plan, &template, &names), &plan.rules(), StandIns::Make);
        let filled = filled.map_err(|problems| checked.problems.extend(problems)).ok();
        let asking = Asking { secret: filled.as_ref().map(in_secrets_only).unwrap_or_default(), names };
        for call in &plan.calls {
            checked.problems.extend(self.check_call(checkout, plan, call, &template, &asking));
        }
        if let Some(filled) = &filled {
            checked.problems.extend(filled.notices.iter().cloned());
            let (found, base) = self.check_overlay(checkout, plan, filled, patch_file.as_ref(), kubectl).await;
            checked.problems.extend(found);
            checked.keys = Some(Keys { others: others(&base), ..Keys::of(&plan.environment, &filled.objects) });
        }
        let stand_ins: Vec<(String, &String)> = asking.names.iter().map(|name| (stand_in(name), name)).collect();
        checked.problems.iter_mut().for_each(|problem| without_stand_ins(problem, &stand_ins));
        checked.asking = Some(asking);
        checked
    }

    /// What the plan's template asks for, where nothing else about it is wanted.
    pub(super) async fn asked_by(&mut self, plan: &Plan) -> Checked {
        let names = self.template(&plan.layout).await.ok().map(|template| template.names(&plan.rules()));
        Checked { asking: names.map(|names| Asking { names, ..Asking::default() }), ..Checked::default() }
    }

    /// Whether a call gives what the template asks for, and nothing that a real run would refuse.
    fn check_call(
        &self,
        checkout: &Checkout,
        plan: &Plan,
        call: &Call,
        template: &Template,
        asking: &Asking,
    ) -> Vec<Problem> {
        let mut call = call.clone();
        self.read_env_file(checkout, &mut call);
        let given: BTreeSet<String> = asking.names.iter().filter(|name| call.given.holds(name)).cloned().collect();
        let lacking = template.lacking(&given, &plan.rules());
        let mut problems = check::not_given(&call, &lacking, asking);
        let refuses_defaults = call.inputs.command == Command::Apply && call.given.rest == Rest::Nothing;
        if refuses_defaults && given.len() < asking.names.len() {
            problems.extend(defaults_in_secrets(plan, &call, template, &given, &lacking));
        }
        problems
    }

    /// Takes the names of the step's env file, where it lies in the checkout.
    fn read_env_file(&self, checkout: &Checkout, call: &mut Call) {
        let Some(file) = &call.inputs.env_file else { return };
        let text = match file {
            FileName::Path(path) => {
                files::read_unlinked(&self.absolute(&checkout.here.join(&call.directory).join(path)))
            }
            FileName::Standard => None,
        };
        match text.and_then(|text| parse_env_file("", &text).ok()) {
            Some(values) => call.given.otherwise.extend(values.into_keys()),
            None => call.given.rest = Rest::Unknown("its `env-file`".to_owned()),
        }
    }
}

/// A stand-in for every name; those that only `vars` can give, or that `nonsensitive` names, may be shown.
fn stand_ins(plan: &Plan, template: &Template, names: &BTreeSet<String>) -> Values {
    let environment = || plan.calls.iter().flat_map(|call| call.given.environment.keys());
    let by_vars = plan.calls.iter().any(|call| call.given.rest == Rest::Passed);
    let mut shown: BTreeSet<String> = plan.inputs.nonsensitive.iter().cloned().collect();
    if by_vars {
        shown.extend(names.iter().filter(|name| !environment().any(|given| given == *name)).cloned());
    }
    let bare: BTreeSet<String> = template.bare().into_iter().map(|bare| bare.name).collect();
    let in_environment = environment().filter(|name| bare.contains(*name)).cloned().collect();
    Values::stand_ins(names, &shown, in_environment)
}

/// Names that go into Secrets and nowhere else.
fn in_secrets_only(filled: &Filled) -> BTreeSet<String> {
    let (mut secret, mut clear) = (BTreeSet::new(), BTreeSet::new());
    for object in &filled.objects {
        let is_secret = object.id.kind == "Secret" && object.id.group.is_empty();
        let names = object.entries.iter().flat_map(|entry| entry.names.clone());
        if is_secret { secret.extend(names) } else { clear.extend(names) }
    }
    clear.extend(filled.operations.iter().flat_map(|entry| entry.names.clone()));
    &secret - &clear
}

/// A default would go into a Secret, which `apply` refuses.
fn defaults_in_secrets(
    plan: &Plan,
    call: &Call,
    template: &Template,
    given: &BTreeSet<String>,
    lacking: &[Asked],
) -> Vec<Problem> {
    let there = given.iter().cloned().chain(lacking.iter().map(|asked| asked.name.clone())).collect();
    let values = Values::stand_ins(&there, &there, BTreeSet::new());
    let filled = template.fill(&values, &plan.rules(), StandIns::None);
    let defaults = filled.map(|filled| filled.defaults_in_secrets).unwrap_or_default();
    let refused = defaults.into_iter().filter(|asked| !call.inputs.allow_default.contains(&asked.name));
    refused
        .map(|asked| {
            let (name, place) = (&asked.name, &asked.place);
            let text = text!("{} does not give `{name}`, and its default would go into a Secret ({place})", call.step);
            let help = text!("give it, or allow the default: `allow-default: {name}`");
            Problem::error("default-in-secret", text).at(call.env_place.clone()).help(help)
        })
        .collect()
}

/// Keys that come from elsewhere than the template: what the base leaves to be filled does not count.
fn others(base: &Base) -> BTreeSet<(String, String, String)> {
    let open: BTreeSet<&Place> = base.placeholders.iter().map(|placeholder| &placeholder.place).collect();
    let keys = base.keys.iter().filter(|key| !key.null && !open.contains(&key.place));
    keys.map(|key| (key.kind.clone(), key.name.clone(), key.key.clone())).collect()
}

/// What stands in for values is shown as the placeholder that it stands for.
fn without_stand_ins(problem: &mut Problem, stand_ins: &[(String, &String)]) {
    for (digits, name) in stand_ins {
        for text in std::iter::once(&mut problem.message).chain(&mut problem.help) {
            if text.contains(digits.as_str()) {
                *text = text.replace(digits.as_str(), &format!("${{{name}}}")).into();
            }
        }
    }
}
