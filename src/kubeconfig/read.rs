//! Tells content, base64 and paths apart, and reads what is to be merged.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::merge::{self, Merged, Origin, Part};
use super::{Files, Options, Source};
use crate::error::{Problem, text};
use crate::secret::looks_like_path;

/// Base64 as people paste it: padded or not, cut anywhere in its last character's bits.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Everything the source holds, merged.
///
/// # Errors
/// One problem a file that cannot be read or understood, or the one of the source itself.
pub(super) fn merged(source: &Source, options: &Options<'_>, files: &dyn Files) -> Result<Merged, Vec<Problem>> {
    let name = source.name(options);
    let alone = |problem| vec![problem];
    let paths = match source {
        Source::Default(path) => vec![path.clone()],
        Source::Input(given) | Source::Environment(given) => {
            match shape(given.expose(), &name, files).map_err(alone)? {
                Shape::Content(_) if matches!(source, Source::Environment(_)) => {
                    return Err(vec![content_in_environment(options)]);
                }
                Shape::Content(text) => {
                    let part = merge::document(&text, &name, &Origin::Content).map_err(alone)?;
                    return Merged::new(name, vec![part]).map_err(alone);
                }
                Shape::Paths(paths) => paths,
            }
        }
    };
    let parts = parts(&paths, &name, options, files)?;
    Merged::new(name, parts).map_err(alone)
}

/// The files that exist; a path that stands alone must.
fn parts(paths: &[PathBuf], name: &str, options: &Options<'_>, files: &dyn Files) -> Result<Vec<Part>, Vec<Problem>> {
    let mut parts = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match read(path, files) {
            Ok(part) => parts.push(part),
            Err(problem) if problem.kind == MISSING && paths.len() > 1 => {}
            Err(problem) => problems.push(with_container_help(problem, options)),
        }
    }
    if problems.is_empty() && parts.is_empty() {
        let problem = Problem::error(MISSING, text!("none of the files that {name} lists exists"));
        problems.push(with_container_help(problem, options));
    }
    if problems.is_empty() { Ok(parts) } else { Err(problems) }
}

const MISSING: &str = "kubeconfig-missing";

fn read(path: &Path, files: &dyn Files) -> Result<Part, Problem> {
    let name = format!("kubeconfig `{}`", path.display());
    let bytes = files.read(path).map(Zeroizing::new).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Problem::error(MISSING, text!("{name} does not exist")),
        io::ErrorKind::IsADirectory => Problem::error("kubeconfig-directory", text!("{name} is a directory"))
            .help("name a file, such as `config` in that directory"),
        kind => Problem::error("kubeconfig-unreadable", text!("{name} cannot be read: {kind}"))
            .help("make it readable for the user this runs as"),
    })?;
    let directory = path.parent().unwrap_or_else(|| files.working_directory()).to_owned();
    let text = text(&bytes).map_err(|what| unusable(&name, what))?;
    merge::document(&unwrapped(text, &name)?, &name, &Origin::Directory(directory))
}

/// A file's text with its base64 taken off, should it have any.
fn unwrapped(text: &str, name: &str) -> Result<Zeroizing<String>, Problem> {
    match text.trim() {
        "" => Err(empty(name)),
        trimmed if looks_like_content(trimmed) => Ok(Zeroizing::new(text.to_owned())),
        trimmed => decoded(trimmed, name).unwrap_or_else(|| Ok(Zeroizing::new(text.to_owned()))),
    }
}

enum Shape {
    Content(Zeroizing<String>),
    Paths(Vec<PathBuf>),
}

fn shape(given: &str, name: &str, files: &dyn Files) -> Result<Shape, Problem> {
    let trimmed = given.trim_start_matches('\u{feff}').trim();
    if trimmed.is_empty() {
        return Err(empty(name));
    }
    if looks_like_content(trimmed) {
        return Ok(Shape::Content(Zeroizing::new(trimmed.to_owned())));
    }
    let decoded = decoded(trimmed, name);
    if let Some(Ok(text)) = decoded {
        return Ok(Shape::Content(text));
    }
    if !trimmed.contains('\n') {
        let whole = absolute(trimmed, files);
        if files.exists(&whole) {
            return Ok(Shape::Paths(vec![whole]));
        }
        let paths: Vec<PathBuf> =
            trimmed.split(':').filter(|path| !path.is_empty()).map(|path| absolute(path, files)).collect();
        if paths.iter().any(|path| files.exists(path)) || trimmed.split(':').any(|path| looks_like_path(path, is_name))
        {
            return Ok(Shape::Paths(paths));
        }
    }
    match decoded {
        Some(Err(problem)) if trimmed.len() >= 16 => Err(problem),
        _ => Err(Problem::error(
            "kubeconfig-unknown",
            text!("{name} is neither a kubeconfig, nor base64 of one, nor a file that exists"),
        )
        .help("give the output of `kubectl config view --raw --flatten --minify`, base64 of that, or a path")),
    }
}

