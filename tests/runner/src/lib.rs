//! A model of the GitHub Actions runner, for tests: what a step prints and writes goes in, what GitHub would show,
//! keep and drop comes out.
//!
//! ```
//! use secret_patch_runner::Job;
//!
//! let mut job = Job::new();
//! let done = job.step("deploy").run(b"::add-mask::hunter2\n::error title=hunter2::no hunter2 here\n", b"");
//! assert_eq!(done.log, ["##[error]no *** here"]);
//! assert_eq!(done.annotations[0].title(), Some("hunter2"), "titles are not masked");
//! assert!(!done.failed);
//! ```
//!
//! Facts are those of actions/runner at 258d6c8 (v2.336.0); its own test vectors are in `tests/vectors.rs`.
//! Not modelled: problem matchers (their loading is recorded), masks by regular expression, composite actions, output
//! that starts with the byte order mark of UTF-16. Of ICU's collation, by which the runner seeks `::` and `##[`, only
//! that a combining character behind a mark hides it; that it looks through characters without weight such as U+200B
//! is left out (`::debug:<U+200B>:x` is a command there; in `##<U+200B>[debug]` the name is cut wrongly, so it is none).

mod lines;

mod command;
mod registered;

mod encoders;
mod masker;

mod annotation;
mod job;
mod step;

mod file_command;
mod files;

mod container;
mod mounts;

pub use self::annotation::{Annotation, Kind};
pub use self::command::{Command, Properties, parse, parse_v1, parse_v2};
pub use self::container::{ARGUMENT_LIMIT, ContainerStep, TooLong, input_name};
pub use self::encoders::{ENCODERS, Encoder};
pub use self::file_command::{Broken, Pairs, pairs};
pub use self::files::{FileCommands, Files};
pub use self::job::{JOB_OUTPUT_LIMIT, Job, JobOutputs};
pub use self::lines::{LineReader, lines};
pub use self::masker::{HIDDEN, Masker};
pub use self::mounts::Mounts;
pub use self::registered::{COMMANDS, Registered};
pub use self::step::{ANNOTATION_LIMIT, Finished, MESSAGE_LIMIT, SUMMARY_LIMIT, Step, Stream, Summary};
