//! The one table of inputs: the action's `INPUT_*`, the command line's flags, `action.yml` and the README follow it.

use super::{eso, vault};

/// One input by its name, which is the same in `with:` and as a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// Such as `kube-token`; the flag is `--kube-token`.
    pub name: &'static str,
    /// One sentence without a full stop.
    pub about: &'static str,
    /// What an empty input means, where that is a fixed text.
    pub default: Option<&'static str>,
    /// What a value looks like, such as `PATH`; empty for a boolean.
    pub shape: &'static str,
    /// Whether it holds a credential or values that must not be shown.
    pub sensitive: bool,
    /// Whether the command line reads it from [`Input::variable`] too: arguments are visible to every process.
    pub has_variable: bool,
}

impl Input {
    pub(super) const fn new(name: &'static str, shape: &'static str, about: &'static str) -> Self {
        Self { name, about, default: None, shape, sensitive: false, has_variable: false }
    }

    pub(super) const fn boolean(name: &'static str, about: &'static str) -> Self {
        Self::new(name, "", about).or("false")
    }

    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.sensitive = true;
        self.variable_too()
    }

    const fn variable_too(mut self) -> Self {
        self.has_variable = true;
        self
    }

    /// The variable that the command line reads it from, such as `SECRET_PATCH_KUBE_TOKEN`.
    pub fn variable(&self) -> String {
        format!("SECRET_PATCH_{}", self.name.to_uppercase().replace('-', "_"))
    }
}

/// What to do.
pub const COMMAND: Input = Input::new(
    "command",
    "COMMAND",
    "What to do: `render`, `check`, `diff`, `apply`, `eso inventory`, `eso plan`, `eso run` or `eso verify`",
);
/// Which environment.
pub const ENVIRONMENT: Input =
    Input::new("environment", "ENV", "Environment, such as `staging`; `check` without it takes all, `eso` needs none");
/// Where the layout starts.
pub const ROOT: Input = Input::new(
    "root",
    "PATH",
    "Directory that holds `config/` and `apps/`; else the first of `docker/k8`, `k8s`, `deploy` and `.` that does",
);
/// What is filled.
pub const TEMPLATE: Input = Input::new(
    "template",
    "PATH…",
    "Templates: files, directories or `-`, a path with spaces in quotes; else `config/<env>-config-secret.example.yml`",
);
/// Where the patch goes.
pub const OUTPUT: Input = Input::new(
    "output",
    "PATH",
    "Where the filled template goes, `-` is stdout; else `config/<env>-secret-config-patch.yml`. For `eso plan` the plan file, else `eso-plan.yaml`; for `eso run` the directory of the manifests, else `external-secrets`",
);
/// What merges the patch.
pub const OVERLAY: Input = Input::new(
    "overlay",
    "PATH|none",
    "Kustomize directory that merges the patch, or `none` to apply the filled template as it is; else `apps/overlays/<env>`",
);
/// Which kinds.
pub const KINDS: Input = Input::new(
    "kinds",
    "KIND…",
    "Apply only objects of these kinds, such as `Secret,ConfigMap`, when something else deploys the rest",
);
/// Values by JSON, sensitive.
pub const SECRETS: Input =
    Input::new("secrets", "JSON", "Values as a JSON object: `${{ toJSON(secrets) }}` in a reusable workflow").secret();
/// Values by JSON, not sensitive.
pub const VARS: Input =
    Input::new("vars", "JSON", "Values that are not sensitive, as a JSON object: `${{ toJSON(vars) }}`").variable_too();
/// Values by file.
pub const ENV_FILE: Input = Input::new(
    "env-file",
    "PATH",
    "Values as a dotenv file, `-` is stdin; else `.env.k8s.<env>` in the current directory if git ignores it, never in Actions",
);
/// What may be shown.
pub const NONSENSITIVE: Input = Input::new("nonsensitive", "NAME…", "Names of values that may be shown");
/// What stays.
pub const KEEP_PLACEHOLDERS: Input = Input::new(
    "keep-placeholders",
    "NAME…",
    "Names and globs of placeholders to leave as they are, because a program fills them later",
);
/// What may be empty.
pub const ALLOW_EMPTY: Input = Input::new("allow-empty", "NAME…", "Names of values that may be empty");
/// What may fall back.
pub const ALLOW_DEFAULT: Input =
    Input::new("allow-default", "NAME…", "Names whose default (`${NAME:-default}`) may fill a key of a Secret");
