//! Whether a step runs this program, and by which way.

use std::path::Path;

use super::Files;
use super::shell::{Command, commands};
use super::step::{Step, texts};
use crate::build::node::{Node, documents};
use crate::inputs::Word as _;

/// The program's name: of the repository, the image and the executable.
const NAME: &str = "secret-patch";

/// How a step runs the program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// As the action, with inputs.
    Action,
    /// As a container with arguments of its own.
    Container(String),
    /// In a script.
    Script(Vec<Command>),
    /// In a way that is not looked into, in the user's words.
    Hidden(String),
}

/// How `step` runs the program, if it does.
pub(super) fn of(step: &Step<'_>, files: &Files<'_>) -> Option<Program> {
    if let Some(script) = step.text("run") {
        return script.contains(NAME).then(|| Program::Script(commands(script)));
    }
    let uses = step.text("uses")?;
    if let Some(image) = uses.strip_prefix("docker://") {
        let arguments = step.node.get("with").and_then(|with| with.text_at(&["args"]));
        return is_image(image).then(|| arguments.map_or(Program::Action, |args| Program::Container(args.to_owned())));
    }
    match uses.strip_prefix("./") {
        Some(path) => local(step, path, files),
        None => is_action(uses).then_some(Program::Action),
    }
}

/// `OWNER/secret-patch@REF`; what lies beneath it, such as a setup action, is another one.
fn is_action(uses: &str) -> bool {
    let (path, reference) = uses.split_once('@').unwrap_or((uses, ""));
    let parts: Vec<&str> = path.split('/').collect();
    !reference.is_empty() && parts.len() == 2 && parts[1].eq_ignore_ascii_case(NAME)
}

/// `ghcr.io/owner/secret-patch:v1` and its like.
pub(super) fn is_image(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    name.split(['@', ':']).next() == Some(NAME)
}

/// An action of the checkout: this one itself, or one made of steps that run it.
fn local(step: &Step<'_>, path: &str, files: &Files<'_>) -> Option<Program> {
    let with = |name: &str| step.node.get("with").and_then(|with| with.text_at(&[name]));
    let looks_like = with("command").is_some_and(|word| {
        word.contains("${{") && with("environment").is_some()
            || crate::inputs::Command::ALL.iter().any(|known| known.word() == word)
    });
    let Some(text) = action(path, files) else { return looks_like.then_some(Program::Action) };
    let root = documents(&text).ok()?.into_iter().next()?;
    if root.text_at(&["runs", "using"]) == Some("composite") {
        return composes(&root).then(|| Program::Hidden(format!("`./{path}`, an action made of steps")));
    }
    let is_own = root.text_at(&["name"]).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
    (is_own || looks_like).then_some(Program::Action)
}

/// The `action.yml` of a local action by its directory.
pub(super) fn action(directory: &str, files: &Files<'_>) -> Option<String> {
    let directory = Path::new(directory.trim_matches('/'));
    ["action.yml", "action.yaml"].iter().find_map(|name| files(&directory.join(name).to_string_lossy()))
}

fn composes(action: &Node) -> bool {
    let mut found = false;
    if let Some(steps) = action.get("runs").and_then(|runs| runs.get("steps")) {
        texts(steps, &mut |text| found |= text.contains(NAME));
    }
    found
}

/// Whether a word of a script is the program by name or path.
pub(super) fn is_named(word: &str) -> bool {
    word.rsplit('/').next() == Some(NAME)
}

/// Where in the words of a command the program's name stands, if the command runs it: the words behind it are its arguments.
pub(super) fn position(command: &Command) -> Option<usize> {
    let at = command.words.iter().position(|word| is_named(word))?;
    let verb = command.words[at + 1..].iter().find(|word| !word.starts_with('-'))?;
    let known = crate::inputs::Command::ALL.iter().any(|known| known.word() == verb);
    (known || verb.contains('$')).then_some(at)
}

/// Whether a command runs the program in a container, or hands it as one text to something else.
pub(super) fn is_hidden(command: &Command) -> bool {
    let first = command.words.first().map_or("", |word| word.rsplit('/').next().unwrap_or_default());
    let by_container =
        matches!(first, "docker" | "podman" | "nerdctl") && command.words.iter().any(|word| word == "run");
    let quoted = |word: &String| {
        let mut inner = commands(word).into_iter();
        word.contains(NAME) && word.contains(' ') && inner.any(|inner| position(&inner).is_some())
    };
    by_container && command.words.iter().any(|word| is_image(word)) || command.words.iter().any(quoted)
}

/// Commands in front of which the program runs as it would without them.
pub(super) const TRANSPARENT: [&str; 8] = ["sudo", "exec", "command", "env", "nohup", "nice", "stdbuf", "timeout"];

/// Commands of the shell itself, and others that have no use for values.
const HARMLESS: [&str; 30] = [
    "cd", "set", "echo", "printf", "export", "declare", "readonly", "local", "true", "false", ":", "test", "[", "[[",
    "exit", "umask", "trap", "mkdir", "chmod", "ls", "cat", "pwd", "for", "case", "esac", "fi", "done", "}", "]]",
    "install",
];

/// The command in front of the program, where it may put values into its environment.
pub(super) fn wrapper(command: &Command, position: usize) -> Option<&str> {
    let first = command.words[..position].first()?;
    (!TRANSPARENT.contains(&first.as_str())).then_some(first)
}

/// Whether a command may need names of its step's environment for itself.
pub(super) fn is_other(command: &Command) -> bool {
    let first = command.words.first().map(String::as_str);
    position(command).is_none() && first.is_some_and(|first| !HARMLESS.contains(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_and_its_image_are_known_by_name() {
        for (uses, is) in [
            ("secret-patch/secret-patch@v0", true),
            ("Owner/Secret-Patch@3d3c42e5", true),
            ("owner/secret-patch/setup@v0", false),
            ("owner/secret-patcher@v0", false),
            ("owner/secret-patch", false),
        ] {
            assert_eq!(is_action(uses), is, "{uses}");
        }
        for image in ["ghcr.io/o/secret-patch:v1", "secret-patch", "r:5000/secret-patch@sha256:ab"] {
            assert!(is_image(image), "{image}");
        }
        assert!(!is_image("ghcr.io/secret-patch/other:v1"));
    }

    #[test]
    fn only_what_runs_the_program_is_a_call() {
        let found = |script: &str| commands(script).iter().filter_map(position).collect::<Vec<_>>();
        assert_eq!(found("secret-patch apply staging"), [0]);
        assert_eq!(found("./bin/secret-patch --verbose check"), [0]);
        assert_eq!(found("op run -- secret-patch apply staging"), [3]);
        assert_eq!(found("secret-patch \"$VERB\" staging"), [0]);
        for script in
            ["echo secret-patch", "cargo install secret-patch", "chmod +x secret-patch", "secret-patch --version"]
        {
            assert_eq!(found(script), [0; 0], "{script}");
        }
        let hidden = |script: &str| commands(script).iter().any(is_hidden);
        assert!(hidden("docker run --rm -e A ghcr.io/o/secret-patch:v1 apply staging"));
        assert!(hidden("bash -c 'secret-patch apply staging'"));
        assert!(!hidden("docker pull ghcr.io/o/secret-patch:v1") && !hidden("echo 'run secret-patch, please'"));
    }
}
