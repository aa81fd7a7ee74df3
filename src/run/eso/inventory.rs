//! `eso inventory`: every Secret and who owns it, every ExternalSecret and store and how it is.

use std::io::Write;

use super::super::{Done, Run};
use super::look::USERS;
use super::now;
use crate::error::{Problem, Stage};

impl<O: Write, E: Write> Run<O, E> {
    pub(in crate::run) async fn eso_inventory(&mut self) -> Done {
        self.enter(Stage::Inputs);
        let kubectl = self.reach_cluster()?;
        self.send_masks()?;

        self.enter(Stage::Inventory);
        let scope = self.scope(&kubectl).await?;
        let inventory = self.look(&kubectl, &scope, &USERS).await?;
        if inventory.api_version.is_none() {
            let text = "External Secrets is not installed in this cluster, or serves neither `v1` nor `v1beta1`";
            self.note([Problem::notice("no-external-secrets", text)
                .help("see https://external-secrets.io for how to install it")]);
        }
        self.outcome.survey = Some(inventory.survey(now()));
        Ok(())
    }
}
