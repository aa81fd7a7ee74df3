//! The OpenBao server of a bed: one server in memory with a plain and a TLS listener, set up the same in the root
//! namespace and in the namespace `team`, with two roles, `reader` and `writer`, that each auth method knows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;

use crate::authority::{Authority, write_private};
use crate::cluster::Cluster;
use crate::jwt;
use crate::servers::{Environment, Servers, free_port};

const ROLES: [(&str, &str); 2] = [
    (
        "reader",
        r#"path "secret/data/*" { capabilities = ["read"] }
           path "secret/metadata/*" { capabilities = ["read", "list"] }
           path "kv1/*" { capabilities = ["read", "list"] }"#,
    ),
    (
        "writer",
        r#"path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }
           path "kv1/*" { capabilities = ["create", "read", "update", "delete", "list"] }"#,
    ),
];
const NAMESPACE: &str = "team";

/// A running server.
pub struct Vault {
    dir: PathBuf,
    programs: PathBuf,
    plain: u16,
    tls: u16,
    root: String,
}

/// Starts the server of `programs` in the bed `dir`, whose authority signs for it, and waits until it answers.
pub fn start(programs: &Path, bed: &Path, servers: &mut Servers) -> Result<Vault> {
    let dir = bed.join("vault");
    fs::create_dir(&dir)?;
    let root = format!("bed-{}", std::iter::repeat_with(fastrand::alphanumeric).take(24).collect::<String>());
    let vault = Vault { dir, programs: programs.to_owned(), plain: free_port()?, tls: free_port()?, root };
    let authority = Authority::load(bed)?;
    authority.server("openbao")?.write(&vault.dir, "server")?;
    write_private(&vault.dir.join("ca.crt"), authority.certificate())?;
    write_private(&vault.dir.join("config.json"), &vault.config().to_string())?;
    let mut server = Command::new(vault.programs.join("bao"));
    server
        .args(["server", "-dev", "-dev-no-store-token"])
        .arg(format!("-config={}", vault.dir.join("config.json").display()))
        .arg(format!("-dev-root-token-id={}", vault.root))
        .arg(format!("-dev-listen-address=127.0.0.1:{}", vault.plain));
    servers.spawn("openbao", server)?;
    let agent = vault.agent();
    let health = format!("{}/v1/sys/health", vault.address());
    servers.wait_for("OpenBao", || agent.get(&health).call().is_ok_and(|answer| answer.status() == 200))?;
    Ok(vault)
}

impl Vault {
    /// What a command needs to reach this server.
    pub fn describe(&self, environment: &mut Environment) {
        environment.set("VAULT_ADDR", self.address());
        environment.set("VAULT_TOKEN", &self.root);
        environment.set("BED_VAULT_TLS_ADDR", format!("https://127.0.0.1:{}", self.tls));
        environment.add_programs(&self.programs);
    }

    /// Mounts, policies and auth methods of both namespaces; what a client logs in with is written to `vault/` and
    /// `vault/team/`, as `<method>/<role>…`.
    pub fn set_up(&self, bed: &Path, cluster: &Cluster<'_>) -> Result<()> {
        let key = jwt::create_key(&self.dir)?;
        let reviewer = create_service_accounts(cluster)?;
        let setup = |namespace, dir| Setup { vault: self, agent: self.agent(), namespace, dir };
        let (root, team) = (setup("", self.dir.clone()), setup(NAMESPACE, self.dir.join(NAMESPACE)));
        fs::create_dir(&team.dir)?;
        root.write(&format!("sys/namespaces/{NAMESPACE}"), json!({}))?;
        // In the root namespace dev mode has made it.
        team.write("sys/mounts/secret", json!({"type": "kv", "options": {"version": "2"}}))?;
        for setup in [root, team] {
            setup.mounts_and_policies()?;
            setup.tokens()?;
            setup.approle()?;
            setup.userpass()?;
            setup.jwt(&key)?;
            setup.kubernetes(cluster, &reviewer)?;
            setup.certificates(&Authority::load(bed)?)?;
        }
        write_private(&self.dir.join("token/root"), &self.root)
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.plain)
    }

    /// The listener beside the one of dev mode.
    fn config(&self) -> Value {
        json!({"listener": [{"tcp": {
            "address": format!("127.0.0.1:{}", self.tls),
            "tls_cert_file": self.dir.join("server.crt"),
            "tls_key_file": self.dir.join("server.key"),
        }}]})
    }

    fn agent(&self) -> Agent {
        let config = Agent::config_builder().http_status_as_error(false).proxy(None);
        config.timeout_global(Some(Duration::from_secs(20))).build().new_agent()
    }
}

/// Service accounts `vault-reader` and `vault-writer`, and the token of one that may ask whose token another is.
fn create_service_accounts(cluster: &Cluster<'_>) -> Result<String> {
    let account = |name: &str| {
        let name = format!("vault-{name}");
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}})
    };
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "vault-reviewer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
        "subjects": [{"kind": "ServiceAccount", "name": "vault-reviewer", "namespace": "default"}],
    });
    let items = json!([account("reader"), account("writer"), account("reviewer"), binding]);
    cluster.create(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())?;
    cluster.ask(&["create", "token", "vault-reviewer", "--duration=24h"])
}

