//! The ways to a token.

use rustify::Endpoint;
use serde::Deserialize;
use vaultrs::api::auth::approle::requests::LoginWithApproleRequest;
use vaultrs::api::auth::cert::requests::LoginRequest as CertificateLogin;
use vaultrs::api::auth::kubernetes::requests::LoginWithKubernetesRequest;
use vaultrs::api::auth::oidc::requests::JWTLoginRequest;
use vaultrs::api::auth::userpass::requests::LoginRequest as PasswordLogin;

use super::address::Address;
use super::answer::Answer;
use super::client::{Door, Request};
use super::trouble::{self, said};
use crate::error::{Problem, text};
use crate::secret::Secret;

/// What is shown to Vault, and where it is mounted.
#[derive(Debug, Clone)]
pub enum Login {
    /// A token that the user made: used, never revoked.
    Token(Secret),
    /// `auth/approle`.
    AppRole {
        /// Its mount, without `auth/`.
        mount: String,
        /// Public by design, masked all the same.
        role_id: Secret,
        /// Not needed where the role has `bind_secret_id=false`.
        secret_id: Option<Secret>,
    },
    /// `auth/jwt`: GitHub's OIDC token, or one from elsewhere.
    Jwt {
        /// Its mount, without `auth/`.
        mount: String,
        /// The token.
        jwt: Secret,
        /// The method's default role where there is none.
        role: Option<String>,
    },
    /// `auth/kubernetes`.
    Kubernetes {
        /// Its mount, without `auth/`.
        mount: String,
        /// The service account's token.
        jwt: Secret,
        /// Must be named.
        role: String,
    },
    /// `auth/userpass`, `auth/ldap`.
    Password {
        /// Its mount, without `auth/`.
        mount: String,
        /// Who.
        username: String,
        /// The password.
        password: Secret,
    },
    /// `auth/github`.
    GitHub {
        /// Its mount, without `auth/`.
        mount: String,
        /// A person's access token; the one of a workflow belongs to no organization.
        token: Secret,
    },
    /// `auth/cert`: the TLS client certificate is the credential.
    Certificate {
        /// Its mount, without `auth/`.
        mount: String,
        /// Every role that fits is tried where there is none.
        role: Option<String>,
    },
}

/// A token that Vault gave us.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) token: Secret,
    /// Seconds; zero for one that does not end.
    pub(super) lease: u64,
    pub(super) renewable: bool,
}

#[derive(Deserialize)]
struct Reply {
    auth: Option<Auth>,
}

#[derive(Deserialize)]
struct Auth {
    client_token: String,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

impl Granted {
    /// What an answer to a login or a renewal grants.
    pub(super) fn read(answer: &Answer) -> Option<Self> {
        let auth = answer.read::<Reply>()?.auth?;
        let (token, lease, renewable) = (Secret::new(auth.client_token), auth.lease_duration, auth.renewable);
        (!token.is_empty()).then_some(Self { token, lease, renewable })
    }
}

impl Login {
    /// What must not be shown.
    pub fn credentials(&self) -> impl Iterator<Item = &Secret> {
        let (first, second) = match self {
            Self::Token(token) | Self::GitHub { token, .. } => (Some(token), None),
            Self::AppRole { role_id, secret_id, .. } => (Some(role_id), secret_id.as_ref()),
            Self::Jwt { jwt, .. } | Self::Kubernetes { jwt, .. } => (Some(jwt), None),
            Self::Password { password, .. } => (Some(password), None),
            Self::Certificate { .. } => (None, None),
        };
        first.into_iter().chain(second)
    }

    fn mount(&self) -> &str {
        match self {
            Self::Token(_) => "token",
            Self::AppRole { mount, .. }
            | Self::Jwt { mount, .. }
            | Self::Kubernetes { mount, .. }
            | Self::Password { mount, .. }
            | Self::GitHub { mount, .. }
            | Self::Certificate { mount, .. } => mount,
        }
    }

