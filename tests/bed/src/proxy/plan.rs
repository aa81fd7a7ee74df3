//! Which request meets which fault: rules as lines of text, and a seed for those that are left to chance.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// What is done to a request or its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The proxy answers with this status, and with this many seconds of Retry-After; the server hears nothing.
    Status(u16, Option<u64>),
    /// The proxy answers with this status and a page that quotes the request's body; the server hears nothing.
    Quote(u16),
    /// The proxy answers with 307 to the same path on this server; the server hears nothing.
    Redirect(String),
    /// The connection ends before the server hears of the request.
    Drop,
    /// The server does what it is asked for; of its answer, head included, only this many bytes arrive.
    Cut(u64),
    /// The answer arrives at this many bytes a second.
    Slow(u64),
    /// The request reaches the server after this time.
    Latency(Duration),
}

/// Rules in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Plan {
    rules: Vec<Rule>,
    seed: u64,
}

/// Some of everything, at random.
pub const STORM: &str = "
* * 5% status 429 1
* * 5% status 500
* * 5% status 503 1
* * 5% drop
* * 5% cut 0
* * 5% cut 200
* * 5% slow 5000
* * 10% latency 200
";

#[derive(Debug)]
struct Rule {
    method: String,
    path: String,
    when: When,
    fault: Fault,
    matched: u64,
    matched_by_path: HashMap<(String, String), u64>,
}

#[derive(Debug)]
enum When {
    Always,
    /// From the first to the last of the requests that match, counted from 1, both included.
    Between(u64, u64),
    Percent(u64),
}

impl Plan {
    /// Reads rules, one a line: `METHOD PATH WHEN FAULT`; blank lines and lines that start with `#` are left out.
    ///
    /// METHOD is `*` or a name; PATH is compared without the query, `*` in it stands for anything; WHEN is `always`,
    /// `2`, `2-4` or `2-` (of the requests that match this rule), or `10%`; FAULT is `status CODE [RETRY-AFTER]`,
    /// `quote CODE`, `redirect URL`, `drop`, `cut BYTES`, `slow BYTES-A-SECOND` or `latency MILLISECONDS`. The first rule that
    /// matches and is due decides. With one seed, chance gives the same faults to the same requests, whatever requests
    /// of other paths come in between.
    pub fn parse(text: &str, seed: u64) -> Result<Self> {
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let rules = lines.map(|(number, line)| Rule::parse(line).with_context(|| format!("line {number}: `{line}`")));
        Ok(Self { rules: rules.collect::<Result<_>>()?, seed })
    }

    /// The fault of the request that comes next.
    pub fn choose(&mut self, method: &str, path: &str) -> Option<Fault> {
        let path = path.split('?').next().unwrap_or_default();
        let seed = self.seed;
        let mut rules = self.rules.iter_mut().enumerate();
        rules.find_map(|(index, rule)| rule.is_due(method, path, (seed, index)).then(|| rule.fault.clone()))
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [method, path, when, fault @ ..] = &words[..] else { bail!("not `METHOD PATH WHEN FAULT`") };
        Ok(Self {
            method: (*method).to_owned(),
            path: (*path).to_owned(),
            when: When::parse(when)?,
            fault: Fault::parse(fault)?,
            matched: 0,
            matched_by_path: HashMap::new(),
        })
    }

    fn is_due(&mut self, method: &str, path: &str, seed: (u64, usize)) -> bool {
        if (self.method != "*" && self.method != method) || !matches(&self.path, path) {
            return false;
        }
        self.matched += 1;
        let by_path = self.matched_by_path.entry((method.to_owned(), path.to_owned())).or_default();
        *by_path += 1;
        match self.when {
            When::Always => true,
            When::Between(first, last) => (first..=last).contains(&self.matched),
            When::Percent(percent) => {
                let mut hasher = DefaultHasher::new();
                (seed, method, path, *by_path).hash(&mut hasher);
                hasher.finish() % 100 < percent
            }
        }
    }
}

impl When {
    fn parse(word: &str) -> Result<Self> {
        if word == "always" {
            return Ok(Self::Always);
        }
        if let Some(percent) = word.strip_suffix('%') {
            return Ok(Self::Percent(number(percent)?));
        }
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        Ok(Self::Between(number(first)?, if last.is_empty() { u64::MAX } else { number(last)? }))
    }
}

