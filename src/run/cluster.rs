//! The way to the cluster: the kubeconfig diagnosed before the first call, handed to kubectl without touching the disk.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Run;
use crate::error::{Failure, Problem, Stage, text};
use crate::files::{Machine, memory_file};
use crate::inputs::Mode;
use crate::kubeconfig::{self, Options};
use crate::kubectl::{self, ExecPlugins, Kubectl, Program};
use crate::report::Target;

/// Where the runner mounts the workspace into a container action.
const CONTAINER_WORKSPACE: &str = "/github/workspace";
/// No call but a rollout takes longer, unless the server hangs.
const CALL_DEADLINE: Duration = Duration::from_secs(120);

/// The machine's files, and which of them were read.
struct Recorded<'a> {
    machine: &'a Machine,
    read: RefCell<Vec<PathBuf>>,
}

impl kubeconfig::Files for Recorded<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read.borrow_mut().push(path.to_owned());
        kubeconfig::Files::read(self.machine, path)
    }

    fn exists(&self, path: &Path) -> bool {
        self.machine.exists(path)
    }

    fn working_directory(&self) -> &Path {
        &self.machine.working_directory
    }

    fn home(&self) -> Option<&Path> {
        self.machine.home.as_deref()
    }

    fn now(&self) -> u64 {
        self.machine.now()
    }
}

impl<O: Write, E: Write> Run<O, E> {
    /// kubectl with the checked kubeconfig. What that holds is masked from here on, and its context and server are known to the report.
    pub(super) fn reach_cluster(&mut self) -> Result<Kubectl, Failure> {
        let failure = |problems| Failure::new(Stage::Inputs, problems);
        let action = self.context.mode == Mode::Action;
        let options = Options {
            context: self.inputs.context.as_deref(),
            token: self.inputs.kube_token.as_ref(),
            allow_exec: self.inputs.allow_exec,
            in_container: action && self.machine.working_directory == Path::new(CONTAINER_WORKSPACE),
            action,
        };
        let variable = |name: &str| self.environment.get(name).and_then(|value| value.to_str());
        let source =
            kubeconfig::Source::find(self.inputs.kubeconfig.as_ref(), variable("KUBECONFIG"), &options, &self.machine)
                .map_err(|problem| failure(vec![problem]))?;
        let files = Recorded { machine: &self.machine, read: RefCell::default() };
        let config = kubeconfig::load(&source, &options, &files).map_err(failure)?;
        self.private_files.extend(files.read.into_inner());
        config.credentials.iter().for_each(|credential| self.masker.add(credential));
        let base_path = config.base_path();
        self.early.extend(config.warnings);
        let program = self.kubectl().map_err(|problem| failure(vec![problem]))?;
        let descriptor = memory_file(config.contents.expose().as_bytes()).map_err(|error| {
            failure(vec![Problem::error(
                "no-memory-file",
                text!("the kubeconfig could not be held in memory: {error}"),
            )])
        })?;
        let plugins = if config.uses_exec { ExecPlugins::Allowed } else { ExecPlugins::Refused };
        let environment = self.environment.iter().map(|(name, value)| (name.into(), value.clone()));
        self.outcome.target = Some(Target { context: config.context, server: config.server });
        Ok(Kubectl {
            launcher: Program::new(program, environment, plugins)
                .with_kubeconfig(descriptor)
                .with_masker(self.masker.clone()),
            namespace: config.namespace.unwrap_or_else(|| "default".to_owned()),
            base_path,
            deadline: CALL_DEADLINE,
        })
    }

    /// kubectl without a cluster, for builds alone.
    pub(super) fn builder(&self, program: PathBuf) -> Kubectl {
        let environment = self.environment.iter().map(|(name, value)| (name.into(), value.clone()));
        Kubectl {
            launcher: Program::new(program, environment, ExecPlugins::Refused).with_masker(self.masker.clone()),
            namespace: "default".to_owned(),
            deadline: CALL_DEADLINE,
            base_path: String::new(),
        }
    }

    /// Where kubectl is.
    pub(super) fn kubectl(&self) -> Result<PathBuf, Problem> {
        kubectl::find((self.executable)().as_deref(), self.environment.get("PATH").map(AsRef::as_ref))
    }
}
