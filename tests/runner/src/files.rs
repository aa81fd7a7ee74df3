//! The files that a step writes its outputs, environment, state, path and summary to.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What a step wrote. A file that it removed counts as empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// `GITHUB_PATH`: a directory a line.
    pub path: Vec<u8>,
    /// `GITHUB_ENV`
    pub env: Vec<u8>,
    /// `GITHUB_STEP_SUMMARY`
    pub summary: Vec<u8>,
    /// `GITHUB_STATE`
    pub state: Vec<u8>,
    /// `GITHUB_OUTPUT`
    pub output: Vec<u8>,
}

/// Variable and file prefix of each, in the order of processing.
const NAMES: [(&str, &str); 5] = [
    ("GITHUB_PATH", "add_path_"),
    ("GITHUB_ENV", "set_env_"),
    ("GITHUB_STEP_SUMMARY", "step_summary_"),
    ("GITHUB_STATE", "save_state_"),
    ("GITHUB_OUTPUT", "set_output_"),
];

/// Such files on disk, fresh for one step and stage.
#[derive(Debug, Clone)]
pub struct FileCommands {
    directory: PathBuf,
    suffix: String,
}

impl FileCommands {
    /// Makes empty ones in `directory`, which is there; `suffix` tells steps apart.
    ///
    /// # Errors
    /// Of the files.
    pub fn create(directory: &Path, suffix: &str) -> io::Result<Self> {
        let files = Self { directory: directory.to_owned(), suffix: suffix.to_owned() };
        for (_, prefix) in NAMES {
            std::fs::write(files.file(prefix), "")?;
        }
        Ok(files)
    }

    /// The variables that tell a step where they are, as paths of the machine.
    pub fn environment(&self) -> Vec<(String, String)> {
        NAMES.iter().map(|(name, prefix)| ((*name).to_owned(), self.file(prefix).display().to_string())).collect()
    }

    /// What is in them now.
    ///
    /// # Errors
    /// Of the files, but for those that are gone.
    pub fn read(&self) -> io::Result<Files> {
        let [path, env, summary, state, output] = NAMES.map(|(_, prefix)| match std::fs::read(self.file(prefix)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        });
        Ok(Files { path: path?, env: env?, summary: summary?, state: state?, output: output? })
    }

    fn file(&self, prefix: &str) -> PathBuf {
        self.directory.join(format!("{prefix}{}", self.suffix))
    }
}
