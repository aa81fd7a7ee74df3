//! The commands, each a story told once: one call a stage, in order.

mod apply;
mod built;
mod check;
mod cleanup;
mod cluster;
mod comment;
mod diff;
mod eso;
mod finish;
mod foresee;
mod outsider;
mod prepare;
mod render;
mod start;
mod tree;
mod vault;

use std::io::{Read, Write};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;

use crate::changes::{Inheritance, ObjectChange, Set, Takeover};
use crate::error::{Failure, Problem, Severity, Stage, Text, text};
use crate::files::Machine;
pub use crate::files::forbid_core_dumps;
use crate::inputs::{Command, Context, Environment, Inputs, Mode};
use crate::mask::Masker;
use crate::object::Object;
use crate::report::Outcome;
use crate::vault::Vault;
use crate::workflow::Console;
use eso::UnderTrial;
use outsider::Outsider;
use start::Waits;
pub use start::{World, run};

/// One run of one command.
struct Run<O, E> {
    inputs: Inputs,
    context: Context,
    environment: Environment,
    machine: Machine,
    executable: fn() -> Option<PathBuf>,
    stdin: Box<dyn Read + Send>,
    masker: Masker,
    console: Console<O, E>,
    outcome: Outcome,
    /// Findings from before the masks are out: nothing is printed earlier.
    early: Vec<Problem>,
    entered: Option<(Stage, Instant)>,
    /// Logged in to until the values are read, or the run is stopped.
    vault: Option<Arc<Vault>>,
    /// What `eso run` has to take away again, wherever it ends.
    under_trial: Option<UnderTrial>,
    /// Once it is known.
    set: Option<Set>,
    /// What was read for credentials and values: no build may read it too.
    private_files: Vec<PathBuf>,
    /// Whose job this is, if it was given no access: told once, at the beginning.
    outsider: Option<Outsider>,
}

/// One object of the build with what is to be done about it.
#[derive(Debug, Clone)]
struct Step {
    wanted: Object,
    live: Option<Object>,
    change: ObjectChange,
    /// Waits for a Namespace or CRD of this build.
    depends: bool,
    /// Whose fields may be taken over.
    takeover: Takeover,
    /// What hand work leaves to us.
    inherited: Option<Inheritance>,
    /// Whether we write the object at all.
    standing: Standing,
    /// Whether the change is what the server answered.
    answered: bool,
}

/// What an object is to this set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// New, ours, or to become ours.
    Ours,
    /// Cluster-wide, kept by others, and already as the build wants it: left alone.
    Shared,
    /// Kept by others: refused.
    Foreign,
    /// Perhaps there, but it may not be read.
    Unread,
}

/// How a part of a run ends: with nothing to hand on, or as a failure of its stage.
type Done = Result<(), Failure>;

impl<O: Write, E: Write> Run<O, E> {
    async fn command(mut self, waits: Waits) -> u8 {
        let story = AssertUnwindSafe(self.story()).catch_unwind();
        let ended = match waits {
            Waits::ForNothing => Ok(story.await),
            Waits::ForOthers => tokio::select! {
                ended = story => Ok(ended),
                signal = signal() => Err(signal),
            },
        };
        Box::pin(self.end_trials()).await;
        self.log_out().await;
        let stage = self.entered.map_or(Stage::Inputs, |(stage, _)| stage);
        let ended = ended.map(|ended| ended.unwrap_or_else(|_| Err(Failure::internal(stage))));
        let code = match ended {
            Ok(ended) => {
                let code = self.ended(ended);
                self.comment().await;
                code
            }
            Err((name, code)) => {
                self.fail(Failure::new(stage, vec![Problem::error("stopped", text!("stopped by {name}"))]));
                code
            }
        };
        self.finish(code)
    }

    /// Tells a failure. Returns the exit code; as of `kubectl diff`, 1 means a difference where it was asked for.
    fn ended(&mut self, ended: Done) -> u8 {
        let Err(failure) = ended else { return u8::from(self.inputs.command_line.exit_code && self.outcome.changed()) };
        let code = self.failure_code(&failure);
        self.fail(failure);
        code
    }

