//! What the server refused, and what to do about it.

use std::collections::BTreeMap;

use super::cut::{cut, one_line, shortened};
use super::errors::{Failed, between};
use crate::changes::is_hand_manager;
use crate::error::{Problem, text};
use crate::object::ObjectId;

/// A webhook or policy said no, or could not be asked.
pub(super) fn admission(failed: &Failed<'_>) -> Option<Problem> {
    if !failed.from_server {
        return None;
    }
    let subject = failed.subject();
    if let Some(hook) = between(failed.body, "failed calling webhook \"", "\"") {
        let said = cut(failed.body);
        let why = said.rsplit("\": ").next().unwrap_or_default();
        let message = text!("{subject}: the admission webhook `{}` could not be asked: {why}", one_line(hook));
        return Some(
            Problem::error("admission-unavailable", message)
                .help("have the webhook's service looked at; run it again when it answers"),
        );
    }
    let webhook =
        failed.body.strip_prefix("admission webhook \"").and_then(|rest| rest.split_once("\" denied the request"));
    let (mut message, said) = if let Some((hook, said)) = webhook {
        (text!("{subject} was refused by the admission webhook `{}`", one_line(hook)), said)
    } else {
        let (by, said) = failed.body.split_once("' denied request: ")?;
        let (_, policy) = by.split_once("ValidatingAdmissionPolicy '")?;
        let policy = one_line(policy.split('\'').next()?);
        (text!("{subject} was refused by the admission policy `{policy}`"), said)
    };
    let said = said.trim_start_matches([':', ' ', '\n']);
    // Its words are its author's, and may quote the object: for a Secret they stay away altogether.
    let quotes = failed.object.is_none_or(|id| id.kind == "Secret");
    if !(quotes || said.is_empty() || said.starts_with("without explanation")) {
        message.push(text!(": {}", shortened(&cut(said))));
    }
    let help = if quotes {
        "its words are not shown, since they may quote a value; ask who runs the cluster what it demands"
    } else {
        "change the manifest as it demands, or ask who runs the cluster"
    };
    Some(Problem::error("admission-refused", message).help(help))
}

/// `Apply failed with 2 conflicts: conflicts with "M" with subresource "scale" using apps/v1:` and `- .path` lines.
pub(super) fn conflict(failed: &Failed<'_>) -> Option<Problem> {
    let (_, text) = failed.body.strip_prefix("Apply failed with ")?.split_once(": ")?;
    let text = text.split("Please review the fields above").next().unwrap_or_default();
    let (mut managers, mut by_hand) = (Vec::new(), Vec::new());
    for block in text.split("conflict").filter_map(|block| block.trim_start_matches('s').strip_prefix(" with \"")) {
        let (manager, rest) = block.split_once('"')?;
        let (how, paths) = rest.split_once(':')?;
        let scale =
            between(how, "subresource \"", "\"").map(|name| format!(" (subresource {name})")).unwrap_or_default();
        let paths: Vec<String> = paths
            .lines()
            .map(|line| line.trim().trim_start_matches("- "))
            .filter(|path| !path.is_empty())
            .map(|path| format!("`{}`", one_line(path)))
            .collect();
        let list = if scale.is_empty() && is_hand_manager(manager) { &mut by_hand } else { &mut managers };
        list.push(format!("`{}`{scale} owns {}", one_line(manager), paths.join(", ")));
    }
    // What hand work owns is inherited, and keeps nobody from applying.
    if managers.is_empty() {
        managers = by_hand;
    }
    Some(kept_by_others(&failed.subject(), failed.object, &managers))
}

/// An object that is refused because of its fields' managers, each with what it owns.
fn kept_by_others(subject: &str, object: Option<&ObjectId>, managers: &[String]) -> Problem {
    let owners = shortened(&managers.join("; "));
    let message = text!("{subject} has fields that others manage, with other values: {owners}");
    let object = object.map_or_else(|| "Kind/name".to_owned(), |id| format!("{}/{}", id.kind, id.name));
    Problem::error("conflict", message).help(text!(
        "leave these fields out of the manifest, if the other manager shall keep them; or take them over: `force-conflicts: {object}`"
    ))
}

/// The conflict that the server does not report: fields of `object` by the managers that own them, as
/// [`crate::changes::unseen_conflicts`] finds them.
#[must_use]
pub fn unseen_conflict(object: &ObjectId, by_manager: &BTreeMap<String, Vec<String>>) -> Problem {
    let owner = |(manager, fields): (&String, &Vec<String>)| {
        let fields: Vec<String> = fields.iter().map(|field| format!("`.{}`", one_line(field))).collect();
        format!("`{}` owns {}", one_line(manager), fields.join(", "))
    };
    let owners: Vec<String> = by_manager.iter().map(owner).collect();
    kept_by_others(&format!("`{object}`"), Some(object), &owners)
}

