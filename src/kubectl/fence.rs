//! A fence around the child that builds: the kernel (Landlock) refuses it every file but those that the walk has seen.
//!
//! So nothing else gets into a build, whatever the walk has overlooked and whatever has changed since. Where the kernel has no
//! Landlock, or kubectl is a stand-in that starts another program from elsewhere, the walk stands alone.

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
            // A container's filter that does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => rustix::fs::open(file, flags, Mode::empty()),
            opened => opened,
        };
        let fd = fd.ok()?;
        let is_file =
            rustix::fs::fstat(&fd).is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile);
        is_file.then_some(fd)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::{Call, Ending, ExecPlugins, Launch as _, Program, Reach};
    use super::*;

    /// What `kubectl`, here a copy of `cat`, reads of `file` inside a fence around `files`.
    fn read(kubectl: &Path, files: &[&Path], file: &Path) -> Result<String, String> {
        let fence = Fence { files: files.iter().map(|path| path.to_path_buf()).collect(), network: false };
        let call = Call {
            arguments: vec![file.into()],
            input: Default::default(),
            reach: Reach::Files,
            fence: Some(fence),
            deadline: std::time::Duration::from_secs(20),
        };
        let program = Program::new(kubectl.to_owned(), [], ExecPlugins::Refused);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match runtime.block_on(program.launch(call)) {
            Ending::Success { stdout, .. } => Ok(String::from_utf8_lossy(stdout.expose()).into_owned()),
            Ending::Failed { stderr, .. } => Err(stderr.expose_for_redaction().to_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn inside_the_fence_only_the_files_of_the_walk_can_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let kubectl = root.join("kubectl");
        fs::copy("/bin/cat", &kubectl).unwrap();
        let [seen, other, link] = ["seen", "other", "link"].map(|name| root.join(name));
        fs::write(&seen, "seen").unwrap();
        fs::write(&other, "other").unwrap();
        symlink(&other, &link).unwrap();
        let gone = root.join("gone");
        let files = [seen.as_path(), &link, &gone];
        assert_eq!(read(&kubectl, &files, &seen), Ok("seen".to_owned()));
        let environ = format!("/proc/{}/environ", std::process::id());
        // A link is no file that the walk has seen: it came later.
        for file in [&other, &link, Path::new(&environ), Path::new("/etc/hostname"), Path::new("/proc/self/environ")] {
            let said = read(&kubectl, &files, file).unwrap_err();
            assert!(said.contains("Permission denied"), "{}: {said}", file.display());
        }
        // We ourselves are outside of it.
        assert_eq!(fs::read_to_string(&other).unwrap(), "other");
    }

    #[test]
    fn a_file_that_was_put_in_anothers_place_after_the_fence_cannot_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let kubectl = root.join("kubectl");
        fs::copy("/bin/sh", &kubectl).unwrap();
        fs::write(root.join("seen"), "seen").unwrap();
        fs::write(root.join("other"), "other").unwrap();
        let script = root.join("script");
        // The shell's own redirection, after another process has moved the file here.
        fs::write(&script, "read go; read line < \"$0.in\"; echo \"$line\"").unwrap();
        let fence = Fence { files: vec![script.clone(), root.join("script.in")], network: false };
        fs::rename(root.join("seen"), root.join("script.in")).unwrap();
        let mut command = Command::new(&kubectl);
        command.arg(&script).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let output = runtime.block_on(async {
            use tokio::io::AsyncWriteExt as _;
            let mut child = spawn(&mut command, &kubectl, &fence).unwrap();
            fs::rename(root.join("other"), root.join("script.in")).unwrap();
            child.stdin.take().unwrap().write_all(b"go\n").await.unwrap();
            child.wait_with_output().await.unwrap()
        });
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "", "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("Permission denied"), "{output:?}");
    }

    #[test]
    fn what_is_not_kubectl_itself_is_not_fenced_in() {
        let directory = tempfile::tempdir().unwrap();
        let [script, link] = ["kubectl", "kubectl-link"].map(|name| directory.path().join(name));
        fs::write(&script, "#!/bin/sh\n").unwrap();
        symlink("/bin/cat", &link).unwrap();
        assert_eq!(
            (is_kubectl(&script), is_kubectl(&link), is_kubectl(&directory.path().join("none"))),
            (None, None, None)
        );
    }
}