/// One namespace on the way to what the module promises.
struct Setup<'a> {
    vault: &'a Vault,
    agent: Agent,
    namespace: &'static str,
    dir: PathBuf,
}

impl Setup<'_> {
    fn mounts_and_policies(&self) -> Result<()> {
        self.write("sys/mounts/kv1", json!({"type": "kv", "options": {"version": "1"}}))?;
        for (role, policy) in ROLES {
            self.write(&format!("sys/policies/acl/{role}"), json!({"policy": policy}))?;
        }
        for method in ["approle", "userpass", "jwt", "kubernetes", "cert"] {
            self.write(&format!("sys/auth/{method}"), json!({"type": method}))?;
        }
        Ok(())
    }

    fn tokens(&self) -> Result<()> {
        for (role, _) in ROLES {
            let answer = self.write("auth/token/create", json!({"policies": [role], "ttl": "24h"}))?;
            self.keep("token", role, text(&answer, "/auth/client_token")?)?;
        }
        Ok(())
    }

    fn approle(&self) -> Result<()> {
        for (role, _) in ROLES {
            let path = format!("auth/approle/role/{role}");
            self.write(&path, json!({"token_policies": [role]}))?;
            self.keep(
                "approle",
                &format!("{role}.role-id"),
                text(&self.read(&format!("{path}/role-id"))?, "/data/role_id")?,
            )?;
            let answer = self.write(&format!("{path}/secret-id"), json!({}))?;
            self.keep("approle", &format!("{role}.secret-id"), text(&answer, "/data/secret_id")?)?;
        }
        Ok(())
    }

    fn userpass(&self) -> Result<()> {
        for (role, _) in ROLES {
            let password: String = std::iter::repeat_with(fastrand::alphanumeric).take(20).collect();
            let user = json!({"password": password, "token_policies": [role]});
            self.write(&format!("auth/userpass/users/{role}"), user)?;
            self.keep("userpass", role, &password)?;
        }
        Ok(())
    }

    fn jwt(&self, key: &str) -> Result<()> {
        let config =
            json!({"jwt_validation_pubkeys": [key], "jwt_supported_algs": ["EdDSA"], "bound_issuer": jwt::ISSUER});
        self.write("auth/jwt/config", config)?;
        for (role, _) in ROLES {
            let bounds = json!({
                "role_type": "jwt", "user_claim": "sub", "bound_audiences": [jwt::AUDIENCE],
                "bound_claims": {"repository": jwt::REPOSITORY}, "token_policies": [role],
            });
            self.write(&format!("auth/jwt/role/{role}"), bounds)?;
            self.keep("jwt", role, &jwt::sign(&self.vault.dir, serde_json::Map::new())?)?;
        }
        Ok(())
    }

    fn kubernetes(&self, cluster: &Cluster<'_>, reviewer: &str) -> Result<()> {
        let authority = fs::read_to_string(self.vault.dir.join("ca.crt"))?;
        let config = json!({
            "kubernetes_host": cluster.server, "kubernetes_ca_cert": authority, "token_reviewer_jwt": reviewer,
            "disable_local_ca_jwt": true,
        });
        self.write("auth/kubernetes/config", config)?;
        for (role, _) in ROLES {
            let account = format!("vault-{role}");
            let bounds = json!({
                "bound_service_account_names": [account], "bound_service_account_namespaces": ["default"],
                "token_policies": [role],
            });
            self.write(&format!("auth/kubernetes/role/{role}"), bounds)?;
            self.keep("kubernetes", role, &cluster.ask(&["create", "token", &account, "--duration=24h"])?)?;
        }
        Ok(())
    }

    fn certificates(&self, authority: &Authority) -> Result<()> {
        for (role, _) in ROLES {
            let bounds = json!({
                "certificate": authority.certificate(), "allowed_common_names": [role], "token_policies": [role],
            });
            self.write(&format!("auth/cert/certs/{role}"), bounds)?;
            let dir = self.dir.join("cert");
            fs::create_dir_all(&dir)?;
            authority.user(role, None, false)?.write(&dir, role)?;
        }
        Ok(())
    }

    /// Writes what a client needs to `<method>/<name>`.
    fn keep(&self, method: &str, name: &str, text: &str) -> Result<()> {
        let dir = self.dir.join(method);
        fs::create_dir_all(&dir)?;
        write_private(&dir.join(name), text)
    }

    fn read(&self, path: &str) -> Result<Value> {
        let request = self.agent.get(self.url(path)).header("X-Vault-Token", &self.vault.root);
        understood(path, request.header("X-Vault-Namespace", self.namespace).call()?)
    }

    fn write(&self, path: &str, body: Value) -> Result<Value> {
        let request = self.agent.post(self.url(path)).header("X-Vault-Token", &self.vault.root);
        understood(path, request.header("X-Vault-Namespace", self.namespace).send(body.to_string())?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.vault.address())
    }
}

fn understood(path: &str, mut answer: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let body = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("OpenBao refuses `{path}`: {} {body}", answer.status());
    }
    Ok(if body.is_empty() { Value::Null } else { serde_json::from_str(&body)? })
}

fn text<'a>(answer: &'a Value, pointer: &str) -> Result<&'a str> {
    answer.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no `{pointer}` in OpenBao's answer"))
}
