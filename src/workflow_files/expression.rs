//! The texts that a string with `${{ … }}` can come out as, as far as the workflow files themselves tell.

use std::collections::BTreeMap;

/// One of several ways in which a step can run: which matrix job, which choice of an input, which branch of a condition.
///
/// A reader asks for choices as it meets them and is then run again with the next ones, until all were tried.
#[derive(Debug, Default)]
pub(super) struct Choices {
    made: Vec<Choice>,
}

#[derive(Debug)]
struct Choice {
    of: String,
    chosen: usize,
    options: usize,
}

impl Choices {
    /// Which of `options` (at least one) is taken for what `of` names.
    pub(super) fn choose(&mut self, of: &str, options: usize) -> usize {
        match self.made.iter().find(|choice| choice.of == of) {
            Some(choice) => choice.chosen,
            None => {
                self.made.push(Choice { of: of.to_owned(), chosen: 0, options });
                0
            }
        }
    }

    /// Goes to the next way; `false` where there is none.
    pub(super) fn advance(&mut self) -> bool {
        while let Some(last) = self.made.last_mut() {
            last.chosen += 1;
            if last.chosen < last.options {
                return true;
            }
            self.made.pop();
        }
        false
    }
}

/// What the workflow files say about the contexts of a step.
#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    /// The jobs of the matrix, each with its values; `None` where the matrix is an expression itself.
    pub(super) matrix: Option<Vec<BTreeMap<String, String>>>,
    /// The values that an input of the workflow can have; those that are missing can be anything.
    pub(super) inputs: BTreeMap<String, Vec<String>>,
    /// `env` by name as it is written; what counts more comes later.
    pub(super) env: BTreeMap<&'a str, &'a str>,
    /// Values that earlier steps put into `GITHUB_ENV`, or that a loop of the script goes through.
    pub(super) variables: BTreeMap<String, Vec<String>>,
}

/// `env` may refer to itself through several names.
const MAX_DEPTH: usize = 8;

/// Reads texts as the runner or a shell would, in one of the ways.
pub(super) struct Evaluator<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) choices: &'a mut Choices,
}

impl Evaluator<'_> {
    /// `text` with its `${{ … }}` replaced; `None` where only the run knows one of them.
    pub(super) fn text(&mut self, text: &str) -> Option<String> {
        self.text_at(text, 0)
    }

    /// The same for a word of a script, whose `$NAME` and `${NAME}` are the shell's.
    pub(super) fn word(&mut self, word: &str) -> Option<String> {
        let word = self.text(word)?;
        let mut out = String::new();
        let mut rest = word.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let (name, tail) = shell_variable(after)?;
            out.push_str(&self.variable(name, 0)?);
            rest = tail;
        }
        (!rest.contains('`')).then(|| out + rest)
    }

    fn text_at(&mut self, text: &str, depth: usize) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let end = closing(after)?;
            out.push_str(before);
            out.push_str(&self.expression(after[..end].trim(), depth)?);
            rest = &after[end + 2..];
        }
        Some(out + rest)
    }

    /// `A || B`, where each may be `condition && value`.
    fn expression(&mut self, expression: &str, depth: usize) -> Option<String> {
        if depth > MAX_DEPTH {
            return None;
        }
        let terms = split(expression, "||");
        let (last, others) = terms.split_last()?;
        for term in others {
            let factors = split(term, "&&");
            let (value, conditions) = factors.split_last()?;
            let condition = if conditions.is_empty() { (*term).to_owned() } else { conditions.join("&&") };
            if self.choices.choose(&format!("if {condition}"), 2) == 0 {
                return self.atom(value, depth);
            }
        }
        match split(last, "&&").as_slice() {
            [value] => self.atom(value, depth),
            _ => None,
        }
    }

    fn atom(&mut self, atom: &str, depth: usize) -> Option<String> {
        if let Some(inner) = atom.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            return self.expression(inner.trim(), depth + 1);
        }
        if let Some(text) = atom.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            return Some(text.replace("''", "'"));
        }
        // `matrix['env']` is `matrix.env`.
        let path = atom.replace("['", ".").replace("']", "");
        if !path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
            return None;
        }
        let name = |context: &str| {
            let (start, name) = path.split_at_checked(context.len())?;
            start.eq_ignore_ascii_case(context).then_some(name)
        };
        if let Some(name) = name("matrix.") {
            self.matrix(name)
        } else if let Some(name) = name("inputs.").or_else(|| name("github.event.inputs.")) {
            self.input(name)
        } else if let Some(name) = name("env.") {
            self.variable(name, depth + 1)
        } else {
            // A path that starts from the workspace is one from the checkout on.
            path.eq_ignore_ascii_case("github.workspace").then(|| ".".to_owned())
        }
    }

    fn matrix(&mut self, name: &str) -> Option<String> {
        let jobs = self.facts.matrix.as_ref().filter(|jobs| !jobs.is_empty())?;
        // A name that a job lacks is empty there.
        Some(jobs[self.choices.choose("matrix", jobs.len())].get(name).cloned().unwrap_or_default())
    }

    fn input(&mut self, name: &str) -> Option<String> {
        let values = self.facts.inputs.get(name).filter(|values| !values.is_empty())?;
        Some(values[self.choices.choose(&format!("input {name}"), values.len())].clone())
    }

    fn variable(&mut self, name: &str, depth: usize) -> Option<String> {
        if let Some(values) = self.facts.variables.get(name).filter(|values| !values.is_empty()) {
            return Some(values[self.choices.choose(&format!("variable {name}"), values.len())].clone());
        }
        let text = self.facts.env.get(name)?;
        if depth > MAX_DEPTH { None } else { self.text_at(text, depth) }
    }
}

