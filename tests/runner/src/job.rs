//! What the steps of one job share.

use std::collections::BTreeMap;

use crate::masker::Masker;
use crate::mounts::Mounts;
use crate::step::Step;

/// GitHub keeps this much of a job's outputs, in bytes of UTF-16.
pub const JOB_OUTPUT_LIMIT: usize = 1024 * 1024;

/// A job: its masks, and what steps set for later ones.
#[derive(Debug, Clone, Default)]
pub struct Job {
    pub(crate) masker: Masker,
    pub(crate) step_debug: bool,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) path: Vec<String>,
    pub(crate) mounts: Mounts,
    pub(crate) repository: String,
}

impl Job {
    /// A job without secrets on a hosted machine.
    pub fn new() -> Self {
        Self { repository: "octo/app".to_owned(), ..Self::default() }
    }

    /// `ACTIONS_STEP_DEBUG` is set: debug lines show, and commands are echoed.
    #[must_use]
    pub fn with_step_debug(mut self) -> Self {
        self.step_debug = true;
        self
    }

    /// An entry of the workflow's or the job's `env`.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Other directories than those of a hosted machine.
    #[must_use]
    pub fn with_mounts(mut self, mounts: Mounts) -> Self {
        self.mounts = mounts;
        self
    }

    /// A secret of the repository: masked from the start, as a whole without outer blanks and line by line.
    #[must_use]
    pub fn with_secret(mut self, value: &str) -> Self {
        self.masker.add_with_lines(value.trim());
        self
    }

    /// The job's `GITHUB_TOKEN`: masked as a secret, and as git sends it.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        use base64::Engine as _;
        self.masker.add_with_lines(token.trim());
        self.masker.add(&base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{token}")));
        self
    }

    /// The next step. Without an `id`, or with one that starts with `__`, it has no outputs; pre and post have none.
    pub fn step(&mut self, id: &str) -> Step<'_> {
        Step::new(self, id)
    }

    /// What is masked by now.
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// `env` of the workflow and what steps added to it.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// What steps put before `PATH`, the last in front. A container action does not get it.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.path.iter().rev().map(String::as_str)
    }

    /// The machine's directories.
    pub fn mounts(&self) -> &Mounts {
        &self.mounts
    }

    /// The job's outputs at its end: empty ones and those in which the masker hides something are dropped.
    pub fn outputs<'a>(&self, outputs: impl IntoIterator<Item = (&'a str, &'a str)>) -> JobOutputs {
        let mut result = JobOutputs::default();
        for (name, value) in outputs {
            if self.masker.hides_in(value) {
                result.warnings.push(format!("Skip output '{name}' since it may contain secret."));
            } else if !value.is_empty() {
                result.kept.insert(name.to_owned(), value.to_owned());
            }
        }
        result
    }

    /// Whether the environment's URL is shown: not if the masker hides something in it.
    pub fn shows_url(&self, url: &str) -> bool {
        !self.masker.hides_in(url)
    }

    pub(crate) fn prepend_path(&mut self, directory: &str) {
        self.path.retain(|known| known != directory);
        self.path.push(directory.to_owned());
    }
}

/// What other jobs see of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobOutputs {
    /// Outputs that arrive.
    pub kept: BTreeMap<String, String>,
    /// One for each output that was dropped.
    pub warnings: Vec<String>,
}

impl JobOutputs {
    /// Bytes of the values as UTF-16, which [`JOB_OUTPUT_LIMIT`] is for.
    pub fn size(&self) -> usize {
        self.kept.values().map(|value| value.encode_utf16().count() * 2).sum()
    }
}
