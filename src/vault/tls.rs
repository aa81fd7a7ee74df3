//! Whom to trust, and who we are.

use reqwest::{Certificate, ClientBuilder, Identity};
use zeroize::Zeroizing;

use crate::error::Problem;
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
    /// `builder` with these settings. Roots are given to it once and for all: in an image without any, ours are enough.
    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, Problem> {
        // A second call changes nothing: the first provider stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut roots = self.bundle()?;
        let system = rustls_native_certs::load_native_certs().certs;
        roots.extend(system.iter().filter_map(|root| Certificate::from_der(root).ok()));
        let builder = builder.tls_certs_only(roots).tls_danger_accept_invalid_certs(self.insecure);
        match &self.identity {
            Some((certificate, key)) => Ok(builder.identity(identity(certificate, key)?)),
            None => Ok(builder),
        }
    }

    /// No certificate at all in a bundle would be noticed only as an unknown issuer.
    fn bundle(&self) -> Result<Vec<Certificate>, Problem> {
        let Some(pem) = &self.ca_bundle else { return Ok(Vec::new()) };
        let bundle = Certificate::from_pem_bundle(pem).unwrap_or_default();
        if bundle.is_empty() {
            let text = "`ca-bundle` holds no certificate";
            let help = "give PEM text (`-----BEGIN CERTIFICATE-----`) or the path of a file with it";
            return Err(Problem::error("ca-bundle", text).help(help));
        }
        Ok(bundle)
    }
}

fn identity(certificate: &Secret, key: &Secret) -> Result<Identity, Problem> {
    let pem = Zeroizing::new(format!("{}\n{}\n", certificate.expose().trim(), key.expose().trim()));
    Identity::from_pem(pem.as_bytes()).map_err(|_| {
        let text = "`vault-client-certificate` and `vault-client-key` are no certificate and its key";
        Problem::error("vault-client-certificate", text).help("give both as PEM text, the key without a passphrase")
    })
}