/// `text` with `0` in place of every `${{ … }}`.
pub(super) fn without_expressions(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{")
        && let Some(end) = closing(after)
    {
        out.push_str(before);
        out.push('0');
        rest = &after[end + 2..];
    }
    out + rest
}

/// Where the `}}` stands that ends an expression: not inside its strings.
pub(super) fn closing(text: &str) -> Option<usize> {
    outside_strings(text).find(|at| text[*at..].starts_with("}}"))
}

/// The byte offsets of `text` that lie outside of `'…'`.
fn outside_strings(text: &str) -> impl Iterator<Item = usize> {
    let mut inside = false;
    text.char_indices().filter_map(move |(at, c)| {
        inside ^= c == '\'';
        (!inside && c != '\'').then_some(at)
    })
}

/// Splits at `operator`, outside of strings and brackets.
fn split<'a>(text: &'a str, operator: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for at in outside_strings(text) {
        match text.as_bytes()[at] {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            _ if depth == 0 && at >= start && text[at..].starts_with(operator) => {
                parts.push(text[start..at].trim());
                start = at + operator.len();
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// The name behind a `$`, and what follows.
fn shell_variable(after: &str) -> Option<(&str, &str)> {
    let (name, tail) = match after.strip_prefix('{') {
        Some(inner) => inner.split_once('}')?,
        None => {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            after.split_at(end)
        }
    };
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts<'static> {
        let job = |env: &str, root: &str| {
            BTreeMap::from([("env".to_owned(), env.to_owned()), ("root".to_owned(), root.to_owned())])
        };
        Facts {
            matrix: Some(vec![job("staging", "a"), job("prod", "b")]),
            inputs: BTreeMap::from([("target".to_owned(), vec!["dev".to_owned(), "qa".to_owned()])]),
            env: BTreeMap::from([("ROOT", "k8s/${{ matrix.root }}"), ("LOOP", "${{ env.LOOP }}"), ("PLAIN", "x")]),
            variables: BTreeMap::from([("DEPLOY".to_owned(), vec!["one".to_owned(), "two".to_owned()])]),
        }
    }

    fn all(texts: &[&str], read: fn(&mut Evaluator<'_>, &str) -> Option<String>) -> Vec<Vec<Option<String>>> {
        let facts = facts();
        let mut choices = Choices::default();
        let mut found = Vec::new();
        loop {
            let mut evaluator = Evaluator { facts: &facts, choices: &mut choices };
            found.push(texts.iter().map(|text| read(&mut evaluator, text)).collect());
            if !choices.advance() {
                return found;
            }
        }
    }

    fn texts(text: &str) -> Vec<String> {
        let unknown = || "?".to_owned();
        all(&[text], |e, t| e.text(t)).into_iter().map(|way| way[0].clone().unwrap_or_else(unknown)).collect()
    }

    fn words(word: &str) -> Vec<String> {
        let unknown = || "?".to_owned();
        all(&[word], |e, t| e.word(t)).into_iter().map(|way| way[0].clone().unwrap_or_else(unknown)).collect()
    }

    #[test]
    fn texts_come_out_in_every_way_that_the_files_tell() {
        for (text, ways) in [
            ("staging", &["staging"][..]),
            ("${{ matrix.env }}", &["staging", "prod"]),
            ("k-${{ matrix['env'] }}-${{matrix.none.x}}", &["k-staging-", "k-prod-"]),
            ("${{ inputs.target }}", &["dev", "qa"]),
            ("${{ github.event.inputs.target || 'staging' }}", &["dev", "qa", "staging"]),
            ("${{ github.ref == 'refs/heads/main' && 'prod' || 'staging' }}", &["prod", "staging"]),
            ("${{ (a == 'x || y' && ('p')) || b && 'q' || 'r' }}", &["?", "q", "r"]),
            ("${{ env.ROOT }}", &["k8s/a", "k8s/b"]),
            ("${{ env.DEPLOY }}", &["one", "two"]),
            ("${{ github.workspace }}/k8s", &["./k8s"]),
            ("${{ env.LOOP }}", &["?"]),
            ("${{ github.ref_name }}", &["?"]),
            ("${{ needs.setup.outputs.env }}", &["?"]),
            ("${{ fromJSON('[\"}}\"]')[0] }}", &["?"]),
            ("${{ 'it''s }} here' }}", &["it's }} here"]),
            ("${{ unclosed", &["?"]),
        ] {
            assert_eq!(texts(text), ways, "{text}");
        }
    }

    #[test]
    fn what_hangs_together_is_chosen_together() {
        let ways = all(&["${{ matrix.env }}", "${{ matrix.root }}"], |e, t| e.text(t));
        let pairs: Vec<String> = ways.iter().map(|way| way.iter().flatten().cloned().collect()).collect();
        assert_eq!(pairs, ["staginga", "prodb"]);
    }

    #[test]
    fn words_of_a_script_know_variables() {
        assert_eq!(words("$PLAIN-${PLAIN}/${{ matrix.env }}"), ["x-x/staging", "x-x/prod"]);
        assert_eq!(words("$DEPLOY"), ["one", "two"]);
        for word in ["$NONE", "${PLAIN%x}", "$(date)", "$1", "`date`"] {
            assert_eq!(words(word), ["?"], "{word}");
        }
    }

    #[test]
    fn expressions_are_taken_out() {
        assert_eq!(without_expressions("a ${{ x.y }} ${{ '}}' }} ${{ open"), "a 0 0 ${{ open");
    }
}
