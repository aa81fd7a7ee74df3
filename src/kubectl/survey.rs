//! What the cluster has of a build, and what it has beyond it: which calls are made, and how few.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};

use super::inventory::{self, Holder};
use super::objects::{self, Asked, LiveObjects, Read};
use super::{CONCURRENCY, Kubectl, Launch, errors, pages};
use crate::changes::Set;
use crate::error::{Problem, text};
use crate::object::{Object, ObjectId};

/// Up to here objects are asked for by name, in one call: one request each.
const FEW: usize = 60;
/// From here on the objects of one kind in one namespace are worth a list of them all.
const WORTH_A_LIST: usize = 20;

/// The mark of a set, and where to look for it.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    /// Whose mark.
    pub set: &'a Set,
    /// On objects of these kinds.
    pub holders: &'a [Holder],
    /// In these namespaces.
    pub namespaces: &'a BTreeSet<String>,
}

/// What the cluster has of a build and of its set.
#[derive(Debug)]
pub struct Survey {
    /// The build's objects.
    pub read: Read,
    /// What bears the mark, or why that is not known: one problem for each list that failed.
    pub marked: Result<Vec<ObjectId>, Vec<Problem>>,
}

impl<L: Launch> Kubectl<L> {
    /// Reads the live objects of `wanted`, with their `managedFields`. A kind that the server does not know has none.
    ///
    /// # Errors
    /// One problem for each call that failed.
    pub async fn get(&self, wanted: &[Object]) -> Result<LiveObjects, Vec<Problem>> {
        let read = self.read(wanted).await;
        if read.problems.is_empty() { Ok(read.live) } else { Err(read.problems) }
    }

    /// The same, with what could be read where not all could.
    pub async fn read(&self, wanted: &[Object]) -> Read {
        let asked: Vec<Asked<'_>> = wanted.iter().map(Asked::of).collect();
        self.ask_all(questions(&asked, None)).await.read
    }

    /// The same, and what bears the mark of a set.
    pub async fn survey(&self, wanted: &[Object], sought: Sought<'_>) -> Survey {
        let asked: Vec<Asked<'_>> = wanted.iter().map(Asked::of).collect();
        let survey = self.ask_all(questions(&asked, Some(sought))).await;
        self.launcher.forget_ahead();
        survey
    }

    /// Starts the calls that the next [`survey`](Self::survey) makes, if it is one of objects like `likely`.
    pub fn survey_ahead(&self, likely: &[Object], sought: Sought<'_>) {
        let asked: Vec<Asked<'_>> = likely.iter().map(Asked::of).collect();
        for question in questions(&asked, Some(sought)).iter().take(CONCURRENCY) {
            self.launcher.start_ahead(self.call(&question.words(&self.base_path)));
        }
    }

    async fn ask_all(&self, questions: Vec<Question<'_>>) -> Survey {
        let mut answers = stream::iter(questions).map(|question| self.ask(question)).buffered(CONCURRENCY);
        let (mut read, mut marked, mut not_known) = (Read::default(), Vec::new(), Vec::new());
        while let Some(answer) = answers.next().await {
            read.extend(answer.read);
            match answer.marked {
                Ok(some) => marked.extend(some),
                Err(problems) => not_known.extend(problems),
            }
        }
        Survey { read, marked: if not_known.is_empty() { Ok(marked) } else { Err(errors::folded(not_known)) } }
    }

    async fn ask(&self, question: Question<'_>) -> Answer {
        let (asked, found, set) = match question {
            Question::ByName(asked) => return Answer::of(self.get_by_name(&asked).await),
            Question::Marked { namespace, holders, set } => {
                return Answer { read: Read::default(), marked: self.marked(set, &holders, namespace).await };
            }
            Question::OfKinds { namespace, asked } => {
                let found = self.get_by_list(namespace, &asked).await;
                (asked, found, None)
            }
            Question::AllOf { namespace, holder, asked, set } => (asked, self.get_all(holder, namespace).await, set),
        };
        match found {
            Ok(found) => {
                let is_sought = |object: &&Object| set.is_some_and(|set| inventory::is_marked(object, set));
                let marked = found.iter().filter(is_sought).map(Object::id).collect();
                Answer { read: Read { live: self.matched(&asked, found), ..Read::default() }, marked: Ok(marked) }
            }
            Err(problem) => {
                let read = self.read_unlisted(&asked, &problem).await;
                Answer { read, marked: if set.is_some() { Err(vec![problem]) } else { Ok(Vec::new()) } }
            }
        }
    }

