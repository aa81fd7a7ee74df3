//! Reading what the user names: template files, directories of them, pipes and standard input.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "an edge: reads what the user names")]

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};

pub(super) use crate::error::reason;
use crate::error::{Problem, text};

/// What one file may hold, in bytes: far above any manifest, far below what hurts.
pub const LIMIT: u64 = 16 * 1024 * 1024;

/// A text and the name the user knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// The path as given, or `-` for standard input.
    pub name: String,
    /// Its whole content.
    pub text: String,
}

/// The text of a regular file or a pipe (such as `<(sops -d …)`), at most [`LIMIT`] bytes. Links are followed.
///
/// # Errors
/// Missing, a directory or device, unreadable, too large, or not UTF-8 (with the first wrong byte's offset).
pub fn read_text(path: &Path) -> Result<String, Problem> {
    read_named(path, &shown(path))
}

/// [`read_text`] of a file that problems call `name`.
pub(super) fn read_named(path: &Path, name: &str) -> Result<String, Problem> {
    // A pipe is opened only when it is known to be one: opened without blocking, it looks empty until its writer comes.
    let kind = rustix::fs::stat(path).map_err(|error| unreadable(name, &error.into()))?;
    let file_type = FileType::from_raw_mode(kind.st_mode);
    let nothing = || rustix::fs::stat("/dev/null").is_ok_and(|null| null.st_rdev == kind.st_rdev);
    match file_type {
        FileType::RegularFile | FileType::Fifo => {}
        FileType::CharacterDevice if nothing() => return Ok(String::new()),
        _ => return Err(wrong_type(name, file_type)),
    }
    let wait = if file_type == FileType::Fifo { OFlags::empty() } else { OFlags::NONBLOCK };
    let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | wait, Mode::empty())
        .map_err(|error| unreadable(name, &error.into()))?;
    let opened = rustix::fs::fstat(&fd).map_err(|error| unreadable(name, &error.into()))?;
    if FileType::from_raw_mode(opened.st_mode) != file_type {
        return Err(wrong_type(name, FileType::from_raw_mode(opened.st_mode)));
    }
    read_all(name, &mut File::from(fd), u64::try_from(kind.st_size).unwrap_or_default())
}

/// The text of a regular file of the runner's, at most 64 MiB; `None` where there is none.
///
/// # Errors
/// Unreadable, no regular file, too large, or not UTF-8.
pub fn read_if_there(path: &Path) -> Result<Option<String>, Problem> {
    let name = shown(path);
    match at_once(path, 64 << 20) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&name, &error)),
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|error| not_utf8(&name, &error)),
    }
}

/// Whether something lies at `path`, readable or not.
pub fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether reading `path` may take as long as somebody else likes: `-`, a pipe, a terminal.
pub fn may_wait(path: &Path) -> bool {
    path == Path::new("-") || path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The text of a stream such as standard input, at most [`LIMIT`] bytes; `name` is what to call it in a problem.
///
/// # Errors
/// Unreadable, too large, or not UTF-8.
pub fn read_stream(name: &str, stream: &mut dyn Read) -> Result<String, Problem> {
    read_all(name, stream, 0)
}

/// The texts that `paths` name, in their order: files as they are, `-` as `stdin`, and a directory as its own `*.yml`,
/// `*.yaml` and `*.json` (not hidden, not those of directories beneath it) by name.
///
/// # Errors
/// Those of [`read_text`] for every path; a directory without such a file; `-` given twice.
pub fn read_templates(paths: &[PathBuf], stdin: &mut dyn Read) -> Result<Vec<TextFile>, Vec<Problem>> {
    let (mut texts, mut problems, mut dashes) = (Vec::new(), Vec::new(), 0);
    let mut keep = |name: String, text: Result<String, Problem>| match text {
        Ok(text) => texts.push(TextFile { name, text }),
        Err(problem) => problems.push(problem),
    };
    for path in paths {
        if path.as_os_str() == "-" {
            dashes += 1;
            let again = || Problem::error("stdin-twice", "`-` is given twice, but standard input can be read once");
            keep("-".to_owned(), if dashes == 1 { read_stream("-", stdin) } else { Err(again()) });
        } else if path.is_dir() {
            match manifests(path) {
                Ok(files) => files.iter().for_each(|file| keep(shown(file), read_text(file))),
                Err(problem) => keep(shown(path), Err(problem)),
            }
        } else {
            keep(shown(path), read_text(path));
        }
    }
    if problems.is_empty() { Ok(texts) } else { Err(problems) }
}

/// A directory's manifests, sorted by name.
fn manifests(directory: &Path) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(|error| unreadable(&shown(directory), &error))? {
        let path = entry.map_err(|error| unreadable(&shown(directory), &error))?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let manifest = path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml" || ending == "json");
        if manifest && !hidden && !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        let text = text!("`{}` holds no `*.yml`, `*.yaml` or `*.json`", shown(directory));
        return Err(Problem::error("no-manifests", text).help("directories beneath it are not searched: name them too"));
    }
    Ok(files)
}

