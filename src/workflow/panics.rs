//! What is said where the program itself is at fault: redacted like everything else, and without a backtrace.

use std::any::Any;
use std::io::{self, Write as _};
use std::panic::{self, Location};

use super::harmless;
use crate::error::{Text, text};
use crate::mask::{Masked, Masker};

/// From now on a panic says on stderr what it was and where, without what `masker` knows by then.
pub fn tell(masker: &Masker) {
    let masker = masker.clone();
    panic::set_hook(Box::new(move |panic| {
        let told = told(panic.payload(), panic.location(), &masker);
        // There is nobody left to tell that stderr is closed.
        let _ = writeln!(io::stderr(), "{}", harmless(told.as_str()));
    }));
}

fn told(payload: &(dyn Any + Send), location: Option<&Location<'_>>, masker: &Masker) -> Masked {
    let said = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
    let mut told: Text = text!("internal error: {}", said.unwrap_or("of an unknown kind"));
    if let Some(location) = location {
        told.push(text!(" ({location})"));
    }
    masker.redact_text(&told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_panic_is_told_without_values() {
        let masker = Masker::new();
        masker.add(&Secret::new("hunter2"));
        let told = |payload: Box<dyn Any + Send>| told(&*payload, Some(Location::caller()), &masker).to_string();
        let place = format!(" ({}:", file!());
        assert!(told(Box::new("no hunter2")).starts_with(&format!("internal error: no ***{place}")));
        assert!(told(Box::new("\"hunter\\u0032\"".to_owned())).starts_with(&format!("internal error: \"***\"{place}")));
        assert!(told(Box::new(3)).starts_with("internal error: of an unknown kind"));
    }
}
