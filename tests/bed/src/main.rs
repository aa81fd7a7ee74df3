//! `bed`: starts what the tests talk to, for as long as one command runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use secret_patch_bed::authority::{Authority, User, write_private};
use secret_patch_bed::cage::{self, Purpose};
use secret_patch_bed::proxy::{Plan, Proxy, STORM};
use secret_patch_bed::servers::{Environment, Servers};
use secret_patch_bed::tools::{self, Part, Tools};
use secret_patch_bed::{cluster, docker, external_secrets, jwt, vault};
use serde_json::Value;

/// What `bed` itself could not do ends with this code, so that it differs from the codes of most commands.
const BED_FAILED: u8 = 125;

#[derive(Parser)]
#[command(name = "bed", about = "What secret-patch talks to, real, for its tests", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args)]
struct Parts {
    /// What the bed has beside its cluster
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    with: Vec<Part>,
}

#[derive(Subcommand)]
enum Command {
    /// Start a bed, run a command in it, stop the bed; the exit code is the command's, 125 when the bed failed
    ///
    /// tests/bed/README.md lists what the command finds in its environment and in the bed's directory, BED_DIR.
    Run {
        #[command(flatten)]
        parts: Parts,
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Start a bed for a person: prints the lines to export, stays until Ctrl-C or `bed down`
    Up {
        #[command(flatten)]
        parts: Parts,
    },
    /// Stop every bed that `bed up` of this checkout started, or the one named
    Down {
        /// Its BED_DIR
        bed: Option<PathBuf>,
    },
    /// Inside a bed: print the kubeconfig of a new user, who may do nothing until a role is bound to the name or group
    User {
        name: String,
        #[arg(long)]
        group: Option<String>,
        /// The certificate ended in 2020
        #[arg(long)]
        expired: bool,
    },
    /// Inside a bed with `vault`: print a token such as GitHub gives to a job of owner/name
    Jwt {
        /// CLAIM=VALUE, the value as JSON or else a string; `CLAIM=null` leaves the claim out
        claims: Vec<String>,
    },
    /// Inside a bed: put faults between clients and a server; prints where it listens, then each request
    ///
    /// Clients log in with a token: a client certificate does not get through.
    Proxy {
        /// The server; the API server if none is given
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        /// Rules, one a line: METHOD PATH WHEN FAULT; some of everything at random if none are given
        #[arg(long, value_name = "FILE")]
        plan: Option<PathBuf>,
        /// The same seed gives the same faults; drawn and printed if none is given
        #[arg(long)]
        seed: Option<u64>,
        /// Write a kubeconfig here whose user administrates the cluster through the proxy
        #[arg(long, value_name = "FILE")]
        kubeconfig: Option<PathBuf>,
    },
    /// Build what a bed needs and the cache lacks
    Build {
        #[command(flatten)]
        parts: Parts,
    },
    /// Print the directory of the pinned kubectl, built first if the cache lacks it
    Kubectl,
    #[command(hide = true)]
    Init {
        #[command(flatten)]
        parts: Parts,
        dir: PathBuf,
        command: Vec<OsString>,
    },
    #[command(hide = true)]
    Inside {
        #[command(flatten)]
        parts: Parts,
        dir: PathBuf,
        command: Vec<OsString>,
    },
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
        Command::Run { parts, command } => return cage::run(&command, &parts.with, Purpose::Command),
        Command::Up { parts } => {
            return cage::run(&[std::env::current_exe()?.into(), "hold".into()], &parts.with, Purpose::Person);
        }
        Command::Init { parts, dir, command } => return cage::init(&dir, &command, &parts.with),
        Command::Inside { parts, dir, command } => return inside(&dir, &command, &parts.with),
        Command::Down { bed } => cage::stop(bed.as_deref())?,
        Command::User { name, group, expired } => print!("{}", user(&name, group.as_deref(), expired)?),
        Command::Jwt { claims } => println!("{}", token(&claims)?),
        Command::Proxy { to, plan, seed, kubeconfig } => proxy(to, plan, seed, kubeconfig.as_deref())?,
        Command::Build { parts } => drop(Tools::build(&parts.with)?),
        Command::Kubectl => println!("{}", tools::kubectl()?.display()),
        Command::Hold => hold()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs in the namespace of the bed: whatever it started dies when it returns.
fn inside(dir: &Path, command: &[OsString], parts: &[Part]) -> Result<ExitCode> {
    let environment = start(dir, parts)?;
    cage::mark_started(dir)?;
    let (program, arguments) = command.split_first().context("no command to run")?;
    let status = std::process::Command::new(program)
        .args(arguments)
        .envs(environment.into_variables()?)
        .status()
        .with_context(|| format!("cannot run `{}`", program.display()))?;
    Ok(cage::exit_code(status))
}

/// Starts the cluster and the parts, and tells how they are reached.
fn start(dir: &Path, parts: &[Part]) -> Result<Environment> {
    let tools = Tools::build(parts)?;
    let mut servers = Servers::new(dir)?;
    let mut environment = Environment::default();
    let cluster = cluster::start(&tools, dir, &mut servers)?;
    if let Some(programs) = &tools.external_secrets {
        external_secrets::define(programs, &cluster, &mut servers)?;
    }
    cluster.start_acting(&mut servers)?;
    cluster.describe(&mut environment)?;
    if let Some(programs) = &tools.openbao {
        let vault = vault::start(programs, dir, &mut servers)?;
        vault.set_up(dir, &cluster)?;
        vault.describe(&mut environment);
    }
    if let Some(programs) = &tools.external_secrets {
        external_secrets::start(programs, dir, &mut servers)?;
    }
    if let Some(act) = &tools.act {
        docker::start(act, dir, &mut servers)?.describe(&mut environment);
    }
    Ok(environment)
}

fn user(name: &str, group: Option<&str>, expired: bool) -> Result<String> {
    let dir = bed_dir()?;
    let authority = Authority::load(&dir)?;
    let identity = authority.user(name, group, expired)?;
    Ok(authority.kubeconfig(&cluster_of(&dir)?, name, &User::Certificate(&identity)))
}

fn token(claims: &[String]) -> Result<String> {
    let claim = |claim: &String| {
        let (name, value) = claim.split_once('=').with_context(|| format!("not CLAIM=VALUE: `{claim}`"))?;
        Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))))
    };
    jwt::sign(&bed_dir()?.join("vault"), claims.iter().map(claim).collect::<Result<_>>()?)
}

