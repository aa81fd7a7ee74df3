//! What every command begins with: the layout, the template, the values, the masks, the filled template.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{Run, patiently};
use crate::error::{Failure, Problem, Stage, text};
use crate::files::{self, Layout, Overlay, Overrides, PatchFile, git};
use crate::inputs::{self, FileName, Inputs};
use crate::patch::PatchObject;
use crate::report::{Change, KeyReport, ObjectReport, Progress, Shown, ValueReport};
use crate::secret::{Secret, looks_like_path};
use crate::template::{FillRules, Filled, StandIns, Template};
use crate::values::{self, Rules, Sources, Values};

/// The source of a value that is not there.
pub(super) const NOT_GIVEN: &str = "not given";

impl<O: Write, E: Write> Run<O, E> {
    /// Where template, overlay and patch lie.
    pub(super) fn layout(&mut self) -> Result<Layout, Failure> {
        self.layout_in(Path::new(""))
    }

    /// The same in another checkout, where the same paths lead to the same files.
    pub(super) fn layout_in(&mut self, checkout: &Path) -> Result<Layout, Failure> {
        let there = |path: &Path| if path == Path::new("-") { path.to_owned() } else { checkout.join(path) };
        let given = overrides(&self.inputs).each(there);
        let start = if checkout.as_os_str().is_empty() { Path::new(".") } else { checkout };
        let found = Layout::find(start, &self.inputs.environment, &given);
        let mut layout = found.map_err(|problems| Failure::new(Stage::Inputs, problems))?;
        self.early.append(&mut layout.notices);
        Ok(layout)
    }

    /// The place of the secret patch, made safe: tracked by git or not ignored, it is refused.
    pub(super) fn patch_file(&mut self, layout: &Layout) -> Result<PatchFile, Failure> {
        let path = layout.output.as_ref().ok_or_else(|| {
            let text = "there is no place for the filled template";
            let help = "name it with `--output`, or `-` for stdout";
            Failure::usage(vec![Problem::error("no-output", text).help(help)])
        })?;
        let opened = PatchFile::open(path, self.context.workspace.as_deref());
        let file = opened.map_err(|problems| Failure::new(Stage::Inputs, problems))?;
        self.early.extend_from_slice(file.notices());
        Ok(file)
    }

    /// Only an overlay needs the patch at its path.
    pub(super) fn patch_file_for(&mut self, layout: &Layout) -> Result<Option<PatchFile>, Failure> {
        match layout.overlay {
            Overlay::Directory(_) => self.patch_file(layout).map(Some),
            Overlay::None => Ok(None),
        }
    }

    /// The template, read.
    pub(super) async fn template(&mut self, layout: &Layout) -> Result<Template, Failure> {
        let failure = |problems| Failure::new(Stage::Values, problems);
        let paths = layout.templates.clone();
        let texts = if paths.iter().any(|path| files::may_wait(path)) {
            self.read_stdin(move |stdin| files::read_templates(&paths, stdin)).await?
        } else {
            files::read_templates(&paths, &mut self.stdin)
        };
        let texts = texts.map_err(failure)?;
        let stray: Vec<Problem> = texts.iter().filter_map(|file| self.leads_astray(Path::new(&file.name))).collect();
        if !stray.is_empty() {
            return Err(failure(stray));
        }
        Template::parse(texts.iter().map(|file| (file.name.as_str(), file.text.as_str()))).map_err(failure)
    }

    /// The values that the template asks for; the runner is told to hide them before anything else is printed.
    pub(super) async fn values(&mut self, template: &Template) -> Result<Values, Failure> {
        let rules = Rules {
            prefer: self.inputs.prefer.clone(),
            nonsensitive: self.inputs.nonsensitive.iter().cloned().collect(),
        };
        let asked = template.names(&self.fill_rules());
        let sources = Sources {
            env_file: self.env_file().await?,
            vault: self.vault_values(&asked).await?,
            environment: std::mem::take(&mut self.environment),
            secrets: std::mem::take(&mut self.inputs.secrets),
            vars: std::mem::take(&mut self.inputs.vars),
        };
        let bare = template.bare().into_iter().map(|bare| bare.name).collect();
        let collected = values::collect(&asked, &bare, &sources, &rules);
        self.environment = sources.environment;
        let values = collected.map_err(|problems| Failure::new(Stage::Values, problems))?;
        values.sensitive().for_each(|value| self.masker.add(value));
        self.send_masks()?;
        Ok(values)
    }

