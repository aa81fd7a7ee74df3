//! The inputs for Vault: their names, their flags and what they become.

use clap::Args;

use super::names::{self, Input};
use super::resolve::Reader;
use super::{Raw, Word};
use crate::secret::Secret;
use crate::values::vault::{Line, parse};

/// Which values are read.
pub const SECRETS: Input = Input::new(
    "vault-secrets",
    "LINES",
    "Values from Vault: lines such as `secret/data/app password | APP_PASSWORD ;`, as in vault-action",
);
/// Where it is.
pub const URL: Input = Input::new("vault-url", "URL", "Address of Vault; on the command line else `VAULT_ADDR`");
/// How to log in.
pub const METHOD: Input = Input::new(
    "vault-method",
    "METHOD",
    "How to log in: `token`, `jwt` (GitHub's OIDC), `approle`, `kubernetes`, `userpass`, `ldap`, `github` or `cert`; else inferred from the other inputs",
);
/// Where the method is mounted.
pub const MOUNT: Input =
    Input::new("vault-mount", "PATH", "Where the auth method is mounted, without `auth/`; else the method's name");
/// Which role.
pub const ROLE: Input = Input::new("vault-role", "NAME", "Role of the methods `jwt`, `kubernetes` and `cert`");
/// For whom GitHub's token is made.
pub const AUDIENCE: Input =
    Input::new("vault-audience", "TEXT", "Audience of GitHub's OIDC token; else the repository owner's URL");
/// A token.
pub const TOKEN: Input = Input::new(
    "vault-token",
    "TOKEN",
    "Token that is used and never revoked; on the command line else `VAULT_TOKEN` or `~/.vault-token`",
)
.secret();
/// Who, for approle.
pub const ROLE_ID: Input = Input::new("vault-role-id", "ID", "Role id of the method `approle`").secret();
/// Its secret.
pub const SECRET_ID: Input = Input::new("vault-secret-id", "ID", "Secret id of the method `approle`").secret();
/// Who, for userpass and ldap.
pub const USERNAME: Input = Input::new("vault-username", "NAME", "User of the methods `userpass` and `ldap`");
/// Their password.
pub const PASSWORD: Input = Input::new(
    "vault-password",
    "PASSWORD",
    "Password of the methods `userpass` and `ldap`, or the access token of the method `github`",
)
.secret();
/// A JWT from elsewhere.
pub const JWT: Input = Input::new(
    "vault-jwt",
    "JWT",
    "Token for the methods `jwt` and `kubernetes`; else GitHub's OIDC token, or the pod's own service account",
)
.secret();
/// Our certificate.
pub const CLIENT_CERTIFICATE: Input = Input::new(
    "vault-client-certificate",
    "PEM",
    "TLS client certificate, PEM or a path, for the method `cert` and servers that ask for one",
);
/// Its key.
pub const CLIENT_KEY: Input =
    Input::new("vault-client-key", "PEM", "Key of the TLS client certificate, PEM or a path").secret();
/// Which namespace.
pub const NAMESPACE: Input = Input::new(
    "vault-namespace",
    "PATH",
    "Namespace of Vault Enterprise or OpenBao; on the command line else `VAULT_NAMESPACE`",
);
/// How many requests at once.
pub const CONCURRENCY: Input =
    Input::new("vault-concurrency", "NUMBER", "How many requests to Vault are under way at once, up to 128").or("64");
/// Whether anyone is trusted.
pub const INSECURE: Input =
    Input::boolean("vault-insecure", "Trust any TLS certificate of Vault: whoever sits in between can read the values");

/// How to log in to Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultMethod {
    /// A token that the user made.
    Token,
    /// GitHub's OIDC token, or another JWT.
    Jwt,
    /// A role id and a secret id.
    AppRole,
    /// A service account's token.
    Kubernetes,
    /// Name and password, kept by Vault.
    Userpass,
    /// Name and password, kept by a directory.
    Ldap,
    /// A person's access token.
    GitHub,
    /// A TLS client certificate.
    Certificate,
}

impl Word for VaultMethod {
    const ALL: &'static [Self] = &[
        Self::Token,
        Self::Jwt,
        Self::AppRole,
        Self::Kubernetes,
        Self::Userpass,
        Self::Ldap,
        Self::GitHub,
        Self::Certificate,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Jwt => "jwt",
            Self::AppRole => "approle",
            Self::Kubernetes => "kubernetes",
            Self::Userpass => "userpass",
            Self::Ldap => "ldap",
            Self::GitHub => "github",
            Self::Certificate => "cert",
        }
    }
}

