//! What placeholders are filled with: sources merged by stated precedence, only the names that the template asks for.

mod env_file;
mod names;
mod stand_in;
mod unknown;
pub mod vault;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;

pub use env_file::parse as parse_env_file;
pub use names::{is_login_name, is_reserved};
pub use stand_in::stand_in;

use crate::error::{Problem, Text, text};
use crate::secret::Secret;

/// Where values come from, in the order in which they are asked when they agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The process environment: the step's `env:`.
    Environment,
    /// Input `secrets`: `${{ toJSON(secrets) }}`.
    Secrets,
    /// Input `vars`: `${{ toJSON(vars) }}`.
    Vars,
    /// Input `env-file`, or `.env.k8s.<environment>`.
    EnvFile,
    /// Input `vault-secrets`.
    Vault,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 5] = [Self::Environment, Self::Secrets, Self::Vars, Self::EnvFile, Self::Vault];

    /// Its name in `prefer` and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Secrets => "secrets",
            Self::Vars => "vars",
            Self::EnvFile => "env-file",
            Self::Vault => "vault",
        }
    }

    /// The source of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value with where it came from.
#[derive(Debug, Clone)]
pub struct Value {
    /// The text; may be empty.
    pub text: Secret,
    /// Where it came from.
    pub source: Source,
    /// Whether it must not be shown.
    pub sensitive: bool,
}

/// Everything the user gave, unread until a template asks for a name.
#[derive(Default)]
pub struct Sources {
    /// The process environment.
    pub environment: BTreeMap<String, OsString>,
    /// Input `secrets`, parsed.
    pub secrets: BTreeMap<String, Secret>,
    /// Input `vars`, parsed.
    pub vars: BTreeMap<String, Secret>,
    /// The env file, parsed.
    pub env_file: BTreeMap<String, Secret>,
    /// What Vault gave.
    pub vault: BTreeMap<String, Secret>,
}

/// What the workflow says about values.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Sources that win over others, best first.
    pub prefer: Vec<Source>,
    /// Names whose values may be shown.
    pub nonsensitive: BTreeSet<String>,
}

/// The values that a template asked for.
#[derive(Debug, Default)]
pub struct Values {
    values: BTreeMap<String, Value>,
    in_environment: BTreeSet<String>,
    unknown: unknown::Unknown,
}

impl Values {
    /// From now on a number stands in for each of the `asked` values that is missing or empty.
    pub fn stand_in_for_missing(&mut self, asked: &BTreeSet<String>) {
        let given = |name: &&String| self.get(name).is_some_and(|value| !value.text.is_empty());
        self.unknown = unknown::Unknown::of(asked.iter().filter(|name| !given(name)));
    }

    /// Whether a stand-in may have to serve.
    pub fn lack_any(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// Takes `names` for not given where they are missing or empty, whatever default the template has for them.
    pub fn drop_defaults<'a>(&mut self, names: impl IntoIterator<Item = &'a String>) {
        self.unknown.drop_defaults(names);
    }

    /// What stands in for the value of `name`, if it is not given and that was asked for.
    pub fn stand_in(&self, name: &str) -> Option<&Secret> {
        self.unknown.stand_in(name)
    }

    /// Whether a default of `name` is not to be used.
    pub fn has_no_default(&self, name: &str) -> bool {
        self.unknown.has_no_default(name)
    }

    /// Whether `text` holds what stands in for a value that is not given.
    pub fn is_unknown(&self, text: &str) -> bool {
        self.unknown.is_in(text)
    }

    /// `text` with the placeholder in the place of each stand-in.
    pub fn with_placeholders(&self, text: &str) -> String {
        self.unknown.named(text)
    }

    /// Drops every value that must not be shown.
    pub fn forget_sensitive(&mut self) {
        self.values.retain(|_, value| !value.sensitive);
    }

