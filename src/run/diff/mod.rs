//! `diff`: what an apply would do, key by key, without a write.

pub(in crate::run) mod base;
pub(in crate::run) mod side;

use std::io::Write;

use crate::error::{Failure, Problem, Stage, text};
use crate::run::{Done, Run};
use crate::template::{Filled, StandIns, Template};
use crate::values::Values;

impl<O: Write, E: Write> Run<O, E> {
    pub(in crate::run) async fn diff(&mut self) -> Done {
        if let Some(base) = self.inputs.base.clone() {
            return self.diff_with_base(&base).await;
        }
        let deployment = self.deployment()?;

        self.enter(Stage::Values);
        let template = self.template(&deployment.layout).await?;
        let mut values = self.values(&template).await?;

        self.enter(Stage::Render);
        let filled = self.fill_as_far_as_given(&template, &mut values)?;

        self.foresee(deployment, &filled, &values).await?.allowed().map(drop)
    }

    /// The template with its values, and with stand-ins for those that are not given.
    pub(in crate::run) fn fill_as_far_as_given(
        &mut self,
        template: &Template,
        values: &mut Values,
    ) -> Result<Filled, Failure> {
        let rules = self.fill_rules();
        values.stand_in_for_missing(&template.names(&rules));
        if values.lack_any() {
            // An apply would refuse such a default: more likely it is the value that is not there.
            let tried = template.fill(values, &rules, StandIns::None);
            let tried = tried.map_err(|problems| Failure::new(Stage::Render, problems))?;
            let refused: Vec<&String> = self.refused_defaults(&tried).map(|asked| &asked.name).collect();
            values.drop_defaults(refused);
        }
        let filled = self.fill(template, values, StandIns::Make)?;
        self.tell_missing(&filled, values);
        Ok(filled)
    }

    fn tell_missing(&mut self, filled: &Filled, values: &Values) {
        let missing = filled.names.iter().filter(|name| values.stand_in(name).is_some());
        let missing: Vec<String> = missing.map(|name| format!("`{name}`")).collect();
        if !missing.is_empty() {
            let text = text!("not given here: {}; whether their keys change is unknown", missing.join(", "));
            self.note([Problem::notice("values-not-given", text)]);
        }
    }
}
