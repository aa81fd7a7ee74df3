//! A directory reached without following links, and the few changes that are made in it.
//!
//! Every change to the disk that could be cut short by a kill is one method here, so a test can stop before and after
//! each.

#![expect(clippy::disallowed_types, reason = "an edge: changes files in an open directory")]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::read::{here, reason, type_name};
use crate::error::{Problem, text};

/// How often, and after how long a pause, a lock that another run holds is tried again: an apply holds it for as
/// long as its build takes, and several environments side by side should not fail.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// Content goes to the disk in pieces of this size.
const PIECE: usize = 64 * 1024;

/// An open directory.
#[derive(Debug)]
pub(super) struct Directory {
    fd: OwnedFd,
    /// Absolute; for problems.
    path: PathBuf,
    /// Who gets the files made in it; `None`: whoever runs this.
    owner: Option<(Uid, Gid)>,
}

impl Directory {
    /// Opens `beneath` (names only) from `anchor` on, one name at a time, following no link. `anchor` itself may be
    /// reached by links: it is what the user, or git, calls the checkout. No directory of `forbidden` may be on the
    /// way.
    pub(super) fn open(anchor: &Path, beneath: &Path, name: &str, forbidden: &[&Path]) -> Result<Self, Problem> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let forbidden: Vec<Stat> = forbidden.iter().filter_map(|path| fs::stat(*path).ok()).collect();
        let mut reached = anchor.to_owned();
        let mut fd = fs::open(anchor, flags, Mode::empty()).map_err(|error| refused(&reached, None, error))?;
        let workspace = fs::fstat(&fd).map_err(|error| refused(&reached, None, error))?;
        for part in beneath.components() {
            let Component::Normal(part) = part else { continue };
            reached.push(part);
            let found = fs::statat(&fd, part, AtFlags::SYMLINK_NOFOLLOW).ok();
            fd = fs::openat(&fd, part, flags | OFlags::NOFOLLOW, Mode::empty()).map_err(|error| match error {
                Errno::NOENT => missing(&anchor.join(beneath)),
                _ => refused(&reached, found.map(|found| FileType::from_raw_mode(found.st_mode)), error),
            })?;
            let here = fs::fstat(&fd).map_err(|error| refused(&reached, None, error))?;
            let same = |other: &Stat| (other.st_dev, other.st_ino) == (here.st_dev, here.st_ino);
            if part.eq_ignore_ascii_case(".git") || forbidden.iter().any(same) {
                return Err(inside_git(name));
            }
        }
        // A container's root writes into a checkout of the runner's user, who must be able to clean it up.
        let root = rustix::process::geteuid().is_root();
        let owner = root.then(|| (Uid::from_raw(workspace.st_uid), Gid::from_raw(workspace.st_gid)));
        Ok(Self { fd, path: reached, owner })
    }

    /// Takes the lock that the kernel gives back when this process ends, however it ends. `false`: this file system has
    /// no locks for directories (NFS).
    pub(super) fn lock(&self) -> Result<bool, Problem> {
        for attempt in 0..TRIES {
            match fs::flock(&self.fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(true),
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(_) => return Ok(false),
            }
            if attempt + 1 < TRIES {
                std::thread::sleep(PAUSE);
            }
        }
        Err(Problem::error("other-run", text!("another run is writing in `{}`", here(&self.path)))
            .help("wait until it has ended; deploy several environments at once from a checkout each"))
    }

    /// What has this name here, links not followed.
    pub(super) fn look(&self, name: &str) -> Result<Option<Stat>, Problem> {
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed("look at", name, error.into())),
        }
    }

    /// Whether a regular file has this name here; anything else but nothing is an error.
    pub(super) fn look_for_file(&self, name: &str) -> Result<Option<Stat>, Problem> {
        let Some(found) = self.look(name)? else { return Ok(None) };
        let path = &self.path.join(name);
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Ok(Some(found)),
            FileType::Symlink => Err(linked(path)),
            other => {
                let text = text!("`{}` is {}, not a regular file", here(path), type_name(other));
                Err(Problem::error("not-a-file", text).help("remove it, or name another file with `--output`"))
            }
        }
    }

    /// The names in it.
    pub(super) fn names(&self) -> Result<Vec<String>, Problem> {
        let read = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::Dir::read_from(&self.fd)? {
                names.extend(entry?.file_name().to_str().ok().map(str::to_owned));
            }
            Ok(names)
        };
        read().map_err(|error| self.failed("list", ".", error))
    }

    /// Whether the regular file `found` of this name is as [`Directory::create`] would make it: content, mode, owner, and no other name of it.
    pub(super) fn holds(&self, name: &str, found: &Stat, content: &[u8]) -> bool {
        let mode = Mode::from_raw_mode(found.st_mode) == Mode::RUSR | Mode::WUSR;
        let owner =
            self.owner.is_none_or(|(user, group)| (found.st_uid, found.st_gid) == (user.as_raw(), group.as_raw()));
        let size = usize::try_from(found.st_size) == Ok(content.len());
        let same = || self.bytes(name, content.len()).is_ok_and(|bytes| *Zeroizing::new(bytes) == content);
        mode && owner && size && found.st_nlink == 1 && same()
    }

    /// A small file's content.
    pub(super) fn read(&self, name: &str) -> Result<String, Problem> {
        let bytes = self.bytes(name, 4096).map_err(|error| self.failed("read", name, error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first bytes of a file, `most` at most.
    fn bytes(&self, name: &str, most: usize) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(fs::openat(&self.fd, name, flags, Mode::empty())?);
        let mut bytes = Vec::with_capacity(most);
        io::Read::read_to_end(&mut io::Read::take(file, most as u64), &mut bytes)?;
        Ok(bytes)
    }

    /// Makes a file of mode 0600 that was not there, with this content and, if given, this time of change.
    /// What could not be finished is removed.
    pub(super) fn create(&self, name: &str, content: &[u8], time: Option<Timespec>) -> Result<(), Problem> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        kill_point();
        let fd = fs::openat(&self.fd, name, flags, mode).map_err(|error| self.failed("create", name, error.into()))?;
        let fill = || -> io::Result<()> {
            let mut file = File::from(fd);
            // The mode asked for is cut by the umask; this one is not.
            fs::fchmod(&file, mode)?;
            for piece in content.chunks(PIECE) {
                kill_point();
                file.write_all(piece)?;
            }
            kill_point();
            if let Some((user, group)) = self.owner {
                // Where even root may not (NFS), the file is root's: a nuisance when cleaning up, no danger.
                let _ = fs::fchown(&file, Some(user), Some(group));
            }
            if let Some(at) = time {
                fs::futimens(&file, &Timestamps { last_access: at, last_modification: at })?;
            }
            kill_point();
            Ok(())
        };
        fill().map_err(|error| {
            let _ = fs::unlinkat(&self.fd, name, AtFlags::empty());
            self.failed("write", name, error)
        })
    }

    /// Gives a file another name, in place of what had it.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), Problem> {
        kill_point();
        fs::renameat(&self.fd, from, &self.fd, to).map_err(|error| self.failed("replace", to, error.into()))?;
        kill_point();
        Ok(())
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), Problem> {
        kill_point();
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(self.failed("remove", name, error.into())),
        }
        kill_point();
        Ok(())
    }

    fn failed(&self, verb: &str, name: &str, error: io::Error) -> Problem {
        let path = &self.path.join(name);
        Problem::error("cannot-write", text!("cannot {verb} `{}`: {}", here(path), reason(&error)))
            .help("look at the directory's owner and modes, and at the room left on its disk")
    }
}

