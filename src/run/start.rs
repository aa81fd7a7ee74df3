//! How a run begins: the inputs are read, and it gets its masker, its console and what it needs to wait for others.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use futures_util::FutureExt as _;

use super::{Run, finish};
use crate::error::{Failure, Problem, Stage, reason, text};
use crate::files::{self, Machine};
use crate::inputs::{
    self, ActionStage, Command, Context, Environment, FileName, Inputs, Mode, Request, Terminals, Word as _,
};
use crate::mask::Masker;
use crate::report::Outcome;
use crate::workflow::{self, Console};

/// The real world, or a test's.
pub struct World<O, E> {
    /// Begin with the program's name.
    pub arguments: Vec<OsString>,
    /// The process environment.
    pub environment: Environment,
    /// Absolute; an error where it was removed.
    pub working_directory: io::Result<PathBuf>,
    /// Our own executable: kubectl may lie beside it. Asked for only then.
    pub executable: fn() -> Option<PathBuf>,
    /// Which streams are terminals.
    pub terminals: Terminals,
    /// Standard input.
    pub stdin: Box<dyn Read + Send>,
    /// Standard output.
    pub out: O,
    /// Standard error.
    pub err: E,
}

/// Runs what the arguments or the action's inputs ask for, to its end or to a signal, and returns the exit code.
pub fn run<O: Write, E: Write>(world: World<O, E>) -> u8 {
    let context = Context::read(&world.arguments, &world.environment, world.terminals);
    let masker = Masker::new();
    workflow::log::start(&world.environment, &masker);
    workflow::panics::tell(&masker);
    let mut console = Console::new(&context, masker.clone(), world.out, world.err);
    let (inputs, early) = match inputs::read(&world.arguments, &world.environment, &context) {
        Ok(Request::Print { text, code }) => {
            console.print(&masker.redact(&text), code);
            return finish::close(console, code);
        }
        Ok(Request::Run { inputs, problems }) => (inputs, problems),
        // The main stage has had the same inputs, said what is wrong with them and done nothing.
        Err(_) if context.mode == Mode::Action && context.stage == ActionStage::Post => return 0,
        Err(failure) => return refuse(console, &context, failure, &masker),
    };
    let working_directory = match world.working_directory {
        Ok(directory) => directory,
        Err(error) => return refuse(console, &context, no_directory(&error), &masker),
    };
    console.configure(&inputs);
    inputs.github_token.iter().for_each(|token| masker.add(token));
    let home = world.environment.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    Run {
        outcome: nothing_yet(&inputs),
        inputs: *inputs,
        context,
        environment: world.environment,
        machine: Machine { working_directory, home },
        executable: world.executable,
        stdin: world.stdin,
        masker,
        console,
        early,
        entered: None,
        vault: None,
        under_trial: None,
        set: None,
        private_files: Vec::new(),
        outsider: None,
    }
    .carried_out()
}

fn nothing_yet(inputs: &Inputs) -> Outcome {
    Outcome {
        command: inputs.command.word(),
        environment: inputs.environment.clone(),
        dry_run: inputs.dry_run,
        ..Outcome::default()
    }
}

/// Tells of a run that cannot begin.
fn refuse<O: Write, E: Write>(mut console: Console<O, E>, context: &Context, failure: Failure, masker: &Masker) -> u8 {
    failure.problems.iter().for_each(|problem| console.problem(problem));
    let code = failure.exit_code();
    if context.mode == Mode::Action || context.github_actions {
        let outcome = Outcome { failed: Some(failure.stage), problems: failure.problems, ..Outcome::default() };
        finish::tell_runner(&mut console, context, &outcome, masker);
    }
    finish::close(console, code)
}

fn no_directory(error: &io::Error) -> Failure {
    let text = text!("the working directory cannot be found: {}", reason(error));
    let help = "it may have been removed since: `cd` to one that is there";
    Failure::new(Stage::Inputs, vec![Problem::error("no-working-directory", text).help(help)])
}

/// Whether anything that a run does may take as long as somebody else likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// Files are read and one is written.
    ForNothing,
    /// A child, a server, a pipe or a person: meanwhile signals are heard.
    ForOthers,
}

impl Waits {
    fn of(inputs: &Inputs) -> Self {
        let may_wait = |file: &FileName| match file {
            FileName::Standard => true,
            FileName::Path(path) => files::may_wait(path),
        };
        let is_alone = inputs.command == Command::Render && inputs.vault.secrets.is_empty();
        match is_alone && !inputs.templates.iter().chain(&inputs.env_file).any(may_wait) {
            true => Self::ForNothing,
            false => Self::ForOthers,
        }
    }
}

impl<O: Write, E: Write> Run<O, E> {
    fn carried_out(mut self) -> u8 {
        let waits = Waits::of(&self.inputs);
        if waits == Waits::ForNothing {
            // Starting a runtime would cost a tenth of a render's time; without waits the future is ready when first polled.
            return self.command(waits).now_or_never().unwrap_or(1);
        }
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let text = text!("the system does not let this program wait for others: {}", reason(&error));
                self.fail(Failure::new(Stage::Inputs, vec![Problem::error("no-runtime", text)]));
                return self.finish(1);
            }
        };
        let code = runtime.block_on(self.command(waits));
        // A read that a signal has overtaken is not waited for.
        runtime.shutdown_background();
        code
    }
}
