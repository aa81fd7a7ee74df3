//! The runner at work on one step.

use crate::annotation::{Annotation, Kind};
use crate::command::Properties;
use crate::job::Job;
use crate::registered::Registered;
use crate::step::{ANNOTATION_LIMIT, Finished, MESSAGE_LIMIT};

pub(super) struct Session<'a> {
    pub(super) job: &'a mut Job,
    pub(super) in_container: bool,
    /// `None` for a step without outputs.
    pub(super) id: Option<String>,
    pub(super) registered: Registered,
    /// Commands are stopped until this one comes; an empty one never does.
    pub(super) stopped_until: Option<String>,
    pub(super) echo: bool,
    pub(super) done: Finished,
}

/// A command that could not be carried out, in the runner's words.
pub(super) struct Refused(pub(super) String);

impl<'a> Session<'a> {
    pub(super) fn new(job: &'a mut Job, id: &str, in_container: bool) -> Self {
        Self {
            in_container,
            id: (!id.is_empty() && !id.starts_with("__")).then(|| id.to_owned()),
            registered: Registered::default(),
            stopped_until: None,
            echo: job.step_debug,
            done: Finished::default(),
            job,
        }
    }

    pub(super) fn finish(self) -> Finished {
        self.done
    }

    /// Writes to the log, masked.
    pub(super) fn write(&mut self, text: &str) {
        self.done.log.push(self.job.masker.mask(text));
    }

    /// Writes to the log under step debug, line by line.
    pub(super) fn debug(&mut self, text: &str) {
        if self.job.step_debug {
            for line in text.replace("\r\n", "\n").split('\n') {
                self.write(&format!("##[debug]{line}"));
            }
        }
    }

    /// The message is masked and then cut; what comes with it is kept as it is.
    pub(super) fn issue(&mut self, kind: Kind, message: &str, properties: Properties) -> String {
        let message = cut(&self.job.masker.mask(message));
        if self.done.annotations.iter().filter(|known| known.kind == kind).count() < ANNOTATION_LIMIT {
            self.done.annotations.push(Annotation { kind, message: message.clone(), properties });
        } else {
            self.done.dropped_annotations += 1;
        }
        if !message.is_empty() {
            self.write(&format!("{}{message}", kind.tag()));
        }
        message
    }

    /// An error of the runner itself.
    pub(super) fn error(&mut self, message: &str) {
        let message = self.issue(Kind::Error, message, Properties::default());
        self.done.errors.push(message);
    }

    /// A warning of the runner itself.
    pub(super) fn warning(&mut self, message: &str) {
        let message = self.issue(Kind::Warning, message, Properties::default());
        self.done.warnings.push(message);
    }

    /// The step fails at its end, whatever its exit code is.
    pub(super) fn fail(&mut self, what: &str, why: &Refused) {
        self.error(what);
        self.error(&why.0);
        self.done.failed = true;
    }

    pub(super) fn set_output(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        if name.is_empty() {
            return Err(Refused("Value cannot be null. (Parameter 'name')".to_owned()));
        }
        if self.id.is_some() {
            self.done.outputs.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    pub(super) fn set_env(&mut self, name: &str, value: &str) {
        self.job.environment.insert(name.to_owned(), value.to_owned());
        self.debug(&format!("{name}='{value}'"));
    }
}

fn cut(message: &str) -> String {
    let units: Vec<u16> = message.encode_utf16().take(MESSAGE_LIMIT).collect();
    String::from_utf16_lossy(&units)
}
