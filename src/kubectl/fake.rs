//! A kubectl that records what it is asked and answers from a list.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;

use super::{Call, Ending, Kubectl, Launch, Output, Untrusted};

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) calls: RefCell<Vec<Call>>,
    pub(crate) ahead: RefCell<Vec<Vec<OsString>>>,
    answers: RefCell<VecDeque<Ending>>,
}

impl Launch for Fake {
    async fn launch(&self, call: Call) -> Ending {
        self.calls.borrow_mut().push(call);
        self.answers.borrow_mut().pop_front().expect("a call too many")
    }

    fn start_ahead(&self, call: Call) {
        self.ahead.borrow_mut().push(call.arguments);
    }

    fn forget_ahead(&self) {}
}

pub(crate) fn answering(answers: impl IntoIterator<Item = Ending>) -> Kubectl<Fake> {
    let launcher = Fake { answers: RefCell::new(answers.into_iter().collect()), ..Fake::default() };
    Kubectl {
        launcher,
        namespace: "n".to_owned(),
        base_path: String::new(),
        deadline: std::time::Duration::from_secs(9),
    }
}

pub(crate) fn success(stdout: &str) -> Ending {
    Ending::Success { stdout: Output::new(stdout.into()), stderr: Untrusted::default() }
}

pub(crate) fn failure(stderr: &str) -> Ending {
    Ending::Failed { code: 1, stdout: Output::default(), stderr: Untrusted::new(stderr) }
}

impl Fake {
    pub(crate) fn words(&self, call: usize) -> String {
        let calls = self.calls.borrow();
        calls[call].arguments.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}
