//! An OpenBao of a test's own, which it may seal.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use secret_patch_bed::servers::free_port;
use serde_json::Value;
use tempfile::TempDir;

/// A server in memory with KV version 2 at `secret/`; it ends with this.
pub struct OwnVault {
    child: Child,
    address: String,
    unseal_key: String,
    _directory: TempDir,
}

impl OwnVault {
    /// Of its administrator.
    pub const TOKEN: &str = "root-of-a-vault-of-its-own";

    pub fn start() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let log = directory.path().join("log");
        let port = free_port().expect("a port");
        let mut command = Command::new("bao");
        command
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={}", Self::TOKEN))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"));
        let streams = File::create(&log).expect("a file");
        command.stdin(Stdio::null()).stderr(streams.try_clone().expect("a file")).stdout(streams);
        let child = command.spawn().expect("bao");
        let mut vault = Self {
            child,
            address: format!("http://127.0.0.1:{port}"),
            unseal_key: String::new(),
            _directory: directory,
        };
        let deadline = Instant::now() + Duration::from_secs(120);
        // It answers before it says its key.
        while vault.unseal_key.is_empty()
            || !vault.try_bao(&["kv", "get", "-mount=secret", "x"]).contains("No value found")
        {
            assert!(Instant::now() < deadline, "the Vault does not start");
            std::thread::sleep(Duration::from_millis(100));
            let said = fs::read_to_string(&log).expect("a file");
            let mut lines = said.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            let key = lines.find_map(|line| line.strip_prefix("Unseal Key: "));
            key.unwrap_or_default().trim().clone_into(&mut vault.unseal_key);
        }
        vault
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn seal(&self) {
        let said = self.try_bao(&["operator", "seal"]);
        assert!(said.contains("is sealed"), "it is not sealed");
    }

    pub fn unseal(&self) {
        let said = self.try_bao(&["operator", "unseal", &self.unseal_key]);
        assert!(said.contains("Sealed"), "it is not unsealed");
    }

    /// The newest version at a path of `secret/`.
    pub fn version(&self, path: &str) -> u64 {
        let said = self.try_bao(&["kv", "metadata", "get", "-mount=secret", "-format=json", path]);
        let said: Value = serde_json::from_str(&said).expect("JSON");
        said["data"]["current_version"].as_u64().expect("a number")
    }

    /// Both streams of OpenBao's own program as administrator of this server.
    fn try_bao(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("bao");
        command.args(arguments).env("VAULT_ADDR", &self.address).env("VAULT_TOKEN", Self::TOKEN);
        let output = command.stdin(Stdio::null()).output().expect("bao");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }
}

impl Drop for OwnVault {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
