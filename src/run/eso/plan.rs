//! `eso plan`: what moving hand-made Secrets to Vault would take, as a file without values.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::{Done, Run};
use crate::error::{Failure, Problem, Stage, text};
use crate::eso::{Inventory, Plan, PlanFile, StoreFacts};
use crate::files;
use crate::inputs::FileName;
use crate::report::{Cell, Survey, Table, count};

/// Where the plan goes unless the inputs say otherwise.
const FILE: &str = "eso-plan.yaml";

impl<O: Write, E: Write> Run<O, E> {
    pub(in crate::run) async fn eso_plan(&mut self) -> Done {
        self.enter(Stage::Inputs);
        let kubectl = self.reach_cluster()?;
        self.send_masks()?;
        let file = match self.inputs.output.clone() {
            Some(FileName::Standard) => None,
            Some(FileName::Path(path)) => Some(path),
            None => Some(self.inputs.eso.plan.clone().unwrap_or_else(|| PathBuf::from(FILE))),
        };
        let earlier = file.as_deref().map(|file| self.earlier_plan(file)).transpose()?.flatten();

        self.enter(Stage::Inventory);
        let scope = self.scope(&kubectl).await?;
        let inventory = self.look(&kubectl, &scope, &[]).await?;

        self.enter(Stage::Plan);
        let plan = self.planned(&inventory, earlier.as_ref())?;
        self.outcome.survey = Some(survey(&plan, file.as_deref()));
        let yaml = plan.to_yaml();
        match &file {
            Some(path) => {
                let failure = |problem| Failure::new(Stage::Plan, vec![problem]);
                files::write_text(&self.absolute(path), &yaml).map_err(failure)?;
            }
            None => {
                let yaml = self.masker.redact(&yaml);
                self.console.print(&yaml, 0);
            }
        }
        Ok(())
    }

    /// An earlier plan in the file's place, whose edits are kept.
    fn earlier_plan(&self, file: &Path) -> Result<Option<Plan>, Failure> {
        let failure = |problems| Failure::new(Stage::Inputs, problems);
        let found = files::read_if_there(&self.absolute(file)).map_err(|problem| failure(vec![problem]))?;
        let name = file.display().to_string();
        let plan = found.map(|yaml| Plan::parse(&name, &yaml)).transpose();
        plan.map_err(|mut problems| {
            let text = text!("`{name}` is there already, and cannot be planned over");
            problems.push(
                Problem::error("plan-in-place", text)
                    .help("repair it, move it away, or name another file with `output`"),
            );
            failure(problems)
        })
    }

    fn planned(&mut self, inventory: &Inventory, earlier: Option<&Plan>) -> Result<Plan, Failure> {
        let failure = |problem| Failure::new(Stage::Plan, vec![problem]);
        let Some(api_version) = inventory.api_version.as_deref() else {
            let text = "External Secrets is not installed in this cluster, or serves neither `v1` nor `v1beta1`";
            return Err(failure(
                Problem::error("no-external-secrets", text)
                    .help("see https://external-secrets.io for how to install it"),
            ));
        };
        let store = store(inventory, self.inputs.eso.store.as_deref()).map_err(failure)?;
        let mount = mount_of(store).map_err(failure)?;
        if !store.is_valid() {
            let text = text!("the {} `{}` is not valid: {}", store.kind, store.name, store.trouble());
            self.note([Problem::warning("store-invalid", text)
                .help("repair it before the run, which refuses to go on with it; check that External Secrets runs")]);
        }
        let eso = &self.inputs.eso;
        let (prefix, refresh) = (eso.prefix.as_deref(), eso.refresh.map(|refresh| refresh.as_secs()));
        let file = PlanFile { prefix, refresh, api_version };
        let (plan, problems) = Plan::of(inventory, store, &mount, file, earlier);
        self.settle(Stage::Plan, problems)?;
        if plan.secrets.is_empty() {
            let text = "there is no Secret to move: see why each was left out";
            self.note([Problem::notice("nothing-to-move", text)]);
        }
        Ok(plan)
    }
}

/// The store of this name, or the only one for Vault.
fn store<'a>(inventory: &'a Inventory, name: Option<&str>) -> Result<&'a StoreFacts, Problem> {
    let of_vault = |store: &&StoreFacts| store.vault.is_some();
    let named = |store: &&StoreFacts| name.is_none_or(|name| store.name == name);
    let fitting: Vec<&StoreFacts> = inventory.stores.iter().filter(of_vault).filter(named).collect();
    let names = || fitting.iter().map(|store| store.name.as_str()).collect::<Vec<_>>().join("`, `");
    match (fitting.as_slice(), name) {
        ([one], _) => Ok(one),
        ([], Some(name)) => Err(Problem::error("store-missing", text!("there is no store `{name}` for Vault"))
            .help("name one that `eso inventory` shows; a SecretStore is seen in its own namespace")),
        ([], None) => Err(Problem::error("store-missing", "there is no ClusterSecretStore or SecretStore for Vault")
            .help("make one: docs/vault.md shows how")),
        (_, _) => Err(Problem::error("store-unclear", text!("there are several stores for Vault: `{}`", names()))
            .help("name one with `store`, and where it is a SecretStore its namespace with `namespaces`")),
    }
}

fn mount_of(store: &StoreFacts) -> Result<String, Problem> {
    let vault = store.vault.as_ref();
    if vault.is_some_and(|vault| vault.version != "v2") {
        let text = text!("the store `{}` reads KV v1, which has no check-and-set", store.name);
        return Err(Problem::error("store-version", text)
            .help("upgrade the mount: `vault kv enable-versioning PATH`, then `version: v2`"));
    }
    vault.and_then(|vault| vault.mount.clone()).ok_or_else(|| {
        let text = text!("the store `{}` names no `path`, so each key would begin with a mount", store.name);
        Problem::error("store-mount", text).help("write the mount into `spec.provider.vault.path`")
    })
}

fn survey(plan: &Plan, file: Option<&Path>) -> Survey {
    let place = file.map(|file| format!(" into {}", file.display())).unwrap_or_default();
    let (many, rest) = (count(plan.secrets.len(), "Secret"), plan.left_out.len());
    let sentence = format!("Planned {many} to {}{place}; {rest} left out", plan.mount);
    let moved = plan.secrets.iter().map(|secret| {
        vec![
            Cell::name(&secret.namespace),
            Cell::name(&secret.secret),
            Cell::name(format!("{}/{}", plan.mount, secret.path)),
            Cell::name(&secret.external_secret),
            Cell::Names(secret.keys.iter().map(|key| key.key.clone()).collect()),
        ]
    });
    let left_out = plan
        .left_out
        .iter()
        .map(|left| vec![Cell::name(&left.namespace), Cell::name(&left.secret), Cell::words(&left.why)]);
    let namespaces: BTreeSet<&String> = plan.secrets.iter().map(|secret| &secret.namespace).collect();
    let data = json!({"plan": plan, "file": file.map(|file| file.display().to_string()), "namespaces": namespaces});
    let columns = &["Namespace", "Secret", "Vault path", "ExternalSecret", "Keys"];
    let tables = vec![
        Table { title: "To be moved", columns, rows: moved.collect() },
        Table { title: "Left out", columns: &["Namespace", "Secret", "Why"], rows: left_out.collect() },
    ];
    Survey { sentence, tables, data }
}
