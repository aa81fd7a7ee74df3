//! The patch at its path only while kustomize reads it, and the way back from a kill at any instant.
//!
//! Beside the patch `P` stand, under names that begin with a dot and end like the patch's own (a rule `*-patch.yml`
//! covers them too): `N` (new: being written), `B` (before: the earlier file, renamed, so content, mode, owner and
//! links stay its own) and `M` (lent: a line that says whether there was an earlier file, and the size and time of
//! the lent one).
//!
//! | killed after | on the disk (earlier file E / none) | the next run |
//! |---|---|---|
//! | 0 nothing | P=E / P absent | nothing to do |
//! | 1 N created, in part or whole | P=E, N / N | removes N |
//! | 2 M created, in part | P=E, N, part of M / N, part of M | M unreadable: nothing was lent yet; removes N, M |
//! | 3 M whole | P=E, N, M / N, M | no B: P was not touched; removes N, M |
//! | 4 P renamed to B | B=E, N, M / – | renames B to P; removes N, M |
//! | 5 N renamed to P | P=lent, B=E, M / P=lent, M | renames B to P / removes P, known by size and time; removes M |
//! | 6 B renamed to P / P removed | P=E, M / M | as 3; removes M |
//! | 7 M removed | as 0 | nothing to do |
//!
//! The way back is the same code after a build and after a kill; M goes last, so a kill on the way back is a row above.
//! A file at P that is neither the earlier nor the lent one was put there by someone else, and is never replaced. The
//! lent file's time is set by hand to a whole even second: it is the same on every file system and after a
//! remount, and no file written by others has it by chance.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FileType, Stat, Timespec};

use super::beneath::Directory;
use super::patch_file::PatchFile;
use crate::error::{Problem, text};

const NEW: &str = ".secret-patch-new-";
const BEFORE: &str = ".secret-patch-before-";
const LENT: &str = ".secret-patch-lent-";

/// The patch's name and those of the files beside it.
#[derive(Debug)]
pub(super) struct Siblings {
    pub(super) patch: String,
    pub(super) new: String,
    pub(super) before: String,
    pub(super) lent: String,
}

impl Siblings {
    pub(super) fn of(patch: &str) -> Self {
        let with = |prefix: &str| format!("{prefix}{patch}");
        Self { patch: patch.to_owned(), new: with(NEW), before: with(BEFORE), lent: with(LENT) }
    }
}

/// A patch that is at its path for now. What was there before comes back with [`Lent::put_back`], or when this is
/// dropped.
#[derive(Debug)]
#[must_use = "the patch is at its path only while this lives"]
pub struct Lent<'a> {
    file: &'a PatchFile,
    open: bool,
}

impl<'a> Lent<'a> {
    pub(super) fn begin(file: &'a PatchFile, patch: &[u8]) -> Result<Self, Problem> {
        let (directory, names) = (&file.directory, &file.names);
        let earlier = directory.look_for_file(&names.patch)?.is_some();
        let marker = Marker { earlier, size: patch.len() as u64, time: even_second() };
        // From here on dropping this puts everything back.
        let lent = Self { file, open: true };
        directory.create(&names.new, patch, Some(Timespec { tv_sec: marker.time, tv_nsec: 0 }))?;
        directory.create(&names.lent, marker.to_line().as_bytes(), None)?;
        if earlier {
            directory.rename(&names.patch, &names.before)?;
        }
        directory.rename(&names.new, &names.patch)?;
        Ok(lent)
    }

    /// Puts back what was at the path before: the same file, or nothing.
    ///
    /// # Errors
    /// Someone else wrote to the path meanwhile (both files are kept), or what the system says; the next
    /// [`PatchFile::open`] tries again.
    pub fn put_back(mut self) -> Result<(), Problem> {
        self.open = false;
        settle(&self.file.directory, &self.file.names).map(drop)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if self.open {
            // Nobody is left to tell; the next run finds the marker and says so.
            let _ = settle(&self.file.directory, &self.file.names);
        }
    }
}

