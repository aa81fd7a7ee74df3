//! Vault and OpenBao: logging in, reading and writing KV, and giving our own token back.

mod address;
mod answer;
mod client;
mod github;
mod held;
mod kv;
mod login;
mod mounts;
mod retry;
mod session;
mod tls;
mod trouble;
mod write;

pub use address::Address;
pub use client::Settings;
pub use github::{IdentityRequest, identity_token};
pub use held::Kv;
pub use login::Login;
pub use session::Vault;
pub use tls::Tls;
pub use write::{Kept, Put, State};
