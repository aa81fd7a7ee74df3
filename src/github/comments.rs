//! The comments of a pull request: listed, made, changed and deleted.

use serde::Deserialize;
use serde_json::json;

use super::call::{Client, Request};
use super::refusal::Refusal;
use crate::mask::Masked;

/// GitHub's most.
const PER_PAGE: usize = 100;

/// A comment as GitHub has it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Found {
    pub(super) id: u64,
    pub(super) html_url: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    /// `None` where the account is gone.
    pub(super) user: Option<User>,
}

impl Found {
    pub(super) fn text(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }
}

/// Who wrote it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) login: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
}

impl Client {
    /// Every comment that `is_wanted`, the oldest first.
    pub(super) async fn list(&self, is_wanted: impl Fn(&Found) -> bool) -> Result<Vec<Found>, Refusal> {
        let mut wanted = Vec::new();
        for page in 1_usize.. {
            let path = format!("{}?per_page={PER_PAGE}&page={page}", self.place.comments());
            let answer = self.send(&path, Request::Get).await?;
            if answer.status != 200 {
                return Err(Refusal::of_answer(&answer));
            }
            wanted.extend(answer.read::<Vec<Found>>()?.into_iter().filter(&is_wanted));
            if !answer.has_next() {
                break;
            }
        }
        wanted.sort_by_key(|comment| comment.id);
        Ok(wanted)
    }

    /// A new comment. [`Refusal::Unanswered`] says that there may be one now.
    pub(super) async fn create(&self, text: &Masked) -> Result<Found, Refusal> {
        let answer = self.send(&self.place.comments(), Request::Post(&json!({"body": text.as_str()}))).await?;
        if answer.status == 201 { Ok(answer.read()?) } else { Err(Refusal::of_answer(&answer)) }
    }

    pub(super) async fn update(&self, id: u64, text: &Masked) -> Result<Found, Refusal> {
        let answer = self.send(&self.place.comment(id), Request::Patch(&json!({"body": text.as_str()}))).await?;
        if answer.status == 200 { Ok(answer.read()?) } else { Err(Refusal::of_answer(&answer)) }
    }

    /// Deletes a comment; that it is gone already is as good.
    pub(super) async fn delete(&self, id: u64) -> Result<(), Refusal> {
        let answer = self.send(&self.place.comment(id), Request::Delete).await?;
        if matches!(answer.status, 204 | 404) { Ok(()) } else { Err(Refusal::of_answer(&answer)) }
    }

    /// The person behind the token; `None` if it is an app's.
    pub(super) async fn person(&self) -> Result<Option<User>, Refusal> {
        let answer = self.send("/user", Request::Get).await?;
        match answer.status {
            200 => Ok(Some(answer.read()?)),
            403 | 404 => Ok(None),
            _ => Err(Refusal::of_answer(&answer)),
        }
    }
}
