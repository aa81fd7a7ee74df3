//! A template file as filling needs it: read, surveyed, its placeholders taken apart.

use super::document::{Content, NodeId, SourceFile};
use super::place::{Survey, survey};
use super::placeholder::{self, Parsed};
use crate::error::Problem;

/// All that is known of a file before there are values.
#[derive(Debug)]
pub(super) struct TemplateFile {
    pub(super) source: SourceFile,
    pub(super) survey: Survey,
    /// Every scalar with a `$`, in the order of the text.
    pub(super) marked: Vec<(NodeId, Parsed)>,
}

impl TemplateFile {
    /// Reads `text`; `name` is for messages.
    ///
    /// # Errors
    /// What is not YAML or JSON, with line and column; keys that stand twice; what unfolds without an end.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let source = SourceFile::parse(name, text)?;
        let survey = survey(&source)?;
        let scalars = source.nodes.iter().enumerate().filter_map(|(node, content)| match &content.content {
            Content::Scalar(scalar) if scalar.text.contains('$') => Some((node, placeholder::parse(&scalar.text))),
            _ => None,
        });
        let marked = scalars.collect();
        Ok(Self { source, survey, marked })
    }
}
