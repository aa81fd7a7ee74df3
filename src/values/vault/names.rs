//! How keys become names.

/// As vault-action does it: dots become `__`, what is neither a letter, a number nor `_` goes.
pub(super) fn normalized(key: &str, capitals: bool) -> String {
    let name: String = key.replace('.', "__").chars().filter(|&c| c.is_alphanumeric() || c == '_').collect();
    if capitals { name.to_uppercase() } else { name }
}

/// For a key below a folder: `STRIPE_SECRET_KEY` for the key `secret-key` of the path `stripe`.
pub(super) fn below_folder(path: &str, key: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    format!("{path}/{key}").chars().map(plain).collect::<String>().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_vault_action() {
        let cases = [
            ("npmToken", "NPMTOKEN"),
            ("other-Secret-dash", "OTHERSECRETDASH"),
            ("secret.foo.bar", "SECRET__FOO__BAR"),
            ("测试", "测试"),
            ("a b", "AB"),
            ("a_b", "A_B"),
        ];
        for (key, name) in cases {
            assert_eq!(normalized(key, true), name);
        }
        assert_eq!(normalized("secret-Key.x", false), "secretKey__x");
    }

    #[test]
    fn a_folder_gives_its_path_to_the_name() {
        assert_eq!(below_folder("stripe/live", "secret-key"), "STRIPE_LIVE_SECRET_KEY");
    }
}
