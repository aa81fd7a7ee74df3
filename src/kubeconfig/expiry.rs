//! Until when a certificate is good: one date of its DER, for which a parser of whole certificates would be ten crates more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The last second in which the first certificate of `pem` is valid, since 1970; `None` where that cannot be read.
pub(super) fn not_after(pem: &str) -> Option<u64> {
    let (_, begun) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = begun.split_once("-----END")?;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    of_der(&STANDARD.decode(body).ok()?)
}

/// A day as `2026-11-22`.
pub(super) fn day(seconds: u64) -> String {
    let day = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    day.map(|day| day.format("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// RFC 5280: a certificate is a sequence that begins with what is signed: version, serial number, algorithm, issuer, validity.
fn of_der(der: &[u8]) -> Option<u64> {
    let sequence = |bytes| element(bytes).filter(|(tag, ..)| *tag == SEQUENCE);
    let (_, certificate, _) = sequence(der)?;
    let (_, signed, _) = sequence(certificate)?;
    let (tag, _, after) = element(signed)?;
    let serial = if tag == VERSION { after } else { signed };
    let (_, _, algorithm) = element(serial)?;
    let (_, _, issuer) = element(algorithm)?;
    let (_, _, validity) = element(issuer)?;
    let (_, dates, _) = sequence(validity)?;
    let (_, _, end) = element(dates)?;
    let (tag, not_after, _) = element(end)?;
    seconds(tag, not_after)
}

/// The first element's tag and content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (length, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(length, _)| length.len() <= 4)?;
        (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDhhmmssZ`, from 1950 on, or `YYYYMMDDhhmmssZ`; `None` also for what was before 1970.
fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = text.split_at_checked(if tag == GENERALIZED_TIME { 4 } else { 2 })?;
    let year: i32 = year.parse().ok()?;
    let year = match tag {
        UTC_TIME if year < 50 => year + 2000,
        UTC_TIME => year + 1900,
        GENERALIZED_TIME => year,
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u32>().ok();
    let day = NaiveDate::from_ymd_opt(year, part(0)?, part(2)?)?;
    day.and_hms_opt(part(4)?, part(6)?, part(8)?)?.and_utc().timestamp().try_into().ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A certificate that is good until then, with nothing else in it.
    pub(in crate::kubeconfig) fn pem(not_after: &str) -> String {
        let der = certificate(&[(UTC_TIME, "200101000000Z"), (UTC_TIME, not_after)], true);
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
    }

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let length = if length < 0x80 { vec![length as u8] } else { vec![0x82, (length >> 8) as u8, length as u8] };
        [&[tag], &length[..], content].concat()
    }

    fn certificate(dates: &[(u8, &str)], version: bool) -> Vec<u8> {
        let dates: Vec<u8> = dates.iter().flat_map(|(tag, date)| der(*tag, date.as_bytes())).collect();
        let fields = [der(0x02, &[1]), der(SEQUENCE, &[]), der(SEQUENCE, &[0; 200]), der(SEQUENCE, &dates)].concat();
        let version = if version { der(VERSION, &der(0x02, &[2])) } else { Vec::new() };
        der(SEQUENCE, &der(SEQUENCE, &[version, fields].concat()))
    }

    #[test]
    fn both_forms_of_dates_are_read() {
        let dates = [(UTC_TIME, "700101000001Z"), (GENERALIZED_TIME, "20500301120000Z")];
        for version in [true, false] {
            assert_eq!(of_der(&certificate(&dates, version)), Some(2_529_748_800));
        }
        assert_eq!(seconds(UTC_TIME, b"240229235959Z"), Some(1_709_251_199));
    }

    #[test]
    fn what_is_no_certificate_has_no_dates_and_does_no_harm() {
        let whole = certificate(&[(UTC_TIME, "240101000000Z"), (UTC_TIME, "250101000000Z")], true);
        assert!(of_der(&whole).is_some());
        assert!((0..whole.len()).all(|length| of_der(&whole[..length]).is_none()));
        for text in
            ["", "2401010000Z", "241301000000Z", "240100000000Z", "500101000000Z", "2401010000000", "24é101000000Z"]
        {
            assert_eq!(seconds(UTC_TIME, text.as_bytes()), None, "{text}");
        }
        assert_eq!(not_after("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), None);
    }

    #[test]
    fn a_day_is_written_as_it_is_read() {
        for (seconds, text) in [
            (0, "1970-01-01"),
            (1_709_251_199, "2024-02-29"),
            (2_529_748_800, "2050-03-01"),
            (1_735_603_200, "2024-12-31"),
        ] {
            assert_eq!(day(seconds), text);
        }
    }
}
