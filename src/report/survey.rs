//! What a command found that is no change of a build: tables under a sentence, and the same as data.

use serde_json::Value;

use super::markdown::{code, escaped};
use super::words::printable;
use crate::mask::Masker;

/// Tables under a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// What happened, without a full stop.
    pub sentence: String,
    /// In the order in which they are printed.
    pub tables: Vec<Table>,
    /// The same for programs: the member `eso` of the JSON report.
    pub data: Value,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Its heading.
    pub title: &'static str,
    /// The heads of its columns.
    pub columns: &'static [&'static str],
    /// As many cells each as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Names, as they stand in a manifest.
    Names(Vec<String>),
    /// Words of ours.
    Words(String),
}

impl Cell {
    /// One name.
    pub fn name(name: impl Into<String>) -> Self {
        Self::Names(vec![name.into()])
    }

    /// Words.
    pub fn words(words: impl Into<String>) -> Self {
        Self::Words(words.into())
    }

    fn text(&self) -> String {
        match self {
            Self::Names(names) => names.join(", "),
            Self::Words(words) => words.clone(),
        }
    }

    fn markdown(&self) -> String {
        match self {
            Self::Names(names) => names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", "),
            Self::Words(words) => escaped(words),
        }
    }

    fn redacted(&self, masker: &Masker) -> Self {
        let text = |text: &String| printable(masker.redact(text).as_str());
        match self {
            Self::Names(names) => Self::Names(names.iter().map(text).collect()),
            Self::Words(words) => Self::Words(text(words)),
        }
    }
}

impl Survey {
    pub(super) fn redacted(&self, masker: &Masker) -> Self {
        let table = |table: &Table| Table {
            rows: table.rows.iter().map(|row| row.iter().map(|cell| cell.redacted(masker)).collect()).collect(),
            ..table.clone()
        };
        Self {
            sentence: printable(masker.redact(&self.sentence).as_str()),
            tables: self.tables.iter().map(table).collect(),
            data: redacted(&self.data, masker),
        }
    }

    /// The tables for a terminal or a log.
    pub(super) fn text(&self) -> String {
        let shown = self.tables.iter().filter(|table| !table.rows.is_empty());
        shown.map(|table| format!("{}\n{}\n", table.title, lines(table))).collect()
    }

    /// The tables as GitHub Markdown.
    pub(super) fn markdown(&self) -> String {
        self.tables.iter().filter(|table| !table.rows.is_empty()).map(page).collect()
    }
}

fn redacted(value: &Value, masker: &Masker) -> Value {
    match value {
        Value::String(text) => printable(masker.redact(text).as_str()).into(),
        Value::Array(items) => items.iter().map(|item| redacted(item, masker)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), redacted(value, masker))).collect())
        }
        other => other.clone(),
    }
}

/// Columns side by side, two blanks apart.
fn lines(table: &Table) -> String {
    let head: Vec<String> = table.columns.iter().map(|column| column.to_uppercase()).collect();
    let rows = table.rows.iter().map(|row| row.iter().map(Cell::text).collect());
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn page(table: &Table) -> String {
    let head = format!("| {} |\n|{}\n", table.columns.join(" | "), " --- |".repeat(table.columns.len()));
    let row = |row: &Vec<Cell>| format!("| {} |\n", row.iter().map(Cell::markdown).collect::<Vec<_>>().join(" | "));
    format!("### {}\n\n{head}{}\n", table.title, table.rows.iter().map(row).collect::<String>())
}
