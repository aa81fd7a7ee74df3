//! Whom to trust, and who we are.

use reqwest::{ClientBuilder, Identity};
use zeroize::Zeroizing;

use crate::error::Problem;
use crate::https;
use crate::secret::Secret;

/// TLS settings beyond the system's.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// PEM certificates that are trusted beside the system's.
    pub ca_bundle: Option<Vec<u8>>,
    /// PEM of our certificate and of its key.
    pub identity: Option<(Secret, Secret)>,
    /// Trust anyone: `vault-insecure` spelled out.
    pub insecure: bool,
}

impl Tls {
    /// A client with these settings.
    pub(super) fn client(&self) -> Result<ClientBuilder, Problem> {
        let builder = https::client(self.ca_bundle.as_deref()).map_err(|_| {
            let help = "give PEM text (`-----BEGIN CERTIFICATE-----`) or the path of a file with it";
            Problem::error("ca-bundle", "`ca-bundle` holds no certificate").help(help)
        })?;
        let builder = builder.tls_danger_accept_invalid_certs(self.insecure);
        match &self.identity {
            Some((certificate, key)) => Ok(builder.identity(identity(certificate, key)?)),
            None => Ok(builder),
        }
    }
}

fn identity(certificate: &Secret, key: &Secret) -> Result<Identity, Problem> {
    let pem = Zeroizing::new(format!("{}\n{}\n", certificate.expose().trim(), key.expose().trim()));
    Identity::from_pem(pem.as_bytes()).map_err(|_| {
        let text = "`vault-client-certificate` and `vault-client-key` are no certificate and its key";
        Problem::error("vault-client-certificate", text).help("give both as PEM text, the key without a passphrase")
    })
}
