//! How a run begins: the inputs are read, and it gets its masker and its console before anything else happens.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;

use super::{Run, finish};
use crate::files::Machine;
use crate::inputs::{self, Context, Environment, Mode, Request, Terminals, Word as _};
use crate::mask::Masker;
use crate::report::Outcome;
use crate::workflow::{self, Console};

/// The real world, or a test's.
pub struct World<O, E> {
    /// Begin with the program's name.
    pub arguments: Vec<OsString>,
    /// The process environment.
    pub environment: Environment,
    /// Absolute.
    pub working_directory: PathBuf,
    /// Our own executable: kubectl may lie beside it.
    pub executable: Option<PathBuf>,
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
pub async fn run<O: Write, E: Write>(world: World<O, E>) -> u8 {
    let context = Context::read(&world.arguments, &world.environment, world.terminals);
    let masker = Masker::new();
    workflow::log::start(&world.environment, &masker);
    workflow::panics::tell(&masker);
    let mut console = Console::new(&context, masker.clone(), world.out, world.err);
    match inputs::read(&world.arguments, &world.environment, &context) {
        Ok(Request::Print { text, code }) => {
            console.print(&masker.redact(&text), code);
            code
        }
        Ok(Request::Run { inputs, problems }) => {
            console.configure(&inputs);
            let outcome = Outcome {
                command: inputs.command.word(),
                environment: inputs.environment.clone(),
                dry_run: inputs.dry_run,
                ..Outcome::default()
            };
            let machine = Machine {
                working_directory: world.working_directory,
                home: world.environment.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from),
            };
            let run = Run {
                inputs: *inputs,
                context,
                environment: world.environment,
                machine,
                executable: world.executable,
                stdin: world.stdin,
                masker,
                console,
                outcome,
                early: problems,
                entered: None,
                vault: None,
                set: None,
                private_files: Vec::new(),
                outsider: None,
            };
            run.inputs.github_token.iter().for_each(|token| run.masker.add(token));
            run.command().await
        }
        Err(failure) => {
            failure.problems.iter().for_each(|problem| console.problem(problem));
            let code = failure.exit_code();
            if context.mode == Mode::Action {
                let outcome = Outcome { failed: Some(failure.stage), problems: failure.problems, ..Outcome::default() };
                finish::tell_runner(&mut console, &context, &outcome, &masker);
            }
            code
        }
    }
}
