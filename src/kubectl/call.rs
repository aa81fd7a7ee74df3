//! One kubectl process: what goes in, and running it to its end.
#![expect(clippy::disallowed_types, reason = "an edge: starts kubectl")]

mod ahead;
mod watch;

use std::ffi::OsString;
use std::fmt;
use std::future::{Future, ready};
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, getpriority_process, setpriority_process};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use self::ahead::Ahead;
use self::watch::watch;
use super::ending::Ending;
use super::fence::{self, Fence};
use crate::mask::Masker;

/// The most that is kept of a child's stdout; more ends the call.
pub(super) const STDOUT_CAP: usize = 256 << 20;
/// Where a child finds its kubeconfig.
const KUBECONFIG_FD: i32 = 3;
/// A port above 65535, so that no connection to it can succeed: that of the proxy that a child gets for plain http, which it never
/// needs. kubectl follows redirects of whatever answers in the server's place, with its token and the values that it sends.
pub(super) const NO_PORT: &str = "99999";
/// The memory from which on a child collects its garbage, as Go's runtime takes it.
const MEMORY_UNTIL_COLLECTED: &str = "128MiB";
/// How far a child that was started ahead stands back: it gets a tenth of what others on its processor get.
const NICENESS_AHEAD: i32 = 10;
/// What a child keeps of our environment: the way to the server and whom to trust on it.
const INHERITED: [&str; 8] =
    ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// What a kubeconfig's exec plugin needs to find itself, its configuration and its cloud.
const OF_PLUGINS: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"];
/// The same by how the clouds' variables begin.
const OF_CLOUDS: [&[u8]; 7] = [b"AWS_", b"AZURE_", b"AAD_", b"GOOGLE_", b"CLOUDSDK_", b"DIGITALOCEAN_", b"OCI_"];

/// One call of kubectl.
#[derive(Clone)]
pub struct Call {
    /// Arguments after the program's name; never a value.
    pub arguments: Vec<OsString>,
    /// What the child reads on stdin; nothing to read if empty.
    pub input: Zeroizing<Vec<u8>>,
    /// What the call may reach.
    pub reach: Reach,
    /// The only files that it may open, where that is known.
    pub fence: Option<Fence>,
    /// How long it may take before it is killed.
    pub deadline: Duration,
    /// The most that is kept of its stdout, in bytes; more ends the call.
    pub most: usize,
}

impl fmt::Debug for Call {
    /// Without the input: it may hold values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kubectl {:?} < {} bytes", self.arguments, self.input.len())
    }
}

/// What a call may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Files only: the child gets no kubeconfig.
    Files,
    /// The cluster: the child inherits the kubeconfig's descriptor.
    Cluster,
}

/// Starts kubectl; a test puts a recording fake in its place.
pub trait Launch {
    /// Runs one call to its end; never fails, for every way to end is an [`Ending`].
    fn launch(&self, call: Call) -> impl Future<Output = Ending>;

    /// Starts a call to the cluster before it is known to be made, so that it is on its way when [`launch`](Self::launch) is asked
    /// for the same: a child takes longer to start than the server to answer. What it reads comes with that. Where processors are
    /// few it stands back behind those that are asked for.
    fn start_ahead(&self, call: Call);

    /// Ends what was started ahead and not asked for.
    fn forget_ahead(&self);
}

/// Whether a kubeconfig's exec plugins may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecPlugins {
    /// The child has neither `PATH` nor home.
    Refused,
    /// A child that calls the cluster has our `PATH`, home and cloud variables, so that it finds them and they their credentials.
    Allowed,
}

/// The real kubectl, with an environment of its own.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    environment: Vec<(OsString, OsString)>,
    /// What calls to the cluster get beyond it.
    of_plugins: Vec<(OsString, OsString)>,
    plugins: ExecPlugins,
    kubeconfig: Option<OwnedFd>,
    masker: Masker,
    ahead: Ahead,
}

