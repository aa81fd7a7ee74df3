//! What kubectl wrote on stderr, taken apart: its requests (with `-v=6`), the server's warnings, and why it failed.

use percent_encoding::percent_decode_str;

use super::Untrusted;
use crate::object::Object;

/// The parts of one call's stderr.
#[derive(Default)]
pub(super) struct Report {
    /// Writes, in the order in which they ended.
    pub(super) writes: Vec<Write>,
    /// Texts of `Warning:` lines.
    pub(super) warnings: Vec<String>,
    /// One text for each failure, in the order of the input; those that kubectl found itself come first.
    pub(super) failures: Vec<String>,
}

/// One request that writes.
pub(super) struct Write {
    /// Of the URL, without the query.
    pub(super) path: String,
    /// How it ended.
    pub(super) answer: Answer,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// With this HTTP status.
    Status(u16),
    /// Without one: the server may have done what it was asked for.
    Lost,
}

impl Answer {
    pub(super) fn is_success(self) -> bool {
        matches!(self, Self::Status(200..300))
    }
}

/// Starts of a failure's first line; every other line continues the one before.
const STARTS: [&str; 9] = [
    "error: ",
    "Error from server",
    "Error in configuration",
    "The connection to the server ",
    "Apply failed with ",
    "Operation cannot be fulfilled on ",
    "Unable to connect to the server",
    "unable to recognize ",
    "resource mapping not found ",
];

impl Report {
    pub(super) fn parse(stderr: &Untrusted) -> Self {
        let mut report = Self::default();
        let mut in_response = false;
        for line in stderr.expose_for_redaction().lines() {
            if in_response {
                // With -v=6 a refusal is logged as indented JSON before it is printed as text.
                in_response = line != "}";
            } else if is_log(line) {
                in_response = line.ends_with('{');
                report.writes.extend(Write::parse(line));
            } else if let Some(warning) = line.trim_start_matches("# ").strip_prefix("Warning: ") {
                report.warnings.push(warning.to_owned());
            } else {
                report.push(line);
            }
        }
        report
    }

    fn push(&mut self, line: &str) {
        match self.failures.last_mut() {
            Some(last) if !is_start(line) => {
                last.push('\n');
                last.push_str(line);
            }
            _ if line.trim().is_empty() => {}
            _ => self.failures.push(line.to_owned()),
        }
    }

    /// The last answer for each of `objects`, which were sent in this order; `None` for those without a request.
    pub(super) fn answers(&self, objects: &[Object], namespace: &str) -> Vec<Option<Answer>> {
        let mut answers = vec![None; objects.len()];
        let mut current: Option<(usize, &str)> = None;
        for write in &self.writes {
            let index = match current {
                Some((index, path)) if path == write.path => Some(index),
                _ => {
                    let from = current.map_or(0, |(index, _)| index + 1);
                    let fits = |fit: Fit| (from..objects.len()).find(|&at| write.fits(&objects[at], namespace, fit));
                    fits(Fit::Kind).or_else(|| fits(Fit::Name))
                }
            };
            if let Some(index) = index {
                answers[index] = Some(write.answer);
                current = Some((index, &write.path));
            }
        }
        answers
    }
}

fn is_start(line: &str) -> bool {
    let invalid = line.starts_with("The ") && line.contains("\" is invalid: ");
    invalid || STARTS.iter().any(|start| line.starts_with(start))
}

/// A line of klog: `I1122 15:36:10.947779 …`.
fn is_log(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() > 6
        && matches!(bytes[0], b'I' | b'W' | b'E' | b'F')
        && bytes[1..5].iter().all(u8::is_ascii_digit)
        && bytes[5] == b' '
}

/// How much of a path has to agree.
#[derive(Clone, Copy, PartialEq)]
enum Fit {
    /// The plural is the kind's usual one.
    Kind,
    /// A resource may have any plural.
    Name,
}

impl Write {
    /// Of `… "Response" verb="PATCH" url="https://host/path?query" status="409 Conflict" …`.
    fn parse(line: &str) -> Option<Self> {
        let field = |name: &str| line.split_once(&format!(" {name}=\""))?.1.split('"').next();
        if !line.contains("] \"Response\" ") || field("verb")? != "PATCH" {
            return None;
        }
        let url = field("url")?.split('?').next()?;
        let path = url.split_once("://")?.1.split_once('/')?.1;
        let status = field("status")?.split(' ').next()?;
        // `status=""` is a request without an answer.
        let answer = if status.is_empty() { Answer::Lost } else { Answer::Status(status.parse().ok()?) };
        Some(Self { path: format!("/{}", percent_decode_str(path).decode_utf8_lossy()), answer })
    }

    fn fits(&self, object: &Object, namespace: &str, fit: Fit) -> bool {
        let Some((path, plural)) =
            self.path.strip_suffix(&format!("/{}", object.name())).and_then(|path| path.rsplit_once('/'))
        else {
            return false;
        };
        let root = if object.api_version().contains('/') { "apis" } else { "api" };
        let version = format!("/{root}/{}", object.api_version());
        let beneath = format!("{version}/namespaces/{}", object.namespace().unwrap_or(namespace));
        // A server may live beneath a path of its own, so only the end counts.
        (path.ends_with(&version) || path.ends_with(&beneath)) && (fit == Fit::Name || is_plural(plural, object.kind()))
    }
}

/// Whether a resource is named as the kind's plural usually is.
pub(super) fn is_plural(plural: &str, kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    // `policies` of `policy`.
    let stem = kind.strip_suffix('y').unwrap_or(&kind);
    plural.strip_prefix(stem).is_some_and(|end| matches!(end, "" | "s" | "es" | "ies" | "ys"))
}
