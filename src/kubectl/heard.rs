//! What a child says on stderr: hidden as it comes, so that nothing else of it is kept.

use zeroize::Zeroizing;

use super::Untrusted;
use crate::mask::{Masker, Redactor};

/// The most that is kept; the rest is read and dropped.
const CAP: usize = 4 << 20;

/// A child's stderr so far.
pub(super) struct Heard {
    masker: Masker,
    redactor: Redactor,
    /// The last line, which has not ended yet.
    line: Zeroizing<Vec<u8>>,
    text: Zeroizing<String>,
    /// So many bytes are still taken.
    room: usize,
}

impl Heard {
    pub(super) fn new(masker: &Masker) -> Self {
        let redactor = masker.stream();
        Self { masker: masker.clone(), redactor, line: Zeroizing::default(), text: Zeroizing::default(), room: CAP }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(self.room)];
        self.room -= bytes.len();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// All that was said, without values.
    pub(super) fn finish(mut self) -> Untrusted {
        self.end_line();
        self.flush();
        Untrusted::new(std::mem::take(&mut *self.text))
    }

    fn end_line(&mut self) {
        if is_request(&self.line) {
            self.flush();
            self.text.push_str(&String::from_utf8_lossy(&self.line));
        } else if is_cut_off(&self.line) {
            self.flush();
            self.text.push_str(CUT_OFF);
        } else {
            self.text.push_str(self.redactor.push(&self.line).as_str());
        }
        self.line.clear();
    }

    fn flush(&mut self) {
        let redactor = std::mem::replace(&mut self.redactor, self.masker.stream());
        self.text.push_str(redactor.finish().as_str());
    }
}

/// A line of kubectl's log (`-v=6`) about a request: it stays, since it holds names and tells which object an answer belongs to.
fn is_request(line: &[u8]) -> bool {
    let is_log = line.len() > 6 && line[0] == b'I' && line[1..5].iter().all(u8::is_ascii_digit) && line[5] == b' ';
    let has = |part: &str| memchr::memmem::find(line, part.as_bytes()).is_some();
    is_log && has("] \"Response\" verb=\"") && has(" url=\"") && has(" status=\"")
}

/// A warning without words, as no server sends it: in the place of one that may end in a piece of a value, which nobody would find.
const CUT_OFF: &str = "Warning: \n";

/// Whether the API server may have cut this warning: once those of an answer are more than 4,096 characters together, it cuts each.
fn is_cut_off(line: &[u8]) -> bool {
    const RUNES: usize = 256;
    let warning = line.strip_prefix(b"Warning: ");
    warning.is_some_and(|words| String::from_utf8_lossy(words).trim_end_matches('\n').chars().count() == RUNES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn values_go_however_they_arrive_and_requests_stay() {
        let masker = Masker::new();
        masker.add(&Secret::new("hunter2"));
        let request =
            "I1122 15:36:10.947779 1 r.go:1] \"Response\" verb=\"PATCH\" url=\"https://h/hunter2\" status=\"200 OK\"\n";
        let text = format!("error: hunter2\n{request}x verb=\"hunter2\" url=\"\" status=\"\"\n\"hunter\\u0032\"");
        for pieces in [1, 5, 4096] {
            let mut heard = Heard::new(&masker);
            text.as_bytes().chunks(pieces).for_each(|piece| heard.push(piece));
            let expected = format!("error: ***\n{request}x verb=\"***\" url=\"\" status=\"\"\n\"***\"");
            assert_eq!(heard.finish().expose_for_redaction(), expected);
        }
    }

    #[test]
    fn a_warning_that_the_server_has_cut_goes_whole() {
        let masker = Masker::new();
        masker.add(&Secret::new(&*"sécret".repeat(100)));
        let cut: String = format!("looked at {}", "sécret".repeat(100)).chars().take(256).collect();
        let shorter: String = cut.chars().take(255).map(|_| 'x').collect();
        let mut heard = Heard::new(&masker);
        heard.push(format!("Warning: {cut}\nWarning: {shorter}\nWarning: {cut}").as_bytes());
        assert_eq!(heard.finish().expose_for_redaction(), format!("{CUT_OFF}Warning: {shorter}\n{CUT_OFF}"));
    }

    #[test]
    fn what_is_too_much_is_dropped() {
        let mut heard = Heard::new(&Masker::new());
        (0..3).for_each(|_| heard.push(&vec![b'x'; CAP / 2 + 1]));
        assert_eq!(heard.finish().expose_for_redaction().len(), CAP);
    }
}
