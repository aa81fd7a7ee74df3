//! When GitHub wants to be left alone, and for how long.
//!
//! The rules are GitHub's own: <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::answer::Answer;

/// What GitHub asks for where it does not say how long.
const MINUTE: Duration = Duration::from_secs(60);

/// How long to wait before the same request may be sent again; `None` if this answer is no limit. A limited request was not carried out.
pub(super) fn pause(answer: &Answer) -> Option<Duration> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    pause_at(answer, since_epoch)
}

fn pause_at(answer: &Answer, now: Duration) -> Option<Duration> {
    if !matches!(answer.status, 403 | 429) {
        return None;
    }
    if let Some(text) = &answer.retry_after {
        return Some(text.trim().parse().map_or(MINUTE, Duration::from_secs));
    }
    if answer.limit_remaining.as_deref() == Some("0") {
        let reset = answer.limit_reset.as_deref().and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        // A second more, since the clocks may differ.
        return Some(reset.map_or(MINUTE, |reset| reset.saturating_sub(now) + Duration::from_secs(1)));
    }
    let message = answer.message().unwrap_or_default().to_lowercase();
    let limited = answer.status == 429 || ["rate limit", "abuse detection"].iter().any(|words| message.contains(words));
    limited.then_some(MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(answer: &Answer) -> Option<u64> {
        pause_at(answer, Duration::from_secs(1_000)).map(|pause| pause.as_secs())
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned(), ..Answer::default() }
    }

    #[test]
    fn a_named_time_comes_first_then_the_reset_then_a_minute() {
        let both = Answer {
            retry_after: Some("7".into()),
            limit_remaining: Some("0".into()),
            limit_reset: Some("1030".into()),
            ..answer(403, "")
        };
        assert_eq!(seconds(&both), Some(7));
        let reset = Answer { retry_after: None, ..both };
        assert_eq!(seconds(&reset), Some(31));
        let past = Answer { limit_reset: Some("900".into()), ..reset.clone() };
        assert_eq!(seconds(&past), Some(1));
        let unclear = Answer { limit_reset: Some("soon".into()), ..reset };
        assert_eq!(seconds(&unclear), Some(60));
        let date = Answer { retry_after: Some("Wed, 21 Oct 2026 07:28:00 GMT".into()), ..answer(429, "") };
        assert_eq!(seconds(&date), Some(60));
    }

    #[test]
    fn a_secondary_limit_is_told_by_its_words() {
        assert_eq!(seconds(&answer(403, r#"{"message": "You have exceeded a secondary rate limit."}"#)), Some(60));
        assert_eq!(
            seconds(&answer(403, r#"{"message": "You have triggered an abuse detection mechanism."}"#)),
            Some(60)
        );
        assert_eq!(seconds(&answer(429, "")), Some(60));
    }

    #[test]
    fn a_refusal_is_no_limit() {
        let forbidden = answer(403, r#"{"message": "Resource not accessible by integration"}"#);
        assert_eq!(seconds(&Answer { limit_remaining: Some("4999".into()), ..forbidden }), None);
        let other = Answer { retry_after: Some("7".into()), ..answer(404, "") };
        assert_eq!(seconds(&other), None);
    }
}
