//! Which repository a checkout is of, by the address of its remote `origin`.

/// `owner/name` of the remote `origin` in `config`, in small letters as hosts compare it; `None` where there is none or its address names a path of this machine.
pub(super) fn repository(config: &str) -> Option<String> {
    let mut in_origin = false;
    for line in config.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            in_origin = section.split(']').next().is_some_and(|name| {
                let (section, remote) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
                section.eq_ignore_ascii_case("remote") && remote.trim() == "\"origin\""
            });
        } else if let Some((key, url)) = line.split_once('=').filter(|_| in_origin)
            && key.trim().eq_ignore_ascii_case("url")
        {
            return of_address(url.trim().trim_matches('"'));
        }
    }
    None
}

/// The path of `https://host/owner/name.git`, `ssh://git@host:22/owner/name` or `git@host:owner/name.git`.
fn of_address(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?.1,
        // A colon after a slash belongs to a path of this machine.
        None => url.split_once(':').filter(|(host, _)| !host.contains('/'))?.1,
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!path.is_empty()).then(|| path.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_is_one_repository() {
        for url in [
            "https://github.com/Owner/name.git",
            "https://x-access-token:hush@github.com/owner/Name",
            "git@github.com:owner/name.git",
            "ssh://git@github.com:22/owner/name/",
        ] {
            let config = format!(
                "[core]\n\turl = no\n[remote \"other\"]\n\turl = https://h/a/b\n[remote \"origin\"]\n\turl = {url}\n\tfetch = +refs\n"
            );
            assert_eq!(repository(&config).as_deref(), Some("owner/name"), "{url}");
        }
    }

    #[test]
    fn a_path_of_this_machine_names_no_repository() {
        for url in ["/srv/git/name.git", "../name", "file:///srv/name.git", "./a:b"] {
            assert_eq!(repository(&format!("[remote \"origin\"]\nurl = {url}\n")), None, "{url}");
        }
        assert_eq!(repository("[remote \"upstream\"]\nurl = https://h/a/b\n"), None);
        assert_eq!(repository(""), None);
    }
}
