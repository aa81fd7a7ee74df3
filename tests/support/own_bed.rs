//! A test bed of a test's own, whose kinds it may change.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::cluster::bed;

/// A cluster beside the one that all tests share; it ends with this.
pub struct OwnBed {
    child: Child,
    kubeconfig: String,
}

impl OwnBed {
    /// With `parts` beside the cluster.
    pub fn start(parts: &str) -> Self {
        let mut command = Command::new(bed("BED"));
        command.args(["run", "--with", parts, "--", "sh", "-c", "echo \"$KUBECONFIG\" && exec cat"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bed");
        let mut kubeconfig = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        stdout.read_line(&mut kubeconfig).expect("a line");
        Self { child, kubeconfig: kubeconfig.trim().to_owned() }
    }

    /// Path of the cluster-admin's kubeconfig.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }
}

impl Drop for OwnBed {
    fn drop(&mut self) {
        // What the bed runs ends with its stdin.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
