//! Deploy Kubernetes manifests with `${VAR}` placeholders without leaking a secret.
//!
//! The modules stand in the order in which data passes them.

pub mod error;
pub mod object;
pub mod patch;
pub mod report;
pub mod secret;
pub mod template;
pub mod values;
