//! From typed texts to [`Inputs`]: every input has one meaning, whichever way it came in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::contradictions::contradictions;
use super::names::{self, Input};
use super::{
    Command, Commenting, Context, EsoInputs, FileName, Format, Inputs, Mode, OnFailedRollout, Overlay, Raw, Rollout,
    VaultInputs, Word,
};
use crate::error::{Problem, Text, text};
use crate::secret::Secret;
use crate::values::{Source, parse_json};

/// Reads `raw`; `None` only beside at least one error.
pub(super) fn resolve(raw: Raw, context: &Context) -> (Option<Inputs>, Vec<Problem>) {
    let Raw { texts, command_line, problems } = raw;
    let mut reader = Reader { texts, problems };
    let command = reader.word(names::COMMAND);
    let environment = reader.text(names::ENVIRONMENT);
    reader.require(context, command);
    let inputs = Inputs {
        command: command.unwrap_or(Command::Render),
        environment: environment.unwrap_or_default(),
        root: reader.text(names::ROOT).map(PathBuf::from),
        templates: reader.list(names::TEMPLATE).iter().map(|text| file_name(text)).collect(),
        output: reader.text(names::OUTPUT).map(|text| file_name(&text)),
        // `render` builds nothing, so it asks for no overlay; a given one must be there all the same.
        overlay: reader
            .text(names::OVERLAY)
            .map(|text| overlay(&text))
            .or((command == Some(Command::Render)).then_some(Overlay::None)),
        kinds: reader.names(names::KINDS, "."),
        secrets: reader.object(names::SECRETS),
        vars: reader.object(names::VARS),
        env_file: reader.text(names::ENV_FILE).map(|text| file_name(&text)),
        nonsensitive: reader.names(names::NONSENSITIVE, "_"),
        keep_placeholders: reader.names(names::KEEP_PLACEHOLDERS, "_*?"),
        allow_empty: reader.names(names::ALLOW_EMPTY, "_"),
        allow_default: reader.names(names::ALLOW_DEFAULT, "_"),
        prefer: reader.sources(),
        trusted_repositories: reader.repositories(),
        vault: VaultInputs::read(&mut reader),
        eso: EsoInputs::read(&mut reader),
        kubeconfig: reader.secret(names::KUBECONFIG),
        context: reader.text(names::CONTEXT),
        kube_token: reader.secret(names::KUBE_TOKEN),
        allow_exec: reader.boolean(names::ALLOW_EXEC),
        allow_remote: reader.boolean(names::ALLOW_REMOTE),
        force_conflicts: reader.objects(names::FORCE_CONFLICTS),
        take_over: reader.boolean(names::TAKE_OVER),
        prune: reader.boolean(names::PRUNE),
        rollout: reader.word(names::ROLLOUT).unwrap_or(Rollout::Restart),
        on_failed_rollout: reader.word(names::ON_FAILED_ROLLOUT).unwrap_or(OnFailedRollout::Keep),
        timeout: reader.duration(names::TIMEOUT),
        base: reader.text(names::BASE).map(PathBuf::from),
        comment: reader.word(names::COMMENT).unwrap_or(Commenting::Auto),
        comment_key: reader.text(names::COMMENT_KEY),
        github_token: reader.secret(names::GITHUB_TOKEN),
        ca_bundle: reader.text(names::CA_BUNDLE),
        keep_patch: reader.boolean(names::KEEP_PATCH),
        dry_run: reader.boolean(names::DRY_RUN),
        format: reader.word(names::FORMAT).unwrap_or(Format::Text),
        command_line,
    };
    let Reader { mut problems, .. } = reader;
    problems.extend(contradictions(&inputs, context));
    let complete = !problems.iter().any(Problem::is_error);
    (complete.then_some(inputs), problems)
}

fn file_name(text: &str) -> FileName {
    if text == "-" { FileName::Standard } else { FileName::Path(PathBuf::from(text)) }
}

fn overlay(text: &str) -> Overlay {
    if text == "none" { Overlay::None } else { Overlay::Path(PathBuf::from(text)) }
}