pub(super) fn modified(failed: &Failed<'_>) -> Option<Problem> {
    let modified = failed.body.starts_with("Operation cannot be fulfilled on ")
        && failed.body.contains("the object has been modified");
    modified.then(|| {
        let message = text!("{} was changed by another while it was written", failed.subject());
        Problem::error("object-modified", message)
            .help("run it again; if the manifest holds `metadata.resourceVersion`, remove that")
    })
}

pub(super) fn terminating(failed: &Failed<'_>) -> Option<Problem> {
    let namespace =
        between(failed.body, "unable to create new content in namespace ", " because it is being terminated")?;
    let message = text!("{}: the namespace `{}` is being deleted", failed.subject(), one_line(namespace));
    Some(
        Problem::error("namespace-terminating", message)
            .help("wait until it is gone, create it anew, and run this again"),
    )
}

pub(super) fn quota(failed: &Failed<'_>) -> Option<Problem> {
    let (_, why) = failed.body.split_once(" is forbidden: ").filter(|(_, why)| {
        why.starts_with("exceeded quota: ")
            || why.starts_with("failed quota: ")
            || why.starts_with("maximum ")
            || why.starts_with("minimum ")
    })?;
    let message = text!("{}: {}", failed.subject(), cut(why));
    Some(
        Problem::error("quota-exceeded", message)
            .help("delete what is no longer used in the namespace, or have its quota or limits raised"),
    )
}

/// `secrets "a" is forbidden: User "U" cannot patch resource "secrets" in API group "" in the namespace "n"`.
pub(super) fn forbidden(failed: &Failed<'_>) -> Option<Problem> {
    let (_, why) = failed.body.split_once(" is forbidden: User \"")?;
    let (user, rest) = why.split_once("\" cannot ")?;
    let (verb, rest) = rest.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once('"')?;
    let group = between(rest, "in API group \"", "\"").unwrap_or_default();
    let namespace = between(rest, "in the namespace \"", "\"");
    // A namespace itself is asked for beneath its own name, but no Role can grant that.
    let namespace = namespace.filter(|_| resource != "namespaces");
    let [user, verb, resource, group] = [user, verb, resource, group].map(one_line);
    let wherein =
        namespace.map_or_else(|| "cluster-wide".to_owned(), |name| format!("in namespace `{}`", one_line(name)));
    let mut verbs = vec!["get", "create", "patch"];
    if !verbs.contains(&verb.as_str()) {
        verbs.push(&verb);
    }
    let role = if namespace.is_some() { format!("a Role {wherein}") } else { "a ClusterRole".to_owned() };
    let help = text!(
        "bind {role} with this rule to it:\n- apiGroups: [\"{group}\"]\n  resources: [\"{resource}\"]\n  verbs: [{}]",
        verbs.iter().map(|verb| format!("\"{verb}\"")).collect::<Vec<_>>().join(", ")
    );
    Some(
        Problem::error(
            "forbidden",
            text!("{}: `{user}` may not {verb} `{resource}` {wherein} (403)", failed.subject()),
        )
        .help(help),
    )
}

pub(super) fn missing_namespace(failed: &Failed<'_>) -> Option<Problem> {
    let name =
        between(failed.body, "namespaces \"", "\" not found").filter(|_| failed.body.starts_with("namespaces \""))?;
    let name = one_line(name);
    let message = match failed.object {
        Some(id) => text!("`{id}`: the namespace `{name}` does not exist"),
        None => text!("the namespace `{name}` does not exist"),
    };
    Some(
        Problem::error("namespace-not-found", message)
            .help(text!("create it (`kubectl create namespace {name}`), or add a Namespace to the base")),
    )
}

/// `no matches for kind "Foo" in version "ex.io/v1"`, or a resource type that the server does not have.
pub(super) fn unknown_kind(failed: &Failed<'_>) -> Option<Problem> {
    let kind = match between(failed.body, "no matches for kind \"", "\"") {
        Some(kind) => format!("{} of {}", kind, between(failed.body, "in version \"", "\"").unwrap_or("its version")),
        None => between(failed.body, "the server doesn't have a resource type \"", "\"")?.to_owned(),
    };
    let about = failed.object.map(|id| format!("`{id}`: ")).unwrap_or_default();
    let message = text!("{about}the server does not know the kind `{}`", one_line(&kind));
    Some(
        Problem::error("unknown-kind", message)
            .help("install the CustomResourceDefinition first, or correct `apiVersion` and `kind`"),
    )
}

