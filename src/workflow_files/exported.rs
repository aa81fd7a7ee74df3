//! What the steps of a job put into the environment of those behind them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::Files;
use super::given::words;
use super::program::{self, Program, TRANSPARENT};
use super::shell::{Command, commands};
use super::step::{Step, texts};

/// Actions whose purpose is to put secrets into the environment of later steps.
const EXPORTERS: [&str; 8] = [
    "hashicorp/vault-action",
    "1password/load-secrets-action",
    "dopplerhq/secrets-fetch-action",
    "infisical/secrets-action",
    "aws-actions/aws-secretsmanager-get-secrets",
    "bitwarden/sm-action",
    "keeper-security/ksm-action",
    "akeyless-community/akeyless-github-action",
];

/// Actions, or owners of them, that take credentials and put nothing else of the repository's secrets into the environment.
const DISCREET: [&str; 17] = [
    "actions/",
    "docker/",
    "github/",
    "aws-actions/amazon-ecr-login",
    "aws-actions/configure-aws-credentials",
    "azure/aks-set-context",
    "azure/docker-login",
    "azure/k8s-set-context",
    "azure/login",
    "codecov/codecov-action",
    "digitalocean/action-doctl",
    "google-github-actions/auth",
    "google-github-actions/get-gke-credentials",
    "google-github-actions/setup-gcloud",
    "slackapi/slack-github-action",
    "tailscale/github-action",
    "webfactory/ssh-agent",
];

/// Programs whose first argument is a file that they run.
const INTERPRETERS: [&str; 12] =
    ["bash", "sh", "zsh", "dash", "source", ".", "python", "python3", "node", "ruby", "perl", "pwsh"];

/// Ways to write the checkout's directory in front of a path.
const WORKSPACE: [&str; 3] = ["$GITHUB_WORKSPACE/", "${GITHUB_WORKSPACE}/", "${{ github.workspace }}/"];

/// By the steps of a job up to one of them.
#[derive(Debug, Default)]
pub(super) struct Exported {
    /// Names that are known.
    pub(super) names: BTreeSet<String>,
    /// What, in the user's words, may put there others.
    pub(super) unknown: Option<String>,
    /// Files that were looked into.
    read: BTreeSet<PathBuf>,
}

impl Exported {
    /// Adds what `step` exports, which runs our own program in the way of `program`, if it does.
    pub(super) fn take(&mut self, step: &Step<'_>, program: Option<&Program>, files: &Files<'_>) {
        if let Some(script) = step.text("run") {
            self.script(step, script, files);
        }
        if let Some(uses) = step.text("uses") {
            self.action(step, uses, program.is_some(), files);
        }
    }

    fn script(&mut self, step: &Step<'_>, script: &str, files: &Files<'_>) {
        if script.contains("GITHUB_ENV") {
            self.names.extend(written_names(script).map(str::to_owned));
            if writes_unknown(script) {
                self.may_export("GITHUB_ENV", step);
            }
        }
        for file in started(script, step.working_directory().unwrap_or_default()) {
            if !self.read.insert(file.clone()) {
                continue;
            }
            let shown = file.to_string_lossy();
            let text = files(&shown);
            if let Some(text) = text.as_ref().filter(|text| text.contains("GITHUB_ENV")) {
                self.names.extend(written_names(text).map(str::to_owned));
            }
            if text.is_none_or(|text| text.contains("GITHUB_ENV")) {
                self.may_export(&shown, step);
            }
        }
    }

    fn action(&mut self, step: &Step<'_>, uses: &str, is_ours: bool, files: &Files<'_>) {
        let name = uses.split('@').next().unwrap_or_default().to_ascii_lowercase();
        let local = uses.strip_prefix("./").and_then(|directory| program::action(directory, files));
        let mut with = Vec::new();
        if let Some(node) = step.node.get("with") {
            texts(node, &mut |text| with.push(text));
        }
        let export = |text: &str| ["GITHUB_ENV", "exportVariable"].into_iter().find(|word| text.contains(word));
        if EXPORTERS.contains(&name.as_str()) {
            self.names.extend(with.into_iter().flat_map(words).map(str::to_owned));
            self.may_export(&name, step);
        } else if let Some(word) = with.iter().copied().chain(local.as_deref()).find_map(export) {
            self.may_export(word, step);
        } else if !is_ours
            && !DISCREET.iter().any(|known| name.starts_with(known))
            && with.into_iter().any(passes_secrets)
        {
            self.may_export(&name, step);
        }
    }

    fn may_export(&mut self, what: &str, step: &Step<'_>) {
        self.unknown.get_or_insert_with(|| format!("`{what}` in {}", step.name()));
    }
}

/// Whether an expression hands over secrets of the repository, all or by name; the runner's own token is none.
fn passes_secrets(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let mut behind = text.split("secrets").skip(1).map(str::trim_start);
    text.contains("${{") && behind.any(|rest| rest.starts_with(['.', '[', ')']) && !rest.starts_with(".github_token"))
}