impl Fault {
    fn parse(words: &[&str]) -> Result<Self> {
        Ok(match words {
            ["status", code] => Self::Status(status(code)?, None),
            ["status", code, seconds] => Self::Status(status(code)?, Some(number(seconds)?)),
            ["quote", code] => Self::Quote(status(code)?),
            ["redirect", url] => Self::Redirect(url.trim_end_matches('/').to_owned()),
            ["drop"] => Self::Drop,
            ["cut", bytes] => Self::Cut(number(bytes)?),
            ["slow", bytes] => Self::Slow(number(bytes)?.max(1)),
            ["latency", milliseconds] => Self::Latency(Duration::from_millis(number(milliseconds)?)),
            _ => bail!("no such fault: `{}`", words.join(" ")),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code, None) => write!(f, "status {code}"),
            Self::Status(code, Some(seconds)) => write!(f, "status {code} {seconds}"),
            Self::Quote(code) => write!(f, "quote {code}"),
            Self::Redirect(url) => write!(f, "redirect {url}"),
            Self::Drop => f.write_str("drop"),
            Self::Cut(bytes) => write!(f, "cut {bytes}"),
            Self::Slow(bytes) => write!(f, "slow {bytes}"),
            Self::Latency(time) => write!(f, "latency {}", time.as_millis()),
        }
    }
}

fn number(word: &str) -> Result<u64> {
    word.parse().with_context(|| format!("not a number: `{word}`"))
}

fn status(word: &str) -> Result<u16> {
    let code = word.parse().with_context(|| format!("not a status: `{word}`"))?;
    if !(200..600).contains(&code) {
        bail!("not a final status: `{word}`");
    }
    Ok(code)
}

fn matches(pattern: &str, path: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(path) = path.strip_prefix(start) else { return false };
    path.char_indices().map(|(at, _)| at).chain([path.len()]).any(|at| matches(rest, &path[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str, seed: u64, requests: &[(&str, &str)]) -> Vec<Option<Fault>> {
        let mut plan = Plan::parse(text, seed).unwrap();
        requests.iter().map(|(method, path)| plan.choose(method, path)).collect()
    }

    #[test]
    fn the_first_rule_that_matches_and_is_due_decides() {
        let text = "# a comment\n\nPATCH /api/*/secrets/* 2 cut 10\nGET * 2- status 503 1\n* * always slow 0";
        let secret = "/api/v1/namespaces/n/secrets/s?fieldManager=m";
        let requests = [("PATCH", secret), ("PATCH", secret), ("PATCH", secret), ("GET", "/"), ("GET", "/")];
        let (slow, cut) = (Some(Fault::Slow(1)), Some(Fault::Cut(10)));
        let expected = [slow.clone(), cut, slow.clone(), slow, Some(Fault::Status(503, Some(1)))];
        assert_eq!(chosen(text, 1, &requests), expected);
    }

    #[test]
    fn a_seed_gives_a_request_the_same_fault_whatever_comes_in_between() {
        let quiet: Vec<_> = vec![("GET", "/a"); 200];
        let busy: Vec<_> = (0..400).map(|index| if index % 2 == 0 { ("GET", "/a") } else { ("GET", "/b") }).collect();
        let alone = chosen(STORM, 7, &quiet);
        let among: Vec<_> = chosen(STORM, 7, &busy).into_iter().step_by(2).collect();
        assert_eq!(alone, among);
        assert_ne!(alone, chosen(STORM, 8, &quiet));
        let faults = alone.iter().flatten().count();
        assert!((40..120).contains(&faults), "{faults} of 200");
    }

    #[test]
    fn what_is_no_rule_is_named_with_its_line() {
        for line in ["GET /", "GET / never drop", "GET / 1 status", "GET / 1 status 99", "GET / 1 burn"] {
            let error = format!("{:#}", Plan::parse(&format!("\n{line}"), 0).unwrap_err());
            assert!(error.starts_with(&format!("line 2: `{line}`: ")), "{error}");
        }
    }

    #[test]
    fn faults_are_printed_as_they_are_read() {
        for text in
            ["status 500", "status 429 2", "quote 502", "redirect https://h:1", "drop", "cut 0", "slow 9", "latency 20"]
        {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(Fault::parse(&words).unwrap().to_string(), text);
        }
    }
}
