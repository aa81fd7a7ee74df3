//! What things are called: a Secret's path in Vault, its ExternalSecret.

/// The longest name of an object, less what the trial's name adds to it.
const LONGEST: usize = 253 - "-eso-check".len();

/// The path of the Secret `name` below `prefix`: the prefix's first part and a dash are taken off the name. Without a prefix the
/// namespace keeps names apart.
pub fn vault_path(prefix: Option<&str>, namespace: &str, name: &str) -> String {
    let Some(prefix) = prefix else { return format!("{namespace}/{name}") };
    let first = prefix.split('/').next().unwrap_or_default();
    let short = name.strip_prefix(first).and_then(|rest| rest.strip_prefix('-')).filter(|rest| !rest.is_empty());
    format!("{prefix}/{}", short.unwrap_or(name))
}

/// The name of the ExternalSecret that makes the Secret `name`: `keybuzz-stripe-secrets`.
pub fn external_secret_name(name: &str) -> String {
    let long =
        if name.ends_with("-secrets") || name == "secrets" { name.to_owned() } else { format!("{name}-secrets") };
    if long.len() <= LONGEST { long } else { name.to_owned() }
}

/// Whether `name` can be that of an object.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.len() <= 253 && name.chars().all(plain) && is_edge(name.chars().next()) && is_edge(name.chars().next_back())
}

/// Whether Vault and the store take `path` in `mount` as it is written; why not.
///
/// # Errors
/// What is wrong with it, to stand behind the path's name.
pub fn is_path(mount: &str, path: &str) -> Result<(), &'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(char::is_control);
    if !parts.iter().all(|part| is_plain(part)) {
        return Err("has a part that is empty, `.` or `..`, which Vault drops");
    }
    // The store takes these off the front of a key.
    if parts.len() > 1 && (parts[0] == mount || parts[0] == "data") {
        return Err("begins with what External Secrets takes off a key: the mount or `data`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_of_the_prefix_and_a_dash_are_taken_off_a_name() {
        let path = |prefix, name| vault_path(prefix, "ns", name);
        assert_eq!(path(Some("keybuzz"), "keybuzz-stripe"), "keybuzz/stripe");
        assert_eq!(path(Some("keybuzz/prod"), "keybuzz-stripe"), "keybuzz/prod/stripe");
        assert_eq!(path(Some("keybuzz"), "keybuzz"), "keybuzz/keybuzz");
        assert_eq!(path(Some("keybuzz"), "keybuzz-"), "keybuzz/keybuzz-");
        assert_eq!(path(Some("keybuzz"), "keybuzzer"), "keybuzz/keybuzzer");
        assert_eq!(path(None, "keybuzz-stripe"), "ns/keybuzz-stripe");
    }

    #[test]
    fn an_external_secret_is_called_after_its_secret() {
        assert_eq!(external_secret_name("keybuzz-stripe"), "keybuzz-stripe-secrets");
        assert_eq!(external_secret_name("app-secrets"), "app-secrets");
        assert_eq!(external_secret_name(&"a".repeat(250)).len(), 250);
    }

    #[test]
    fn paths_that_would_lead_elsewhere_are_refused() {
        assert_eq!(is_path("secret", "keybuzz/stripe"), Ok(()));
        assert_eq!(is_path("secret", "secret"), Ok(()));
        for wrong in ["", "a//b", "../sys", "a/.", "/a", "a/", "secret/a", "data/a"] {
            assert!(is_path("secret", wrong).is_err(), "{wrong}");
        }
    }
}
