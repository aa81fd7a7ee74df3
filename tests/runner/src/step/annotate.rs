//! `error`, `warning` and `notice`.

use super::session::Session;
use crate::annotation::{Kind, locate, repair_positions};
use crate::command::Properties;

impl Session<'_> {
    pub(super) fn annotate(&mut self, kind: Kind, mut properties: Properties, message: &str) {
        repair_positions(&mut properties);
        locate(&mut properties, &self.job.mounts, self.in_container, &self.job.repository);
        self.issue(kind, message, properties);
    }
}