/// Which source wins.
pub const PREFER: Input = Input::new(
    "prefer",
    "SOURCE…",
    "Which source wins where two differ, the first before the next: `environment`, `secrets`, `vars`, `env-file`, `vault`",
);
/// Credentials of the cluster.
pub const KUBECONFIG: Input = Input::new(
    "kubeconfig",
    "PATH",
    "Kubeconfig: a path, the content, or base64 of the content; else `KUBECONFIG`, on the command line then `~/.kube/config`",
)
.secret();
/// Which context.
pub const CONTEXT: Input =
    Input::new("context", "NAME", "Context of the kubeconfig, else its current one; if named, `apply` does not ask");
/// The user's token.
pub const KUBE_TOKEN: Input = Input::new(
    "kube-token",
    "TOKEN",
    "Token to use in place of the kubeconfig user's own credentials, such as those of an exec plugin",
)
.secret();
/// Whether plugins run.
pub const ALLOW_EXEC: Input = Input::boolean("allow-exec", "Let the kubeconfig's exec plugin or `oidc` provider run");
/// Whether the build may fetch.
pub const ALLOW_REMOTE: Input = Input::boolean("allow-remote", "Let the kustomization name remote resources");
/// Whose trees count as ours.
pub const TRUSTED_REPOSITORIES: Input = Input::new(
    "trusted-repositories",
    "OWNER/NAME…",
    "Other repositories whose branches and tags may be deployed from",
);
/// Which objects are taken from others, field by field.
pub const FORCE_CONFLICTS: Input = Input::new(
    "force-conflicts",
    "KIND/NAME…",
    "Objects whose fields are taken over from other field managers, such as `Secret/app`",
);
/// Whether objects of another set become ours.
pub const TAKE_OVER: Input =
    Input::boolean("take-over", "Take over objects that another repository, root or environment has applied");
/// Whether what left the build goes.
pub const PRUNE: Input = Input::boolean(
    "prune",
    "Delete Secrets and ConfigMaps of this repository, root and environment that left the build and that no workload uses",
);
/// What happens to workloads.
pub const ROLLOUT: Input = Input::new(
    "rollout",
    "restart|wait|none",
    "`restart` what uses a changed Secret or ConfigMap and wait for it, only `wait` for changed workloads, or `none`",
)
.or("restart");
/// What happens to the values if workloads fail.
pub const ON_FAILED_ROLLOUT: Input = Input::new(
    "on-failed-rollout",
    "WHAT",
    "`keep` the new values when a workload does not become ready, or `restore` the previous ones and restart what uses them",
)
.or("keep");
/// How long workloads are awaited.
pub const TIMEOUT: Input = Input::new(
    "timeout",
    "DURATION",
    "How long to wait for workloads, or for the ExternalSecrets of `eso run`, such as `90s`, `5m`, `1h`",
)
.or("5m");
/// Whether the pull request gets a comment.
pub const COMMENT: Input = Input::new(
    "comment",
    "auto|always|never",
    "Comment on the pull request: `auto` on what a dry run would change, `always` also on what was applied or unchanged, or `never`",
)
.or("auto");
/// Which comment.
pub const COMMENT_KEY: Input = Input::new(
    "comment-key",
    "TEXT",
    "What tells this comment from others of the pull request; else repository, root, environment and context",
);
/// Who comments.
pub const GITHUB_TOKEN: Input =
    Input::new("github-token", "TOKEN", "Token for the comment; it needs the permission `pull-requests: write`")
        .or("${{ github.token }}")
        .secret();