    fn failure_code(&self, failure: &Failure) -> u8 {
        match (self.context.mode, self.inputs.command_line.exit_code) {
            (Mode::Action, _) => 1,
            (Mode::CommandLine, true) => 2,
            (Mode::CommandLine, false) => failure.exit_code(),
        }
    }

    async fn story(&mut self) -> Done {
        self.outsider = self.outsider()?;
        if let Some(outsider) = self.outsider {
            return Box::pin(self.look_without_access(outsider)).await;
        }
        match self.inputs.command {
            Command::Render => self.render().await,
            // Boxed: otherwise the largest of these futures would lie on the stack whichever command runs.
            Command::Check => Box::pin(self.check()).await,
            Command::Diff => Box::pin(self.diff()).await,
            Command::Apply => Box::pin(self.apply()).await,
            Command::Cleanup => self.cleanup(),
            Command::EsoInventory => Box::pin(self.eso_inventory()).await,
            Command::EsoPlan => Box::pin(self.eso_plan()).await,
            Command::EsoRun => Box::pin(self.eso_run()).await,
            Command::EsoVerify => Box::pin(self.eso_verify()).await,
        }
    }

    /// What follows belongs to `stage`.
    fn enter(&mut self, stage: Stage) {
        self.leave();
        self.entered = Some((stage, Instant::now()));
        self.console.stage(stage);
        tracing::debug!(stage = stage.name(), "entered");
    }

    fn leave(&mut self) {
        if let Some((stage, since)) = self.entered.take() {
            // A command may come to a stage twice: `diff` with a base builds two trees.
            match self.outcome.stages.iter_mut().find(|(earlier, _)| *earlier == stage) {
                Some((_, taken)) => *taken += since.elapsed(),
                None => self.outcome.stages.push((stage, since.elapsed())),
            }
        }
    }

    fn say(&mut self, text: impl Into<Text>) {
        let text = self.masker.redact_text(&text.into());
        self.console.line(&text);
    }

    /// Prints findings and keeps them for the summary.
    fn note(&mut self, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            self.console.problem(&problem);
            self.outcome.problems.push(problem);
        }
    }

    /// Tells the runner what to hide, and then what was found before it knew.
    fn send_masks(&mut self) -> Done {
        self.console.masks().map_err(|error| {
            let text = text!("the masks could not be written: {error}");
            Failure::new(Stage::Values, vec![Problem::error("masks-not-written", text)])
        })?;
        let early = std::mem::take(&mut self.early);
        self.note(early);
        Ok(())
    }

    /// A failed run tells what was done and what was not.
    fn fail(&mut self, failure: Failure) {
        let early = std::mem::take(&mut self.early);
        self.note(early);
        self.outcome.fail_at(failure.stage);
        self.note(failure.problems);
    }

    /// The failure of `stage`, if one of `problems` is an error; else they are noted.
    fn settle(&mut self, stage: Stage, problems: Vec<Problem>) -> Done {
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(Failure::new(stage, problems));
        }
        self.note(problems);
        Ok(())
    }
}

/// Does what may wait for a pipe or a person beside the run, so that a signal is heard meanwhile.
async fn patiently<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    if tokio::runtime::Handle::try_current().is_err() {
        // There is no runtime, since only plain files were expected, and a template turned out to be a pipe: this blocks, and a
        // signal ends the process.
        return Ok(work());
    }
    let failed = |_| Failure::new(Stage::Inputs, vec![Problem::error("unreadable", "the input could not be read")]);
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

/// Waits for the signal that a runner, a terminal or a supervisor ends a program with; its name and the exit code that tells of it.
/// From the call on such a signal no longer ends the program by itself.
fn signal() -> impl Future<Output = (&'static str, u8)> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => ("SIGINT", 130),
            _ = terminate.recv() => ("SIGTERM", 143),
        }
    }
}
