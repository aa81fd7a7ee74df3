//! The edge to the disk: what the user's files say, where they lie, and the one file that is written.

mod beneath;
pub mod git;
#[cfg(test)]
mod kill;
mod layout;
mod lend;
mod mark;
mod memory;
mod patch_file;
mod read;
mod remove;
mod text_file;
mod tree;

pub use layout::{Layout, Overlay, Overrides, PATCH_SUFFIX, environments, find_root};
pub use lend::Lent;
pub use mark::Lasting;
pub use memory::{forbid_core_dumps, memory_file};
pub use patch_file::PatchFile;
pub use read::{
    LIMIT, TextFile, is_there, may_wait, names_in, read_if_there, read_stream, read_templates, read_text,
    read_unlinked, read_workflows,
};
pub use remove::{Removal, remove_rendered};
pub use text_file::write_text;
pub use tree::Machine;