/// Whom to trust.
pub const CA_BUNDLE: Input = Input::new(
    "ca-bundle",
    "PATH",
    "Certificates of authorities to trust besides the system's, for Vault and GitHub Enterprise Server: PEM or a path",
);
/// What is compared with instead of a cluster.
pub const BASE: Input = Input::new(
    "base",
    "PATH",
    "A second checkout, of the base commit, which `diff` compares with instead of a cluster: without kubeconfig and values",
);
/// Whether the patch outlives the job.
pub const KEEP_PATCH: Input =
    Input::boolean("keep-patch", "Leave the patch that `render` wrote when the job ends, instead of removing it");
/// Whether nothing is written.
pub const DRY_RUN: Input = Input::boolean("dry-run", "Do everything up to the first write to the cluster or to Vault");
/// How the report is printed.
pub const FORMAT: Input =
    Input::new("format", "text|markdown|json", "How the report is printed: `text`, `markdown` or `json`").or("text");

/// Every input, in the order in which they are documented.
pub const ALL: [Input; 61] = [
    COMMAND,
    ENVIRONMENT,
    ROOT,
    TEMPLATE,
    OUTPUT,
    OVERLAY,
    KINDS,
    SECRETS,
    VARS,
    ENV_FILE,
    NONSENSITIVE,
    KEEP_PLACEHOLDERS,
    ALLOW_EMPTY,
    ALLOW_DEFAULT,
    PREFER,
    TRUSTED_REPOSITORIES,
    vault::SECRETS,
    vault::URL,
    vault::METHOD,
    vault::MOUNT,
    vault::ROLE,
    vault::AUDIENCE,
    vault::TOKEN,
    vault::ROLE_ID,
    vault::SECRET_ID,
    vault::USERNAME,
    vault::PASSWORD,
    vault::JWT,
    vault::CLIENT_CERTIFICATE,
    vault::CLIENT_KEY,
    vault::NAMESPACE,
    vault::CONCURRENCY,
    vault::INSECURE,
    eso::NAMESPACES,
    eso::PREFIX,
    eso::STORE,
    eso::REFRESH,
    eso::PLAN,
    eso::OVERWRITE,
    eso::WRITE_ONLY,
    eso::MAX_AGE,
    eso::NOT_READY_FOR,
    KUBECONFIG,
    CONTEXT,
    KUBE_TOKEN,
    ALLOW_EXEC,
    ALLOW_REMOTE,
    FORCE_CONFLICTS,
    TAKE_OVER,
    PRUNE,
    ROLLOUT,
    ON_FAILED_ROLLOUT,
    TIMEOUT,
    BASE,
    COMMENT,
    COMMENT_KEY,
    GITHUB_TOKEN,
    CA_BUNDLE,
    KEEP_PATCH,
    DRY_RUN,
    FORMAT,
];

/// The input with exactly this name.
pub fn find(name: &str) -> Option<Input> {
    ALL.into_iter().find(|input| input.name == name)
}

/// The one of `names` that was probably meant by `typed`.
pub(super) fn closest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let similar = names.into_iter().map(|name| (strsim::jaro_winkler(&typed, &name.to_lowercase()), name));
    similar.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_typable() {
        for (index, input) in ALL.iter().enumerate() {
            assert!(input.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", input.name);
            assert!(ALL[..index].iter().all(|other| other.name != input.name), "{}", input.name);
            assert!(!input.about.ends_with('.') && !input.about.contains('\n'), "{}", input.about);
        }
    }

    #[test]
    fn a_slip_finds_its_name_and_nonsense_none() {
        let names = || ALL.map(|input| input.name);
        assert_eq!(closest("kubetoken", names()), Some("kube-token"));
        assert_eq!(closest("kube-config", names()), Some("kubeconfig"));
        assert_eq!(closest("enviroment", names()), Some("environment"));
        assert_eq!(closest("xyzzy", names()), None);
    }

    #[test]
    fn a_variable_is_the_name_in_capitals() {
        assert_eq!(KUBE_TOKEN.variable(), "SECRET_PATCH_KUBE_TOKEN");
    }
}