/// The files of the checkout that a script starts, from the checkout on; `directory` is where it begins.
fn started(script: &str, directory: &str) -> Vec<PathBuf> {
    let mut directory = PathBuf::from(directory);
    let mut files = Vec::new();
    for command in commands(script) {
        if let [cd, to, ..] = command.words.as_slice()
            && matches!(cd.as_str(), "cd" | "pushd")
        {
            directory.push(from_workspace(to).unwrap_or(to));
        }
        let Some(word) = started_by(&command).filter(|word| !program::is_named(word)) else { continue };
        files.extend(match from_workspace(word) {
            Some(path) => inside(Path::new(path)),
            None => inside(&directory.join(word)),
        });
    }
    files
}

/// The word of a command that names a file to run.
fn started_by(command: &Command) -> Option<&str> {
    let is_prefix = |word: &&str| TRANSPARENT.contains(word) || word.starts_with('-') || word.contains('=');
    let mut words = command.words.iter().map(String::as_str).skip_while(is_prefix).peekable();
    let first = words.next()?;
    let word = if INTERPRETERS.contains(&first) {
        while let Some(flag) = words.next_if(|word| word.starts_with('-')) {
            // `-c`, `-lc`: code follows; `-m`: a module.
            if flag.ends_with(['c', 'm']) {
                return None;
            }
        }
        words.next()?
    } else {
        Some(first).filter(|first| first.contains('/'))?
    };
    let is_elsewhere = word.starts_with(['/', '~', '$']) && from_workspace(word).is_none();
    let is_code = word.contains(['(', ')', '\'', '"', '`', ';', '<', '\n']);
    (!is_elsewhere && !is_code).then_some(word)
}

fn from_workspace(path: &str) -> Option<&str> {
    WORKSPACE.iter().find_map(|workspace| path.strip_prefix(workspace))
}

/// The path without `.` and `..`; `None` where it leaves the checkout.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir => out.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

/// `NAME` of every `NAME=` and `NAME<<` in a script that writes to `GITHUB_ENV`.
fn written_names(script: &str) -> impl Iterator<Item = &str> {
    script.match_indices(['=', '<']).filter_map(|(at, mark)| {
        let before = &script[..at];
        let start = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |start| start + 1);
        // `start` stands behind an ASCII or other character, of which the last byte counts.
        let name =
            before.get(start..).filter(|name| !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()))?;
        (mark == "=" || script[at..].starts_with("<<")).then_some(name)
    })
}

/// Whether a line hands something over that names no variable, such as a whole file.
fn writes_unknown(script: &str) -> bool {
    script.lines().map(str::trim).filter(|line| line.contains("GITHUB_ENV")).any(|line| {
        let closes = line.starts_with(['}', ')']) || line.starts_with("done") || line.contains("<<");
        !closes && written_names(line).next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_script_exports_are_read() {
        let names = |script: &str| written_names(script).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names("echo \"A=$X\" >> $GITHUB_ENV\nprintf 'é=1\nB<<EOF\n' >> x"), ["A", "B"]);
        assert!(!writes_unknown("{\n echo A=1\n} >> \"$GITHUB_ENV\""));
        assert!(!writes_unknown("cat <<EOF >> $GITHUB_ENV\nA=1\nEOF"));
        assert!(writes_unknown("cat .env >> $GITHUB_ENV"));
    }

    #[test]
    fn files_that_a_script_starts_are_told() {
        let files = |script: &str, directory: &str| {
            let files = started(script, directory).into_iter().map(|file| file.display().to_string());
            files.collect::<Vec<_>>()
        };
        for (script, directory, expected) in [
            ("./tools/fetch.sh prod", "", &["tools/fetch.sh"][..]),
            ("./fetch.sh\nscripts/other", "tools", &["tools/fetch.sh", "tools/scripts/other"]),
            ("cd infra && ../tools/fetch.sh", "", &["tools/fetch.sh"]),
            ("sudo -E bash -eu fetch.sh; . ./env.sh", "", &["fetch.sh", "env.sh"]),
            ("python3 \"$GITHUB_WORKSPACE/tools/fetch.py\"", "app", &["tools/fetch.py"]),
            ("./fetch-${{ matrix.app }}.sh", "", &["fetch-${{ matrix.app }}.sh"]),
            ("./bin/secret-patch apply staging", "", &[]),
            ("make all; kubectl apply -f k8s/", "", &[]),
            ("bash -lc './x'; python -m http.server; node -e \"require('./x')\"", "", &[]),
            ("/usr/bin/env; $HOME/bin/x; ~/x; bash <(curl https://x.io/y)", "", &[]),
        ] {
            assert_eq!(files(script, directory), expected, "{script}");
        }
    }
}
