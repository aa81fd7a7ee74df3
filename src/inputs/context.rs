//! Where the program runs, from the environment and the arguments: no input, but what the inputs are read and shown by.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::secret::Secret;

/// The process environment; variables whose names are not UTF-8 are left out.
pub type Environment = BTreeMap<String, OsString>;

/// Who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The runner, as a step of the action: inputs from `INPUT_*`, workflow commands on stdout.
    Action,
    /// A person, a script or a `run:` step.
    CommandLine,
}

/// What the runner runs of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionStage {
    /// The step itself.
    Main,
    /// The end of the job: what main left is removed.
    Post,
}

/// The name in the runner's state under which main leaves the patch's path to the post stage.
pub const SAVED_PATCH: &str = "patch";

/// The program's other name, the image's `post-entrypoint`: an entrypoint of an action has no arguments.
const POST_PROGRAM: &str = "cleanup";

/// Whether colours are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// Which of the standard streams are terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terminals {
    /// Whether a person can be asked.
    pub stdin: bool,
    /// Whether a person reads the report.
    pub stdout: bool,
    /// Whether a person reads the progress.
    pub stderr: bool,
}

/// Where the program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Who called.
    pub mode: Mode,
    /// `Main`, unless the program is called by its other name.
    pub stage: ActionStage,
    /// `GITHUB_ACTIONS=true`: everything printed ends up in a log that many can read.
    pub github_actions: bool,
    /// `RUNNER_DEBUG=1`: step debugging is on.
    pub debug: bool,
    /// `GITHUB_WORKSPACE`.
    pub workspace: Option<PathBuf>,
    /// `GITHUB_REPOSITORY`, such as `owner/name`.
    pub repository: Option<String>,
    /// `GITHUB_SHA`.
    pub sha: Option<String>,
    /// `GITHUB_EVENT_PATH`: what started the workflow, as JSON.
    pub event_file: Option<PathBuf>,
    /// `GITHUB_API_URL`, such as `https://api.github.com` or `https://github.example.com/api/v3`.
    pub api_url: Option<String>,
    /// `GITHUB_GRAPHQL_URL`.
    pub graphql_url: Option<String>,
    /// The page of this run, with its summary.
    pub run_url: Option<String>,
    /// `GITHUB_REPOSITORY_ID`.
    pub repository_id: Option<String>,
    /// `GITHUB_REF`, such as `refs/heads/main`.
    pub git_ref: Option<String>,
    /// `GITHUB_EVENT_NAME`, such as `push`.
    pub event_name: Option<String>,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`: where GitHub's OIDC token is asked for.
    pub identity: Option<(String, Secret)>,
    /// `GITHUB_STEP_SUMMARY`.
    pub step_summary: Option<PathBuf>,
    /// `GITHUB_OUTPUT`.
    pub output_file: Option<PathBuf>,
    /// `GITHUB_STATE`.
    pub state_file: Option<PathBuf>,
    /// `STATE_patch`: the patch that main has written or was about to.
    pub saved_patch: Option<PathBuf>,
    /// Which streams are terminals.
    pub terminals: Terminals,
    /// What the environment says about colours; `Auto` where it says nothing.
    pub colour: Colour,
}

impl Context {
    /// Reads the context. `arguments` begin with the program's name.
    pub fn read(arguments: &[OsString], environment: &Environment, terminals: Terminals) -> Self {
        let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let text = |name: &str| variable(name).and_then(|value| value.to_str()).map(str::to_owned);
        let path = |name: &str| variable(name).map(PathBuf::from);
        let is = |name: &str, wanted: &str| variable(name).is_some_and(|value| value == wanted);
        let github_actions = is("GITHUB_ACTIONS", "true");
        let stage = stage(arguments, variable("INPUT_ENVIRONMENT").is_some());
        let is_action = stage == ActionStage::Post || github_actions && arguments.len() <= 1;
        Self {
            mode: if is_action { Mode::Action } else { Mode::CommandLine },
            stage,
            github_actions,
            debug: is("RUNNER_DEBUG", "1"),
            workspace: path("GITHUB_WORKSPACE"),
            repository: text("GITHUB_REPOSITORY"),
            sha: text("GITHUB_SHA"),
            event_file: path("GITHUB_EVENT_PATH"),
            api_url: text("GITHUB_API_URL"),
            graphql_url: text("GITHUB_GRAPHQL_URL"),
            run_url: run_url(text),
            repository_id: text("GITHUB_REPOSITORY_ID"),
            git_ref: text("GITHUB_REF"),
            event_name: text("GITHUB_EVENT_NAME"),
            identity: text("ACTIONS_ID_TOKEN_REQUEST_URL").zip(text("ACTIONS_ID_TOKEN_REQUEST_TOKEN").map(Secret::new)),
            step_summary: path("GITHUB_STEP_SUMMARY"),
            output_file: path("GITHUB_OUTPUT"),
            state_file: path("GITHUB_STATE"),
            saved_patch: path(&format!("STATE_{SAVED_PATCH}")).filter(|_| stage == ActionStage::Post),
            terminals,
            // https://no-color.org and https://bixense.com/clicolors
            colour: if variable("NO_COLOR").is_some() {
                Colour::Never
            } else if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
                Colour::Always
            } else if is("CLICOLOR", "0") || is("TERM", "dumb") {
                Colour::Never
            } else {
                Colour::Auto
            },
        }
    }

    /// Whether to colour a stream: the flag is asked first, then the environment, then whether it is a terminal.
    pub fn colours(&self, flag: Colour, is_terminal: bool) -> bool {
        match (flag, self.colour) {
            (Colour::Always, _) | (Colour::Auto, Colour::Always) => true,
            (Colour::Never, _) | (Colour::Auto, Colour::Never) => false,
            (Colour::Auto, Colour::Auto) => is_terminal,
        }
    }
}

/// By the program's other name, or by that word alone beside the action's inputs.
fn stage(arguments: &[OsString], has_inputs: bool) -> ActionStage {
    let is_post = match arguments {
        [program] => Path::new(program).file_name().is_some_and(|name| name == POST_PROGRAM),
        [_, word] => has_inputs && word == POST_PROGRAM,
        _ => false,
    };
    if is_post { ActionStage::Post } else { ActionStage::Main }
}

fn run_url(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let [server, repository, run] =
        ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"].map(|name| variable(name).unwrap_or_default());
    let known = !server.is_empty() && !repository.is_empty() && !run.is_empty();
    known.then(|| format!("{}/{repository}/actions/runs/{run}", server.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(arguments: &[&str], environment: &[(&str, &str)]) -> Context {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        Context::read(&arguments, &environment, Terminals::default())
    }

    #[test]
    fn the_action_is_a_call_without_arguments_under_actions() {
        assert_eq!(context(&["p"], &[("GITHUB_ACTIONS", "true")]).mode, Mode::Action);
        assert_eq!(context(&["p", "render"], &[("GITHUB_ACTIONS", "true")]).mode, Mode::CommandLine);
        assert_eq!(context(&["p"], &[("GITHUB_ACTIONS", "false")]).mode, Mode::CommandLine);
        assert_eq!(context(&["p"], &[]).mode, Mode::CommandLine);
    }

    #[test]
    fn the_post_stage_is_a_call_by_the_other_name_or_by_that_word_beside_inputs() {
        let stage = |arguments: &[&str], environment: &[(&str, &str)]| {
            let context = context(arguments, environment);
            (context.mode, context.stage)
        };
        let inputs = [("GITHUB_ACTIONS", "true"), ("INPUT_ENVIRONMENT", "s"), ("STATE_patch", "p.yml")];
        assert_eq!(stage(&["/usr/local/bin/cleanup"], &inputs), (Mode::Action, ActionStage::Post));
        assert_eq!(stage(&["cleanup"], &[]), (Mode::Action, ActionStage::Post));
        assert_eq!(stage(&["secret-patch", "cleanup"], &inputs), (Mode::Action, ActionStage::Post));
        assert_eq!(stage(&["secret-patch", "cleanup"], &[]), (Mode::CommandLine, ActionStage::Main));
        assert_eq!(stage(&["secret-patch", "cleanup", "s"], &inputs), (Mode::CommandLine, ActionStage::Main));
        assert_eq!(stage(&["secret-patch"], &inputs), (Mode::Action, ActionStage::Main));
        assert_eq!(context(&["cleanup"], &inputs).saved_patch, Some(PathBuf::from("p.yml")));
        // An earlier step can set such a variable for every later one.
        assert_eq!(context(&["secret-patch"], &inputs).saved_patch, None);
    }

    #[test]
    fn colours_follow_flag_then_environment_then_terminal() {
        let plain = context(&["p"], &[]);
        assert!(plain.colours(Colour::Auto, true) && !plain.colours(Colour::Auto, false));
        let no = context(&["p"], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]);
        assert!(!no.colours(Colour::Auto, true) && no.colours(Colour::Always, false));
        let force = context(&["p"], &[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")]);
        assert!(force.colours(Colour::Auto, false) && !force.colours(Colour::Never, true));
        assert!(!context(&["p"], &[("TERM", "dumb")]).colours(Colour::Auto, true));
    }

    #[test]
    fn a_run_has_a_page_where_all_of_its_address_is_known() {
        let github =
            [("GITHUB_SERVER_URL", "https://github.com"), ("GITHUB_REPOSITORY", "owner/name"), ("GITHUB_RUN_ID", "42")];
        let page = "https://github.com/owner/name/actions/runs/42";
        assert_eq!(context(&["p"], &github).run_url.as_deref(), Some(page));
        assert_eq!(context(&["p"], &github[..2]).run_url, None);
    }

    #[test]
    fn empty_variables_are_as_unset() {
        let context = context(&["p"], &[("GITHUB_OUTPUT", ""), ("GITHUB_STEP_SUMMARY", "/s"), ("RUNNER_DEBUG", "1")]);
        assert_eq!(context.output_file, None);
        assert_eq!(context.step_summary, Some(PathBuf::from("/s")));
        assert!(context.debug);
    }
}
