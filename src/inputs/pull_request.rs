//! The pull request that a run belongs to, read from the event that started it.

use serde_json::Value;

/// A pull request of the repository in which the workflow runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Whether its commits lie in another repository, or in one that is gone.
    pub from_fork: bool,
}

impl PullRequest {
    /// The pull request of an event's payload (`GITHUB_EVENT_PATH`): of the events on pull requests and their reviews, of a comment on one, and of
    /// a `workflow_run` that names exactly one. `None` for a push, a schedule and everything else.
    pub fn of_event(payload: &Value) -> Option<Self> {
        let repository = &payload["repository"];
        if let Some(number) = payload.pointer("/pull_request/number").and_then(Value::as_u64) {
            let head = payload.pointer("/pull_request/head/repo/full_name").and_then(Value::as_str);
            return Some(Self { number, from_fork: head.is_none() || head != repository["full_name"].as_str() });
        }
        if payload.pointer("/issue/pull_request").is_some_and(Value::is_object) {
            return Some(Self { number: payload.pointer("/issue/number")?.as_u64()?, from_fork: false });
        }
        // Requests of this commit into other repositories are listed too; those from forks are not.
        let listed = payload.pointer("/workflow_run/pull_requests").and_then(Value::as_array)?.iter();
        let is_ours = |request: &&Value| {
            let base = request.pointer("/base/repo/id").and_then(Value::as_u64);
            base.is_some() && base == repository["id"].as_u64()
        };
        let ours: Vec<u64> = listed.filter(is_ours).filter_map(|request| request["number"].as_u64()).collect();
        match ours.as_slice() {
            [number] => Some(Self { number: *number, from_fork: false }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(payload: &Value) -> Option<(u64, bool)> {
        PullRequest::of_event(payload).map(|request| (request.number, request.from_fork))
    }

    fn event(mut payload: Value) -> Value {
        payload["repository"] = json!({"id": 1, "full_name": "owner/name"});
        payload
    }

    #[test]
    fn a_pull_request_tells_its_number_and_whether_it_comes_from_a_fork() {
        let of = |head: Value| event(json!({"pull_request": {"number": 5, "head": {"repo": head}}}));
        assert_eq!(found(&of(json!({"full_name": "owner/name"}))), Some((5, false)));
        assert_eq!(found(&of(json!({"full_name": "mallory/name"}))), Some((5, true)));
        assert_eq!(found(&of(Value::Null)), Some((5, true)), "the fork is gone");
    }

    #[test]
    fn a_comment_counts_on_a_pull_request_and_not_on_an_issue() {
        assert_eq!(found(&event(json!({"issue": {"number": 6, "pull_request": {"url": "x"}}}))), Some((6, false)));
        assert_eq!(found(&event(json!({"issue": {"number": 6}}))), None);
    }

    #[test]
    fn a_finished_workflow_counts_where_it_names_one_request_of_this_repository() {
        let request = |number: u64, base: u64| json!({"number": number, "base": {"repo": {"id": base}}});
        let of = |requests: Value| event(json!({"workflow_run": {"pull_requests": requests}}));
        assert_eq!(found(&of(json!([request(7, 1), request(8, 2)]))), Some((7, false)));
        assert_eq!(found(&of(json!([request(7, 1), request(8, 1)]))), None);
        assert_eq!(found(&of(json!([]))), None);
    }

    #[test]
    fn other_events_have_none() {
        assert_eq!(found(&event(json!({"ref": "refs/heads/main", "after": "abc"}))), None);
        assert_eq!(found(&json!(null)), None);
    }
}