/// The bytes of a regular file that is no link; `None` where `path` is something else.
pub(super) fn without_following(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match regular(path, OFlags::NOFOLLOW) {
        Err(error) if rustix::io::Errno::from_io_error(&error) == Some(rustix::io::Errno::LOOP) => Ok(None),
        Err(error) => Err(error),
        Ok(file) => file.map(|file| file.bytes(LIMIT)).transpose(),
    }
}

/// The bytes of a regular file, links followed, that may hold up to `limit` bytes. Never waits: what a pipe or a device would
/// say is not asked.
pub(super) fn at_once(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = regular(path, OFlags::empty())?.ok_or_else(|| io::Error::other("it is not a regular file"))?;
    let bytes = file.bytes(limit.saturating_add(1))?;
    if bytes.len() as u64 > limit { Err(io::Error::other("it is too large")) } else { Ok(bytes) }
}

/// An open file that is no pipe, device or directory.
struct Regular {
    file: File,
    /// When it was opened.
    size: u64,
}

/// Opens a file without waiting; `None` if it is something else than a regular file.
fn regular(path: &Path, more: OFlags) -> io::Result<Option<Regular>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | more;
    let fd = rustix::fs::open(path, flags, Mode::empty())?;
    let found = rustix::fs::fstat(&fd)?;
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    let size = u64::try_from(found.st_size).unwrap_or_default();
    Ok(is_file.then(|| Regular { file: File::from(fd), size }))
}

