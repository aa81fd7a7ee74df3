//! Deploy Kubernetes manifests with `${VAR}` placeholders without leaking a secret.
//!
//! The modules stand in the order in which data passes them.

pub mod inputs;
pub mod values;
pub mod mask;

pub mod template;

pub mod patch;

pub mod build;

pub mod report;

pub mod files;
pub mod workflow;
pub mod kubeconfig;

pub mod error;
pub mod object;
pub mod secret;