    /// The call: its path and its body; none for a token.
    fn call(&self) -> Option<(String, Vec<u8>)> {
        let mount = self.mount().to_owned();
        match self {
            Self::Token(_) => None,
            Self::AppRole { role_id, secret_id, .. } => call(&LoginWithApproleRequest {
                mount,
                role_id: role_id.expose().to_owned(),
                secret_id: secret_id.as_ref().map(|secret| secret.expose().to_owned()).unwrap_or_default(),
            }),
            Self::Jwt { jwt, role, .. } => {
                call(&JWTLoginRequest { mount, jwt: jwt.expose().to_owned(), role: role.clone() })
            }
            Self::Kubernetes { jwt, role, .. } => {
                call(&LoginWithKubernetesRequest { mount, jwt: jwt.expose().to_owned(), role: role.clone() })
            }
            Self::Password { username, password, .. } => {
                call(&PasswordLogin { mount, username: username.clone(), password: password.expose().to_owned() })
            }
            Self::Certificate { role, .. } => {
                call(&CertificateLogin { mount, cert_name: role.clone().unwrap_or_default() })
            }
            // vaultrs has no request for it.
            Self::GitHub { token, .. } => {
                let body = serde_json::json!({ "token": token.expose() });
                Some((format!("auth/{mount}/login"), body.to_string().into_bytes()))
            }
        }
    }

    /// Asks for a token.
    pub(super) async fn send(&self, door: &Door, address: &Address) -> Result<Option<Granted>, Problem> {
        let Some((path, body)) = self.call() else { return Ok(None) };
        let answer = door.send(&Request::post(&path, body)).await.map_err(|trouble| trouble.problem(address))?;
        if !answer.is_success() {
            return Err(trouble::general(&answer, address).unwrap_or_else(|| self.refused(&answer)));
        }
        let granted = Granted::read(&answer).ok_or_else(|| {
            let text = text!("Vault's answer to the login at `{path}` holds no token");
            let help =
                "check `vault-method` and `vault-mount`; a login that asks for a second factor cannot be used here";
            Problem::error("vault-login", text).help(help)
        })?;
        Ok(Some(granted))
    }

    fn refused(&self, answer: &Answer) -> Problem {
        let refusal = answer.refusal().unwrap_or_default();
        let text = text!("Vault refuses the login at `auth/{}` with {}{}", self.mount(), answer.status, said(&refusal));
        let help = match self {
            _ if refusal.says("no handler for route") || answer.status == 404 => {
                "no such method is mounted there: check `vault-mount`, `vault-method` and `vault-namespace`"
            }
            Self::AppRole { .. } => {
                "check `vault-role-id` and `vault-secret-id`: a secret id ends with its time or its number of uses"
            }
            Self::Jwt { .. } => {
                "check `vault-role` and `vault-audience`, and compare the role's `bound_claims` with the token's: its `sub` names repository and environment or branch"
            }
            Self::Kubernetes { .. } => "check `vault-role`, and the service accounts and namespaces that it allows",
            Self::Password { .. } => "check `vault-username` and `vault-password`",
            Self::GitHub { .. } => {
                "it takes a person's access token with `read:org`; the token of a workflow belongs to nobody"
            }
            Self::Certificate { .. } => "check `vault-client-certificate`, and what the role in `vault-role` allows",
            Self::Token(_) => "check `vault-token`",
        };
        let help = if answer.status == 403 && self.mount_may_be_wrong() {
            format!("{help}; a wrong `vault-mount` or `vault-namespace` looks the same")
        } else {
            help.to_owned()
        };
        Problem::error("vault-login", text).help(help)
    }

    fn mount_may_be_wrong(&self) -> bool {
        !matches!(self, Self::Token(_))
    }
}

/// What an endpoint of vaultrs would send.
fn call(endpoint: &impl Endpoint) -> Option<(String, Vec<u8>)> {
    Some((endpoint.path().trim().trim_start_matches('/').to_owned(), endpoint.body().ok()?.unwrap_or_default()))
}
