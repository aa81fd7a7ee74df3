//! A fence around the child that builds: the kernel (Landlock) refuses it every file but those that the walk has seen.
//!
//! So nothing else gets into a build, whatever the walk has overlooked and whatever has changed since. Where the kernel has no
//! Landlock, or kubectl is a stand-in that starts another program from elsewhere, the walk stands alone.

#![expect(clippy::disallowed_types, reason = "an edge: starts kubectl")]

use std::io;
use std::path::{Path, PathBuf};

use tokio::process::{Child, Command};

/// What a child may open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Files, absolute and without a link in them, that may be read.
    pub files: Vec<PathBuf>,
    /// Whether it may use the network, with what that takes of the system's files.
    pub network: bool,
}

/// Starts `command`, which runs `program`, inside the fence.
#[cfg(target_os = "linux")]
pub(super) fn spawn(command: &mut Command, program: &Path, fence: &Fence) -> io::Result<Child> {
    let Some(program) = is_kubectl(program) else {
        tracing::debug!("kubectl is started by another program, so the build is not fenced in");
        return command.spawn();
    };
    let runtime = tokio::runtime::Handle::current();
    // A fence holds for a thread and for what it starts: so it is put around a thread that does nothing else.
    std::thread::scope(|scope| {
        let child = scope.spawn(|| {
            let _context = runtime.enter();
            let enforced = linux::enclose(&program, fence).map_err(io::Error::other)?;
            tracing::debug!(?enforced, "fence around the build");
            command.spawn()
        });
        child.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts kubectl has ended early")))
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn spawn(command: &mut Command, _program: &Path, _fence: &Fence) -> io::Result<Child> {
    command.spawn()
}

/// The real path of kubectl itself; `None` for a link to a program of another name (k3s, snap), which needs more to run.
#[cfg(target_os = "linux")]
fn is_kubectl(program: &Path) -> Option<PathBuf> {
    use std::io::Read as _;
    let real = std::fs::canonicalize(program).ok()?;
    let is_named_so = real.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"kubectl"));
    let mut magic = [0; 4];
    std::fs::File::open(&real).ok()?.read_exact(&mut magic).ok()?;
    (is_named_so && magic == *b"\x7fELF").then_some(real)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, BitFlags, PathBeneath, Ruleset, RulesetAttr as _, RulesetCreated,
        RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
    };
    use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
    use rustix::io::Errno;

    use super::Fence;

    /// The newest rules that are asked for; an older kernel keeps those that it knows.
    const NEWEST: ABI = ABI::V6;
    /// Where a program's own parts lie: nothing of a user's.
    const PROGRAMS: [&str; 6] = ["/usr", "/lib", "/lib64", "/bin", "/nix/store", "/etc/ld.so.cache"];
    /// What finding a server and trusting it takes.
    const NETWORK: [&str; 8] = [
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/services",
        "/etc/ssl",
        "/etc/pki",
        "/etc/ca-certificates",
        "/run/systemd/resolve",
    ];

    /// Puts the fence around this thread and all that it starts from now on.
    pub(super) fn enclose(program: &Path, fence: &Fence) -> Result<RulesetStatus, RulesetError> {
        let mut ruleset =
            Ruleset::default().handle_access(AccessFs::from_all(NEWEST))?.scope(Scope::from_all(NEWEST))?;
        if !fence.network {
            ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
        }
        let read = AccessFs::ReadFile;
        let run = read | AccessFs::ReadDir | AccessFs::Execute;
        let mut rules = ruleset.create()?;
        rules = allow(rules, Path::new("/dev/null"), read | AccessFs::WriteFile)?;
        rules = allow(rules, program, run)?;
        // A version manager keeps the real ones beside itself.
        if let Some(directory) = program.parent().filter(|directory| directory.ends_with("bin")) {
            rules = allow(rules, directory, run)?;
        }
        for path in PROGRAMS {
            rules = allow(rules, Path::new(path), run)?;
        }
        for path in NETWORK.iter().filter(|_| fence.network) {
            rules = allow(rules, Path::new(path), read | AccessFs::ReadDir)?;
        }
        for file in &fence.files {
            if let Some(fd) = without_links(file) {
                rules = rules.add_rule(PathBeneath::new(fd, read))?;
            }
        }
        Ok(rules.restrict_self()?.ruleset)
    }

    /// What does not exist needs no rule.
    fn allow(
        rules: RulesetCreated,
        path: &Path,
        access: impl Into<BitFlags<AccessFs>>,
    ) -> Result<RulesetCreated, RulesetError> {
        let Ok(fd) = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) else { return Ok(rules) };
        let is_file = rustix::fs::fstat(&fd).is_ok_and(|found| !is_directory(&found));
        let access = access.into();
        let access = if is_file { access & AccessFs::from_file(NEWEST) } else { access };
        rules.add_rule(PathBeneath::new(fd, access))
    }

    fn is_directory(found: &Stat) -> bool {
        FileType::from_raw_mode(found.st_mode) == FileType::Directory
    }

    /// The regular file itself: a link put in its place, or in its way, is not followed.
    fn without_links(file: &Path) -> Option<OwnedFd> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = match rustix::fs::openat2(CWD, file, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
            // The kernel, or a container's seccomp filter, does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => rustix::fs::open(file, flags, Mode::empty()),
            opened => opened,
        };
        let fd = fd.ok()?;
        let is_file =
            rustix::fs::fstat(&fd).is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile);
        is_file.then_some(fd)
    }
}

#[cfg(test)]
mod tests;
