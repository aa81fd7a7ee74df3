//! Where template, patch and overlay of an environment lie, found with no configuration; every path can be given
//! instead.

use std::path::{Path, PathBuf};

use super::read::{names_in as names, shown};
use crate::error::{Problem, text};

/// Directories that may be the root, in the order in which they are looked for.
const ROOTS: [&str; 4] = ["docker/k8", "k8s", "deploy", "."];
const TEMPLATE: &str = "-config-secret.example.yml";
/// How the patch's name ends in the layout, behind the environment.
pub const PATCH_SUFFIX: &str = "-secret-config-patch.yml";

/// Paths that the user names; they win over the layout's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The root directory.
    pub root: Option<PathBuf>,
    /// Template files, directories of them, or `-`; empty: by the layout.
    pub templates: Vec<PathBuf>,
    /// Where the patch goes.
    pub output: Option<PathBuf>,
    /// The overlay, or that there is none.
    pub overlay: Option<Overlay>,
}

impl Overrides {
    /// The same with every path led elsewhere.
    #[must_use]
    pub fn each(self, elsewhere: impl Fn(&Path) -> PathBuf) -> Self {
        Self {
            root: self.root.as_deref().map(&elsewhere),
            templates: self.templates.iter().map(|path| elsewhere(path)).collect(),
            output: self.output.as_deref().map(&elsewhere),
            overlay: self.overlay.map(|overlay| match overlay {
                Overlay::Directory(path) => Overlay::Directory(elsewhere(&path)),
                Overlay::None => Overlay::None,
            }),
        }
    }
}

/// What kustomize builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// This directory.
    Directory(PathBuf),
    /// Nothing: the filled template is the build.
    None,
}

/// The paths of one environment, relative where the start was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The directory that holds `config/` and `apps/`; `None` where every path is given and there is no such directory.
    pub root: Option<PathBuf>,
    /// At least one: files, directories, or `-`.
    pub templates: Vec<PathBuf>,
    /// The overlay, which exists if it is a directory.
    pub overlay: Overlay,
    /// Where the patch goes; `None` where there is neither a root nor an override.
    pub output: Option<PathBuf>,
    /// What was assumed.
    pub notices: Vec<Problem>,
}

impl Layout {
    /// The paths of `environment`, found from the directory `start` on (usually `.`).
    ///
    /// # Errors
    /// A name that is not one for an environment; no root; an environment that nothing is there for; no template; an
    /// overlay that is no directory.
    pub fn find(start: &Path, environment: &str, given: &Overrides) -> Result<Self, Vec<Problem>> {
        check_name(environment).map_err(|problem| vec![problem])?;
        let needed = given.templates.is_empty() || given.overlay.is_none();
        let root = match find_root(start, given.root.as_deref()) {
            Ok(root) => Some(root),
            Err(problem) if needed || given.root.is_some() => return Err(vec![problem]),
            Err(_) => None,
        };
        let mut notices = Vec::new();
        let mut problems = Vec::new();
        if let Some(root) = root.as_deref().filter(|_| needed) {
            problems.extend(unknown(root, environment, given));
        }
        let config = plain(&root.as_deref().unwrap_or(start).join("config"));
        let mut templates = given.templates.clone();
        if templates.is_empty() && problems.is_empty() {
            match template(&config, environment) {
                Ok((file, notice)) => {
                    templates.push(file);
                    notices.extend(notice);
                }
                Err(problem) => problems.push(problem),
            }
        }
        let overlays = plain(&root.as_deref().unwrap_or(start).join("apps/overlays"));
        let overlay = given.overlay.clone().unwrap_or_else(|| Overlay::Directory(overlays.join(environment)));
        if problems.is_empty() {
            problems.extend(missing_overlay(&overlay));
        }
        let by_layout = root.is_some().then(|| config.join(format!("{environment}{PATCH_SUFFIX}")));
        let output = given.output.clone().or(by_layout);
        if problems.is_empty() { Ok(Self { root, templates, overlay, output, notices }) } else { Err(problems) }
    }
}

impl Layout {
    /// Where the patch of `environment` goes if no path is given; `None` where there is no root any more.
    ///
    /// # Errors
    /// A name that is not one for an environment.
    pub fn patch(start: &Path, environment: &str, root: Option<&Path>) -> Result<Option<PathBuf>, Problem> {
        check_name(environment)?;
        let root = find_root(start, root).ok();
        Ok(root.map(|root| plain(&root.join("config")).join(format!("{environment}{PATCH_SUFFIX}"))))
    }
}

