//! `bed`: a real Kubernetes control plane with a simulated node, for as long as one command runs.

mod authority;
mod cage;
mod cluster;
mod tools;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::authority::Authority;
use crate::cage::Purpose;
use crate::tools::Tools;

/// What `bed` itself could not do ends with this code, so that it differs from the codes of most commands.
const BED_FAILED: u8 = 125;

#[derive(Parser)]
#[command(name = "bed", about = "A real Kubernetes control plane for tests", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a bed, run a command in it, stop the bed; the exit code is the command's, 125 when the bed failed
    ///
    /// The command finds in its environment: KUBECONFIG (cluster-admin), BED_SERVER (the API server's URL), BED_DIR
    /// (ca.crt, ca.key, admin.crt, admin.key, server, logs/), BED (this program) and PATH with the pinned kubectl first.
    Run {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Start a bed for a person: prints the lines to export, stays until Ctrl-C or `bed down`
    Up,
    /// Stop every bed that `bed up` started
    Down,
    /// Inside a bed: print the kubeconfig of a new user, who may do nothing until a role is bound to the name or group
    User {
        name: String,
        #[arg(long)]
        group: Option<String>,
        /// The certificate ended in 2020
        #[arg(long)]
        expired: bool,
    },
    /// Build what a bed needs and the cache lacks
    Build,
    /// Print the directory of the pinned kubectl, built first if the cache lacks it
    Kubectl,
    #[command(hide = true)]
    Init { dir: PathBuf, command: Vec<OsString> },
    #[command(hide = true)]
    Inside { dir: PathBuf, command: Vec<OsString> },
    #[command(hide = true)]
    Hold,
}

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bed: {error:#}");
            ExitCode::from(BED_FAILED)
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run { command } => return cage::run(&command, Purpose::Command),
        Command::Up => return cage::run(&[std::env::current_exe()?.into(), "hold".into()], Purpose::Person),
        Command::Init { dir, command } => return cage::init(&dir, &command),
        Command::Inside { dir, command } => return inside(&dir, &command),
        Command::Down => cage::stop_all()?,
        Command::User { name, group, expired } => print!("{}", user(&name, group.as_deref(), expired)?),
        Command::Build => drop(Tools::build()?),
        Command::Kubectl => println!("{}", tools::kubectl()?.display()),
        Command::Hold => hold()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs in the namespace of the bed: whatever it started dies when it returns.
fn inside(dir: &Path, command: &[OsString]) -> Result<ExitCode> {
    let tools = Tools::build()?;
    let cluster = cluster::start(&tools, dir)?;
    cage::mark_started(dir)?;
    let (program, arguments) = command.split_first().context("no command to run")?;
    let status = std::process::Command::new(program)
        .args(arguments)
        .envs(cluster.environment()?)
        .status()
        .with_context(|| format!("cannot run `{}`", program.display()))?;
    Ok(cage::exit_code(status))
}

fn user(name: &str, group: Option<&str>, expired: bool) -> Result<String> {
    let dir =
        PathBuf::from(std::env::var_os("BED_DIR").context("`BED_DIR` is not set: `bed user` works inside a bed")?);
    let server = std::fs::read_to_string(dir.join("server"))?;
    let authority = Authority::load(&dir)?;
    Ok(authority.kubeconfig(&server, name, &authority.user(name, group, expired)?))
}

/// The command of `bed up`: says how to reach the bed and waits to be killed with it.
fn hold() -> Result<()> {
    for name in ["KUBECONFIG", "KUBECACHEDIR", "BED_SERVER", "BED_DIR", "BED", "PATH"] {
        println!("export {name}='{}'", std::env::var(name)?.replace('\'', r"'\''"));
    }
    eprintln!("bed: ready; Ctrl-C or `bed down` stops it");
    loop {
        std::thread::park();
    }
}
