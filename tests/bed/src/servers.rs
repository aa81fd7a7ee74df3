//! The servers of a bed: each with a log of its own, each awaited by what it is for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const LIMIT: Duration = Duration::from_secs(120);

/// What runs in a bed; it ends with the namespace that it runs in.
pub struct Servers {
    dir: PathBuf,
    running: Vec<(&'static str, Child)>,
}

impl Servers {
    /// None yet; `dir` is the bed's directory.
    pub fn new(dir: &Path) -> Result<Self> {
        fs::create_dir(dir.join("logs"))?;
        Ok(Self { dir: dir.to_owned(), running: Vec::new() })
    }

    /// Starts a server that writes to `logs/<name>.log`.
    pub fn spawn(&mut self, name: &'static str, mut command: Command) -> Result<()> {
        let log = File::create(self.log(name))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir(&self.dir);
        self.running.push((name, command.spawn().with_context(|| format!("cannot run {name}"))?));
        Ok(())
    }

    /// Asks again and again until the answer is yes, a server ends, or the time is up.
    pub fn wait_for(&mut self, what: &str, is_there: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !is_there() {
            for (name, child) in &mut self.running {
                if child.try_wait()?.is_some() {
                    let name = *name;
                    bail!("{name} ended while waiting for {what}:\n{}", self.last_lines(name));
                }
            }
            if Instant::now() > deadline {
                bail!("no answer from {what} in {} s", LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn last_lines(&self, name: &str) -> String {
        let log = fs::read_to_string(self.log(name)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{name}.log"))
    }
}

/// What a command in the bed finds in its environment.
#[derive(Default)]
pub struct Environment {
    variables: Vec<(&'static str, OsString)>,
    path: Vec<PathBuf>,
}

impl Environment {
    /// Adds a variable.
    pub fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.push((name, value.into()));
    }

    /// Puts the programs of `dir` before those that the machine has.
    pub fn add_programs(&mut self, dir: &Path) {
        self.path.push(dir.to_owned());
    }

    /// All of it, with PATH, and the names in BED_VARIABLES.
    pub fn into_variables(self) -> Result<Vec<(&'static str, OsString)>> {
        let machine = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(self.path.into_iter().chain(std::env::split_paths(&machine)))?;
        let variables: Vec<_> = self.variables.into_iter().chain([("PATH", path)]).collect();
        let names = variables.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
        Ok(variables.into_iter().chain([("BED_VARIABLES", names.into())]).collect())
    }
}

/// Whether something accepts connections on this port of 127.0.0.1.
pub fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port below those that the system gives to outgoing connections: nothing takes it before the server does.
pub fn free_port() -> Result<u16> {
    (0..1000)
        .map(|_| fastrand::u16(20_000..32_000))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no free port")
}
