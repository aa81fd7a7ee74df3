//! Bytes of a stream as lines, the way .NET's `StreamReader` reads them.

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// All lines of `bytes`: `\n`, `\r\n` and a bare `\r` end one; what is not UTF-8 becomes U+FFFD; a byte order mark at
/// the very start is no text.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    let mut reader = LineReader::default();
    let mut lines = reader.push(bytes);
    lines.extend(reader.finish());
    lines
}

/// `bytes` as text, without a byte order mark: how the runner reads a whole file.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)).into_owned()
}

/// Lines of bytes that come piece by piece; a line is handed out once it has ended.
#[derive(Debug, Clone, Default)]
pub struct LineReader {
    pending: Vec<u8>,
    begun: bool,
}

impl LineReader {
    /// The lines that `bytes` end. A `\r` at the end waits for what follows, which may be its `\n`.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.pending.extend_from_slice(bytes);
        if !self.begun {
            if self.pending.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.pending) {
                return Vec::new();
            }
            self.begun = true;
            if self.pending.starts_with(BYTE_ORDER_MARK) {
                self.pending.drain(..BYTE_ORDER_MARK.len());
            }
        }
        let (mut lines, mut from) = (Vec::new(), 0);
        while let Some(length) = self.pending[from..].iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let end = from + length;
            let after = match &self.pending[end..] {
                [b'\r'] => break,
                [b'\r', b'\n', ..] => end + 2,
                _ => end + 1,
            };
            lines.push(String::from_utf8_lossy(&self.pending[from..end]).into_owned());
            from = after;
        }
        self.pending.drain(..from);
        lines
    }

    /// The last line, if the stream ended without a line end.
    pub fn finish(self) -> Option<String> {
        let rest = self.pending.strip_suffix(b"\r").unwrap_or(&self.pending);
        (!self.pending.is_empty()).then(|| String::from_utf8_lossy(rest).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_line_ends_are_known() {
        assert_eq!(lines(b"a\nb\r\nc\rd\n\n\r\r\ne"), ["a", "b", "c", "d", "", "", "", "e"]);
        assert_eq!(lines(b"a\r"), ["a"]);
        assert_eq!(lines(b""), [""; 0]);
    }

    #[test]
    fn a_byte_order_mark_counts_at_the_very_start_alone() {
        assert_eq!(lines("\u{feff}a\n\u{feff}b\n".as_bytes()), ["a", "\u{feff}b"]);
        assert_eq!(lines(b"\xef\xbb"), ["\u{fffd}"]);
        assert_eq!(text("\u{feff}\u{feff}a".as_bytes()), "\u{feff}a");
    }

    #[test]
    fn pieces_make_the_lines_of_the_whole() {
        let whole = "\u{feff}eins\r\nzwei\rdr\u{fc}i\n\r".as_bytes();
        for cut in 0..=whole.len() {
            let mut reader = LineReader::default();
            let mut got = reader.push(&whole[..cut]);
            got.extend(reader.push(&whole[cut..]));
            got.extend(reader.finish());
            assert_eq!(got, lines(whole), "cut at {cut}");
        }
    }
}
