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
    for name in [".secret-patch-before-staging-secret-config-patch.yml", ".secret-patch-other", ".secret-patch-new-"] {
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
