//! Which repository a checkout is of, by the address of its remote `origin`.

/// `owner/name` of the remote `origin` in `config`, in small letters as hosts compare it; `None` where there is none or its address names a path of this machine.
pub(super) fn repository(config: &str) -> Option<String> {
    of_address(&address(config, "origin")?)
}

/// The address that git fetches `remote` from: `url.<base>.insteadOf` rewrites what stands there.
pub(super) fn address(config: &str, remote: &str) -> Option<String> {
    let url = settings(config, "remote", remote, "url").next()?;
    let rewritten = sections(config)
        .filter(|(section, _, key, _)| section.eq_ignore_ascii_case("url") && key.eq_ignore_ascii_case("insteadof"))
        .filter_map(|(_, base, _, prefix)| Some((prefix.len(), format!("{base}{}", url.strip_prefix(prefix)?))))
        .max_by_key(|(length, _)| *length);
    Some(rewritten.map_or_else(|| url.to_owned(), |(_, url)| url))
}

/// Whether all that `git fetch` gets from `origin` by itself are branches and tags: `+refs/pull/*:refs/remotes/origin/pr/*` would
/// put a fork's commits among the branches.
pub(super) fn tracks_branches(config: &str) -> bool {
    let is_own = |source: &str| ["refs/heads/", "refs/tags/"].iter().any(|prefix| source.starts_with(prefix));
    let mut refspecs = settings(config, "remote", "origin", "fetch");
    refspecs.all(|refspec| refspec.starts_with('^') || is_own(refspec.trim_start_matches('+')))
}

/// The values of `key` in the section of, say, the remote `origin`.
pub(super) fn settings<'a>(
    config: &'a str,
    section: &'a str,
    name: &'a str,
    key: &'a str,
) -> impl Iterator<Item = &'a str> {
    sections(config)
        .filter(move |(of, called, k, _)| {
            of.eq_ignore_ascii_case(section) && *called == name && k.eq_ignore_ascii_case(key)
        })
        .map(|(_, _, _, value)| value)
}

/// Section, its name in quotes, key and value of every setting.
fn sections(config: &str) -> impl Iterator<Item = (&str, &str, &str, &str)> {
    let (mut section, mut name) = ("", "");
    config.lines().map(str::trim).filter_map(move |line| {
        let mut setting = line;
        if let Some((heading, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            (section, name) = heading.split_once(char::is_whitespace).unwrap_or((heading, ""));
            name = name.trim().trim_matches('"');
            setting = rest;
        }
        let (key, value) = setting.split_once('=')?;
        Some((section, name, key.trim(), value.trim().trim_matches('"')))
    })
}

/// The path of `https://host/owner/name.git`, `ssh://git@host:22/owner/name` or `git@host:owner/name.git`.
pub(super) fn of_address(url: &str) -> Option<String> {
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
    fn only_branches_and_tags_are_tracked_as_its_own() {
        let config = |fetch: &str| {
            format!("[remote \"origin\"]\n\turl = https://h/a/b\n{fetch}[remote \"x\"]\n\tfetch = +refs/*:refs/*\n")
        };
        let branches = "\tfetch = +refs/heads/*:refs/remotes/origin/*\n";
        assert!(tracks_branches(&config(branches)) && tracks_branches(&config("")));
        assert!(tracks_branches(&config(&format!(
            "{branches}\tfetch = ^refs/heads/x\n\tFetch = refs/tags/*:refs/tags/*\n"
        ))));
        assert!(!tracks_branches(&config(&format!(
            "{branches}\tfetch = +refs/pull/*/head:refs/remotes/origin/pr/*\n"
        ))));
        assert!(!tracks_branches(&config("\tfetch = +refs/*:refs/remotes/origin/*\n")));
    }

    #[test]
    fn the_address_is_what_git_makes_of_it() {
        let config = |rules: &str| format!("[remote \"origin\"]\n\turl = https://github.com/owner/name\n{rules}");
        let rule = "[url \"https://github.com/mallory/\"]\n\tinsteadOf = https://github.com/owner/\n";
        assert_eq!(repository(&config(rule)).as_deref(), Some("mallory/name"));
        let longer = "[url \"https://github.com/\"] insteadof = https://github.com/own\n";
        assert_eq!(repository(&config(&format!("{longer}{rule}"))).as_deref(), Some("mallory/name"));
        let other = "[url \"https://github.com/\"]\n\tinsteadOf = git@github.com:\n";
        assert_eq!(repository(&config(other)).as_deref(), Some("owner/name"));
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
