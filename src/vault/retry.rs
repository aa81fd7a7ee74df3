//! When a request is sent again, and how long before.

use std::time::Duration;

/// How often one request is sent at most.
pub(super) const TRIES: u32 = 6;

const FIRST_PAUSE: Duration = Duration::from_millis(150);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Whether an answer may be another one in a moment: 412 is a replica that has not heard of the token yet, 472 and 473 are standbys.
pub(super) fn is_transient(status: u16) -> bool {
    matches!(status, 412 | 429 | 472 | 473 | 500 | 502 | 503 | 504)
}

/// How long to wait after the try `tried` (from 1): what the server asks for, else twice as long each time, with jitter in `0.0..1.0` so
/// that the jobs of a matrix do not come back together.
pub(super) fn pause(tried: u32, retry_after: Option<u64>, jitter: f64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << tried.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    let jittered = doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
    retry_after.map_or(jittered, |seconds| Duration::from_secs(seconds) + jittered / 4)
}

/// A number in `0.0..1.0`; no secret depends on it.
pub(super) fn jitter() -> f64 {
    let mut bytes = [0; 2];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::NONBLOCK).unwrap_or(0);
    if filled == bytes.len() { f64::from(u16::from_le_bytes(bytes)) / 65536.0 } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound_and_obey_the_server() {
        let pauses: Vec<u128> = (1..=8).map(|tried| pause(tried, None, 1.0).as_millis()).collect();
        assert_eq!(pauses, [150, 300, 600, 1200, 2400, 4800, 5000, 5000]);
        assert_eq!(pause(1, None, 0.0), Duration::from_millis(75));
        assert!(pause(1, Some(3), 0.0) >= Duration::from_secs(3));
    }

    #[test]
    fn refusals_are_not_transient() {
        assert!([400, 401, 403, 404, 405].into_iter().all(|status| !is_transient(status)));
        assert!([412, 429, 503].into_iter().all(is_transient));
    }
}
