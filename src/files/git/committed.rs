//! Whether files lie there as git has them: then everybody who may read the repository knows what they hold.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::index::Index;
use super::{Repository, read_git_file};
use crate::files::read;

impl Repository {
    /// Whether the index holds each of `files` (real paths) with exactly the bytes that lie there.
    ///
    /// Everything that cannot be told is a no: an index of another version, a split one, a file that git rewrites on checkout.
    pub fn holds_as_they_are(&self, files: &[PathBuf]) -> bool {
        let Ok(top) = std::fs::canonicalize(&self.toplevel) else { return false };
        let Ok(Some(index)) = read_git_file(&self.git_dir.join("index")) else { return false };
        let ids = Index::parse(&index, self.id_length).and_then(|index| index.ids());
        let Some(ids) = ids else { return false };
        files.iter().all(|file| self.is_held(&top, &ids, file).unwrap_or(false))
    }

    fn is_held(&self, top: &Path, ids: &BTreeMap<Vec<u8>, Vec<u8>>, file: &Path) -> Option<bool> {
        let id = ids.get(file.strip_prefix(top).ok()?.as_os_str().as_bytes())?;
        let bytes = read::at_once(file, read::LIMIT).ok()?;
        Some(*id == self.blob_id(&bytes))
    }

    fn blob_id(&self, bytes: &[u8]) -> Vec<u8> {
        let header = format!("blob {}\0", bytes.len());
        match self.id_length {
            32 => id::<Sha256>(header.as_bytes(), bytes),
            _ => id::<Sha1>(header.as_bytes(), bytes),
        }
    }
}

fn id<D: Digest>(header: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut digest = D::new();
    digest.update(header);
    digest.update(bytes);
    digest.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn git(directory: &Path, arguments: &[&str]) {
        let done = Command::new("git").args(arguments).current_dir(directory).status().unwrap();
        assert!(done.success(), "git {arguments:?}");
    }

    #[test]
    fn only_what_git_has_byte_for_byte_is_held() {
        for format in ["sha1", "sha256"] {
            let directory = tempfile::tempdir().unwrap();
            let top = fs::canonicalize(directory.path()).unwrap();
            git(&top, &["init", "-q", &format!("--object-format={format}")]);
            let [kept, changed, new] = ["kept.yml", "changed.yml", "new.yml"].map(|name| top.join(name));
            for file in [&kept, &changed] {
                fs::write(file, "a: b\n").unwrap();
            }
            git(&top, &["add", "-A"]);
            fs::write(&changed, "a: c\n").unwrap();
            fs::write(&new, "a: b\n").unwrap();
            let repository = Repository::find(&top).unwrap().unwrap();
            let held = |files: &[&PathBuf]| {
                repository.holds_as_they_are(&files.iter().map(|file| (*file).clone()).collect::<Vec<_>>())
            };
            assert!(held(&[]) && held(&[&kept]), "{format}");
            assert!(!held(&[&kept, &changed]) && !held(&[&new]) && !held(&[&top.join("none.yml")]), "{format}");
            git(&top, &["update-index", "--split-index"]);
            assert!(!held(&[&kept]), "a split index: {format}");
        }
    }
}
