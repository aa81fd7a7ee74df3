use std::io::{Seek as _, Write as _};
use std::time::Instant;

use super::super::{Output, Untrusted};
use super::*;

/// `/bin/sh` in kubectl's place.
fn shell(script: &str) -> Call {
    Call {
        arguments: ["-c", script].map(OsString::from).into(),
        input: Zeroizing::default(),
        reach: Reach::Files,
        fence: None,
        most: STDOUT_CAP,
        deadline: Duration::from_secs(20),
    }
}

fn program(environment: &[(&str, &str)], plugins: ExecPlugins) -> Program {
    let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    Program::new("/bin/sh".into(), environment, plugins)
}

fn run(program: &Program, call: Call) -> Ending {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(program.launch(call))
}

fn stdout(ending: &Ending) -> String {
    let Ending::Success { stdout, .. } = ending else { panic!("{ending:?}") };
    String::from_utf8(stdout.expose().to_vec()).unwrap()
}

/// A file in memory, as the kubeconfig is handed in.
fn memory(text: &str) -> OwnedFd {
    let fd = rustix::fs::memfd_create("kubeconfig", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let mut file = std::fs::File::from(fd);
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    file.into()
}

#[test]
fn a_child_keeps_only_the_way_to_the_server() {
    let ours = [
        ("HTTPS_PROXY", "p"),
        ("no_proxy", "n"),
        ("SSL_CERT_DIR", "d"),
        ("HOME", "/root"),
        ("VAULT_TOKEN", "t"),
        ("PATH", "/bin"),
        ("KUBECONFIG", "k"),
        ("KUBECTL_KUBERC", "false"),
    ];
    let names = |plugins| {
        let text = stdout(&run(
            &program(&ours, plugins),
            shell("tr '\\0' '\\n' < /proc/$$/environ | /usr/bin/env -i /usr/bin/sort"),
        ));
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let few = [
        "GOGC=off",
        "GOMEMLIMIT=128MiB",
        "HOME=/nonexistent",
        "HTTPS_PROXY=p",
        "KUBECACHEDIR=/dev/null",
        "KUBERC=off",
        "SSL_CERT_DIR=d",
        "no_proxy=n",
    ];
    assert_eq!(names(ExecPlugins::Allowed), few, "a build runs no plugin");
    assert_eq!(names(ExecPlugins::Refused), few);
}

#[test]
fn plugins_have_their_path_home_and_cloud() {
    let ours =
        [("PATH", "/bin"), ("HOME", "/home/me"), ("AWS_PROFILE", "a"), ("VAULT_TOKEN", "t"), ("SOME_SECRET", "s")];
    let names = |plugins| {
        let program = program(&ours, plugins).with_kubeconfig(memory(""));
        let script = "echo ${PATH##*:} $HOME $AWS_PROFILE $VAULT_TOKEN $SOME_SECRET";
        stdout(&run(&program, Call { reach: Reach::Cluster, ..shell(script) }))
    };
    assert_eq!(names(ExecPlugins::Allowed), "/bin /home/me a\n");
    assert!(names(ExecPlugins::Refused).ends_with(" /nonexistent\n"));
}

#[test]
fn a_kubeconfig_is_inherited_by_calls_to_the_cluster_only_and_read_anew_by_each() {
    let program = program(&[], ExecPlugins::Refused).with_kubeconfig(memory("secret: yes\n"));
    let cluster = || Call { reach: Reach::Cluster, ..shell("read line < \"$KUBECONFIG\"; echo \"$KUBECONFIG $line\"") };
    for _ in 0..2 {
        assert_eq!(stdout(&run(&program, cluster())), "/dev/fd/3 secret: yes\n");
    }
    assert_eq!(stdout(&run(&program, shell("test -e /dev/fd/3 || echo \"none${KUBECONFIG}\""))), "none\n");
}

#[test]
fn plain_http_is_barred_to_calls_to_the_cluster_that_run_no_plugin() {
    let said = |plugins, reach| {
        let ours = [("HTTP_PROXY", "http://ours:1"), ("http_proxy", "http://ours:2")];
        let program = program(&ours, plugins).with_kubeconfig(memory("x"));
        stdout(&run(&program, Call { reach, ..shell("echo $HTTP_PROXY $http_proxy") }))
    };
    assert_eq!(said(ExecPlugins::Refused, Reach::Cluster), "http://127.0.0.1:99999\n");
    for (plugins, reach) in [(ExecPlugins::Allowed, Reach::Cluster), (ExecPlugins::Refused, Reach::Files)] {
        assert_eq!(said(plugins, reach), "http://ours:1 http://ours:2\n");
    }
}

#[test]
fn a_call_to_the_cluster_without_a_kubeconfig_is_not_started() {
    let call = Call { reach: Reach::Cluster, ..shell("true") };
    assert!(matches!(run(&program(&[], ExecPlugins::Refused), call), Ending::NotStarted { .. }));
}

#[test]
fn ten_megabytes_go_in_and_out_at_once() {
    let input: Vec<u8> = (0..10_000_000_u32).map(|n| b'a' + u8::try_from(n % 26).unwrap()).collect();
    let call = Call { input: Zeroizing::new(input.clone()), ..shell("echo warned >&2; exec /bin/cat") };
    let Ending::Success { stdout, stderr } = run(&program(&[], ExecPlugins::Refused), call) else { panic!() };
    assert!(stdout.expose() == input);
    assert_eq!(stderr.expose_for_redaction(), "warned\n");
}

#[test]
fn input_that_nobody_reads_does_no_harm() {
    let call = Call { input: Zeroizing::new(vec![b'x'; 1_000_000]), ..shell("echo done") };
    assert_eq!(stdout(&run(&program(&[], ExecPlugins::Refused), call)), "done\n");
}

#[test]
fn every_way_to_end_is_told_apart() {
    let sh = program(&[], ExecPlugins::Refused);
    let Ending::Failed { code: 3, stdout, stderr } = run(&sh, shell("echo out; echo err >&2; exit 3")) else {
        panic!()
    };
    assert_eq!((stdout.expose(), stderr.expose_for_redaction()), (&b"out\n"[..], "err\n"));
    assert!(matches!(run(&sh, shell("kill -9 $$")), Ending::Killed { signal: 9, .. }));
    let missing = Program::new("/nonexistent/kubectl".into(), [], ExecPlugins::Refused);
    assert!(matches!(run(&missing, shell("true")), Ending::NotStarted { .. }));
}

#[test]
fn at_its_deadline_a_child_is_killed_and_what_it_said_is_kept() {
    let call = Call { deadline: Duration::from_millis(300), ..shell("echo begun >&2; exec /bin/sleep 60") };
    let start = Instant::now();
    let Ending::TimedOut { stderr, .. } = run(&program(&[], ExecPlugins::Refused), call) else { panic!() };
    assert_eq!(stderr.expose_for_redaction(), "begun\n");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_call_that_is_dropped_leaves_no_child() {
    let directory = std::env::temp_dir().join(format!("call-{}", std::process::id()));
    let script = format!("echo $$ > {}; exec /bin/sleep 60", directory.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pid = runtime.block_on(async {
        let sh = program(&[], ExecPlugins::Refused);
        tokio::select! {
            _ = sh.launch(shell(&script)) => panic!("it sleeps"),
            pid = async {
                loop {
                    match std::fs::read_to_string(&directory) {
                        Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
                        _ => tokio::time::sleep(Duration::from_millis(10)).await,
                    }
                }
            } => pid,
        }
    });
    std::fs::remove_file(&directory).unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let gone = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        state().is_empty() || state().contains(") Z")
    });
    assert!(gone, "{}", state());
}

#[test]
fn nothing_that_may_hold_values_prints_them() {
    let call = Call { input: Zeroizing::new(b"HUSH".to_vec()), ..shell("x") };
    let ending = Ending::Success { stdout: Output::new(b"HUSH".to_vec()), stderr: Untrusted::new("HUSH") };
    assert!(!format!("{call:?} {ending:?}").contains("HUSH"));
}

/// A call to the cluster of a child that first writes its process id, then what it reads.
fn echoing(beginning: &str) -> Call {
    let script = format!("{beginning} echo $$; while read -r line; do echo \"$line\"; done");
    Call { reach: Reach::Cluster, ..shell(&script) }
}

/// Waits until `is_so`.
async fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() && start.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(is_so());
}

#[test]
fn a_call_that_was_started_ahead_is_on_its_way_when_it_is_asked_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let program = program(&[], ExecPlugins::Refused).with_kubeconfig(memory(""));
    let begun = tempfile::NamedTempFile::new().unwrap();
    let pids = || std::fs::read_to_string(begun.path()).unwrap();
    let call = || echoing(&format!("echo $$ >> {};", begun.path().display()));
    let answers = runtime.block_on(async {
        program.start_ahead(call());
        wait_until(|| !pids().is_empty()).await;
        let other = program.launch(echoing("echo other;")).await;
        let first = program.launch(Call { input: Zeroizing::new(b"a name\n".to_vec()), ..call() }).await;
        assert_eq!(pids().lines().count(), 1);
        let second = program.launch(call()).await;
        [other, first, second].map(|ending| stdout(&ending))
    });
    let [other, first, second] = answers;
    assert!(other.starts_with("other\n"));
    let pids = pids();
    let [one, two] = pids.lines().collect::<Vec<_>>()[..] else { panic!("{pids}") };
    assert_eq!(first, format!("{one}\na name\n"));
    assert_eq!(second, format!("{two}\n"), "a child answers once");
}

