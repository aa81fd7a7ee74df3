//! Which strings to hide, and hiding them.
