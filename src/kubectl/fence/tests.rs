#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;

use super::super::{Call, Ending, ExecPlugins, Launch as _, Program, Reach};
use super::*;

/// What `kubectl`, here a copy of `cat`, reads of `file` inside a fence around `files`.
fn read(kubectl: &Path, files: &[&Path], file: &Path) -> Result<String, String> {
    let fence = Fence { files: files.iter().map(|path| path.to_path_buf()).collect(), network: false };
    let call = Call {
        arguments: vec![file.into()],
        input: Default::default(),
        reach: Reach::Files,
        fence: Some(fence),
        deadline: std::time::Duration::from_secs(20),
        most: 1 << 20,
    };
    let program = Program::new(kubectl.to_owned(), [], ExecPlugins::Refused);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match runtime.block_on(program.launch(call)) {
        Ending::Success { stdout, .. } => Ok(String::from_utf8_lossy(stdout.expose()).into_owned()),
        Ending::Failed { stderr, .. } => Err(stderr.expose_for_redaction().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn inside_the_fence_only_the_files_of_the_walk_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(directory.path()).unwrap();
    let kubectl = root.join("kubectl");
    fs::copy("/bin/cat", &kubectl).unwrap();
    let [seen, other, link] = ["seen", "other", "link"].map(|name| root.join(name));
    fs::write(&seen, "seen").unwrap();
    fs::write(&other, "other").unwrap();
    symlink(&other, &link).unwrap();
    let gone = root.join("gone");
    let files = [seen.as_path(), &link, &gone];
    assert_eq!(read(&kubectl, &files, &seen), Ok("seen".to_owned()));
    let environ = format!("/proc/{}/environ", std::process::id());
    // A link is no file that the walk has seen: it came later.
    for file in [&other, &link, Path::new(&environ), Path::new("/etc/hostname"), Path::new("/proc/self/environ")] {
        let said = read(&kubectl, &files, file).unwrap_err();
        assert!(said.contains("Permission denied"), "{}: {said}", file.display());
    }
    // We ourselves are outside of it.
    assert_eq!(fs::read_to_string(&other).unwrap(), "other");
}

#[test]
fn a_file_that_was_put_in_anothers_place_after_the_fence_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(directory.path()).unwrap();
    let kubectl = root.join("kubectl");
    fs::copy("/bin/sh", &kubectl).unwrap();
    fs::write(root.join("seen"), "seen").unwrap();
    fs::write(root.join("other"), "other").unwrap();
    let script = root.join("script");
    // The shell's own redirection, after another process has moved the file here.
    fs::write(&script, "read go; read line < \"$0.in\"; echo \"$line\"").unwrap();
    let fence = Fence { files: vec![script.clone(), root.join("script.in")], network: false };
    fs::rename(root.join("seen"), root.join("script.in")).unwrap();
    let mut command = Command::new(&kubectl);
    command.arg(&script).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = runtime.block_on(async {
        use tokio::io::AsyncWriteExt as _;
        let mut child = spawn(&mut command, &kubectl, &fence).unwrap();
        fs::rename(root.join("other"), root.join("script.in")).unwrap();
        child.stdin.take().unwrap().write_all(b"go\n").await.unwrap();
        child.wait_with_output().await.unwrap()
    });
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "", "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("Permission denied"), "{output:?}");
}

#[test]
fn what_is_not_kubectl_itself_is_not_fenced_in() {
    let directory = tempfile::tempdir().unwrap();
    let [script, link] = ["kubectl", "kubectl-link"].map(|name| directory.path().join(name));
    fs::write(&script, "#!/bin/sh\n").unwrap();
    symlink("/bin/cat", &link).unwrap();
    assert_eq!(
        (is_kubectl(&script), is_kubectl(&link), is_kubectl(&directory.path().join("none"))),
        (None, None, None)
    );
}
