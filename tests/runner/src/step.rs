//! One step: what it printed and wrote goes in, what GitHub shows and keeps comes out.

mod annotate;
mod dispatch;
mod session;
mod written;

use std::collections::BTreeMap;

use self::session::Session;
use crate::annotation::Annotation;
use crate::files::Files;
use crate::job::Job;
use crate::lines::{LineReader, lines};

/// So many annotations of each kind are kept a step, the runner's own included; all are logged.
pub const ANNOTATION_LIMIT: usize = 10;

/// A message is cut to this many UTF-16 units after it was masked.
pub const MESSAGE_LIMIT: usize = 4096;

/// A summary file with more bytes than this is not shown at all.
pub const SUMMARY_LIMIT: usize = 1024 * 1024;

/// Where a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error, on which commands work too.
    Err,
}

/// A step that has not run yet.
#[derive(Debug)]
pub struct Step<'job> {
    job: &'job mut Job,
    id: String,
    files: Files,
    in_container: bool,
}

/// What a step left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// What was written to the log, masked at that moment; one entry a write, so a message may have several lines.
    pub log: Vec<String>,
    /// The first ten of each kind.
    pub annotations: Vec<Annotation>,
    /// How many more there were.
    pub dropped_annotations: usize,
    /// Errors of the runner itself, masked; they are among the annotations too.
    pub errors: Vec<String>,
    /// Warnings of the runner itself, masked; they are among the annotations too.
    pub warnings: Vec<String>,
    /// A command or a file command failed the step, whatever its exit code.
    pub failed: bool,
    /// The runner stopped to read after a refused `stop-commands`; later lines were lost.
    pub cut_off: bool,
    /// Values that this step added to the job's masker; their forms come on top.
    pub masks: Vec<String>,
    /// Outputs as they were given, not masked.
    pub outputs: BTreeMap<String, String>,
    /// State for the post stage: arrives as `STATE_<name>`.
    pub state: BTreeMap<String, String>,
    /// Files whose problem matchers were loaded, on the machine.
    pub matchers: Vec<String>,
    /// The step summary.
    pub summary: Summary,
}

impl Finished {
    /// The log as one text; every write ends with a line end.
    pub fn log_text(&self) -> String {
        self.log.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// What became of the summary file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Summary {
    /// The file was empty.
    #[default]
    None,
    /// Masked line by line, with `\n` after each.
    Shown(String),
    /// Longer than [`SUMMARY_LIMIT`]: nothing is shown, an error says so, the step goes on.
    Dropped,
}

impl<'job> Step<'job> {
    pub(crate) fn new(job: &'job mut Job, id: &str) -> Self {
        Self { job, id: id.to_owned(), files: Files::default(), in_container: true }
    }

    /// What the step wrote to the files of `GITHUB_OUTPUT` and the like.
    #[must_use]
    pub fn files(mut self, files: Files) -> Self {
        self.files = files;
        self
    }

    /// The step runs on the machine, not in a container: paths in commands are the machine's.
    #[must_use]
    pub fn on_host(mut self) -> Self {
        self.in_container = false;
        self
    }

    /// All output was there before the runner looked: it handles every line of stderr before the first of stdout.
    pub fn run(self, stdout: &[u8], stderr: &[u8]) -> Finished {
        self.work(|session| {
            lines(stderr).iter().chain(&lines(stdout)).for_each(|line| session.line(line));
        })
    }

    /// The runner looked after each piece. A line that is cut between pieces is handled when it has ended.
    pub fn run_interleaved(self, pieces: &[(Stream, &[u8])]) -> Finished {
        self.work(|session| {
            let (mut out, mut err) = (LineReader::default(), LineReader::default());
            for (stream, bytes) in pieces {
                let reader = match stream {
                    Stream::Out => &mut out,
                    Stream::Err => &mut err,
                };
                reader.push(bytes).iter().for_each(|line| session.line(line));
            }
            [err.finish(), out.finish()].into_iter().flatten().for_each(|line| session.line(&line));
        })
    }

    fn work(self, print: impl FnOnce(&mut Session<'_>)) -> Finished {
        let known = self.job.masker.values().len();
        let mut session = Session::new(self.job, &self.id, self.in_container);
        print(&mut session);
        session.files(&self.files);
        let mut done = session.finish();
        done.masks = self.job.masker.values()[known..].to_vec();
        done
    }
}
