//! The servers of a bed: started in the order in which they need each other, each awaited by what it is for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rcgen::KeyPair;
use serde_json::json;

use crate::authority::{Authority, write_private};
use crate::tools::Tools;

const LIMIT: Duration = Duration::from_secs(120);

/// A running cluster; its servers end with the namespace they run in.
pub struct Cluster<'a> {
    tools: &'a Tools,
    dir: &'a Path,
    server: String,
    running: Vec<(&'static str, Child)>,
}

/// Starts a cluster in `dir` and waits until pods can run in its namespace `default`.
pub fn start<'a>(tools: &'a Tools, dir: &'a Path) -> Result<Cluster<'a>> {
    fs::create_dir(dir.join("logs"))?;
    let (etcd, port) = (free_port()?, free_port()?);
    let mut cluster = Cluster { tools, dir, server: format!("https://127.0.0.1:{port}"), running: Vec::new() };
    cluster.write_credentials()?;
    cluster.start_etcd(etcd)?;
    cluster.start_apiserver(etcd, port)?;
    cluster.start_controllers()?;
    cluster.start_node()?;
    cluster
        .wait_for("the default service account", |cluster| cluster.answers(&["get", "serviceaccount", "default"]))?;
    Ok(cluster)
}

impl Cluster<'_> {
    /// What a command needs to reach this cluster.
    pub fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.tools.kubectl.clone()).chain(std::env::split_paths(&path));
        Ok(vec![
            ("KUBECONFIG", self.file("kubeconfig").into()),
            // Never the user's: it is kept by address, and another bed may have had the same.
            ("KUBECACHEDIR", self.file("kubectl-cache").into()),
            ("BED_SERVER", self.server.clone().into()),
            ("BED_DIR", self.dir.into()),
            ("BED", std::env::current_exe()?.into()),
            ("PATH", std::env::join_paths(path)?),
        ])
    }

    fn write_credentials(&self) -> Result<()> {
        let authority = Authority::create(self.dir)?;
        authority.server()?.write(self.dir, "apiserver")?;
        let admin = authority.user("bed-admin", Some("system:masters"), false)?;
        admin.write(self.dir, "admin")?;
        write_private(&self.file("kubeconfig"), &authority.kubeconfig(&self.server, "bed-admin", &admin))?;
        let service_accounts = KeyPair::generate()?;
        write_private(&self.file("service-accounts.key"), &service_accounts.serialize_pem())?;
        write_private(&self.file("service-accounts.pub"), &service_accounts.public_key_pem())?;
        write_private(&self.file("server"), &self.server)
    }

    fn start_etcd(&mut self, port: u16) -> Result<()> {
        let mut etcd = self.control_plane("etcd");
        etcd.arg("--data-dir").arg(self.file("etcd")).arg(format!("--listen-client-url=http://127.0.0.1:{port}"));
        self.spawn("etcd", etcd)?;
        self.wait_for("etcd", |_| listens(port))
    }

    fn start_apiserver(&mut self, etcd: u16, port: u16) -> Result<()> {
        let mut apiserver = self.control_plane("kube-apiserver");
        apiserver
            .arg(format!("--etcd-servers=http://127.0.0.1:{etcd}"))
            .arg(format!("--secure-port={port}"))
            .arg(format!("--service-account-issuer={}", self.server))
            .args(["--bind-address=127.0.0.1", "--service-cluster-ip-range=10.0.0.0/24", "--allow-privileged=true"])
            // An address of documentation: without one it looks for a default route, which a machine may lack.
            .arg("--advertise-address=192.0.2.1")
            .arg("--authorization-mode=RBAC")
            // It taints new nodes until a node-lifecycle controller, which does not run here, finds them ready.
            .arg("--disable-admission-plugins=TaintNodesByCondition");
        for (flag, file) in [
            ("--tls-cert-file", "apiserver.crt"),
            ("--tls-private-key-file", "apiserver.key"),
            ("--client-ca-file", "ca.crt"),
            ("--service-account-key-file", "service-accounts.pub"),
            ("--service-account-signing-key-file", "service-accounts.key"),
        ] {
            apiserver.arg(flag).arg(self.file(file));
        }
        self.spawn("kube-apiserver", apiserver)?;
        self.wait_for("the API server's port", |_| listens(port))?;
        self.wait_for("the API server's /readyz", |cluster| cluster.answers(&["get", "--raw", "/readyz"]))
    }

    fn start_controllers(&mut self) -> Result<()> {
        let mut manager = self.with_kubeconfig(self.control_plane("kube-controller-manager"));
        manager
            .arg("--service-account-private-key-file")
            .arg(self.file("service-accounts.key"))
            .arg("--root-ca-file")
            .arg(self.file("ca.crt"))
            .args(["--controllers=*,-nodelifecycle,-nodeipam,-cloud-node-lifecycle", "--secure-port=0"])
            .args(["--use-service-account-credentials=false", "--leader-elect=false"]);
        self.spawn("kube-controller-manager", manager)?;
        let mut scheduler = self.with_kubeconfig(self.control_plane("kube-scheduler"));
        scheduler.args(["--leader-elect=false", "--secure-port=0"]);
        self.spawn("kube-scheduler", scheduler)
    }

    /// One simulated node, on which every pod becomes ready at once and every pod of a Job completes.
    fn start_node(&mut self) -> Result<()> {
        let mut kwok = self.with_kubeconfig(Command::new(self.tools.kwok.join("kwok")));
        kwok.arg("--manage-all-nodes").arg("--config").arg(self.tools.kwok.join("stages.yaml"));
        self.spawn("kwok", kwok)?;
        let node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "bed", "labels": {"kubernetes.io/hostname": "bed"}},
            "status": {"allocatable": {"cpu": "1k", "memory": "1Ti", "pods": "10k"}},
        });
        self.create(&node.to_string())?;
        let ready = ["wait", "--for=condition=Ready", "node/bed", "--timeout=1s"];
        self.wait_for("the node", |cluster| cluster.answers(&ready))
    }

    fn control_plane(&self, part: &str) -> Command {
        Command::new(self.tools.control_plane.join(part))
    }

    fn with_kubeconfig(&self, mut command: Command) -> Command {
        command.arg("--kubeconfig").arg(self.file("kubeconfig"));
        command
    }

    fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut kubectl = Command::new(self.tools.kubectl.join("kubectl"));
        kubectl.args(arguments).env("KUBECONFIG", self.file("kubeconfig"));
        kubectl.env("KUBECACHEDIR", self.file("kubectl-cache")).stdout(Stdio::null());
        kubectl
    }

    fn answers(&self, arguments: &[&str]) -> bool {
        self.kubectl(arguments).stdin(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn create(&self, object: &str) -> Result<()> {
        let mut kubectl = self.kubectl(&["create", "-f", "-"]).stdin(Stdio::piped()).spawn()?;
        kubectl.stdin.take().context("no pipe to kubectl")?.write_all(object.as_bytes())?;
        if !kubectl.wait()?.success() {
            bail!("kubectl did not create the node");
        }
        Ok(())
    }

    fn spawn(&mut self, name: &'static str, mut command: Command) -> Result<()> {
        let log = File::create(self.log(name))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir(self.dir);
        self.running.push((name, command.spawn().with_context(|| format!("cannot run {name}"))?));
        Ok(())
    }

    /// Asks again and again until the answer is yes, a server ends, or the time is up.
    fn wait_for(&mut self, what: &str, is_there: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !is_there(self) {
            for (name, child) in &mut self.running {
                if child.try_wait()?.is_some() {
                    let name = *name;
                    bail!("{name} ended while waiting for {what}:\n{}", self.last_lines(name));
                }
            }
            if Instant::now() > deadline {
                bail!("no answer from {what} in {} s", LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn last_lines(&self, name: &str) -> String {
        let log = fs::read_to_string(self.log(name)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{name}.log"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port below those that the system gives to outgoing connections: nothing takes it before the server does.
fn free_port() -> Result<u16> {
    (0..1000)
        .map(|_| fastrand::u16(20_000..32_000))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no free port")
}
