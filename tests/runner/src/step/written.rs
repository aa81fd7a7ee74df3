//! The file commands, after the step's end: `PATH`, `ENV`, `SUMMARY`, `STATE`, `OUTPUT`, in this order.

use super::session::{Refused, Session};
use super::{SUMMARY_LIMIT, Summary};
use crate::file_command::{Broken, pairs};
use crate::files::Files;
use crate::lines::lines;

impl Session<'_> {
    pub(super) fn files(&mut self, files: &Files) {
        for directory in lines(&files.path).iter().filter(|line| !line.is_empty()) {
            self.job.prepend_path(directory);
        }
        self.each("env", &files.env, |session, name, value| {
            if name.eq_ignore_ascii_case("NODE_OPTIONS") {
                session.error("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.");
            } else {
                session.set_env(name, value);
            }
            Ok(())
        });
        self.summary(&files.summary);
        self.each("state", &files.state, |session, name, value| {
            session.done.state.insert(name.to_owned(), value.to_owned());
            session.debug(&format!("Save intra-action state {name} = {value}"));
            Ok(())
        });
        self.each("output", &files.output, |session, name, value| {
            session.set_output(name, value)?;
            session.debug(&format!("Set output {name} = {value}"));
            Ok(())
        });
    }

    /// Pairs before a broken one count.
    fn each(&mut self, file: &str, bytes: &[u8], take: impl Fn(&mut Self, &str, &str) -> Result<(), Refused>) {
        let read = pairs(bytes);
        let taken = read.pairs.iter().try_for_each(|(name, value)| take(self, name, value));
        let end = taken.and(read.broken.map_or(Ok(()), |Broken(why)| Err(Refused(why))));
        if let Err(why) = end {
            self.fail(&format!("Unable to process file command '{file}' successfully."), &why);
        }
    }

    fn summary(&mut self, bytes: &[u8]) {
        self.done.summary = if bytes.is_empty() {
            Summary::None
        } else if bytes.len() > SUMMARY_LIMIT {
            self.error(&format!(
                "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of {}k, got {}k.",
                SUMMARY_LIMIT / 1024,
                bytes.len() / 1024
            ));
            Summary::Dropped
        } else {
            Summary::Shown(lines(bytes).iter().map(|line| format!("{}\n", self.job.masker.mask(line))).collect())
        };
    }
}