    /// What may be shown of the `asked` values; a number stands in for each of the others, given or not; unless `trusted`, for
    /// all of them.
    pub(super) fn public_values(&mut self, asked: &BTreeSet<String>, trusted: bool) -> Result<Values, Failure> {
        let rules = Rules { nonsensitive: self.inputs.nonsensitive.iter().cloned().collect(), ..Rules::default() };
        let sources = Sources {
            environment: std::mem::take(&mut self.environment),
            vars: std::mem::take(&mut self.inputs.vars),
            ..Sources::default()
        };
        let nothing = Sources::default();
        let collected = values::collect(asked, &BTreeSet::new(), if trusted { &sources } else { &nothing }, &rules);
        self.environment = sources.environment;
        let mut values = collected.map_err(|problems| Failure::new(Stage::Values, problems))?;
        values.sensitive().for_each(|value| self.masker.add(value));
        self.send_masks()?;
        values.forget_sensitive();
        values.stand_in_for_missing(asked);
        Ok(values)
    }

    /// The template with its values.
    pub(super) fn fill(
        &mut self,
        template: &Template,
        values: &Values,
        stand_ins: StandIns,
    ) -> Result<Filled, Failure> {
        let filled = template.fill(values, &self.fill_rules(), stand_ins);
        let mut filled = filled.map_err(|problems| Failure::new(Stage::Render, problems))?;
        filled.objects.iter().flat_map(PatchObject::decoded_data).for_each(|value| self.masker.add(&value));
        self.send_masks()?;
        let mut notices = std::mem::take(&mut filled.notices);
        notices.extend(self.too_simple().filter(|_| self.console.sends_masks()));
        self.note(notices);
        self.outcome.values = used(&filled, values);
        self.outcome.objects = filled.objects.iter().map(|object| planned(object, values)).collect();
        Ok(filled)
    }

    pub(super) fn fill_rules(&self) -> FillRules {
        FillRules { keep: self.inputs.keep_placeholders.clone(), allow_empty: self.inputs.allow_empty.clone() }
    }

    fn too_simple(&self) -> Option<Problem> {
        let count = self.masker.too_simple();
        let what = if count == 1 { "1 value is".to_owned() } else { format!("{count} values are") };
        (count > 0).then(|| {
            Problem::notice("not-masked", text!("{what} too simple to hide in the log without hiding other words"))
        })
    }

    /// The env file: the given one, or `.env.k8s.<environment>` where git ignores it and this is no workflow.
    async fn env_file(&mut self) -> Result<std::collections::BTreeMap<String, Secret>, Failure> {
        let failure = |problems| Failure::new(Stage::Values, problems);
        let (name, text) = match self.inputs.env_file.clone() {
            Some(FileName::Standard) => {
                let text = self.read_stdin(|stdin| files::read_stream("standard input", stdin)).await?;
                ("<stdin>".to_owned(), text.map_err(|problem| failure(vec![problem]))?)
            }
            Some(FileName::Path(path)) => {
                let name = path.display().to_string();
                self.private_files.push(self.absolute(&path));
                let waits = files::may_wait(&path);
                let text =
                    if waits { patiently(move || files::read_text(&path)).await? } else { files::read_text(&path) };
                (name.clone(), text.map_err(|problem| failure(vec![self.unread_env_file(&name, problem)]))?)
            }
            None => match self.default_env_file().map_err(|problem| failure(vec![problem]))? {
                Some((name, text)) => (name, text),
                None => return Ok(Default::default()),
            },
        };
        let text = Secret::new(text);
        values::parse_env_file(&name, text.expose()).map_err(failure)
    }

    fn unread_env_file(&self, given: &str, problem: Problem) -> Problem {
        if self.is_shown_as_path(given) {
            return problem;
        }
        Problem::error("no-env-file", "`env-file` takes a path, and names no file that can be read").help(
            "it is not shown, since it may be the content of one: write that to a file, or fill the step's `env:` with its names",
        )
    }