fn proxy(to: Option<String>, plan: Option<PathBuf>, seed: Option<u64>, kubeconfig: Option<&Path>) -> Result<()> {
    let dir = bed_dir()?;
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let rules = match &plan {
        Some(plan) => std::fs::read_to_string(plan).with_context(|| format!("cannot read `{}`", plan.display()))?,
        None => STORM.to_owned(),
    };
    let to = to.map_or_else(|| cluster_of(&dir), Ok)?;
    let proxy = Proxy::start_with(&dir, &to, Plan::parse(&rules, seed)?, |seen| {
        let fault = seen.fault.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        println!("{} {} {fault}", seen.method, seen.target);
    })?;
    if let Some(path) = kubeconfig {
        let token = cluster::admin_token(&dir)?;
        write_private(path, &Authority::load(&dir)?.kubeconfig(proxy.url(), "bed-admin", &User::Token(&token)))?;
    }
    println!("{}", proxy.url());
    eprintln!("bed: faults by seed {seed}");
    wait_for_the_end()
}

/// The command of `bed up`: says how to reach the bed and waits to be killed with it.
fn hold() -> Result<()> {
    for name in std::env::var("BED_VARIABLES")?.split(' ') {
        println!("export {name}='{}'", std::env::var(name)?.replace('\'', r"'\''"));
    }
    eprintln!("bed: ready; Ctrl-C or `bed down` stops it");
    wait_for_the_end()
}

fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}

fn bed_dir() -> Result<PathBuf> {
    Ok(std::env::var_os("BED_DIR").context("`BED_DIR` is not set: this works inside a bed")?.into())
}

fn cluster_of(dir: &Path) -> Result<String> {
    std::fs::read_to_string(dir.join("server")).context("no `server` in the bed")
}