/// The root: `given`, or the first of `docker/k8`, `k8s`, `deploy` and `.` beneath `start` that holds `config/` and
/// `apps/`.
///
/// # Errors
/// There is none, or the given one is no directory.
pub fn find_root(start: &Path, given: Option<&Path>) -> Result<PathBuf, Problem> {
    if let Some(root) = given {
        let text = || format!("the root `{}` is not a directory", shown(root));
        let problem = || Problem::error("no-root", text()).help("name the directory that holds `config/` and `apps/`");
        return if root.is_dir() { Ok(root.to_owned()) } else { Err(problem()) };
    }
    let holds_both = |root: &PathBuf| root.join("config").is_dir() && root.join("apps").is_dir();
    let beneath = |root: &str| if root == "." { start.to_owned() } else { plain(&start.join(root)) };
    ROOTS.iter().map(|root| beneath(root)).find(holds_both).ok_or_else(|| {
        let start = start.display();
        let text = text!("none of `docker/k8`, `k8s`, `deploy` and `.` holds `config/` and `apps/` in `{start}`");
        Problem::error("no-root", text).help(
            "name it with `--root`, or name `--template` and, to apply, `--overlay` (`none` without kustomize)\n\
             in a workflow: `actions/checkout` must come before this step",
        )
    })
}

/// The environments that `root` has a template or an overlay for, by name.
pub fn environments(root: &Path) -> Vec<String> {
    let templates =
        names(&root.join("config")).into_iter().filter_map(|name| name.strip_suffix(TEMPLATE).map(str::to_owned));
    let overlays = root.join("apps/overlays");
    let overlays = names(&overlays).into_iter().filter(|name| overlays.join(name).is_dir());
    let mut all: Vec<String> = templates.chain(overlays).filter(|name| check_name(name).is_ok()).collect();
    all.sort();
    all.dedup();
    all
}

/// An environment's name becomes part of file names.
fn check_name(environment: &str) -> Result<(), Problem> {
    let wrong = if environment.trim().is_empty() {
        "is empty"
    } else if environment.contains(['/', '\\']) {
        "holds a slash"
    } else if environment.contains("..") || environment == "." {
        "is made of dots or holds two in a row"
    } else if environment.chars().any(char::is_control) {
        "holds a control character"
    } else if environment.starts_with(['.', '-']) {
        "begins with a dot or dash"
    } else if !environment.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        "holds something else than letters, digits, `.`, `_` and `-`"
    } else if environment.len() > 150 {
        "is longer than 150 bytes"
    } else {
        return Ok(());
    };
    let name: String = environment.chars().take(50).flat_map(char::escape_debug).collect();
    let text = text!("`{name}` is no name for an environment: it {wrong}");
    Err(Problem::error("environment-name", text)
        .help("it is part of file names, such as `staging` in `staging-config-secret.example.yml`"))
}

/// Whether nothing at all is there for the environment, where the layout is asked.
fn unknown(root: &Path, environment: &str, given: &Overrides) -> Option<Problem> {
    let has_template = root.join("config").join(format!("{environment}{TEMPLATE}")).exists();
    if has_template || root.join("apps/overlays").join(environment).is_dir() {
        return None;
    }
    let known = environments(root);
    let serves_any = match given.overlay {
        // With the overlay given, the one template may serve any name.
        Some(Overlay::Directory(_)) => true,
        // Without kustomize there is no other list of environments than the templates, of which one may serve all.
        Some(Overlay::None) => {
            let template = |name: &String| name.ends_with(TEMPLATE);
            names(&root.join("apps/overlays")).is_empty() && names(&root.join("config")).iter().any(template)
        }
        None => false,
    };
    if serves_any {
        return None;
    }
    let near = known.iter().map(|name| (strsim::jaro_winkler(name, environment), name)).filter(|(near, _)| *near > 0.7);
    let nearest = near.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| format!("did you mean `{name}`? "));
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let list = if list.is_empty() { "there is none yet".to_owned() } else { format!("there are: {}", list.join(", ")) };
    let text = text!("there is no environment `{environment}` in `{}`", shown(root));
    let help = text!("{}{list}", nearest.unwrap_or_default());
    Some(Problem::error("unknown-environment", text).help(help))
}

/// The environment's template, or the only one there is, with a notice.
fn template(config: &Path, environment: &str) -> Result<(PathBuf, Option<Problem>), Problem> {
    let own = config.join(format!("{environment}{TEMPLATE}"));
    if own.exists() {
        return Ok((own, None));
    }
    let all: Vec<String> = names(config).into_iter().filter(|name| name.ends_with(TEMPLATE)).collect();
    if let [only] = &all[..] {
        let other = config.join(only);
        let text = text!(
            "`{}` does not exist: `{}`, the only template, serves for `{environment}`",
            shown(&own),
            shown(&other)
        );
        return Ok((other, Some(Problem::notice("only-template", text))));
    }
    let problem = Problem::error("no-template", text!("the template `{}` does not exist", shown(&own)));
    Err(if all.is_empty() {
        problem.help("make it, or name the template with `--template`")
    } else {
        let list: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
        problem.help(text!("make it, or name one with `--template`; there are: {}", list.join(", ")))
    })
}

fn missing_overlay(overlay: &Overlay) -> Option<Problem> {
    let Overlay::Directory(directory) = overlay else { return None };
    let text = if directory.is_dir() {
        return None;
    } else if directory.exists() {
        format!("the overlay `{}` is not a directory", shown(directory))
    } else {
        format!("the overlay `{}` does not exist", shown(directory))
    };
    Some(
        Problem::error("no-overlay", text)
            .help("make it, name another with `--overlay`, or `--overlay none` without kustomize"),
    )
}

