//! What an event's payload says about whose commits it speaks of.

use serde_json::Value;

/// One repository as a payload names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    id: Option<u64>,
    full_name: Option<String>,
}

impl Named {
    /// The repository object at `pointer`; `None` where there is none, as where a fork was deleted.
    pub(super) fn at(payload: &Value, pointer: &str) -> Option<Self> {
        let found = payload.pointer(pointer).filter(|found| found.is_object())?;
        let full_name = found.get("full_name").and_then(Value::as_str).map(str::to_lowercase);
        let named = Self { id: found.get("id").and_then(Value::as_u64), full_name };
        (named.id.is_some() || named.full_name.is_some()).then_some(named)
    }

    /// By what the runner's variables say.
    pub(super) fn of_runner(full_name: Option<&str>, id: Option<&str>) -> Self {
        Self { id: id.and_then(|id| id.parse().ok()), full_name: full_name.map(str::to_lowercase) }
    }

    /// Whether both are the same repository: nothing that both know differs, and something that both know is equal.
    pub(super) fn is(&self, other: &Self) -> bool {
        let ids = self.id.zip(other.id).map(|(a, b)| a == b);
        let names = self.full_name.as_ref().zip(other.full_name.as_ref()).map(|(a, b)| a == b);
        ids != Some(false) && names != Some(false) && (ids, names) != (None, None)
    }

    /// Whether something that both know differs.
    pub(super) fn differs(&self, other: &Self) -> bool {
        self.id.zip(other.id).is_some_and(|(a, b)| a != b)
            || self.full_name.as_ref().zip(other.full_name.as_ref()).is_some_and(|(a, b)| a != b)
    }

    /// `owner/name`, or its number.
    pub(super) fn shown(&self) -> String {
        match (&self.full_name, self.id) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => format!("number {id}"),
            (None, None) => "nameless".to_owned(),
        }
    }
}

/// The commit ids at `pointers`, those that look like one.
pub(super) fn commits(payload: &Value, pointers: &[&str]) -> Vec<String> {
    let texts = pointers.iter().filter_map(|pointer| payload.pointer(pointer)?.as_str());
    texts.filter(|text| is_commit(text)).map(str::to_lowercase).collect()
}

/// A full object id that names a commit: not the zeros that stand for none.
pub(super) fn is_commit(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) && text.bytes().any(|b| b != b'0')
}