pub(super) fn too_large(failed: &Failed<'_>) -> Option<Problem> {
    let why = failed.body.split_once(" is invalid: ").map_or(failed.body, |(_, why)| why);
    // A single field may also be too long, and is named then.
    let whole = ["data: ", "[]: ", "metadata.annotations: "].iter().find_map(|field| why.strip_prefix(field));
    let limit = whole.and_then(|why| why.strip_prefix("Too long: "));
    let large = limit.is_some()
        || failed.reason == "RequestEntityTooLarge"
        || failed.body.contains("Request entity too large")
        || failed.body.contains("etcdserver: request is too large");
    large.then(|| {
        Problem::error("object-too-large", text!("{} is too large: {}", failed.subject(), cut(limit.unwrap_or(why))))
            .help("split it into several objects, or keep large files elsewhere")
    })
}

/// Fields that never change once an object exists.
pub(super) fn immutable(failed: &Failed<'_>) -> Option<Problem> {
    let (_, why) = failed.body.split_once(" is invalid: ").filter(|_| failed.from_server)?;
    let why = cut(why);
    const SIGNS: [&str; 5] = [
        "field is immutable",
        "may not change once set",
        "is immutable after creation",
        "is immutable",
        "updates to statefulset spec",
    ];
    if !SIGNS.iter().any(|sign| why.contains(sign)) {
        return None;
    }
    let kind = failed.object.map_or_else(|| failed.subject(), |id| id.kind.clone());
    let help = if why.contains("when `immutable` is set") {
        "it is marked `immutable`: give the new content a new name, or delete the old object first"
    } else if kind.contains("Job") {
        "a Job runs once as it is: delete it first, or give each version a name of its own (`generateName` does not work with apply)"
    } else if kind.contains("Secret") {
        "delete the Secret first, or keep its `type`; pods that mount it keep their copy meanwhile"
    } else if kind.contains("Deployment") || kind.contains("StatefulSet") || kind.contains("DaemonSet") {
        "keep the field as it is, or delete the workload first (`kubectl delete --cascade=orphan` leaves its pods running)"
    } else {
        "keep the field as it is, or delete the object first"
    };
    Some(Problem::error("immutable-field", text!("{} cannot be changed so: {why}", failed.subject())).help(help))
}

/// Another admission plugin: pod security, limits, rights that nobody may give away.
pub(super) fn denied(failed: &Failed<'_>) -> Option<Problem> {
    let (_, why) = failed.body.split_once(" is forbidden: ").filter(|_| failed.from_server)?;
    let why = cut(why.lines().next().unwrap_or_default());
    let help = if why.contains("grant RBAC permissions not currently held") {
        "an account can only give rights that it has: apply roles with an account that has these"
    } else {
        "change the manifest as it demands, or ask who runs the cluster"
    };
    let message = text!("{} was refused: {}", failed.subject(), why.trim_end_matches(':'));
    Some(Problem::error("admission-refused", message).help(help))
}

/// Fields of a wrong type, unknown fields, and values that break the server's rules.
pub(super) fn invalid(failed: &Failed<'_>) -> Option<Problem> {
    if !failed.from_server {
        return None;
    }
    let typed =
        failed.body.split_once("failed to create typed patch object (").and_then(|(_, rest)| rest.split_once("): "));
    let converted = failed
        .body
        .split_once(": error decoding from json: ")
        .or_else(|| failed.body.rsplit_once(", Kind=")?.1.split_once(": "));
    let why = if let Some((_, why)) = typed {
        why.strip_prefix("errors:").unwrap_or(why)
    } else if let Some((_, why)) = failed.body.split_once(" is invalid: ") {
        why
    } else if failed.body.starts_with("failed to convert new object") {
        converted?.1
    } else if failed.reason == "BadRequest" && failed.body.contains("cannot be handled as a ") {
        failed.body
    } else {
        return None;
    };
    // One finding a line, as the other form has it.
    let why = cut(&why.replace("\n  .", "\n* ."));
    let help = if why.contains("field not declared in schema") {
        "remove the field or correct its name; `kubectl explain` shows those there are"
    } else if why.contains("illegal base64") {
        "write the value beneath `stringData`, or fill it with `${NAME@base64}`"
    } else if why.contains("expected string") {
        "quote the value: it was read as a number, boolean, list or mapping"
    } else {
        "correct the field in the template, the base or the overlay"
    };
    Some(Problem::error("invalid-object", text!("{} is not valid: {}", failed.subject(), shortened(&why))).help(help))
}
