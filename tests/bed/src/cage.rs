//! The cage of a bed: a directory and a PID namespace that end with it, however it ends.
//!
//! `bed run` (outside) starts `bed init` as the first process of a new PID namespace, which starts `bed inside`, which
//! starts the servers and the command. When the first process of a namespace dies, the kernel kills all the others; and
//! `setpriv --pdeathsig` and `unshare --kill-child` see to it that it dies when the outside does, by SIGKILL too.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use rustix::process::{Pid, Signal, WaitOptions, geteuid, kill_process, wait};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use crate::docker;
use crate::tools::{Part, Tools};

const PREFIX: &str = "secret-patch-bed-";
const CHECKOUT: &str = env!("CARGO_MANIFEST_DIR");

/// What a bed is started for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// One command; `bed down` leaves it alone.
    Command,
    /// A person, who ends it with Ctrl-C or `bed down`.
    Person,
}

/// Starts a bed with these parts around `command` and returns the command's exit code.
pub fn run(command: &[OsString], parts: &[Part], purpose: Purpose) -> Result<ExitCode> {
    Tools::build(parts)?;
    remove_dead_homes();
    let home = Home::new(purpose)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ending = runtime.block_on(supervise(home.path(), command, parts))?;
    match ending {
        Ending::Interrupted(signal) => Ok(ExitCode::from(signalled(signal))),
        Ending::Exited(status) if status.success() => Ok(ExitCode::SUCCESS),
        Ending::Exited(status) => {
            if let Some(logs) = home.keep_logs()? {
                eprintln!("bed: the servers' logs are in {}", logs.display());
            }
            if !home.path().join("started").exists() {
                bail!("the bed did not start ({status})");
            }
            Ok(exit_code(status))
        }
    }
}

enum Ending {
    Exited(ExitStatus),
    Interrupted(i32),
}

async fn supervise(home: &Path, command: &[OsString], parts: &[Part]) -> Result<Ending> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut cage = tokio::process::Command::from(caged(home, command, parts)?)
        .spawn()
        .context("cannot run `setpriv` and `unshare` (package util-linux)")?;
    let signal = tokio::select! {
        status = cage.wait() => return Ok(Ending::Exited(status?)),
        _ = interrupt.recv() => Signal::INT,
        _ = terminate.recv() => Signal::TERM,
    };
    // From the inside, so that `unshare` ends after the namespace is empty: the directory is free then.
    let first = cage.id().map(children).unwrap_or_default();
    let inside: Vec<Pid> = first.iter().flat_map(|pid| children(pid.as_raw_nonzero().get().unsigned_abs())).collect();
    for process in if inside.is_empty() { first } else { inside } {
        let _ = kill_process(process, Signal::KILL);
    }
    cage.wait().await?;
    Ok(Ending::Interrupted(signal.as_raw()))
}

fn caged(home: &Path, command: &[OsString], parts: &[Part]) -> Result<std::process::Command> {
    let mut caged = std::process::Command::new("setpriv");
    caged.args(["--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !geteuid().is_root() {
        caged.args(["--user", "--map-current-user"]);
    }
    caged.arg("--").arg(std::env::current_exe()?).arg("init").args(with(parts)).arg(home).arg("--").args(command);
    Ok(caged)
}

/// The flags that name these parts.
fn with(parts: &[Part]) -> Vec<String> {
    let names = parts.iter().filter_map(|part| Some(part.to_possible_value()?.get_name().to_owned()));
    names.flat_map(|name| ["--with".to_owned(), name]).collect()
}

fn children(of: u32) -> Vec<Pid> {
    let listed = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

/// The first process of the namespace: starts `bed inside`, and reaps what others left until that one ends.
pub fn init(home: &Path, command: &[OsString], parts: &[Part]) -> Result<ExitCode> {
    let inside = std::process::Command::new(std::env::current_exe()?)
        .arg("inside")
        .args(with(parts))
        .args([home.as_os_str(), OsStr::new("--")])
        .args(command)
        .spawn()?;
    let inside = Pid::from_child(&inside);
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == inside => {
                return Ok(exit_code(ExitStatus::from_raw(status.as_raw())));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Notes that the bed stands: what fails from here on is the command's doing.
pub fn mark_started(home: &Path) -> Result<()> {
    Ok(fs::write(home.join("started"), "")?)
}

/// The code that a shell would report.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or_else(|| signalled(status.signal().unwrap_or_default())))
}

fn signalled(signal: i32) -> u8 {
    128 | u8::try_from(signal).unwrap_or_default()
}

/// Ends what `bed up` of this checkout started, or the one bed whose directory is given, and waits until it has ended.
pub fn stop(only: Option<&Path>) -> Result<()> {
    let persons = homes().into_iter().filter_map(|home| Some((person(&home)?, home)));
    let wanted = |(_, checkout): &(Pid, String), home: &Path| match only {
        Some(only) => home == only,
        None => checkout == CHECKOUT,
    };
    let beds: Vec<_> = persons.filter(|(person, home)| wanted(person, home) && is_alive(home)).collect();
    if let (Some(only), true) = (only, beds.is_empty()) {
        bail!("`bed up` has no bed `{}`", only.display());
    }
    for ((pid, _), home) in beds {
        kill_process(pid, Signal::TERM)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_alive(&home) {
            if Instant::now() > deadline {
                bail!("process {pid:?} does not end");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        eprintln!("bed: stopped {}", home.display());
    }
    Ok(())
}

/// The process of a person's bed, and the checkout that it was started from: others' beds are not ours to stop.
fn person(home: &Path) -> Option<(Pid, String)> {
    let text = fs::read_to_string(home.join("person")).ok()?;
    let (pid, checkout) = text.split_once('\n')?;
    Some((Pid::from_raw(pid.parse().ok()?)?, checkout.to_owned()))
}

/// The directory of a bed, removed with it; a locked file in it says that the bed is alive.
struct Home {
    dir: TempDir,
    _alive: File,
}

impl Home {
    fn new(purpose: Purpose) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir()?;
        let alive = File::create(dir.path().join("alive.new"))?;
        alive.lock()?;
        if purpose == Purpose::Person {
            fs::write(dir.path().join("person"), format!("{}\n{CHECKOUT}", std::process::id()))?;
        }
        // Under its final name it is locked from the start: nobody takes this for a dead one.
        fs::rename(dir.path().join("alive.new"), dir.path().join("alive"))?;
        Ok(Self { dir, _alive: alive })
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Moves the servers' logs to where they stay, if there are any.
    fn keep_logs(&self) -> Result<Option<PathBuf>> {
        let logs = self.path().join("logs");
        if !logs.exists() {
            return Ok(None);
        }
        let kept = tempfile::Builder::new().prefix("secret-patch-logs-").tempdir()?.keep();
        fs::rename(logs, &kept)?;
        Ok(Some(kept))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        docker::remove_cgroups(self.path());
    }
}

/// Removes what beds left behind that were killed.
fn remove_dead_homes() {
    for home in homes().into_iter().filter(|home| !is_alive(home)) {
        docker::remove_cgroups(&home);
        let _ = fs::remove_dir_all(home);
    }
}

fn homes() -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    ours.map(|entry| entry.path()).filter(|home| home.join("alive").exists()).collect()
}

/// What cannot be opened is another user's, or gone: none of our business.
fn is_alive(home: &Path) -> bool {
    match File::open(home.join("alive")) {
        Ok(file) => matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}
