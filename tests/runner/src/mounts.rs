//! Where paths of the machine are inside a container action.

/// The machine's directories of one job and their places in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounts {
    workspace: String,
    temp: String,
}

impl Mounts {
    /// `workspace` is `github.workspace`, `temp` is `runner.temp`, both of the machine.
    pub fn new(workspace: impl Into<String>, temp: impl Into<String>) -> Self {
        Self { workspace: workspace.into(), temp: temp.into() }
    }

    /// `github.workspace` on the machine.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// `runner.temp` on the machine.
    pub fn temp(&self) -> &str {
        &self.temp
    }

    /// `HOME` of the container on the machine.
    pub fn home(&self) -> String {
        format!("{}/_github_home", self.temp)
    }

    /// The directory of `event.json` on the machine.
    pub fn workflow(&self) -> String {
        format!("{}/_github_workflow", self.temp)
    }

    /// The directory of the file commands on the machine.
    pub fn file_commands(&self) -> String {
        format!("{}/_runner_file_commands", self.temp)
    }

    /// What `docker run` mounts, the socket aside. The first that fits translates a path.
    pub fn all(&self) -> [(String, &'static str); 5] {
        [
            (self.workspace.clone(), "/github/workspace"),
            (self.file_commands(), "/github/file_commands"),
            (self.workflow(), "/github/workflow"),
            (self.home(), "/github/home"),
            (self.temp.clone(), "/github/runner_temp"),
        ]
    }

    /// `value` inside the container: translated if all of it is a mounted directory or a path below one. A path in
    /// the midst of a value, a list of paths for one, stays.
    pub fn to_container(&self, value: &str) -> String {
        let find = |(host, inside): &(String, &str)| below(value, host).map(|rest| format!("{inside}{rest}"));
        self.all().iter().find_map(find).unwrap_or_else(|| value.to_owned())
    }

    /// The way back, for paths in commands.
    pub fn to_host(&self, value: &str) -> String {
        let find = |(host, inside): &(String, &str)| below(value, inside).map(|rest| format!("{host}{rest}"));
        self.all().iter().find_map(find).unwrap_or_else(|| value.to_owned())
    }
}

impl Default for Mounts {
    /// Those of a hosted machine.
    fn default() -> Self {
        Self::new("/home/runner/work/app/app", "/home/runner/work/_temp")
    }
}

/// What of `path` follows `directory`: nothing, or a path that starts with `/`.
fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    path.strip_prefix(directory).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_values_are_translated_and_come_back() {
        let mounts = Mounts::default();
        for (host, inside) in [
            ("/home/runner/work/app/app", "/github/workspace"),
            ("/home/runner/work/app/app/k8s/base", "/github/workspace/k8s/base"),
            ("/home/runner/work/_temp/_runner_file_commands/set_output_1", "/github/file_commands/set_output_1"),
            ("/home/runner/work/_temp/_github_workflow/event.json", "/github/workflow/event.json"),
            ("/home/runner/work/_temp/_github_home", "/github/home"),
            ("/home/runner/work/_temp/x", "/github/runner_temp/x"),
        ] {
            assert_eq!(mounts.to_container(host), inside);
            assert_eq!(mounts.to_host(inside), host);
        }
    }

    #[test]
    fn parts_of_values_are_not_translated() {
        let mounts = Mounts::default();
        for value in ["", "/home/runner/work/app/app2", "a:/home/runner/work/app/app", "/home/runner/work/app", "k8s"] {
            assert_eq!(mounts.to_container(value), value);
        }
        assert_eq!(
            mounts.to_container("/home/runner/work/app/app/a:/home/runner/work/app/app/b"),
            "/github/workspace/a:/home/runner/work/app/app/b"
        );
    }
}
