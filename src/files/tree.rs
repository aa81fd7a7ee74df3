//! The machine's files as the core asks for them: a checkout to walk, and what a kubeconfig refers to.

#![expect(clippy::disallowed_types, reason = "an edge: reads what a kubeconfig refers to")]

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{LIMIT, read::read_named};
use crate::build::{FileKind, Tree};
use crate::error::Problem;
use crate::kubeconfig;

/// The files beneath and around the working directory.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What relative paths start from; absolute.
    pub working_directory: PathBuf,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl Tree for Machine {
    fn read(&self, path: &Path, name: &str) -> Result<String, Problem> {
        read_named(path, name)
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        let metadata = fs::metadata(path).ok()?;
        Some(match () {
            () if metadata.is_file() && metadata.len() > LIMIT => FileKind::TooLarge,
            () if metadata.is_file() => FileKind::File,
            () if metadata.is_dir() => FileKind::Directory,
            () => FileKind::Other,
        })
    }

    fn real_path(&self, path: &Path) -> Option<PathBuf> {
        fs::canonicalize(path).ok()
    }
}

impl kubeconfig::Files for Machine {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LIMIT { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn working_directory(&self) -> &Path {
        &self.working_directory
    }

    fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_by_the_name_that_the_walk_knows() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kustomization.yml");
        fs::write(&path, b"\xff\xfer\0").unwrap();
        let machine = Machine { working_directory: directory.path().to_owned(), home: None };
        let problem = Tree::read(&machine, &path, "apps/kustomization.yml").unwrap_err();
        assert!(problem.message.starts_with("`apps/kustomization.yml` is not UTF-8"), "{problem:?}");
    }
}
