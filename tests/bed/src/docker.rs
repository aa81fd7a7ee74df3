//! A Docker daemon of a bed, with act and the image that its jobs run in; nothing of it is in the machine's own daemon.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use crate::servers::{Environment, Servers};

const JOB_IMAGE: &str = "localhost/job:1";
/// Where containerd's shims listen, whatever daemon they belong to.
const SHIM_SOCKETS: &str = "/run/containerd";

/// A running daemon.
pub struct Docker {
    socket: String,
    programs: PathBuf,
}

/// Starts a daemon whose data is in `dir`, waits until it answers, and imports the job image; only root can.
pub fn start(act: &Path, dir: &Path, servers: &mut Servers) -> Result<Docker> {
    if !geteuid().is_root() {
        bail!("the part `docker` starts a daemon of its own: only root can");
    }
    let docker = Docker { socket: format!("unix://{}", dir.join("docker.sock").display()), programs: act.to_owned() };
    hide_shim_sockets()?;
    let mut daemon = Command::new("dockerd");
    daemon
        .args(["--host", &docker.socket])
        .arg("--data-root")
        .arg(dir.join("docker"))
        .arg("--exec-root")
        .arg(dir.join("docker-exec"))
        .arg("--pidfile")
        .arg(dir.join("dockerd.pid"))
        // A name of its own, to find and remove what a killed daemon leaves.
        .arg(format!("--cgroup-parent={}", cgroup(dir)?))
        // Builds use the host's network and runs use that or none: no bridge, no firewall rules.
        .args(["--bridge=none", "--iptables=false", "--ip6tables=false"]);
    servers.spawn("dockerd", daemon)?;
    servers.wait_for("the Docker daemon", || docker.answers(&["info"]))?;
    docker.import_job_image(dir)?;
    Ok(docker)
}

impl Docker {
    /// What a command needs to reach this daemon.
    pub fn describe(&self, environment: &mut Environment) {
        environment.set("DOCKER_HOST", &self.socket);
        environment.add_programs(&self.programs);
    }

    /// Nothing but busybox: act copies its own files in and needs `tail` and a shell.
    fn import_job_image(&self, dir: &Path) -> Result<()> {
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        let busybox = busybox.context("no `/bin/busybox` (package busybox-static)")?;
        let root = dir.join("job");
        for directory in ["bin", "etc", "tmp"] {
            fs::create_dir_all(root.join(directory))?;
        }
        fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
        fs::copy(busybox, root.join("bin/busybox"))?;
        let applets = Command::new(busybox).arg("--list").output()?;
        for applet in String::from_utf8(applets.stdout)?.lines().filter(|applet| *applet != "busybox") {
            symlink("busybox", root.join("bin").join(applet))?;
        }
        let tarball = dir.join("job.tar");
        let packed = Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tarball).arg(".").status()?;
        let tarball = tarball.to_str().context("the bed's path is not UTF-8")?;
        if !packed.success() || !self.answers(&["import", "--change", "ENV PATH=/bin", tarball, JOB_IMAGE]) {
            bail!("cannot import `{JOB_IMAGE}`");
        }
        Ok(())
    }

    fn answers(&self, arguments: &[&str]) -> bool {
        let mut docker = Command::new("docker");
        docker.args(arguments).env("DOCKER_HOST", &self.socket).stdin(Stdio::null());
        docker.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// Sockets of this daemon's shims would stay when it is killed: here they are in memory that goes with the namespace.
fn hide_shim_sockets() -> Result<()> {
    fs::create_dir_all(SHIM_SOCKETS)?;
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "mode=711", "bed", SHIM_SOCKETS]).status()?;
    if !mounted.success() {
        bail!("cannot mount a tmpfs on `{SHIM_SOCKETS}` in the bed's namespace");
    }
    Ok(())
}

fn cgroup(dir: &Path) -> Result<String> {
    Ok(format!("/{}", dir.file_name().and_then(|name| name.to_str()).context("the bed's path is not UTF-8")?))
}

/// Removes the control groups of a bed that has ended: no process is in them any more.
pub fn remove_cgroups(dir: &Path) {
    let Ok(cgroup) = cgroup(dir) else { return };
    let roots = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
    for root in roots.chain([PathBuf::from("/sys/fs/cgroup")]) {
        remove_tree(&root.join(cgroup.trim_start_matches('/')));
    }
}

/// The directories only: the kernel removes their files.
fn remove_tree(cgroup: &Path) {
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    let _ = fs::remove_dir(cgroup);
}
