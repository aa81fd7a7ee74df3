//! Tokens such as GitHub's OIDC provider gives to a job, signed with a key of the bed that its OpenBao trusts.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
use serde_json::{Map, Value, json};

use crate::authority::write_private;

/// Who the bed's tokens are issued by.
pub const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// The audience when a job asks for none: its owner's URL.
pub const AUDIENCE: &str = "https://github.com/owner";
/// The repository that the tokens name.
pub const REPOSITORY: &str = "owner/name";

/// Makes the key, in `dir`, and returns its public half, PEM.
pub fn create_key(dir: &Path) -> Result<String> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    write_private(&dir.join("jwt.key"), &key.serialize_pem())?;
    Ok(key.public_key_pem())
}

/// A token with the claims of a push to `main` of `owner/name`, changed by `claims`: a `null` takes one away.
pub fn sign(dir: &Path, claims: Map<String, Value>) -> Result<String> {
    let key = fs::read_to_string(dir.join("jwt.key")).context("no `jwt.key` in the bed: it is part of `vault`")?;
    let key = KeyPair::from_pem(&key)?;
    let mut all = default_claims()?;
    for (name, value) in claims {
        match value {
            Value::Null => drop(all.remove(&name)),
            value => drop(all.insert(name, value)),
        }
    }
    let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(json!({"alg": "EdDSA", "typ": "JWT"})), encode(Value::Object(all)));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?);
    Ok(format!("{signed}.{signature}"))
}

fn default_claims() -> Result<Map<String, Value>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let reference = "refs/heads/main";
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": format!("repo:{REPOSITORY}:ref:{reference}"),
        "repository": REPOSITORY, "repository_owner": "owner", "ref": reference, "event_name": "push",
        "jti": fastrand::u64(..).to_string(), "iat": now, "nbf": now - 60, "exp": now + 3600,
    });
    claims.as_object().cloned().context("the claims are no object")
}
