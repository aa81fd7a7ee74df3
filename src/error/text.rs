//! Words of this program with parts that come from elsewhere.

use std::fmt;
use std::ops::{Deref, Range};

/// A text that knows which of its words are the program's own. All else came from elsewhere, and values are hidden in it.
///
/// A value that is an ordinary word, `production` for one, would otherwise turn words of ours into `***`, and so tell what it is.
/// Made by `text!`, or of a literal; a `String` is from elsewhere as a whole.
#[derive(Clone, Default)]
pub struct Text(Box<Words>);

#[derive(Clone, Default)]
struct Words {
    whole: String,
    /// Ascending, apart from each other.
    own: Vec<Range<usize>>,
}

impl Text {
    /// What `arguments`, made of `format`, say: what stands in `format` itself is ours. By `text!` only.
    #[doc(hidden)]
    pub fn of(format: &'static str, arguments: fmt::Arguments<'_>) -> Self {
        let mut sink = Sink { text: Self::default(), literals: literals(format) };
        // A `Display` that fails has said what it could.
        let _ = fmt::write(&mut sink, arguments);
        sink.text
    }

    /// Adds `more` at the end.
    pub fn push(&mut self, more: impl Into<Self>) {
        let more = more.into();
        let length = self.0.whole.len();
        self.0.whole.push_str(&more.0.whole);
        more.0.own.into_iter().for_each(|own| self.owns(own.start + length..own.end + length));
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0.whole
    }

    /// Which bytes are the program's own, ascending, apart from each other.
    pub fn own(&self) -> &[Range<usize>] {
        &self.0.own
    }

    fn owns(&mut self, range: Range<usize>) {
        match self.0.own.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.0.own.push(range),
        }
    }
}

/// As [`format!`], of a [`Text`]: the words of the format itself are the program's own.
#[macro_export]
#[doc(hidden)]
macro_rules! __text {
    ($format:literal $($arguments:tt)*) => {
        $crate::error::Text::of($format, ::std::format_args!($format $($arguments)*))
    };
}

/// Tells the literals of a format from what is written between them: a format's literals come one by one, and in order.
struct Sink {
    text: Text,
    /// Those to come, the next one last.
    literals: Vec<String>,
}

impl fmt::Write for Sink {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let start = self.text.0.whole.len();
        self.text.0.whole.push_str(piece);
        // Something else that writes the same words is taken for ours; it tells no more than these words do.
        if self.literals.pop_if(|next| next == piece).is_some() {
            self.text.owns(start..start + piece.len());
        }
        Ok(())
    }
}

/// What stands between the arguments of a format, the first one last.
fn literals(format: &str) -> Vec<String> {
    let (mut all, mut literal) = (Vec::new(), String::new());
    let mut characters = format.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '{' | '}' if characters.peek() == Some(&c) => literal.extend(characters.next()),
            '{' => {
                all.push(std::mem::take(&mut literal));
                characters.by_ref().find(|c| *c == '}');
            }
            _ => literal.push(c),
        }
    }
    all.push(literal);
    all.retain(|literal| !literal.is_empty());
    all.reverse();
    all
}

impl From<&'static str> for Text {
    /// A literal is ours.
    fn from(words: &'static str) -> Self {
        let mut text = Self::from(words.to_owned());
        text.owns(0..words.len());
        text
    }
}

impl From<String> for Text {
    /// Anything may be in it.
    fn from(text: String) -> Self {
        Self(Box::new(Words { whole: text, own: Vec::new() }))
    }
}

impl From<fmt::Arguments<'_>> for Text {
    fn from(arguments: fmt::Arguments<'_>) -> Self {
        arguments.to_string().into()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.whole
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.whole.fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.whole.fmt(f)
    }
}

/// The same words; whose they are does not count.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0.whole == other.0.whole
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0.whole == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0.whole == *other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        self.0.whole == *other
    }
}

#[cfg(test)]
mod tests {
    use crate::error::{Text, text};

    /// The words that are ours.
    fn own(text: &Text) -> Vec<&str> {
        text.own().iter().map(|range| &text[range.clone()]).collect()
    }

    #[test]
    fn the_words_of_a_format_are_ours_and_its_parts_are_not() {
        let (name, number) = ("NAME", 3);
        let told = text!("`{name}` is not set, {number:>2} of {{{}}} are{}", "a".to_owned() + "b", name);
        assert_eq!(told, "`NAME` is not set,  3 of {ab} are".to_owned() + "NAME");
        assert_eq!(own(&told), ["`", "` is not set, ", " of {", "} are"]);
        assert_eq!(own(&text!("only words")), ["only words"]);
        assert_eq!(own(&Text::from("a literal")), ["a literal"]);
        assert!(own(&Text::from(format!("{name} of somewhere"))).is_empty());
    }

    #[test]
    fn what_is_told_within_is_not_ours_though_it_may_be() {
        let number = 1;
        let inner = text!("inner {number}");
        assert_eq!(own(&text!("outer {inner}")), ["outer "]);
        let mut both = text!("outer ");
        both.push(inner);
        assert_eq!((&*both, own(&both)), ("outer inner 1", vec!["outer inner "]));
    }

    #[test]
    fn a_part_that_says_our_words_does_not_make_others_ours() {
        let part = String::from(" is ");
        let told = text!("{part} is {}", String::from("secret"));
        assert_eq!(told, " is  is secret");
        assert!(own(&told).iter().all(|words| *words == " is "));
    }
}
