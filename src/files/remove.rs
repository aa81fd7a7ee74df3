//! What remains of a job's secret patches is taken away at its end.

use std::path::Path;

use super::beneath::Directory;
use super::git::Repository;
use super::lend;
use super::mark::is_marked;
use super::patch_file::Target;
use super::read::shown;
use crate::error::Problem;

/// What was found at a patch's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Nothing, or no directory.
    NothingThere,
    /// The patch of `render`; it is gone now.
    Removed,
    /// A file that `render` did not write, or that is no longer as it wrote it; it is still there.
    NotRendered,
}

/// Removes the patch at `path` if `render` wrote it, not to be kept, and nobody has changed it since; puts right before what killed
/// runs left beside it. The workspace is found, and no link followed, as [`super::PatchFile::open`] does; whether git ignores the
/// path is not asked. Also returns what was put right or could not be, for other environments' patches too.
///
/// # Errors
/// A link on the way; inside git's own files; another run at work; what the system says.
pub fn remove_rendered(path: &Path, workspace: Option<&Path>) -> Result<(Removal, Vec<Problem>), Problem> {
    let target = Target::find(path, workspace)?;
    let forbidden = target.repository.as_ref().map(Repository::directories);
    let forbidden = forbidden.as_ref().map_or(&[][..], |directories| &directories[..]);
    if !target.anchor.join(&target.beneath).exists() {
        return Ok((Removal::NothingThere, Vec::new()));
    }
    let directory = Directory::open(&target.anchor, &target.beneath, &shown(path), forbidden)?;
    directory.lock()?;
    let (problems, mut notices) = lend::recover(&directory, &target.name);
    notices.extend(problems.into_iter().map(Problem::as_warning));
    let removal = match directory.look(&target.name)? {
        None => Removal::NothingThere,
        Some(found) if is_marked(&found) => {
            directory.remove(&target.name)?;
            Removal::Removed
        }
        Some(_) => Removal::NotRendered,
    };
    Ok((removal, notices))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::PathBuf;

    use super::super::{Lasting, PatchFile};
    use super::*;

    const PATCH: &str = "config/staging-secret-config-patch.yml";

    fn checkout() -> (tempfile::TempDir, PathBuf) {
        let keep = tempfile::tempdir().unwrap();
        let root = keep.path().canonicalize().unwrap();
        fs::create_dir_all(root.join(".git/objects")).unwrap();
        fs::create_dir_all(root.join("config")).unwrap();
        fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(root.join(".gitignore"), "*-secret-config-patch.yml\n").unwrap();
        (keep, root)
    }

    fn write(root: &Path, lasting: Lasting) {
        PatchFile::open(&root.join(PATCH), None).unwrap().write(b"a: b\n", lasting).unwrap();
    }

    fn remove(root: &Path) -> Removal {
        let (removal, notices) = remove_rendered(&root.join(PATCH), None).unwrap();
        assert_eq!(notices, []);
        removal
    }

    #[test]
    fn what_was_written_for_the_job_goes_and_what_was_written_for_longer_stays() {
        let (_keep, root) = checkout();
        write(&root, Lasting::UntilRemoved);
        assert_eq!((remove(&root), root.join(PATCH).exists()), (Removal::Removed, false));
        assert_eq!(remove(&root), Removal::NothingThere);
        for before in [Lasting::UntilRemoved, Lasting::ForGood] {
            write(&root, before);
            write(&root, Lasting::ForGood);
            assert_eq!((remove(&root), root.join(PATCH).exists()), (Removal::NotRendered, true));
        }
    }

    #[test]
    fn another_file_at_the_path_stays() {
        let (_keep, root) = checkout();
        fs::write(root.join(PATCH), "mine").unwrap();
        assert_eq!(remove(&root), Removal::NotRendered);
        write(&root, Lasting::UntilRemoved);
        let times = fs::metadata(root.join(PATCH)).unwrap();
        fs::write(root.join(PATCH), "changed since").unwrap();
        assert_eq!(remove(&root), Removal::NotRendered);
        // Not even with the time of the one that was written.
        let changed = fs::File::options().write(true).open(root.join(PATCH)).unwrap();
        changed.set_modified(times.modified().unwrap()).unwrap();
        assert_eq!(remove(&root), Removal::NotRendered);
        assert_ne!(times.mtime_nsec(), 0);
        fs::remove_file(root.join(PATCH)).unwrap();
        fs::create_dir(root.join(PATCH)).unwrap();
        assert_eq!(remove(&root), Removal::NotRendered);
    }

    #[test]
    fn a_moved_or_copied_back_patch_is_still_known() {
        let (_keep, root) = checkout();
        write(&root, Lasting::UntilRemoved);
        fs::rename(root.join(PATCH), root.join("elsewhere")).unwrap();
        let copied =
            std::process::Command::new("cp").arg("-p").args([root.join("elsewhere"), root.join(PATCH)]).status();
        assert!(copied.unwrap().success());
        assert_eq!(remove(&root), Removal::Removed);
    }

    #[test]
    fn what_a_killed_run_left_goes_too_and_a_directory_that_is_gone_is_no_error() {
        let (_keep, root) = checkout();
        let left = root.join("config/.secret-patch-new-staging-secret-config-patch.yml");
        fs::write(&left, "half a pat").unwrap();
        assert_eq!((remove(&root), left.exists()), (Removal::NothingThere, false));
        write(&root, Lasting::UntilRemoved);
        let file = PatchFile::open(&root.join(PATCH), None).unwrap();
        std::mem::forget(file.lend(b"lent").unwrap());
        drop(file);
        let (removal, notices) = remove_rendered(&root.join(PATCH), None).unwrap();
        assert_eq!((removal, notices[0].kind), (Removal::Removed, "recovered"));
        assert_eq!(fs::read_dir(root.join("config")).unwrap().count(), 0);
        fs::remove_dir(root.join("config")).unwrap();
        assert_eq!(remove(&root), Removal::NothingThere);
    }

    #[test]
    fn links_and_gits_own_files_are_refused() {
        let (_keep, root) = checkout();
        fs::create_dir(root.join("elsewhere")).unwrap();
        write(&root, Lasting::UntilRemoved);
        fs::rename(root.join(PATCH), root.join("elsewhere/staging-secret-config-patch.yml")).unwrap();
        fs::remove_dir(root.join("config")).unwrap();
        std::os::unix::fs::symlink("elsewhere", root.join("config")).unwrap();
        assert_eq!(remove_rendered(&root.join(PATCH), None).unwrap_err().kind, "link");
        assert!(root.join("elsewhere/staging-secret-config-patch.yml").exists());
        assert_eq!(remove_rendered(&root.join(".git/objects/x.yml"), None).unwrap_err().kind, "inside-git");
    }
}
