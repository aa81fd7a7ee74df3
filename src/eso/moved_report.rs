//! The report on a run: ready to be pasted into a pull request.

use serde_json::{Value, json};

use super::moved::{InVault, Moved, Sync};
use super::neighbours::{Neighbour, next_plans};
use super::owner::Owner;
use super::plan::Plan;
use super::remains::Remain;
use crate::report::{Cell, Survey, Table, count};

/// How a run was asked to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Nothing was written.
    pub dry_run: bool,
    /// No ExternalSecret was applied.
    pub write_only: bool,
    /// The manifests, in the order of the plan.
    pub files: Vec<String>,
    /// What the checkout still says of Secrets that moved.
    pub remains: Vec<Remain>,
    /// What is left for other environments.
    pub neighbours: Vec<Neighbour>,
}

/// The report on a run of `plan`.
pub fn survey(plan: &Plan, moved: &[Moved], told: &Told) -> Survey {
    Survey { sentence: sentence(moved, told), tables: tables(plan, moved, told), data: data(plan, moved, told) }
}

fn sentence(moved: &[Moved], told: &Told) -> String {
    let all = moved.len();
    let many = |is: fn(&Moved) -> bool| moved.iter().filter(|one| is(one)).count();
    let told_of = |many: usize, what: &str| if many == 0 { String::new() } else { format!(", {many} {what}") };
    let refused = told_of(many(|one| !one.is_well()), "refused");
    let ahead = told_of(many(|one| one.warning().is_some()), "behind Vault until the next refresh");
    let is_settled = many(Moved::is_settled) == all;
    if told.dry_run {
        let what = match count(many(Moved::is_movable), "Secret") {
            _ if is_settled => format!("nothing to do: {} in Vault and in sync", all_are(all)),
            movable => format!("{movable} could be moved"),
        };
        return format!("Dry run: {what}{refused}{ahead}; nothing was written");
    }
    if told.write_only {
        let kept = many(Moved::is_kept);
        return format!(
            "Vault holds {kept} of {}{refused}{ahead}; no ExternalSecret was applied",
            count(all, "Secret")
        );
    }
    if is_settled {
        return format!("Nothing to do: {} in Vault and in sync", all_are(all));
    }
    let synced = many(|one| one.sync != Sync::None);
    format!("Moved {synced} of {} to Vault and External Secrets{refused}{ahead}", count(all, "Secret"))
}

fn all_are(all: usize) -> String {
    if all == 1 { "the one Secret is".to_owned() } else { format!("all {all} Secrets are") }
}

fn tables(plan: &Plan, moved: &[Moved], told: &Told) -> Vec<Table> {
    let rows = |of: &dyn Fn(&Moved) -> Option<Vec<Cell>>| moved.iter().filter_map(of).collect::<Vec<_>>();
    let place = |one: &Moved| [Cell::name(&one.plan.namespace), Cell::name(&one.plan.secret)].to_vec();
    let before = |one: &Moved| {
        let owner = one.before.as_ref().map(ToString::to_string).unwrap_or_default();
        let keys = Cell::words(one.plan.keys.len().to_string());
        Some([place(one), vec![Cell::name(&one.plan.kind), Cell::words(owner), keys]].concat())
    };
    let migrated = |one: &Moved| {
        let keys = one.plan.keys.iter().map(|key| key.key.clone()).collect();
        let path = Cell::name(format!("{}/{}", plan.mount, one.plan.path));
        Some(vec![path, Cell::words(one.vault.word()), Cell::Names(keys)])
    };
    let externals = |one: &Moved| {
        let names = [&one.plan.namespace, &one.plan.external_secret, &one.plan.secret].map(Cell::name).to_vec();
        let ready = if one.sync == Sync::None { "" } else { "SecretSynced, True" };
        Some([names, vec![Cell::words(one.sync.word()), Cell::words(ready)]].concat())
    };
    let removed = |one: &Moved| {
        one.stripped.then(|| [place(one), vec![Cell::words("last-applied-configuration, with its values")]].concat())
    };
    let failed =
        |one: &Moved| Some([place(one), vec![Cell::words(one.problem.as_ref()?.message.to_string())]].concat());
    let left = plan
        .left_out
        .iter()
        .map(|left| vec![Cell::name(&left.namespace), Cell::name(&left.secret), Cell::words(&left.why)]);
    vec![
        Table { title: "Before", columns: &["Namespace", "Secret", "Type", "Owner", "Keys"], rows: rows(&before) },
        Table { title: "In Vault", columns: &["Path", "State", "Keys"], rows: rows(&migrated) },
        Table {
            title: "ExternalSecrets",
            columns: &["Namespace", "ExternalSecret", "Secret", "State", "Ready"],
            rows: if told.write_only || told.dry_run { Vec::new() } else { rows(&externals) },
        },
        Table { title: "Removed", columns: &["Namespace", "Secret", "What"], rows: rows(&removed) },
        Table { title: "Checks", columns: &["Check", "Result"], rows: checks(moved, told) },
        Table { title: "Refused", columns: &["Namespace", "Secret", "Why"], rows: rows(&failed) },
        Table {
            title: "Still in this checkout, to be taken out before the next apply",
            columns: &["Namespace", "Secret", "What", "Where"],
            rows: still_there(moved, told),
        },
        Table { title: "Left for later", columns: &["Namespace", "Secret", "Why"], rows: left.collect() },
        Table {
            title: "Left for other environments",
            columns: &["Namespace", "Secret", "Owner"],
            rows: told
                .neighbours
                .iter()
                .map(|one| vec![Cell::name(&one.namespace), Cell::name(&one.secret), Cell::words(&one.owner)])
                .collect(),
        },
        Table {
            title: "Next",
            columns: &["Environment", "Command"],
            rows: next_plans(plan, &told.neighbours)
                .into_iter()
                .map(|(word, command)| vec![Cell::name(word), Cell::name(command)])
                .collect(),
        },
        Table {
            title: "Files",
            columns: &["To be committed"],
            rows: told.files.iter().map(|file| vec![Cell::name(file)]).collect(),
        },
    ]
}

