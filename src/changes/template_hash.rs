//! The hash of a pod template in the names of what Kubernetes makes from it: 32 bits, by which a weak value in the template could be
//! guessed.

use crate::object::ObjectId;

/// The letters and digits of generated names. Of a long name the hash may be cut short and joined with what makes it unique.
const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";
/// Fewer characters are a name's own, with all but one hash in 40,000.
const SHORTEST: usize = 6;

/// The workload whose pod template `id`, a ReplicaSet or ControllerRevision, is named by.
#[must_use]
pub fn template_owner(id: &ObjectId) -> Option<&str> {
    let (owner, hash) = id.name.rsplit_once('-')?;
    (matches!(id.kind.as_str(), "ReplicaSet" | "ControllerRevision") && is_hash(hash)).then_some(owner)
}

/// `text` with `<hash>` in the names of the ReplicaSets and pods of `deployment`.
#[must_use]
pub fn without_template_hashes(text: &str, deployment: &str) -> String {
    let start = format!("{deployment}-");
    let mut parts = text.split(&start);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        kept.extend([start.as_str(), if is_hash(word) { "<hash>" } else { word }, rest]);
    }
    kept
}

fn is_hash(word: &str) -> bool {
    word.len() >= SHORTEST && word.chars().all(|c| LETTERS.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_replica_sets_and_pods_lose_their_hash_and_nothing_else_does() {
        for (text, expected) in [
            (r#"pods "own-5b8478b8-z58xf" is forbidden"#, r#"pods "own-<hash>-z58xf" is forbidden"#),
            (r#"ReplicaSet "own-5b8478b8" has timed out"#, r#"ReplicaSet "own-<hash>" has timed out"#),
            ("pod own-5b84z58xf: Evicted", "pod own-<hash>: Evicted"),
            ("pod own-5b8478b8-2 and own-5b8478b…", "pod own-<hash>-2 and own-<hash>…"),
            (r#"secret "own-db" not found; own-settings"#, r#"secret "own-db" not found; own-settings"#),
            ("own: 0 of 1", "own: 0 of 1"),
        ] {
            assert_eq!(without_template_hashes(text, "own"), expected);
        }
    }

    #[test]
    fn a_replica_set_is_told_by_its_workload() {
        let owner = |kind: &str, name: &str| {
            let id = ObjectId { group: "apps".into(), kind: kind.into(), namespace: None, name: name.into() };
            template_owner(&id).map(str::to_owned)
        };
        assert_eq!(owner("ReplicaSet", "web-5b8478b8").as_deref(), Some("web"));
        assert_eq!(owner("ControllerRevision", "my-db-7d9f8c6b5").as_deref(), Some("my-db"));
        assert_eq!((owner("ReplicaSet", "my-own"), owner("Deployment", "web-5b8478b8")), (None, None));
    }
}