    /// Whether a value of `name` is given that may be shown.
    pub fn is_public(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.sensitive && !value.text.is_empty())
    }

    /// Whether the value of `name` may be shown: it is given and not sensitive, or a default of the template is used for it.
    pub fn may_be_shown(&self, name: &str) -> bool {
        self.get(name).is_none_or(|value| !value.sensitive || value.text.is_empty())
    }

    /// The value of `name`, empty or not; `None` where no source has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Whether the step's environment has `name`: envsubst would have replaced `$name`.
    pub fn is_in_environment(&self, name: &str) -> bool {
        self.in_environment.contains(name)
    }

    /// Every value that must not be shown, for the masker.
    pub fn sensitive(&self) -> impl Iterator<Item = &Secret> {
        self.values.values().filter(|value| value.sensitive).map(|value| &value.text)
    }
}

/// Parses `${{ toJSON(secrets) }}` or `${{ toJSON(vars) }}`; `input` names it in messages.
///
/// # Errors
/// One problem: not a JSON object, or a field that is not text, a number or a boolean.
pub fn parse_json(input: &str, json: &Secret) -> Result<BTreeMap<String, Secret>, Problem> {
    let wrong = |message: Text| {
        Problem::error("input-json", message).help(text!("write `{input}: ${{{{ toJSON({input}) }}}}`"))
    };
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json.expose()).map_err(|error| {
        wrong(text!("input `{input}` is not a JSON object (line {}, column {})", error.line(), error.column()))
    })?;
    fields
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => Ok((name, Secret::new(text))),
            serde_json::Value::Number(number) => Ok((name, Secret::new(number.to_string()))),
            serde_json::Value::Bool(boolean) => Ok((name, Secret::new(boolean.to_string()))),
            _ => Err(wrong(text!("field `{name}` of input `{input}` is not text"))),
        })
        .collect()
}

/// Reads the `asked` names, and whether `bare` names stand in the environment.
///
/// # Errors
/// Every name that has different values in two sources which `prefer` does not order, and every value that is not UTF-8.
pub fn collect(
    asked: &BTreeSet<String>,
    bare: &BTreeSet<String>,
    sources: &Sources,
    rules: &Rules,
) -> Result<Values, Vec<Problem>> {
    let mut collected = Values::default();
    let mut problems = Vec::new();
    for name in asked {
        match sources.find(name, rules) {
            Ok(Some(value)) => {
                collected.values.insert(name.clone(), value);
            }
            Ok(None) => {}
            Err(problem) => problems.push(*problem),
        }
    }
    collected.in_environment = bare.iter().filter(|name| sources.environment.contains_key(*name)).cloned().collect();
    if problems.is_empty() { Ok(collected) } else { Err(problems) }
}

impl Sources {
    fn find(&self, name: &str, rules: &Rules) -> Result<Option<Value>, Box<Problem>> {
        let mut given = Vec::new();
        for source in Source::ALL {
            given.extend(self.of(source, name)?.map(|text| (source, text)));
        }
        // An undefined GitHub secret arrives as an empty variable: it does not contradict a value from elsewhere.
        if given.iter().any(|(_, text)| !text.is_empty()) {
            given.retain(|(_, text)| !text.is_empty());
        }
        let sensitive = given.iter().any(|(source, _)| *source != Source::Vars) && !rules.nonsensitive.contains(name);
        let rank =
            |source: Source| rules.prefer.iter().position(|preferred| *preferred == source).unwrap_or(usize::MAX);
        given.sort_by_key(|(source, _)| (rank(*source), *source));
        let mut given = given.into_iter();
        let Some((source, text)) = given.next() else { return Ok(None) };
        let other = given.find(|(_, other)| *other != text).map(|(other, _)| other);
        match other {
            Some(other) if rank(source) == usize::MAX => Err(Box::new(contradiction(name, source, other))),
            _ => Ok(Some(Value { text, source, sensitive })),
        }
    }

