//! Docker and act in a bed; the names of these tests start with `docker`, so that who is not root can leave them out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::Path;

use support::{assert_ends, bed, processes_of, start_and_hold};

/// A repository whose workflow checks out, uses its own container action and prints what that put out.
const JOB: &str = r#"
set -eu
mkdir -p "$BED_DIR/repository/.github/workflows" && cd "$BED_DIR/repository"
cat >Dockerfile <<'END'
FROM localhost/job:1
ENTRYPOINT ["/bin/sh", "-c", "echo greeting=hello $INPUT_WHOM >>$GITHUB_OUTPUT"]
END
cat >action.yml <<'END'
name: greet
description: greets
inputs: {whom: {description: who is greeted, required: true}}
outputs: {greeting: {description: the words}}
runs: {using: docker, image: Dockerfile}
END
cat >.github/workflows/job.yml <<'END'
on: push
jobs:
  job:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - {id: greet, uses: ./, with: {whom: world}}
      - {run: 'echo "said: ${{ steps.greet.outputs.greeting }}"; wget -qO- "$VAULT_ADDR/v1/sys/seal-status"', shell: 'sh {0}', env: {VAULT_ADDR: '${{ vars.VAULT_ADDR }}'}}
END
git init -q && git add -A && git -c user.name=t -c user.email=t@localhost commit -qm job
act push -P ubuntu-latest=localhost/job:1 --pull=false --action-offline-mode --no-cache-server --container-daemon-socket - -s GITHUB_TOKEN=x --var VAULT_ADDR="$VAULT_ADDR"
"#;

#[test]
fn docker_runs_a_job_of_act_that_builds_and_uses_a_container_action_and_reaches_openbao() {
    let said = support::run("docker,vault", JOB);
    assert!(said.contains("said: hello world"), "{said}");
    assert!(said.contains(r#""sealed":false"#), "{said}");
    assert!(said.contains("Job succeeded"), "{said}");
}

#[test]
fn docker_of_a_killed_bed_leaves_no_process_and_no_mount_and_the_next_bed_removes_the_rest() {
    let temporary = tempfile::tempdir().unwrap();
    let script = r#"docker run --detach --network host localhost/job:1 sh -c 'sleep 1000; :' "$BED_DIR" >&2"#;
    let (mut bed, home) = start_and_hold(&temporary, &["--with", "docker"], script);
    assert!(processes_of(&home).iter().any(|line| line.starts_with("sh -c sleep 1000")), "{:?}", processes_of(&home));
    bed.kill().unwrap();
    bed.wait().unwrap();
    assert_ends(&home);
    assert!(!fs::read_to_string("/proc/mounts").unwrap().contains(&home));
    assert!(support::bed(&temporary, &["run", "--", "true"]).status().unwrap().success());
    assert!(!Path::new(&home).exists());
    assert_eq!(cgroups_of(&home), Vec::<String>::new());
}

#[test]
fn docker_of_a_bed_that_ends_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let script = r#"docker run --detach --network none localhost/job:1 sleep 1000 >&2; echo "$BED_DIR""#;
    let said = bed(&temporary, &["run", "--with", "docker", "--", "sh", "-c", script]).output().unwrap();
    let (status, stdout, stderr) = support::text(said);
    assert_eq!(status, Some(0), "{stdout}{stderr}");
    let home = stdout.trim();
    assert_ends(home);
    assert!(!Path::new(home).exists());
    assert!(!fs::read_to_string("/proc/mounts").unwrap().contains(home));
    assert_eq!(cgroups_of(home), Vec::<String>::new());
}

fn cgroups_of(home: &str) -> Vec<String> {
    let name = Path::new(home).file_name().unwrap();
    let roots = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
    let all = roots.chain(["/sys/fs/cgroup".into()]).map(|root| root.join(name));
    all.filter(|path| path.exists()).map(|path| path.display().to_string()).collect()
}
