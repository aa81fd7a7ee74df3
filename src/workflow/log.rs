//! Diagnostics for developers: `RUST_LOG=debug` prints what happens inside to stderr, redacted like everything else.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::inputs::Environment;
use crate::mask::Masker;
use crate::workflow::harmless;

/// Starts logging if `RUST_LOG` asks for it; `masker` hides what it knows by the time of each line.
pub fn start(environment: &Environment, masker: &Masker) {
    let Some(filter) =
        environment.get("RUST_LOG").and_then(|filter| filter.to_str()).filter(|filter| !filter.is_empty())
    else {
        return;
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(false)
        .with_writer(Redacting(masker.clone()))
        .finish();
    // A test may have set one already; then that one goes on.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Writes whole lines to stderr, without the values that the masker knows.
#[derive(Clone)]
struct Redacting(Masker);

impl Redacting {
    fn told(&self, line: &[u8]) -> String {
        harmless(self.0.redact_bytes(line).as_str())
    }
}

impl<'a> MakeWriter<'a> for Redacting {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Redacting {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(self.told(line).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_line_holds_no_value_and_is_no_command() {
        let log = Redacting(Masker::new());
        log.0.add(&Secret::new("hunter2"));
        assert_eq!(log.told(b"DEBUG path=\"/v1/hunter2\" \xff\n"), "DEBUG path=\"/v1/***\" \u{fffd}\n");
        assert_eq!(log.told(b"::error::hunter2\n"), "\\::error::***\n");
    }
}