/// YAML's `key:` at a line's end or before a blank, or the start of a JSON object; neither occurs in base64, and a path
/// that holds `: ` is hard to find.
fn looks_like_content(text: &str) -> bool {
    text.starts_with('{') || text.lines().any(|line| line.contains(": ") || line.trim_end().ends_with(':'))
}

/// As kubeconfigs are called.
fn is_name(name: &str) -> bool {
    [".yaml", ".yml", ".json", ".conf", ".config", ".kubeconfig"].iter().any(|end| name.ends_with(end))
        || ["kube", "config"].iter().any(|word| name.contains(word))
}

fn absolute(path: &str, files: &dyn Files) -> PathBuf {
    let path = match (path.strip_prefix("~/"), files.home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    };
    files.working_directory().join(path).components().collect()
}

/// What base64 holds: a kubeconfig's text, or why that is none; `None` where this is no base64.
fn decoded(given: &str, name: &str) -> Option<Result<Zeroizing<String>, Problem>> {
    let bytes = Zeroizing::new(base64_bytes(given)?);
    let content = text(&bytes).and_then(|text| match text.trim() {
        "" => Err("nothing"),
        trimmed if looks_like_content(trimmed) => Ok(Zeroizing::new(text.to_owned())),
        trimmed => match base64_bytes(trimmed).map(Zeroizing::new) {
            Some(inner) if text_of_content(&inner) => Err("base64 again (it is encoded twice)"),
            _ => Err("something that is not a kubeconfig"),
        },
    });
    Some(content.map_err(|what| {
        Problem::error("kubeconfig-base64", text!("{name} is base64 of {what}"))
            .help("encode the kubeconfig itself, once: `kubectl config view --raw --flatten --minify | base64 -w0`")
    }))
}

fn text_of_content(bytes: &[u8]) -> bool {
    text(bytes).is_ok_and(looks_like_content)
}

fn base64_bytes(given: &str) -> Option<Vec<u8>> {
    let plain: Zeroizing<String> = Zeroizing::new(
        given
            .chars()
            .filter(|c| !c.is_ascii_whitespace())
            .map(|c| match c {
                '-' => '+',
                '_' => '/',
                c => c,
            })
            .collect(),
    );
    FORGIVING.decode(plain.as_bytes()).ok()
}

/// Bytes as text without byte order mark, or what they are instead.
fn text(bytes: &[u8]) -> Result<&str, &'static str> {
    match bytes {
        [0x1f, 0x8b, ..] => Err("gzip data"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err("UTF-16 text"),
        _ => str::from_utf8(bytes)
            .map(|text| text.trim_start_matches('\u{feff}'))
            .ok()
            .filter(|text| !text.contains('\0'))
            .ok_or("binary data"),
    }
}

fn unusable(name: &str, what: &str) -> Problem {
    Problem::error("kubeconfig-encoding", text!("{name} is {what}, not UTF-8 text"))
        .help("write it as UTF-8; PowerShell 5 redirects as UTF-16: use `| Out-File -Encoding ascii`")
}

fn empty(name: &str) -> Problem {
    Problem::error("kubeconfig-empty", text!("{name} is empty")).help(
        "kubectl would fall back to `localhost:8080`; fill it with the output of \
         `kubectl config view --raw --flatten --minify`, and check that the secret or step it comes from exists",
    )
}

fn content_in_environment(options: &Options<'_>) -> Problem {
    Problem::error("kubeconfig-content", "`KUBECONFIG` holds a kubeconfig itself, where kubectl takes paths")
        .help(text!("give it as {} and unset `KUBECONFIG`", options.input("kubeconfig")))
}

fn with_container_help(problem: Problem, options: &Options<'_>) -> Problem {
    if problem.kind != MISSING {
        return problem;
    }
    problem.help(if options.in_container {
        "a container action sees the workspace and `RUNNER_TEMP`, not the runner's `~/.kube`: write the file there, \
         or give the kubeconfig's content"
    } else {
        "check the path; kubectl would fall back to `localhost:8080`"
    })
}
