//! One line of output: a command that is carried out, or text.

use super::session::{Refused, Session};
use crate::annotation::Kind;
use crate::command::{Command, Properties, parse};
use crate::registered::upper;

/// Read from the workflow's `env`, where an earlier step can put it by `GITHUB_ENV`.
const ALLOW_COMMANDS: &str = "ACTIONS_ALLOW_UNSECURE_COMMANDS";
const ALLOW_TOKENS: &str = "ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS";

impl Session<'_> {
    pub(super) fn line(&mut self, line: &str) {
        if self.done.cut_off || self.command(line) {
            return;
        }
        self.write(&line.replace("##[start-action", "##[\\start-action").replace("##[end-action", "##[\\end-action"));
    }

    /// Whether `line` was a command; else it is shown.
    fn command(&mut self, line: &str) -> bool {
        let Some(command) = parse(line, &self.registered) else { return false };
        let name = command.name.to_ascii_lowercase();
        match (&self.stopped_until, name.as_str()) {
            (Some(token), _) if !token.is_empty() && upper(token) == upper(&command.name) => {
                self.registered.remove(&command.name);
                self.stopped_until = None;
                self.write(line);
                self.debug("Resume processing commands");
            }
            (Some(token), _) => {
                let text = format!("Process commands has been stopped and waiting for '##[{token}]' to resume.");
                self.debug(&text);
                return false;
            }
            (None, "stop-commands") => self.stop(line, command.data),
            (None, name) => {
                let is_silent = matches!(name, "add-mask" | "debug" | "error" | "warning" | "notice");
                if self.echo && !is_silent {
                    self.write(line);
                }
                if let Err(why) = self.carry_out(name, command) {
                    let shown = if is_silent { name } else { line };
                    self.fail(&format!("Unable to process command '{shown}' successfully."), &why);
                }
            }
        }
        true
    }

    /// A token that may not be used ends the reading of the step's output, since nobody catches the exception there.
    fn stop(&mut self, line: &str, token: String) {
        let is_invalid = token.is_empty() || self.registered.contains(&token) || upper(&token) == "PAUSE-LOGGING";
        if is_invalid && !self.allows(ALLOW_TOKENS, &["1", "true", "$true"]) {
            self.error(
                "You cannot use a endToken that is an empty string, the string 'pause-logging', or another workflow command.",
            );
            self.done.failed = true;
            self.done.cut_off = true;
            return;
        }
        self.registered.add(&token);
        if token.encode_utf16().count() > 6 {
            self.job.masker.add(&token);
        }
        self.stopped_until = Some(token);
        self.write(line);
        self.debug("Paused processing commands until the token you called ::stopCommands:: with is received");
    }

    fn carry_out(&mut self, name: &str, command: Command) -> Result<(), Refused> {
        let Command { properties, data, .. } = command;
        match name {
            "add-mask" => self.add_mask(&data),
            "debug" => self.debug(&data),
            "error" => self.annotate(Kind::Error, properties, &data),
            "warning" => self.annotate(Kind::Warning, properties, &data),
            "notice" => self.annotate(Kind::Notice, properties, &data),
            "group" => self.write(&format!("##[group]{data}")),
            "endgroup" => self.write("##[endgroup]"),
            "echo" => return self.set_echo(&data),
            "add-matcher" => self.add_matcher(&data),
            "remove-matcher" => self.remove_matcher(properties.get("owner"), &data),
            "set-output" | "save-state" => return self.set(name, &properties, &data),
            "set-env" | "add-path" => return self.set_unsafely(name, &properties, &data),
            other => self.warning(&format!("Can't find command extension for ##[{other}.command].")),
        }
        Ok(())
    }

    fn add_mask(&mut self, data: &str) {
        if data.trim().is_empty() {
            return self.warning("Can't add secret mask for empty string in ##[add-mask] command.");
        }
        if self.echo {
            self.write("::add-mask::***");
        }
        self.job.masker.add_with_lines(data);
    }

    fn set_echo(&mut self, data: &str) -> Result<(), Refused> {
        self.echo = match upper(data.trim()).as_str() {
            _ if data.is_empty() => return Err(Refused("Value cannot be null. (Parameter 'value')".to_owned())),
            "ON" => true,
            "OFF" => false,
            _ => {
                let why = "Invalid echo command value. Possible values can be: 'on', 'off'. Current value is:";
                return Err(Refused(format!("{why} '{data}'.")));
            }
        };
        self.debug(&format!("Setting echo command value to '{}'", if self.echo { "on" } else { "off" }));
        Ok(())
    }

    fn add_matcher(&mut self, file: &str) {
        if file.is_empty() {
            return self.warning("File path must be specified.");
        }
        let mounts = &self.job.mounts;
        let file = if self.in_container { mounts.to_host(file) } else { file.to_owned() };
        let is_absolute = file.starts_with('/');
        self.done.matchers.push(if is_absolute { file } else { format!("{}/{file}", mounts.workspace()) });
    }

    fn remove_matcher(&mut self, owner: Option<&str>, file: &str) {
        match (owner.is_some_and(|owner| !owner.is_empty()), !file.is_empty()) {
            (true, true) => self.warning(
                "Either specify an owner name or a file path in ##[remove-matcher] command. Both values cannot be set.",
            ),
            (false, false) => {
                self.warning("Either an owner name or a file path must be specified in ##[remove-matcher] command.")
            }
            _ => {}
        }
    }

    fn set(&mut self, name: &str, properties: &Properties, data: &str) -> Result<(), Refused> {
        self.warning(&format!(
            "The `{name}` command is deprecated and will be disabled soon. Please upgrade to using Environment Files."
        ));
        let key = name_of(name, properties)?;
        if name == "set-output" {
            self.set_output(key, data)?;
            self.debug(&format!("{key}='{data}'"));
        } else {
            self.done.state.insert(key.to_owned(), data.to_owned());
            self.debug(&format!("Save intra-action state {key} = {data}"));
        }
        Ok(())
    }

    fn set_unsafely(&mut self, name: &str, properties: &Properties, data: &str) -> Result<(), Refused> {
        if !self.allows(ALLOW_COMMANDS, &["true"]) {
            return Err(Refused(format!(
                "The `{name}` command is disabled. Please upgrade to using Environment Files or opt into unsecure command \
                 execution by setting the `{ALLOW_COMMANDS}` environment variable to `true`."
            )));
        }
        if name == "add-path" {
            if data.is_empty() {
                return Err(Refused("Value cannot be null. (Parameter 'path')".to_owned()));
            }
            self.job.prepend_path(data);
            return Ok(());
        }
        let key = name_of(name, properties)?;
        if key.eq_ignore_ascii_case("NODE_OPTIONS") {
            self.error("Can't update NODE_OPTIONS environment variable using ::set-env:: command.");
        } else {
            self.set_env(key, data);
        }
        Ok(())
    }

    fn allows(&self, variable: &str, words: &[&str]) -> bool {
        self.job
            .environment
            .get(variable)
            .is_some_and(|value| words.contains(&value.trim().to_ascii_lowercase().as_str()))
    }
}

fn name_of<'a>(command: &str, properties: &'a Properties) -> Result<&'a str, Refused> {
    let name = properties.get("name").filter(|name| !name.is_empty());
    name.ok_or_else(|| Refused(format!("Required field 'name' is missing in ##[{command}] command.")))
}
