//! A run that goes on, and is searched for leaks when it has ended, by itself or by force.

use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin, Command};
use std::thread::JoinHandle;

use super::watch::Watch;
use super::{Ended, Run};

/// A running program. Where it is dropped it is killed, and searched too.
pub struct Started {
    run: Run,
    child: Child,
    /// Both streams; one that the test has put elsewhere stays empty.
    streams: [Option<JoinHandle<Vec<u8>>>; 2],
    stdin: Option<ChildStdin>,
    feeder: Option<JoinHandle<()>>,
    /// Until it was searched.
    watch: Option<Watch>,
}

impl Started {
    pub(super) fn new(run: &Run, command: &mut Command) -> Self {
        let mut watch = Watch::new(run);
        let mut child = command.spawn().expect("started");
        watch.follow(&child);
        let streams = [child.stdout.take().map(reader), child.stderr.take().map(reader)];
        let stdin = child.stdin.take();
        Self { run: run.clone(), child, streams, stdin, feeder: None, watch: Some(watch) }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives it this to read, and no more.
    #[must_use]
    pub fn feed(mut self, text: &[u8]) -> Self {
        if let Some(mut stdin) = self.stdin.take() {
            let text = text.to_vec();
            self.feeder = Some(std::thread::spawn(move || drop(stdin.write_all(&text))));
        }
        self
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("asked").is_some()
    }

    /// Sends it a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status().expect("kill");
        assert!(sent.success(), "SIG{name}");
    }

    /// Ends it at once.
    #[track_caller]
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("killed");
        self.end()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Ended {
        self.end()
    }

    #[track_caller]
    fn end(&mut self) -> Ended {
        let status = self.child.wait().expect("ended");
        drop(self.stdin.take());
        if let Some(feeder) = self.feeder.take() {
            feeder.join().expect("fed");
        }
        let mut read = |stream: usize| {
            let bytes = self.streams[stream].take().map(|reader| reader.join().expect("read")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let ended = Ended { code: status.code(), stdout: read(0), stderr: read(1) };
        if let Some(watch) = self.watch.take() {
            watch.search(&self.run, &ended);
        }
        ended
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // A test that fails already says why.
        if self.watch.is_some() && !std::thread::panicking() {
            drop(self.child.kill());
            self.end();
        }
    }
}

fn reader(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(stream.read_to_end(&mut bytes));
        bytes
    })
}
