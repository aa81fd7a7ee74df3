//! What secret-patch talks to, real, for as long as one command runs: a Kubernetes control plane with a simulated node,
//! and on request External Secrets, OpenBao, a Docker daemon with act, and a proxy that puts faults between.

pub mod authority;
pub mod cage;
pub mod cluster;
pub mod docker;
pub mod external_secrets;
pub mod jwt;
pub mod proxy;
pub mod servers;
pub mod tools;
pub mod vault;
