//! The environment in which a step of a Docker container action runs.

use std::collections::BTreeMap;
use std::fmt;

use crate::files::FileCommands;
use crate::job::Job;
use crate::mounts::Mounts;
use crate::registered::upper;

/// Linux refuses to start a process with a variable (`NAME=value` and its final NUL) of more bytes than this.
pub const ARGUMENT_LIMIT: usize = 128 * 1024;

/// What of the `github` context becomes `GITHUB_…`. A token is not among it.
const GITHUB: [&str; 39] = [
    "action",
    "action_path",
    "action_ref",
    "action_repository",
    "actor",
    "actor_id",
    "api_url",
    "artifacts",
    "artifacts_list",
    "base_ref",
    "env",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "output",
    "path",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "state",
    "step_summary",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "workspace",
];

/// The variable of an input: upper case, blanks become underscores, dashes and dots stay.
pub fn input_name(input: &str) -> String {
    format!("INPUT_{}", upper(&input.replace(' ', "_")))
}

/// A step of a container action before it starts. Paths are the machine's; they are translated at the end.
#[derive(Debug, Clone)]
pub struct ContainerStep {
    mounts: Mounts,
    variables: BTreeMap<String, String>,
    contexts: BTreeMap<String, String>,
    manifest: BTreeMap<String, String>,
}

impl ContainerStep {
    /// A step of `job`: gets the `env` of the workflow and what earlier steps wrote to `GITHUB_ENV`, not their paths.
    pub fn new(job: &Job) -> Self {
        let mounts = job.mounts().clone();
        let mut step =
            Self { variables: job.environment().clone(), contexts: BTreeMap::new(), manifest: BTreeMap::new(), mounts };
        let workspace = step.mounts.workspace().to_owned();
        let event = format!("{}/event.json", step.mounts.workflow());
        for (name, value) in [
            ("api_url", "https://api.github.com"),
            ("event_name", "push"),
            ("event_path", &event),
            ("graphql_url", "https://api.github.com/graphql"),
            ("ref", "refs/heads/main"),
            ("ref_name", "main"),
            ("repository", &job.repository),
            ("server_url", "https://github.com"),
            ("workspace", &workspace),
        ] {
            step = step.github(name, value);
        }
        let parent = workspace.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
        let temp = step.mounts.temp().to_owned();
        for (name, value) in [
            ("os", "Linux"),
            ("arch", "X64"),
            ("name", "runner"),
            ("environment", "github-hosted"),
            ("temp", &temp),
            ("tool_cache", "/opt/hostedtoolcache"),
            ("workspace", &parent),
        ] {
            step = step.runner(name, value);
        }
        let runtime = "https://pipelines.actions.githubusercontent.com/x/";
        step.context("ACTIONS_RUNTIME_URL", runtime).context("ACTIONS_RUNTIME_TOKEN", "runtime-token")
    }

    /// An input that the manifest declares, given or not: then `value` is empty.
    #[must_use]
    pub fn input(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(input_name(name), value.to_owned());
        self
    }

    /// An entry of the step's own `env`.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// An entry of the manifest's `runs.env`, which gives way to every other `env` and to inputs.
    #[must_use]
    pub fn manifest_env(mut self, name: &str, value: &str) -> Self {
        self.manifest.insert(name.to_owned(), value.to_owned());
        self
    }

    /// State that an earlier stage of the step saved; the name keeps its case.
    #[must_use]
    pub fn state(self, name: &str, value: &str) -> Self {
        self.env(&format!("STATE_{name}"), value)
    }

    /// An entry of the `github` context; those that are not passed on are dropped.
    #[must_use]
    pub fn github(self, name: &str, value: &str) -> Self {
        let is_known = GITHUB.contains(&name.to_ascii_lowercase().as_str());
        if is_known { self.context(&format!("GITHUB_{}", upper(name)), value) } else { self }
    }

    /// An entry of the `runner` context. `debug` is there under step debug alone, as `1`.
    #[must_use]
    pub fn runner(self, name: &str, value: &str) -> Self {
        self.context(&format!("RUNNER_{}", upper(name)), value)
    }

    /// The job has `id-token: write`; without it neither variable is there.
    #[must_use]
    pub fn id_token(self, url: &str, token: &str) -> Self {
        self.context("ACTIONS_ID_TOKEN_REQUEST_URL", url).context("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token)
    }

    /// The step's own files, which are in [`Mounts::file_commands`].
    #[must_use]
    pub fn files(self, files: &FileCommands) -> Self {
        files.environment().iter().fold(self, |step, (name, path)| step.context(name, path))
    }

    /// All variables inside the container, but for the image's own.
    ///
    /// # Errors
    /// Where one is too long for Linux: the step does not start then.
    pub fn environment(&self) -> Result<BTreeMap<String, String>, TooLong> {
        let translated = self.on_host().into_iter().map(|(name, value)| (name, self.mounts.to_container(&value)));
        let environment: BTreeMap<String, String> = translated.collect();
        match environment.iter().find(|(name, value)| name.len() + value.len() + 2 > ARGUMENT_LIMIT) {
            Some((name, _)) => Err(TooLong(name.clone())),
            None => Ok(environment),
        }
    }

    /// The same with paths of the machine, for a program that is tested without a container.
    pub fn on_host(&self) -> BTreeMap<String, String> {
        let mut environment = self.manifest.clone();
        environment.extend(self.variables.clone());
        environment.insert("HOME".to_owned(), self.mounts.home());
        environment.extend(self.contexts.clone());
        environment.insert("GITHUB_ACTIONS".to_owned(), "true".to_owned());
        environment.entry("CI".to_owned()).or_insert_with(|| "true".to_owned());
        environment
    }

    fn context(mut self, name: &str, value: &str) -> Self {
        self.contexts.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// `Argument list too long`: the variable of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLong(pub String);

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "argument list too long: `{}`", self.0)
    }
}

impl std::error::Error for TooLong {}
