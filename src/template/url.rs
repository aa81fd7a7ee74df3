//! Placeholders inside `scheme://…`: which characters a value may have where it stands (RFC 3986).

use super::shape::{Broken, Token};

/// The part of a URL that a placeholder stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Component {
    User,
    Password,
    /// User and password as one.
    UserInfo,
    /// Host and port as one.
    HostAndPort,
    Host,
    Port,
    Path,
    QueryPart,
    WholeQuery,
    Fragment,
}

/// Whether the value leaves the URL's structure as it is; a placeholder outside a URL always does.
pub(super) fn check(text: &str, token: &Token) -> Result<(), Broken> {
    match component_at(text, token.at, token.word.len()) {
        Some(component) if !fits(component, &token.value) => {
            Err(Broken { what: "URL", remedy: "uri", name: Some(token.name.clone()) })
        }
        _ => Ok(()),
    }
}

/// Characters that no URL holds: they end one inside a longer text.
fn ends_url(character: char) -> bool {
    character.is_whitespace() || character.is_control() || "\"'`<>{}|\\^".contains(character)
}

fn component_at(text: &str, at: usize, length: usize) -> Option<Component> {
    let before = text.get(..at)?;
    let run = before.rfind(ends_url).map_or(before, |end| before.get(end..).unwrap_or_default());
    let scheme_end = run.rfind("://")?;
    run.get(..scheme_end)?.chars().next_back().filter(|last| last.is_ascii_alphanumeric() || "+.-".contains(*last))?;
    let inside = run.get(scheme_end + 3..)?;
    let after = text.get(at + length..)?;
    let after = after.find(ends_url).map_or(after, |end| after.get(..end).unwrap_or_default());
    Some(if inside.contains('#') {
        Component::Fragment
    } else if let Some(query) = inside.split_once('?').map(|(_, query)| query) {
        if query.is_empty() && (after.is_empty() || after.starts_with('#')) {
            Component::WholeQuery
        } else {
            Component::QueryPart
        }
    } else if inside.contains('/') {
        Component::Path
    } else {
        authority(inside, after)
    })
}

fn authority(inside: &str, after: &str) -> Component {
    let rest = after.find(['/', '?', '#']).map_or(after, |end| after.get(..end).unwrap_or_default());
    if rest.contains('@') && !inside.contains('@') {
        return match (inside.contains(':'), inside.is_empty() && rest.starts_with('@')) {
            (true, _) => Component::Password,
            (false, true) => Component::UserInfo,
            (false, false) => Component::User,
        };
    }
    let host = inside.rsplit(['@', ',']).next().unwrap_or_default();
    if host.contains(':') {
        Component::Port
    } else if host.is_empty() && rest.is_empty() {
        Component::HostAndPort
    } else {
        Component::Host
    }
}

fn fits(component: Component, value: &str) -> bool {
    let extra = match component {
        Component::User => "!$&'()*+,;=%",
        Component::Password | Component::UserInfo => "!$&'()*+,;=%:",
        Component::HostAndPort => ":[],",
        Component::Host => "[]:,",
        Component::Port => "",
        Component::Path => "!$&'()*+,;=%:@",
        Component::QueryPart => "!$'()*,=%:@/?",
        Component::WholeQuery => "!$&'()*+,;=%:@/?",
        Component::Fragment => "!$&'()*+,;=%:@/?",
    };
    let characters = value.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c) || extra.contains(c));
    let shape = match component {
        Component::Port => value.bytes().all(|byte| byte.is_ascii_digit()),
        Component::Host => !value.contains(':') || value.starts_with('['),
        Component::HostAndPort => value.split(',').all(is_host_and_port),
        Component::Path => !matches!(value, "." | ".."),
        _ => true,
    };
    characters && shape && percent_signs_encode(value)
}

/// `host`, `host:80`, `[::1]` or `[::1]:80`.
fn is_host_and_port(text: &str) -> bool {
    let after_host = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(_, after)| after),
        None => text.find(':').map_or(Some(""), |colon| text.get(colon..)),
    };
    let is_port = |text: &str| {
        text.strip_prefix(':').is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    after_host.is_some_and(|after| after.is_empty() || is_port(after))
}

/// Whether each `%` is followed by two hexadecimal digits.
fn percent_signs_encode(value: &str) -> bool {
    value.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(url: &str) -> Option<Component> {
        component_at(url, url.find('X')?, 1)
    }

    #[test]
    fn the_component_is_told_by_what_stands_around() {
        for (url, expected) in [
            ("postgres://X:p@h/db", Some(Component::User)),
            ("postgres://u:X@h/db", Some(Component::Password)),
            ("redis://:X@h", Some(Component::Password)),
            ("amqp://X@h", Some(Component::UserInfo)),
            ("https://X", Some(Component::HostAndPort)),
            ("https://X/p", Some(Component::HostAndPort)),
            ("https://X:80/p", Some(Component::Host)),
            ("https://a.X.c/p", Some(Component::Host)),
            ("https://h:X/p", Some(Component::Port)),
            ("https://h/a/X/b", Some(Component::Path)),
            ("https://h/a?k=X&l=m", Some(Component::QueryPart)),
            ("https://h/a?X", Some(Component::WholeQuery)),
            ("https://h/a#X", Some(Component::Fragment)),
            ("see https://h/ then X", None),
            ("url=jdbc:postgresql://h/X;", Some(Component::Path)),
            ("no url X", None),
            ("://X", None),
        ] {
            assert_eq!(component(url), expected, "{url}");
        }
    }

    #[test]
    fn values_that_would_move_a_boundary_do_not_fit() {
        for value in ["a@b", "a/b", "a?b", "a#b", "a b", "50%", "%zz", "ü", "a\"b"] {
            assert!(!fits(Component::Password, value), "{value}");
        }
        for value in ["plain", "a:b", "a%40b", "x!$&'()*+,;=", ""] {
            assert!(fits(Component::Password, value), "{value}");
        }
        assert!(fits(Component::HostAndPort, "[::1]:8080"));
        assert!(!fits(Component::HostAndPort, "12:30:45"));
        assert!(!fits(Component::Port, "80a"));
        assert!(!fits(Component::HostAndPort, "a:"));
        assert!(!fits(Component::Path, "..") && !fits(Component::Path, "a/b"));
        assert!(!fits(Component::QueryPart, "a&b"));
    }
}
