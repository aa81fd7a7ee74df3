//! Whether an image build would take the secret patch in: `.dockerignore` read as Docker does.

use gix_ignore::glob::wildmatch;

use crate::error::{Place, Problem, text};

/// A directory that an image is built from.
#[derive(Debug, Clone)]
pub struct BuildContext {
    /// Where the patch lies, from this directory on.
    pub patch: String,
    /// The Dockerfile as shown to users, with its text; `None` where there is only an ignore file.
    pub dockerfile: Option<(String, String)>,
    /// The ignore file as shown to users, with its text if there is one.
    pub ignore: (String, Option<String>),
}

/// The finding about a patch that the context's ignore file does not keep out.
pub fn not_ignored(context: &BuildContext) -> Option<Problem> {
    let (file, text) = &context.ignore;
    if text.as_deref().is_some_and(|text| ignores(text, &context.patch)) {
        return None;
    }
    let lines = text.as_deref().map_or(1, |text| text.lines().count().max(1));
    let copied = context.dockerfile.as_ref().and_then(|(name, text)| Some((name, copies(text, &context.patch)?)));
    let help = text!("add this line to the end of `{file}`:\n{}", rule(&context.patch));
    Some(match copied {
        Some((name, line)) => {
            let text =
                text!("this copies `{}` into the image, with its values: `{file}` does not keep it out", context.patch);
            Problem::error("not-dockerignored", text).at(Place::new(name, line, 1)).help(help)
        }
        None => {
            let text = text!("`{file}` does not keep `{}` out of image builds", context.patch);
            let place = if context.ignore.1.is_some() {
                Place::new(file, lines, 1)
            } else {
                Place::new(context.dockerfile.as_ref().map_or(file, |(name, _)| name), 1, 1)
            };
            Problem::warning("not-dockerignored", text).at(place).help(help)
        }
    })
}

fn rule(patch: &str) -> String {
    const LAYOUT: &str = "-secret-config-patch.yml";
    if patch.ends_with(LAYOUT) { format!("**/*{LAYOUT}") } else { patch.to_owned() }
}

/// Whether the rules leave `path` out: the last one that matches it or a directory above it counts.
fn ignores(text: &str, path: &str) -> bool {
    let mut ignored = false;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (pattern, keeps) = line.strip_prefix('!').map_or((line, false), |rest| (rest.trim(), true));
        let pattern = plain(pattern);
        if keeps == ignored && (matches(&pattern, path)) {
            ignored = !keeps;
        }
    }
    ignored
}

/// As Go's `filepath.Clean` leaves it, without a slash in front.
fn plain(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn matches(pattern: &str, path: &str) -> bool {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    let matched = |path: &str| {
        wildmatch(pattern.as_bytes().into(), path.as_bytes().into(), wildmatch::Mode::NO_MATCH_SLASH_LITERAL)
    };
    ends.into_iter().any(|end| matched(&path[..end]))
}

/// The line of a `COPY` or `ADD` that takes `path` from the context.
fn copies(dockerfile: &str, path: &str) -> Option<usize> {
    let instructions = dockerfile.lines().enumerate().filter_map(|(at, line)| {
        let (word, rest) = line.trim().split_once(char::is_whitespace)?;
        ["COPY", "ADD"].iter().any(|known| word.eq_ignore_ascii_case(known)).then_some((at + 1, rest))
    });
    for (line, rest) in instructions {
        if rest.contains("--from=") {
            continue;
        }
        let words: Vec<String> = rest
            .split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | ',' | '"'))
            .filter(|word| !word.is_empty() && !word.starts_with("--"))
            .map(plain)
            .collect();
        let Some((_, sources)) = words.split_last() else { continue };
        if sources.iter().any(|source| source.is_empty() || matches(source, path)) {
            return Some(line);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "docker/k8/config/prod-secret-config-patch.yml";

    #[test]
    fn rules_are_read_as_docker_reads_them() {
        for (rules, ignored) in [
            ("", false),
            ("docker", true),
            ("/docker/k8/", true),
            ("*-secret-config-patch.yml", false),
            ("**/*-secret-config-patch.yml", true),
            ("docker/*/config", true),
            ("*", true),
            ("*\n!docker", false),
            ("*\n!docker\ndocker/k8/config/*-patch.yml", true),
            ("# docker\n  ./docker/k8 ", true),
            ("k8", false),
            ("**/config", true),
        ] {
            assert_eq!(ignores(rules, PATCH), ignored, "{rules:?}");
        }
    }

    #[test]
    fn copies_of_the_whole_context_take_the_patch() {
        for (text, line) in [
            ("FROM x\nCOPY . .\n", Some(2)),
            ("FROM x\ncopy --chown=a:b ./ /app\n", Some(2)),
            ("ADD [\"docker\", \"/x\"]\n", Some(1)),
            ("COPY src /app/src\nCOPY package.json .\n", None),
            ("COPY --from=build . .\n", None),
        ] {
            assert_eq!(copies(text, PATCH), line, "{text:?}");
        }
    }

    #[test]
    fn the_finding_stands_where_the_remedy_goes() {
        let context = |dockerfile: Option<&str>, ignore: Option<&str>| BuildContext {
            patch: PATCH.to_owned(),
            dockerfile: dockerfile.map(|text| ("Dockerfile".to_owned(), text.to_owned())),
            ignore: (".dockerignore".to_owned(), ignore.map(str::to_owned)),
        };
        let told = |context: BuildContext| not_ignored(&context).map(|p| (p.is_error(), p.place.unwrap().to_string()));
        assert_eq!(told(context(Some("COPY . .\n"), None)), Some((true, "Dockerfile:1:1".to_owned())));
        assert_eq!(told(context(Some("COPY a b\n"), Some("x\ny\n"))), Some((false, ".dockerignore:2:1".to_owned())));
        assert_eq!(told(context(None, Some("docker\n"))), None);
    }
}
