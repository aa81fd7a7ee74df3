//! What a step writes to its files, what is kept of it, and the environment that tells it where they are.

use std::collections::BTreeMap;

use secret_patch_runner::*;

fn one(value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("k".to_owned(), value.to_owned())])
}

#[test]
fn what_is_written_is_kept_unmasked_and_applied_in_order() {
    let mut job = Job::new().with_secret("hunter2");
    let files = Files {
        path: b"/a\r\n\n/b\r/a\n".to_vec(),
        env: b"k=hunter2\nNode_Options=--require\n".to_vec(),
        summary: b"hunter2\r\nx\rhunter2".to_vec(),
        state: b"k<<E\nhunter2\nE\n".to_vec(),
        output: b"k=hunter2".to_vec(),
    };
    let done = job.step("a").files(files).run(b"", b"");
    assert_eq!((&done.outputs, &done.state, job.environment()), (&one("hunter2"), &one("hunter2"), &one("hunter2")));
    assert_eq!(job.path().collect::<Vec<_>>(), ["/a", "/b"]);
    assert_eq!(done.summary, Summary::Shown("***\nx\n***\n".to_owned()));
    assert_eq!(done.errors, ["Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command."]);
    assert!(!done.failed);
}

#[test]
fn a_broken_file_fails_the_step_and_the_others_count() {
    let files = Files { env: b"k=1\nbroken\nl=2".to_vec(), output: b"k=v".to_vec(), ..Files::default() };
    let mut job = Job::new();
    let done = job.step("a").files(files).run(b"", b"");
    assert!(done.failed);
    assert_eq!(done.errors, ["Unable to process file command 'env' successfully.", "Invalid format 'broken'"]);
    assert_eq!((job.environment(), done.outputs), (&one("1"), one("v")));
}

#[test]
fn an_output_needs_a_name_and_state_does_not() {
    let files = Files { state: b"=x".to_vec(), output: b"k=1\n=x\nl=2".to_vec(), ..Files::default() };
    let done = Job::new().step("a").files(files).run(b"", b"");
    assert!(done.failed && done.outputs == one("1") && done.state[""] == "x");
}

#[test]
fn files_are_processed_even_if_the_runner_stopped_to_read() {
    let files = Files { output: b"k=v".to_vec(), ..Files::default() };
    let done = Job::new().step("a").files(files).run(b"::stop-commands::\n", b"");
    assert!(done.cut_off && done.outputs == one("v"));
}

#[test]
fn a_job_output_is_dropped_where_a_mask_is_in_it() {
    let mut job = Job::new();
    job.step("a").run(b"::add-mask::{%0A  \"a\": 1%0A}\n", b"");
    let outputs = job.outputs([("report", "{\"changed\":true}"), ("changed", "true"), ("empty", "")]);
    assert_eq!(outputs.kept, BTreeMap::from([("changed".to_owned(), "true".to_owned())]));
    assert_eq!(outputs.warnings, ["Skip output 'report' since it may contain secret."]);
    assert_eq!(outputs.size(), 8);
    assert!(job.shows_url("https://app.example") && !job.shows_url("https://{app}.example"));
}

#[test]
fn a_later_step_gets_what_an_earlier_one_wrote_but_what_the_runner_sets() {
    let mut job = Job::new();
    let env = b"LD_PRELOAD=/evil.so\nGITHUB_REPOSITORY=evil/evil\nHOME=/evil\nGITHUB_TOKEN=x\n".to_vec();
    job.step("a").files(Files { env, ..Files::default() }).run(b"", b"");
    let environment = ContainerStep::new(&job).environment().unwrap();
    assert_eq!(environment["LD_PRELOAD"], "/evil.so");
    assert_eq!(environment["GITHUB_REPOSITORY"], "octo/app");
    assert_eq!(environment["HOME"], "/github/home");
    assert_eq!(environment["GITHUB_TOKEN"], "x", "nobody sets it back");
}

#[test]
fn inputs_keep_dashes_and_paths_are_translated_as_whole_values() {
    let environment = ContainerStep::new(&Job::new())
        .input("kube-config file", " x ")
        .input("manifests", "/home/runner/work/app/app/k8s")
        .input("both", "/home/runner/work/app/app:/home/runner/work/_temp")
        .input("straße", "")
        .env("CI", "no")
        .manifest_env("CI", "manifest")
        .manifest_env("MODE", "action")
        .state("someKey", "1")
        .github("token", "ghs_1")
        .github("head_ref", "topic")
        .environment()
        .unwrap();
    for (name, value) in [
        ("INPUT_KUBE-CONFIG_FILE", " x "),
        ("INPUT_MANIFESTS", "/github/workspace/k8s"),
        ("INPUT_BOTH", "/home/runner/work/app/app:/home/runner/work/_temp"),
        ("INPUT_STRAßE", ""),
        ("CI", "no"),
        ("MODE", "action"),
        ("STATE_someKey", "1"),
        ("GITHUB_HEAD_REF", "topic"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_WORKSPACE", "/github/workspace"),
        ("GITHUB_EVENT_PATH", "/github/workflow/event.json"),
        ("RUNNER_TEMP", "/github/runner_temp"),
        ("RUNNER_TOOL_CACHE", "/opt/hostedtoolcache"),
        ("RUNNER_WORKSPACE", "/home/runner/work/app"),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
    for name in ["GITHUB_TOKEN", "GITHUB_ACTION_PATH", "RUNNER_DEBUG", "ACTIONS_ID_TOKEN_REQUEST_URL", "PATH"] {
        assert!(!environment.contains_key(name), "{name}");
    }
}

#[test]
fn a_variable_of_128_kib_starts_no_process() {
    let step = ContainerStep::new(&Job::new());
    let room = ARGUMENT_LIMIT - "INPUT_X=".len() - 1;
    assert!(step.clone().input("x", &"v".repeat(room)).environment().is_ok());
    assert_eq!(step.input("x", &"v".repeat(room + 1)).environment(), Err(TooLong("INPUT_X".to_owned())));
}

#[test]
fn files_on_disk_are_found_by_their_variables() {
    let temp = tempfile::tempdir().unwrap();
    let mounts = Mounts::new("/w/app/app", temp.path().display().to_string());
    std::fs::create_dir(mounts.file_commands()).unwrap();
    let files = FileCommands::create(mounts.file_commands().as_ref(), "1").unwrap();
    let job = Job::new().with_mounts(mounts);
    let step = ContainerStep::new(&job).files(&files);
    assert_eq!(step.environment().unwrap()["GITHUB_OUTPUT"], "/github/file_commands/set_output_1");
    let on_host = step.on_host();
    std::fs::write(&on_host["GITHUB_OUTPUT"], "k=v\n").unwrap();
    std::fs::remove_file(&on_host["GITHUB_ENV"]).unwrap();
    assert_eq!(files.read().unwrap(), Files { output: b"k=v\n".to_vec(), ..Files::default() });
}