    fn of(&self, source: Source, name: &str) -> Result<Option<Secret>, Box<Problem>> {
        let found = match source {
            Source::Environment => {
                let text = self.environment.get(name).map(|value| value.to_str().map(Secret::new));
                return match text {
                    Some(None) => Err(Box::new(
                        Problem::error(
                            "value-not-utf8",
                            text!("the value of `{name}` in the environment is not UTF-8"),
                        )
                        .help("give it base64-encoded and put it into the Secret's `data`"),
                    )),
                    found => Ok(found.flatten()),
                };
            }
            Source::Secrets => &self.secrets,
            Source::Vars => &self.vars,
            Source::EnvFile => &self.env_file,
            Source::Vault => &self.vault,
        };
        Ok(found.get(name).cloned())
    }
}

fn contradiction(name: &str, first: Source, second: Source) -> Problem {
    Problem::error("value-contradiction", text!("`{name}` has one value in {first} and another in {second}"))
        .help(text!("remove one of them, or say which wins: `prefer: {first}` or `prefer: {second}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn sources() -> Sources {
        let secrets = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), Secret::new(*v))).collect();
        Sources {
            environment: [("A", "1"), ("SAME", "x"), ("EMPTY", ""), ("BOTH", "e")]
                .map(|(k, v)| (k.to_owned(), v.into()))
                .into(),
            secrets: secrets(&[("BOTH", "s"), ("SAME", "x"), ("B", "2")]),
            vars: secrets(&[("EMPTY", "v"), ("URL", "u")]),
            ..Sources::default()
        }
    }

    #[test]
    fn each_value_knows_its_source_and_only_asked_names_are_read() {
        let values = collect(&set(&["A", "B", "SAME", "NONE"]), &set(&["B", "A"]), &sources(), &Rules::default())
            .expect("values");
        assert_eq!(values.get("A").map(|value| value.source), Some(Source::Environment));
        assert_eq!(values.get("SAME").map(|value| value.source), Some(Source::Environment));
        assert_eq!(values.get("B").map(|value| value.source), Some(Source::Secrets));
        assert!(values.get("URL").is_none());
        assert!(values.is_in_environment("A") && !values.is_in_environment("B"));
    }

    #[test]
    fn different_values_contradict_unless_a_source_is_preferred() {
        let problems = collect(&set(&["BOTH"]), &set(&[]), &sources(), &Rules::default()).expect_err("contradiction");
        assert_eq!(problems[0].message, "`BOTH` has one value in environment and another in secrets");
        let rules = Rules { prefer: vec![Source::Secrets], ..Rules::default() };
        let values = collect(&set(&["BOTH"]), &set(&[]), &sources(), &rules).expect("values");
        assert_eq!(values.get("BOTH").map(|value| value.text.expose()), Some("s"));
    }

    #[test]
    fn an_empty_variable_does_not_contradict_and_only_vars_and_named_values_may_be_shown() {
        let rules = Rules { nonsensitive: set(&["A"]), ..Rules::default() };
        let values = collect(&set(&["EMPTY", "A", "B", "URL"]), &set(&[]), &sources(), &rules).expect("values");
        let sensitive = |name| values.get(name).map(|value| value.sensitive);
        assert_eq!(values.get("EMPTY").map(|value| value.text.expose()), Some("v"));
        assert_eq!(
            [sensitive("EMPTY"), sensitive("A"), sensitive("B"), sensitive("URL")],
            [Some(false), Some(false), Some(true), Some(false)]
        );
    }

    #[test]
    fn json_inputs_are_objects_of_text_and_errors_do_not_quote_them() {
        let parsed = parse_json("secrets", &Secret::new(r#"{"A":"x","N":1.10,"T":true}"#)).expect("JSON");
        assert_eq!(parsed["A"].expose(), "x");
        assert_eq!(parsed["T"].expose(), "true");
        for json in ["", "[]", r#"{"A":{"b":"hunter2"}}"#, r#"{"A":"hunter2"#] {
            let problem = parse_json("secrets", &Secret::new(json)).expect_err("refused");
            assert!(!format!("{problem:?}").contains("hunter2"), "{json}");
        }
    }
}
