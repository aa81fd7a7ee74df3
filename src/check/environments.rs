//! What one environment of a root has and another lacks.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Place, Problem, text};
use crate::patch::PatchObject;

/// The keys of the Secrets and ConfigMaps of one environment.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// The environment.
    pub environment: String,
    /// By kind, name and key, with the template's line.
    pub template: BTreeMap<(String, String, String), Place>,
    /// The same that come from elsewhere: the base, a generator, another patch.
    pub others: BTreeSet<(String, String, String)>,
}

impl Keys {
    /// The keys of a template's objects.
    pub fn of(environment: &str, objects: &[PatchObject]) -> Self {
        let core = objects.iter().filter(|object| object.id.group.is_empty());
        let data = core.filter(|object| matches!(object.id.kind.as_str(), "Secret" | "ConfigMap"));
        let template = data.flat_map(|object| {
            object.entries.iter().filter_map(|entry| {
                let (_, key) = entry.data_key()?;
                Some(((object.id.kind.clone(), object.id.name.clone(), key.to_owned()), entry.place.clone()))
            })
        });
        Self { environment: environment.to_owned(), template: template.collect(), others: BTreeSet::new() }
    }

    fn has(&self, key: &(String, String, String)) -> bool {
        self.template.contains_key(key) || self.others.contains(key)
    }

    fn has_object(&self, kind: &str, name: &str) -> bool {
        let same = |key: &&(String, String, String)| key.0 == kind && key.1 == name;
        self.template.keys().any(|key| same(&key)) || self.others.iter().any(|key| same(&key))
    }
}

/// Each object and key that some environments have and others lack, at a line of one that has it.
pub fn differences(all: &[Keys]) -> Vec<Problem> {
    let mut problems = BTreeMap::new();
    for own in all {
        for (key, place) in &own.template {
            let lacking: Vec<&Keys> = all.iter().filter(|other| !other.has(key)).collect();
            if lacking.is_empty() {
                continue;
            }
            let (kind, name, data) = key;
            let whole = lacking.iter().all(|other| !other.has_object(kind, name));
            let what = if whole { format!("`{kind} {name}`") } else { format!("`{data}` of `{kind} {name}`") };
            let having = all.iter().filter(|other| other.has(key));
            let text = text!("{what} is in {}, and not in {}", names(having), names(lacking.iter().copied()));
            let help = text!("add it to the template of {}, or remove it here", names(lacking.iter().copied()));
            let problem = Problem::warning("environments-differ", text).at(place.clone()).help(help);
            problems.entry((kind, name, if whole { "" } else { data.as_str() })).or_insert(problem);
        }
    }
    problems.into_values().collect()
}

fn names<'a>(all: impl Iterator<Item = &'a Keys>) -> String {
    let names: Vec<String> = all.map(|keys| format!("`{}`", keys.environment)).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(environment: &str, template: &[&str], others: &[&str]) -> Keys {
        let key = |text: &&str| {
            let (name, key) = text.split_once('/').unwrap();
            ("Secret".to_owned(), name.to_owned(), key.to_owned())
        };
        let place = Place::new(format!("{environment}.yml"), 1, 1);
        Keys {
            environment: environment.to_owned(),
            template: template.iter().map(|text| (key(text), place.clone())).collect(),
            others: others.iter().map(key).collect(),
        }
    }

    fn told(all: &[Keys]) -> Vec<String> {
        differences(all).into_iter().map(|problem| problem.message.to_string()).collect()
    }

    #[test]
    fn what_one_environment_lacks_is_told_once() {
        let all =
            [keys("dev", &["a/X", "a/Y", "b/Z"], &[]), keys("qa", &["a/X", "a/Y"], &[]), keys("prod", &["a/X"], &[])];
        assert_eq!(
            told(&all),
            [
                "`Y` of `Secret a` is in `dev` and `qa`, and not in `prod`",
                "`Secret b` is in `dev`, and not in `qa` and `prod`",
            ]
        );
        let both = [keys("dev", &["a/X"], &[]), keys("prod", &["a/W"], &["a/X"])];
        assert_eq!(told(&both), ["`W` of `Secret a` is in `prod`, and not in `dev`"]);
    }
}