impl Regular {
    fn bytes(self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = with_room_for(self.size.min(limit));
        self.file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// One byte more than expected, which shows the end without a larger buffer.
fn with_room_for(expected: u64) -> Vec<u8> {
    Vec::with_capacity(usize::try_from(expected).unwrap_or_default() + 1)
}

/// The text of a regular file, no link followed, at most [`LIMIT`] bytes of it; `None` where there is no such file or it is not UTF-8.
pub fn read_unlinked(path: &Path) -> Option<String> {
    String::from_utf8(without_following(path).ok()??).ok()
}

/// The workflow files of a checkout by name, each called by its path from the checkout on.
pub fn read_workflows(checkout: &Path) -> Vec<TextFile> {
    const DIRECTORY: &str = ".github/workflows";
    let mut files: Vec<TextFile> = names_in(&checkout.join(DIRECTORY))
        .into_iter()
        .filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
        .filter_map(|name| {
            let name = format!("{DIRECTORY}/{name}");
            Some(TextFile { text: read_unlinked(&checkout.join(&name))?, name })
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// The names in a directory; none where there is no such directory.
pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn read_all(name: &str, stream: &mut dyn Read, expected: u64) -> Result<String, Problem> {
    let mut bytes = with_room_for(expected.min(LIMIT));
    stream.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(Problem::error("too-large", text!("`{name}` is larger than {} MiB", LIMIT / (1024 * 1024)))
            .help("is this the right file? no manifest is that large"));
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(name, &error))
}

fn not_utf8(name: &str, error: &std::string::FromUtf8Error) -> Problem {
    let at = error.utf8_error().valid_up_to();
    let text = text!("`{name}` is not UTF-8: the byte at offset {at} does not belong there");
    let utf16 = error.as_bytes().starts_with(b"\xff\xfe") || error.as_bytes().starts_with(b"\xfe\xff");
    let from = if utf16 { "UTF-16" } else { "ISO-8859-1" };
    Problem::error("not-utf8", text).help(text!("save it as UTF-8, for example `iconv -f {from} -t UTF-8`"))
}

/// A path as the user would type it.
pub(super) fn shown(path: &Path) -> String {
    path.strip_prefix(".").ok().filter(|path| !path.as_os_str().is_empty()).unwrap_or(path).display().to_string()
}

/// An absolute path as the user would type it here.
pub(super) fn here(path: &Path) -> String {
    shown(path.strip_prefix(current_directory()).ok().filter(|path| !path.as_os_str().is_empty()).unwrap_or(path))
}

fn current_directory() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

fn unreadable(name: &str, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::NotFound => Problem::error("missing-file", text!("`{name}` does not exist"))
            .help(text!("look at its spelling; a relative path starts at `{}`", current_directory().display())),
        io::ErrorKind::NotADirectory => {
            Problem::error("missing-file", text!("`{name}` does not exist: a part of its path is no directory"))
                .help("look at its spelling")
        }
        io::ErrorKind::PermissionDenied => {
            Problem::error("unreadable", text!("`{name}` may not be read: permission denied"))
                .help("look at the modes of the file and of the directories above it")
        }
        _ => Problem::error("unreadable", text!("`{name}` cannot be read: {}", reason(error)))
            .help("see whether another program can read it"),
    }
}

fn wrong_type(name: &str, file_type: FileType) -> Problem {
    Problem::error("not-a-file", text!("`{name}` is {}, not a file", type_name(file_type)))
        .help("name a regular file or a pipe")
}

/// What to call a kind of file.
pub(super) fn type_name(file_type: FileType) -> &'static str {
    match file_type {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "of an unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn kind(path: &Path) -> &'static str {
        read_text(path).unwrap_err().kind
    }

    #[test]
    fn a_text_is_read_whole_with_its_byte_order_mark_and_line_ends() {
        let directory = directory();
        fs::write(directory.path().join("a"), "\u{feff}a: ü\r\n").unwrap();
        assert_eq!(read_text(&directory.path().join("a")).unwrap(), "\u{feff}a: ü\r\n");
        assert_eq!(read_text(Path::new("/dev/null")).unwrap(), "");
    }

    #[test]
    fn what_is_no_text_has_a_problem_of_its_own() {
        let directory = directory();
        let path = directory.path().join("a");
        assert_eq!(kind(&path), "missing-file");
        assert_eq!(kind(directory.path()), "not-a-file");
        assert_eq!(kind(Path::new("/dev/zero")), "not-a-file");
        fs::write(&path, b"ok: \xe9t\xe9\n").unwrap();
        let problem = read_text(&path).unwrap_err();
        assert!(problem.message.ends_with("is not UTF-8: the byte at offset 4 does not belong there"), "{problem:?}");
        assert_eq!(kind(&path.join("b")), "missing-file");
        fs::write(&path, vec![b'a'; 16 * 1024 * 1024 + 1]).unwrap();
        assert_eq!(kind(&path), "too-large");
        fs::write(&path, vec![b'a'; 16 * 1024 * 1024]).unwrap();
        assert!(read_text(&path).is_ok());
    }

    #[test]
    fn a_pipe_is_read_to_its_end_even_if_its_writer_comes_late() {
        let directory = directory();
        let path = directory.path().join("pipe");
        Command::new("mkfifo").arg(&path).status().unwrap();
        let late = path.clone();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(30));
            fs::write(late, "A=1\n").unwrap();
        });
        assert_eq!(read_text(&path).unwrap(), "A=1\n");
        writer.join().unwrap();
    }

    #[test]
    fn a_directory_gives_its_own_manifests_by_name_and_several_paths_keep_their_order() {
        let directory = directory();
        for file in ["b.yml", "a.yaml", "c.json", "d.txt", ".e.yml"] {
            fs::write(directory.path().join(file), file).unwrap();
        }
        fs::create_dir(directory.path().join("f.yml")).unwrap();
        let paths = [directory.path().join("d.txt"), PathBuf::from("-"), directory.path().to_owned()];
        let texts = read_templates(&paths, &mut &b"stdin"[..]).unwrap();
        let texts: Vec<&str> = texts.iter().map(|file| file.text.as_str()).collect();
        assert_eq!(texts, ["d.txt", "stdin", "a.yaml", "b.yml", "c.json"]);
    }

    #[test]
    fn all_wrong_inputs_are_told_at_once() {
        let directory = directory();
        let paths =
            ["none.yml", "", "-", "-"].map(|name| if name == "-" { name.into() } else { directory.path().join(name) });
        let problems = read_templates(&paths, &mut &b""[..]).unwrap_err();
        let kinds: Vec<&str> = problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, ["missing-file", "no-manifests", "stdin-twice"]);
    }
}
