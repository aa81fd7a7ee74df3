//! The HTTP client, and what is said where there can be none.

use std::time::Duration;

use reqwest::Client;

use crate::error::{Problem, text};
use crate::https;

/// A client that trusts the authorities of `ca_bundle` (PEM) too and gives each request that long.
///
/// # Errors
/// `ca-bundle-unreadable`; or the system has no authorities.
pub(super) fn client(ca_bundle: Option<&str>, request: Duration) -> Result<Client, Problem> {
    let builder = https::client(ca_bundle.map(str::as_bytes)).map_err(|_| unreadable())?;
    builder.timeout(request).build().map_err(|error| match ca_bundle {
        // Some certificates are looked into only here.
        Some(_) => unreadable(),
        None => {
            let text = text!("no HTTPS client could be made: {}", super::answer::reason(&error));
            Problem::warning("comment-failed", text)
                .help("install the system's certificates (the package `ca-certificates`)")
        }
    })
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
