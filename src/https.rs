//! What every HTTPS client begins with: one TLS provider, the authorities that are trusted, and no redirects.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};

/// How long a connection may take to come about.
const CONNECTION: Duration = Duration::from_secs(10);

/// The bundle of authorities holds none, or one that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAuthority;

/// A client that trusts the authorities of `ca_bundle` (PEM) beside the system's, and follows no redirect: a token must not
/// go to another host.
///
/// # Errors
/// [`NoAuthority`] where the bundle holds no certificate or one that cannot be read: otherwise the user would only be told of an
/// unknown issuer.
pub fn client(ca_bundle: Option<&[u8]>) -> Result<ClientBuilder, NoAuthority> {
    // Whoever asks first installs it; there is only the one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut authorities = ca_bundle.map(certificates).transpose()?.unwrap_or_default();
    let system = rustls_native_certs::load_native_certs().certs;
    authorities.extend(system.iter().filter_map(|certificate| Certificate::from_der(certificate).ok()));
    // Given once and for all: in an image without any, the user's are enough.
    let client = Client::builder().redirect(Policy::none()).connect_timeout(CONNECTION);
    Ok(client.tls_certs_only(authorities))
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, NoAuthority> {
    let certificates = Certificate::from_pem_bundle(pem).map_err(|_| NoAuthority)?;
    if certificates.is_empty() { Err(NoAuthority) } else { Ok(certificates) }
}
