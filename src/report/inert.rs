//! Text of others in GitHub's Markdown: it stays text, and becomes no markup, link, mention or picture.
//!
//! GitHub reads a text twice. Its Markdown parser gives characters a meaning, which entities take from them; it looks for e-mail
//! addresses, and what comes after it for mentions, issues, commits and emoji, when entities are characters again, but not in code.

/// Cuts a text in two for what comes after the parser, and is not seen.
const CUT: &str = "&#8203;";

/// Cuts a text in two for the parser, and is not copied with it.
const BREAK: &str = "<wbr>";

/// The length of a commit's id, from the shortest that GitHub looks for.
const COMMIT: std::ops::RangeInclusive<usize> = 7..=40;

/// `text` for the inside of `<code>`.
pub(super) fn code(text: &str) -> String {
    entities(text, |_, c, _| if c == '@' { BREAK } else { "" })
}

/// `text` for the inside of a paragraph or of a table's cell.
pub(super) fn text(text: &str) -> String {
    entities(text, |before, c, rest| if is_cut(before, c, rest) { CUT } else { "" })
}

/// Whether `c`, between `before` and `rest`, would begin a mention, an issue, a commit or an emoji together with what follows.
fn is_cut(before: &str, c: char, rest: &str) -> bool {
    match c {
        '@' | '#' => true,
        '-' => last_word(before).eq_ignore_ascii_case("gh") && rest.starts_with(|c: char| c.is_ascii_digit()),
        ':' => is_emoji(rest),
        _ => c.is_ascii_hexdigit() && cuts_commit(before, rest),
    }
}

fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

/// Whether `rest` goes on after a colon as the name of an emoji does.
fn is_emoji(rest: &str) -> bool {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_+-".contains(c));
    end.is_some_and(|end| end > 0 && rest[end..].starts_with(':'))
}

/// Whether the digit between `before` and `rest` ends a piece of a commit's id; each piece is too short to be one.
fn cuts_commit(before: &str, rest: &str) -> bool {
    let begun = last_word(before);
    let is_apart = begun.bytes().all(|byte| byte.is_ascii_hexdigit());
    let begun = begun.len() + 1;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    let is_commit =
        is_apart && COMMIT.contains(&(begun + end)) && !rest[end..].starts_with(|c: char| c.is_ascii_alphanumeric());
    is_commit && end > 0 && begun.is_multiple_of(COMMIT.start() - 1)
}

/// Every character that Markdown or HTML gives a meaning as an entity, line ends as breaks; `behind` gets what stands before a
/// character, the character, and what follows, and says what comes between.
fn entities(text: &str, behind: impl Fn(&str, char, &str) -> &'static str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for (index, c) in text.char_indices() {
        let (before, rest) = (&text[..index], &text[index + c.len_utf8()..]);
        match c {
            '\n' => out.push_str("<br>"),
            c if has_meaning(before, c, rest) => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
        out.push_str(behind(before, c, rest));
    }
    out
}

fn has_meaning(before: &str, c: char, rest: &str) -> bool {
    match c {
        '&' | '<' | '>' | '"' | '`' | '|' | '*' | '~' | '[' | ']' | '\\' | '$' | '@' | '#' => true,
        '_' => !(before.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric)),
        ':' => rest.starts_with('/'),
        '.' => before.ends_with(['w', 'W']),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_github_looks_for_is_cut() {
        for (plain, inert) in [
            ("@octocat", "&#64;&#8203;octocat"),
            ("owner/name#12", "owner/name&#35;&#8203;12"),
            ("see gh-7 or GH-7", "see gh-&#8203;7 or GH-&#8203;7"),
            ("at 80c6e18.", "at 80c6e1&#8203;8."),
            ("a :tada: b", "a :&#8203;tada: b"),
            ("www.example.org", "www&#46;example.org"),
            ("https://x", "https&#58;//x"),
            ("high-5 a: b: 10:30 defacing 123456", "high-5 a: b: 10:30 defacing 123456"),
        ] {
            assert_eq!(text(plain), inert);
        }
        assert_eq!(code("GH-7 :tada: deploy@example.org"), "GH-7 :tada: deploy&#64;<wbr>example.org");
    }
}
