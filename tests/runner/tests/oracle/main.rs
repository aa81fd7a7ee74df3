//! `@actions/core` as the oracle: what it writes the model reads back, and what secret-patch writes is the same.
//!
//! Needs node and the package, which `./test runner` installs. The seed is printed; `RUNNER_SEED` sets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod corpus;
mod node;
mod product;
mod read_back;