    /// Whether what was given as a path is written as one or leads somewhere; content that was given instead is hidden from now on.
    pub(super) fn is_shown_as_path(&self, given: &str) -> bool {
        let given = given.trim();
        let is_path =
            looks_like_path(given, |name| name.contains('.')) || files::is_there(&self.absolute(Path::new(given)));
        if !is_path {
            self.masker.add(&Secret::new(given));
        }
        is_path
    }

    /// Reads stdin, for as long as it takes.
    pub(super) async fn read_stdin<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let mut stdin = std::mem::replace(&mut self.stdin, Box::new(io::empty()));
        let (done, stdin) = patiently(move || (read(&mut *stdin), stdin)).await?;
        self.stdin = stdin;
        Ok(done)
    }

    fn default_env_file(&mut self) -> Result<Option<(String, String)>, Problem> {
        if self.context.github_actions {
            return Ok(None);
        }
        let name = format!(".env.k8s.{}", self.inputs.environment);
        let path = self.absolute(Path::new(&name));
        if !files::is_there(&path) {
            return Ok(None);
        }
        let refused = match git::Repository::find(&path) {
            Ok(Some(repository)) if !repository.ignored_by(&path).is_ok_and(|rule| rule.is_some()) => {
                Some(("because git does not ignore it", "add `.env.k8s.*` to .gitignore, or name it"))
            }
            // A file that everybody has, or a link that anybody has committed, is not this person's.
            Ok(Some(repository)) if repository.is_tracked(&path) != Ok(false) => {
                Some(("because it is committed", "take it out with `git rm --cached`, or name it"))
            }
            Ok(_) => None,
            Err(_) => Some(("because git's own files cannot be read", "name it")),
        };
        if let Some((reason, remedy)) = refused {
            let text = text!("`{name}` is not read, {reason}");
            let problem = Problem::warning("env-file-not-ignored", text).help(text!("{remedy}: `--env-file {name}`"));
            self.early.push(problem);
            return Ok(None);
        }
        self.private_files.push(path);
        let text = files::read_text(Path::new(&name))?;
        Ok(Some((name, text)))
    }
}

/// The paths that the inputs name.
pub(super) fn overrides(inputs: &Inputs) -> Overrides {
    Overrides {
        root: inputs.root.clone(),
        templates: inputs.templates.iter().map(as_path).collect(),
        output: inputs.output.as_ref().map(as_path),
        overlay: inputs.overlay.as_ref().map(|overlay| match overlay {
            inputs::Overlay::None => Overlay::None,
            inputs::Overlay::Path(path) => Overlay::Directory(path.clone()),
        }),
    }
}

fn as_path(name: &FileName) -> PathBuf {
    match name {
        FileName::Standard => PathBuf::from("-"),
        FileName::Path(path) => path.clone(),
    }
}

/// Each placeholder that was filled, once.
fn used(filled: &Filled, values: &Values) -> Vec<ValueReport> {
    let names: BTreeSet<&String> = filled.names.iter().chain(&filled.defaulted).collect();
    names.into_iter().map(|name| value_report(name, values, filled.names.contains(name))).collect()
}

/// `put_in`: a value or a stand-in was put in for the name, not a default of the template.
pub(super) fn value_report(name: &str, values: &Values, put_in: bool) -> ValueReport {
    match values.get(name).filter(|value| !value.text.is_empty()) {
        Some(value) => ValueReport { name: name.to_owned(), source: value.source.name(), sensitive: value.sensitive },
        None if put_in && values.stand_in(name).is_some() => {
            ValueReport { name: name.to_owned(), source: NOT_GIVEN, sensitive: true }
        }
        None => ValueReport { name: name.to_owned(), source: "default", sensitive: false },
    }
}

fn planned(object: &PatchObject, values: &Values) -> ObjectReport {
    let keys = object
        .entries
        .iter()
        .map(|entry| KeyReport {
            key: entry.data_key().map_or_else(|| entry.dotted_path().to_string(), |(_, key)| key.to_owned()),
            change: Change::Unknown,
            values: entry
                .names
                .iter()
                .map(|name| value_report(name, values, values.is_unknown(entry.value.expose())))
                .collect(),
            shown: Shown::default(),
            moved: None,
        })
        .collect();
    ObjectReport {
        id: object.id.clone(),
        change: Change::Unknown,
        taken_over: false,
        progress: Progress::Planned,
        keys,
        conflicts: Vec::new(),
    }
}