impl Program {
    /// `path` as [`super::find`] gives it; `environment` is ours, of which a child keeps very little.
    pub fn new(
        path: PathBuf,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        plugins: ExecPlugins,
    ) -> Self {
        let inherited = |name: &OsString| INHERITED.iter().any(|known| name == known);
        let of_plugins = |name: &OsString| {
            let is_of_cloud = OF_CLOUDS.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix));
            plugins == ExecPlugins::Allowed && (OF_PLUGINS.iter().any(|known| name == known) || is_of_cloud)
        };
        let (mut kept, mut kept_for_plugins) = (Vec::new(), Vec::new());
        for (name, value) in environment {
            if inherited(&name) {
                kept.push((name, value));
            } else if of_plugins(&name) {
                kept_for_plugins.push((name, value));
            }
        }
        // Without a cache directory kubectl would write `.kube/cache` into the working directory: the checkout.
        kept.push(("KUBECACHEDIR".into(), "/dev/null".into()));
        // Without a home kubectl would look for `.kube/kuberc`, with which a checkout could set any flag, and for
        // `.kube/config` in the working directory.
        kept.push(("KUBERC".into(), "off".into()));
        kept.push(("HOME".into(), "/nonexistent".into()));
        // Go collects garbage only when that much is in use: a quarter less work for a program that ends at once.
        kept.push(("GOGC".into(), "off".into()));
        kept.push(("GOMEMLIMIT".into(), MEMORY_UNTIL_COLLECTED.into()));
        Self {
            path,
            environment: kept,
            of_plugins: kept_for_plugins,
            plugins,
            kubeconfig: None,
            masker: Masker::new(),
            ahead: Ahead::default(),
        }
    }

    /// With a kubeconfig for the calls that reach the cluster: a file in memory, that is read anew by each child.
    #[must_use]
    pub fn with_kubeconfig(mut self, kubeconfig: OwnedFd) -> Self {
        self.kubeconfig = Some(kubeconfig);
        self
    }

    /// Hides what `masker` knows in all that the children say, before it is taken apart: what is cut is not found any more.
    #[must_use]
    pub fn with_masker(mut self, masker: Masker) -> Self {
        self.masker = masker;
        self
    }

    fn command(&self, arguments: &[OsString], reach: Reach) -> io::Result<Command> {
        let mut command = Command::new(&self.path);
        command.args(arguments).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if reach == Reach::Cluster {
            // Only these run plugins; kustomize would find git in `PATH`.
            command.envs(self.of_plugins.iter().map(|(name, value)| (name, value)));
            // Without a kubeconfig kubectl would turn to localhost or to the pod's own account.
            let kubeconfig = self.kubeconfig.as_ref().ok_or_else(|| io::Error::other("no kubeconfig was given"))?;
            let mapping = FdMapping { parent_fd: kubeconfig.try_clone()?, child_fd: KUBECONFIG_FD };
            command.fd_mappings(vec![mapping]).map_err(io::Error::other)?;
            command.env("KUBECONFIG", format!("/dev/fd/{KUBECONFIG_FD}"));
            // By flag too: a file that is missing is an error there, while the variable would let kubectl turn to localhost.
            command.arg(format!("--kubeconfig=/dev/fd/{KUBECONFIG_FD}"));
            // A plugin may ask its cloud's metadata by plain http.
            if self.plugins == ExecPlugins::Refused {
                command.env_remove("http_proxy").env("HTTP_PROXY", format!("http://127.0.0.1:{NO_PORT}"));
            }
        }
        Ok(command)
    }

    fn start(&self, call: &Call) -> io::Result<Child> {
        let mut command = self.command(&call.arguments, call.reach)?;
        command.stdin(if call.input.is_empty() { Stdio::null() } else { Stdio::piped() });
        match &call.fence {
            Some(fence) => fence::spawn(&mut command, &self.path, fence),
            None => command.spawn(),
        }
    }
}

fn stand_back(child: &Child) {
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let own = getpriority_process(None).unwrap_or_default();
    // Where that is not allowed it takes its share.
    let _ = pid.map(|pid| setpriority_process(Some(pid), own + NICENESS_AHEAD));
}

impl Launch for Program {
    async fn launch(&self, mut call: Call) -> Ending {
        if let Some(begun) = self.ahead.take(&call) {
            return begun.end(call.input).await;
        }
        match self.start(&call) {
            Ok(child) => watch(child, ready(mem::take(&mut call.input)), &call, &self.masker).await,
            Err(error) => Ending::NotStarted { reason: error.to_string() },
        }
    }

    fn start_ahead(&self, call: Call) {
        // Plugins may log in, and several at once would be in each other's way.
        if self.plugins == ExecPlugins::Allowed {
            return;
        }
        // What cannot be started now is told when it is asked for.
        let child =
            self.command(&call.arguments, call.reach).and_then(|mut command| command.stdin(Stdio::piped()).spawn());
        if let Ok(child) = child {
            stand_back(&child);
            self.ahead.keep(child, call, self.masker.clone());
        }
    }

    fn forget_ahead(&self) {
        self.ahead.forget();
    }
}

#[cfg(test)]
mod tests;
