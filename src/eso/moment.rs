//! Times as Kubernetes writes them, and how long ago they are.

use chrono::DateTime;

/// Seconds since 1970, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub i64);

impl Moment {
    /// Reads `2026-01-07T12:00:00Z`; fractions of seconds are left out.
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self(at.timestamp()))
    }

    /// Seconds from `earlier` to this; zero where the clocks disagree.
    pub fn since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).max(0)
    }

    /// `3d`, `5h`, `12m`, `40s`: how long ago `earlier` is.
    pub fn age(self, earlier: Self) -> String {
        span(self.since(earlier))
    }
}

/// `3d`, `5h`, `12m`, `40s`.
fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Seconds of a Go duration such as `1h0m0s`, `90s`, `1.5h`; `None` for anything else.
pub fn interval(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        seconds += amount
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                "us" | "µs" | "ns" => 0.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of seconds is meant")]
    (!text.trim().is_empty()).then_some(seconds as i64)
}

/// Seconds as Go writes a duration. A shorter form would be rewritten by the controller, with which the next apply would conflict.
pub fn go_duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_server_writes_them() {
        assert_eq!(Moment::parse("1970-01-01T00:00:00Z"), Some(Moment(0)));
        assert_eq!(Moment::parse("2024-02-29T12:00:01Z"), Some(Moment(1_709_208_001)));
        assert_eq!(Moment::parse("2026-11-22T21:25:22.123456Z"), Some(Moment(1_795_382_722)));
        for wrong in ["", "today", "2024-02-29", "2024-02-29T12:00Z"] {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ages_and_durations_are_short_or_long_as_wanted() {
        assert_eq!([40, 7199, 7200, 172_800].map(span), ["40s", "119m", "2h", "2d"]);
        assert_eq!([3600, 90, 30, 5400].map(go_duration), ["1h0m0s", "1m30s", "30s", "1h30m0s"]);
        let read = ["1h0m0s", "90s", "1.5h", "0", "0s", "500ms"].map(interval);
        assert_eq!(read, [Some(3600), Some(90), Some(5400), Some(0), Some(0), Some(0)]);
        assert_eq!(["", "1", "h", "1d"].map(interval), [None; 4]);
    }
}
