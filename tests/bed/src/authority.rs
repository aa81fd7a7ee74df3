//! The certificate authority of one bed: it signs the API server and every user.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use serde_json::json;

/// The name that the certificate of every server of a bed has beside its addresses; no nameserver knows it.
pub const SERVER_NAME: &str = "server.bed.test";

/// An authority whose certificate and key lie in `ca.crt` and `ca.key` of the bed's directory.
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, both PEM.
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// How a kubeconfig says who its user is.
pub enum User<'a> {
    /// By a client certificate.
    Certificate(&'a Identity),
    /// By a bearer token, which also gets through a proxy.
    Token(&'a str),
}

impl Authority {
    /// Makes a new authority and writes it to `dir`.
    pub fn create(dir: &Path) -> Result<Self> {
        let key = KeyPair::generate()?;
        let identity = Identity { certificate: authority_params()?.self_signed(&key)?.pem(), key: key.serialize_pem() };
        identity.write(dir, "ca")?;
        Self::load(dir)
    }

    /// Reads the authority of a running bed.
    pub fn load(dir: &Path) -> Result<Self> {
        let read = |name| fs::read_to_string(dir.join(name)).with_context(|| format!("no `{name}` in the bed"));
        let key = KeyPair::from_pem(&read("ca.key")?)?;
        Ok(Self { certificate: read("ca.crt")?, issuer: Issuer::new(authority_params()?, key) })
    }

    /// A server's identity: reached on loopback only.
    pub fn server(&self, name: &str) -> Result<Identity> {
        let mut params = CertificateParams::new(["127.0.0.1", "localhost", SERVER_NAME].map(str::to_owned))?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        self.sign(params)
    }

    /// A client: Kubernetes reads the user's name from CN and the group from O.
    pub fn user(&self, name: &str, group: Option<&str>, expired: bool) -> Result<Identity> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        if expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 1, 2));
        }
        self.sign(params)
    }

    /// A kubeconfig (JSON is YAML) that holds all it needs and refers to no file.
    pub fn kubeconfig(&self, server: &str, name: &str, user: &User<'_>) -> String {
        let encode = |pem: &str| BASE64_STANDARD.encode(pem);
        let user = match user {
            User::Certificate(identity) => json!({
                "client-certificate-data": encode(&identity.certificate), "client-key-data": encode(&identity.key)}),
            User::Token(token) => json!({"token": token}),
        };
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bed", "cluster": {
                "server": server, "certificate-authority-data": encode(&self.certificate)}}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": name}}],
            "current-context": "bed",
        });
        format!("{config:#}\n")
    }

    /// The authority's own certificate, PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    fn sign(&self, params: CertificateParams) -> Result<Identity> {
        let key = KeyPair::generate()?;
        Ok(Identity { certificate: params.signed_by(&key, &self.issuer)?.pem(), key: key.serialize_pem() })
    }
}

impl Identity {
    /// Writes `<name>.crt` and `<name>.key`.
    pub fn write(&self, dir: &Path, name: &str) -> Result<()> {
        write_private(&dir.join(format!("{name}.crt")), &self.certificate)?;
        write_private(&dir.join(format!("{name}.key")), &self.key)
    }
}

/// Writes a new file that only its owner can read.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))
}

/// The same each time: with the key, all that an issuer is made of.
fn authority_params() -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "bed");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(params)
}
