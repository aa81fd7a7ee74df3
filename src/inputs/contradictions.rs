//! Inputs that are each well formed and do not go together.

use super::{Command, Context, FileName, Inputs, Mode, OnFailedRollout, Rollout, Word as _};
use crate::error::{Problem, text};

/// All that do not go together.
pub(super) fn contradictions(inputs: &Inputs, context: &Context) -> Vec<Problem> {
    rollout_problem(inputs).into_iter().chain(stream_problems(inputs, context)).collect()
}

/// Values that are put back have to be read.
fn rollout_problem(inputs: &Inputs) -> Option<Problem> {
    let contradicts = inputs.on_failed_rollout == OnFailedRollout::Restore && inputs.rollout != Rollout::Restart;
    contradicts.then(|| {
        let message =
            text!("`on-failed-rollout: restore` restarts workloads, and `rollout` is `{}`", inputs.rollout.word());
        Problem::error("rollout-contradiction", message).help("leave `rollout` out, or `on-failed-rollout`")
    })
}

/// What must not meet on one stream: two readers of stdin, values and a log.
fn stream_problems(inputs: &Inputs, context: &Context) -> Vec<Problem> {
    let mut problems = Vec::new();
    let readers = inputs.templates.iter().chain(&inputs.env_file).filter(|file| **file == FileName::Standard).count();
    if readers > 1 {
        let message = "`template` and `env-file` name stdin more than once, and it can be read only once";
        problems.push(Problem::error("stdin-twice", message).help("give all but one of them by path"));
    } else if readers == 1 && context.mode == Mode::Action {
        let message = "`-` is stdin, and a step of the action has none";
        problems.push(Problem::error("no-stdin", message).help("name a file in the workspace"));
    }
    if inputs.output == Some(FileName::Standard) {
        if inputs.command == Command::EsoPlan {
            // A plan holds no values.
        } else if inputs.command != Command::Render {
            let message =
                text!("`{}` needs the secret patch in a file, so `output` cannot be `-`", inputs.command.word());
            problems
                .push(Problem::error("output-to-stdout", message).help("use `render` to print the filled template"));
        } else if context.github_actions {
            let message = "`output` is `-`, which would write the values into the job's log";
            problems.push(Problem::error("output-to-log", message).help("leave `output` out, or name a file"));
        } else if context.terminals.stdout && !inputs.command_line.show_values {
            let message = "`output` is `-` and stdout is a terminal, which would show the values";
            problems.push(Problem::error("output-to-terminal", message).help("add `--show-values` if that is meant"));
        }
    }
    if inputs.command_line.add_masks && !context.github_actions {
        let message = "`--add-masks` prints every value for the runner to hide, and this is not GitHub Actions";
        problems.push(Problem::error("masks-without-runner", message).help("leave `--add-masks` out"));
    }
    problems
}
