//! Deploy Kubernetes manifests with `${VAR}` placeholders without leaking a secret.
//!
//! The modules stand in the order in which data passes them.

#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests make files and children")
)]

pub mod run;

pub mod inputs;
pub mod mask;
pub mod trust;
pub mod values;

pub mod template;

pub mod patch;

pub mod build;
pub mod changes;
pub mod rights;

pub mod workflow_files;

pub mod check;

pub mod eso;

pub mod report;

pub mod files;
pub mod github;
pub mod kubeconfig;
pub mod kubectl;
pub mod vault;
pub mod workflow;

pub mod error;
pub mod https;
pub mod object;
pub mod secret;
