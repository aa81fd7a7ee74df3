//! The Kubernetes cluster of a bed: its servers started in the order in which they need each other.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rcgen::KeyPair;
use serde_json::json;

use crate::authority::{Authority, User, write_private};
use crate::servers::{Environment, Servers, free_port, listens};
use crate::tools::Tools;

/// A running cluster.
pub struct Cluster<'a> {
    tools: &'a Tools,
    dir: &'a Path,
    /// The API server's URL.
    pub server: String,
}

/// Starts the API server of a cluster in `dir`; nothing acts on what is created there until [`Cluster::start_acting`].
pub fn start<'a>(tools: &'a Tools, dir: &'a Path, servers: &mut Servers) -> Result<Cluster<'a>> {
    let (etcd, port) = (free_port()?, free_port()?);
    let cluster = Cluster { tools, dir, server: format!("https://127.0.0.1:{port}") };
    cluster.write_credentials()?;
    cluster.start_etcd(etcd, servers)?;
    cluster.start_apiserver(etcd, port, servers)?;
    Ok(cluster)
}

impl Cluster<'_> {
    /// Starts the controllers, and waits until pods can run in the namespace `default`.
    ///
    /// Kinds that are defined before are collected as garbage from the first moment, those that come later up to a minute later.
    pub fn start_acting(&self, servers: &mut Servers) -> Result<()> {
        self.start_controllers(servers)?;
        self.start_node(servers)?;
        servers.wait_for("the default service account", || self.answers(&["get", "serviceaccount", "default"]))
    }

    /// What a command needs to reach this cluster.
    pub fn describe(&self, environment: &mut Environment) -> Result<()> {
        environment.set("KUBECONFIG", self.file("kubeconfig"));
        // Never the user's: it is kept by address, and another bed may have had the same.
        environment.set("KUBECACHEDIR", self.file("kubectl-cache"));
        environment.set("BED_SERVER", &self.server);
        environment.set("BED_DIR", self.dir);
        environment.set("BED", std::env::current_exe()?);
        environment.add_programs(&self.tools.kubectl);
        Ok(())
    }

    /// Whether kubectl ends well with these arguments.
    pub fn answers(&self, arguments: &[&str]) -> bool {
        self.kubectl(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// What kubectl prints.
    pub fn ask(&self, arguments: &[&str]) -> Result<String> {
        let said = self.kubectl(arguments).stdout(Stdio::piped()).output()?;
        if !said.status.success() {
            bail!("`kubectl {}` failed: {}", arguments.join(" "), String::from_utf8_lossy(&said.stderr));
        }
        Ok(String::from_utf8(said.stdout)?.trim().to_owned())
    }

    /// Creates what the documents of `objects` describe.
    pub fn create(&self, objects: &str) -> Result<()> {
        let mut kubectl = self.kubectl(&["create", "-f", "-"]).stdin(Stdio::piped()).spawn()?;
        kubectl.stdin.take().context("no pipe to kubectl")?.write_all(objects.as_bytes())?;
        if !kubectl.wait()?.success() {
            bail!("kubectl did not create what the bed needs");
        }
        Ok(())
    }

    fn write_credentials(&self) -> Result<()> {
        let authority = Authority::create(self.dir)?;
        authority.server("kube-apiserver")?.write(self.dir, "apiserver")?;
        let admin = authority.user("bed-admin", Some("system:masters"), false)?;
        admin.write(self.dir, "admin")?;
        let kubeconfig = authority.kubeconfig(&self.server, "bed-admin", &User::Certificate(&admin));
        write_private(&self.file("kubeconfig"), &kubeconfig)?;
        let token: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
        write_private(&self.file("admin.token"), &token)?;
        write_private(&self.file("tokens.csv"), &format!("{token},bed-admin,bed-admin,system:masters\n"))?;
        let service_accounts = KeyPair::generate()?;
        write_private(&self.file("service-accounts.key"), &service_accounts.serialize_pem())?;
        write_private(&self.file("service-accounts.pub"), &service_accounts.public_key_pem())?;
        write_private(&self.file("server"), &self.server)
    }

    fn start_etcd(&self, port: u16, servers: &mut Servers) -> Result<()> {
        let mut etcd = self.control_plane("etcd");
        etcd.arg("--data-dir").arg(self.file("etcd")).arg(format!("--listen-client-url=http://127.0.0.1:{port}"));
        servers.spawn("etcd", etcd)?;
        servers.wait_for("etcd", || listens(port))
    }

    fn start_apiserver(&self, etcd: u16, port: u16, servers: &mut Servers) -> Result<()> {
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
            ("--token-auth-file", "tokens.csv"),
            ("--service-account-key-file", "service-accounts.pub"),
            ("--service-account-signing-key-file", "service-accounts.key"),
        ] {
            apiserver.arg(flag).arg(self.file(file));
        }
        servers.spawn("kube-apiserver", apiserver)?;
        servers.wait_for("the API server's port", || listens(port))?;
        servers.wait_for("the API server's /readyz", || self.answers(&["get", "--raw", "/readyz"]))
    }

    fn start_controllers(&self, servers: &mut Servers) -> Result<()> {
        let mut manager = self.with_kubeconfig(self.control_plane("kube-controller-manager"));
        manager
            .arg("--service-account-private-key-file")
            .arg(self.file("service-accounts.key"))
            .arg("--root-ca-file")
            .arg(self.file("ca.crt"))
            .args(["--controllers=*,-nodelifecycle,-nodeipam,-cloud-node-lifecycle", "--secure-port=0"])
            .args(["--use-service-account-credentials=false", "--leader-elect=false"]);
        servers.spawn("kube-controller-manager", manager)?;
        let mut scheduler = self.with_kubeconfig(self.control_plane("kube-scheduler"));
        scheduler.args(["--leader-elect=false", "--secure-port=0"]);
        servers.spawn("kube-scheduler", scheduler)
    }

    /// One simulated node, on which every pod becomes ready at once and every pod of a Job completes.
    fn start_node(&self, servers: &mut Servers) -> Result<()> {
        let mut kwok = self.with_kubeconfig(Command::new(self.tools.kwok.join("kwok")));
        kwok.arg("--manage-all-nodes").arg("--config").arg(self.tools.kwok.join("stages.yaml"));
        servers.spawn("kwok", kwok)?;
        let node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "bed", "labels": {"kubernetes.io/hostname": "bed"}},
            "status": {"allocatable": {"cpu": "1k", "memory": "1Ti", "pods": "10k"}},
        });
        self.create(&node.to_string())?;
        let ready = ["wait", "--for=condition=Ready", "node/bed", "--timeout=1s"];
        servers.wait_for("the node", || self.answers(&ready))
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
        kubectl.args(arguments).env("KUBECONFIG", self.file("kubeconfig")).stdin(Stdio::null());
        kubectl.env("KUBECACHEDIR", self.file("kubectl-cache")).stdout(Stdio::null());
        kubectl
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// The token of an administrator of the cluster of a bed, for clients whose certificate would not get through a proxy.
pub fn admin_token(dir: &Path) -> Result<String> {
    fs::read_to_string(dir.join("admin.token")).context("no `admin.token` in the bed")
}
