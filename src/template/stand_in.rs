//! What kustomize sees in place of the values of Secrets and ConfigMaps.
//!
//! kustomize 5.8 changes some characters without a word (U+0085 becomes a blank) and prints whole Secrets when others make it fail (DEL).
//! A stand-in is a plain word, so values never reach that child or the disk. It is a hash of the value, because the names of generated
//! objects end in a hash of their content: they must change with the value, and only then.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::document::NodeId;
use super::expand::FilledScalar;
use super::fill::{self, FilledFile};

use crate::secret::Secret;

/// Whether a filled template will be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandIns {
    /// Its values stay in their places.
    None,
    /// It is also wanted as kustomize gets it.
    Make,
}

/// The filled template as kustomize gets it.
#[derive(Debug, Default)]
pub struct ForBuild {
    /// The patch with a stand-in for each filled value of a Secret or ConfigMap.
    pub text: Secret,
    /// Each stand-in with its value.
    pub stand_ins: Vec<(String, Secret)>,
}

impl ForBuild {
    pub(super) fn of(files: &[FilledFile<'_>]) -> Self {
        let words: Vec<HashMap<NodeId, String>> = files.iter().map(words).collect();
        let text = |(file, words): (&FilledFile<'_>, &HashMap<NodeId, String>)| {
            fill::write(&file.template.source, &file.scalars, &|scalar| words.get(&scalar.node).cloned())
        };
        let texts: Vec<String> = files.iter().zip(&words).map(text).collect();
        let scalars = files.iter().zip(words).flat_map(|(file, mut words)| {
            file.scalars.iter().filter_map(move |scalar| Some((words.remove(&scalar.node)?, scalar)))
        });
        let stand_ins = scalars.map(|(word, scalar)| (word, Secret::new(scalar.expansion.text.as_str())));
        Self {
            stand_ins: stand_ins.collect(),
            text: Secret::new(super::joined(files, texts.iter().map(String::as_str))),
        }
    }
}

/// What stands for each scalar of data.
fn words(file: &FilledFile<'_>) -> HashMap<NodeId, String> {
    let data = file.scalars.iter().filter(|scalar| is_data(scalar));
    data.map(|scalar| (scalar.node, word(&scalar.expansion.text))).collect()
}

/// Seen as data only: a scalar that an alias also puts elsewhere keeps its value.
fn is_data(scalar: &FilledScalar) -> bool {
    scalar.roles.iter().all(|role| role.is_data())
}

/// 64 characters, which also are base64.
fn word(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut word = "spv0".to_owned();
    for byte in digest.iter().take(30) {
        let _ = write!(word, "{byte:02x}");
    }
    word
}
