//! Whether an ExternalSecret in the cluster asks for what its manifest asks for.

use serde_json::Value;

use super::moment::interval;
use crate::object::Object;

/// Parts of a spec in which there must be nothing that the manifest does not say. Elsewhere the server adds its defaults.
const WHOLE: [&str; 3] =
    ["/target/template/metadata/labels", "/target/template/metadata/annotations", "/target/immutable"];

/// Whether applying `manifest` would leave the spec of `external` as it is.
pub fn asks_for(external: &Object, manifest: &Value) -> bool {
    let (live, wanted) = (&external.as_value()["spec"], &manifest["spec"]);
    let refresh = |spec: &Value| spec["refreshInterval"].as_str().and_then(interval);
    let part = |spec: &Value, name: &str| spec.pointer(name).filter(|part| !is_nothing(part)).cloned();
    let is_said = |(field, wanted): (&String, &Value)| field == "refreshInterval" || holds(&live[field], wanted);
    refresh(live) == refresh(wanted)
        && wanted.as_object().is_some_and(|fields| fields.iter().all(is_said))
        && WHOLE.iter().all(|name| part(live, name) == part(wanted, name))
}

/// Whether `live` says what `wanted` says, and more at most in fields that `wanted` does not name.
fn holds(live: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(fields) => fields.iter().all(|(name, field)| holds(&live[name], field)),
        Value::Array(items) => live.as_array().is_some_and(|live| {
            live.len() == items.len() && live.iter().zip(items).all(|(live, item)| holds(live, item))
        }),
        _ => live == wanted,
    }
}

fn is_nothing(part: &Value) -> bool {
    *part == Value::Bool(false) || part.is_null() || part.as_object().is_some_and(serde_json::Map::is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec() -> Value {
        json!({
            "refreshInterval": "1h0m0s", "secretStoreRef": {"kind": "SecretStore", "name": "s"},
            "target": {"name": "app", "template": {"type": "Opaque", "metadata": {"labels": {"team": "a"}}}},
            "data": [{"secretKey": "A", "remoteRef": {"key": "app", "property": "A"}}],
        })
    }

    fn is_asked_for(live: Value) -> bool {
        let live = json!({"apiVersion": "v1", "kind": "ExternalSecret", "metadata": {"name": "e"}, "spec": live});
        asks_for(&Object::parse(live).unwrap(), &json!({"spec": spec()}))
    }

    #[test]
    fn what_the_server_adds_is_no_difference() {
        let mut live = spec();
        live["refreshPolicy"] = "Periodic".into();
        live["refreshInterval"] = "1h".into();
        live["target"]["immutable"] = false.into();
        live["target"]["template"]["mergePolicy"] = "Replace".into();
        live["target"]["template"]["metadata"]["annotations"] = json!({});
        live["data"][0]["remoteRef"]["nullBytePolicy"] = "Ignore".into();
        assert!(is_asked_for(spec()) && is_asked_for(live));
    }

    #[test]
    fn every_edit_of_a_plan_is_a_difference() {
        for (pointer, other) in [
            ("/refreshInterval", json!("30m0s")),
            ("/secretStoreRef/name", json!("t")),
            ("/data/0/remoteRef/key", json!("other")),
            ("/data/0/remoteRef/property", json!("B")),
            ("/data", json!([])),
            ("/target/template/metadata/labels", json!({"team": "a", "more": "b"})),
            ("/target/template", json!({"type": "Opaque"})),
        ] {
            let mut live = spec();
            *live.pointer_mut(pointer).unwrap() = other;
            assert!(!is_asked_for(live), "{pointer}");
        }
        let mut frozen = spec();
        frozen["target"]["immutable"] = true.into();
        assert!(!is_asked_for(frozen));
    }
}
