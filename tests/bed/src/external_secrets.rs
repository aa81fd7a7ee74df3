//! The External Secrets controllers of a bed, with their CRDs; their webhook does not run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cluster::Cluster;
use crate::servers::Servers;

/// Installs the CRDs of `programs` and waits until the API server serves their kinds.
pub fn define(programs: &Path, cluster: &Cluster<'_>, servers: &mut Servers) -> Result<()> {
    let crds = programs.join("crds.yaml");
    let crds = crds.to_str().context("the cache's path is not UTF-8")?;
    // Too large for the annotation of a client-side apply.
    cluster.ask(&["apply", "--server-side", "-f", crds])?;
    let served = ["get", "externalsecrets,clustersecretstores,secretstores", "-A"];
    servers.wait_for("the kinds of External Secrets", || cluster.answers(&served))
}

/// Starts the controllers of `programs`, which end where a kind is not served yet.
pub fn start(programs: &Path, dir: &Path, servers: &mut Servers) -> Result<()> {
    let mut controllers = Command::new(programs.join("external-secrets"));
    controllers.env("KUBECONFIG", dir.join("kubeconfig")).args([
        "--metrics-addr=0",
        "--live-addr=127.0.0.1:0",
        "--enable-cluster-external-secret-reconciler=false",
        "--enable-push-secret-reconciler=false",
    ]);
    servers.spawn("external-secrets", controllers)
}
