//! The commands of a `run:` script, as far as words go: quotes, comments, here-documents and `${{ … }}` are understood.

use super::expression::closing;

/// One simple command: what stands between `;`, `|`, `&`, brackets and line ends.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words without quotes; without redirections, keywords such as `then`, and assignments in front.
    pub(super) words: Vec<String>,
    /// Names that are assigned in front of it, or by it alone.
    pub(super) assigned: Vec<String>,
}

/// What may stand in front of a command without being one.
const KEYWORDS: [&str; 10] = ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time"];

/// The commands of `script`, in its order.
pub(super) fn commands(script: &str) -> Vec<Command> {
    let mut reader = Reader { rest: script, commands: Vec::new(), words: Vec::new(), documents: Vec::new() };
    while !reader.rest.is_empty() {
        reader.step();
    }
    reader.end_command();
    reader.commands
}

struct Reader<'a> {
    rest: &'a str,
    commands: Vec<Command>,
    words: Vec<String>,
    /// The delimiters of here-documents that begin at the next line.
    documents: Vec<String>,
}

impl Reader<'_> {
    fn step(&mut self) {
        let Some(first) = self.rest.chars().next() else { return };
        match first {
            '\n' => {
                self.end_command();
                self.rest = &self.rest[1..];
                self.skip_documents();
            }
            ';' | '|' | '&' | '(' | ')' => {
                self.end_command();
                self.rest = &self.rest[1..];
            }
            '#' => self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]),
            '<' | '>' if !self.rest[1..].starts_with('(') => self.redirection(),
            '\\' if self.rest[1..].starts_with('\n') => self.rest = &self.rest[2..],
            c if c.is_whitespace() => self.rest = &self.rest[c.len_utf8()..],
            _ => {
                let word = self.word();
                self.words.push(word);
            }
        }
    }

    /// `> file`, `2>&1`, `<<EOF`, `<<< text`: what it names is no word of the command.
    fn redirection(&mut self) {
        let operator: String = self.rest.chars().take_while(|c| matches!(c, '<' | '>' | '&' | '|' | '-')).collect();
        self.rest = self.rest[operator.len()..].trim_start_matches([' ', '\t']);
        let target = self.word();
        if operator.trim_end_matches('-') == "<<" {
            self.documents.push(target);
        }
    }

    fn skip_documents(&mut self) {
        for delimiter in std::mem::take(&mut self.documents) {
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                if line.trim() == delimiter {
                    break;
                }
            }
        }
    }

    /// A word without its quotes; never consumes nothing where something is left.
    fn word(&mut self) -> String {
        let mut out = String::new();
        while let Some(first) = self.rest.chars().next() {
            let length = match first {
                '\'' => self.rest[1..].find('\'').map_or(self.rest.len(), |end| end + 2),
                '"' => double_quoted(self.rest),
                '\\' => self.rest.char_indices().nth(2).map_or(self.rest.len(), |(at, _)| at),
                '$' if self.rest.starts_with("${{") => closing(&self.rest[3..]).map_or(self.rest.len(), |end| end + 5),
                '$' if self.rest.starts_with("${") => self.rest.find('}').map_or(self.rest.len(), |end| end + 1),
                '$' | '<' | '>' if self.rest[1..].starts_with('(') => 1 + bracketed(&self.rest[1..]),
                '`' => self.rest[1..].find('`').map_or(self.rest.len(), |end| end + 2),
                ';' | '|' | '&' | '(' | ')' | '<' | '>' => break,
                c if c.is_whitespace() => break,
                c => c.len_utf8(),
            };
            let (piece, rest) = self.rest.split_at(length);
            self.rest = rest;
            match first {
                '\'' | '"' => out.push_str(piece.trim_matches(first)),
                '\\' => out.push_str(piece.trim_start_matches('\\').trim_start_matches('\n')),
                _ => out.push_str(piece),
            }
        }
        // `2>&1`: the number belongs to the redirection.
        let is_number = !out.is_empty() && out.bytes().all(|c| c.is_ascii_digit());
        if is_number && self.rest.starts_with(['<', '>']) { String::new() } else { out }
    }

    fn end_command(&mut self) {
        let words: Vec<String> = std::mem::take(&mut self.words).into_iter().filter(|word| !word.is_empty()).collect();
        let mut words = words.into_iter().peekable();
        while words.next_if(|word| KEYWORDS.contains(&word.as_str())).is_some() {}
        let mut assigned = Vec::new();
        while let Some(word) = words.next_if(|word| assignment(word).is_some()) {
            assigned.extend(assignment(&word).map(str::to_owned));
        }
        let words: Vec<String> = words.collect();
        if matches!(words.first().map(String::as_str), Some("export" | "declare" | "readonly" | "local")) {
            assigned.extend(words.iter().filter_map(|word| assignment(word)).map(str::to_owned));
        }
        if !words.is_empty() || !assigned.is_empty() {
            self.commands.push(Command { words, assigned });
        }
    }
}

/// The name in `NAME=value`.
fn assignment(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some(name)
}

/// The length of the double-quoted text that `text` begins with; what it substitutes may hold quotes again.
fn double_quoted(text: &str) -> usize {
    let mut at = 1;
    while let Some(c) = text[at..].chars().next() {
        at += match c {
            '"' => return at + 1,
            '\\' => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
            '$' if text[at..].starts_with("${{") => closing(&text[at + 3..]).map_or(1, |end| end + 5),
            '$' if text[at + 1..].starts_with('(') => 1 + bracketed(&text[at + 1..]),
            c => c.len_utf8(),
        };
    }
    text.len()
}

/// The length of the bracket that `text` begins with, others inside it included.
fn bracketed(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth <= 1 => return at + 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(script: &str) -> Vec<String> {
        commands(script)
            .into_iter()
            .map(|command| {
                command
                    .assigned
                    .iter()
                    .map(|name| format!("{name}="))
                    .chain(command.words)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }

    #[test]
    fn commands_are_told_apart() {
        for (script, commands) in [
            ("a b\nc", &["a b", "c"][..]),
            ("a && b || c; d | e &", &["a", "b", "c", "d", "e"]),
            ("if a; then\n  b c\nfi", &["a", "b c", "fi"]),
            ("(cd x && a)", &["cd x", "a"]),
            ("a \\\n  --b c # comment 'x\nd", &["a --b c", "d"]),
            ("a > file 2>&1 < in b", &["a b"]),
            ("a <<EOF x\nsecret-patch no\nEOF\nb", &["a x", "b"]),
            ("A=1 B='x y' a\nexport C=2\nD=3", &["A= B= a", "C= export C=2", "D="]),
            ("a 'b c' \"d $E\" f\\ g", &["a b c d $E f g"]),
            ("a <(sops -d 'x (y') b", &["a <(sops -d 'x (y') b"]),
            ("a \"$(b \"c\" d)\" ${{ x || 'a b' }} ${Y}", &["a $(b \"c\" d) ${{ x || 'a b' }} ${Y}"]),
            ("for e in a b; do x $e; done", &["for e in a b", "x $e", "done"]),
        ] {
            assert_eq!(told(script), commands, "{script}");
        }
    }

    #[test]
    fn anything_ends() {
        for script in [
            "'", "\"", "${{", "$(", "`", "<<", ">", "\\", "a\\", "2>", "<(", "&&&&", "é\"é", "\"\\", "${", "$((",
            "\u{feff}",
        ] {
            let _ = commands(script);
            let _ = commands(&format!("a {script}"));
            let _ = commands(&format!("a \"{script}"));
        }
    }
}