/// Puts right what killed runs left in `directory`: what stops the patch `own` from being written, and what was done.
pub(super) fn recover(directory: &Directory, own: &str) -> (Vec<Problem>, Vec<Problem>) {
    let names = match directory.names() {
        Ok(names) => names,
        Err(problem) => return (vec![problem], Vec::new()),
    };
    let patch =
        |name: &String| [NEW, BEFORE, LENT].iter().find_map(|prefix| name.strip_prefix(prefix)).map(str::to_owned);
    let mut patches: Vec<String> = names.iter().filter_map(patch).filter(|name| !name.is_empty()).collect();
    patches.sort();
    patches.dedup();
    let (mut problems, mut notices) = (Vec::new(), Vec::new());
    for patch in patches {
        match settle(directory, &Siblings::of(&patch)) {
            Ok(settled) => notices.extend(settled.notice(&patch)),
            Err(problem) if patch == own => problems.push(problem),
            // Another environment's leftovers do not stop this one.
            Err(problem) => problems.push(problem.as_warning()),
        }
    }
    (problems, notices)
}

/// What was done on the way back.
enum Settled {
    Nothing,
    Restored,
    Removed,
}

impl Settled {
    fn notice(&self, patch: &str) -> Option<Problem> {
        let done = match self {
            Self::Nothing => return None,
            Self::Restored => format!("the earlier `{patch}` is back at its path"),
            Self::Removed => format!("`{patch}`, lent for a build, is removed again"),
        };
        Some(Problem::notice("recovered", text!("a run was killed: {done}")))
    }
}

fn settle(directory: &Directory, names: &Siblings) -> Result<Settled, Problem> {
    let is_file = |found: &Stat| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    let file = |name: &str| Ok(directory.look(name)?.filter(is_file));
    let marked = file(&names.lent)?.is_some();
    let marker = if marked { Marker::parse(&directory.read(&names.lent)?) } else { None };
    let earlier = file(&names.before)?.is_some();
    let there = directory.look(&names.patch)?;
    let settled = match marker {
        Some(marker) if earlier && marker.earlier => {
            if there.is_some_and(|found| !marker.is_of(&found)) {
                return Err(changed_meanwhile(names));
            }
            directory.rename(&names.before, &names.patch)?;
            Settled::Restored
        }
        _ if earlier => return Err(not_from_here(names)),
        Some(marker) if !marker.earlier && there.is_some_and(|found| marker.is_of(&found)) => {
            directory.remove(&names.patch)?;
            Settled::Removed
        }
        _ => Settled::Nothing,
    };
    if file(&names.new)?.is_some() {
        directory.remove(&names.new)?;
    }
    if marked {
        directory.remove(&names.lent)?;
    }
    Ok(settled)
}

/// What the file `M` says.
struct Marker {
    earlier: bool,
    size: u64,
    time: i64,
}

impl Marker {
    const WORD: &'static str = "secret-patch";

    /// One line; its end tells that it is whole.
    fn to_line(&self) -> String {
        let before = if self.earlier { "before" } else { "nothing" };
        format!("{} {before} {} {}\n", Self::WORD, self.size, self.time)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        if words.next()? != Self::WORD {
            return None;
        }
        let earlier = match words.next()? {
            "before" => true,
            "nothing" => false,
            _ => return None,
        };
        let marker = Self { earlier, size: words.next()?.parse().ok()?, time: words.next()?.parse().ok()? };
        words.next().is_none().then_some(marker)
    }

    /// Whether `found` is the lent file, unchanged.
    fn is_of(&self, found: &Stat) -> bool {
        // The fields' types differ between systems.
        let (seconds, rest, size) =
            (i128::from(found.st_mtime), i128::from(found.st_mtime_nsec), i128::from(found.st_size));
        FileType::from_raw_mode(found.st_mode) == FileType::RegularFile
            && (seconds, rest, size) == (i128::from(self.time), 0, i128::from(self.size))
    }
}

fn even_second() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(now & !1).unwrap_or_default()
}

fn changed_meanwhile(names: &Siblings) -> Problem {
    let Siblings { patch, before, .. } = names;
    Problem::error("patch-changed", text!("`{patch}` was written by someone else while a run had lent it")).help(text!(
        "the one from before is `{before}` beside it: rename it to `{patch}`, or delete it to keep the new one"
    ))
}

fn not_from_here(names: &Siblings) -> Problem {
    let Siblings { patch, before, .. } = names;
    Problem::error("stray-file", text!("`{before}` is there, but no run says that it kept it"))
        .help(text!("if it is the `{patch}` you want, rename it to that; otherwise delete it"))
}

#[cfg(test)]
mod tests;