pub(super) struct Reader {
    texts: BTreeMap<&'static str, Secret>,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn secret(&self, input: Input) -> Option<Secret> {
        self.texts.get(input.name).cloned()
    }

    pub(super) fn text(&self, input: Input) -> Option<String> {
        self.texts.get(input.name).map(|text| text.expose().to_owned())
    }

    pub(super) fn list(&self, input: Input) -> Vec<String> {
        items(&self.text(input).unwrap_or_default())
    }

    pub(super) fn refuse(&mut self, message: Text, help: impl Into<Text>) {
        self.problems.push(Problem::error("invalid-input", message).help(help));
    }

    fn require(&mut self, context: &Context, command: Option<Command>) {
        let needed: &[Input] = match command {
            Some(Command::Check | Command::EsoInventory | Command::EsoPlan | Command::EsoVerify) => &[],
            Some(Command::EsoRun) => &[super::eso::PLAN],
            Some(Command::Render | Command::Diff | Command::Apply | Command::Cleanup) | None => {
                &[names::COMMAND, names::ENVIRONMENT]
            }
        };
        for input in needed {
            let unreadable = super::not_utf8(input.name);
            if !self.texts.contains_key(input.name) && !self.problems.contains(&unreadable) {
                let help = match context.mode {
                    Mode::Action => {
                        format!("add `{}:` below `with:`; in a `run:` step give arguments instead", input.name)
                    }
                    Mode::CommandLine => format!("give {} as an argument", input.shape),
                };
                self.problems.push(Problem::error("missing-input", text!("`{}` is missing", input.name)).help(help));
            }
        }
    }

    pub(super) fn word<W: Word>(&mut self, input: Input) -> Option<W> {
        let text = self.text(input)?;
        let found = W::ALL.iter().copied().find(|word| word.word() == text);
        if found.is_none() {
            self.refuse(
                text!("`{}` is `{text}`", input.name),
                choices(&text, &W::ALL.iter().map(|word| word.word()).collect::<Vec<_>>()),
            );
        }
        found
    }

    fn sources(&mut self) -> Vec<Source> {
        let mut sources = Vec::new();
        for text in self.list(names::PREFER) {
            match Source::parse(&text) {
                Some(source) if sources.contains(&source) => {
                    self.refuse(
                        text!("`prefer` names `{text}` twice"),
                        "name each source once, the one that wins first",
                    );
                }
                Some(source) => sources.push(source),
                None => self.refuse(text!("`prefer` names `{text}`"), choices(&text, &Source::ALL.map(Source::name))),
            }
        }
        sources
    }

    /// A number from 1 to `largest`.
    pub(super) fn count(&mut self, input: Input, largest: usize) -> usize {
        let text = self.text(input).or(input.default.map(str::to_owned)).unwrap_or_default();
        text.parse().ok().filter(|number| (1..=largest).contains(number)).unwrap_or_else(|| {
            self.refuse(text!("`{}` is `{text}`", input.name), text!("write a number from 1 to {largest}"));
            1
        })
    }

    /// What a reader of its own made of an input.
    pub(super) fn accept<T: Default>(&mut self, read: Result<T, Vec<Problem>>) -> T {
        read.unwrap_or_else(|problems| {
            self.problems.extend(problems);
            T::default()
        })
    }

    /// As `@actions/core` reads booleans.
    pub(super) fn boolean(&mut self, input: Input) -> bool {
        match self.text(input).as_deref() {
            Some("true" | "True" | "TRUE") => true,
            None | Some("false" | "False" | "FALSE") => false,
            Some(text) => {
                self.refuse(text!("`{}` is `{text}`", input.name), "write `true` or `false`");
                false
            }
        }
    }

    /// Names of letters, digits and `others`.
    pub(super) fn names(&mut self, input: Input, others: &str) -> Vec<String> {
        let names = self.list(input);
        for name in &names {
            if name.contains('*') && !others.contains('*') {
                let help = "name each one: a glob would also take in what is added later";
                self.refuse(text!("`{}` holds `{name}`", input.name), help);
            } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c)) {
                let help = "names are separated by blanks, commas or line ends";
                self.refuse(text!("`{}` holds `{name}`, which is no name", input.name), help);
            }
        }
        names
    }

    /// `owner/name` each.
    fn repositories(&mut self) -> Vec<String> {
        let repositories = self.list(names::TRUSTED_REPOSITORIES);
        let is_part = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        for repository in &repositories {
            if !repository.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name)) {
                let help = "name each repository by owner and name, such as `owner/config`";
                self.refuse(text!("`{}` holds `{repository}`", names::TRUSTED_REPOSITORIES.name), help);
            }
        }
        repositories
    }

    /// `Kind/name` each.
    fn objects(&mut self, input: Input) -> Vec<String> {
        let objects = self.list(input);
        for object in &objects {
            if !object
                .split_once('/')
                .is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty() && !name.contains('/'))
            {
                let help = "name each object by kind and name, such as `Secret/app`";
                self.refuse(text!("`{}` holds `{object}`", input.name), help);
            }
        }
        objects
    }

    /// `90s`, `5m`, `1h`, `1h30m`.
    pub(super) fn duration(&mut self, input: Input) -> Duration {
        let text = self.text(input).or(input.default.map(str::to_owned)).unwrap_or_default();
        parse_duration(&text).unwrap_or_else(|| {
            let help = "write a number and a unit, such as `90s`, `5m` or `1h`, above zero and up to `24h`";
            self.refuse(text!("`{}` is `{text}`", input.name), help);
            Duration::default()
        })
    }

    fn object(&mut self, input: Input) -> BTreeMap<String, Secret> {
        let members = self.texts.get(input.name).map(|json| parse_json(input.name, json)).transpose();
        self.accept(members.map_err(|problem| vec![problem])).unwrap_or_default()
    }
}

/// What stands between blanks, commas and line ends, or in quotes: a path may hold them.
fn items(text: &str) -> Vec<String> {
    let parts = |c: char| c == ',' || c.is_whitespace();
    let mut items = Vec::new();
    let mut rest = text.trim_start_matches(parts);
    while let Some(first) = rest.chars().next() {
        let quoted = Some(&rest[first.len_utf8()..])
            .filter(|_| matches!(first, '"' | '\''))
            .and_then(|rest| rest.split_once(first));
        let quoted = quoted.filter(|(_, after)| after.is_empty() || after.starts_with(parts));
        let (item, after) = quoted.unwrap_or_else(|| rest.split_at(rest.find(parts).unwrap_or(rest.len())));
        items.extend(Some(item.to_owned()).filter(|item| !item.is_empty()));
        rest = after.trim_start_matches(parts);
    }
    items
}

fn choices(typed: &str, words: &[&str]) -> String {
    match names::closest(typed, words.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")),
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let amount: u64 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            _ => return None,
        };
        seconds = seconds.checked_add(amount.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (1..=24 * 3600).contains(&seconds).then(|| Duration::from_secs(seconds))
}
