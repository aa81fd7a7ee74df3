//! The jobs of a `strategy.matrix` that is written out.

use std::collections::BTreeMap;

use crate::build::node::{Content, Node};

/// One job's values by name.
type Values = BTreeMap<String, String>;

/// GitHub makes no more jobs of one matrix.
const MOST_JOBS: usize = 256;

/// The jobs of `job`, at least one (without values where there is no matrix); `None` where the matrix or an axis of it is an expression.
pub(super) fn jobs(job: &Node) -> Option<Vec<Values>> {
    let Some(matrix) = job.get("strategy").and_then(|strategy| strategy.get("matrix")) else {
        return Some(vec![Values::new()]);
    };
    if !matches!(matrix.content, Content::Mapping(_)) {
        return None;
    }
    let mut jobs = vec![Values::new()];
    let mut axes = Vec::new();
    for (name, values) in matrix.pairs() {
        let Some(name) = name.text().filter(|name| !matches!(*name, "include" | "exclude")) else { continue };
        let Content::Sequence(values) = &values.content else { return None };
        jobs = jobs.iter().flat_map(|job| values.iter().map(move |value| with(job, name, value))).collect();
        axes.push(name);
        if jobs.len() > MOST_JOBS {
            return None;
        }
    }
    let excluded = entries(matrix.get("exclude"))?;
    let is_excluded = |job: &Values| excluded.iter().any(|entry| entry.iter().all(|(k, v)| job.get(k) == Some(v)));
    jobs.retain(|job| axes.is_empty() || !is_excluded(job));
    include(&mut jobs, &axes, entries(matrix.get("include"))?);
    (jobs.len() <= MOST_JOBS).then_some(jobs)
}

/// The job with the value of one axis; of a value that is a mapping each member (`matrix.target.env`).
fn with(job: &Values, name: &str, value: &Node) -> Values {
    let mut job = job.clone();
    put(&mut job, name.to_owned(), value);
    job
}

fn put(values: &mut Values, name: String, value: &Node) {
    match (&value.content, value.text()) {
        (_, Some(text)) => {
            values.insert(name, text.to_owned());
        }
        (Content::Mapping(_), _) => value.pairs().into_iter().for_each(|(key, value)| {
            if let (Some(key), Some(text)) = (key.text(), value.text()) {
                values.insert(format!("{name}.{key}"), text.to_owned());
            }
        }),
        _ => {}
    }
}

/// The entries of `include` or `exclude`.
fn entries(node: Option<&Node>) -> Option<Vec<Values>> {
    let Some(node) = node else { return Some(Vec::new()) };
    let Content::Sequence(items) = &node.content else { return None };
    let entry = |item: &Node| {
        let mut values = Values::new();
        item.pairs()
            .into_iter()
            .for_each(|(key, value)| put(&mut values, key.text().unwrap_or_default().to_owned(), value));
        values
    };
    Some(items.iter().map(|item| entry(item)).collect())
}

/// An entry extends every job whose axes it does not change; one that extends none is a job of its own.
fn include(jobs: &mut Vec<Values>, axes: &[&str], entries: Vec<Values>) {
    if axes.is_empty() && !entries.is_empty() {
        jobs.clear();
    }
    let own = jobs.len();
    for entry in entries {
        let fits =
            |job: &Values| axes.iter().all(|axis| entry.get(*axis).is_none_or(|value| job.get(*axis) == Some(value)));
        let extended: Vec<usize> = (0..own).filter(|at| fits(&jobs[*at])).collect();
        for at in &extended {
            jobs[*at].extend(entry.clone());
        }
        if extended.is_empty() {
            jobs.push(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::node::documents;

    fn told(matrix: &str) -> Option<Vec<String>> {
        let text = format!("strategy:\n  matrix: {matrix}\n");
        let tell = |values: &Values| values.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",");
        Some(jobs(&documents(&text).unwrap()[0])?.iter().map(tell).collect())
    }

    #[test]
    fn axes_multiply() {
        assert_eq!(told("{env: [a, b], os: [x]}").unwrap(), ["env=a,os=x", "env=b,os=x"]);
        assert_eq!(told("{env: [{name: a, root: r}]}").unwrap(), ["env.name=a,env.root=r"]);
        let no_matrix = documents("steps: []\nruns-on: x\n").unwrap();
        assert_eq!(jobs(&no_matrix[0]), Some(vec![Values::new()]));
    }

    #[test]
    fn jobs_are_left_out_and_added() {
        let text = "{env: [a, b], os: [x, y], exclude: [{env: a, os: y}], include: [{env: b, root: r}, {env: c}]}";
        assert_eq!(told(text).unwrap(), ["env=a,os=x", "env=b,os=x,root=r", "env=b,os=y,root=r", "env=c"]);
        assert_eq!(told("{include: [{env: a}, {env: b}]}").unwrap(), ["env=a", "env=b"]);
    }

    #[test]
    fn what_only_the_run_knows_is_not_guessed() {
        for matrix in ["'${{ fromJSON(x) }}'", "{env: '${{ fromJSON(x) }}'}", "{env: [a], include: '${{ x }}'}"] {
            assert_eq!(told(matrix), None, "{matrix}");
        }
        let axis = format!("[{}]", (0..20).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
        assert_eq!(told(&format!("{{a: {axis}, b: {axis}, c: {axis}}}")), None);
    }
}
