//! Names that are never placeholders: the runner's own, and those that steer this program or its children.

/// The runner's documented default variables (docs.github.com, "Default environment variables"); other names with the prefix are the user's.
const GITHUB: [&str; 38] = [
    "GITHUB_ACTION",
    "GITHUB_ACTIONS",
    "GITHUB_ACTION_PATH",
    "GITHUB_ACTION_REF",
    "GITHUB_ACTION_REPOSITORY",
    "GITHUB_ACTOR",
    "GITHUB_ACTOR_ID",
    "GITHUB_API_URL",
    "GITHUB_BASE_REF",
    "GITHUB_ENV",
    "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH",
    "GITHUB_GRAPHQL_URL",
    "GITHUB_HEAD_REF",
    "GITHUB_JOB",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_REF",
    "GITHUB_REF_NAME",
    "GITHUB_REF_PROTECTED",
    "GITHUB_REF_TYPE",
    "GITHUB_REPOSITORY",
    "GITHUB_REPOSITORY_ID",
    "GITHUB_REPOSITORY_OWNER",
    "GITHUB_REPOSITORY_OWNER_ID",
    "GITHUB_RETENTION_DAYS",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_NUMBER",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_TOKEN",
    "GITHUB_TRIGGERING_ACTOR",
    "GITHUB_WORKFLOW",
    "GITHUB_WORKFLOW_REF",
    "GITHUB_WORKSPACE",
];
const OTHERS: [&str; 6] = ["GITHUB_WORKFLOW_SHA", "CI", "PATH", "HOME", "KUBECONFIG", "VAULT_TOKEN"];
const PREFIXES: [&str; 6] = ["SECRET_PATCH_", "INPUT_", "STATE_", "ACTIONS_", "RUNNER_", "LD_"];
/// What a login shell or a container sets by itself.
const LOGIN: [&str; 19] = [
    "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "TERM", "LANG", "LANGUAGE", "HOSTNAME", "TMPDIR", "MAIL", "EDITOR",
    "PAGER", "SHLVL", "DISPLAY", "COLUMNS", "LINES", "TZ", "_",
];

/// Whether `name` can never be filled.
pub fn is_reserved(name: &str) -> bool {
    GITHUB.contains(&name) || OTHERS.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether `$name` in a template means the container's own variable, though this process has one of that name too.
pub fn is_login_name(name: &str) -> bool {
    LOGIN.contains(&name) || name.starts_with("LC_") || name.starts_with("XDG_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_documented_names_are_reserved() {
        for name in ["GITHUB_TOKEN", "GITHUB_SHA", "INPUT_X", "RUNNER_TEMP", "LD_PRELOAD", "PATH", "KUBECONFIG"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["GITHUB_CLIENT_SECRET", "GITHUB_APP_KEY", "PATHS", "API_KEY", "HOME_URL"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