/// The patch is never written into git's own files.
pub(super) fn inside_git(name: &str) -> Problem {
    Problem::error("inside-git", text!("`{name}` lies among git's own files"))
        .help("name a file of the checkout with `--output`")
}

/// A path with a link in it leads somewhere else than it says.
fn linked(path: &Path) -> Problem {
    Problem::error("link", text!("`{}` is a symbolic link", here(path)))
        .help("a secret is written only where its path says: remove the link, or name the real place with `--output`")
}

fn missing(path: &Path) -> Problem {
    Problem::error("missing-directory", text!("the directory `{}` does not exist", here(path)))
        .help(text!("`mkdir -p {}`, or correct the path", here(path)))
}

fn refused(path: &Path, found: Option<FileType>, error: Errno) -> Problem {
    match (error, found) {
        (_, Some(FileType::Symlink)) | (Errno::LOOP, _) => linked(path),
        (Errno::NOENT, _) => missing(path),
        (Errno::NOTDIR, _) => Problem::error("not-a-directory", text!("`{}` is not a directory", here(path)))
            .help("name a file in a directory with `--output`"),
        (error, _) => {
            let text = text!("the directory `{}` cannot be opened: {}", here(path), reason(&error.into()));
            Problem::error("unreadable", text).help("look at its owner and modes")
        }
    }
}

/// In tests: the process can be made to die here.
#[cfg(not(test))]
fn kill_point() {}
#[cfg(test)]
use super::kill::kill_point;
