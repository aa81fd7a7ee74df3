//! Builds the real world and hands it to `run`.
#![expect(clippy::disallowed_methods, reason = "the environment, the arguments and the directory are read once, here")]

use std::alloc::System;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use secret_patch::inputs::Terminals;
use secret_patch::run::{World, forbid_core_dumps, run};
use zeroizing_alloc::ZeroAlloc;

/// What held a value is overwritten when it is freed, whichever type it had.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    forbid_core_dumps();
    ExitCode::from(run(World {
        arguments: std::env::args_os().collect(),
        environment: std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect(),
        working_directory: std::env::current_dir(),
        executable: || std::env::current_exe().ok(),
        terminals: Terminals {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        },
        stdin: Box::new(io::stdin()),
        out: io::stdout(),
        err: io::stderr(),
    }))
}
