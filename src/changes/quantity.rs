//! Kubernetes quantities, which the server keeps in a spelling of its own.

use serde_json::Value;

/// Suffixes and what they stand for, as powers of ten and of two.
const SUFFIXES: [(&str, i32, i32); 16] = [
    ("Ki", 0, 10),
    ("Mi", 0, 20),
    ("Gi", 0, 30),
    ("Ti", 0, 40),
    ("Pi", 0, 50),
    ("Ei", 0, 60),
    ("n", -9, 0),
    ("u", -6, 0),
    ("m", -3, 0),
    ("k", 3, 0),
    ("M", 6, 0),
    ("G", 9, 0),
    ("T", 12, 0),
    ("P", 15, 0),
    ("E", 18, 0),
    ("", 0, 0),
];

/// Whether a field of that name holds quantities, itself or in its fields.
pub(super) fn is_field(name: &str) -> bool {
    matches!(name, "limits" | "requests" | "hard" | "capacity" | "sizeLimit" | "divisor" | "averageValue")
}

/// Whether both are the same number.
pub(super) fn is_same(a: &Value, b: &Value) -> bool {
    matches!((number(a), number(b)), (Some(a), Some(b)) if (a - b).abs() <= a.abs() * 1e-12)
}

fn number(value: &Value) -> Option<f64> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    SUFFIXES.iter().find_map(|&(suffix, tens, twos)| {
        let digits = text.strip_suffix(suffix)?;
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || b".+-eE".contains(&byte));
        let number: f64 = digits.parse().ok().filter(|_| is_plain)?;
        Some(number * 10f64.powi(tens) * 2f64.powi(twos))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_number_in_another_spelling_is_the_same() {
        for (a, b) in
            [("1000m", "1"), ("1.5Gi", "1536Mi"), ("0.1", "100m"), ("1e3", "1k"), ("5E", "5e18"), ("1024", "1Ki")]
        {
            assert!(is_same(&json!(a), &json!(b)), "{a} {b}");
        }
        assert!(is_same(&json!(1), &json!("1")) && is_same(&json!(0.5), &json!("500m")));
        for (a, b) in [("1000m", "2"), ("1Gi", "1G"), ("a", "a"), ("inf", "inf"), ("1x", "1"), ("", "0")] {
            assert!(!is_same(&json!(a), &json!(b)), "{a} {b}");
        }
    }
}
