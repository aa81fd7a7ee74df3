//! The command line's way in: flags are the inputs' names, help is the table's.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use super::flags::{Cli, Deferred, Verb};
use super::names::{self, ALL};
use super::{Colour, Command, Context, Environment, Raw, Word, not_utf8};
use crate::error::{Problem, text};

/// What the arguments ask for.
pub(super) enum Call {
    Run(Raw),
    Print { text: String, code: u8 },
}

/// Reads `arguments`, and the variables of inputs that are better not given as arguments.
pub(super) fn read(arguments: &[OsString], environment: &Environment, context: &Context) -> Result<Call, Vec<Problem>> {
    let parsed = Cli::command().try_get_matches_from(arguments);
    let cli = match parsed.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)) {
        Ok(cli) => cli,
        Err(e) => return refused(&e, context),
    };
    let mut raw = Raw { command_line: cli.everywhere.command_line(), ..Raw::default() };
    match cli.verb {
        Verb::Render(Deferred(render)) => {
            raw.set(names::COMMAND, Command::Render.word());
            raw.set(names::ENVIRONMENT, &render.environment);
            raw.command_line.show_values = render.show_values;
            render.rendering.fill(&mut raw);
        }
        Verb::Check(Deferred(check)) => {
            raw.set(names::COMMAND, Command::Check.word());
            check.fill(&mut raw);
        }
        Verb::Diff(Deferred(diff)) => {
            raw.set(names::COMMAND, Command::Diff.word());
            raw.set(names::ENVIRONMENT, &diff.environment);
            raw.command_line.exit_code = diff.exit_code;
            diff.fill(&mut raw);
        }
        Verb::Apply(Deferred(apply)) => {
            raw.set(names::COMMAND, Command::Apply.word());
            raw.set(names::ENVIRONMENT, &apply.environment);
            raw.command_line.yes = apply.yes;
            apply.fill(&mut raw);
        }
        Verb::Cleanup(Deferred(cleanup)) => {
            raw.set(names::COMMAND, Command::Cleanup.word());
            cleanup.fill(&mut raw);
            return Ok(Call::Run(raw));
        }
        Verb::Eso { verb } => verb.fill(&mut raw),
        Verb::Completions { shell } => return Ok(completions(shell)),
    }
    raw.problems.extend(visible(&raw));
    add_variables(&mut raw, environment);
    Ok(Call::Run(raw))
}

fn completions(shell: clap_complete::Shell) -> Call {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "secret-patch", &mut script);
    Call::Print { text: String::from_utf8_lossy(&script).into_owned(), code: 0 }
}

/// Help and version are no failures; the rest is told in our own words, because clap's quote arguments, and these may be secrets.
fn refused(error: &clap::Error, context: &Context) -> Result<Call, Vec<Problem>> {
    let rendered = error.render();
    let print = |code: u8| {
        let terminal = if code == 0 { context.terminals.stdout } else { context.terminals.stderr };
        let colours = context.colours(Colour::Auto, terminal);
        let text = if colours { rendered.ansi().to_string() } else { rendered.to_string() };
        Ok(Call::Print { text, code })
    };
    let typed = text_of(error, ContextKind::InvalidArg);
    let flag = typed.split(['=', ' ']).next().unwrap_or_default().to_owned();
    let message = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return print(0),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return print(2),
        ErrorKind::UnknownArgument if flag.starts_with('-') => format!("there is no flag `{flag}`"),
        ErrorKind::UnknownArgument => "there is an argument too many".to_owned(),
        ErrorKind::InvalidSubcommand => {
            format!("there is no command `{}`", text_of(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => format!("`{typed}` is missing"),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        ErrorKind::ArgumentConflict => format!("`{flag}` is given more than once"),
        ErrorKind::InvalidValue if text_of(error, ContextKind::InvalidValue).is_empty() => {
            format!("`{flag}` needs a value")
        }
        _ => format!("`{flag}` is given a value that it does not take"),
    };
    Err(vec![Problem::error("usage", message).help(remedy(error))])
}

fn remedy(error: &clap::Error) -> String {
    let kinds = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
        ContextKind::ValidValue,
    ];
    match kinds.map(|kind| text_of(error, kind)).iter().zip(kinds).find(|(text, _)| !text.is_empty()) {
        Some((text, ContextKind::ValidValue)) => format!("write one of {text}"),
        Some((text, _)) => format!("did you mean `{text}`?"),
        None => "see `secret-patch --help`".to_owned(),
    }
}

fn text_of(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    }
}

/// Warnings about credentials and values that stand in the arguments.
fn visible(raw: &Raw) -> Vec<Problem> {
    let inputs = ALL.iter().filter(|input| input.sensitive);
    let given = inputs.filter_map(|input| Some((input, raw.texts.get(input.name)?)));
    // A kubeconfig is a path more often than not; content has line ends or begins as JSON does.
    let given = given.filter(|(input, text)| **input != names::KUBECONFIG || text.expose().contains(['\n', '{']));
    given
        .map(|(input, _)| {
            let message = text!("`--{}` on the command line can be read by every process of this machine", input.name);
            Problem::warning("visible-argument", message).help(text!("set `{}` instead", input.variable()))
        })
        .collect()
}

fn add_variables(raw: &mut Raw, environment: &Environment) {
    for input in
        ALL.into_iter().filter(|input| input.has_variable && !raw.texts.contains_key(input.name)).collect::<Vec<_>>()
    {
        let name = input.variable();
        match environment.get(&name).map(|value| value.to_str()) {
            Some(Some(text)) => raw.set(input, text),
            Some(None) => raw.problems.push(not_utf8(&name)),
            None => {}
        }
    }
}