    /// What may not be listed may perhaps be named.
    async fn read_unlisted(&self, asked: &[&Asked<'_>], problem: &Problem) -> Read {
        if !matches!(problem.kind, "forbidden" | "unknown-kind" | "kubectl-failed") {
            return Read { problems: vec![problem.clone()], ..Read::default() };
        }
        let mut read = Read { notices: slower(problem), ..Read::default() };
        for some in asked.chunks(FEW) {
            read.extend(self.get_by_name(some).await);
        }
        read
    }
}

/// One call, and what it is to tell.
enum Question<'a> {
    ByName(Vec<&'a Asked<'a>>),
    /// Objects of some kinds.
    OfKinds {
        namespace: &'a str,
        asked: Vec<&'a Asked<'a>>,
    },
    /// All of one kind, and which of them bear the mark of `set`.
    AllOf {
        namespace: &'a str,
        holder: Holder,
        asked: Vec<&'a Asked<'a>>,
        set: Option<&'a Set>,
    },
    /// What bears the mark of `set`.
    Marked {
        namespace: &'a str,
        holders: Vec<Holder>,
        set: &'a Set,
    },
}

struct Answer {
    read: Read,
    marked: Result<Vec<ObjectId>, Vec<Problem>>,
}

impl Sought<'_> {
    fn is_in(&self, namespace: &str, holder: Holder) -> bool {
        self.holders.contains(&holder) && self.namespaces.contains(namespace)
    }
}

impl Answer {
    fn of(read: Read) -> Self {
        Self { read, marked: Ok(Vec::new()) }
    }
}

impl Question<'_> {
    /// kubectl's arguments.
    fn words(&self, base_path: &str) -> Vec<String> {
        match self {
            Self::ByName(_) => objects::BY_NAME.map(str::to_owned).into(),
            Self::OfKinds { namespace, asked } => objects::by_list(namespace, asked),
            Self::AllOf { namespace, holder, .. } => pages::raw(base_path, &holder.path(namespace)).into(),
            Self::Marked { namespace, holders, set } => inventory::marked(set, holders, namespace),
        }
    }
}

fn questions<'a>(asked: &'a [Asked<'a>], sought: Option<Sought<'a>>) -> Vec<Question<'a>> {
    let (mut questions, mut listed) = (Vec::new(), BTreeSet::new());
    let mut of_kinds: BTreeMap<&str, Vec<&Asked<'_>>> = BTreeMap::new();
    let (groups, mut rest) =
        if asked.len() > FEW { (groups(asked), Vec::new()) } else { (BTreeMap::new(), asked.iter().collect()) };
    for ((namespace, _), group) in groups {
        match (namespace.filter(|_| group.len() >= WORTH_A_LIST), Holder::of(group[0].object)) {
            (Some(namespace), Some(holder)) => {
                listed.insert((namespace, holder));
                let set = sought.filter(|sought| sought.is_in(namespace, holder)).map(|sought| sought.set);
                questions.push(Question::AllOf { namespace, holder, asked: group, set });
            }
            (Some(namespace), None) => of_kinds.entry(namespace).or_default().extend(group),
            (None, _) => rest.extend(group),
        }
    }
    questions.extend(of_kinds.into_iter().map(|(namespace, asked)| Question::OfKinds { namespace, asked }));
    questions.extend(rest.chunks(FEW).map(|few| Question::ByName(few.to_vec())));
    if let Some(Sought { set, holders, namespaces }) = sought {
        questions.extend(namespaces.iter().filter_map(|namespace| {
            let unlisted = holders.iter().copied().filter(|&holder| !listed.contains(&(namespace.as_str(), holder)));
            let holders: Vec<Holder> = unlisted.collect();
            (!holders.is_empty()).then_some(Question::Marked { namespace, holders, set })
        }));
    }
    questions
}

/// By namespace and kind.
fn groups<'a>(asked: &'a [Asked<'a>]) -> BTreeMap<(Option<&'a str>, String), Vec<&'a Asked<'a>>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for one in asked {
        groups.entry((one.id.namespace.as_deref(), one.resource())).or_default().push(one);
    }
    groups
}

fn slower(refused: &Problem) -> Vec<Problem> {
    if refused.kind != "forbidden" {
        return Vec::new();
    }
    let text = text!("objects are read one by one, since they may not be listed: {}", refused.message);
    vec![Problem::notice("slower", text).help("with the right to `list` them a run over many objects is faster")]
}

#[cfg(test)]
mod tests;