/// Without a `./` in front.
fn plain(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let keep = tempfile::tempdir().unwrap();
        for file in files {
            let path = keep.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        keep
    }

    fn usual() -> tempfile::TempDir {
        tree(&[
            "docker/k8/config/staging-config-secret.example.yml",
            "docker/k8/apps/overlays/staging/kustomization.yml",
            "docker/k8/apps/overlays/prod/kustomization.yml",
        ])
    }

    fn problem(tree: &tempfile::TempDir, environment: &str, given: &Overrides) -> Problem {
        Layout::find(tree.path(), environment, given).unwrap_err().remove(0)
    }

    #[test]
    fn an_environments_paths_are_found_with_no_configuration() {
        let tree = usual();
        let layout = Layout::find(tree.path(), "staging", &Overrides::default()).unwrap();
        let root = tree.path().join("docker/k8");
        assert_eq!(layout.root.as_ref(), Some(&root));
        assert_eq!(layout.templates, [root.join("config/staging-config-secret.example.yml")]);
        assert_eq!(layout.output, Some(root.join("config/staging-secret-config-patch.yml")));
        assert_eq!(layout.overlay, Overlay::Directory(root.join("apps/overlays/staging")));
        assert_eq!(layout.notices, []);
    }

    #[test]
    fn the_first_root_that_holds_both_directories_wins() {
        let tree = tree(&["docker/k8/config/a", "deploy/config/a", "deploy/apps/a", "config/a", "apps/a"]);
        assert_eq!(find_root(tree.path(), None).unwrap(), tree.path().join("deploy"));
        assert_eq!(find_root(tree.path(), Some(&tree.path().join("docker"))).unwrap(), tree.path().join("docker"));
        assert_eq!(find_root(&tree.path().join("docker"), None).unwrap_err().kind, "no-root");
    }

    #[test]
    fn the_only_template_serves_every_environment_with_a_notice() {
        let tree = usual();
        let layout = Layout::find(tree.path(), "prod", &Overrides::default()).unwrap();
        assert!(layout.templates[0].ends_with("staging-config-secret.example.yml"));
        assert!(layout.output.unwrap().ends_with("prod-secret-config-patch.yml"));
        assert_eq!(layout.notices[0].kind, "only-template");
        fs::write(tree.path().join("docker/k8/config/dev-config-secret.example.yml"), "").unwrap();
        let problem = problem(&tree, "prod", &Overrides::default());
        assert_eq!(problem.kind, "no-template");
        assert!(
            problem.help.unwrap().ends_with("`dev-config-secret.example.yml`, `staging-config-secret.example.yml`")
        );
    }

    #[test]
    fn an_unknown_environment_lists_those_that_exist() {
        let tree = usual();
        let problem = problem(&tree, "stagin", &Overrides::default());
        assert_eq!(problem.kind, "unknown-environment");
        assert_eq!(problem.help.unwrap(), "did you mean `staging`? there are: `prod`, `staging`");
        assert_eq!(environments(&tree.path().join("docker/k8")), ["prod", "staging"]);
    }

    #[test]
    fn without_an_overlay_the_environments_are_the_same() {
        let given = Overrides { overlay: Some(Overlay::None), ..Overrides::default() };
        let tree = usual();
        assert_eq!(problem(&tree, "stagin", &given).kind, "unknown-environment");
        assert_eq!(Layout::find(tree.path(), "staging", &given).unwrap().overlay, Overlay::None);
        let one = self::tree(&["config/all-config-secret.example.yml", "apps/base/a.yml"]);
        assert_eq!(Layout::find(one.path(), "staging", &given).unwrap().notices[0].kind, "only-template");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let tree = usual();
        for name in [
            "",
            " ",
            "../prod",
            "a/b",
            "a\\b",
            "..",
            ".",
            ".git",
            "a\nb",
            "a\u{7f}",
            "de mo",
            "-o",
            "a:b",
            &"x".repeat(151),
        ] {
            assert_eq!(problem(&tree, name, &Overrides::default()).kind, "environment-name", "{name:?}");
        }
    }

    #[test]
    fn every_path_can_be_given_instead() {
        let tree = tree(&["k8s.yml"]);
        let given = Overrides {
            templates: vec!["k8s.yml".into()],
            overlay: Some(Overlay::None),
            output: Some("out.yml".into()),
            ..Overrides::default()
        };
        let layout = Layout::find(tree.path(), "anything", &given).unwrap();
        assert_eq!((layout.root, layout.output, layout.overlay), (None, Some("out.yml".into()), Overlay::None));
        let given = Overrides { overlay: Some(Overlay::Directory(tree.path().join("none"))), ..given };
        assert_eq!(problem(&tree, "anything", &given).kind, "no-overlay");
        let given = Overrides { root: Some("nowhere".into()), ..given };
        assert_eq!(problem(&tree, "anything", &given).kind, "no-root");
    }

    #[test]
    fn a_template_without_an_overlay_says_so() {
        let tree = tree(&["config/dev-config-secret.example.yml", "apps/base/a.yml"]);
        assert_eq!(problem(&tree, "dev", &Overrides::default()).kind, "no-overlay");
    }
}
