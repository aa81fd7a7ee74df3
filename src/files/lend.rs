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
#[allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::ExitStatusExt;
    use std::path::{Path, PathBuf};
    use std::process::{Command, ExitStatus};

    use super::super::{Lasting, kill};
    use super::*;

    const PATCH: &str = "config/staging-secret-config-patch.yml";

    /// A file as it must be again: inode, mode, time, content.
    type Snapshot = BTreeMap<String, (u64, u32, i64, i64, Vec<u8>)>;

    /// What a process does until it is killed.
    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Deed {
        Open,
        Write,
        Lend,
        LendForever,
    }

    fn checkout(earlier: bool) -> (tempfile::TempDir, PathBuf) {
        let keep = tempfile::tempdir().unwrap();
        let root = keep.path().canonicalize().unwrap();
        fs::create_dir_all(root.join(".git/objects")).unwrap();
        fs::create_dir_all(root.join("config")).unwrap();
        fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(root.join(".gitignore"), "*-secret-config-patch.yml\n").unwrap();
        fs::write(root.join("config/prod-secret-config-patch.yml"), "prod").unwrap();
        fs::write(root.join("config/staging-config-secret.example.yml"), "template").unwrap();
        fs::write(root.join("config/.hidden"), "").unwrap();
        if earlier {
            fs::write(root.join(PATCH), vec![b'e'; 100_000]).unwrap();
            fs::set_permissions(root.join(PATCH), fs::Permissions::from_mode(0o640)).unwrap();
        }
        (keep, root)
    }

    fn snapshot(root: &Path) -> Snapshot {
        let entries = fs::read_dir(root.join("config")).unwrap().map(Result::unwrap);
        let file = |path: PathBuf| {
            let kind = fs::metadata(&path).unwrap();
            (kind.ino(), kind.mode(), kind.mtime(), kind.mtime_nsec(), fs::read(path).unwrap())
        };
        entries.map(|entry| (entry.file_name().into_string().unwrap(), file(entry.path()))).collect()
    }

    fn patch() -> Vec<u8> {
        vec![b'n'; 150_000]
    }

    /// This test binary again, as the process that is killed: it runs the one test that [`dies_if_told_to`].
    fn start(root: &Path, deed: Deed, points: i64) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let name = module_path!().split_once("::").unwrap().1.to_owned()
            + "::after_a_kill_at_any_instant_the_next_run_restores_everything";
        command.args(["--exact", &name, "--nocapture"]).stdout(std::process::Stdio::null());
        command.env("DIES_IN", root).env("DIES_AT", points.to_string()).env("DIES_DOING", format!("{deed:?}"));
        command
    }

    /// Runs a process that dies after `points` changes; `false` if it ended before it came so far.
    fn killed(root: &Path, deed: Deed, points: i64) -> bool {
        let status: ExitStatus = start(root, deed, points).status().unwrap();
        assert!(status.success() || status.signal() == Some(9), "{status}");
        !status.success()
    }

    /// In a process of [`start`]: does its deed until it dies, or to its end; `false` in all others.
    fn dies_if_told_to() -> bool {
        let Some(root) = std::env::var_os("DIES_IN").map(PathBuf::from) else { return false };
        let points = std::env::var("DIES_AT").unwrap().parse().unwrap();
        let deed = std::env::var("DIES_DOING").unwrap();
        if deed == "Open" {
            kill::die_after(points);
        }
        let file = PatchFile::open(&root.join(PATCH), None).unwrap();
        kill::die_after(points);
        match deed.as_str() {
            "Write" => file.write(&patch(), Lasting::UntilRemoved).unwrap(),
            "Lend" => file.lend(&patch()).unwrap().put_back().unwrap(),
            "LendForever" => loop {
                file.lend(&patch()).unwrap().put_back().unwrap();
            },
            _ => {}
        }
        true
    }

    fn recovered(root: &Path) -> Vec<String> {
        let file = PatchFile::open(&root.join(PATCH), None).unwrap();
        file.notices().iter().map(|notice| notice.message.to_string()).collect()
    }

    #[test]
    fn a_lent_patch_is_at_its_path_with_mode_0600_and_then_all_is_as_before() {
        for earlier in [true, false] {
            let (_keep, root) = checkout(earlier);
            let before = snapshot(&root);
            let file = PatchFile::open(&root.join(PATCH), None).unwrap();
            let lent = file.lend(b"lent").unwrap();
            assert_eq!(fs::read(root.join(PATCH)).unwrap(), b"lent");
            assert_eq!(fs::metadata(root.join(PATCH)).unwrap().mode() & 0o7777, 0o600);
            lent.put_back().unwrap();
            assert_eq!(snapshot(&root), before);
            drop(file.lend(b"lent").unwrap());
            assert_eq!(snapshot(&root), before, "dropped");
        }
    }

    #[test]
    fn after_a_kill_at_any_instant_the_next_run_restores_everything() {
        if dies_if_told_to() {
            return;
        }
        for earlier in [true, false] {
            let mut points = 0;
            loop {
                let (_keep, root) = checkout(earlier);
                let before = snapshot(&root);
                if !killed(&root, Deed::Lend, points) {
                    break;
                }
                // Whoever reads the patch meanwhile sees a whole one.
                if let Ok(content) = fs::read(root.join(PATCH)) {
                    assert!(content == patch() || earlier && content == vec![b'e'; 100_000], "point {points}");
                }
                recovered(&root);
                assert_eq!(snapshot(&root), before, "earlier: {earlier}, point {points}");
                assert_eq!(recovered(&root), [""; 0], "nothing is left to recover");
                points += 1;
            }
            assert!(points >= 16, "{points} points passed");
        }
    }

    #[test]
    fn a_kill_at_any_instant_of_the_recovery_loses_nothing_either() {
        for earlier in [true, false] {
            for points in 0.. {
                let mut left = false;
                for again in 0.. {
                    let (_keep, root) = checkout(earlier);
                    let before = snapshot(&root);
                    left = killed(&root, Deed::Lend, points);
                    let more = killed(&root, Deed::Open, again);
                    recovered(&root);
                    assert_eq!(snapshot(&root), before, "earlier: {earlier}, points {points} and {again}");
                    if !more {
                        break;
                    }
                }
                if !left {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_write_killed_at_any_instant_leaves_the_earlier_or_the_new_patch_whole() {
        for earlier in [true, false] {
            for points in 0.. {
                let (_keep, root) = checkout(earlier);
                let mut before = snapshot(&root);
                let killed = killed(&root, Deed::Write, points);
                recovered(&root);
                let mut after = snapshot(&root);
                let name = Path::new(PATCH).file_name().unwrap().to_str().unwrap();
                let (old, new) = (before.remove(name), after.remove(name));
                assert_eq!(after, before, "point {points}");
                assert!(new == old || new.is_some_and(|file| file.4 == patch()), "point {points}");
                if !killed {
                    break;
                }
            }
        }
    }

    #[test]
    fn kills_from_outside_at_random_instants_are_recovered_from() {
        let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_default();
        for round in 0..30_u64 {
            let (_keep, root) = checkout(round % 2 == 0);
            let before = snapshot(&root);
            let mut child = start(&root, Deed::LendForever, -1).spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_micros(5000 + (seed % 6000 + round * 7919) % 6000));
            child.kill().unwrap();
            child.wait().unwrap();
            recovered(&root);
            assert_eq!(snapshot(&root), before, "round {round}");
        }
    }

    /// A lent patch whose process is gone without having put anything back.
    fn left_lent(root: &Path) {
        let file = PatchFile::open(&root.join(PATCH), None).unwrap();
        std::mem::forget(file.lend(b"lent").unwrap());
    }

    #[test]
    fn another_environments_run_restores_too_and_says_so() {
        for (earlier, said) in [
            (true, "a run was killed: the earlier `staging-secret-config-patch.yml` is back at its path"),
            (false, "a run was killed: `staging-secret-config-patch.yml`, lent for a build, is removed again"),
        ] {
            let (_keep, root) = checkout(earlier);
            let before = snapshot(&root);
            left_lent(&root);
            let file = PatchFile::open(&root.join("config/prod-secret-config-patch.yml"), None).unwrap();
            assert_eq!(file.notices()[0].message, said);
            assert_eq!(snapshot(&root), before);
        }
    }

    #[test]
    fn a_file_that_someone_wrote_meanwhile_is_never_replaced() {
        let (_keep, root) = checkout(true);
        left_lent(&root);
        fs::write(root.join(PATCH), "mine").unwrap();
        let left = snapshot(&root);
        let problems = PatchFile::open(&root.join(PATCH), None).unwrap_err();
        assert_eq!(problems[0].kind, "patch-changed");
        assert_eq!(snapshot(&root), left);
        // Neither does another environment's run touch it, nor is it stopped.
        let prod = PatchFile::open(&root.join("config/prod-secret-config-patch.yml"), None).unwrap();
        assert_eq!((prod.notices()[0].kind, prod.notices()[0].is_error()), ("patch-changed", false));
        drop(prod);
        // Either way out that the help names.
        fs::remove_file(root.join("config/.secret-patch-before-staging-secret-config-patch.yml")).unwrap();
        assert_eq!(recovered(&root), [""; 0]);
        assert_eq!(fs::read(root.join(PATCH)).unwrap(), b"mine");
        assert_eq!(snapshot(&root).len(), 4);
    }

    #[test]
    fn a_file_that_someone_wrote_where_nothing_was_stays() {
        let (_keep, root) = checkout(false);
        left_lent(&root);
        fs::write(root.join(PATCH), "mine").unwrap();
        assert_eq!(recovered(&root), [""; 0]);
        assert_eq!(fs::read(root.join(PATCH)).unwrap(), b"mine");
    }

    #[test]
    fn a_file_written_while_the_patch_is_lent_stops_the_run_and_both_are_kept() {
        let (_keep, root) = checkout(true);
        let file = PatchFile::open(&root.join(PATCH), None).unwrap();
        let lent = file.lend(b"lent").unwrap();
        fs::write(root.join(PATCH), "mine").unwrap();
        assert_eq!(lent.put_back().unwrap_err().kind, "patch-changed");
        assert_eq!(fs::read(root.join(PATCH)).unwrap(), b"mine");
        assert_eq!(snapshot(&root)[".secret-patch-before-staging-secret-config-patch.yml"].4, vec![b'e'; 100_000]);
    }

    #[test]
    fn files_of_such_a_name_that_no_run_made_are_not_touched() {
        let (_keep, root) = checkout(true);
        for name in
            [".secret-patch-before-staging-secret-config-patch.yml", ".secret-patch-other", ".secret-patch-new-"]
        {
            fs::write(root.join("config").join(name), "mine").unwrap();
        }
        let before = snapshot(&root);
        assert_eq!(PatchFile::open(&root.join(PATCH), None).unwrap_err()[0].kind, "stray-file");
        assert_eq!(snapshot(&root), before);
    }

    #[test]
    fn a_second_run_in_the_same_directory_is_refused() {
        let (_keep, root) = checkout(true);
        let file = PatchFile::open(&root.join(PATCH), None).unwrap();
        let problems = PatchFile::open(&root.join(PATCH), None).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.starts_with("another run is writing in `"), "{problems:?}");
        drop(file);
        assert!(PatchFile::open(&root.join(PATCH), None).is_ok());
    }
}
