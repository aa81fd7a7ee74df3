//! Writing files that hold no values and are to be committed: plans and manifests.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "an edge: writes files")]

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::read::reason;
use crate::error::{Problem, text};

/// Writes `text` to `path`, whole or not at all; directories on the way are made. A file that says the same is left alone.
/// Returns whether there was something to write.
///
/// # Errors
/// What the system says; what was there is then unchanged.
pub fn write_text(path: &Path, text: &str) -> Result<bool, Problem> {
    let failed = |error: &io::Error| {
        let text = text!("`{}` cannot be written: {}", path.display(), reason(error));
        Problem::error("unwritable", text).help("check the path and its permissions")
    };
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
        && fs::read(path).is_ok_and(|old| old == text.as_bytes())
    {
        return Ok(false);
    }
    replace(path, text).map_err(|error| failed(&error))?;
    Ok(true)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = path.parent().unwrap_or(Path::new("."));
    make_directories(parent)?;
    let new = parent.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new)?;
        file.write_all(text.as_bytes())?;
        own_as(&new, parent);
        fs::rename(&new, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn make_directories(directory: &Path) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().unwrap_or(Path::new(""));
    make_directories(parent)?;
    match fs::DirBuilder::new().create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => {
            own_as(directory, parent);
            Ok(())
        }
    }
}

/// In the action's container we are root, and the workspace is the runner's.
fn own_as(path: &Path, parent: &Path) {
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    if rustix::process::geteuid().is_root()
        && let Ok(owner) = fs::metadata(parent)
    {
        // A file that stays root's is readable all the same.
        let _ = std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_with_its_directories_and_nothing_else_is_left() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("a/b/plan.yaml");
        assert!(write_text(&path, "x: 1\n").unwrap());
        assert!(!write_text(&path, "x: 1\n").unwrap());
        assert!(write_text(&path, "x: 2\n").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "x: 2\n");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        assert_eq!(write_text(Path::new("/proc/none/plan.yaml"), "").unwrap_err().kind, "unwritable");
    }
}
