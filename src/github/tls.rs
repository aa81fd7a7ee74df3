//! The HTTP client: one TLS provider, the system's authorities and the user's, no redirects, nothing without an end.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

use crate::error::{Problem, text};

/// How long a connection may take to come about.
const CONNECTION: Duration = Duration::from_secs(10);

/// A client that trusts the authorities of `ca_bundle` (PEM) too and gives each request that long.
///
/// # Errors
/// `ca-bundle-unreadable`; or the system has no authorities.
pub(super) fn client(ca_bundle: Option<&str>, request: Duration) -> Result<Client, Problem> {
    // Whoever asks first installs it; there is only the one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Redirects are followed by the caller: a token must not go to another host.
    let builder = Client::builder().redirect(Policy::none()).timeout(request).connect_timeout(CONNECTION);
    let mut authorities = ca_bundle.map(certificates).transpose()?.unwrap_or_default();
    // Given to it once and for all: in an image without any, the user's are enough.
    let system = rustls_native_certs::load_native_certs().certs;
    authorities.extend(system.iter().filter_map(|certificate| Certificate::from_der(certificate).ok()));
    let builder = builder.tls_certs_only(authorities);
    builder.build().map_err(|error| match ca_bundle {
        // Some certificates are looked into only here.
        Some(_) => unreadable(),
        None => {
            let text = text!("no HTTPS client could be made: {}", super::call::reason(&error));
            Problem::warning("comment-failed", text)
                .help("install the system's certificates (the package `ca-certificates`)")
        }
    })
}

fn certificates(pem: &str) -> Result<Vec<Certificate>, Problem> {
    let certificates = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| unreadable())?;
    if certificates.is_empty() { Err(unreadable()) } else { Ok(certificates) }
}

fn unreadable() -> Problem {
    Problem::warning("ca-bundle-unreadable", "`ca-bundle` holds no certificate, or one that cannot be read")
        .help("give PEM (`-----BEGIN CERTIFICATE-----` …), or the path of a file that holds it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_told() {
        for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"] {
            let problem = client(Some(pem), super::super::REQUEST).expect_err("no certificate");
            assert_eq!(problem.kind, "ca-bundle-unreadable", "{problem:?}");
        }
        assert!(client(None, super::super::REQUEST).is_ok());
    }
}