/// What is asked of Vault, and as whom; `None` where the user said nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VaultInputs {
    /// What is read.
    pub secrets: Vec<Line>,
    /// Its address.
    pub url: Option<String>,
    /// How to log in.
    pub method: Option<VaultMethod>,
    /// Where the method is mounted, without `auth/`.
    pub mount: Option<String>,
    /// The method's role.
    pub role: Option<String>,
    /// The OIDC token's audience.
    pub audience: Option<String>,
    /// A token.
    pub token: Option<Secret>,
    /// For approle.
    pub role_id: Option<Secret>,
    /// For approle.
    pub secret_id: Option<Secret>,
    /// For userpass and ldap.
    pub username: Option<String>,
    /// For userpass, ldap and github.
    pub password: Option<Secret>,
    /// For jwt and kubernetes.
    pub jwt: Option<Secret>,
    /// PEM or a path.
    pub client_certificate: Option<String>,
    /// PEM or a path.
    pub client_key: Option<Secret>,
    /// The namespace.
    pub namespace: Option<String>,
    /// From 1 to 128.
    pub concurrency: usize,
    /// Whether anyone is trusted.
    pub insecure: bool,
}

impl VaultInputs {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            secrets: reader.text(SECRETS).map(|text| reader.accept(parse(&text))).unwrap_or_default(),
            url: reader.text(URL),
            method: reader.word(METHOD),
            mount: reader.text(MOUNT).map(|mount| mount.trim_matches('/').trim_start_matches("auth/").to_owned()),
            role: reader.text(ROLE),
            audience: reader.text(AUDIENCE),
            token: reader.secret(TOKEN),
            role_id: reader.secret(ROLE_ID),
            secret_id: reader.secret(SECRET_ID),
            username: reader.text(USERNAME),
            password: reader.secret(PASSWORD),
            jwt: reader.secret(JWT),
            client_certificate: reader.text(CLIENT_CERTIFICATE),
            client_key: reader.secret(CLIENT_KEY),
            namespace: reader.text(NAMESPACE).map(|namespace| namespace.trim_matches('/').to_owned()),
            concurrency: reader.count(CONCURRENCY, 128),
            insecure: reader.boolean(INSECURE),
        }
    }
}

/// The way to Vault. Help and value names come from the table of inputs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Vault")]
pub(super) struct VaultFlags {
    #[arg(long)]
    vault_secrets: Vec<String>,
    #[arg(long)]
    vault_url: Option<String>,
    #[arg(long)]
    vault_method: Option<String>,
    #[arg(long)]
    vault_mount: Option<String>,
    #[arg(long)]
    vault_role: Option<String>,
    #[arg(long)]
    vault_audience: Option<String>,
    #[arg(long)]
    vault_token: Option<String>,
    #[arg(long)]
    vault_role_id: Option<String>,
    #[arg(long)]
    vault_secret_id: Option<String>,
    #[arg(long)]
    vault_username: Option<String>,
    #[arg(long)]
    vault_password: Option<String>,
    #[arg(long)]
    vault_jwt: Option<String>,
    #[arg(long)]
    vault_client_certificate: Option<String>,
    #[arg(long)]
    vault_client_key: Option<String>,
    #[arg(long)]
    vault_namespace: Option<String>,
    #[arg(long)]
    vault_concurrency: Option<String>,
    #[arg(long)]
    vault_insecure: bool,
    #[arg(long)]
    ca_bundle: Option<String>,
}

impl VaultFlags {
    pub(super) fn fill(self, raw: &mut Raw) {
        raw.set(SECRETS, &self.vault_secrets.join(";\n"));
        raw.set_some(URL, self.vault_url);
        raw.set_some(METHOD, self.vault_method);
        raw.set_some(MOUNT, self.vault_mount);
        raw.set_some(ROLE, self.vault_role);
        raw.set_some(AUDIENCE, self.vault_audience);
        raw.set_some(TOKEN, self.vault_token);
        raw.set_some(ROLE_ID, self.vault_role_id);
        raw.set_some(SECRET_ID, self.vault_secret_id);
        raw.set_some(USERNAME, self.vault_username);
        raw.set_some(PASSWORD, self.vault_password);
        raw.set_some(JWT, self.vault_jwt);
        raw.set_some(CLIENT_CERTIFICATE, self.vault_client_certificate);
        raw.set_some(CLIENT_KEY, self.vault_client_key);
        raw.set_some(NAMESPACE, self.vault_namespace);
        raw.set_some(CONCURRENCY, self.vault_concurrency);
        raw.set_flag(INSECURE, self.vault_insecure);
        raw.set_some(names::CA_BUNDLE, self.ca_bundle);
    }
}
