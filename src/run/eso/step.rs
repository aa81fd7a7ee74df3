//! One Secret of a plan on its way: what it is, and whether the plan may be carried out for it.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::ground::Ground;
use super::snapshots::Batch;
use crate::changes::{LAST_APPLIED, Set};
use crate::error::{Problem, text};
use crate::eso::{
    External, Moved, Owner, Plan, SecretPlan, Sync, asks_for, bytes, changed_by_hand, has_owner_reference, real,
};
use crate::object::Object;

const PLAN_AGAIN: &str = "plan again: `secret-patch eso plan` keeps what was edited, and tells what comes in";

/// One Secret on its way.
pub(super) struct Step<'a> {
    pub(super) plan: &'a SecretPlan,
    /// The snapshot, by key.
    pub(super) values: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// The Secret's `metadata.uid`.
    pub(super) uid: String,
    /// Whether the Secret holds `last-applied-configuration`.
    pub(super) in_clear: bool,
    /// The plan's ExternalSecret, where it was there before.
    pub(super) external: Option<Object>,
    /// Who changed the Secret after External Secrets had last refreshed it.
    pub(super) edited_by: Option<String>,
    /// How far it got.
    pub(super) moved: Moved,
    /// Whether a trial was made.
    pub(super) tried: bool,
    /// Whether it does not go away, and `moved` tells of another problem.
    pub(super) trial_stays: bool,
    /// Whether what is waited for was seen.
    pub(super) seen: bool,
}

impl Step<'_> {
    /// Whether a trial may be there.
    pub(super) fn may_have_trial(&self) -> bool {
        self.tried || self.goes_on()
    }

    pub(super) fn goes_on(&self) -> bool {
        self.moved.is_well() && self.moved.sync == Sync::None
    }

    /// The keys in which `secret` is not the snapshot, and what else is different about it.
    pub(super) fn differing(&self, secret: &Object) -> Vec<String> {
        let now = bytes(secret);
        let value = |of: &[(String, Zeroizing<Vec<u8>>)], key: &str| {
            of.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
        };
        let keys: BTreeSet<&String> = now.iter().chain(&self.values).map(|(name, _)| name).collect();
        let mut wrong: Vec<String> =
            keys.into_iter().filter(|key| value(&now, key) != value(&self.values, key)).cloned().collect();
        if secret.as_value()["type"].as_str() != Some(&self.plan.kind) {
            wrong.push("its type".to_owned());
        }
        wrong
    }
}

pub(super) fn steps<'a>(batch: Batch<'a>, plan: &Plan, ground: &Ground) -> Vec<Step<'a>> {
    batch.into_iter().map(|(secret, live)| step(secret, live.as_ref(), plan, ground)).collect()
}

/// A Secret as it is compared with what `whole`, the plan, says of it.
fn step<'a>(plan: &'a SecretPlan, live: Option<&Object>, whole: &Plan, ground: &Ground) -> Step<'a> {
    let external = ground.externals.get(&(plan.namespace.clone(), plan.external_secret.clone()));
    let mut step = Step {
        plan,
        uid: live.map(Object::uid).unwrap_or_default().to_owned(),
        in_clear: live.and_then(|live| live.as_value().pointer("/metadata/annotations")?.get(LAST_APPLIED)).is_some(),
        values: live.map(bytes).unwrap_or_default(),
        external: external.cloned(),
        edited_by: None,
        moved: Moved::of(plan),
        tried: false,
        trial_stays: false,
        seen: false,
    };
    match live {
        Some(live) => step.judge(live, whole, ground),
        None => {
            let text = text!("there is no Secret `{}`", plan.id());
            let problem = Problem::error("secret-missing", text);
            step.moved.problem = Some(problem.help("plan again: it was there when the plan was made"));
        }
    }
    step
}

impl Step<'_> {
    /// How far an earlier run got, and whether anything keeps this one from going on.
    fn judge(&mut self, live: &Object, whole: &Plan, ground: &Ground) {
        let owner = owner(live, self.plan, ground);
        let outdated = || outdated(self.plan, live, &self.values);
        match self.external.as_ref().filter(|external| is_ours(external, self.plan, &owner)) {
            Some(object) => {
                let external = External::of(object);
                let is_done = external.is_synced() && asks_for(object, &real(whole, self.plan));
                self.moved.sync = if is_done { Sync::Already } else { Sync::None };
                self.moved.problem = outdated();
                self.edited_by = external.refreshed.and_then(|refreshed| changed_by_hand(live, refreshed));
            }
            None => {
                self.moved.problem = refusal(self.plan, live, &owner, self.external.as_ref())
                    .or_else(outdated)
                    .or_else(|| rewritten(self.plan, live));
            }
        }
        self.moved.before = Some(owner);
        self.moved.set = Set::of(live);
    }
}

/// Whether `external` is what an earlier run made for the Secret, which `owner` owns.
fn is_ours(external: &Object, plan: &SecretPlan, owner: &Owner) -> bool {
    let external = External::of(external);
    *owner == Owner::ExternalSecret(plan.external_secret.clone())
        && external.target == plan.secret
        && external.plan.is_some()
}

fn owner(live: &Object, plan: &SecretPlan, ground: &Ground) -> Owner {
    let maker = ground.externals.values().map(External::of).find(|external| {
        external.namespace == plan.namespace && external.target == plan.secret && external.creation != "None"
    });
    Owner::of(live, maker.as_ref().map(|maker| maker.name.as_str()))
}

fn refusal(plan: &SecretPlan, live: &Object, owner: &Owner, external: Option<&Object>) -> Option<Problem> {
    let id = plan.id();
    if has_owner_reference(live) {
        let text = text!("Secret `{id}` has an owner reference: External Secrets would overwrite what its owner keeps");
        return Some(Problem::error("owned", text).help("take it out of the plan, or move what owns it"));
    }
    if !owner.is_movable() {
        let text = text!("Secret `{id}` is owned by {owner}");
        return Some(Problem::error("owned", text).help("take it out of the plan"));
    }
    external.map(|external| {
        let text = text!("there is another ExternalSecret `{}/{}`", plan.namespace, external.name());
        Problem::error("name-taken", text).help("edit `externalSecret` in the plan")
    })
}

/// Whether the Secret is no longer what the plan says.
fn outdated(plan: &SecretPlan, live: &Object, values: &[(String, Zeroizing<Vec<u8>>)]) -> Option<Problem> {
    let (planned, found): (BTreeSet<&String>, BTreeSet<&String>) =
        (plan.keys.iter().map(|key| &key.key).collect(), values.iter().map(|(key, _)| key).collect());
    let different: Vec<String> = planned.symmetric_difference(&found).map(|key| (*key).clone()).collect();
    let outdated = |text| Some(Problem::error("plan-outdated", text).help(PLAN_AGAIN));
    if !different.is_empty() {
        return outdated(text!("Secret `{}` has not the keys of the plan: {}", plan.id(), different.join(", ")));
    }
    if live.as_value()["type"].as_str() != Some(&plan.kind) {
        return outdated(text!("Secret `{}` has not the type of the plan, `{}`", plan.id(), plan.kind));
    }
    None
}

/// Whether taking the Secret over would write more of the plan into it than its marks.
fn rewritten(plan: &SecretPlan, live: &Object) -> Option<Problem> {
    let rewritten = plan.rewrites(live);
    let text = text!("Secret `{}` is not as the plan says, in: {}", plan.id(), rewritten.join(", "));
    (!rewritten.is_empty()).then(|| Problem::error("plan-outdated", text).help(PLAN_AGAIN))
}