/// What people have to take out; for a Secret of this program that nothing here speaks of, where that is to be looked for.
fn still_there(moved: &[Moved], told: &Told) -> Vec<Vec<Cell>> {
    let found = told.remains.iter().map(|one| {
        let place = format!("{}:{}", one.place.file, one.place.line);
        vec![Cell::name(&one.namespace), Cell::name(&one.secret), Cell::words(&one.what), Cell::name(place)]
    });
    let is_found = |one: &&Moved| {
        told.remains.iter().any(|remain| remain.namespace == one.plan.namespace && remain.secret == one.plan.secret)
    };
    let elsewhere = moved.iter().filter(|one| one.is_in_sync() && !is_found(one)).filter_map(|one| {
        let (repository, root, environment) = one.set.as_ref()?.parts()?;
        let what = format!("nothing here; it was applied for {environment} from {root} of {repository}");
        Some(vec![Cell::name(&one.plan.namespace), Cell::name(&one.plan.secret), Cell::words(what), Cell::words("")])
    });
    found.chain(elsewhere).collect()
}

fn checks(moved: &[Moved], told: &Told) -> Vec<Vec<Cell>> {
    if told.dry_run {
        return Vec::new();
    }
    let all = moved.len();
    let row = |what: &str, is: &dyn Fn(&&Moved) -> bool| {
        let many = moved.iter().filter(is).count();
        vec![Cell::words(what), Cell::words(format!("{many}/{all}"))]
    };
    let mut rows = vec![row("Vault, read back, holds the Secret's bytes", &|one| one.is_kept())];
    if !told.write_only {
        rows.push(row("ExternalSecret ready and in sync with its spec (SecretSynced)", &|one| one.sync != Sync::None));
        rows.push(row("Secret unchanged byte by byte, with the same uid", &|one| {
            one.is_in_sync() && one.vault != InVault::Ahead
        }));
    }
    rows
}

fn data(plan: &Plan, moved: &[Moved], told: &Told) -> Value {
    let one = |one: &Moved| {
        json!({
            "namespace": one.plan.namespace,
            "secret": one.plan.secret,
            "path": format!("{}/{}", plan.mount, one.plan.path),
            "externalSecret": one.plan.external_secret,
            "keys": one.plan.keys.iter().map(|key| &key.key).collect::<Vec<_>>(),
            "before": one.before.as_ref().map(Owner::word),
            "vault": one.vault.word(),
            "sync": one.sync.word(),
            "stripped": one.stripped,
            "problem": one.problem.as_ref().map(|problem| json!({"kind": problem.kind, "message": problem.message.as_str()})),
        })
    };
    json!({
        "plan": plan.id,
        "secrets": moved.iter().map(one).collect::<Vec<_>>(),
        "changed": moved.iter().any(Moved::is_changed),
        "leftOut": plan.left_out,
        "remains": told.remains.iter().map(|one| json!({
            "namespace": one.namespace, "secret": one.secret, "what": one.what, "file": one.place.file, "line": one.place.line,
        })).collect::<Vec<_>>(),
        "otherEnvironments": told.neighbours.iter().map(|one| json!({
            "namespace": one.namespace, "secret": one.secret, "owner": one.owner,
        })).collect::<Vec<_>>(),
        "files": told.files,
    })
}
