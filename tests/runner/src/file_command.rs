//! The grammar of the files of `GITHUB_OUTPUT`, `GITHUB_ENV` and `GITHUB_STATE`.

use crate::lines::text;

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs {
    /// In their order, up to what is broken.
    pub pairs: Vec<(String, String)>,
    /// Why the reading ended early, which fails the step.
    pub broken: Option<Broken>,
}

/// What is wrong with a file, in the runner's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

/// Reads `K=V` and `K<<END`, lines, `END`; blank lines between are skipped. Only `\n` ends a line, so a `\r` stays.
/// An empty name is possible before `=`.
pub fn pairs(bytes: &[u8]) -> Pairs {
    let text = text(bytes);
    let (mut rest, mut result) = (text.as_str(), Pairs::default());
    while !rest.is_empty() {
        match pair(&mut rest) {
            Ok(pair) => result.pairs.extend(pair),
            Err(broken) => {
                result.broken = Some(broken);
                break;
            }
        }
    }
    result
}

fn pair(rest: &mut &str) -> Result<Option<(String, String)>, Broken> {
    let (line, _) = take_line(rest);
    if line.is_empty() {
        return Ok(None);
    }
    match (line.find('='), line.find("<<")) {
        (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
            Ok(Some((line[..equals].to_owned(), line[equals + 1..].to_owned())))
        }
        (_, Some(heredoc)) => {
            let (name, end) = (&line[..heredoc], &line[heredoc + 2..]);
            if name.is_empty() || end.is_empty() {
                let why = "Name must not be empty and delimiter must not be empty";
                return Err(Broken(format!("Invalid format '{line}'. {why}")));
            }
            Ok(Some((name.to_owned(), heredoc_value(rest, end)?)))
        }
        _ => Err(Broken(format!("Invalid format '{line}'"))),
    }
}

/// The lines up to `end`, without the line end before it.
fn heredoc_value(rest: &mut &str, end: &str) -> Result<String, Broken> {
    let value = *rest;
    let mut length = 0;
    loop {
        if rest.is_empty() {
            return Err(Broken(format!("Invalid value. Matching delimiter not found '{end}'")));
        }
        let before = value.len() - rest.len();
        let (line, is_ended) = take_line(rest);
        if line == end {
            return Ok(value[..length].to_owned());
        }
        if !is_ended {
            return Err(Broken("Invalid value. EOF marker missing new line.".to_owned()));
        }
        length = before + line.len();
    }
}

/// The next line and whether a line end followed it.
fn take_line<'a>(rest: &mut &'a str) -> (&'a str, bool) {
    let (line, after, is_ended) = match rest.split_once('\n') {
        Some((line, after)) => (line, after, true),
        None => (*rest, "", false),
    };
    *rest = after;
    (line, is_ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let result = pairs(text.as_bytes());
        assert_eq!(result.broken, None, "{text:?}");
        result.pairs
    }

    fn one(text: &str) -> (String, String) {
        read(text).pop().unwrap()
    }

    #[test]
    fn values_in_one_line_are_taken_as_they_are() {
        for (text, name, value) in [
            ("a=b", "a", "b"),
            ("a=\n", "a", ""),
            ("=b\n", "", "b"),
            (" a = b \n", " a ", " b "),
            ("a=b=c<<d\n", "a", "b=c<<d"),
            ("\n\na=b\r\n\n", "a", "b\r"),
            ("\u{feff}a=b\n", "a", "b"),
        ] {
            assert_eq!(one(text), (name.to_owned(), value.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn values_of_several_lines_lose_the_line_end_before_the_delimiter() {
        for (text, value) in [
            ("a<<E\nE\n", ""),
            ("a<<E\n\nE\n", ""),
            ("a<<E\n\n\nE\n", "\n"),
            ("a<<E\nx\nE", "x"),
            ("a<<E\n x\r\n\ny=z<<E\n E\nE\n", " x\r\n\ny=z<<E\n E"),
            ("a<<E=F\nx\nE=F\n", "x"),
            ("a<<E<<F\nx\nE<<F\n", "x"),
        ] {
            assert_eq!(one(text), ("a".to_owned(), value.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn pairs_before_a_broken_one_count() {
        for (broken, why) in [
            ("x", "Invalid format 'x'"),
            ("<<E\nE\n", "Invalid format '<<E'. Name must not be empty and delimiter must not be empty"),
            ("k<<\n\n", "Invalid format 'k<<'. Name must not be empty and delimiter must not be empty"),
            ("k<<E\nx\n", "Invalid value. Matching delimiter not found 'E'"),
            ("k<<E", "Invalid value. Matching delimiter not found 'E'"),
            ("k<<E\nx", "Invalid value. EOF marker missing new line."),
            ("k<<E\nE \n", "Invalid value. Matching delimiter not found 'E'"),
        ] {
            let result = pairs(format!("a=b\n{broken}").as_bytes());
            assert_eq!(result.pairs, [("a".to_owned(), "b".to_owned())], "{broken:?}");
            assert_eq!(result.broken, Some(Broken(why.to_owned())), "{broken:?}");
        }
    }

    #[test]
    fn a_value_that_holds_the_delimiter_sets_what_it_likes() {
        assert_eq!(read("a<<E\nx\nE\nPATH=/evil\nb<<E\nE\n").len(), 3);
    }
}