#[test]
fn what_was_started_ahead_is_read_before_it_is_asked_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let program = program(&[], ExecPlugins::Refused).with_kubeconfig(memory(""));
    let printed = tempfile::NamedTempFile::new().unwrap();
    // More than a pipe holds.
    let script = format!("/usr/bin/head -c 1000000 /dev/zero; echo done > {}", printed.path().display());
    let call = || Call { reach: Reach::Cluster, ..shell(&script) };
    runtime.block_on(async {
        program.start_ahead(call());
        wait_until(|| std::fs::read_to_string(printed.path()).unwrap() == "done\n").await;
        assert_eq!(stdout(&program.launch(call()).await).len(), 1_000_000);
        program.start_ahead(Call { most: 999_999, ..call() });
        assert!(matches!(program.launch(call()).await, Ending::TooMuchOutput));
    });
}

#[test]
fn what_was_started_ahead_stands_back_behind_what_is_waited_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let program = program(&[], ExecPlugins::Refused).with_kubeconfig(memory(""));
    let call = |script: &str, input: &str| Call {
        reach: Reach::Cluster,
        input: Zeroizing::new(input.into()),
        ..shell(script)
    };
    let niceness = |ending: Ending| stdout(&ending).trim().parse::<i32>().unwrap();
    let (own, ahead) = runtime.block_on(async {
        let waiting = "read -r line; /usr/bin/nice";
        program.start_ahead(call(waiting, ""));
        let own = program.launch(call("/usr/bin/nice", "")).await;
        (own, program.launch(call(waiting, "now\n")).await)
    });
    assert_eq!(niceness(ahead), (niceness(own) + NICENESS_AHEAD).min(19));
}

#[test]
fn plugins_are_never_started_ahead() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let program = program(&[], ExecPlugins::Allowed).with_kubeconfig(memory(""));
    runtime.block_on(async { program.start_ahead(echoing("")) });
    assert_eq!(program.ahead.count(), 0);
}

#[test]
fn a_call_that_nobody_asks_for_is_killed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let program = program(&[], ExecPlugins::Refused).with_kubeconfig(memory(""));
    let begun = tempfile::NamedTempFile::new().unwrap();
    let pid = || std::fs::read_to_string(begun.path()).unwrap().trim().to_owned();
    runtime.block_on(async {
        program.start_ahead(echoing(&format!("echo $$ > {};", begun.path().display())));
        wait_until(|| !pid().is_empty()).await;
        program.forget_ahead();
        let stat = format!("/proc/{}/stat", pid());
        wait_until(|| std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))).await;
    });
}
